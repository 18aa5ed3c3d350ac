"""Rule files that ask for more than any rule needs: refused quickly, and with a sentence."""

from tests.rules.files import errors, holds, only, rule


def test_bombs() -> None:
    """Files that would grow without end when they are understood are refused quickly."""
    doubling = "- macro: m0\n  condition: proc.name=a\n" + "".join(
        f"- macro: m{n}\n  condition: (m{n - 1} and proc.name=x{n}) or (m{n - 1} and proc.pname=y{n})\n"
        for n in range(1, 40)
    )
    assert "more than 10000 checks" in errors(doubling, rule("m39"))[0]
    laughs = "a: &a0 [x, x]\n" + "".join(
        f"b{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(12)
    )
    assert "more than 1000000 values" in errors(laughs)[0]
    assert "nested more than 20 deep" in errors("[" * 500)[0]
    assert "nested more than 20 deep" in errors("[" * 100_000)[0]


def test_deep_macros() -> None:
    """A chain of a thousand macros is no problem, unless it nests too deeply."""
    chain = "- macro: m0\n  condition: proc.name=a\n" + "".join(
        f"- macro: m{n}\n  condition: m{n - 1}\n" for n in range(1, 1000)
    )
    assert holds(only(chain, rule("evt.type=open and m999")), evt_type="open", proc_name="a")
    nested = "- macro: m0\n  condition: proc.name=a\n" + "".join(
        f"- macro: m{n}\n  condition: m{n - 1} {'or' if n % 2 else 'and'} proc.name=x{n}\n"
        for n in range(1, 1000)
    )
    assert "nested more than 100 deep" in errors(nested, rule("m999"))[0]
