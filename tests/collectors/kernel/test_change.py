"""Files renamed, linked, made, removed and changed, as the kernel reports them and as rules see them."""

import errno
import os
from pathlib import Path

import pytest

from tests.collectors.kernel.rendered import rendered
from tests.collectors.kernel.watching import Watch
from wire.event import Change

pytestmark = pytest.mark.kernel

# The functions of the C library that all the scripts below use.
LIBRARY = """
import ctypes, os, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
here = sys.argv[1]
os.chdir(here)
"""

X86 = os.uname().machine == "x86_64"


def changes(watch: Watch, script: str, directory: Path) -> list[Change]:
    """What the script, which begins in ``directory``, changed."""
    pid = watch.python(LIBRARY + script, str(directory))
    return watch.of(pid, Change)


def old(number: int, *arguments: str) -> str:
    """A line that makes a system call by the number that x86-64 has for it."""
    return f"libc.syscall({', '.join([str(number), *arguments])})\n"


def test_rename(watch: Watch, tmp_path: Path) -> None:
    """Both names of a renamed file, wherever they are read from."""
    (tmp_path / "a").write_text("")
    (tmp_path / "sub").mkdir()
    script = """
fd = os.open('sub', os.O_RDONLY)
os.rename('a', 'b', dst_dir_fd=fd)
libc.renameat2(fd, b'b', -100, b'./sub/../c', 1)
"""
    renamed, back = changes(watch, script, tmp_path)
    fields = ("evt.type", "evt.arg.oldpath", "evt.arg.newpath", "evt.res")
    assert rendered(renamed, *fields) == ("renameat", f"{tmp_path}/a", f"{tmp_path}/sub/b", "SUCCESS")
    assert rendered(back, *fields) == ("renameat2", f"{tmp_path}/sub/b", f"{tmp_path}/c", "SUCCESS")
    assert rendered(back, "fs.path.source", "fs.path.target", "fs.path.targetraw", "evt.arg.flags") == (
        f"{tmp_path}/sub/b", f"{tmp_path}/c", "./sub/../c", "RENAME_NOREPLACE",
    )  # fmt: skip
    assert rendered(renamed, "evt.arg.olddirfd", "evt.abspath.src", "evt.abspath.dst") == (
        "AT_FDCWD", f"{tmp_path}/a", f"{tmp_path}/sub/b",
    )  # fmt: skip


def test_rename_that_fails(watch: Watch, tmp_path: Path) -> None:
    """An attempt is an event with its reason; fs.path is of what was done only."""
    (event,) = changes(watch, "libc.rename(b'/none/x', b'y')", tmp_path)
    fields = ("evt.res", "evt.arg.oldpath", "evt.arg.newpath", "fs.path.source", "evt.arg.res")
    assert rendered(event, *fields) == ("ENOENT", "/none/x", f"{tmp_path}/y", None, "ENOENT")


def test_links(watch: Watch, tmp_path: Path) -> None:
    """Of a link the file and the new name; of a symbolic link where it leads, as it was written."""
    (tmp_path / "a").write_text("")
    script = "os.link('a', 'b')\nos.symlink('../x', 'c')\nlibc.symlink(b'/etc/shadow', b'/none/d')"
    hard, soft, far = changes(watch, script, tmp_path)
    assert rendered(hard, "evt.arg.oldpath", "evt.arg.newpath", "fs.path.source", "fs.path.target") == (
        f"{tmp_path}/a", f"{tmp_path}/b", f"{tmp_path}/b", f"{tmp_path}/a",
    )  # fmt: skip
    assert rendered(soft, "evt.arg.target", "evt.arg.linkpath", "fs.path.target", "fs.path.targetraw") == (
        "../x", f"{tmp_path}/c", f"{tmp_path.parent}/x", "../x",
    )  # fmt: skip
    assert rendered(far, "evt.arg.target", "evt.arg.linkpath", "evt.res") == (
        "/etc/shadow", "/none/d", "ENOENT",
    )  # fmt: skip


