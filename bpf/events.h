/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The records that travel from the kernel to the collector. collectors/kernel/layout.py says the same in
 * Python, and a test compares the two. Fields have fixed widths and lie at multiples of them, with explicit
 * padding.
 *
 * What has no fixed size stands behind the record, in the order of its *_size fields. A path (*_path) is a
 * row of names that each end in a zero byte, the last name first: "/usr/bin/id" is "id\0bin\0usr\0". Its
 * size is PATH_UNKNOWN, and nothing stands for it, if the kernel has none.
 */
#ifndef TRACETIDE_EVENTS_H
#define TRACETIDE_EVENTS_H

#define COMM_SIZE 16
#define ANCESTORS 8
#define STDIO 3
#define NUMBERS 4
#define KINDS 128 /* room for event types in the table of losses; a power of two */
#define PATH_UNKNOWN 0xffff

/* Event types that are treated in their own way. */
enum kind {
	KIND_FORK = 1,
	KIND_EXECVE = 2,
	KIND_EXECVEAT = 3,
	KIND_PROCEXIT = 4,
	KIND_OPEN = 5,
	KIND_CREAT = 8,
	KIND_SENDTO = 75,
	KIND_RECVMSG = 78,
};

/*
 * Times in nanoseconds since boot; start is the thread group leader's. kind is the event type's number in
 * wire/event_types.py.
 */
struct header {
	u64 time;
	u64 start;
	u64 cgroup;
	u32 pid;
	u32 tid;
	u32 uid;
	u32 kind;
	u8 comm[COMM_SIZE];
};

/* A socket's two ends. Ports in host order, addresses as on the wire; IPv4 uses the first four bytes. */
struct endpoints {
	u8 local[16];
	u8 remote[16];
	u16 local_port;
	u16 remote_port;
	u16 family;
	u8 type;
	u8 protocol;
};

struct fork_event {
	struct header header;
	u64 parent_start;
	u32 parent;
	u32 vpid;
};

struct exit_event {
	struct header header;
	u32 status; /* as wait(2) gives it */
	u32 pad;
};

struct ancestor {
	u64 start;
	u32 pid;
	u32 pad;
	u8 comm[COMM_SIZE];
};

/* mode is 0 where no descriptor is open. name is a path, for unix sockets a struct sockaddr_un. */
struct descriptor {
	u64 inode;
	u32 mode;
	u32 device;
	struct endpoints socket;
	u16 name_size;
	u16 detached; /* the name stands for itself: no directory above it */
	u32 pad;
};

enum exec_flag {
	EXEC_UPPER_LAYER = 1, /* the executable is from an overlay's writable layer */
	EXEC_MEMFD = 2, /* the executable is no file but memory */
	EXEC_LOWER_LAYER = 4, /* the executable is from an overlay's layers that are not written */
};

struct exec_event {
	struct header header;
	u64 cap_inheritable;
	u64 cap_permitted;
	u64 cap_effective;
	u64 exe_inode;
	s64 exe_mtime; /* in nanoseconds since 1970 */
	s64 exe_ctime;
	u32 exe_mode;
	u32 exe_uid;
	u32 exe_gid;
	u32 gid;
	u32 euid;
	u32 egid;
	u32 suid;
	u32 sgid;
	u32 loginuid;
	u32 tty;
	u32 vpid;
	u32 pgid;
	u32 sid;
	u32 pid_ns;
	u32 mnt_ns;
	u32 flags;
	u32 args_lost;
	u32 ancestor_count;
	u16 filename_size;
	u16 exe_path_size;
	u16 cwd_path_size;
	u16 cgroup_path_size;
	u16 args_size;
	u16 env_size;
	u32 pad;
	struct ancestor ancestors[ANCESTORS];
	struct descriptor stdio[STDIO]; /* their names come last */
};

/*
 * A call that names one file or two. path and other are as the program passed them, text is a further string;
 * base is the directory that path is read from (the root directory for one that begins with a slash), or the
 * file itself where the program passed no path but its descriptor; base_detached as in struct descriptor. file
 * is what was opened, wherever the path led.
 */
struct paths_event {
	struct header header;
	s64 result;
	u64 flags;
	u32 mode;
	u32 owner;
	u32 group;
	s32 fd; /* the descriptors that the program passed */
	s32 other_fd;
	u16 path_size;
	u16 other_size;
	u16 text_size;
	u16 pad;
	u16 base_path_size;
	u16 base_detached;
	u16 other_base_path_size;
	u16 other_base_detached;
	u16 file_path_size;
	u16 file_detached;
};

/*
 * A call that is told by a few numbers: its arguments in their order, without those that only point somewhere.
 * fd is the descriptor that it is about and file what that is; text is a string that the program passed.
 */
struct call_event {
	struct header header;
	s64 result;
	s64 number[NUMBERS];
	struct descriptor file; /* its name comes last */
	s32 fd;
	u32 mnt_ns;
	u16 count;
	u16 text_size;
	u32 pad2;
};

/*
 * address is a struct sockaddr: what the program passed, what it was told of a sender, or what a unix socket is
 * bound to. size is how much was to be sent or received, data the beginning of what was.
 */
