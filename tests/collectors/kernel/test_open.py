"""Opened files as the kernel reports them."""

import errno
import os
from pathlib import Path

import pytest

from tests.collectors.kernel.watching import Watch
from wire.event import Open

pytestmark = pytest.mark.kernel

EVENTS = ("open", "openat", "openat2", "creat")

# The functions of the C library that all the scripts below use.
LIBRARY = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
here = sys.argv[1]
"""


def opens(watch: Watch, script: str, directory: Path) -> list[Open]:
    """The files below ``directory``, or with its name in what was passed, that the script opened."""
    pid = watch.python(LIBRARY + script, str(directory))
    return [event for event in watch.of(pid, Open) if str(directory) in event.path]


def test_absolute_path(watch: Watch, tmp_path: Path) -> None:
    """Path, flags, mode and descriptor of a new file."""
    script = """
fd = os.open(here + '/new', os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
print(fd, file=open(here + '/fd', 'w'))
"""
    event = opens(watch, script, tmp_path)[0]
    assert event.type == "openat"
    assert event.path == f"{tmp_path}/new"
    assert event.raw is None
    assert event.flags == os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    assert event.mode == 0o640
    assert event.result == int((tmp_path / "fd").read_text())


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("sub/file", "sub/file"),
        ("./file", "file"),
        ("sub/../file", "file"),
        ("sub//.//file", "sub/file"),
        (".hidden", ".hidden"),
        ("..file", "..file"),
        ("sub/", "sub"),
    ],
)
def test_relative_path(watch: Watch, tmp_path: Path, raw: str, path: str) -> None:
    """A relative path is joined to the working directory and tidied; what was passed is kept."""
    script = f"os.chdir(here)\ntry:\n os.open({raw!r}, os.O_WRONLY | os.O_CREAT)\nexcept OSError: pass"
    (event,) = opens(watch, script, tmp_path)
    assert event.path == f"{tmp_path}/{path}"
    assert event.raw == raw


def test_untidy_absolute_path(watch: Watch, tmp_path: Path) -> None:
    """Nothing is hidden by dots and slashes."""
    script = "open('/' + here.replace('/', '//') + '/x/.././y', 'w')"
    (tmp_path / "x").mkdir()
    (event,) = opens(watch, script, tmp_path)
    assert event.path == f"{tmp_path}/y"


def test_directory_descriptor(watch: Watch, tmp_path: Path) -> None:
    """A path relative to a descriptor starts at that descriptor's directory, wherever the process is."""
    (tmp_path / "base").mkdir()
    script = (
        "fd = os.open(here + '/base', os.O_PATH)\nos.open('../other', os.O_CREAT | os.O_WRONLY, dir_fd=fd)"
    )
    assert opens(watch, script, tmp_path)[-1].path == f"{tmp_path}/other"


def test_fchdir(watch: Watch, tmp_path: Path) -> None:
    """The working directory is the kernel's, however it was changed."""
    (tmp_path / "base").mkdir()
    script = "os.fchdir(os.open(here + '/base', os.O_RDONLY))\nos.open('file', os.O_CREAT | os.O_WRONLY)"
    assert opens(watch, script, tmp_path)[-1].path == f"{tmp_path}/base/file"


def test_renamed_working_directory(watch: Watch, tmp_path: Path) -> None:
    """The path is where the file is when it is opened, not where the directory once was."""
    (tmp_path / "old").mkdir()
    script = "os.chdir(here + '/old')\nos.rename(here + '/old', here + '/new')\nopen('file', 'w')"
    assert opens(watch, script, tmp_path)[-1].path == f"{tmp_path}/new/file"


def test_other_root_directory(watch: Watch, tmp_path: Path) -> None:
    """After chroot, paths are still the ones that the mount namespace sees."""
    script = "os.chroot(here)\nos.chdir('/')\nopen('/x', 'w')\nopen('../../y', 'w')\nopen('/../../z', 'w')"
    events = opens(watch, script, tmp_path)
    assert [event.path for event in events if event.raw == "/x"] == [f"{tmp_path}/x"]
    assert [event.path for event in events if event.raw == "/../../z"] == [f"{tmp_path}/z"]


def test_symbolic_link(watch: Watch, tmp_path: Path) -> None:
    """An open through links tells the name that was used and the file that it led to."""
    (tmp_path / "secret").write_text("")
    (tmp_path / "link").symlink_to("secret")
    (tmp_path / "directory").symlink_to(tmp_path)
    script = "open(here + '/link')\nopen(here + '/directory/secret')\nopen(here + '/secret')"
    events = opens(watch, script, tmp_path)
    names = ("link", "directory/secret", "secret")
    assert [event.path for event in events] == [f"{tmp_path}/{name}" for name in names]
    assert [event.file for event in events] == [f"{tmp_path}/secret", f"{tmp_path}/secret", None]


def test_links_of_proc(watch: Watch, tmp_path: Path) -> None:
    """The way through another's root directory or an open file is no disguise; one's own number no news."""
    (tmp_path / "secret").write_text("")
    script = """
fd = os.open(here + '/secret', os.O_PATH)
open('/proc/self/root' + here + '/secret')
os.open(f'/proc/self/fd/{fd}', os.O_RDONLY)
open('/proc/self/status')
"""
    pid = watch.python(LIBRARY + script, str(tmp_path))
    events = [event for event in watch.of(pid, Open) if event.path.startswith("/proc/self/")]
    assert [event.file for event in events[-3:]] == [f"{tmp_path}/secret", f"{tmp_path}/secret", None]


def test_path_that_another_thread_changes(watch: Watch, tmp_path: Path) -> None:
    """What the kernel opened is told even if the path is overwritten before it is read again."""
    (tmp_path / "secret").write_text("")
    (tmp_path / "public").write_text("")
    script = """
import threading
path, done = ctypes.create_string_buffer(os.fsencode(here) + b'/secret'), False
def rewrite():
    while not done:
        for name in (b'public', b'secret'):
            path.raw = os.fsencode(here) + b'/' + name + b'\\0'
thread = threading.Thread(target=rewrite)
thread.start()
for _ in range(2000):
    fd = libc.open(path, os.O_RDONLY)
    if fd >= 0:
        os.write(1, b'secret\\n' if os.readlink(f'/proc/self/fd/{fd}').endswith('secret') else b'public\\n')
        os.close(fd)
done = True
thread.join()
"""
    output = tmp_path / "opened"
    with output.open("wb") as stream:
        pid = watch.python(LIBRARY + script, str(tmp_path), stdout=stream)
    really = output.read_text().split()
    names = (f"{tmp_path}/secret", f"{tmp_path}/public")
    told = [event.file or event.path for event in watch.of(pid, Open) if event.result >= 0]
    assert [path.rpartition("/")[2] for path in told if path in names] == really
    assert set(really) == {"secret", "public"}


def test_bad_directory_descriptor(watch: Watch, tmp_path: Path) -> None:
    """A path that leads from nowhere stays as it was passed."""
    pid = watch.python(LIBRARY + "libc.openat(999, b'nowhere', os.O_RDONLY)", str(tmp_path))
    event = watch.of(pid, Open)[-1]
    assert (event.path, event.raw, event.result) == ("nowhere", None, -errno.EBADF)


def test_failed_open(watch: Watch, tmp_path: Path) -> None:
    """An attempt is an event, with the reason why it failed."""
    script = "try:\n open(here + '/missing')\nexcept OSError: pass"
    (event,) = opens(watch, script, tmp_path)
    assert (event.path, event.result) == (f"{tmp_path}/missing", -errno.ENOENT)


def test_unnamed_file(watch: Watch, tmp_path: Path) -> None:
    """O_TMPFILE names the directory in which a file without a name is made."""
    (event,) = opens(watch, "os.open(here, os.O_TMPFILE | os.O_RDWR, 0o600)", tmp_path)
    assert event.path == str(tmp_path)
    assert event.flags & os.O_TMPFILE == os.O_TMPFILE


def test_creat_and_open(watch: Watch, tmp_path: Path) -> None:
    """The old system calls, where the architecture has them."""
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has open and creat")
    script = """
libc.syscall(85, (here + '/a').encode(), 0o600)
libc.syscall(2, (here + '/b').encode(), 0o101, 0o644)
"""
    created, opened = opens(watch, script, tmp_path)
    assert (created.type, created.path, created.mode) == ("creat", f"{tmp_path}/a", 0o600)
    assert created.flags == os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    assert (opened.type, opened.path, opened.mode) == ("open", f"{tmp_path}/b", 0o644)
    assert opened.flags == os.O_CREAT | os.O_WRONLY


def test_openat2(watch: Watch, tmp_path: Path) -> None:
    """openat2 with its own structure; RESOLVE_IN_ROOT makes an absolute path start at the descriptor."""
    script = """
fd = os.open(here, os.O_PATH)
def openat2(path, resolve):
    how = struct.pack('QQQ', os.O_CREAT | os.O_WRONLY, 0o600, resolve)
    return libc.syscall(437, fd, path, how, len(how))
openat2(b'one', 0)
openat2(b'/two', 0x10)
"""
    one, two = (event for event in opens(watch, script, tmp_path) if event.type == "openat2")
    assert (one.path, one.mode, one.flags) == (f"{tmp_path}/one", 0o600, os.O_CREAT | os.O_WRONLY)
    assert (two.path, two.raw) == (f"{tmp_path}/two", "/two")


def test_longest_path(watch: Watch, tmp_path: Path) -> None:
    """A path of 4,095 bytes, the longest that Linux takes, arrives whole; a longer one as far as it fits."""
    script = """
for length in (4095, 4096):
    path = here + '/a' * 4096
    libc.open(path[:length].encode(), os.O_RDONLY)
"""
    longest, beyond = opens(watch, script, tmp_path)
    assert longest.path == (str(tmp_path) + "/a" * 4096)[:4095].rstrip("/")
    assert longest.result == -errno.ENOENT
    assert beyond.result == -errno.ENAMETOOLONG
    assert longest.path.startswith(beyond.path[:4000])


def test_bytes_that_are_no_text(watch: Watch, tmp_path: Path) -> None:
    r"""A path that is no UTF-8 is shown with \xNN."""
    event = opens(watch, "open(here.encode() + b'/caf\\xe9', 'w')", tmp_path)[-1]
    assert event.path == f"{tmp_path}/caf\\xe9"


def test_directories_that_are_read_are_left_out(watch: Watch, tmp_path: Path) -> None:
    """Listing directories is no event; failing to is, and so is writing in them."""
    script = """
os.listdir(here)
os.close(os.open(here, os.O_RDONLY))
try: os.listdir(here + '/x')
except OSError: pass
"""
    (event,) = opens(watch, script, tmp_path)
    assert (event.path, event.result) == (f"{tmp_path}/x", -errno.ENOENT)


def test_unreadable_path(watch: Watch, tmp_path: Path) -> None:
    """A pointer to nowhere is a failed attempt without a path."""
    pid = watch.python(LIBRARY + "libc.openat(-100, ctypes.c_void_p(16), 0)", str(tmp_path))
    event = watch.of(pid, Open)[-1]
    assert (event.path, event.result) == ("", -errno.EFAULT)


def test_own_files_are_left_out(watch: Watch, tmp_path: Path) -> None:
    """What the collector itself opens is no event."""
    (tmp_path / "own").write_text("")
    watch.settle()
    assert not [e for e in watch.events if isinstance(e, Open) and e.path == f"{tmp_path}/own"]