def test_removed(watch: Watch, tmp_path: Path) -> None:
    """Files and directories removed, by whichever call."""
    (tmp_path / "a").write_text("")
    (tmp_path / "d").mkdir()
    (tmp_path / "e").mkdir()
    script = """
os.unlink('a')
os.rmdir('d')
libc.unlinkat(os.open(here, os.O_RDONLY), b'e', 0x200)
"""
    file, directory, at = changes(watch, script, tmp_path)
    assert rendered(file, "fs.path.name", "fs.path.nameraw", "evt.rawres") == (f"{tmp_path}/a", "a", 0)
    assert rendered(directory, "fs.path.name") == (f"{tmp_path}/d",)
    assert rendered(at, "evt.type", "evt.arg.name", "evt.arg.flags") == (
        "unlinkat", f"{tmp_path}/e", "AT_REMOVEDIR",
    )  # fmt: skip


def test_made(watch: Watch, tmp_path: Path) -> None:
    """New directories, pipes and devices with their permissions."""
    script = """
os.mkdir('.hidden', 0o750)
os.mkdir('x', 0o700, dir_fd=os.open(here, os.O_RDONLY))
os.mknod('pipe', stat.S_IFIFO | 0o600)
os.mknod('disk', stat.S_IFBLK | 0o660, os.makedev(8, 1))
"""
    hidden, at, pipe, disk = changes(watch, script, tmp_path)
    assert rendered(hidden, "evt.arg.path", "evt.arg.mode") == (f"{tmp_path}/.hidden", "0750")
    assert rendered(at, "evt.type", "evt.arg.path", "evt.arg.mode") == ("mkdirat", f"{tmp_path}/x", "0700")
    assert rendered(pipe, "evt.arg.path", "evt.arg.mode") == (f"{tmp_path}/pipe", "010600")
    assert rendered(disk, "evt.arg.path", "evt.arg.dev") == (f"{tmp_path}/disk", str(os.makedev(8, 1)))


def test_permissions(watch: Watch, tmp_path: Path) -> None:
    """The bits of chmod by name, and the path of a file that is known by its descriptor alone."""
    (tmp_path / "a").write_text("")
    script = "os.chmod('a', 0o4755)\nos.fchmod(os.open('a', os.O_RDONLY), 0o2010)\nlibc.fchmod(99, 0o777)"
    by_path, by_descriptor, bad = changes(watch, script, tmp_path)
    assert rendered(by_path, "evt.arg.filename", "evt.arg.mode") == (
        f"{tmp_path}/a", "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID",
    )  # fmt: skip
    fields = ("evt.type", "evt.arg.mode", "fd.name", "fd.directory", "fd.filename", "evt.arg.fd")
    assert rendered(by_descriptor, *fields) == (
        "fchmod", "S_IXGRP|S_ISGID", f"{tmp_path}/a", str(tmp_path), "a", f"<f>{tmp_path}/a",
    )  # fmt: skip
    assert rendered(by_descriptor, "fs.path.name", "fd.typechar") == (f"{tmp_path}/a", "f")
    assert (bad.path, bad.fd, bad.result) == ("", 99, -errno.EBADF)
    assert rendered(bad, "evt.arg.fd", "evt.res") == ("99", "EBADF")


def test_permissions_of_what_has_no_path(watch: Watch, tmp_path: Path) -> None:
    """Memory that is a file has the name that exec will show."""
    (event,) = changes(watch, "os.fchmod(os.memfd_create('tool'), 0o700)", tmp_path)
    assert rendered(event, "fd.name") == ("/memfd:tool",)


