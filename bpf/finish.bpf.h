/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last step of a record with paths: to walk them up. The verifier of Linux before 5.17 takes a tenth of a second
 * for the walk, so it is one program for all those of an object, which jump there when all else is filled in.
 */
#ifndef TRACETIDE_FINISH_BPF_H
#define TRACETIDE_FINISH_BPF_H

#include "known.bpf.h"
#include "path.bpf.h"
#include "syscall.bpf.h"

static __always_inline int walk_paths(void)
{
	struct record *record = this_record();

	if (!record)
		return 0;
	if (walk_up(record)) {
		submit(record, ((struct header *)record->data)->kind);
	} else {
		remember(record);
		leave_out(((struct header *)record->data)->kind);
		record->busy = 0;
	}
	return 0;
}

PROGRAM("tp", on_finish, struct syscall_exit *context)
{
	return walk_paths();
}

/* The loader takes a function of the same type as those of the programs that jump, because the kernel asks for it. */
FUNCTION_PROGRAM("openat", at_finish)
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
	bpf_tail_call(call->context, MAP(finishing), 0);
	lose(call->kind);
	record->busy = 0;
	return 0;
}

#endif
