"""``tracetide demo``: a harmless attack on a real container, caught as it happens."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep a recording of it that `tracetide replay` can read.",
)
def demo(record: Path | None) -> None:
    """Attack a web shop in a real container, harmlessly, and show what is detected."""
    from sinks.console import terminal  # noqa: PLC0415  # only the demo needs all this
    from tracetide.demo.show import show  # noqa: PLC0415  # the same

    raise click.exceptions.Exit(show(terminal(), record))