struct socket_event {
	struct header header;
	s64 result;
	u64 size;
	s32 fd;
	u16 address_size;
	u16 data_size;
	struct endpoints ends;
};

/* What a name server answered: a message of the DNS, of which the end may be missing. server as in endpoints. */
struct dns_event {
	struct header header;
	u8 server[16];
	u16 family;
	u16 size;
	u32 pad;
};

/* Classes of events. When the ring buffer fills, those of the last go first, and those of processes last. */
enum event_class {
	CLASS_FORK,
	CLASS_EXEC,
	CLASS_OTHER,
	CLASS_FREQUENT, /* opens, and data sent and received */
	CLASSES,
};

/* Settings that the collector writes, one element of the map "config". */
struct config {
	u32 own_tgid; /* the collector, left out of everything but forks, execs and exits */
	u32 wake_at; /* bytes in the ring buffer from which on the collector is woken */
	u64 skip; /* enum skip, or'ed */
	u64 ring; /* operations of io_uring that are wanted, a bit for each */
	u64 own_cgroup; /* the same for a whole control group; 0 for none */
	u64 seed; /* a secret number */
	u32 room[CLASSES]; /* bytes in the ring buffer from which on events of a class are lost */
	u32 group_cost
		[CLASSES]; /* nanoseconds between two events of a class at the rate of a control group */
	u32 process_cost[CLASSES]; /* the same for one process; 0 for no limit */
	u32 burst; /* nanoseconds for which a rate may be exceeded */
	u32 active; /* counts the filters: the lowest bit says which of the two is in use */
	u32 unified; /* whether the control groups that tell containers apart are all in the unified hierarchy */
	u32 pad;
};

/* Names in directories that were given another place, since they are counted; 0 if they are not. */
struct moves {
	u64 all;
	u64 directories;
};

/* Or'ed to a kind: the same was asked for through io_uring. */
enum ring {
	RING_SUBMITTED = 0x100, /* and how it ended is not told: the result is a guess */
	RING_COMPLETED = 0x200,
};

/* What is left out because nobody asked for it. */
enum skip {
	SKIP_DIRECTORY_READS = 1, /* directories successfully opened for reading */
	SKIP_EMPTY_CALLS = 2, /* accept that found nobody waiting, receiving that found nothing */
};

#define ALTERNATIVES 32 /* limits of one event type */
#define LIMITS 1024 /* and of all; a power of two */
#define RANGES 4
#define STATES 8192 /* of the automaton; a power of two */
#define CELLS 524288 /* states times classes of letters; a power of two */
#define SEEN 0x8000 /* in a cell: some paths are recognised in the state that it leads to */
#define NO_CLASS 255 /* of letters that the automaton does not know: the path cannot be told */
#define NOT_PLAIN 0x80000000 /* the set of paths with something left to resolve */
#define EVERY_PATH 0xffffffff

enum result {
	RESULT_SUCCESS = 1,
	RESULT_FAILURE = 2,
};

enum scope {
	SCOPE_CONTAINER = 1,
	SCOPE_HOST = 2,
};

enum family {
	FAMILY_IPV4 = 1,
	FAMILY_IPV6 = 2,
	FAMILY_UNIX = 4,
};

enum protocol {
	PROTOCOL_TCP = 1,
	PROTOCOL_UDP = 2,
	PROTOCOL_ICMP = 4,
	PROTOCOL_RAW = 8,
	PROTOCOL_OTHER = 16,
};

/* A port is within both ends. */
struct ports {
	u16 low;
	u16 high;
};

/* What must all hold for an event; sets of values as bits. */
struct limits {
	u32 paths; /* sets of paths of which the path must be in one; 0: any path */
	u32 flags; /* bits of an open's flags that must all be set */
	u8 access; /* bit 0 for O_RDONLY, 1 for O_WRONLY, ... */
	u8 results;
	u8 scopes;
	u8 families;
	u8 protocols;
	u8 local_count; /* of ranges; 0: any port */
	u8 remote_count;
	u8 pad;
	struct ports local[RANGES];
	struct ports remote[RANGES];
};

/* Of an event type: the limits of which it must meet at least one, where they are, and what they have in common. */
struct type_limits {
	u16 first;
	u16 count; /* 0: no limit */
	u8 wanted;
	u8 results;
	u8 scopes;
	u8 scoped; /* whether it matters to some of them where the event was */
	u8 access;
	u8 pad[3];
};

/*
 * What the rules need, one of the two elements of the map "filters". Paths are recognised by an automaton that reads
 * letter by letter (Aho and Corasick, Efficient string matching, 1975): in state s, a letter of class c leads to the
 * state in next[s * width + c]. seen are the sets of paths that are recognised in a state, ends those of a path that
 * ends there.
 */
struct filter {
	u32 start;
	u32 width;
	u8 classes[256];
	struct type_limits types[KINDS];
	struct limits limits[LIMITS];
	u32 seen[STATES];
	u32 ends[STATES];
	u16 next[CELLS];
};

/* Whose events were over the limit: a control group, or if pid is set one of its processes. */
struct limited {
	u64 cgroup;
	u64 start;
	u32 pid;
	u32 kind;
};

#endif
