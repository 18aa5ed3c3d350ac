"""The records as C lays them out and as Python reads them."""

import subprocess
from pathlib import Path

import pytest

from bpf.build import HERE
from collectors.kernel import layout
from collectors.kernel.hooks import HOOKS
from collectors.kernel.layout import Fields, compiled
from collectors.kernel.needs import encoded, everything

# struct in events.h -> its fields in Python, and the structures in it that Python has flattened.
STRUCTS: dict[str, tuple[Fields, dict[str, Fields]]] = {
    "header": (layout.HEADER, {}),
    "endpoints": (layout.ENDPOINTS, {}),
    "fork_event": (layout.FORK, {"header": layout.HEADER}),
    "exit_event": (layout.EXIT, {"header": layout.HEADER}),
    "exec_event": (layout.EXEC, {"header": layout.HEADER}),
    "ancestor": (layout.ANCESTOR, {}),
    "descriptor": (layout.DESCRIPTOR, {"socket": layout.ENDPOINTS}),
    "paths_event": (layout.PATHS, {"header": layout.HEADER}),
    "call_event": (
        layout.CALL,
        {"header": layout.HEADER, "file": layout.DESCRIPTOR, "file.socket": layout.ENDPOINTS},
    ),
    "socket_event": (layout.SOCKET, {"header": layout.HEADER, "ends": layout.ENDPOINTS}),
    "dns_event": (layout.DNS, {"header": layout.HEADER}),
    "config": (layout.CONFIG, {}),
    "moves": (layout.MOVES, {}),
    "ports": (layout.RANGE, {}),
    "limits": (layout.LIMIT, {}),
    "type_limits": (layout.TYPE_LIMITS, {}),
    "limited": (layout.LIMITED, {}),
}

CONSTANTS = (
    "COMM_SIZE",
    "ANCESTORS",
    "STDIO",
    "NUMBERS",
    "KINDS",
    "PATH_UNKNOWN",
    "CLASSES",
    "ALTERNATIVES",
    "LIMITS",
    "RANGES",
    "STATES",
    "CELLS",
    "SEEN",
    "NO_CLASS",
    "EXEC_UPPER_LAYER",
    "EXEC_MEMFD",
    "EXEC_LOWER_LAYER",
    "RING_SUBMITTED",
    "RING_COMPLETED",
    "SKIP_DIRECTORY_READS",
    "SKIP_EMPTY_CALLS",
)


def offsets(fields: Fields, nested: dict[str, Fields]) -> dict[str, int]:
    """Where each field of a struct begins, by its name in C."""
    names = {name: f"{outer}.{name}" for outer, inner in nested.items() for name, _ in inner}
    return {names.get(name, name): compiled(fields[:index]).size for index, (name, _) in enumerate(fields)}


def ask_c(directory: Path, expressions: list[str]) -> list[int]:
    """The values of some expressions to the C compiler."""
    source = directory / "ask.c"
    lines = "".join(f'printf("%lu\\n", (unsigned long)({expression}));\n' for expression in expressions)
    source.write_text(
        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n"
        "typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;\n"
        "typedef int32_t s32; typedef int64_t s64;\n"
        f'#include "{HERE}/events.h"\nint main(void) {{\n{lines}return 0; }}\n'
    )
    program = directory / "ask"
    subprocess.run(["clang", "-Wall", "-Wpadded", "-Werror", "-o", program, source], check=True)
    return [int(line) for line in subprocess.run([program], capture_output=True, check=True).stdout.split()]


def test_offsets_and_sizes(clang: str, tmp_path: Path) -> None:
    """Every field lies where the C compiler puts it, and no structure is padded behind anybody's back."""
    expected = {}
    for struct, (fields, nested) in STRUCTS.items():
        for name, offset in offsets(fields, nested).items():
            expected[f"offsetof(struct {struct}, {name})"] = offset
        if struct != "exec_event":
            expected[f"sizeof(struct {struct})"] = compiled(fields).size
    expected["offsetof(struct filter, types)"] = compiled(layout.FILTER).size
    expected["sizeof(struct filter)"] = len(encoded(everything(HOOKS)))
    expected["offsetof(struct exec_event, ancestors)"] = compiled(layout.EXEC).size
    expected["sizeof(struct exec_event)"] = (
        compiled(layout.EXEC).size
        + layout.ANCESTORS * compiled(layout.ANCESTOR).size
        + layout.STDIO * compiled(layout.DESCRIPTOR).size
    )
    assert dict(zip(expected, ask_c(tmp_path, list(expected)), strict=True)) == expected


def test_constants(clang: str, tmp_path: Path) -> None:
    """Constants have the same values on both sides."""
    expected = {name: getattr(layout, name) for name in CONSTANTS}
    assert dict(zip(expected, ask_c(tmp_path, list(expected)), strict=True)) == expected


def test_every_struct_is_compared() -> None:
    """A structure that is added to events.h must be added here."""
    declared = [
        line.split()[1] for line in (HERE / "events.h").read_text().splitlines() if line.startswith("struct ")
    ]
    assert sorted(declared) == sorted([*STRUCTS, "filter"])


@pytest.mark.parametrize("struct", STRUCTS)
def test_padding_is_explicit(struct: str) -> None:
    """Fields lie at multiples of their width, so that C and Python need no padding of their own."""
    fields, _ = STRUCTS[struct]
    for index, (name, code) in enumerate(fields):
        width = {"Q": 8, "q": 8, "I": 4, "i": 4, "H": 2}.get(code, 1)
        assert compiled(fields[:index]).size % width == 0, name
    assert compiled(fields).size % 4 == 0
