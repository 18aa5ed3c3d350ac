"""Whose container it is, and how that was found."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from notify.labels import labels_of
from notify.owner import Owner, Owners, read_patterns
from tests.notify.samples import alert
from wire.detection import ContainerInfo, Detection
from wire.inventory import Pod


def known(pod: dict[str, Any] | None = None, **facts: Any) -> Detection:
    """A detection in a container of which more is known than its image."""
    inside = ContainerInfo(
        id="f" * 64,
        image=facts.pop("image", "registry.example/shop/web:1"),
        pod=Pod(**pod) if pod else None,
        **facts,
    )
    return structs.replace(alert(), container=inside)


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
    facts: dict[str, Any], owner: str, tmp_path: Path
) -> None:
    """Labels before the file; in the file the last line that matches."""
    (tmp_path / "OWNERS").write_text(
        "# whose\nhost:node-* base\nimage:registry.example/shop/* web # the shop\nnamespace:pay-* pay\n"
    )
    owners = Owners(patterns=read_patterns(tmp_path / "OWNERS"), fallback="security")
    found = owners(known(**facts))
    assert f"{found.name}, {found.reason}" == owner
    assert found.steps


def test_each_step_is_told_down_to_the_fallback(tmp_path: Path) -> None:
    """Also the places that said nothing."""
    (tmp_path / "OWNERS").write_text("image:x y\n")
    owners = Owners(("team",), read_patterns(tmp_path / "OWNERS"), "security")
    assert owners(known(labels={"app": "web"})) == Owner(
        "security",
        "as nobody else is named",
        ("no container label of team", "none of 1 patterns matches", "the fallback is security"),
    )
    assert Owners()(alert()).name == ""


def test_what_is_known_of_a_pod_can_be_routed_by() -> None:
    """Namespace, pod, workload, and the labels of pod and container."""
    pod = {"namespace": "pay", "name": "api-1", "workload": "api", "labels": {"tier": "web"}}
    labels = labels_of(known(pod, labels={"build": "7"}))
    names = ("namespace", "pod", "workload", "label.tier", "label.build")
    assert [labels[name] for name in names] == [("pay",), ("api-1",), ("api",), ("web",), ("7",)]
