"""Containers as the engine knows them: from the path of a control group."""

from stream.containers import container_of

ID = "0123456789abcdef" * 4


def test_the_innermost_container_is_the_processes() -> None:
    """A process in nested containers runs in the last one that the path names."""
    container = container_of(f"/docker/{'f' * 64}/docker/{ID}/init.scope")
    assert (container.id, container.full_id, container.runtime) == (ID[:12], ID, "docker")


def test_a_path_without_a_container_is_the_host() -> None:
    """The same if there is no path at all."""
    assert [container_of(path).id for path in (None, "", "/user.slice/session-1.scope")] == ["host"] * 3
