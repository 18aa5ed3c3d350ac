"""The kernel's names for bits and numbers."""

from collections.abc import Mapping
from signal import Signals

# Bits of open(2) as asm-generic/fcntl.h has them (x86, and others but for the last five), and Falco's
# names for them in the order in which it prints them.
OPEN_ACCESS = {0: "O_RDONLY", 1: "O_WRONLY", 2: "O_RDWR"}
OPEN_FLAGS = {
    0o100: "O_CREAT",
    0o2000: "O_APPEND",
    0o10000: "O_DSYNC",
    0o200: "O_EXCL",
    0o4000: "O_NONBLOCK",
    0o4000000: "O_SYNC",
    0o1000: "O_TRUNC",
    0o40000: "O_DIRECT",
    0o200000: "O_DIRECTORY",
    0o100000: "O_LARGEFILE",
    0o2000000: "O_CLOEXEC",
    0o20000000: "O_TMPFILE",
}

# include/uapi/linux/capability.h, in the order of the bits.
_NAMES = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""

CAPABILITIES = tuple(_NAMES.split())


def _listed(prefix: str, names: str, first: int = 0) -> dict[int, str]:
    """Consecutive numbers from ``first`` on; a dash stands for one that has no name."""
    numbered = enumerate(names.split(), first)
    return {number: prefix + name for number, name in numbered if name != "-"}


def _shifted(prefix: str, names: str) -> dict[int, str]:
    """The bits from the lowest up."""
    return {1 << bit: name for bit, name in _listed(prefix, names).items()}


# Sets of bits by what they are of, in the order in which they are named. From the kernel's
# include/uapi/linux: stat.h, fcntl.h, fs.h, mount.h, sched.h, module.h, memfd.h, userfaultfd.h, io_uring.h.
BITS: Mapping[str, Mapping[int, str]] = {
    "mode": _shifted("S_I", "XOTH WOTH ROTH XGRP WGRP RGRP XUSR WUSR RUSR SVTX SGID SUID"),
    "at": {
        0x100: "AT_SYMLINK_NOFOLLOW",
        0x200: "AT_REMOVEDIR",
        0x400: "AT_SYMLINK_FOLLOW",
        0x800: "AT_NO_AUTOMOUNT",
        0x1000: "AT_EMPTY_PATH",
    },
    "open_tree": {
        0x1: "OPEN_TREE_CLONE",
        0x100: "AT_SYMLINK_NOFOLLOW",
        0x800: "AT_NO_AUTOMOUNT",
        0x1000: "AT_EMPTY_PATH",
        0x8000: "AT_RECURSIVE",
        0x80000: "OPEN_TREE_CLOEXEC",
    },
    "rename": _shifted("RENAME_", "NOREPLACE EXCHANGE WHITEOUT"),
    "mount": {
        **_shifted("", "RDONLY NOSUID NODEV NOEXEC SYNCHRONOUS REMOUNT MANDLOCK DIRSYNC NOSYMFOLLOW"),
        0x400: "NOATIME",
        0x800: "NODIRATIME",
        0x1000: "BIND",
        0x2000: "MOVE",
        0x4000: "REC",
        0x8000: "SILENT",
        0x10000: "POSIXACL",
        0x20000: "UNBINDABLE",
        0x40000: "PRIVATE",
        0x80000: "SLAVE",
        0x100000: "SHARED",
        0x200000: "RELATIME",
        0x400000: "KERNMOUNT",
        0x800000: "I_VERSION",
        0x1000000: "STRICTATIME",
        0x2000000: "LAZYTIME",
    },
    "umount": {1: "FORCE", 2: "DETACH", 4: "EXPIRE", 8: "NOFOLLOW"},
    "clone": {
        0x200: "CLONE_FS",
        0x400: "CLONE_FILES",
        0x40000: "CLONE_SYSVSEM",
        0x80: "CLONE_NEWTIME",
        0x20000: "CLONE_NEWNS",
        0x2000000: "CLONE_NEWCGROUP",
        0x4000000: "CLONE_NEWUTS",
        0x8000000: "CLONE_NEWIPC",
        0x10000000: "CLONE_NEWUSER",
        0x20000000: "CLONE_NEWPID",
        0x40000000: "CLONE_NEWNET",
    },
    "module": _shifted("MODULE_INIT_", "IGNORE_MODVERSIONS IGNORE_VERMAGIC COMPRESSED_FILE"),
    "unload": {0o4000: "O_NONBLOCK", 0o1000: "O_TRUNC"},
    "memfd": _shifted("MFD_", "CLOEXEC ALLOW_SEALING HUGETLB NOEXEC_SEAL EXEC"),
    "userfaultfd": {1: "UFFD_USER_MODE_ONLY", 0o4000: "O_NONBLOCK", 0o2000000: "O_CLOEXEC"},
    "dup": {0o2000000: "O_CLOEXEC"},
    "io_uring": _shifted(
        "IORING_SETUP_",
        "IOPOLL SQPOLL SQ_AFF CQSIZE CLAMP ATTACH_WQ R_DISABLED SUBMIT_ALL COOP_TASKRUN TASKRUN_FLAG "
        "SQE128 CQE32 SINGLE_ISSUER DEFER_TASKRUN NO_MMAP REGISTERED_FD_ONLY NO_SQARRAY",
    ),
    "perf": _shifted("PERF_FLAG_", "FD_NO_GROUP FD_OUTPUT PID_CGROUP FD_CLOEXEC"),
}

