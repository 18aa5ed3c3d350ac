// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who a process is: users, groups, capabilities, namespaces. */
#include "calls.bpf.h"

SYSCALL(setuid, 44)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 0) },
	};

	return report(call, &told);
}

SYSCALL(setgid, 45)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 0) },
	};

	return report(call, &told);
}

SYSCALL(setreuid, 46)
{
	struct told told = {
		.count = 2,
		.number = { (u32)argument(call, 0), (u32)argument(call, 1) },
	};

	return report(call, &told);
}

SYSCALL(setregid, 47)
{
	struct told told = {
		.count = 2,
		.number = { (u32)argument(call, 0), (u32)argument(call, 1) },
	};

	return report(call, &told);
}

SYSCALL(setresuid, 48)
{
	struct told told = {
		.count = 3,
		.number = { (u32)argument(call, 0), (u32)argument(call, 1), (u32)argument(call, 2) },
	};

	return report(call, &told);
}

SYSCALL(setresgid, 49)
{
	struct told told = {
		.count = 3,
		.number = { (u32)argument(call, 0), (u32)argument(call, 1), (u32)argument(call, 2) },
	};

	return report(call, &told);
}

SYSCALL(setfsuid, 50)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 0) },
	};

	return report(call, &told);
}

SYSCALL(setfsgid, 51)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 0) },
	};

	return report(call, &told);
}

/* The interface of capset(2), version 2 and 3: three sets of which each has a lower and an upper half. */
struct capability_half {
	u32 effective;
	u32 permitted;
	u32 inheritable;
};

static __always_inline u64 whole(u32 lower, u32 upper)
{
	return (u64)upper << 32 | lower;
}

SYSCALL(capset, 52)
{
	const struct cred *cred = READ(call->task, cred);
	struct capability_half half[2] = {};
	struct told told = { .count = 3 };

	if (call->result == 0) {
		BPF_CORE_READ_INTO(&told.number[0], cred, cap_inheritable);
		BPF_CORE_READ_INTO(&told.number[1], cred, cap_permitted);
		BPF_CORE_READ_INTO(&told.number[2], cred, cap_effective);
		return report(call, &told);
	}
	bpf_probe_read_user(half, sizeof(half), (void *)argument(call, 1));
	told.number[0] = whole(half[0].inheritable, half[1].inheritable);
	told.number[1] = whole(half[0].permitted, half[1].permitted);
	told.number[2] = whole(half[0].effective, half[1].effective);
	return report(call, &told);
}

SYSCALL(setns, 53)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 1) },
	};

	return report_about(call, &told, argument(call, 0));
}

SYSCALL(unshare, 54)
{
	struct told told = {
		.count = 1,
		.number = { (u32)argument(call, 0) },
	};

	return report(call, &told);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
