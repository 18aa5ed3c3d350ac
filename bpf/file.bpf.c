// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files opened, by whichever system call, whether that succeeded or not. */
#include "path.bpf.h"
#include "syscall.bpf.h"

#define AT_FDCWD -100
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

/* What the different calls have in common. */
struct opening {
	s32 directory;
	const void *path;
	struct open_how how;
};

static __always_inline bool is_directory(struct task_struct *task, s64 fd)
{
	struct file *file = file_at(task, fd);
	u32 mode = BPF_CORE_READ(file, f_inode, i_mode);

	return (mode & S_IFMT) == S_IFDIR;
}

static __always_inline bool unwanted(const struct call *call, const struct opening *opening)
{
	return call->settings->skip & SKIP_DIRECTORY_READS && call->result >= 0 &&
	       !(opening->how.flags & O_ACCMODE) && is_directory(call->task, call->result);
}

/* The directory that the path starts from. */
static __always_inline u16 append_base(struct task_struct *task, const struct opening *opening, bool rooted)
{
	struct fs_struct *fs = task->fs;

	if (rooted && !(opening->how.resolve & RESOLVE_IN_ROOT))
		return append_path((u64)BPF_CORE_READ(fs, root.mnt), (u64)BPF_CORE_READ(fs, root.dentry));
	if (opening->directory == AT_FDCWD)
		return append_path((u64)BPF_CORE_READ(fs, pwd.mnt), (u64)BPF_CORE_READ(fs, pwd.dentry));
	return append_file_path(file_at(task, opening->directory));
}

static __always_inline int report(struct call *call, const struct opening *opening)
{
	struct record *record;
	struct open_event *event;

	if (unwanted(call, opening))
		return 0;
	record = new_record(sizeof(*event), call->kind);
	if (!record)
		return 0;
	event = (void *)record->data;
	fill_header(&event->header, call->task, call->kind);
	event->result = call->result;
	event->flags = opening->how.flags;
	event->mode = opening->how.mode;
	event->path_size = append_user_string(record, opening->path, PATH_SIZE);
	event->base_path_size = append_base(call->task, opening, record->data[sizeof(*event)] == '/');
	submit(record, call->kind);
	return 0;
}

SYSCALL(open, 5)
{
	struct opening opening = {
		.directory = AT_FDCWD,
		.path = (void *)call->arg[0],
		.how = { .flags = (u32)call->arg[1], .mode = (u16)call->arg[2] },
	};

	return report(call, &opening);
}

SYSCALL(openat, 6)
{
	struct opening opening = {
		.directory = call->arg[0],
		.path = (void *)call->arg[1],
		.how = { .flags = (u32)call->arg[2], .mode = (u16)call->arg[3] },
	};

	return report(call, &opening);
}

SYSCALL(openat2, 7)
{
	struct opening opening = {
		.directory = call->arg[0],
		.path = (void *)call->arg[1],
	};

	bpf_probe_read_user(&opening.how, sizeof(opening.how), (void *)call->arg[2]);
	return report(call, &opening);
}

SYSCALL(creat, 8)
{
	struct opening opening = {
		.directory = AT_FDCWD,
		.path = (void *)call->arg[0],
		.how = { .flags = O_CREAT | O_WRONLY | O_TRUNC, .mode = (u16)call->arg[1] },
	};

	return report(call, &opening);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
