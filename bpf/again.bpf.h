/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens for reading that are exactly as one before, of which it is known that nobody needs it: the same name was passed,
 * to be read from the same directory, and led to the same file, which has not changed. What is above the file is not
 * looked at: the kernel counts the changes of each mount namespace, and move.bpf.c the directories that are moved. Where
 * functions cannot be hooked nobody does, and known.bpf.h has to do.
 */
#ifndef TRACETIDE_AGAIN_BPF_H
#define TRACETIDE_AGAIN_BPF_H

#define O_CREAT 0100
#define O_TRUNC 01000

/* An open as its call tells it. */
struct opening {
	u64 mnt;
	u64 dentry;
	u64 inode;
	u64 how; /* as in struct open */
	u64 cgroup;
	u64 name_hash;
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

static __always_inline u64 namespace_of(u64 mnt)
{
	return (u64)LOOK(struct mount, container_of((void *)mnt, struct mount, mnt), mnt_ns);
}

static __always_inline bool tell_open(const struct config *settings, struct task_struct *task,
                                      const struct opening *opening, struct open *open, bool noted)
{
	struct moves *moves = these_moves();
	struct fs_struct *fs = READ(task, fs);
	u64 base, space, mounts;

	if (!moves || !moves->all)
		return false;
	TELL(active, settings->active);
	TELL(how, opening->how);
	TELL(cgroup, opening->cgroup);
	TELL(name_hash, opening->name_hash);
	TELL(moves, moves->directories);
	TELL(inode, opening->inode);
	TELL(changed, ctime_of((void *)opening->inode));
	TELL(dentry, opening->dentry);
	TELL(mnt, opening->mnt);
	TELL(base_dentry, (u64)(opening->absolute ? READ(fs, root.dentry) : READ(fs, pwd.dentry)));
	base = (u64)(opening->absolute ? READ(fs, root.mnt) : READ(fs, pwd.mnt));
	TELL(base_mnt, base);
	space = namespace_of(opening->mnt);
	mounts = LOOK(struct mnt_namespace, space, event);
	TELL(mounts, mounts);
	return noted || (mounts && (base == opening->mnt || namespace_of(base) == space));
}

/* Whether what was passed begins with the name of an open. */
static __always_inline bool same_name(const struct open *open, const u64 *name)
{
	u32 last = (open->size - 1) / WORD;

#pragma unroll
	for (u32 i = 0; i < NAME_WORDS; i++) {
		u64 differs = open->name[i] ^ name[i];

		if (i == last)
			return !(differs << (NAME_WORDS * WORD - open->size) % WORD * 8);
		if (differs)
			return false;
	}
	return false;
}

static __always_inline u64 how_opened(const struct call *call, const struct naming *naming)
{
	return naming->flags << 8 | call->kind;
}

static __always_inline bool may_come_again(const struct naming *naming, bool absolute)
{
	return READS_PATHS && naming->file && !(naming->flags & (O_ACCMODE | O_CREAT | O_TRUNC)) &&
	       (absolute ? !naming->path.beneath : naming->path.fd == AT_FDCWD);
}

/* Whether this is known. */
static __always_inline bool is_again(const struct call *call, const struct naming *naming)
{
	struct file *file = naming->file;
	struct opening opening;
	struct remembered *known;
	u64 name[NAME_WORDS];
	u32 changes;

	if (!file || bpf_probe_read_user(name, sizeof(name), naming->path.path))
		return false;
	opening.absolute = (u8)name[0] == '/';
	if (!may_come_again(naming, opening.absolute))
		return false;
	opening.how = how_opened(call, naming);
	opening.cgroup = this_cgroup_id(call->settings);
	opening.mnt = (u64)LOOK(struct file, file, f_path.mnt);
	opening.dentry = (u64)LOOK(struct file, file, f_path.dentry);
	opening.inode = (u64)LOOK(struct file, file, f_inode);
	opening.name_hash = LOOK(struct dentry, opening.dentry, d_name.hash_len);
	known = remembered_at(opening.name_hash, opening.how, opening.cgroup);
	if (!known || known->changing)
		return false;
	changes = known->changes;
	barrier();
	if (!same_name(&known->open, name) ||
	    !tell_open(call->settings, call->task, &opening, &known->open, true))
		return false;
	barrier();
	return known->changes == changes;
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
	opening.mnt = record->exact.mnt;
	opening.dentry = record->exact.dentry;
	opening.inode = record->exact.inode;
	name = (u64 *)(record->data + sizeof(struct paths_event));
	opening.absolute = (u8)name[0] == '/';
	opening.cgroup = this_cgroup_id(set);
	opening.name_hash = LOOK(struct dentry, opening.dentry, d_name.hash_len);
	if (!tell_open(set, this_task(), &opening, &record->exact, false))
		return 0;
	for (u32 i = 0; i < NAME_WORDS; i++)
		record->exact.name[i] = name[i];
	record->exact.size = size;
	return 1;
}

/* Note an open in the record, in case that nobody needs it. */
static __always_inline void keep(const struct call *call, struct record *record, const struct naming *naming,
                                 u32 size)
{
	struct file *file = naming->file;

	if (size > sizeof(record->exact.name) ||
	    !may_come_again(naming, record->data[sizeof(struct paths_event)] == '/'))
		return;
	record->exact.mnt = (u64)LOOK(struct file, file, f_path.mnt);
	record->exact.dentry = (u64)LOOK(struct file, file, f_path.dentry);
	record->exact.inode = (u64)LOOK(struct file, file, f_inode);
	note_open(how_opened(call, naming), size);
}

#endif
