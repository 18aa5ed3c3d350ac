"""A program put where the system's own programs are, to be found there and started again."""

from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage

_TARGET = "/usr/bin/sshd"


async def _act(stage: Stage) -> str:
    return await stage.attacker.type(f"/bin/cp /bin/busybox {_TARGET} && /bin/ls -l {_TARGET}")


SCENE = Scene(
    name="binary-written",
    title="A program is planted below /usr/bin",
    story=f"In the reverse shell, the attacker installs a program as {_TARGET}, to come back later.",
    rules=frozenset({"System program or library changed"}),
    act=_act,
)
