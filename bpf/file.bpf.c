// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files opened, by whichever system call, whether that succeeded or not. */
#include "open.bpf.h"
#include "paths.bpf.h"

#define O_WRONLY 01

static __always_inline int opened(struct call *call, struct naming *naming)
{
	if (!access_wanted(call->filter, call->kind, access_of(naming->flags))) {
		leave_out(call->kind);
		return 0;
	}
	naming->limited = true;
	if (call->result >= 0)
		naming->file = file_opened(call->task, call->result);
	if (is_again(call, naming)) {
		leave_out(call->kind);
		return 0;
	}
	return is_idle_read(call, naming->flags, naming->file) ? 0 : report(call, naming);
}

SYSCALL(open, 5)
{
	struct naming naming = {
		.path = here(call->arg[0]),
		.flags = (u32)call->arg[1],
		.mode = (u16)call->arg[2],
	};

	return opened(call, &naming);
}

SYSCALL(openat, 6)
{
	struct naming naming = {
		.path = at(call->arg[0], call->arg[1]),
		.flags = (u32)call->arg[2],
		.mode = (u16)call->arg[3],
	};

	return opened(call, &naming);
}

SYSCALL(openat2, 7)
{
	struct open_how how = {};
	struct naming naming = { .path = at(call->arg[0], call->arg[1]) };

	bpf_probe_read_user(&how, sizeof(how), (void *)call->arg[2]);
	naming.flags = how.flags;
	naming.mode = how.mode;
	naming.path.beneath = how.resolve & RESOLVE_IN_ROOT;
	return opened(call, &naming);
}

SYSCALL(creat, 8)
{
	struct naming naming = {
		.path = here(call->arg[0]),
		.flags = O_CREAT | O_WRONLY | O_TRUNC,
		.mode = (u16)call->arg[1],
	};

	return opened(call, &naming);
}

/* The file is told by what is open afterwards. */
SYSCALL(open_by_handle_at, 79)
{
	struct naming naming = { .flags = (u32)call->arg[2] };

	if (call->result >= 0)
		naming.path = open_as(call->result);
	return opened(call, &naming);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
