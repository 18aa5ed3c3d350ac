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
	struct task_struct *task;
	struct config *settings;
	struct filter *filter;
	u32 kind;
	s64 result;
	u64 arg[6];
};

/*
 * SYSCALL(openat, 6) { ... } defines two programs with the same body, which gets the call: on_openat is for the
 * call's tracepoint, at_openat for the end of its function. The loader takes one of them: a function that is
 * hooked costs other calls nothing, while a tracepoint slows down all, but not every kernel lets functions be hooked.
 */
#define SYSCALL(name, number) SYSCALL_AT(name, number, #name)

/* The same for a call that the kernel has another name for. */
#define SYSCALL_AT(name, number, called)                                                 \
	static __always_inline int handle_##name(struct call *call);                     \
	PROGRAM("tp/syscalls/sys_exit_" called, on_##name, struct syscall_exit *context) \
	{                                                                                \
		struct call call = { .context = context, .kind = number };               \
                                                                                         \
		call.result = context->result;                                           \
		return read_call(&call, 0) ? handle_##name(&call) : 0;                   \
	}                                                                                \
	FUNCTION_PROGRAM(called, at_##name)                                              \
	{                                                                                \
		struct call call = { .context = context, .kind = number };               \
                                                                                         \
		call.result = context->result;                                           \
		return read_call(&call, context->argument) ? handle_##name(&call) : 0;   \
	}                                                                                \
	static __always_inline int handle_##name(struct call *call)

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

/* False if nobody wants to know. hooked are the registers that a hooked function was given, 0 at a tracepoint. */
static __always_inline bool read_call(struct call *call, u64 hooked)
{
	struct task_struct *task = this_task();
	struct pt_regs *regs = (void *)hooked;

	call->task = task;
	call->settings = settings();
	if (!call->settings || is_own(call->settings, task))
		return false;
	call->filter = filter_of(call->settings);
	if (!type_wanted(call->filter, task, call->kind, call->result))
		return false;
	if (!hooked)
		regs = registers_of(task);
#if defined(__TARGET_ARCH_x86)
	call->arg[0] = READ(regs, di);
	call->arg[1] = READ(regs, si);
	call->arg[2] = READ(regs, dx);
	call->arg[3] = READ(regs, r10);
	call->arg[4] = READ(regs, r8);
	call->arg[5] = READ(regs, r9);
#else
	call->arg[0] = READ(regs, orig_x0);
	call->arg[1] = READ(regs, regs[1]);
	call->arg[2] = READ(regs, regs[2]);
	call->arg[3] = READ(regs, regs[3]);
	call->arg[4] = READ(regs, regs[4]);
	call->arg[5] = READ(regs, regs[5]);
#endif
	return true;
}

#endif
