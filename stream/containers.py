"""Which container a control group belongs to, told from its path alone."""

from stream.process import HOST, Container
from wire.cgroup import containers


def container_of(cgroup_path: str | None) -> Container:
    """The innermost container named in a cgroup path, or ``HOST``."""
    named = containers(cgroup_path) if cgroup_path else ()
    if not named:
        return HOST
    inner = named[-1]
    return Container(id=inner.id[:12], full_id=inner.id, runtime=inner.runtime)
