"""Containers as the engine knows them: named by control groups, described by the inventory."""

from typing import Any

from stream.containers import LIMIT, Places
from stream.host import HostState, restore, save
from stream.process import Process
from stream.tree import Tree, apply
from tests.events import HOST, execute, fork, open_file, told
from wire.inventory import Description, Pod

ID = "0123456789abcdef" * 4
OUTER = "f" * 64
PATH = f"/docker/{ID}"


def inside(*, vpid: int = 1, cgroup: int = 5, path: str = PATH) -> dict[str, Any]:
    """What an exec in the container says of it."""
    return {"vpid": vpid, "cgroup": cgroup, "cgroup_path": path}


def test_the_innermost_container_is_the_processes() -> None:
    """A process in nested containers runs in the last one that the path names."""
    container = Places().at(f"/docker/{OUTER}/docker/{ID}/init.scope", 5)
    assert (container.id, container.full_id, container.runtime) == (ID[:12], ID, "docker")


def test_a_path_without_a_container_is_the_host() -> None:
    """The host is a place like any other."""
    assert [Places().at(path, 5).id for path in ("/", "/user.slice/session-1.scope")] == ["host"] * 2


def test_what_is_told_holds_for_all_processes_of_the_container() -> None:
    """Those that are there already, their children, and what comes later."""
    tree = Tree()
    first = apply(tree, execute(1, 10, "nginx", **inside()))
    child = apply(tree, fork(2, 11, 10, vpid=2, cgroup=5))
    apply(tree, told(3, ID, Description(name="web", image="shop/web:2")))
    later = apply(tree, execute(4, 12, "sh", **inside(vpid=3)))
    assert [each.container.about.name for each in (first, child, later)] == ["web"] * 3
    apply(tree, told(5, ID, Description(name="shop")))
    assert [each.container.about.name for each in (first, child, later)] == ["shop"] * 3


def test_what_is_told_before_holds_for_the_first_event() -> None:
    """A control group that is told with the container names it, also if no exec in it was seen."""
    tree = Tree()
    apply(tree, told(1, ID, Description(name="web"), cgroup=5, cgroup_path=PATH))
    process = apply(tree, open_file(2, 10, "/x", cgroup=5))
    assert (process.container.full_id, process.container.about.name) == (ID, "web")
    assert process.container.about.pod == Pod()


def test_a_process_is_placed_when_its_control_group_is_named() -> None:
    """Also if it had been in the group before that was told."""
    tree = Tree()
    process = apply(tree, open_file(1, 10, "/x", cgroup=5))
    before = process.container.id
    apply(tree, told(2, ID, Description(name="web"), cgroup=5, cgroup_path=PATH))
    apply(tree, open_file(3, 10, "/x", cgroup=5))
    assert (before, process.container.about.name) == (None, "web")


def test_a_container_that_is_gone_is_forgotten() -> None:
    """Its last processes keep what was known of it."""
    tree = Tree()
    apply(tree, told(1, ID, Description(name="web"), cgroup=5, cgroup_path=PATH))
    process = apply(tree, execute(2, 10, "nginx", **inside()))
    apply(tree, told(3, ID, removed=True))
    assert (tree.places.containers, tree.places.cgroups) == ({}, {})
    assert process.container.about.name == "web"


def test_containers_that_nobody_says_are_gone_do_not_pile_up() -> None:
    """The oldest give way."""
    places = Places()
    for number in range(LIMIT + 5):
        places.at(f"/docker/{number:064x}", number)
    assert len(places.containers) == len(places.cgroups) == LIMIT


def test_a_handed_over_host_has_its_containers() -> None:
    """All processes of a container still share one: what is told after the hand-over holds for all."""
    state = HostState(host=HOST)
    apply(state.tree, execute(1, 10, "nginx", **inside()))
    apply(state.tree, told(2, ID, Description(name="web")))
    apply(state.tree, fork(3, 11, 10, vpid=2, cgroup=5))
    state = restore(save(state))
    apply(state.tree, told(4, ID, Description(name="shop")))
    names = [process.container.about.name for process in state.tree.processes.values()]
    assert names == ["shop", "shop"]


def entered(*chain: Process) -> list[bool | None]:
    """Which of these were started in their container from outside."""
    return [process.entered for process in chain]


def test_what_the_first_process_starts_did_not_come_from_outside() -> None:
    """Nor what that starts, and nothing on the host."""
    tree = Tree()
    shim = apply(tree, execute(1, 5, "containerd-shim"))
    first = apply(tree, execute(2, 10, "nginx", parents=(5,), **inside()))
    child = apply(tree, fork(3, 11, 10, vpid=2, cgroup=5))
    apply(tree, execute(4, 11, "sh", parents=(10, 5), **inside(vpid=2)))
    assert entered(shim, first, child) == [False, False, False]


def test_what_comes_from_outside_is_told_from_it() -> None:
    """What a runtime puts into the container has no ancestor there, and its children come with it."""
    tree = Tree()
    apply(tree, execute(1, 5, "containerd-shim"))
    apply(tree, execute(2, 10, "nginx", parents=(5,), **inside()))
    shell = apply(tree, execute(3, 20, "sh", parents=(5,), **inside(vpid=7)))
    child = apply(tree, fork(4, 21, 20, vpid=8, cgroup=5))
    apply(tree, execute(5, 21, "ls", parents=(20, 5), **inside(vpid=8)))
    assert entered(shell, child) == [True, True]


def test_without_process_ids_of_its_own_the_first_is_the_one_that_the_runtime_names() -> None:
    """Where nobody named it, it is not known."""
    tree = Tree()
    apply(tree, execute(1, 5, "containerd-shim"))
    unknown = apply(tree, execute(2, 10, "nginx", parents=(5,), **inside(vpid=10)))
    apply(tree, told(3, ID, Description(name="web", pid=10)))
    first = apply(tree, execute(4, 10, "nginx", parents=(5,), **inside(vpid=10)))
    known = entered(first)
    shell = apply(tree, execute(5, 20, "sh", parents=(5,), **inside(vpid=20)))
    assert (unknown is first, known, entered(shell)) == (True, [False], [True])


def test_a_container_in_a_container_is_entered_from_the_outer_one() -> None:
    """The outer container's processes are outside of the inner one."""
    tree = Tree()
    apply(tree, execute(1, 5, "dockerd", vpid=1, cgroup=4, cgroup_path=f"/docker/{OUTER}"))
    nested = f"/docker/{OUTER}/docker/{ID}"
    first = apply(tree, execute(2, 10, "nginx", parents=(5,), **inside(path=nested)))
    shell = apply(tree, execute(3, 20, "sh", parents=(5,), **inside(vpid=7, path=nested)))
    assert entered(first, shell) == [False, True]


def test_a_gap_above_is_not_taken_for_the_outside() -> None:
    """If nobody knows who started it, nobody knows where from."""
    assert apply(Tree(), execute(1, 20, "sh", **inside(vpid=7))).entered is None
