/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The record of a call that a few numbers tell. */
#ifndef TRACETIDE_TOLD_BPF_H
#define TRACETIDE_TOLD_BPF_H

#include "naming.bpf.h"
#include "socket.bpf.h"

/* What the different calls have in common. */
struct told {
	u32 count;
	s64 number[NUMBERS];
	const void *text;
};

static __always_inline struct record *begin(struct call *call, const struct told *told)
{
	struct record *record = new_record(sizeof(struct call_event), call->kind);
	struct call_event *event;

	if (!record)
		return NULL;
	event = (void *)record->data;
	fill_header(&event->header, call->task, call->kind);
	event->result = call->result;
	for (u32 i = 0; i < NUMBERS; i++)
		event->number[i] = told->number[i];
	__builtin_memset(&event->file, 0, sizeof(event->file));
	event->fd = NO_FD;
	event->mnt_ns = READ(call->task, nsproxy, mnt_ns, ns.inum);
	event->pad2 = 0;
	event->count = told->count;
	event->text_size = told->text ? append_user_string(record, told->text, PATH_SIZE) : 0;
	return record;
}

#endif
