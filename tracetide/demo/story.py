"""Tells the demo to somebody who has never seen tracetide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sinks.console import Block, Line, overflow, visible
from tracetide.demo.act import Act
from tracetide.demo.scenes import ATTACKS
from wire.detection import Detection

_INDENT = 6

_LEGEND = (
    "Each frame is an alert as an analyst gets it: what was done, by which technique, where, what to do "
    "about it, and the processes that led to it."
)


def _unseen(_: str) -> None:
    """Where progress goes that nobody looks at."""


@dataclass
class Story:
    """Prints what happens. ``progress`` shows a line that moves while nothing is printed."""

    console: Console
    progress: Callable[[str], None] = _unseen

    def open(self, how: str) -> None:
        """Say how the attack is being watched."""
        self.console.print()
        self.console.print(Text.assemble((" tracetide ", "bold reverse cyan"), " ", how))
        self._say(Text(_LEGEND))

    def begin(self, act: Act) -> None:
        """A heading for an attack; ordinary work has none before it is known what came of it."""
        if act.scene.rules:
            number = f"{ATTACKS.index(act.scene) + 1}/{len(ATTACKS)}"
            self.console.print()
            self.console.print(Text.assemble((f" {number} ", "bold reverse"), " ", (act.scene.title, "bold")))
            self._say(Text(act.scene.story))

    def see(self, act: Act) -> None:
        """What the attacker has won by it."""
        if act.scene.rules and act.seen:
            first = visible(act.seen.splitlines()[0])
            self._say(Text.assemble(("The attacker gets: ", "dim"), (first, "italic")), cut=True)

    def find(self, detection: Detection, *, whole: bool) -> None:
        """A detection: the whole of it, or a line if it only adds to what was said already."""
        self.console.print(Block(detection) if whole else Padding(Line(detection), (0, 0, 0, _INDENT)))

    def end(self, act: Act) -> None:
        """What came of the act, where its detections have not said so."""
        if act.scene.rules:
            if not act.good:
                self._say(Text("Not detected.", style="bold red"))
            return
        outcome = ("no alarm", "green") if act.good else (_count(len(act.found)), "bold red")
        self.console.print()
        self.console.print(
            Text.assemble(("  -  ", "reverse"), " ", (act.scene.title, "bold"), f" ({act.seen}): ", outcome)
        )

    def close(self, acts: Sequence[Act], seen: str, elsewhere: int) -> None:
        """One line: what was caught of what there was, and what it took to see it."""
        attacks = [act for act in acts if act.scene.rules]
        caught = sum(act.good for act in attacks)
        alarms = sum(len(act.found) for act in acts if not act.scene.rules)
        colour = "green" if caught == len(attacks) and not alarms else "red"
        self.console.print()
        self.console.print(
            Text.assemble(
                (f"{caught} of {len(attacks)} attacks caught", f"bold {colour}"),
                f", {_count(alarms)}; {seen}",
            )
        )
        if elsewhere:
            self.console.print(f"{elsewhere} more elsewhere on this host; tracetide run would show them.")

    def _say(self, text: Text, *, cut: bool = False) -> None:
        """A paragraph below a heading, or one line if it is to be ``cut`` at the edge of the terminal."""
        text.no_wrap, text.overflow = cut, overflow(self.console.options) if cut else "fold"
        self.console.print(Padding(text, (0, 0, 0, _INDENT)))


def _count(alarms: int) -> str:
    return f"{alarms or 'no'} false alarm{'s' * (alarms > 1)}"
