/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls that a few numbers tell, perhaps with the descriptor that they are about or a string. */
#ifndef TRACETIDE_CALLS_BPF_H
#define TRACETIDE_CALLS_BPF_H

#include "finish.bpf.h"
#include "told.bpf.h"

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
