"""The records of ``bpf/events.h`` in Python: the same fields in the same order; a test compares the two."""

from struct import Struct

COMM_SIZE = 16
ANCESTORS = 8
STDIO = 3
NUMBERS = 4
KINDS = 128
PATH_UNKNOWN = 0xFFFF

CLASSES = 4
ALTERNATIVES = 32
LIMITS = 1024
RANGES = 4
STATES = 8192
CELLS = 524288
SEEN = 0x8000
NO_CLASS = 255

Fields = tuple[tuple[str, str], ...]

# struct name in events.h -> its fields: name and format as the struct module knows it, x for padding.
HEADER: Fields = (
    ("time", "Q"),
    ("start", "Q"),
    ("cgroup", "Q"),
    ("pid", "I"),
    ("tid", "I"),
    ("uid", "I"),
    ("kind", "I"),
    ("comm", "16s"),
)

ENDPOINTS: Fields = (
    ("local", "16s"),
    ("remote", "16s"),
    ("local_port", "H"),
    ("remote_port", "H"),
    ("family", "H"),
    ("type", "B"),
    ("protocol", "B"),
)

FORK: Fields = (
    *HEADER,
    ("parent_start", "Q"),
    ("parent", "I"),
    ("vpid", "I"),
)

EXIT: Fields = (
    *HEADER,
    ("status", "I"),
    ("pad", "4x"),
)

EXEC: Fields = (
    *HEADER,
    ("cap_inheritable", "Q"),
    ("cap_permitted", "Q"),
    ("cap_effective", "Q"),
    ("exe_inode", "Q"),
    ("exe_mtime", "q"),
    ("exe_ctime", "q"),
    ("exe_mode", "I"),
    ("exe_uid", "I"),
    ("exe_gid", "I"),
    ("gid", "I"),
    ("euid", "I"),
    ("egid", "I"),
    ("suid", "I"),
    ("sgid", "I"),
    ("loginuid", "I"),
    ("tty", "I"),
    ("vpid", "I"),
    ("pgid", "I"),
    ("sid", "I"),
    ("pid_ns", "I"),
    ("mnt_ns", "I"),
    ("flags", "I"),
    ("args_lost", "I"),
    ("ancestor_count", "I"),
    ("filename_size", "H"),
    ("exe_path_size", "H"),
    ("cwd_path_size", "H"),
    ("cgroup_path_size", "H"),
    ("args_size", "H"),
    ("env_size", "H"),
    ("pad", "4x"),
)

ANCESTOR: Fields = (
    ("start", "Q"),
    ("pid", "I"),
    ("pad", "4x"),
    ("comm", "16s"),
)

DESCRIPTOR: Fields = (
    ("inode", "Q"),
    ("mode", "I"),
    ("device", "I"),
    *ENDPOINTS,
    ("name_size", "H"),
    ("detached", "H"),
    ("pad", "4x"),
)

PATHS: Fields = (
    *HEADER,
    ("result", "q"),
    ("flags", "Q"),
    ("mode", "I"),
    ("owner", "I"),
    ("group", "I"),
    ("fd", "i"),
    ("other_fd", "i"),
    ("path_size", "H"),
    ("other_size", "H"),
    ("text_size", "H"),
    ("pad", "2x"),
    ("base_path_size", "H"),
    ("base_detached", "H"),
    ("other_base_path_size", "H"),
    ("other_base_detached", "H"),
    ("file_path_size", "H"),
    ("file_detached", "H"),
)

CALL: Fields = (
    *HEADER,
    ("result", "q"),
    *((f"number[{index}]", "q") for index in range(NUMBERS)),
    *DESCRIPTOR,
    ("fd", "i"),
    ("mnt_ns", "I"),
    ("count", "H"),
    ("text_size", "H"),
    ("pad2", "4x"),
)

SOCKET: Fields = (
    *HEADER,
    ("result", "q"),
    ("size", "Q"),
    ("fd", "i"),
    ("address_size", "H"),
    ("data_size", "H"),
    *ENDPOINTS,
)

DNS: Fields = (
    *HEADER,
    ("server", "16s"),
    ("family", "H"),
    ("size", "H"),
    ("pad", "4x"),
)

CONFIG: Fields = (
    ("own_tgid", "I"),
    ("wake_at", "I"),
    ("skip", "Q"),
    ("ring", "Q"),
    ("own_cgroup", "Q"),
    ("seed", "Q"),
    *((f"room[{index}]", "I") for index in range(CLASSES)),
    *((f"group_cost[{index}]", "I") for index in range(CLASSES)),
    *((f"process_cost[{index}]", "I") for index in range(CLASSES)),
    ("burst", "I"),
    ("active", "I"),
    ("unified", "I"),
    ("pad", "4x"),
)

MOVES: Fields = (
    ("all", "Q"),
    ("directories", "Q"),
)

RANGE: Fields = (
    ("low", "H"),
    ("high", "H"),
)

LIMIT: Fields = (
    ("paths", "I"),
    ("flags", "I"),
    ("access", "B"),
    ("results", "B"),
    ("scopes", "B"),
    ("families", "B"),
    ("protocols", "B"),
    ("local_count", "B"),
    ("remote_count", "B"),
    ("pad", "x"),
    *((f"local[{index}].{end}", code) for index in range(RANGES) for end, code in RANGE),
    *((f"remote[{index}].{end}", code) for index in range(RANGES) for end, code in RANGE),
)

TYPE_LIMITS: Fields = (
    ("first", "H"),
    ("count", "H"),
    ("wanted", "B"),
    ("results", "B"),
    ("scopes", "B"),
    ("scoped", "B"),
    ("access", "B"),
    ("pad", "3x"),
)

# What comes before types, limits and the automaton.
FILTER: Fields = (
    ("start", "I"),
    ("width", "I"),
    ("classes", "256s"),
)

# By event type: full, limited, unneeded; then refusing and refused_at. All are 64 bits wide.
LOSSES_SIZE = 8 * (3 * KINDS + 2)

LIMITED: Fields = (
    ("cgroup", "Q"),
    ("start", "Q"),
    ("pid", "I"),
    ("kind", "I"),
)

# enum exec_flag
EXEC_UPPER_LAYER = 1
EXEC_MEMFD = 2
EXEC_LOWER_LAYER = 4

# enum ring
RING_SUBMITTED = 0x100
RING_COMPLETED = 0x200

# enum skip
SKIP_DIRECTORY_READS = 1
SKIP_EMPTY_CALLS = 2


def compiled(fields: Fields) -> Struct:
    """What reads or writes a record of these fields; C and Python agree because no field needs padding."""
    return Struct("=" + "".join(code for _, code in fields))
