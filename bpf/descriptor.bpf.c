// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Descriptors made and copied: what is behind the new one, or where there is none, the old one. */
#include "calls.bpf.h"

static __always_inline s32 copy(const struct call *call)
{
	return call->result < 0 ? argument(call, 0) : call->result;
}

SYSCALL(dup, 71)
{
	struct told told = {
		.count = 1,
		.number = { (s32)argument(call, 0) },
	};

	return report_about(call, &told, copy(call));
}

SYSCALL(dup2, 72)
{
	struct told told = {
		.count = 2,
		.number = { (s32)argument(call, 0), (s32)argument(call, 1) },
	};

	return report_about(call, &told, copy(call));
}

SYSCALL(dup3, 73)
{
	struct told told = {
		.count = 3,
		.number = { (s32)argument(call, 0), (s32)argument(call, 1), (u32)argument(call, 2) },
	};

	return report_about(call, &told, copy(call));
}

SYSCALL(socket, 74)
{
	struct told told = {
		.count = 3,
		.number = { (s32)argument(call, 0), (s32)argument(call, 1), (s32)argument(call, 2) },
	};

	return report_about(call, &told, call->result < 0 ? NO_FD : call->result);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
