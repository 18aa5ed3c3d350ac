"""``tracetide``: finds the command, runs it, and turns errors into a sentence and an exit code."""

import sys

import click

from tracetide.commands import COMMANDS
from tracetide.errors import EXPECTED
from tracetide.lazy import LazyGroup
from tracetide.logs import set_up


@click.group(
    cls=LazyGroup,
    registry=COMMANDS,
    context_settings={"auto_envvar_prefix": "TRACETIDE", "max_content_width": 100},
)
@click.version_option(package_name="tracetide")
@click.option("-v", "--verbose", is_flag=True, help="Say more about what goes on.")
def tracetide(verbose: bool) -> None:
    """Watch what containers and hosts really do, and tell when it looks like an attack.

    Options can be set in the environment too: --group of `stream` is TRACETIDE_STREAM_GROUP. Those that
    several commands share have one name for all: --kafka is TRACETIDE_KAFKA, --rules is TRACETIDE_RULES.
    """
    set_up(verbose=verbose)


def main() -> None:
    """The console script. Exit codes: 0 done, 1 found something wrong, 2 wrong usage."""
    try:
        # Without standalone mode, click returns the code of a command's Exit instead of raising it.
        sys.exit(tracetide(standalone_mode=False))
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except EXPECTED as error:
        click.echo(f"tracetide: {error}", err=True)
        sys.exit(1)
