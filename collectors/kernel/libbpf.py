"""The one module that talks to libbpf: a small typed surface over ``libbpf.so.1``."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from ctypes import c_bool, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from functools import cache
from pathlib import Path
from typing import NamedTuple

_LIBRARY = "libbpf.so.1"
_LOG_LINES = 16

_PRINT = ctypes.CFUNCTYPE(c_int, c_int, c_char_p, c_void_p)

# Name, type of the result, types of the arguments; handles are opaque pointers.
_FUNCTIONS: tuple[tuple[str, type | None, tuple[object, ...]], ...] = (
    ("bpf_object__open_mem", c_void_p, (c_char_p, c_size_t, c_void_p)),
    ("bpf_object__load", c_int, (c_void_p,)),
    ("bpf_object__close", None, (c_void_p,)),
    ("bpf_object__next_map", c_void_p, (c_void_p, c_void_p)),
    ("bpf_object__next_program", c_void_p, (c_void_p, c_void_p)),
    ("bpf_map__name", c_char_p, (c_void_p,)),
    ("bpf_map__fd", c_int, (c_void_p,)),
    ("bpf_map__reuse_fd", c_int, (c_void_p, c_int)),
    ("bpf_map__set_max_entries", c_int, (c_void_p, c_uint32)),
    ("bpf_program__name", c_char_p, (c_void_p,)),
    ("bpf_program__section_name", c_char_p, (c_void_p,)),
    ("bpf_program__fd", c_int, (c_void_p,)),
    ("bpf_program__set_autoload", c_int, (c_void_p, c_bool)),
    ("bpf_program__set_attach_target", c_int, (c_void_p, c_int, c_char_p)),
    ("bpf_raw_tracepoint_open", c_int, (c_char_p, c_int)),
    ("bpf_prog_load", c_int, (c_int, c_char_p, c_char_p, c_char_p, c_size_t, c_void_p)),
    ("bpf_map_lookup_elem", c_int, (c_int, c_void_p, c_void_p)),
    ("bpf_map_get_next_key", c_int, (c_int, c_void_p, c_void_p)),
    ("bpf_map_delete_elem", c_int, (c_int, c_void_p)),
    ("bpf_map_update_elem", c_int, (c_int, c_void_p, c_void_p, ctypes.c_uint64)),
    ("bpf_enable_stats", c_int, (c_int,)),
    ("bpf_obj_get_info_by_fd", c_int, (c_int, c_void_p, c_void_p)),
    ("btf__load_vmlinux_btf", c_void_p, ()),
    ("btf__find_by_name_kind", c_int, (c_void_p, c_char_p, c_uint32)),
    ("btf__type_by_id", c_void_p, (c_void_p, c_uint32)),
    ("btf__free", None, (c_void_p,)),
    ("libbpf_num_possible_cpus", c_int, ()),
)

# struct bpf_prog_info (include/uapi/linux/bpf.h): the name, and how long and how often it ran.
_PROGRAM_INFO = struct.Struct("=64x16s112xQQ")

# struct btf_type (include/uapi/linux/btf.h): name, information, and for a function the number of its type.
_BTF_TYPE = struct.Struct("=III")
_BTF_KIND_FUNC = 12

# struct bpf_object_open_opts (libbpf.h) as far as the path to type information, and struct bpf_insn.
_OPEN = struct.Struct("@NPPPPPP")
_INSTRUCTION = 8

# What the section of a program begins with that is attached to a tracepoint by its name.
RAW_TRACEPOINT = "raw_tp/"

_KEY = struct.Struct("=I")

_BTF = b"/sys/kernel/btf/vmlinux"

# What the name of a map begins with that is a variable, as in bpf/by_btf.h.
_VARIABLE = ".data."

_log: list[str] = []


class BpfError(Exception):
    """The kernel or libbpf refused something: the message says what and ends with libbpf's last words."""


class Handle(int):
    """The address of a map or a program inside of libbpf."""


class Program(NamedTuple):
    """A program in the kernel: its descriptor, and where it wants to be attached."""

    fd: int
    section: str


@cache
def library() -> ctypes.CDLL:
    """libbpf, with its messages collected instead of printed; raises ``BpfError`` if it is not installed."""
    try:
        loaded = ctypes.CDLL(_LIBRARY, use_errno=True)
    except OSError as error:
        raise BpfError(f"{_LIBRARY} cannot be loaded ({error}): install libbpf 1.0 or newer") from error
    for name, result, arguments in _FUNCTIONS:
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = arguments
    loaded.libbpf_set_print.restype = c_void_p
    loaded.libbpf_set_print.argtypes = (_PRINT,)
    loaded.libbpf_set_print(_printer)
    return loaded


