"""Compiles the BPF programs when a wheel is built, so that it carries them and hosts need no compiler."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
from bpf.build import BuildError, build


class BpfBuildHook(BuildHookInterface[Any]):
    """Called by hatchling. An editable installation may do without: ``python -m bpf.build`` can follow."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile what is out of date, or fail with the reason."""
        try:
            build()
        except BuildError as error:
            if version != "editable":
                raise
            self.app.display_warning(str(error))
