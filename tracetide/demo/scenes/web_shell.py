"""A request with a command in it: the web application hands it to a shell (a command injection)."""

from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage


async def _act(stage: Stage) -> str:
    return (await stage.attacker.inject("/usr/bin/id")).rpartition("\n")[2]


SCENE = Scene(
    name="web-shell",
    title="The web server starts a shell",
    story='The attacker asks the status page about the host "localhost; id": the page gives that to a shell.',
    rules=frozenset({"Shell started by a web server"}),
    act=_act,
)
