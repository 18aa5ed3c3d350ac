"""The process tree: who descends from whom, whatever order and loss the events come in."""

from stream.process import NOBODY, Process
from stream.tree import LINGER, MAX_DEPTH, Tree, apply
from tests.events import SECOND, become, execute, fork, leave, open_file, snapshot, start


def names(process: Process) -> list[str | None]:
    """The process's name and its ancestors'."""
    found = []
    while process is not NOBODY:
        found.append(process.name)
        process = process.parent
    return found


def test_a_child_has_its_parents_program_until_it_executes() -> None:
    """Fork copies, exec replaces, and the parent keeps what it had."""
    tree = Tree()
    apply(tree, execute(1, 10, "nginx", "-g", "daemon off;"))
    child = apply(tree, fork(2, 11, 10, vpid=2))
    assert (child.name, child.cmdline, child.vpid) == ("nginx", "nginx -g daemon off;", 2)
    apply(tree, execute(3, 11, "sh", "-c", "id"))
    assert names(child) == ["sh", "nginx"]
    assert (child.exe, child.argline, child.executed) == ("sh", "-c id", 3 * SECOND)


def test_children_see_what_their_parent_executes_later() -> None:
    """A name asked for through the parent is the parent's name of that moment."""
    tree = Tree()
    apply(tree, execute(1, 10, "sh"))
    child = apply(tree, fork(2, 11, 10))
    apply(tree, execute(3, 10, "nc"))
    assert names(child) == ["sh", "nc"]


def test_an_exec_brings_the_chain_that_was_not_seen() -> None:
    """Without a fork or a snapshot the kernel's own chain of parents fills the gap."""
    tree = Tree()
    process = apply(tree, execute(1, 10, "sh", parents=(9, 8, 7)))
    assert names(process) == ["sh", "p9", "p8", "p7"]


def test_an_exec_fills_gaps_further_up() -> None:
    """A parent that is known only by its child's fork gets its own ancestors from the child's chain."""
    tree = Tree()
    apply(tree, fork(1, 10, 9))
    process = apply(tree, execute(2, 10, "sh", parents=(9, 8, 7)))
    assert names(process) == ["sh", "sh", "p8", "p7"]


def test_an_orphan_keeps_the_parent_it_had() -> None:
    """When the kernel gives it to another, the tree still tells who started it."""
    tree = Tree()
    apply(tree, execute(1, 10, "sh", parents=(9,)))
    process = apply(tree, execute(2, 10, "nc", parents=(1,)))
    assert names(process) == ["nc", "p9"]


def test_what_events_told_is_not_undone_by_a_snapshot() -> None:
    """A snapshot taken while events are on their way adds what is missing and nothing else."""
    tree = Tree()
    process = apply(tree, execute(1, 10, "nc", "-e"))
    apply(tree, snapshot(2, 10, "sh", parents=(9,)))
    assert names(process) == ["nc", "p9"]


def test_a_pid_used_again_is_another_process() -> None:
    """The start time tells them apart, also while the first is remembered."""
    tree = Tree()
    first = apply(tree, execute(1, 10, "cat"))
    apply(tree, leave(2, 10))
    second = apply(tree, open_file(3, 10, "/x", start=start(10) + 10**7, comm="dd"))
    assert (first.name, second.name) == ("cat", "dd")


def test_an_ended_process_is_found_for_a_while_and_stays_its_childrens_ancestor() -> None:
    """The table forgets it after ``LINGER``; those below it do not."""
    tree = Tree()
    apply(tree, execute(1, 10, "sshd"))
    child = apply(tree, fork(2, 11, 10))
    apply(tree, leave(3, 10))
    assert (10, start(10)) in tree.processes
    apply(tree, leave(4, 99, time=3 * SECOND + LINGER + 1))
    assert (10, start(10)) not in tree.processes
    assert names(child) == ["sshd", "sshd"]


