"""Groups of commands that import a command only when it is called or explained."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name, each as ``module:function``: a collector must not pay for the sinks."""

    def __init__(self, *args: Any, registry: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.registry = registry

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the registry."""
        return list(self.registry)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in self.registry:
            return None
        module, _, name = self.registry[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command
