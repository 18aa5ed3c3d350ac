"""Every event type that the kernel side can deliver: where it is hooked and how its records are decoded.

To add one: a function in a ``bpf/*.bpf.c`` and a line here; its name, and how many numbers it has, in
``wire/event.py``, or else whoever reads the stream refuses it; for rules, its name and its arguments in
``event_types.py`` and ``arguments.py`` of ``rules/catalogue``.
"""

from dataclasses import dataclass

from collectors.kernel import call, dns, file, network, process
from collectors.kernel.decode import Decoder


@dataclass(frozen=True, slots=True)
class Hook:
    """``kind`` is the number in the record's header; ``program`` is a function in ``bpf/<source>.bpf.c``.

    ``ring`` are the operations of io_uring that do the same (IORING_OP_*), which ``RING`` reports.
    """

    kind: int
    source: str
    program: str
    decode: Decoder
    ring: tuple[int, ...] = ()


HOOKS: dict[str, Hook] = {
    "fork": Hook(1, "process", "on_fork", process.fork),
    "execve": Hook(2, "process", "on_execve", process.execute),
    "execveat": Hook(3, "process", "on_execve", process.execute),
    "procexit": Hook(4, "process", "on_procexit", process.leave),
    "open": Hook(5, "file", "on_open", file.opened),
    "openat": Hook(6, "file", "on_openat", file.opened, ring=(18,)),
    "openat2": Hook(7, "file", "on_openat2", file.opened, ring=(28,)),
    "creat": Hook(8, "file", "on_creat", file.opened),
    "connect": Hook(9, "network", "on_connect", network.socket, ring=(16,)),
    "accept": Hook(10, "network", "on_accept", network.socket),
    "accept4": Hook(11, "network", "on_accept4", network.socket, ring=(13,)),
    "bind": Hook(12, "network", "on_bind", network.socket, ring=(56,)),
    "listen": Hook(13, "network", "on_listen", network.socket, ring=(57,)),
    "rename": Hook(14, "change", "on_rename", file.changed),
    "renameat": Hook(15, "change", "on_renameat", file.changed),
    "renameat2": Hook(16, "change", "on_renameat2", file.changed, ring=(35,)),
    "link": Hook(17, "change", "on_link", file.changed),
    "linkat": Hook(18, "change", "on_linkat", file.changed, ring=(39,)),
    "symlink": Hook(19, "change", "on_symlink", file.changed),
    "symlinkat": Hook(20, "change", "on_symlinkat", file.changed, ring=(38,)),
    "unlink": Hook(21, "change", "on_unlink", file.changed),
    "unlinkat": Hook(22, "change", "on_unlinkat", file.changed, ring=(36,)),
    "rmdir": Hook(23, "change", "on_rmdir", file.changed),
    "mkdir": Hook(24, "change", "on_mkdir", file.changed),
    "mkdirat": Hook(25, "change", "on_mkdirat", file.changed, ring=(37,)),
    "mknod": Hook(26, "change", "on_mknod", file.changed),
    "mknodat": Hook(27, "change", "on_mknodat", file.changed),
    "chmod": Hook(28, "change", "on_chmod", file.changed),
    "fchmod": Hook(29, "change", "on_fchmod", file.changed),
    "fchmodat": Hook(30, "change", "on_fchmodat", file.changed),
    "fchmodat2": Hook(31, "change", "on_fchmodat2", file.changed),
    "chown": Hook(32, "change", "on_chown", file.changed),
    "lchown": Hook(33, "change", "on_lchown", file.changed),
    "fchown": Hook(34, "change", "on_fchown", file.changed),
    "fchownat": Hook(35, "change", "on_fchownat", file.changed),
    "utime": Hook(36, "change", "on_utime", file.changed),
    "utimes": Hook(37, "change", "on_utimes", file.changed),
    "futimesat": Hook(38, "change", "on_futimesat", file.changed),
    "utimensat": Hook(39, "change", "on_utimensat", file.changed),
    "mount": Hook(40, "mount", "on_mount", file.changed),
    "umount2": Hook(41, "mount", "on_umount2", file.changed),
    "pivot_root": Hook(42, "mount", "on_pivot_root", file.changed),
    "chroot": Hook(43, "mount", "on_chroot", file.changed),
    "setuid": Hook(44, "identity", "on_setuid", call.became),
    "setgid": Hook(45, "identity", "on_setgid", call.became),
    "setreuid": Hook(46, "identity", "on_setreuid", call.became),
    "setregid": Hook(47, "identity", "on_setregid", call.became),
    "setresuid": Hook(48, "identity", "on_setresuid", call.became),
    "setresgid": Hook(49, "identity", "on_setresgid", call.became),
    "setfsuid": Hook(50, "identity", "on_setfsuid", call.became),
    "setfsgid": Hook(51, "identity", "on_setfsgid", call.became),
    "capset": Hook(52, "identity", "on_capset", call.told),
    "setns": Hook(53, "identity", "on_setns", call.told),
    "unshare": Hook(54, "identity", "on_unshare", call.told),
    "ptrace": Hook(55, "other", "on_ptrace", call.told),
    "process_vm_readv": Hook(56, "other", "on_process_vm_readv", call.told),
    "process_vm_writev": Hook(57, "other", "on_process_vm_writev", call.told),
    "init_module": Hook(58, "kernel", "on_init_module", call.told),
    "finit_module": Hook(59, "kernel", "on_finit_module", call.told),
    "delete_module": Hook(60, "kernel", "on_delete_module", call.told),
    "bpf": Hook(61, "kernel", "on_bpf", call.told),
    "perf_event_open": Hook(62, "kernel", "on_perf_event_open", call.told),
    "memfd_create": Hook(63, "kernel", "on_memfd_create", call.told),
    "userfaultfd": Hook(64, "kernel", "on_userfaultfd", call.told),
    "prctl": Hook(65, "kernel", "on_prctl", call.told),
    "keyctl": Hook(66, "kernel", "on_keyctl", call.told),
    "kill": Hook(67, "other", "on_kill", call.told),
    "tkill": Hook(68, "other", "on_tkill", call.told),
    "tgkill": Hook(69, "other", "on_tgkill", call.told),
    "io_uring_setup": Hook(70, "kernel", "on_io_uring_setup", call.told),
    "dup": Hook(71, "descriptor", "on_dup", call.told),
    "dup2": Hook(72, "descriptor", "on_dup2", call.told),
    "dup3": Hook(73, "descriptor", "on_dup3", call.told),
    "socket": Hook(74, "descriptor", "on_socket", call.told, ring=(45,)),
    "sendto": Hook(75, "network", "on_sendto", network.socket, ring=(26, 47)),
    "sendmsg": Hook(76, "network", "on_sendmsg", network.socket, ring=(9, 48)),
    "recvfrom": Hook(77, "network", "on_recvfrom", network.socket, ring=(27,)),
    "recvmsg": Hook(78, "network", "on_recvmsg", network.socket, ring=(10,)),
    "open_by_handle_at": Hook(79, "file", "on_open_by_handle_at", file.opened),
    "move_mount": Hook(80, "mount", "on_move_mount", file.changed),
    "open_tree": Hook(81, "mount", "on_open_tree", file.changed),
    "dns": Hook(120, "dns", "on_dns", dns.answered),
}

# The programs on io_uring's tracepoints; which of them there are depends on the kernel.
RING = {("uring", "on_request"), ("uring", "on_entry"), ("uring", "on_completion")}

# What is collected unless somebody says which; the rest happens so often that it must be asked for by name.
EVENTS = tuple(name for name in HOOKS if name not in ("sendto", "sendmsg", "recvfrom", "recvmsg"))

# Without these the process tree has holes, so they are collected whatever else is asked for.
ALWAYS = frozenset({"fork", "execve", "execveat", "procexit"})
