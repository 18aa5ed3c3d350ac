"""Whose container it is, and how that was found."""

from pathlib import Path
from typing import Any

import pytest

from notify.labels import container_facts
from notify.owner import Owner, Owners, read_patterns
from tests.notify.samples import alert
from wire.detection import Detection


def known(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> Detection:
    """A detection in a container of which more is known than its image."""
    found = alert(image="registry.example/shop/web:1")
    facts = {**container_facts(found), **facts}
    monkeypatch.setattr("notify.owner.container_facts", lambda _detection: facts)
    monkeypatch.setattr("notify.owner.pod_facts", lambda _detection: facts.get("pod") or {})
    return found


@pytest.mark.parametrize(
    ("facts", "owner"),
    [
        ({"pod": {"labels": {"team": "pay"}, "namespace_labels": {"team": "x"}}}, "pay, from pod label team"),
        ({"pod": {"labels": {"a": "x"}, "annotations": {"owner": "pay"}}}, "pay, from pod annotation owner"),
        (
            {"pod": {"namespace_labels": {"team": "pay"}}, "labels": {"a": "b"}},
            "pay, from namespace label team",
        ),
        (
            {"labels": {"app.kubernetes.io/part-of": "shop"}},
            "shop, from container label app.kubernetes.io/part-of",
        ),
        ({"labels": {"team": " "}}, "web, from OWNERS:3: image:registry.example/shop/*"),
        ({"pod": {"namespace": "pay-eu"}}, "pay, from OWNERS:4: namespace:pay-*"),
        ({"image": "other"}, "base, from OWNERS:2: host:node-*"),
    ],
)  # fmt: skip
def test_the_first_place_that_names_an_owner_decides(
    facts: dict[str, Any], owner: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Labels before the file; in the file the last line that matches."""
    (tmp_path / "OWNERS").write_text(
        "# whose\nhost:node-* base\nimage:registry.example/shop/* web # the shop\nnamespace:pay-* pay\n"
    )
    owners = Owners(patterns=read_patterns(tmp_path / "OWNERS"), fallback="security")
    found = owners(known(monkeypatch, **facts))
    assert f"{found.name}, {found.reason}" == owner
    assert found.steps


def test_each_step_is_told_down_to_the_fallback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also the places that said nothing."""
    (tmp_path / "OWNERS").write_text("image:x y\n")
    owners = Owners(("team",), read_patterns(tmp_path / "OWNERS"), "security")
    assert owners(known(monkeypatch, labels={"app": "web"})) == Owner(
        "security",
        "as nobody else is named",
        ("no container label of team", "none of 1 patterns matches", "the fallback is security"),
    )
    assert Owners()(alert()).name == ""
