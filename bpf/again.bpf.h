/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens for reading that are exactly as one before, of which it is known that nobody needs it: the same name was passed,
 * to be read from the same directory, and led to the same entry of a directory. What is above the entry is not looked at:
 * the kernel counts the changes of each mount namespace, and move.bpf.c the directories that are moved. Where functions
 * cannot be hooked nobody does, and known.bpf.h has to do.
 */
#ifndef TRACETIDE_AGAIN_BPF_H
#define TRACETIDE_AGAIN_BPF_H

#define O_CREAT 0100
#define O_TRUNC 01000

#ifdef TRACETIDE_BY_HEADERS
static __always_inline bool is_again(const struct call *call, struct task_struct *task,
                                     const struct naming *naming)
{
	return false;
}

static __always_inline void keep(const struct call *call, struct record *record, const struct naming *naming,
                                 u32 size)
{
}
#else

/* An open as its call tells it. */
struct opening {
	struct path path;
	struct entry entry;
	u64 how; /* as in struct open */
	u64 cgroup;
	bool absolute;
};

/* Note what decides about an open, or hold it against what was noted before. */
#define TELL(field, what)                                            \
	do {                                                         \
		if (!noted)                                          \
			open->field = (what);                        \
		else if (open->field != (typeof(open->field))(what)) \
			return false;                                \
	} while (0)

static __always_inline struct path path_of(struct file *file)
{
	struct path path;

	if (can_cast()) {
		file = CAST(struct file, file);
		path.mnt = file->f_path.mnt;
		path.dentry = file->f_path.dentry;
	} else {
		struct path copy;

		BPF_CORE_READ_INTO(&copy, file, f_path);
		path.mnt = copy.mnt;
		path.dentry = copy.dentry;
	}
	return path;
}

/* What an entry is in and its name stand side by side, so one copy is enough too. */
static __always_inline struct entry entry_of(struct dentry *dentry)
{
	struct entry entry;

	if (can_cast()) {
		dentry = CAST(struct dentry, dentry);
		entry.parent = (u64)dentry->d_parent;
		entry.name_hash = dentry->d_name.hash_len;
	} else if (bpf_core_field_offset(dentry->d_name) ==
	           bpf_core_field_offset(dentry->d_parent) + sizeof(entry.parent)) {
		struct entry copy;

		bpf_probe_read_kernel(&copy, sizeof(copy),
		                      (void *)dentry + bpf_core_field_offset(dentry->d_parent));
		entry.parent = copy.parent;
		entry.name_hash = copy.name_hash;
	} else {
		entry.parent = (u64)BPF_CORE_READ(dentry, d_parent);
		entry.name_hash = BPF_CORE_READ(dentry, d_name.hash_len);
	}
	return entry;
}

static __always_inline struct mnt_namespace *namespace_of(u64 mnt)
{
	return LOOK(struct mount, container_of((void *)mnt, struct mount, mnt), mnt_ns);
}

static __always_inline bool tell_open(const struct config *settings, struct task_struct *task,
                                      const struct opening *opening, struct open *open, bool noted)
{
	struct mnt_namespace *space = READ(task, nsproxy, mnt_ns);
	struct fs_struct *fs = READ(task, fs);
	struct moves *moves = these_moves();

	if (!moves || (!noted && !moves->all))
		return false;
	TELL(active, settings->active);
	TELL(how, opening->how);
	TELL(cgroup, opening->cgroup);
	TELL(entry.name_hash, opening->entry.name_hash);
	TELL(entry.parent, opening->entry.parent);
	TELL(dentry, (u64)opening->path.dentry);
	TELL(mnt, (u64)opening->path.mnt);
	TELL(moves, moves->directories);
	TELL(base_dentry, (u64)(opening->absolute ? READ(fs, root.dentry) : READ(fs, pwd.dentry)));
	TELL(base_mnt, (u64)(opening->absolute ? READ(fs, root.mnt) : READ(fs, pwd.mnt)));
	TELL(mounts, READ(space, event));
	return noted ||
	       (open->mounts && namespace_of(open->base_mnt) == space && namespace_of(open->mnt) == space);
}