def _collect(level: int, template: bytes, values: int) -> int:
    """Keep a message: a template and a va_list, which on both architectures arrives as a pointer."""
    if level > 0:  # information and debugging
        return 0
    message = c_char_p()
    libc = ctypes.CDLL(None)
    if libc.vasprintf(ctypes.byref(message), c_char_p(template), c_void_p(values)) >= 0:
        _log.extend((message.value or b"").decode(errors="replace").splitlines()[-_LOG_LINES:])
        libc.free(message)
        del _log[:-_LOG_LINES]
    return 0


_printer = _PRINT(_collect)


def _failure(what: str) -> BpfError:
    reason = os.strerror(ctypes.get_errno())
    words = "\n".join(f"  {line}" for line in _log)
    _log.clear()
    return BpfError(f"{what}: {reason}" + (f"\n{words}" if words else ""))


class BpfObject:
    """A compiled object file: its maps and programs by name."""

    def __init__(self, path: Path, fitted: Callable[[bytes], bytes] = bytes, *, typed: bool = True) -> None:
        """Read the file; nothing is in the kernel before ``load``.

        ``fitted`` may change what was read. Without ``typed`` the kernel's type information is not asked for,
        which will do for the maps.
        """
        self._name = path.name
        try:
            self._code = fitted(path.read_bytes())
        except OSError as error:
            raise BpfError(f"{path} cannot be read: {error.strerror}") from error
        # libbpf wants to see some; that of the object itself is some. Given those of the kernel, it does not
        # look for types that the kernel lacks in its modules, which takes CAP_SYS_ADMIN.
        types = ctypes.create_string_buffer(_BTF if typed else os.fsencode(path))
        name = ctypes.create_string_buffer(os.fsencode(path.name))
        options = _OPEN.pack(_OPEN.size, ctypes.addressof(name), 0, 0, 0, 0, ctypes.addressof(types))
        self._handle = library().bpf_object__open_mem(self._code, len(self._code), options)
        if not self._handle:
            raise _failure(f"{path} cannot be opened as a BPF object")
        self.maps = dict(self._named("map"))
        self.programs = dict(self._named("program"))

    def _named(self, what: str) -> Iterator[tuple[str, Handle]]:
        after = getattr(library(), f"bpf_object__next_{what}")
        name = getattr(library(), f"bpf_{what}__name")
        handle = after(self._handle, None)
        while handle:
            yield name(handle).decode().removeprefix(_VARIABLE), Handle(handle)
            handle = after(self._handle, handle)

    def load(self) -> None:
        """Create the maps, and have the kernel verify and keep the programs that were not left out."""
        if library().bpf_object__load(self._handle) != 0:
            raise _failure(f"the kernel did not accept {self._name}")

    def close(self) -> None:
        """Let go of maps and programs; what is attached stays until its link is destroyed."""
        library().bpf_object__close(self._handle)


def section(program: Handle) -> str:
    """Where the program wants to be attached, e.g. ``tp/syscalls/sys_exit_openat``."""
    name: bytes = library().bpf_program__section_name(program)
    return name.decode()


def leave_out(program: Handle) -> None:
    """Do not load this program with the others of its object."""
    library().bpf_program__set_autoload(program, False)


def set_function(program: Handle, name: str) -> None:
    """Have a program hang on another function of the kernel than its section says; before ``load``."""
    if library().bpf_program__set_attach_target(program, 0, name.encode()) != 0:
        raise _failure(f"a BPF program cannot hang on {name}")


def kernel_functions(names: Iterable[str]) -> dict[str, int]:
    """Those that the running kernel has by its type information, with the numbers of their types."""
    types = library().btf__load_vmlinux_btf()
    if not types:
        raise _failure("the kernel's type information cannot be read")
    try:
        return {name: found for name in names if (found := _type_of_function(types, name)) is not None}
    finally:
        library().btf__free(types)


def kernel_function(name: str) -> int | None:
    """The number of a function in the running kernel's type information; ``None`` if it is not there."""
    types = library().btf__load_vmlinux_btf()
    if not types:
        return None
    try:
        number: int = library().btf__find_by_name_kind(types, name.encode(), _BTF_KIND_FUNC)
        return number if number > 0 else None
    finally:
        library().btf__free(types)


def _type_of_function(types: int, name: str) -> int | None:
    number = library().btf__find_by_name_kind(types, name.encode(), _BTF_KIND_FUNC)
    if number <= 0:
        return None
    kind = library().btf__type_by_id(types, number)
    return _BTF_TYPE.unpack(ctypes.string_at(kind, _BTF_TYPE.size))[2]  # type: ignore[no-any-return]  # an integer


