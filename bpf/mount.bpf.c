// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a process sees as its files: mounts, and its root directory. */
#include "paths.bpf.h"

SYSCALL(mount, 40)
{
	struct naming naming = {
		.path = here(call->arg[1]),
		.other = here(call->arg[0]),
		.text = (void *)call->arg[2],
		.flags = (u32)call->arg[3],
	};

	return report(call, &naming);
}

SYSCALL_AT(umount2, 41, "umount")
{
	struct naming naming = {
		.path = here(call->arg[0]),
		.flags = (u32)call->arg[1],
	};

	return report(call, &naming);
}

SYSCALL(pivot_root, 42)
{
	struct naming naming = {
		.path = here(call->arg[0]),
		.other = here(call->arg[1]),
	};

	return report(call, &naming);
}

SYSCALL(chroot, 43)
{
	struct naming naming = { .path = here(call->arg[0]) };

	/* Once it succeeded, the kernel knows the new root directory better than any path. */
	naming.path.rooted = !call->result;
	return report(call, &naming);
}

SYSCALL(move_mount, 80)
{
	struct naming naming = {
		.path = at(call->arg[2], call->arg[3]),
		.other = at(call->arg[0], call->arg[1]),
		.flags = (u32)call->arg[4],
	};

	return report(call, &naming);
}

SYSCALL(open_tree, 81)
{
	struct naming naming = {
		.path = at(call->arg[0], call->arg[1]),
		.flags = (u32)call->arg[2],
	};

	return report(call, &naming);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
