"""Lets programs read the kernel's memory directly, where the kernel has a function for that.

``bpf_rdonly_cast`` (since Linux 6.2) says what a number points to; without it each look is a copy. Programs
are compiled with numbers in the places of two instructions, as in bpf/by_btf.h: the call, which a kernel
without the function never reaches, and the mark that says whether there is one.
"""

from __future__ import annotations

import re
import struct
from functools import cache

from collectors.kernel import libbpf

_FUNCTION = "bpf_rdonly_cast"
_CALL, _MARK = 0x7C0FFEE1, 0x7C0FFEE2

# struct bpf_insn: operation, registers, offset, and a number (include/uapi/linux/bpf.h). In a call of a
# function of the kernel the upper register is 2 (BPF_PSEUDO_KFUNC_CALL).
_CALL_HELPER, _CALL_KERNEL, _MOVE = b"\x85\0\0\0", b"\x85\x20\0\0", b"\xb7"

_IMMEDIATE = struct.Struct("<i")


def fitted(code: bytes) -> bytes:
    """A compiled object file with what the running kernel has put in; as it is, if that has nothing."""
    number = function()
    if number is None:
        return code
    code = code.replace(_CALL_HELPER + _IMMEDIATE.pack(_CALL), _CALL_KERNEL + _IMMEDIATE.pack(number))
    mark = re.compile(_MOVE + rb"([\0-\x09])\0\0" + re.escape(_IMMEDIATE.pack(_MARK)))
    return mark.sub(_MOVE + rb"\1\0\0" + _IMMEDIATE.pack(1), code)


@cache
def function() -> int | None:
    """The number of the function in the kernel's type information, if it is there."""
    return libbpf.kernel_function(_FUNCTION)
