"""Which texts are conditions, what they mean as trees, and where errors are found."""

import pytest

from rules.language.cursor import ConditionError
from rules.language.parser import MAX_PARENTHESES, parse
from rules.language.syntax import And, Check, Field, Literal, Macro, Not, Or, Several, Transformed

A, B, C = Macro("a"), Macro("b"), Macro("c")


def equals(name: str, value: str) -> Check:
    """``name = value``."""
    return Check(Field(name), "=", Literal(value))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("  a\t\n", A),
        ("(a)", A),
        ("a and b", And((A, B))),
        ("a or b and c", Or((A, And((B, C))))),
        ("(a or b) and c", And((Or((A, B)), C))),
        ("a and (b and c)", And((A, B, C))),
        ("(a)and(b)or(c)", Or((And((A, B)), C))),
        ("a and(b)", And((A, B))),
        ("a or(b) and c", Or((A, And((B, C))))),
        ("not a", Not(A)),
        ("not not a", A),
        ("not(a)and not(b)", And((Not(A), Not(B)))),
        ("not (a or b)", Not(Or((A, B)))),
        ("not not(not a)", Not(A)),
        ("nota and andb", And((Macro("nota"), Macro("andb")))),
        ("x.y exists", Check(Field("x.y"), "exists")),
        ("x.y exists and a", And((Check(Field("x.y"), "exists"), A))),
        ("x.y=1", equals("x.y", "1")),
        ("x.y = 'a b'", equals("x.y", "a b")),
        ('x.y = "it\'s"', equals("x.y", "it's")),
        (r'x.y = "a\"b\\c\n\x41\/"', equals("x.y", 'a"b\\c\nA/')),
        (r'x.y = "a\ b"', equals("x.y", "a\\b")),
        ("x.y = p.q", equals("x.y", "p.q")),
        ("x.y = /a/*.[b]", equals("x.y", "/a/*.[b]")),
        ("x.y = not", equals("x.y", "not")),
        ("x.y == 1", Check(Field("x.y"), "==", Literal("1"))),
        ("x.y != 1", Check(Field("x.y"), "!=", Literal("1"))),
        ("x.y >= -1", Check(Field("x.y"), ">=", Literal("-1"))),
        ("x.y <0x1F", Check(Field("x.y"), "<", Literal("0x1F"))),
        ("x.y > 1.5e+3", Check(Field("x.y"), ">", Literal("1.5e+3"))),
        ("x.y in ()", Check(Field("x.y"), "in", Several(()))),
        ("x.y in(a,'b c')", Check(Field("x.y"), "in", Several((Literal("a"), Literal("b c"))))),
        ("x.y in a", Check(Field("x.y"), "in", Several((Literal("a"),)))),
        ("x.y contains\nb", Check(Field("x.y"), "contains", Literal("b"))),
        ("x.y[3] = a", Check(Field("x.y", "3"), "=", Literal("a"))),
        ("x.y['a b'] = a", Check(Field("x.y", "a b"), "=", Literal("a"))),
        (
            "x.y startswith anyof (a, b)",
            Check(Field("x.y"), "startswith", Several((Literal("a"), Literal("b"))), "anyof"),
        ),
        ("x.y = anyof", equals("x.y", "anyof")),
        ("x.y = anyof and a", And((equals("x.y", "anyof"), A))),
        ("x.y = val(p.q)", Check(Field("x.y"), "=", Field("p.q"))),
        ("tolower(x.y) = a", Check(Transformed("tolower", (Field("x.y"),)), "=", Literal("a"))),
        (
            "len( b64( x.y ) ) > 3",
            Check(Transformed("len", (Transformed("b64", (Field("x.y"),)),)), ">", Literal("3")),
        ),
        (
            "join(\"-\", (x.y, 'l', 3)) = a",
            Check(
                Transformed("join", (Literal("-"), Several((Field("x.y"), Literal("l"), Literal("3"))))),
                "=",
                Literal("a"),
            ),
        ),
        (
            'getopt(x.y, "ab:")[b] = c',
            Check(Transformed("getopt", (Field("x.y"), Literal("ab:")), "b"), "=", Literal("c")),
        ),
    ],
)
def test_meaning(text: str, tree: object) -> None:
    """A text that follows the grammar has exactly this tree."""
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "at", "sentence"),
    [
        ("", 0, "expected '('"),
        ("a and", 5, "after 'and'"),
        ("a andb", 5, "after 'and'"),
        ("a b", 2, "expected 'and'"),
        ("and a", 0, "expected '('"),
        ("a not b", 2, "expected 'and'"),
        ("(a or b", 0, "expected ')'"),
        ("a or b)", 6, "closes nothing"),
        ("a and or b", 6, "expected '('"),
        ("x.y", 3, "expected an operator after 'x.y'"),
        ("x.y is 3", 4, "expected an operator"),
        ("x.y === 3", 6, "expected a string"),
        ("x.y EXISTS", 4, "expected an operator"),
        ("x.y startswithx", 4, "expected an operator"),
        ("x.y > abc", 6, "expected a number"),
        ("x.y >= 0abc", 8, "expected 'and'"),
        ("x.y =", 5, "expected a string"),
        ("x.y = a,", 7, "expected 'and'"),
        ("x.y = (a)", 6, "expected a string"),
        ("x.y = 'a", 6, "has no end"),
        (r"x.y = 'a\z'", 8, r"no such escape in a string: \z"),
        (r"x.y = 'a\"'", 8, "no such escape"),
        ("x.y in", 6, "expected values"),
        ("x.y in (a,)", 10, "after ','"),
        ("x.y in (a b)", 10, "expected ',' or ')'"),
        ("x.y in (a, b64(p.q))", 14, "expected ',' or ')'"),
        ("x.y[] = a", 4, "expected an argument"),
        ("x.y[ a ] = b", 4, "expected an argument"),
        ("x.y[a = b", 5, "expected ']'"),
        ("x.y [1] = a", 4, "expected an operator"),
        ("val(x.y) = a", 3, "expected 'and'"),
        ("x.y = val(tolower(p.q))", 10, "expected a field in val"),
        ("lower(x.y) = a", 5, "expected 'and'"),
        ("tolower (x.y) = a", 8, "expected 'and'"),
        ("tolower(x) = a", 8, "expected a field, a transformer"),
        ("tolower(x.y = a", 12, "expected ')' to close tolower("),
        ('join("-", (x.y,)) = a', 15, "expected a field, a transformer"),
        ("x.y = a #b", 8, "expected 'and'"),
        ("m > 12", 2, "expected 'and'"),
    ],
)
def test_errors(text: str, at: int, sentence: str) -> None:
    """A text that does not follow the grammar gets a sentence and the place where that shows."""
    with pytest.raises(ConditionError) as error:
        parse(text)
    assert sentence in error.value.sentence
    assert error.value.at == at


def test_deep_parentheses() -> None:
    """Parentheses may be nested deeply; beyond a limit there is an error, not an overflow."""
    assert parse("(" * MAX_PARENTHESES + "a" + ")" * MAX_PARENTHESES) == A
    with pytest.raises(ConditionError, match="nested more than"):
        parse("not (" * 100_000 + "a")


def test_deep_transformers() -> None:
    """Transformers nested without end get an error."""
    with pytest.raises(ConditionError, match="transformers are nested"):
        parse("tolower(" * 10_000 + "x.y")


def test_long_conditions() -> None:
    """A condition of a hundred thousand checks is parsed."""
    tree = parse(" or ".join(f"x.y={number}" for number in range(100_000)))
    assert isinstance(tree, Or)
    assert len(tree.terms) == 100_000
