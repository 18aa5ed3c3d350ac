// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files opened, by whichever system call, whether that succeeded or not. */
#include "open.bpf.h"
#include "paths.bpf.h"

#define O_WRONLY 01

/*
 * OPEN(openat, 6) { ... } defines the programs of SYSCALL(openat, 6); its body says what is opened. Where functions are
 * hooked, what is as it was before goes first, since of that all is known already.
 */
#define OPEN(name, number)                                                                       \
	static __always_inline void name_##name(const struct call *call, struct naming *naming); \
	CALL_PROGRAMS(name, number, #name)                                                       \
	{                                                                                        \
		struct naming naming = { .limited = true };                                      \
                                                                                                 \
		if (!begin_call(call))                                                           \
			return 0;                                                                \
		if (call->hooked) {                                                              \
			name_##name(call, &naming);                                              \
			if (left_out_again(call, &naming))                                       \
				return 0;                                                        \
		}                                                                                \
		if (!call_wanted(call))                                                          \
			return 0;                                                                \
		name_##name(call, &naming);                                                      \
		return opened(call, &naming);                                                    \
	}                                                                                        \
	static __always_inline void name_##name(const struct call *call, struct naming *naming)

static __always_inline bool left_out_again(const struct call *call, struct naming *naming)
{
	struct task_struct *task = trusted_task();

	if (call->result >= 0)
		naming->file = file_opened(task, call->result);
	if (!is_again(call, task, naming))
		return false;
	leave_out(call->kind);
	return true;
}

static __always_inline int opened(struct call *call, struct naming *naming)
{
	if (!access_wanted(call->filter, call->kind, access_of(naming->flags))) {
		leave_out(call->kind);
		return 0;
	}
	if (call->result >= 0)
		naming->file = file_opened(call->task, call->result);
	return is_idle_read(call, naming->flags, naming->file) ? 0 : report(call, naming);
}

OPEN(open, 5)
{
	naming->path = here(argument(call, 0));
	naming->flags = (u32)argument(call, 1);
	naming->mode = (u16)argument(call, 2);
}

OPEN(openat, 6)
{
	naming->path = at(argument(call, 0), argument(call, 1));
	naming->flags = (u32)argument(call, 2);
	naming->mode = (u16)argument(call, 3);
}

OPEN(openat2, 7)
{
	struct open_how how = {};

	bpf_probe_read_user(&how, sizeof(how), (void *)argument(call, 2));
	naming->path = at(argument(call, 0), argument(call, 1));
	naming->path.beneath = how.resolve & RESOLVE_IN_ROOT;
	naming->flags = how.flags;
	naming->mode = how.mode;
}

OPEN(creat, 8)
{
	naming->path = here(argument(call, 0));
	naming->flags = O_CREAT | O_WRONLY | O_TRUNC;
	naming->mode = (u16)argument(call, 1);
}

/* The file is told by what is open afterwards. */
OPEN(open_by_handle_at, 79)
{
	if (call->result >= 0)
		naming->path = open_as(call->result);
	naming->flags = (u32)argument(call, 2);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
