"""Which host this is, and which boot of it."""

import socket
from hashlib import sha256
from pathlib import Path

from wire.batch import Host


def identify() -> Host:
    """The id is the machine's (machine-id(5)); without one, it follows from the host's name."""
    name = socket.gethostname()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except FileNotFoundError:
        machine = ""
    return Host(id=machine or sha256(name.encode()).hexdigest()[:32], name=name, boot=boot)
