"""The community's rules for Falco load as they are, together and one by one."""

import re

import pytest

import rules
from rules import FIELDS
from rules.files.tree import Items, documents
from tests.rules.files import corpus

FILES = {
    "falco_rules.yaml": (25, 0),
    "falco-incubating_rules.yaml": (31, 0),
    "falco-sandbox_rules.yaml": (37, 12),
}


@pytest.mark.parametrize(("name", "expected"), FILES.items())
@pytest.mark.parametrize("library", [True, False])
def test_one_by_one(name: str, expected: tuple[int, int], library: bool) -> None:
    """Each file by itself gives all of its rules, and those switched off that it switches off."""
    loaded = rules.load([corpus() / "falco-rules" / name], library=library)
    found = [rule for rule in loaded.rules if not rule.file.startswith("library/")]
    assert (len(found), sum(not rule.enabled for rule in found)) == expected
    assert loaded.warnings == ()


def test_together() -> None:
    """All files in one run give 93 rules, 12 of them switched off."""
    loaded = rules.load([corpus() / "falco-rules" / name for name in FILES], library=False)
    assert (len(loaded.rules), sum(not rule.enabled for rule in loaded.rules)) == (93, 12)
    assert set(loaded.matchers) >= {"execve", "openat", "connect", "listen"}
    assert all(rule.info.techniques or "TA" in " ".join(rule.tags) for rule in loaded.rules)


def test_with_the_library() -> None:
    """The community's rules do not change what the library's rules match."""
    loaded = rules.load([corpus() / "falco-rules"])
    assert all(result.passed for result in rules.run_cases(loaded))


def test_every_field_is_known() -> None:
    """Every field that these files name in conditions and outputs is in the catalogue."""
    named = set()
    for path in corpus().glob("falco-rules/*.yaml"):
        for document in documents(path.read_text(), path.name):
            assert isinstance(document, Items)
            for item in document.values:
                texts = [getattr(item, "values", {}).get(key) for key in ("condition", "output")]
                for text in texts:
                    if text is not None:
                        named |= set(
                            re.findall(
                                r"\b(?:evt|proc|fd|user|group|container|thread|k8s)\.[a-z0-9_.]*[a-z0-9_]",
                                text.text,
                            )
                        )
    fields = {name for name in named if name in FIELDS}
    assert len(fields) >= 80
    unknown = {name for name in named - fields if not re.search(r"\.(post|conf|sh|py|io|slice)", name)}
    assert unknown <= {"container.info"}
