"""What is told of an executable and its environment besides paths and arguments."""

from __future__ import annotations

import re

# Variables that change what programs load, run, or leave behind, and through whom they talk. The others may
# hold secrets and stay where they are.
_TOLD = re.compile(
    rb"(?:LD_\w+|GLIBC_TUNABLES|GCONV_PATH|MALLOC_\w+|(?:https?|ftp|all|no)_proxy|BASH_ENV|ENV|PROMPT_COMMAND|IFS"
    rb"|PYTHON(?:PATH|STARTUP|HOME)|PERL5(?:LIB|OPT|DB)|RUBYOPT|RUBYLIB|NODE_OPTIONS|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS"
    rb"|JDK_JAVA_OPTIONS|CLASSPATH|HIST(?:FILE|SIZE|FILESIZE|CONTROL|IGNORE)|GIT_SSH(?:_COMMAND)?"
    rb"|SSH_ASKPASS|SUDO_ASKPASS|DOCKER_HOST|KUBECONFIG)=",
    re.IGNORECASE,
)

_DAC_OVERRIDE = 1 << 1


def environment(data: bytes) -> list[str]:
    """The variables that are told, of NAME=VALUE in zero bytes."""
    found = [variable for variable in data.split(b"\0") if _TOLD.match(variable)] if data else []
    return [variable.decode("utf-8", "backslashreplace") for variable in found]


def writable(mode: int, owner: tuple[int, int], user: tuple[int, int], capabilities: int) -> bool:
    """Whether a user and group, without further groups, may write to a file with this owner and group."""
    if capabilities & _DAC_OVERRIDE:
        return True
    if user[0] == owner[0]:
        return bool(mode & 0o200)
    return bool(mode & (0o020 if user[1] == owner[1] else 0o002))
