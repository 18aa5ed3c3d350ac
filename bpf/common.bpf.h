/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every program needs: the shared maps, the record it builds, and the way to the collector.
 */
#ifndef TRACETIDE_COMMON_BPF_H
#define TRACETIDE_COMMON_BPF_H

#ifdef TRACETIDE_BY_HEADERS
#include "by_headers.h"
#else
#include "by_btf.h"
#endif

#include "events.h"

/* Room for the largest record (an exec, all of whose paths are as long as can be), and for one piece of it. */
#define RECORD_SIZE 57344
#define CHUNK_SIZE 8192

#define WORD 8
/* Names that do not fit, with their end and one byte more, are not remembered as they are; a power of two. */
#define NAME_WORDS 8

/* A path that is to be walked up when all else is in the record, and where in it its size belongs. */
struct walk {
	u64 mnt;
	u64 dentry;
	u32 size_at; /* 0: there is none to walk */
	u32 pad;
};

/* What tells an entry from others of its directory: the hash and the length of its name. */
struct entry {
	u64 parent;
	u64 name_hash;
};

/* All that decides whether an open for reading is needed, as it comes from the kernel. */
struct open {
	u32 size; /* of the name with its end; 0: this is none */
	u32 active; /* the settings' number */
	u64 how; /* flags and event type */
	u64 moves; /* of directories until then */
	u64 mounts; /* changes of the file's mount namespace */
	u64 cgroup;
	u64 base_mnt;
	u64 base_dentry;
	u64 mnt;
	u64 dentry;
	struct entry entry;
	u64 name[NAME_WORDS]; /* as it was passed, to its end */
};

#define WALKS 3
#define OPENED 2 /* the walk to the file that was opened */
/* Directories of which the beginning of each name is noted; a power of two. */
#define DEPTHS 32

/* One per CPU, built up piece by piece and sent when complete. */
struct record {
	u64 busy;
	u32 used;
	u32 detached; /* set by append_path */
	u32 pad;
	struct walk walks[WALKS];
	u8 data[RECORD_SIZE];
	u32 depth; /* names that append_path has appended */
	u32 starts[DEPTHS]; /* and where they begin */
	u32 sets; /* the sets of paths of which the first must be in one */
	u32 state; /* of the automaton that reads it */
	u32 found; /* the sets that it has recognised */
	u64 number; /* what stands for an open; 0: nothing does */
	struct open exact; /* all that decides about it */
	u64 moved; /* names that had been moved when it was begun */
	u32 raw; /* where the part of it is that the program passed; 0: it is judged already */
};

/* By event type: what found no room in the ring buffer, what was over a limit, what nobody needed. */
struct losses {
	u64 full[KINDS];
	u64 limited[KINDS];
	u64 unneeded[KINDS];
	u64 refusing; /* nanoseconds in which the buffer had no room for somebody */
	u64 refused_at; /* when that was last */
};

/* The loader sets the sizes of events and records, and lets all objects share the maps. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct losses);
} losses SEC(".maps");

VARIABLE(struct config, config);

/* An element per CPU rather than a per-CPU map: the kernel limits the elements of those to 32 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record);
} records SEC(".maps");

/* Two, so that one can be written while the other is in use; the settings say which. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct filter);
} filters SEC(".maps");

/* Control groups that are known to belong to the host itself or to a container: enum scope. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u32);
} scopes SEC(".maps");

VARIABLE(struct moves, moves);

static __always_inline struct config *settings(void)
{
	return POINTER_TO(config);
}

static __always_inline struct record *this_record(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(MAP(records), &cpu);
}

static __always_inline struct moves *these_moves(void)
{
	return POINTER_TO(moves);
}

/* How many names have got another place; always 0 if nobody counts. */
static __always_inline u64 names_moved(void)
{
	struct moves *moves = these_moves();

	return moves ? moves->all : 0;
}

static __always_inline struct losses *these_losses(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(MAP(losses), &zero);
}

/* Refusals that are further apart than this, in nanoseconds, do not belong together. */
#define APART 100000000

static __always_inline void lose(u32 kind)
{
	struct losses *lost = these_losses();
	u64 now = bpf_ktime_get_ns();

	if (!lost)
		return;
	lost->full[kind & (KINDS - 1)]++;
	if (now - lost->refused_at < APART)
		lost->refusing += now - lost->refused_at;
	lost->refused_at = now;
}

static __always_inline void leave_out(u32 kind)
{
	struct losses *lost = these_losses();

	if (lost)
		lost->unneeded[kind & (KINDS - 1)]++;
}

/*
 * Begin a record whose fixed part has this size; what is begun must be submitted. Should a kernel let one
 * program interrupt another on the same CPU, the event of the second is lost.
 */
