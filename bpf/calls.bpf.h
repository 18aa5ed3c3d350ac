/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls that a few numbers tell, perhaps with the descriptor that they are about or a string. */
#ifndef TRACETIDE_CALLS_BPF_H
#define TRACETIDE_CALLS_BPF_H

#include "finish.bpf.h"
#include "socket.bpf.h"
#include <stddef.h>

#define NO_FD -1

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
	event->mnt_ns = call->task->nsproxy->mnt_ns->ns.inum;
	event->pad2 = 0;
	event->count = told->count;
	event->text_size = told->text ? append_user_string(record, told->text, PATH_SIZE) : 0;
	return record;
}

static __always_inline int report(struct call *call, const struct told *told)
{
	struct record *record = begin(call, told);

	if (record)
		submit(record, call->kind);
	return 0;
}

/* The same with what a descriptor of the process is. */
static __always_inline int report_about(struct call *call, const struct told *told, s32 fd)
{
	struct record *record = begin(call, told);
	struct file *file = file_at(call->task, fd);
	struct sock *sk = socket_of(file);
	struct call_event *event;

	if (!record)
		return 0;
	event = (void *)record->data;
	event->fd = fd;
	fill_descriptor(record, &event->file, file, sk);
	if (file && !sk)
		walk_file(&record->walks[0], file, offsetof(struct call_event, file.name_size));
	return to_finish(call, record);
}

#endif
