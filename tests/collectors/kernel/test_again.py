"""Opens that nobody needed before: the same is left out again, and what has become another is not."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from collectors.kernel import ways
from collectors.kernel.layout import MOVES, compiled
from collectors.kernel.libbpf import entries, possible_cpus, read_element
from collectors.kernel.loader import Loaded, load
from collectors.kernel.settings import Settings
from tests.collectors.kernel.test_needs import both
from wire.event import Open
from wire.needs import Limits, Needs, Paths, admits, facts

pytestmark = pytest.mark.kernel

NOBODY = Needs(types={"openat": (Limits(path=Paths(exact=("/nobody/opens/this",))),)})

# More bytes than an element has.
ROOM = 1024

# Opens the same again and again, by the same words, while what they lead to becomes another path.
AGAIN = """
import ctypes, os, sys
top = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
def look(name, flags=os.O_RDONLY):
    for turn in range(3):
        os.close(os.open(name, flags))
for folder in ('other', 'far', 'place', 'mounted'):
    os.mkdir(f'{top}/{folder}')
for name in ('other/file', 'far/file', 'second', 'written'):
    open(f'{top}/{name}', 'w').close()
os.symlink('far', f'{top}/link')
os.chdir(f'{top}/other')
look('file')
os.rename(f'{top}/other', f'{top}/wanted')
look('file')
os.rename(f'{top}/wanted', f'{top}/other')
look('file')
look(f'{top}/link/file')
os.unlink(f'{top}/link')
os.rename(f'{top}/far', f'{top}/wanted')
os.symlink('wanted', f'{top}/link')
look(f'{top}/link/file')
os.rename(f'{top}/wanted', f'{top}/far')
os.mkdir(f'{top}/wanted')
os.chdir(f'{top}/far')
look('file')
exchanged = (-100, f'{top}/far'.encode(), -100, f'{top}/wanted'.encode(), 2)
assert libc.renameat2(*exchanged) == 0
look('file')
assert libc.renameat2(*exchanged) == 0
look('file')
os.rmdir(f'{top}/wanted')
look(f'{top}/second')
os.rename(f'{top}/second', f'{top}/needed')
os.link(f'{top}/needed', f'{top}/second')
look(f'{top}/needed')
look(f'{top}/second')
look(f'{top}/written')
look(f'{top}/written', os.O_WRONLY)
look(f'{top}/written')
assert libc.unshare(0x20000) == 0 and libc.mount(None, b'/', None, 0x44000, None) == 0
assert libc.mount(b'none', f'{top}/place'.encode(), b'tmpfs', 0, None) == 0
open(f'{top}/place/file', 'w').close()
os.chdir(f'{top}/place')
look('file')
os.mkdir(f'{top}/wanted')
assert libc.mount(f'{top}/place'.encode(), f'{top}/wanted'.encode(), None, 8192, None) == 0
look('file')
os.chroot(f'{top}/mounted')
look('file')
"""


@pytest.fixture
def loaded(kernel: None) -> Iterator[Loaded]:
    """Programs that hold opens against what was noted of them; skips where functions cannot be hooked."""
    if not ways.moves_are_told():
        pytest.skip(f"nobody counts moved directories here: {ways.way()}")
    with closing(load(NOBODY, Settings(ring_bytes=1 << 20, skip=0, own_tgid=0))) as found:
        yield found


def noted(loaded: Loaded, name: str) -> bool:
    """Whether an open of this name is among those that nobody needs."""
    words = name.encode() + b"\0"
    found = entries(loaded.maps["remembered"], 4, ROOM * possible_cpus())
    return any(words in value for _, value in found)


def moves(loaded: Loaded) -> tuple[int, int]:
    """Names that have been moved, and directories among them."""
    fields = compiled(MOVES)
    every, directories = fields.unpack(read_element(loaded.maps["moves"], fields.size))
    return every, directories


def test_only_what_is_the_same_again_is_noted(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open for reading is, by a name that has room; neither one that writes nor one that fails is."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        read, relative, long = Path(folder) / "read", Path("relative"), Path("n" * 63)
        for path in (read, relative, long):
            path.touch()
            path.read_bytes()
        (Path(folder) / "written").write_bytes(b"")
        with pytest.raises(FileNotFoundError):
            (Path(folder) / "missing").open()
        monkeypatch.undo()
    assert noted(loaded, str(read))
    assert noted(loaded, str(relative))
    assert not any(noted(loaded, name) for name in (f"{folder}/written", f"{folder}/missing", str(long)))


def test_moves_are_counted(loaded: Loaded, tmp_path: Path) -> None:
    """Of whatever kind, directories apart; and no more when nobody needs opens."""
    before = moves(loaded)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").rename(tmp_path / "renamed")
    between = moves(loaded)
    (tmp_path / "file").touch()
    (tmp_path / "file").rename(tmp_path / "renamed/file")
    after = moves(loaded)
    assert before[0] > 0
    assert before[1] < between[1] <= after[1]
    assert before[0] < between[0] < after[0]
    loaded.want(Needs(types={}))
    while loaded.step():
        pass
    assert moves(loaded) == (0, 0)


@pytest.mark.kernel
def test_what_was_left_out_before_is_not_when_its_path_is_another(kernel: None, tmp_path: Path) -> None:
    """Renamed, exchanged, linked or mounted elsewhere: the same words may lead to a file that is needed."""
    limits = (
        Limits(path=Paths(prefixes=(f"{tmp_path}/wanted/",), exact=(f"{tmp_path}/needed",))),
        Limits(path=Paths(names=("written",)), access=(1, 2)),
    )
    with both(Needs(types={"openat": limits})) as (some, everything_):
        pid = some.python(AGAIN, str(tmp_path))
        everything_.settle()
    needed = [
        event
        for event in everything_.of(pid, Open)
        if event.path.startswith(str(tmp_path))
        and admits(Needs(types={"openat": limits}), facts(event, in_container=False))
    ]
    delivered = [(event.path, event.file) for event in some.of(pid, Open)]
    assert delivered == [(event.path, event.file) for event in needed]
    assert len(delivered) == 1 + 3 * 7
    assert len(everything_.of(pid, Open)) > 3 * len(delivered) / 2
