"""What is told of an executable's file and of the environment that a program gets."""

import os
import pwd
import shutil
from pathlib import Path

import pytest

from collectors.kernel.executables import environment, writable
from tests.collectors.kernel.rendered import rendered
from tests.collectors.kernel.watching import Watch
from wire.event import Exec

EVENTS = ()

TRUE = shutil.which("true") or "/bin/true"


def only(watch: Watch, pid: int) -> Exec:
    """The one program that this process was given."""
    (event,) = watch.of(pid, Exec)
    return event


@pytest.mark.kernel
def test_inode_and_times(watch: Watch, tmp_path: Path) -> None:
    """Number and times of the executable's inode are those of stat(2), to the nanosecond."""
    program = tmp_path / "tool"
    shutil.copyfile(TRUE, program)
    program.chmod(0o755)
    os.utime(program, ns=(1, 1_600_000_000_123_456_789))
    event = only(watch, watch.run(str(program)))
    status = program.stat()
    assert (event.exe_inode, event.exe_mtime) == (status.st_ino, 1_600_000_000_123_456_789)
    assert event.exe_ctime == status.st_ctime_ns
    assert event.exe_ctime < event.time


@pytest.mark.kernel
def test_who_may_write_to_it(watch: Watch, tmp_path: Path) -> None:
    """Root may always; a user to whom the file belongs may as its permissions say."""
    user = pwd.getpwnam("nobody")
    for directory in (tmp_path, *tmp_path.parents):
        directory.chmod(directory.stat().st_mode | 0o755)
    found = []
    for mode, owner in ((0o755, 0), (0o755, user.pw_uid), (0o555, user.pw_uid), (0o757, 0)):
        program = tmp_path / f"tool-{mode:o}-{owner}"
        shutil.copyfile(TRUE, program)
        program.chmod(mode)
        os.chown(program, owner, 0)
        command = (str(program),)
        found.append(only(watch, watch.run(*command, user=user.pw_uid, group=user.pw_gid)).exe_writable)
    assert found == [False, True, False, True]
    assert only(watch, watch.run(TRUE)).exe_writable


@pytest.mark.parametrize(
    ("mode", "owner", "capabilities", "expected"),
    [
        (0o640, (5, 6), 0, True),
        (0o460, (5, 6), 0, False),
        (0o460, (1, 6), 0, True),
        (0o662, (1, 1), 0, True),
        (0o660, (1, 1), 0, False),
        (0o000, (1, 1), 2, True),
    ],
)
def test_permissions(mode: int, owner: tuple[int, int], capabilities: int, expected: bool) -> None:
    """The first of user, group and others that fits decides; a capability overrides all."""
    assert writable(mode, owner, (5, 6), capabilities) == expected


@pytest.mark.kernel
def test_environment(watch: Watch) -> None:
    """Variables that change what programs do are told; others, which may be secrets, are not."""
    env = {"LD_PRELOAD": "/tmp/x.so", "https_proxy": "http://e\u00e9:1", "AWS_SECRET": "s", "PATH": "/bin"}
    event = only(watch, watch.run(TRUE, env=env))
    assert event.env == ["LD_PRELOAD=/tmp/x.so", "https_proxy=http://e\u00e9:1"]
    bare = only(watch, watch.run(TRUE, env={}))
    assert bare.env == []


@pytest.mark.kernel
def test_long_environment(watch: Watch) -> None:
    """What comes within the first 8 KiB is seen; what lies behind that is not."""
    env = {"A": "a" * 7000, "LD_AUDIT": "x", "B": "b" * 4000, "LD_PRELOAD": "y"}
    assert only(watch, watch.run(TRUE, env=env)).env == ["LD_AUDIT=x"]


def test_names_of_variables() -> None:
    r"""A name is told only if all of it is one of those; what is no UTF-8 appears as \xNN."""
    data = b"MY_LD_PRELOAD=1\0LD_PRELOADX=2\0ENV=3\0ENVIRONMENT=4\0NO_PROXY=\xff\0\0HISTFILE=/dev/null"
    assert environment(data) == ["LD_PRELOADX=2", "ENV=3", "NO_PROXY=\\xff", "HISTFILE=/dev/null"]
    assert environment(b"") == []


@pytest.mark.kernel
def test_names_of_groups(watch: Watch) -> None:
    """The group that a program runs as has the name that the host gives it."""
    event = only(watch, watch.run(TRUE, group=1))
    assert (event.gid, event.group) == (1, "daemon")
    assert rendered(event, "evt.type") == ("execve",)
