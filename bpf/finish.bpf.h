/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last step of a record with paths: to walk them up. The verifier takes a tenth of a second for the walk, so
 * it is one program for all those of an object, which jump there when they have filled in everything else.
 */
#ifndef TRACETIDE_FINISH_BPF_H
#define TRACETIDE_FINISH_BPF_H

#include "path.bpf.h"
#include "syscall.bpf.h"

/* Sizes lie in the fixed part of a record, which is smaller than this power of two. */
#define FIXED_SIZE 512

/* Append the paths in the order of the walks. Behind each size lies whether the path stands for itself. */
static __always_inline int walk_paths(void)
{
	struct record *record = this_record();

	if (!record)
		return 0;
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
	}
	submit(record, ((struct header *)record->data)->kind);
	return 0;
}

SEC("tp") int on_finish(struct syscall_exit *context)
{
	return walk_paths();
}

/* The loader takes a function of the same type as those of the programs that jump, because the kernel asks for it. */
SEC("fexit/" FUNCTION("openat")) int at_finish(struct function_exit *context)
{
	return walk_paths();
}

/* The loader puts in the one that goes with the programs that it loads. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} finishing SEC(".maps");

/* Jump to it; nothing after this is done. */
static __always_inline int to_finish(struct call *call, struct record *record)
{
	bpf_tail_call(call->context, &finishing, 0);
	lose(call->kind);
	record->busy = 0;
	return 0;
}

static __always_inline void walk_to(struct walk *walk, u64 mnt, u64 dentry, u32 size_at)
{
	walk->mnt = mnt;
	walk->dentry = dentry;
	walk->size_at = size_at;
}

static __always_inline void walk_file(struct walk *walk, struct file *file, u32 size_at)
{
	walk_to(walk, (u64)BPF_CORE_READ(file, f_path.mnt), (u64)BPF_CORE_READ(file, f_path.dentry), size_at);
}

#endif
