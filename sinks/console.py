"""Shows detections to a person at a terminal: a block each, and a line that moves while nothing happens."""

import io
import shlex
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.box import ASCII, ROUNDED
from rich.console import Console, ConsoleOptions, Group, OverflowMethod, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sinks.contract import Delivered, Outcome
from wire.detection import ContainerInfo, Detection, Priority, ProcessInfo
from wire.inventory import Pod

_STYLES: dict[Priority, str] = {
    "Emergency": "bold white on red",
    "Alert": "bold white on red",
    "Critical": "bold white on red",
    "Error": "bold white on dark_orange3",
    "Warning": "bold black on yellow",
    "Notice": "bold black on cyan",
    "Informational": "bold black on white",
    "Debug": "black on bright_black",
}
_BORDERS: dict[Priority, str] = {
    "Emergency": "red",
    "Alert": "red",
    "Critical": "red",
    "Error": "dark_orange3",
    "Warning": "yellow",
    "Notice": "cyan",
    "Informational": "white",
    "Debug": "bright_black",
}

# Longer texts are cut: what a program was called with may be megabytes, and the whole is in the detection.
_LONGEST = 600

# Of a longer line of descent, the middle is left out.
_TALLEST = 8

# Controls, invisible and direction-changing characters, private and unassigned ones, separators of lines.
_HIDDEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}


def terminal() -> Console:
    """The standard output; characters that it cannot show are spelled out instead of ending the program."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(highlight=False, emoji=False, markup=False)


class Settings(BaseSettings):
    """``TRACETIDE_CONSOLE_*``: there is nothing to set."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_CONSOLE_")


def create(_settings: Settings) -> "ConsoleSink":
    """The sink that prints to standard output."""
    return ConsoleSink()


