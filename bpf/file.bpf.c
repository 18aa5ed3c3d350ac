// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files opened, by whichever system call, whether that succeeded or not. */
#include "paths.bpf.h"

#define O_ACCMODE 03
#define O_WRONLY 01
#define O_CREAT 0100
#define O_TRUNC 01000
#define RESOLVE_IN_ROOT 0x10

/* The interface of openat2(2). */
struct open_how {
	u64 flags;
	u64 mode;
	u64 resolve;
};

static __always_inline bool is_directory(struct task_struct *task, s64 fd)
{
	struct file *file = file_at(task, fd);
	u32 mode = BPF_CORE_READ(file, f_inode, i_mode);

	return (mode & S_IFMT) == S_IFDIR;
}

static __always_inline bool unwanted(const struct call *call, const struct naming *naming)
{
	return call->settings->skip & SKIP_DIRECTORY_READS && call->result >= 0 &&
	       !(naming->flags & O_ACCMODE) && is_directory(call->task, call->result);
}

static __always_inline int opened(struct call *call, const struct naming *naming)
{
	return unwanted(call, naming) ? 0 : report(call, naming);
}

SYSCALL(open, 5)
{
	struct naming naming = {
		.path = here(call->arg[0]),
		.flags = (u32)call->arg[1],
		.mode = (u16)call->arg[2],
	};

	return opened(call, &naming);
}

SYSCALL(openat, 6)
{
	struct naming naming = {
		.path = at(call->arg[0], call->arg[1]),
		.flags = (u32)call->arg[2],
		.mode = (u16)call->arg[3],
	};

	return opened(call, &naming);
}

SYSCALL(openat2, 7)
{
	struct open_how how = {};
	struct naming naming = { .path = at(call->arg[0], call->arg[1]) };

	bpf_probe_read_user(&how, sizeof(how), (void *)call->arg[2]);
	naming.flags = how.flags;
	naming.mode = how.mode;
	naming.path.beneath = how.resolve & RESOLVE_IN_ROOT;
	return opened(call, &naming);
}

SYSCALL(creat, 8)
{
	struct naming naming = {
		.path = here(call->arg[0]),
		.flags = O_CREAT | O_WRONLY | O_TRUNC,
		.mode = (u16)call->arg[1],
	};

	return opened(call, &naming);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