def share(map_handle: Handle, fd: int) -> None:
    """Let an object use a map that exists already; before ``load``."""
    if library().bpf_map__reuse_fd(map_handle, fd) != 0:
        raise _failure("a map cannot be shared between BPF objects")


def resize(map_handle: Handle, entries: int) -> None:
    """Set how many entries, or for a ring buffer bytes, a map has; before ``load``."""
    if library().bpf_map__set_max_entries(map_handle, entries) != 0:
        raise _failure(f"a map cannot have {entries} entries")


def map_fd(map_handle: Handle) -> int:
    """The descriptor of a map; after ``load``."""
    fd: int = library().bpf_map__fd(map_handle)
    return fd


def loaded(program: Handle) -> Program:
    """A program of an object that was loaded. It lives as long as the object."""
    name: bytes = library().bpf_program__section_name(program)
    return Program(library().bpf_program__fd(program), name.decode())


def load_program(name: str, code: bytes, kind: int, section: str) -> Program:
    """Have the kernel verify and keep instructions; ``kind`` is one of ``enum bpf_prog_type``."""
    instructions = len(code) // _INSTRUCTION
    fd = library().bpf_prog_load(kind, name.encode(), b"Dual BSD/GPL", code, instructions, None)
    if fd < 0:
        raise _failure(f"the kernel did not accept the program {name}")
    return Program(fd, section)


def attach(program: Program) -> int:
    """Attach a program that is for no perf event; it is as long as what is returned is open."""
    raw = program.section.startswith(RAW_TRACEPOINT)
    name = program.section.removeprefix(RAW_TRACEPOINT).encode() if raw else None
    fd: int = library().bpf_raw_tracepoint_open(name, program.fd)
    if fd < 0:
        raise _failure(f"{program.section} cannot be attached")
    return fd


def attach_if_there(program: Program) -> int | None:
    """The same; ``None`` if this kernel has no such place."""
    try:
        return attach(program)
    except BpfError:
        if ctypes.get_errno() == errno.ENOENT:
            return None
        raise


def possible_cpus() -> int:
    """How many CPUs the kernel has room for: the number of values in a per-CPU map."""
    count: int = library().libbpf_num_possible_cpus()
    return count


def read_element(fd: int, size: int) -> bytes:
    """The first element of an array map; of a per-CPU map, that of each CPU in turn."""
    value = ctypes.create_string_buffer(size)
    if library().bpf_map_lookup_elem(fd, _KEY.pack(0), value) != 0:
        raise _failure("a BPF map cannot be read")
    return value.raw


def write_element(fd: int, value: bytes, index: int = 0) -> None:
    """Write an element of an array map."""
    write_entry(fd, _KEY.pack(index), value)


def write_entry(fd: int, key: bytes, value: bytes) -> None:
    """Write an entry of any map."""
    if library().bpf_map_update_elem(fd, key, value, 0) != 0:
        raise _failure("a BPF map cannot be written")


def remove_entry(fd: int, key: bytes) -> None:
    """Remove an entry of a hash map, if it is there."""
    library().bpf_map_delete_elem(fd, key)


def entries(fd: int, key_size: int, value_size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a hash map. One that is removed meanwhile may make others come twice or not at all."""
    key, value = ctypes.create_string_buffer(key_size), ctypes.create_string_buffer(value_size)
    more = library().bpf_map_get_next_key(fd, None, key)
    while more == 0:
        if library().bpf_map_lookup_elem(fd, key, value) == 0:
            yield key.raw, value.raw
        more = library().bpf_map_get_next_key(fd, key, key)


def count_run_time() -> None:
    """Have the kernel count how long programs run, until this process ends; that costs a little itself."""
    if library().bpf_enable_stats(0) < 0:
        raise _failure("the kernel does not count how long programs run")


def run_times() -> dict[str, tuple[int, int]]:
    """For each program that this process has loaded: nanoseconds that it ran, and how many times."""
    descriptors = Path("/proc/self/fd")
    programs = (
        path for path in descriptors.iterdir() if path.is_symlink() and "bpf-prog" in str(path.readlink())
    )
    return dict(_run_time(int(path.name)) for path in programs)


def _run_time(fd: int) -> tuple[str, tuple[int, int]]:
    info = ctypes.create_string_buffer(_PROGRAM_INFO.size)
    size = c_uint32(_PROGRAM_INFO.size)
    if library().bpf_obj_get_info_by_fd(fd, info, ctypes.byref(size)) != 0:
        raise _failure("the kernel does not say what it knows of a program")
    name, nanoseconds, times = _PROGRAM_INFO.unpack(info.raw)
    return name.partition(b"\0")[0].decode(), (nanoseconds, times)
