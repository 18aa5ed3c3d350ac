/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths as the kernel knows them, appended to a record name by name from the last to the first. The
 * functions are global so that the verifier looks at each once, not at every call; they take numbers only.
 */
#ifndef TRACETIDE_PATH_BPF_H
#define TRACETIDE_PATH_BPF_H

#include "wanted.bpf.h"

#define NAME_SIZE 256
#define PATH_SIZE 4096
#define CGROUP_DEPTH 64

/* A path on its way up: where it is, and where the one that it is on is mounted. */
struct climb {
	struct record *record;
	struct vfsmount *mnt;
	struct dentry *dentry;
	struct dentry *top;
	u32 begin;
	bool done;
};

static __always_inline long arrived(struct climb *climb)
{
	climb->done = true;
	return 1;
}

/* Append a name, or go over to the mount above. 1 if there is no further way. */
static __always_inline long climb_once(u32 number, void *context)
{
	struct climb *climb = context;
	struct record *record = climb->record;
	struct dentry *dentry = climb->dentry, *above;

	if (record->used - climb->begin >= PATH_SIZE)
		return 1;
	if (dentry == climb->top) {
		struct mount *mount = container_of(climb->mnt, struct mount, mnt);
		struct mount *upper = LOOK(struct mount, mount, mnt_parent);

		if (upper == mount)
			return arrived(climb);
		climb->dentry = LOOK(struct mount, mount, mnt_mountpoint);
		climb->mnt = &upper->mnt;
		climb->top = LOOK(struct mount, upper, mnt.mnt_root);
		return 0;
	}
	record->starts[record->depth & (DEPTHS - 1)] = record->used;
	record->depth++;
	if (!append_kernel_string(record, LOOK(struct dentry, dentry, d_name.name), NAME_SIZE))
		return 1;
	above = LOOK(struct dentry, dentry, d_parent);
	if (dentry == above) {
		record->detached = 1;
		return arrived(climb);
	}
	climb->dentry = above;
	return 0;
}

/*
 * The path of a directory entry up to the root of its mount namespace; the bytes appended, PATH_UNKNOWN
 * without an entry. One that has no directory above it (memfd, pipe, anonymous inode) is just its name and
 * sets record->detached.
 */
SUBPROGRAM int append_path(u64 mnt, u64 entry)
{
	struct record *record = this_record();
	struct climb climb = { .record = record, .mnt = (void *)mnt, .dentry = (void *)entry };
	/* Stands at the top of a path that was too long to be followed to the root. */
	const char cut[] = "...";

	if (!record || !entry)
		return PATH_UNKNOWN;
	climb.top = LOOK(struct vfsmount, mnt, mnt_root);
	climb.begin = record->used;
	record->detached = 0;
	record->depth = 0;
	REPEAT(DEPTH, climb_once, &climb);
	if (!climb.done) {
		record->depth = DEPTHS + 1; /* it cannot be read from its beginning */
		append_kernel_string(record, cut, sizeof(cut));
	}
	return record->used - climb.begin;
}

/* The path of the current task's control group below the root of its hierarchy; the bytes appended. */
SUBPROGRAM int append_cgroup_path(void)
{
	struct record *record = this_record();
	struct kernfs_node *node = READ(cgroup_of(this_task()), kn);
	u32 begin;

	if (!record)
		return PATH_UNKNOWN;
	begin = record->used;
	for (u32 i = 0; i < CGROUP_DEPTH; i++) {
		struct kernfs_node *above = above_of(node);

		if (!above || !append_kernel_string(record, BPF_CORE_READ(node, name), NAME_SIZE))
			break;
		node = above;
	}
	return record->used - begin;
}

static __always_inline void walk_to(struct walk *walk, u64 mnt, u64 dentry, u32 size_at)
{
	walk->mnt = mnt;
	walk->dentry = dentry;
	walk->size_at = size_at;
}

static __always_inline void walk_file(struct walk *walk, struct file *file, u32 size_at)
{
	walk_to(walk, (u64)LOOK(struct file, file, f_path.mnt), (u64)LOOK(struct file, file, f_path.dentry),
	        size_at);
}

/* Sizes lie in the fixed part of a record, which is smaller than this power of two. */
#define FIXED_SIZE 512

/* Whether what a walk has just led to makes a record wanted: with the rest that the program passed, or a whole path. */
static __always_inline bool walk_wanted(struct record *record, u32 size, u32 raw)
{
	return size == PATH_UNKNOWN || record->detached || path_wanted(record->sets, raw, true);
}

/*
 * Append the paths in the order of the walks. Behind each size lies whether the path stands for itself. False if
 * neither the first, with what the program passed, nor the last is that of a file that somebody wants.
 */
static __always_inline bool walk_up(struct record *record)
{
	for (u32 i = 0; i < WALKS; i++) {
		struct walk *walk = &record->walks[i];
		u32 at = walk->size_at;
		u16 *size;

		if (!at)
			continue;
		barrier_var(at);
		size = (void *)record->data + (at & (FIXED_SIZE - 1));
		size[0] = append_path(walk->mnt, walk->dentry);
		size[1] = record->detached;
		if (record->sets && (i ? i == OPENED : record->raw) &&
		    walk_wanted(record, size[0], i ? 0 : record->raw))
			record->sets = 0;
	}
	return !record->sets;
}

static __always_inline u16 append_file_path(struct file *file)
{
	return append_path((u64)BPF_CORE_READ(file, f_path.mnt), (u64)BPF_CORE_READ(file, f_path.dentry));
}

#endif
