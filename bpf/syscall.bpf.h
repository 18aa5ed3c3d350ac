/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that run when a system call returns. Its arguments are still in the registers that the process
 * came with, so one hook per call is enough and nothing has to be kept from its entry.
 */
#ifndef TRACETIDE_SYSCALL_BPF_H
#define TRACETIDE_SYSCALL_BPF_H

#include "wanted.bpf.h"

/* A system call that has returned. kind is the event type's number in wire/event_types.py. */
struct call {
	void *context;
	bool hooked; /* at the end of its function, not at its tracepoint */
	struct pt_regs *regs;
	struct task_struct *task;
	struct config *settings;
	struct filter *filter;
	u32 kind;
	s64 result;
};

/*
 * SYSCALL(openat, 6) { ... } defines two programs with the same body, which gets the call: on_openat is for the
 * call's tracepoint, at_openat for the end of its function. The loader takes one of them: a function that is
 * hooked costs other calls nothing, while a tracepoint slows down all, but not every kernel lets functions be hooked.
 */
#define SYSCALL(name, number) SYSCALL_AT(name, number, #name)

/* The same for a call that the kernel has another name for. */
#define SYSCALL_AT(name, number, called)                                                \
	static __always_inline int handle_##name(struct call *call);                    \
	CALL_PROGRAMS(name, number, called)                                             \
	{                                                                               \
		return begin_call(call) && call_wanted(call) ? handle_##name(call) : 0; \
	}                                                                               \
	static __always_inline int handle_##name(struct call *call)

/* Both programs, whose body begins with a call of which only the context and the result have been read. */
#define CALL_PROGRAMS(name, number, called)                                                \
	static __always_inline int take_##name(struct call *call);                         \
	PROGRAM("tp/syscalls/sys_exit_" called, on_##name, struct syscall_exit *context)   \
	{                                                                                  \
		struct call call = { .context = context, .kind = number };                 \
                                                                                           \
		call.result = context->result;                                             \
		return take_##name(&call);                                                 \
	}                                                                                  \
	FUNCTION_PROGRAM(called, at_##name)                                                \
	{                                                                                  \
		struct call call = { .context = context, .kind = number, .hooked = true }; \
                                                                                           \
		call.regs = (void *)context->argument;                                     \
		call.result = context->result;                                             \
		return take_##name(&call);                                                 \
	}                                                                                  \
	static __always_inline int take_##name(struct call *call)

/* The interface of sendmsg(2) and recvmsg(2). */
struct part {
	const void *bytes;
	u64 size;
};

struct message {
	const void *address;
	s32 address_size;
	const struct part *parts;
	u64 part_count;
};

/* Whether this is the collector, or in a control group that is all its own. */
static __always_inline bool is_own(const struct config *settings, struct task_struct *task)
{
	return settings->own_tgid == (u32)READ(task, tgid) ||
	       (settings->own_cgroup && settings->own_cgroup == this_cgroup_id(settings));
}

static __always_inline bool begin_call(struct call *call)
{
	call->settings = settings();
	return call->settings;
}

/* Whether somebody may want to know; if not, it is counted. */
static __always_inline bool call_wanted(struct call *call)
{
	call->task = this_task();
	if (is_own(call->settings, call->task))
		return false;
	call->filter = filter_of(call->settings);
	if (!type_wanted(call->filter, call->task, call->kind, call->result))
		return false;
	if (!call->hooked)
		call->regs = registers_of(call->task);
	return true;
}

/* One that the call was made with. */
static __always_inline u64 argument(const struct call *call, u32 number)
{
	switch (number) {
#if defined(__TARGET_ARCH_x86)
	case 0:
		return READ(call->regs, di);
	case 1:
		return READ(call->regs, si);
	case 2:
		return READ(call->regs, dx);
	case 3:
		return READ(call->regs, r10);
	case 4:
		return READ(call->regs, r8);
	default:
		return READ(call->regs, r9);
#else
	case 0:
		return READ(call->regs, orig_x0);
	case 1:
		return READ(call->regs, regs[1]);
	case 2:
		return READ(call->regs, regs[2]);
	case 3:
		return READ(call->regs, regs[3]);
	case 4:
		return READ(call->regs, regs[4]);
	default:
		return READ(call->regs, regs[5]);
#endif
	}
}

#endif