# Numbers that stand for one thing each. From the kernel's include/uapi/linux (ptrace.h, bpf.h, prctl.h,
# keyctl.h, perf_event.h), include/linux/socket.h and arch/x86/include/uapi/asm/ptrace-abi.h.
CHOICES: Mapping[str, Mapping[int, str]] = {
    "ptrace": {
        **_listed(
            "PTRACE_",
            "TRACEME PEEKTEXT PEEKDATA PEEKUSR POKETEXT POKEDATA POKEUSR CONT KILL SINGLESTEP - - GETREGS "
            "SETREGS GETFPREGS SETFPREGS ATTACH DETACH GETFPXREGS SETFPXREGS - OLDSETOPTIONS - - SYSCALL "
            "- - - - - ARCH_PRCTL SYSEMU SYSEMU_SINGLESTEP SINGLEBLOCK",
        ),
        **_listed(
            "PTRACE_",
            "SETOPTIONS GETEVENTMSG GETSIGINFO SETSIGINFO GETREGSET SETREGSET SEIZE INTERRUPT LISTEN "
            "PEEKSIGINFO GETSIGMASK SETSIGMASK SECCOMP_GET_FILTER SECCOMP_GET_METADATA GET_SYSCALL_INFO "
            "GET_RSEQ_CONFIGURATION",
            0x4200,
        ),
    },
    "bpf": _listed(
        "BPF_",
        "MAP_CREATE MAP_LOOKUP_ELEM MAP_UPDATE_ELEM MAP_DELETE_ELEM MAP_GET_NEXT_KEY PROG_LOAD OBJ_PIN "
        "OBJ_GET PROG_ATTACH PROG_DETACH PROG_TEST_RUN PROG_GET_NEXT_ID MAP_GET_NEXT_ID PROG_GET_FD_BY_ID "
        "MAP_GET_FD_BY_ID OBJ_GET_INFO_BY_FD PROG_QUERY RAW_TRACEPOINT_OPEN BTF_LOAD BTF_GET_FD_BY_ID "
        "TASK_FD_QUERY MAP_LOOKUP_AND_DELETE_ELEM MAP_FREEZE BTF_GET_NEXT_ID MAP_LOOKUP_BATCH "
        "MAP_LOOKUP_AND_DELETE_BATCH MAP_UPDATE_BATCH MAP_DELETE_BATCH LINK_CREATE LINK_UPDATE "
        "LINK_GET_FD_BY_ID LINK_GET_NEXT_ID ENABLE_STATS ITER_CREATE LINK_DETACH PROG_BIND_MAP "
        "TOKEN_CREATE",
    ),
    "family": _listed(
        "AF_",
        "UNSPEC UNIX INET AX25 IPX APPLETALK NETROM BRIDGE ATMPVC X25 INET6 ROSE DECnet NETBEUI SECURITY "
        "KEY NETLINK PACKET ASH ECONET ATMSVC RDS SNA IRDA PPPOX WANPIPE LLC IB MPLS CAN TIPC BLUETOOTH "
        "IUCV RXRPC ISDN PHONET IEEE802154 CAIF ALG NFC VSOCK KCM QIPCRTR SMC XDP MCTP",
    ),
    "prctl": {
        **_listed(
            "PR_",
            "SET_PDEATHSIG GET_PDEATHSIG GET_DUMPABLE SET_DUMPABLE GET_UNALIGN SET_UNALIGN GET_KEEPCAPS "
            "SET_KEEPCAPS GET_FPEMU SET_FPEMU GET_FPEXC SET_FPEXC GET_TIMING SET_TIMING SET_NAME GET_NAME "
            "- - GET_ENDIAN SET_ENDIAN GET_SECCOMP SET_SECCOMP CAPBSET_READ CAPBSET_DROP GET_TSC SET_TSC "
            "GET_SECUREBITS SET_SECUREBITS SET_TIMERSLACK GET_TIMERSLACK TASK_PERF_EVENTS_DISABLE "
            "TASK_PERF_EVENTS_ENABLE MCE_KILL MCE_KILL_GET SET_MM SET_CHILD_SUBREAPER GET_CHILD_SUBREAPER "
            "SET_NO_NEW_PRIVS GET_NO_NEW_PRIVS GET_TID_ADDRESS SET_THP_DISABLE GET_THP_DISABLE "
            "MPX_ENABLE_MANAGEMENT MPX_DISABLE_MANAGEMENT SET_FP_MODE GET_FP_MODE CAP_AMBIENT",
            1,
        ),
        52: "PR_GET_SPECULATION_CTRL",
        53: "PR_SET_SPECULATION_CTRL",
        0x53564D41: "PR_SET_VMA",
        0x59616D61: "PR_SET_PTRACER",
    },
    "keyctl": _listed(
        "KEYCTL_",
        "GET_KEYRING_ID JOIN_SESSION_KEYRING UPDATE REVOKE CHOWN SETPERM DESCRIBE CLEAR LINK UNLINK "
        "SEARCH READ INSTANTIATE NEGATE SET_REQKEY_KEYRING SET_TIMEOUT ASSUME_AUTHORITY GET_SECURITY "
        "SESSION_TO_PARENT REJECT INSTANTIATE_IOV INVALIDATE GET_PERSISTENT DH_COMPUTE PKEY_QUERY "
        "PKEY_ENCRYPT PKEY_DECRYPT PKEY_SIGN PKEY_VERIFY RESTRICT_KEYRING MOVE CAPABILITIES WATCH_KEY",
    ),
    "perf": _listed("PERF_TYPE_", "HARDWARE SOFTWARE TRACEPOINT HW_CACHE RAW BREAKPOINT"),
    "signal": {number.value: number.name for number in Signals},
}
