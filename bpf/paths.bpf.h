/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls that name files. */
#ifndef TRACETIDE_PATHS_BPF_H
#define TRACETIDE_PATHS_BPF_H

#include "finish.bpf.h"
#include "naming.bpf.h"

static __always_inline int report(struct call *call, const struct naming *naming)
{
	struct record *record = new_record(sizeof(struct paths_event), call->kind);

	if (!record)
		return 0;
	if (!append_naming(call, record, naming)) {
		leave_out(call->kind);
		record->busy = 0;
		return 0;
	}
	return to_finish(call, record);
}

#endif
