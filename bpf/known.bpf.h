/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens of which it is known that nobody needs them. To walk up to the root and read two paths takes longer than the
 * rest of the program, and the same files are opened again and again: what was found out is kept under a number that
 * stands for the path that was passed, the directory that it is read from, and the file that it led to.
 *
 * A file's number is made of what the kernel keeps for each name on the way up to the root: a hash of the name and of the
 * address of the directory above it. So whatever is renamed, moved or mounted, another path has another number.
 */
#ifndef TRACETIDE_KNOWN_BPF_H
#define TRACETIDE_KNOWN_BPF_H

#include "syscall.bpf.h"

#define KNOWN 4096 /* a power of two */
#define KNOWN_DEPTH 64
#define REMEMBERED 1024 /* a power of two */

/* Their numbers, in a place that follows from each. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KNOWN);
	__type(key, u32);
	__type(value, u64);
} known SEC(".maps");

/* Opens as they were, each in a place that follows from it. */
struct remembered {
	u64 changes; /* counted by two; with CHANGING while one is going on */
	struct open open;
};

#define CHANGING 1

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REMEMBERED);
	__type(key, u32);
	__type(value, struct remembered);
} remembered SEC(".maps");

static __always_inline u64 mixed(u64 number, u64 with)
{
	number = (number ^ with) * 0x9e3779b97f4a7c15;
	return number ^ number >> 32;
}

/* Let the record's number stand for this directory entry too; 0 if it is too deep. */
SUBPROGRAM int number_entry(u64 mnt, u64 entry)
{
	struct record *record = this_record();
	struct vfsmount *vfsmount = TYPED(struct vfsmount, mnt);
	struct dentry *dentry = TYPED(struct dentry, entry);
	struct dentry *top = LOOK(struct vfsmount, vfsmount, mnt_root), *above;
	struct inode *inode = LOOK(struct dentry, dentry, d_inode);
	u64 number;

	if (!record)
		return 0;
	number = mixed(record->number, LOOK(struct inode, inode, i_ino));
	for (u32 i = 0; i < KNOWN_DEPTH; i++) {
		if (dentry == top) {
			struct mount *mount = TYPED(struct mount, container_of(vfsmount, struct mount, mnt));
			struct mount *upper = LOOK(struct mount, mount, mnt_parent);

			if (upper == mount)
				goto root;
			dentry = LOOK(struct mount, mount, mnt_mountpoint);
			vfsmount = TYPED(struct vfsmount, &upper->mnt);
			top = LOOK(struct vfsmount, vfsmount, mnt_root);
			continue;
		}
		number = mixed(number, LOOK(struct dentry, dentry, d_name.hash_len));
		above = LOOK(struct dentry, dentry, d_parent);
		if (dentry == above)
			goto root;
		dentry = above;
	}
	return 0;
root:
	record->number = number;
	return 1;
}

/* The same for a string of this size with its end, which stands at the beginning of what a struct paths_event is followed by. */
SUBPROGRAM int number_string(u32 size)
{
	struct record *record = this_record();
	u64 number;

	if (!record)
		return 0;
	number = record->number;
	for (u32 i = 0; i < SCANNED; i += WORD) {
		u64 word = *(u64 *)(record->data + sizeof(struct paths_event) + i);

		if (size <= i + WORD) {
			u32 beyond = WORD - (size - i);

			record->number = mixed(number, word << beyond * 8);
			return 1;
		}
		number = mixed(number, word);
	}
	return 0;
}

/*
 * Number an open by all that decides about it. What has the same number only the collector could know, who has chosen
 * the seed.
 */
static __always_inline void number_open(const struct call *call, struct record *record, u64 flags, u32 size)
{
	const struct walk *base = &record->walks[0], *opened = &record->walks[OPENED];
	u64 number = call->settings->seed + call->settings->active;

	if (!READS_PATHS || !base->size_at || !opened->size_at)
		return;
	number = mixed(number, flags << 8 | call->kind);
	record->number = mixed(number, cgroup_id_of(call->task));
	if (!number_string(size) || !number_entry(base->mnt, base->dentry) ||
	    !number_entry(opened->mnt, opened->dentry))
		record->number = 0;
}

static __always_inline u64 *place_of(u64 number)
{
	u32 place = number & (KNOWN - 1);

	return number ? bpf_map_lookup_elem(MAP(known), &place) : NULL;
}

static __always_inline bool is_known(const struct record *record)
{
	u64 *number = place_of(record->number);

	return number && *number == record->number;
}

static __always_inline struct remembered *remembered_at(u64 name_hash, u64 how, u64 cgroup)
{
	u32 place = mixed(name_hash + cgroup, how) & (REMEMBERED - 1);

	return bpf_map_lookup_elem(MAP(remembered), &place);
}

static __always_inline void remember_open(const struct open *open)
{
	struct remembered *known =
		open->size ? remembered_at(open->entry.name_hash, open->how, open->cgroup) : NULL;
	u64 changes;

	changes = known ? __sync_fetch_and_or(&known->changes, CHANGING) : CHANGING;
	if (changes & CHANGING)
		return;
	barrier();
	known->open = *open;
	barrier();
	known->changes = changes + 2;
}

/* Nobody wants this one, which was looked at in full; where nothing has moved, by one path from beginning to end. */
static __always_inline void remember(const struct record *record)
{
	u64 *number = place_of(record->number);

	if (record->moved != names_moved())
		return;
	if (number)
		*number = record->number;
	remember_open(&record->exact);
}

#endif
