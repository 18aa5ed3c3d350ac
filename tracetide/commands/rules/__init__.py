"""``tracetide rules``: what an author of rules needs. A new one is a module here and a line below."""

import click

from tracetide.lazy import LazyGroup

SUBCOMMANDS = {
    "check": "tracetide.commands.rules.check:check",
    "list": "tracetide.commands.rules.list:list_",
    "test": "tracetide.commands.rules.test:test",
    "explain": "tracetide.commands.rules.explain:explain",
    "eval": "tracetide.commands.rules.eval:evaluate",
    "diff": "tracetide.commands.rules.diff:diff",
}


@click.group(cls=LazyGroup, registry=SUBCOMMANDS)
def rules() -> None:
    """Write rules: check and test them, see why they match, and what a change of them changes."""