def test_a_daemon_that_forks_itself_for_ever_does_not_grow() -> None:
    """The chain above a process stays below ``MAX_DEPTH``."""
    tree = Tree()
    for pid in range(2, 1000):
        process = apply(tree, fork(pid, pid, pid - 1))
    assert len(names(process)) <= MAX_DEPTH + 1


def test_damaged_input_makes_no_circle() -> None:
    """Two processes that claim to be each other's parent are still a finite chain."""
    tree = Tree()
    apply(tree, fork(1, 10, 11))
    process = apply(tree, fork(2, 11, 10))
    assert len(names(process)) == 1
    assert len(names(apply(tree, fork(3, 12, 12)))) == 1


def test_user_and_container_follow_the_events() -> None:
    """A changed uid makes the name unknown, and a control group that was seen before names the container."""
    tree = Tree()
    identity = "ab" * 32
    apply(tree, execute(1, 10, "sh", cgroup=5, cgroup_path=f"/docker/{identity}"))
    process = apply(tree, execute(2, 20, "su", user="root", cgroup=1))
    apply(tree, open_file(3, 20, "/x", uid=1000, cgroup=5))
    assert (process.uid, process.user, process.container.id) == (1000, None, identity[:12])


def test_a_change_of_users_is_judged_as_the_user_who_asked_for_it() -> None:
    """While the call is looked at the process is who it was; from its next event on it is who it became."""
    tree = Tree()
    apply(tree, execute(1, 10, "su", uid=1000, user="anna"))
    process = apply(tree, become(2, 10, 0, uid=0))
    assert (process.uid, process.user) == (1000, "anna")
    apply(tree, open_file(3, 10, "/etc/shadow", uid=0))
    assert (process.uid, process.user) == (0, "root")


def test_two_changes_of_users_in_a_row() -> None:
    """The second is the call of whom the first made of the process, and what fails changes nothing."""
    tree = Tree()
    apply(tree, execute(1, 10, "su", uid=0, user="root"))
    apply(tree, become(2, 10, 1, uid=1))
    process = apply(tree, become(3, 10, 0, uid=1, result=-1))
    assert process.uid == 1
    apply(tree, open_file(4, 10, "/x", uid=0))
    apply(tree, become(5, 10, 7, uid=7))
    process = apply(tree, become(6, 10, 8, uid=8))
    assert process.uid == 7
    process = apply(tree, become(7, 10, 8, uid=8))
    assert process.uid == 8


def test_a_seen_change_is_not_made_again() -> None:
    """What an event has told of the user since is newer than the call before it."""
    tree = Tree()
    apply(tree, execute(1, 10, "su", uid=0, user="root"))
    apply(tree, become(2, 10, 1, uid=1))
    apply(tree, open_file(3, 10, "/x", uid=1))
    apply(tree, open_file(4, 10, "/x", uid=5))
    assert apply(tree, become(5, 10, 6, uid=6)).uid == 5


def test_users_of_the_host_have_the_names_that_its_programs_had() -> None:
    """A process that becomes another user has its name; in a container the same number is somebody else."""
    tree = Tree()
    apply(tree, execute(1, 10, "id", uid=33, user="www-data", cgroup=1, cgroup_path="/user.slice"))
    apply(tree, execute(2, 20, "nginx", uid=0, user="root", cgroup=1, cgroup_path="/user.slice"))
    inside = f"/docker/{'ab' * 32}"
    apply(tree, execute(3, 30, "nginx", uid=0, user="root", cgroup=5, cgroup_path=inside))
    assert apply(tree, open_file(4, 20, "/x", uid=33)).user == "www-data"
    assert apply(tree, open_file(5, 30, "/x", uid=33)).user is None


def test_a_change_of_users_of_a_process_never_seen() -> None:
    """Nothing is known of who it was, so it is who it became."""
    process = apply(Tree(), become(1, 10, 33, uid=33))
    assert process.uid == 33