@dataclass
class ConsoleSink:
    """Prints each detection as it comes."""

    console: Console = field(default_factory=terminal)
    name: str = "console"
    at_once: int = 1

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Print them all; a terminal acknowledges nothing, so printed is delivered."""
        for detection in detections:
            self.console.print(Block(detection))
        return [Delivered()] * len(detections)

    async def check(self) -> None:
        """There is always a console."""

    async def close(self) -> None:
        """Nothing is held."""


@contextmanager
def progress(console: Console, text: str) -> Iterator[Callable[[str], None]]:
    """A line that stays below everything printed meanwhile; call what this gives to change its text.

    Only on a terminal: in a file or a pipe it would be noise.
    """
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status(Text(text, style="dim"), spinner_style="cyan") as status:
        yield lambda changed: status.update(Text(changed, style="dim"))


def visible(text: str) -> str:
    """``text`` with the characters spelled out that a terminal obeys instead of showing, or never shows.

    Whoever attacks a host chooses file names and arguments; they must not write to the analyst's terminal.
    """
    shown = "".join(_spelled(character) for character in text[: _LONGEST + 1])
    return shown[:_LONGEST] + "…" if len(shown) > _LONGEST else shown


def badge(priority: Priority) -> Text:
    """The severity as a coloured word."""
    return Text(f" {priority.upper()} ", style=_STYLES[priority])


@dataclass(frozen=True, slots=True)
class Line:
    """A detection in one line, for those that go along with a more telling one."""

    detection: Detection

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Severity, rule, command; cut at the edge of the terminal."""
        process = self.detection.process
        yield Text.assemble(
            badge(self.detection.rule.priority),
            " ",
            (visible(self.detection.rule.name), "bold"),
            "  ",
            (_command(process) if process else visible(self.detection.output), "dim"),
            overflow=overflow(options),
            no_wrap=True,
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A detection with all that an analyst needs to judge it."""

    detection: Detection

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """A frame in the colour of the severity; plain ASCII where the terminal knows no more.

        The library's rules put the sentence before a bar and the facts behind it.
        """
        found = self.detection
        sentence, _, facts = found.output.partition(" | ")
        title = Text.assemble(badge(found.rule.priority), " ", (visible(found.rule.name), "bold"), " ")
        yield Panel(
            Group(
                Text(visible(sentence), style="bold"),
                Text(visible(facts), style="dim") if facts else Group(),
                Text(),
                _facts(found),
                Text(),
                _tree(found, options),
            ),
            box=ASCII if options.ascii_only else ROUNDED,
            title=title,
            title_align="left",
            border_style=_BORDERS[found.rule.priority],
            padding=(0, 1),
        )


def _facts(found: Detection) -> Table:
    """What is known in the order in which an analyst asks: how, where, when, what now."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    before = ""
    for label, value in _rows(found):
        table.add_row("" if label == before else label, value)
        before = label
    return table


def _rows(found: Detection) -> Iterator[tuple[str, Text]]:
    for technique in found.rule.techniques:
        tactics = f" ({', '.join(technique.tactics)})" if technique.tactics else ""
        yield (
            "ATT&CK",
            Text.assemble((visible(technique.id), "bold magenta"), " ", visible(technique.name + tactics)),
        )
    yield "where", _where(found)
    if found.container and (inside := _rights(found.container)):
        yield "", Text(visible(inside))
    yield "when", Text(_clock(found.time))
    if found.rule.response:
        yield "do", Text(visible(" ".join(found.rule.response.split())), style="green")
    for harmless in found.rule.false_positives:
        yield "unless", Text(visible(" ".join(harmless.split())), style="dim")
    for unknown in found.missing:
        yield "unknown", Text(visible(unknown), style="yellow")
    if found.lost:
        yield "lost", Text(f"{found.lost} events of this host in the minute before", style="yellow")


def _where(found: Detection) -> Text:
    host = Text.assemble("host ", (visible(found.host.name), "cyan"))
    if found.container is None:
        return host
    inside = found.container
    words = [
        inside.name,
        f"({inside.runtime})" if inside.runtime else None,
        inside.image and f"of {inside.image}",
    ]
    known = " ".join(visible(word) for word in words if word)
    place = Text.assemble("container ", (visible(inside.id[:12]), "cyan"), f" {known}".rstrip(), ", ")
    if inside.pod and inside.pod.name:
        place.append_text(_pod(inside.pod))
    return place.append_text(host)


def _pod(pod: Pod) -> Text:
    workload = f" ({pod.workload_kind} {pod.workload})" if pod.workload and pod.workload_kind else ""
    return Text.assemble(
        "pod ", (visible(f"{pod.namespace or '?'}/{pod.name}"), "cyan"), visible(workload), ", "
    )


def _rights(inside: ContainerInfo) -> str:
    """What makes a difference for how bad it is: how the process came there, and what it can reach."""
    mounts = [mount.source for mount in inside.mounts if mount.writable]
    facts = [
        "started from outside (exec)" if inside.entered else None,
        "privileged" if inside.privileged else None,
        f"can write to the host's {', '.join(mounts)}" if mounts else None,
    ]
    return "; ".join(fact for fact in facts if fact)


def _clock(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest // 10**6:03} UTC"


def _tree(found: Detection, options: ConsoleOptions) -> Group:
    """The culprit below its ancestors, the oldest of them first, one level further in each."""
    branch, arrow, dots = ("`- ", "<-", "...") if options.ascii_only else ("└─ ", "◀", "…")
    lines: list[Table] = []
    entered = False
    for depth, process in enumerate(_lineage(found)):
        if isinstance(process, int):
            text = Text(f"{dots} {process} more", style="dim")
        else:
            inside = _inside(process, found)
            culprit = process is found.process
            name = "bold red" if culprit else "bold cyan" if inside else "bold"
            text = _process(process, name, enters=inside and not entered)
            entered |= inside
            if culprit:
                text.append(f"  {arrow} this process", "bold red")
            else:
                text.no_wrap, text.overflow = True, overflow(options)
        lines.append(_indented(" " * (3 * depth - 3) + branch if depth else "", text))
    return Group(*lines)


def _lineage(found: Detection) -> Iterator[ProcessInfo | int]:
    """Who descends from whom; of a long line the oldest and the latest, and how many are in between."""
    family = [*reversed(found.ancestors), *([found.process] if found.process else [])]
    if len(family) <= _TALLEST:
        yield from family
        return
    yield family[0]
    yield len(family) - _TALLEST + 1
    yield from family[2 - _TALLEST :]


def _indented(prefix: str, text: Text) -> Table:
    """``text`` behind ``prefix``, also where it has to go on in a new line."""
    line = Table.grid()
    if prefix:
        line.add_column(style="dim", no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(*([prefix] if prefix else []), text)
    return line


def _process(process: ProcessInfo, style: str, *, enters: bool) -> Text:
    """Name, process id, whether it is the first in the container, the command as it was typed."""
    return Text.assemble(
        (visible(process.name or "?"), style),
        (f" {process.pid}", "dim"),
        ("  (in the container)" if enters else "", "cyan"),
        f"  {_command(process)}".rstrip(),
    )


def _command(process: ProcessInfo) -> str:
    return visible(shlex.join(process.args) if process.args else process.exepath or "")


def _inside(process: ProcessInfo, found: Detection) -> bool:
    """Whether a process of the tree is in the container too: it has another process id there."""
    return found.container is not None and process.vpid not in {None, process.pid}


def overflow(options: ConsoleOptions) -> OverflowMethod:
    """How a line that is too long ends: the sign for that is not ASCII."""
    return "crop" if options.ascii_only else "ellipsis"


def _spelled(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode()
