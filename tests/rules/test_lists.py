"""Lists are replaced in the text of a condition."""

import pytest

from rules.language.lists import NamedList, expand, named_list, quoted

WEB = named_list("web", ["nginx", "my server"])
EMPTY = named_list("none", [])


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("proc.name in (web)", 'proc.name in ( nginx, "my server" )'),
        ("proc.name in (a,web,b)", 'proc.name in (a, nginx, "my server" ,b)'),
        ("proc.name=web", 'proc.name= nginx, "my server" '),
        ("proc.name in (webs, a.web, web.a)", "proc.name in (webs, a.web, web.a)"),
        ('proc.name in ("web")', 'proc.name in ("web")'),
        ("proc.name in (a, none)", "proc.name in (a  )"),
        ("proc.name in (none, a)", "proc.name in (   a)"),
        ("proc.name in (none)", "proc.name in (  )"),
        ("web", 'nginx, "my server" '),
    ],
)
def test_names_are_replaced(text: str, expanded: str) -> None:
    """A name between delimiters is replaced; an empty list takes a comma with it."""
    assert expand(text, [WEB, EMPTY])[0] == expanded


def test_lists_that_name_later_lists() -> None:
    """Lists are replaced one after the other, so one may name a list that comes after it, not one before."""
    first, second = NamedList("first", "second, x"), NamedList("second", "y")
    assert expand("a in (first)", [first, second])[0].split() == ["a", "in", "(", "y", ",", "x", ")"]
    assert expand("a in (first)", [second, first])[0].split() == ["a", "in", "(", "second,", "x", ")"]


def test_used_lists_are_named() -> None:
    """Which lists were found is known afterwards."""
    assert expand("a in (web)", [WEB, EMPTY])[1] == {"web"}
    assert expand("a in (webs)", [WEB])[1] == set()


def test_places_survive() -> None:
    """What comes from a list came from where its name stood, and everything else from where it was."""
    text = "a in (web) and b"
    origin = list(range(len(text)))
    expanded, _ = expand(text, [WEB], origin)
    assert len(origin) == len(expanded)
    assert text[origin[expanded.index("nginx")]] == "w"
    assert origin[expanded.rindex("b")] == text.rindex("b")


@pytest.mark.parametrize(
    ("item", "written"), [("a", "a"), ("a b", '"a b"'), ("'a b'", "'a b'"), ('"a"', '"a"'), ("", "")]
)
def test_items_with_blanks_are_quoted(item: str, written: str) -> None:
    """An item with a blank gets quotes unless it has them."""
    assert quoted(item) == written
