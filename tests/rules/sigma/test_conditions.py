"""How selections are put together."""

import pytest

from tests.rules.sigma.writing import errors, holds, loaded, reasons, sigma

THREE = """
sel_a:
  Image: /a
sel_b:
  CommandLine|contains: b
other:
  User: c
condition: {}
"""
A, B, C = {"Image": "/a"}, {"CommandLine": "xb"}, {"User": "c"}


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ("sel_a", [A, A | B], [B, {}]),
        ("not sel_a", [B, {}], [A]),
        ("sel_a and sel_b", [A | B], [A, B]),
        ("sel_a or sel_b", [A, B], [C]),
        ("sel_a or sel_b and other", [A, B | C], [B, C]),
        ("(sel_a or sel_b) and other", [A | C, B | C], [A, C]),
        ("not sel_a and sel_b", [B], [A | B, C]),
        ("not (sel_a and sel_b)", [A, B, C], [A | B]),
        ("not not sel_a", [A], [B]),
        ("1 of sel_*", [A, B], [C]),
        ("any of sel_*", [A, B], [C]),
        ("all of sel_*", [A | B], [A, B]),
        ("1 of them", [A, B, C], [{}]),
        ("all of them", [A | B | C], [A | B]),
        ("1 of *", [A, B, C], [{}]),
        ("other and not 1 of sel_*", [C], [A | C, B | C]),
        ("not all of sel_* and other", [C, A | C], [A | B | C]),
        ("sel_a AND NOT other", [A], [A | C]),
        ("[sel_a, other]", [A, C], [B]),
    ],
)
def test_conditions(condition: str, yes: list[dict[str, str]], no: list[dict[str, str]]) -> None:
    """And binds tighter than or; patterns name selections; of several conditions one must hold."""
    text = sigma(THREE.format(condition))
    assert [fields for fields in yes if not holds(text, **fields)] == []
    assert [fields for fields in no if holds(text, **fields)] == []


def test_lists_of_maps() -> None:
    """Of maps in a list one must match as a whole; a text among them is looked for anywhere."""
    text = sigma(
        """
        selection:
          - Image: /a
          - CommandLine|contains: b
            User: c
          - word
        condition: selection
        """
    )
    assert holds(text, **A)
    assert holds(text, **B, **C)
    assert holds(text, ParentImage="/a/WORDS")
    assert not holds(text, **B)
    assert not holds(text, **C)


def test_keywords() -> None:
    """Values without a field are looked for in every text of an event."""
    text = sigma("words: [foo, 'b?r', 5]\ncondition: words")
    for field in ("CommandLine", "Image", "ParentCommandLine", "User", "CurrentDirectory"):
        assert holds(text, **{field: "xFOOx"})
        assert holds(text, **{field: "/bir/"})
        assert holds(text, **{field: "a5"})
    assert not holds(text, CommandLine="x")
    assert not holds(text)


def test_all_keywords() -> None:
    """All of them may be in different fields."""
    text = sigma("words:\n  '|all': [foo, bar]\ncondition: words")
    assert holds(text, CommandLine="foo", Image="/bar")
    assert not holds(text, CommandLine="foo foo")
    assert holds(sigma("words:\n  '|re': ['^fo+$']\ncondition: words"), User="foo")
    assert holds(sigma("words:\n  '|cased': [Foo]\ncondition: not words"), User="foo")


def test_nothing_as_a_keyword() -> None:
    """Nothing is not to be found anywhere."""
    assert reasons(sigma("words: [a, null]\ncondition: words")) == ["null needs a field to be compared with"]


def test_names_that_are_numbers() -> None:
    """A selection may be called by a number."""
    assert holds(sigma("1:\n  Image: /a\ncondition: 1"), **A)


def test_a_selection_that_nobody_names() -> None:
    """What the condition does not use may ask for anything."""
    text = sigma("a:\n  Image: /a\nb:\n  Hashes: x\ncondition: a")
    assert holds(text, **A)


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        ("missing", "detection 'missing' not defined in detections"),
        ("1 of missing*", "selector '1 of missing*' doesn't match any detection"),
        ("sel_a other", "the condition cannot be read at 'other', character 7"),
        ("sel_a and", "the condition cannot be read at end of text, character 10"),
        ("2 of sel_*", "the condition cannot be read at 'of', character 3"),
        ("not " * 5000 + "sel_a", "it is nested too deep"),
    ],
)
def test_broken_conditions(condition: str, error: str) -> None:
    """A condition that cannot be read is an error at its place."""
    (found,) = errors(sigma(THREE.format(condition)))
    assert found == f"1.yml:13:3: rule T: {error}"


@pytest.mark.parametrize("condition", ["sel_a | count() > 5", "sel_a | near sel_b"])
def test_counting_conditions(condition: str) -> None:
    """Counting in a condition, as Sigma had it once, is refused."""
    assert reasons(sigma(THREE.format(condition))) == [
        "'|' in a condition counts over time; write a correlation rule"
    ]
    timed = sigma("a:\n  Image: x\ntimeframe: 5m\ncondition: a")
    assert reasons(timed) == ["'timeframe' in a detection counts over time; write a correlation rule"]


def test_many_values() -> None:
    """A long list is one look into a set; a condition that multiplies it without end is refused."""
    values = ", ".join(f"'/x/{number}'" for number in range(20_000))
    text = sigma(f"a:\n  Image: [{values}]\ncondition: a")
    assert holds(text, Image="/X/19999")
    assert not holds(text, Image="/x/20000")
    again = text.replace("condition: a", f"condition: {' and '.join(['a'] * 10)}")
    assert reasons(again) == ["it has more than 100,000 checks"]


def test_nesting() -> None:
    """Many parentheses are no burden, many levels of not and and are refused."""
    assert holds(sigma(THREE.format("(" * 200 + "sel_a" + ")" * 200)), **A)
    assert holds(sigma(THREE.format(" and ".join(["sel_a"] * 2000))), **A)
    deep = "sel_a"
    for _ in range(60):
        deep = f"not (sel_b and not ({deep}))"
    found = loaded(sigma(THREE.format(deep)))
    (said,) = [str(each) for each in (*found.errors, *found.warnings)]
    assert "nested" in said
