// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Other processes looked into and signalled. */
#include "calls.bpf.h"

SYSCALL(ptrace, 55)
{
	struct told told = {
		.count = 2,
		.number = { (s32)argument(call, 0), (s32)argument(call, 1) },
	};

	return report(call, &told);
}

SYSCALL(process_vm_readv, 56)
{
	struct told told = {
		.count = 1,
		.number = { (s32)argument(call, 0) },
	};

	return report(call, &told);
}

SYSCALL(process_vm_writev, 57)
{
	struct told told = {
		.count = 1,
		.number = { (s32)argument(call, 0) },
	};

	return report(call, &told);
}

/* Whether a number that the program knows a process or thread by means its own; nothing is sent by signal 0. */
static __always_inline bool to_other(struct call *call, s32 pid, s32 signal)
{
	struct task_struct *task = call->task;

	return signal && pid != READ(task, tgid) && pid != READ(task, pid) &&
	       pid != BPF_CORE_READ(innermost(task), nr);
}

static __always_inline int report_signal(struct call *call, const struct told *told, s32 signal)
{
	return to_other(call, told->number[0], signal) ? report(call, told) : 0;
}

SYSCALL(kill, 67)
{
	struct told told = {
		.count = 2,
		.number = { (s32)argument(call, 0), (s32)argument(call, 1) },
	};

	return report_signal(call, &told, argument(call, 1));
}

SYSCALL(tkill, 68)
{
	struct told told = {
		.count = 2,
		.number = { (s32)argument(call, 0), (s32)argument(call, 1) },
	};

	return report_signal(call, &told, argument(call, 1));
}

SYSCALL(tgkill, 69)
{
	struct told told = {
		.count = 3,
		.number = { (s32)argument(call, 0), (s32)argument(call, 1), (s32)argument(call, 2) },
	};

	return report_signal(call, &told, argument(call, 2));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
