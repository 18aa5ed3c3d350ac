"""The scenes are what they say: real acts with real results, whoever watches."""

import re
from collections.abc import AsyncIterator, Callable

import pytest

from tracetide.demo.scenes import ATTACKS, SCENES
from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage, stage

pytestmark = [pytest.mark.containers, pytest.mark.usefixtures("containers")]


@pytest.fixture
async def opened() -> AsyncIterator[Stage]:
    """A stage for one test."""
    async with stage() as ready:
        yield ready


def _program(stage: Stage, path: str) -> bool:
    return (stage.shop.root / path).read_bytes().startswith(b"\x7fELF")


WON: dict[str, Callable[[Stage, str], bool]] = {
    "web-shell": lambda _, seen: seen == "uid=0(root) gid=0(root)",
    "dropped-binary": lambda stage, seen: (
        _program(stage, "tmp/kdevtmpfsi") and re.search(r"\d process", seen) is not None
    ),
    "reverse-shell": lambda _, seen: seen == "uid=0(root) gid=0(root)",
    "password-read": lambda _, seen: seen.startswith("root:$6$"),
    "binary-written": lambda stage, seen: _program(stage, "usr/bin/sshd") and "/usr/bin/sshd" in seen,
}


@pytest.mark.parametrize("scene", ATTACKS, ids=lambda scene: scene.name)
async def test_each_attack_succeeds_by_itself(opened: Stage, scene: Scene) -> None:
    """The attacker gets what the attack is for, also without the scenes before it."""
    assert WON[scene.name](opened, await scene.act(opened))


async def test_the_whole_play_runs_in_its_order(opened: Stage) -> None:
    """Every actor sees something, and the shop still serves its customers after the attack."""
    seen = {scene.name: await scene.act(opened) for scene in SCENES}
    assert all(seen.values())
    log = (opened.shop.root / "var/log/shop.log").read_text()
    assert log.count("status asked") == 6
    assert log.count("checked") == 2


def test_scenes_have_names_of_their_own() -> None:
    """Cues of a recording name scenes."""
    assert len({scene.name for scene in SCENES}) == len(SCENES)
    assert len(ATTACKS) == 5
