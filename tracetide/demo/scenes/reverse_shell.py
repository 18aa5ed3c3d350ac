"""A shell that calls its master: its input and output are a connection to the attacker's listener."""

from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage


async def _act(stage: Stage) -> str:
    return await stage.attacker.type("id")


SCENE = Scene(
    name="reverse-shell",
    title="A reverse shell calls the attacker",
    story="The hole starts a shell that connects to the attacker's listener, where the attacker types: id",
    rules=frozenset({"Shell connected to the network"}),
    act=_act,
)
