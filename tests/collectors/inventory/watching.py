"""Runs the kernel with the inventory, and keeps what was told of containers and what was seen of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collectors.inventory import DescribedSource, Sources
from collectors.inventory.oci import Files
from collectors.inventory.settings import Where
from collectors.kernel import KernelSource
from tests.collectors.kernel.watching import Watch, watching
from wire.event import Container, Exec

# Beside processes, what runtimes do a lot: soon watched, and it comes between what is told of containers.
EVENTS = ("mount",)


@contextmanager
def described(paths: dict[str, Path], files: Files | None = None) -> Iterator[Watch]:
    """What happens on this host, with what the sources at these paths say."""
    where = Where({name: (str(path),) for name, path in paths.items()})
    with watching(DescribedSource(KernelSource(EVENTS), Sources(where, files))) as watch:
        yield watch


def told(watch: Watch, container: str) -> list[Container]:
    """What was told of a container, in order."""
    return [event for event in watch.events if isinstance(event, Container) and event.id == container]


def before_first_exec(watch: Watch, container: str) -> Container | None:
    """What had been told of a container when its first program was seen."""
    last = None
    for event in watch.events:
        if isinstance(event, Container) and event.id == container:
            last = event
        if type(event) is Exec and container in (event.cgroup_path or ""):
            return last
    raise AssertionError(f"no program was seen in {container}")
