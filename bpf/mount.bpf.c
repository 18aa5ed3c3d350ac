// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a process sees as its files: mounts, and its root directory. */
#include "paths.bpf.h"

SYSCALL(mount, 40)
{
	struct naming naming = {
		.path = here(argument(call, 1)),
		.other = here(argument(call, 0)),
		.text = (void *)argument(call, 2),
		.flags = (u32)argument(call, 3),
	};

	return report(call, &naming);
}

SYSCALL_AT(umount2, 41, "umount")
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.flags = (u32)argument(call, 1),
	};

	return report(call, &naming);
}

SYSCALL(pivot_root, 42)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.other = here(argument(call, 1)),
	};

	return report(call, &naming);
}

SYSCALL(chroot, 43)
{
	struct naming naming = { .path = here(argument(call, 0)) };

	/* Once it succeeded, the kernel knows the new root directory better than any path. */
	naming.path.rooted = !call->result;
	return report(call, &naming);
}

SYSCALL(move_mount, 80)
{
	struct naming naming = {
		.path = at(argument(call, 2), argument(call, 3)),
		.other = at(argument(call, 0), argument(call, 1)),
		.flags = (u32)argument(call, 4),
	};

	return report(call, &naming);
}

SYSCALL(open_tree, 81)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.flags = (u32)argument(call, 2),
	};

	return report(call, &naming);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
