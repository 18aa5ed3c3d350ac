"""Compiles programs by the running kernel's headers: a script for the system's own Python, which has BCC.

On standard input it gets a JSON object: ``text``, a program in C, ``flags`` for the compiler, and
``programs``, names of functions. On standard output each has a line: its name, a space, and its instructions
in hexadecimal.
"""

import json
import sys


def main() -> None:
    """Compile; whatever is wrong is on standard error, and the exit code is not 0."""
    from bcc import BPF  # noqa: PLC0415  # the system's Python has it, and maybe no other

    asked = json.load(sys.stdin)
    compiled = BPF(text=asked["text"], cflags=asked["flags"])
    for name in asked["programs"]:
        sys.stdout.write(f"{name} {compiled.dump_func(name).hex()}\n")


if __name__ == "__main__":
    main()
