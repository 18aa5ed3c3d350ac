"""The reference pages say what the code says."""

import re

import pytest

from tracetide.reference import DOCS, PAGES

# How click lays out a help text differs between its versions; what it says does not.
LAYOUT = {"commands.md"}


@pytest.mark.parametrize("name", sorted(PAGES.keys() - LAYOUT))
def test_a_page_is_up_to_date(name: str) -> None:
    """A change of a table or a setting comes with its page."""
    assert (DOCS / name).read_text().endswith(PAGES[name]()), "run `make docs`"


def test_every_command_and_option_is_on_its_page() -> None:
    """A change of a command comes with the page of commands."""
    written, made = ((words(text)) for text in ((DOCS / "commands.md").read_text(), PAGES["commands.md"]()))
    assert written == made, "run `make docs`"


def words(text: str) -> set[str]:
    """Headings and options."""
    return set(re.findall(r"^## .*|--[a-z-]+", text, re.MULTILINE))
