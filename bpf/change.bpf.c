// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files and directories renamed, linked, removed and made, and their permissions, owners and times changed. */
#include "paths.bpf.h"

SYSCALL(rename, 14)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.other = here(argument(call, 1)),
	};

	return report(call, &naming);
}

SYSCALL(renameat, 15)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.other = at(argument(call, 2), argument(call, 3)),
	};

	return report(call, &naming);
}

SYSCALL(renameat2, 16)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.other = at(argument(call, 2), argument(call, 3)),
		.flags = (u32)argument(call, 4),
	};

	return report(call, &naming);
}

SYSCALL(link, 17)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.other = here(argument(call, 1)),
	};

	return report(call, &naming);
}

SYSCALL(linkat, 18)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.other = at(argument(call, 2), argument(call, 3)),
		.flags = (u32)argument(call, 4),
	};

	return report(call, &naming);
}

SYSCALL(symlink, 19)
{
	struct naming naming = {
		.path = here(argument(call, 1)),
		.text = (void *)argument(call, 0),
	};

	return report(call, &naming);
}

SYSCALL(symlinkat, 20)
{
	struct naming naming = {
		.path = at(argument(call, 1), argument(call, 2)),
		.text = (void *)argument(call, 0),
	};

	return report(call, &naming);
}

SYSCALL(unlink, 21)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
	};

	return report(call, &naming);
}

SYSCALL(unlinkat, 22)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.flags = (u32)argument(call, 2),
	};

	return report(call, &naming);
}

SYSCALL(rmdir, 23)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
	};

	return report(call, &naming);
}

SYSCALL(mkdir, 24)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.mode = (u16)argument(call, 1),
	};

	return report(call, &naming);
}

SYSCALL(mkdirat, 25)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.mode = (u16)argument(call, 2),
	};

	return report(call, &naming);
}

/* The device number travels as flags. */
SYSCALL(mknod, 26)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.mode = (u16)argument(call, 1),
		.flags = (u32)argument(call, 2),
	};

	return report(call, &naming);
}

SYSCALL(mknodat, 27)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.mode = (u16)argument(call, 2),
		.flags = (u32)argument(call, 3),
	};

	return report(call, &naming);
}

SYSCALL(chmod, 28)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.mode = (u16)argument(call, 1),
	};

	return report(call, &naming);
}

SYSCALL(fchmod, 29)
{
	struct naming naming = {
		.path = open_as(argument(call, 0)),
		.mode = (u16)argument(call, 1),
	};

	return report(call, &naming);
}

SYSCALL(fchmodat, 30)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.mode = (u16)argument(call, 2),
	};

	return report(call, &naming);
}

SYSCALL(fchmodat2, 31)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.mode = (u16)argument(call, 2),
		.flags = (u32)argument(call, 3),
	};

	return report(call, &naming);
}

SYSCALL(chown, 32)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.owner = (u32)argument(call, 1),
		.group = (u32)argument(call, 2),
	};

	return report(call, &naming);
}

SYSCALL(lchown, 33)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
		.owner = (u32)argument(call, 1),
		.group = (u32)argument(call, 2),
	};

	return report(call, &naming);
}

SYSCALL(fchown, 34)
{
	struct naming naming = {
		.path = open_as(argument(call, 0)),
		.owner = (u32)argument(call, 1),
		.group = (u32)argument(call, 2),
	};

	return report(call, &naming);
}

SYSCALL(fchownat, 35)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.owner = (u32)argument(call, 2),
		.group = (u32)argument(call, 3),
		.flags = (u32)argument(call, 4),
	};

	return report(call, &naming);
}

SYSCALL(utime, 36)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
	};

	return report(call, &naming);
}

SYSCALL(utimes, 37)
{
	struct naming naming = {
		.path = here(argument(call, 0)),
	};

	return report(call, &naming);
}

SYSCALL(futimesat, 38)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
	};

	return report(call, &naming);
}

SYSCALL(utimensat, 39)
{
	struct naming naming = {
		.path = at(argument(call, 0), argument(call, 1)),
		.flags = (u32)argument(call, 3),
	};

	return report(call, &naming);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
