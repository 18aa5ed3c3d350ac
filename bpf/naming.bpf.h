/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How files are named: by a path, by a descriptor, or by a path read from a descriptor's directory. */
#ifndef TRACETIDE_NAMING_BPF_H
#define TRACETIDE_NAMING_BPF_H

#include "known.bpf.h"
#include "path.bpf.h"
#include "syscall.bpf.h"

#define AT_FDCWD -100
/* Mounts over the root of a mount namespace. */
#define MOUNTS 4
#define NO_FD -1
#define O_ACCMODE 03

/* One file that a call names; without a path it is the one that fd has open. */
struct place {
	const void *path;
	s32 fd;
	bool given;
	bool rooted; /* read from the root directory whatever it begins with */
	bool copied; /* the path is the kernel's copy */
	bool beneath; /* read from the descriptor's directory even if it begins with a slash */
};

/* What the different calls have in common. */
struct naming {
	struct place path;
	struct place other;
	const void *text;
	struct file *file; /* what was opened */
	u64 flags;
	u32 mode;
	u32 owner;
	u32 group;
	bool limited; /* whether limits of opens apply */
};

static __always_inline struct place at(s32 directory, u64 path)
{
	struct place place = { .path = (void *)path, .fd = directory, .given = true };

	return place;
}

static __always_inline struct place here(u64 path)
{
	return at(AT_FDCWD, path);
}

static __always_inline struct place open_as(s32 fd)
{
	return at(fd, 0);
}

static __always_inline void look_up(struct task_struct *task, struct walk *walk, const struct place *place,
                                    bool absolute, u32 size_at)
{
	struct fs_struct *fs = READ(task, fs);

	if (place->rooted || (absolute && !place->beneath))
		walk_to(walk, (u64)READ(fs, root.mnt), (u64)READ(fs, root.dentry), size_at);
	else if (place->fd == AT_FDCWD)
		walk_to(walk, (u64)READ(fs, pwd.mnt), (u64)READ(fs, pwd.dentry), size_at);
	else
		walk_file(walk, file_at(task, place->fd), size_at);
}

static __always_inline u32 append_string(struct record *record, const void *string, bool copied)
{
	if (!string)
		return 0;
	return copied ? append_kernel_string(record, string, PATH_SIZE)
	              : append_user_string(record, string, PATH_SIZE);
}

/* Append a path as it was passed, and note what it is read from; a pointer to nowhere leads nowhere. */
static __always_inline u16 append_place(struct call *call, struct record *record, const struct place *place,
                                        struct walk *walk, u32 size_at)
{
	u32 begin = at_most(record->used, RECORD_SIZE - 1);
	u32 size;

	if (!place->given)
		return 0;
	size = append_string(record, place->path, place->copied);
	if (size || !place->path)
		look_up(call->task, walk, place, size > 1 && record->data[begin] == '/', size_at);
	return size;
}

/* Whether the task's root directory is that of its mount namespace, so that its absolute paths are whole. */
static __always_inline bool sees_all(struct task_struct *task)
{
	struct vfsmount *vfsmount = READ(task, fs, root.mnt);
	struct dentry *dentry = READ(task, fs, root.dentry);
	struct dentry *top = READ(task, fs, root.mnt, mnt_root);

	for (u32 i = 0; i < MOUNTS && dentry == top; i++) {
		struct mount *mount = container_of(vfsmount, struct mount, mnt);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount)
			return true;
		dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		vfsmount = &above->mnt;
		top = BPF_CORE_READ(vfsmount, mnt_root);
	}
	return false;
}

#include "again.bpf.h"

static __always_inline u8 access_of(u64 flags)
{
	return 1 << (flags & O_ACCMODE);
}

/* The sets of paths in which an open must be. */
static __always_inline u32 needed_open(const struct call *call, const struct naming *naming)
{
	struct traits traits = {
		.flags = naming->flags,
		.access = access_of(naming->flags),
		.result = call->result < 0 ? RESULT_FAILURE : RESULT_SUCCESS,
		.families = ANY_BITS,
		.protocol = ANY_BITS,
	};

	return needed(call->filter, call->task, call->kind, &traits);
}

/*
 * Whether a path, or that of the file that it led to, may be in one of the sets that are asked for. What has to be
 * walked up is judged after that; a path that could not be read is let through.
 */
static __always_inline bool choose(struct call *call, struct record *record, const struct naming *naming,
                                   u32 size)
{
	u32 sets = needed_open(call, naming), begin = at_most(record->used - size, RECORD_SIZE - 2);
	bool absolute;

	if (!sets)
		return false;
	if (sets == EVERY_PATH || size < 2)
		return true;
	absolute = record->data[begin] == '/';
	if (absolute && !naming->path.beneath && sees_all(call->task)) {
		if (path_wanted(sets, begin, false))
			return true;
		if (!naming->file)
			return false;
		record->sets = sets;
		record->raw = 0;
		return true;
	}
	if (!absolute && record->data[begin] == '.' && record->data[begin + 1] == '/')
		begin += 2;
	record->sets = sets;
	record->raw = begin + absolute;
	return true;
}

/* The same, but for what is known already. */
static __always_inline bool may_be_wanted(struct call *call, struct record *record,
                                          const struct naming *naming, u32 size)
{
	keep(call, record, naming, size);
	number_open(call, record, naming->flags, size);
	if (is_known(record)) {
		if (record->exact.size)
			remember(record);
		return false;
	}
	if (choose(call, record, naming, size))
		return true;
	remember(record);
	return false;
}

/* False, with nothing but the path appended, if nobody wants it. */
static __always_inline bool append_naming(struct call *call, struct record *record,
                                          const struct naming *naming)
{
	struct paths_event *event = (void *)record->data;

	event->base_path_size = PATH_UNKNOWN;
	event->base_detached = 0;
	if (naming->file)
		walk_file(&record->walks[OPENED], naming->file, offsetof(struct paths_event, file_path_size));
	event->path_size = append_place(call, record, &naming->path, &record->walks[0],
	                                offsetof(struct paths_event, base_path_size));
	if (naming->limited && !may_be_wanted(call, record, naming, event->path_size))
		return false;
	fill_header(&event->header, call->task, call->kind);
	event->result = call->result;
	event->flags = naming->flags;
	event->mode = naming->mode;
	event->owner = naming->owner;
	event->group = naming->group;
	event->fd = naming->path.given ? naming->path.fd : NO_FD;
	event->other_fd = naming->other.given ? naming->other.fd : NO_FD;
	event->pad = 0;
	event->other_base_path_size = PATH_UNKNOWN;
	event->other_base_detached = 0;
	event->file_path_size = PATH_UNKNOWN;
	event->file_detached = 0;
	event->other_size = append_place(call, record, &naming->other, &record->walks[1],
	                                 offsetof(struct paths_event, other_base_path_size));
	event->text_size = append_string(record, naming->text, naming->path.copied);
	return true;
}

#endif