static __always_inline struct record *new_record(u32 size, u32 kind)
{
	struct record *record = this_record();

	if (!record)
		return NULL;
	if (__sync_lock_test_and_set(&record->busy, 1)) {
		lose(kind);
		return NULL;
	}
	record->used = size;
	record->sets = 0;
	record->number = 0;
	record->exact.size = 0;
	record->moved = names_moved();
	for (u32 i = 0; i < WALKS; i++)
		record->walks[i].size_at = 0;
	return record;
}

/* Where to write the next piece, of at most CHUNK_SIZE bytes; NULL when the record is full. */
static __always_inline void *end_of(struct record *record)
{
	u64 used = record->used;

	barrier_var(used);
	if (used > RECORD_SIZE - CHUNK_SIZE)
		return NULL;
	return record->data + used;
}

static __always_inline u32 append_kernel_string(struct record *record, const void *string, u32 size)
{
	void *end = end_of(record);
	long length = end ? bpf_probe_read_kernel_str(end, size, string) : 0;

	if (length <= 0)
		return 0;
	record->used += length;
	return length;
}

static __always_inline u32 append_user_string(struct record *record, const void *string, u32 size)
{
	void *end = end_of(record);
	long length = end ? bpf_probe_read_user_str(end, size, string) : 0;

	if (length <= 0)
		return 0;
	record->used += length;
	return length;
}

/*
 * The compiler must not compare one copy of the size and use another: verifiers before 6.8 know only the first.
 * With 64 bits it makes no copy to cut off the upper half.
 */
static __always_inline u64 at_most(u64 size, u64 limit)
{
	barrier_var(size);
	return size > limit ? limit : size;
}

static __always_inline u32 append_kernel(struct record *record, const void *bytes, u32 size, u32 limit)
{
	void *end = end_of(record);

	size = at_most(size, limit);
	if (!end || bpf_probe_read_kernel(end, size, bytes))
		return 0;
	record->used += size;
	return size;
}

static __always_inline u32 append_user(struct record *record, const void *bytes, u32 size, u32 limit)
{
	void *end = end_of(record);

	size = at_most(size, limit);
	if (!end || bpf_probe_read_user(end, size, bytes))
		return 0;
	record->used += size;
	return size;
}

/* The task's group in the version 1 hierarchy of a controller; NULL if that controller is not on it. */
static __always_inline struct cgroup *cgroup_v1(struct css_set *set, u64 controller)
{
	struct cgroup *cgroup = READ(SUBSYSTEM(set, controller), cgroup);

	return READ(cgroup, root, hierarchy_id) ? cgroup : NULL;
}

/*
 * The control group that tells containers apart. Where version 1 is in use next to the unified hierarchy,
 * only some runtimes put containers into the latter, but all into those of the memory and pids controllers.
 */
static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup *cgroup = NULL;

	if (HAS_CONTROLLER(memory_cgrp_id))
		cgroup = cgroup_v1(set, CONTROLLER(memory_cgrp_id));
	if (!cgroup && HAS_CONTROLLER(pids_cgrp_id))
		cgroup = cgroup_v1(set, CONTROLLER(pids_cgrp_id));
	return cgroup ? cgroup : READ(set, dfl_cgrp);
}

/* Its number, unique on the host: each hierarchy counts for itself, the unified one is hierarchy 0. */
static __always_inline u64 cgroup_id_of(struct task_struct *task)
{
	struct cgroup *cgroup = cgroup_of(task);
	u64 hierarchy = READ(cgroup, root, hierarchy_id);

	return hierarchy << 48 | READ(cgroup, kn, id);
}

/* The same of the current task, faster where nothing else has to be asked. */
static __always_inline u64 this_cgroup_id(const struct config *settings)
{
	return settings->unified ? bpf_get_current_cgroup_id() : cgroup_id_of(this_task());
}

static __always_inline void fill_header(struct header *header, struct task_struct *task, u32 kind)
{
	header->time = bpf_ktime_get_boot_ns();
	header->start = READ(task, group_leader, start_boottime);
	header->cgroup = cgroup_id_of(task);
	header->pid = READ(task, tgid);
	header->tid = READ(task, pid);
	header->uid = READ(task, cred, uid.val);
	header->kind = kind;
	BPF_CORE_READ_STR_INTO(&header->comm, task, comm);
}

/* The process's number in the innermost of its pid namespaces, and which that is. */
static __always_inline struct upid *innermost(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);

	return (void *)pid->numbers + level * SIZE_OF(struct upid);
}

/* An open file of the current process. */
static __always_inline struct file *file_at(struct task_struct *task, u32 fd)
{
	struct fdtable *table = READ(task, files, fdt);

	return fd < READ(table, max_fds) ? POINTER_AT(READ(table, fd) + fd) : NULL;
}

/* The same of a descriptor that it has just got. */
static __always_inline struct file *file_opened(struct task_struct *task, u32 fd)
{
	return POINTER_AT(READ(task, files, fdt, fd) + fd);
}

#include "submit.bpf.h"

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFDIR 0040000

#endif