/* Whether the process passed the name of an open, of which what is beyond its end is 0. */
static __always_inline bool same_name(const struct open *open, const void *passed)
{
	u64 size = open->size & (sizeof(open->name) - 1);
	u64 name[NAME_WORDS] = {};

	if (bpf_probe_read_user(name, size, passed))
		return false;
#pragma unroll
	for (u32 i = 0; i < NAME_WORDS; i++) {
		if (open->name[i] != name[i])
			return false;
		if (size <= (i + 1) * WORD)
			break;
	}
	return true;
}

static __always_inline u64 how_opened(const struct call *call, const struct naming *naming)
{
	return naming->flags << 8 | call->kind;
}

static __always_inline bool may_come_again(const struct naming *naming)
{
	return READS_PATHS && naming->file && !(naming->flags & (O_ACCMODE | O_CREAT | O_TRUNC));
}

/* Whether it is read from the root or the working directory, as its name says. */
static __always_inline bool is_based(const struct naming *naming, bool absolute)
{
	return absolute ? !naming->path.beneath : naming->path.fd == AT_FDCWD;
}

/* Whether this is known. */
static __always_inline bool is_again(const struct call *call, struct task_struct *task,
                                     const struct naming *naming)
{
	struct opening opening;
	struct remembered *known;
	u64 changes;

	if (!may_come_again(naming))
		return false;
	opening.how = how_opened(call, naming);
	opening.cgroup = this_cgroup_id(call->settings);
	opening.path = path_of(naming->file);
	opening.entry = entry_of(opening.path.dentry);
	known = remembered_at(opening.entry.name_hash, opening.how, opening.cgroup);
	changes = known ? known->changes : CHANGING;
	if (changes & CHANGING)
		return false;
	barrier();
	opening.absolute = (u8)known->open.name[0] == '/';
	if (!is_based(naming, opening.absolute) ||
	    !tell_open(call->settings, task, &opening, &known->open, true) ||
	    !same_name(&known->open, naming->path.path))
		return false;
	barrier();
	return known->changes == changes;
}

/* The word of a name of this size that begins there, with 0 beyond its end. */
static __always_inline u64 word_of_name(u64 word, u32 at, u32 size)
{
	if (size >= at + WORD)
		return word;
	return size > at ? word & ((u64)1 << (size - at) * 8) - 1 : 0;
}

/* The rest of what keep notes, with the name that is judged. */
SUBPROGRAM int note_open(u64 how, u32 size)
{
	struct record *record = this_record();
	struct config *set = settings();
	struct opening opening = { .how = how };
	u64 *name;

	if (!record || !set)
		return 0;
	opening.path.mnt = (void *)record->exact.mnt;
	opening.path.dentry = (void *)record->exact.dentry;
	opening.entry = entry_of(opening.path.dentry);
	name = (u64 *)(record->data + sizeof(struct paths_event));
	opening.absolute = (u8)name[0] == '/';
	opening.cgroup = this_cgroup_id(set);
	if (!tell_open(set, trusted_task(), &opening, &record->exact, false))
		return 0;
	for (u32 i = 0; i < NAME_WORDS; i++)
		record->exact.name[i] = word_of_name(name[i], i * WORD, size);
	record->exact.size = size;
	return 1;
}

/* Note an open in the record, in case that nobody needs it; not where nobody counts moves. */
static __always_inline void keep(const struct call *call, struct record *record, const struct naming *naming,
                                 u32 size)
{
	struct file *file = naming->file;

	if (!record->moved || size >= sizeof(record->exact.name) || !may_come_again(naming) ||
	    !is_based(naming, record->data[sizeof(struct paths_event)] == '/'))
		return;
	record->exact.mnt = (u64)LOOK(struct file, file, f_path.mnt);
	record->exact.dentry = (u64)LOOK(struct file, file, f_path.dentry);
	note_open(how_opened(call, naming), size);
}

#endif
#endif