def test_fchmodat2(watch: Watch, tmp_path: Path) -> None:
    """The newer call, where the kernel has it; a path may be empty then."""
    (tmp_path / "a").write_text("")
    script = "libc.syscall(452, os.open('a', os.O_RDONLY), b'', 0o700, 0x1000)"
    events = changes(watch, script, tmp_path)
    if not events or events[0].result == -errno.ENOSYS:
        pytest.skip("this kernel has no fchmodat2")
    assert rendered(events[0], "evt.arg.filename", "evt.arg.flags", "evt.res") == (
        f"{tmp_path}/a", "AT_EMPTY_PATH", "SUCCESS",
    )  # fmt: skip


def test_owners(watch: Watch, tmp_path: Path) -> None:
    """Who a file is given to; the number of nobody means that it stays."""
    (tmp_path / "a").write_text("")
    script = """
os.chown('a', 12, 34)
os.lchown('a', 0, -1)
os.fchown(os.open('a', os.O_RDONLY), 5, 6)
"""
    at, link, by_descriptor = changes(watch, script, tmp_path)
    assert rendered(at, "fs.path.name", "evt.arg.uid", "evt.arg.gid") == (f"{tmp_path}/a", "12", "34")
    assert rendered(link, "fs.path.name", "evt.arg.gid") == (f"{tmp_path}/a", str(2**32 - 1))
    assert rendered(by_descriptor, "evt.type", "fd.name", "evt.arg.uid") == (
        "fchown", f"{tmp_path}/a", "5",
    )  # fmt: skip


def test_times(watch: Watch, tmp_path: Path) -> None:
    """Times that are set, by path and by descriptor."""
    (tmp_path / "a").write_text("")
    script = "os.utime('a', (1, 1))\nos.utime(os.open('a', os.O_RDONLY), (1, 1))"
    by_path, by_descriptor = changes(watch, script, tmp_path)
    for event in (by_path, by_descriptor):
        assert rendered(event, "evt.type", "fs.path.name") == ("utimensat", f"{tmp_path}/a")


@pytest.mark.skipif(not X86, reason="only x86-64 has these calls")
def test_old_calls(watch: Watch, tmp_path: Path) -> None:
    """The calls without a directory, which programs still use."""
    path, new = "(here + '/a').encode()", "b'b'"
    script = (
        "open('a', 'w').close()\n"
        + old(90, path, "0o700") + old(92, path, "1", "2") + old(94, path, "3", "4")
        + old(132, path, "None") + old(235, path, "None") + old(261, "-100", path, "None")
        + old(82, path, new) + old(86, new, path) + old(88, new, "b'l'") + old(87, new)
        + old(83, "b'd'", "0o755") + old(84, "b'd'") + old(133, "b'p'", "0o10600", "0")
    )  # fmt: skip
    events = changes(watch, script, tmp_path)
    assert [event.type for event in events] == [
        "chmod", "chown", "lchown", "utime", "utimes", "futimesat", "rename", "link", "symlink", "unlink",
        "mkdir", "rmdir", "mknod",
    ]  # fmt: skip
    assert all(event.result == 0 for event in events)
    assert {event.path for event in events[:7]} == {f"{tmp_path}/a"}
    assert [event.path for event in events[7:]] == [f"{tmp_path}/{name}" for name in "blbddp"]
    assert [event.other for event in events[6:8]] == [f"{tmp_path}/b", f"{tmp_path}/a"]
    assert [event.text for event in events if event.text is not None] == ["b"]


def test_after_chdir_and_in_another_root(watch: Watch, tmp_path: Path) -> None:
    """Relative paths start where the process is, absolute ones at its root directory."""
    (tmp_path / "sub").mkdir()
    script = "os.chdir('sub')\nos.mkdir('a')\nos.chroot('.')\nos.mkdir('/b')"
    made, root, inside = changes(watch, script, tmp_path)
    assert made.path == f"{tmp_path}/sub/a"
    assert rendered(root, "evt.type", "evt.arg.path", "fs.path.nameraw") == ("chroot", f"{tmp_path}/sub", ".")
    assert (inside.path, inside.raw) == (f"{tmp_path}/sub/b", "/b")


