// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What reaches into the kernel, or prepares what hides from it: modules, BPF, memory files and the like. */
#include "calls.bpf.h"

#define PR_SET_NAME 15

SYSCALL(init_module, 58)
{
	struct told told = {
		.count = 1,
		.number = { argument(call, 1) },
		.text = (void *)argument(call, 2),
	};

	return report(call, &told);
}

SYSCALL(finit_module, 59)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 2) },
		.text = (void *)argument(call, 1),
	};

	return report_about(call, &told, argument(call, 0));
}

SYSCALL(delete_module, 60)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 1) },
		.text = (void *)argument(call, 0),
	};

	return report(call, &told);
}

SYSCALL(bpf, 61)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 0) },
	};

	return report(call, &told);
}

/* The type is the first field of struct perf_event_attr. */
SYSCALL(perf_event_open, 62)
{
	struct told told = {
		.count = 4,
		.number = { 0, (s32)argument(call, 1), (s32)argument(call, 2), (u32)argument(call, 4) },
	};

	bpf_probe_read_user(&told.number[0], sizeof(u32), (void *)argument(call, 0));
	return report(call, &told);
}

SYSCALL(memfd_create, 63)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 1) },
		.text = (void *)argument(call, 0),
	};

	return report(call, &told);
}

SYSCALL(userfaultfd, 64)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 0) },
	};

	return report(call, &told);
}

SYSCALL(prctl, 65)
{
	struct told told = {
		.count = 2,
		.number = { (s32)argument(call, 0), argument(call, 1) },
	};

	if (told.number[0] == PR_SET_NAME)
		told.text = (void *)argument(call, 1);
	return report(call, &told);
}

SYSCALL(keyctl, 66)
{
	struct told told = {
		.count = 1,
		.number = { (s32)argument(call, 0) },
	};

	return report(call, &told);
}

/* The flags are the third number of struct io_uring_params. */
SYSCALL(io_uring_setup, 70)
{
	u32 parameters[3] = {};
	struct told told = { .count = 2, .number = { (u32)argument(call, 0) } };

	bpf_probe_read_user(parameters, sizeof(parameters), (void *)argument(call, 1));
	told.number[1] = parameters[2];
	return report(call, &told);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
