"""The file of password hashes, read by somebody who has no business with it."""

from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage


async def _act(stage: Stage) -> str:
    return await stage.attacker.type("/bin/cat /etc/shadow")


SCENE = Scene(
    name="password-read",
    title="The password hashes are read",
    story="In the reverse shell, the attacker types: cat /etc/shadow",
    rules=frozenset({"Password hashes read"}),
    act=_act,
)