def test_longest_path(watch: Watch, tmp_path: Path) -> None:
    """Two paths of 4,095 bytes in one call arrive whole."""
    script = "long = (here + '/a' * 4096).encode()[:4095]\nlibc.rename(long, long)"
    (event,) = changes(watch, script, tmp_path)
    expected = (str(tmp_path) + "/a" * 4096)[:4095].rstrip("/")
    assert (event.path, event.other) == (expected, expected)


def test_bytes_that_are_no_text(watch: Watch, tmp_path: Path) -> None:
    r"""A path that is no UTF-8 is shown with \xNN, also where a link leads."""
    made, linked = changes(watch, "os.mkdir(b'\\xff')\nos.symlink(b'\\xe9', b'l')", tmp_path)
    assert made.path == f"{tmp_path}/\\xff"
    assert rendered(linked, "evt.arg.target") == ("\\xe9",)


def test_unreadable_path(watch: Watch, tmp_path: Path) -> None:
    """A pointer to nowhere is a failed attempt without a path."""
    (event,) = changes(watch, "libc.unlinkat(-100, ctypes.c_void_p(16), 0)", tmp_path)
    assert (event.path, event.raw, event.result) == ("", None, -errno.EFAULT)


def test_mounts(watch: Watch, tmp_path: Path) -> None:
    """What is mounted where; a bind mount names two directories, others a device or just a word."""
    (tmp_path / "m").mkdir()
    script = """
if libc.unshare(0x20000): sys.exit(1)
libc.mount(None, b'/', None, 0x44000, None)
libc.mount(b'scratch', b'm', b'tmpfs', 6, None)
libc.mount(b'.', b'm', None, 0x1000, None)
libc.umount2(b'm', 2)
libc.mount(b'proc', b'/none', b'proc', 0, None)
"""
    private, scratch, bind, gone, failed = changes(watch, script, tmp_path)
    assert rendered(private, "evt.arg.flags", "evt.arg.dev") == ("REC|PRIVATE", None)
    fields = ("evt.arg.dev", "evt.arg.dir", "evt.arg.type", "evt.arg.flags", "fs.path.target")
    directory = f"{tmp_path}/m"
    assert rendered(scratch, *fields) == ("scratch", directory, "tmpfs", "NOSUID|NODEV", directory)
    assert rendered(bind, "evt.arg.dev", "fs.path.source", "evt.arg.flags") == (
        str(tmp_path), str(tmp_path), "BIND",
    )  # fmt: skip
    assert rendered(gone, "evt.type", "evt.arg.name", "evt.arg.flags", "fs.path.name") == (
        "umount2", directory, "DETACH", directory,
    )  # fmt: skip
    assert rendered(failed, "evt.arg.dev", "evt.arg.dir", "evt.res") == ("proc", "/none", "ENOENT")


def test_pivot_root(watch: Watch, tmp_path: Path) -> None:
    """The old call that containers begin with; here it is refused."""
    number = 155 if X86 else 41
    (event,) = changes(watch, f"libc.syscall({number}, b'/none', b'old')", tmp_path)
    assert rendered(event, "evt.type", "evt.arg.new_root", "evt.arg.put_old", "evt.failed") == (
        "pivot_root", "/none", f"{tmp_path}/old", True,
    )  # fmt: skip


def test_arguments_by_name_and_number(watch: Watch, tmp_path: Path) -> None:
    """All arguments in Falco's order, one by one and together."""
    (event,) = changes(watch, "os.mkdir('d', 0o700)", tmp_path)
    names = ("res", "path", "mode") if event.type == "mkdir" else ("res", "dirfd", "path", "mode")
    by_name = rendered(event, *(f"evt.arg[{name}]" for name in names))
    assert rendered(event, *(f"evt.arg[{number}]" for number in range(len(names)))) == by_name
    assert rendered(event, "evt.args", "evt.rawarg.mode", "evt.arg[9]") == (
        " ".join(f"{name}={value}" for name, value in zip(names, by_name, strict=True)), 0o700, None,
    )  # fmt: skip
