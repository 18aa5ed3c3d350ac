// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes: born, given a program, ended. */
#include "path.bpf.h"
#include "socket.bpf.h"

#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define SIGNAL_GROUP_EXIT 4
/* A mark in the nanoseconds of a time of change, since 6.13. */
#define CTIME_WAS_READ (1U << 31)

/* Ends of processes whose last threads left at the same moment; each is to be told once. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u8);
} ended SEC(".maps");

/* Processes of which the collector has heard nothing, because their beginning was over the limit. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u8);
} untold SEC(".maps");

static __always_inline u64 identity_of(struct task_struct *task)
{
	return task->group_leader->start_boottime ^ (u64)task->tgid << 40;
}

TRACEPOINT(sched_process_fork, on_fork, struct task_struct *caller, struct task_struct *child)
{
	struct record *record;
	struct fork_event *event;
	struct task_struct *parent;
	u64 whom = identity_of(child);
	u8 one = 1;

	if (child->pid != child->tgid)
		return 0;
	record = new_record(sizeof(*event), KIND_FORK);
	if (!record)
		return 0;
	event = (void *)record->data;
	fill_header(&event->header, child, KIND_FORK);
	parent = child->real_parent->group_leader;
	event->parent_start = parent->start_boottime;
	event->parent = parent->tgid;
	event->vpid = BPF_CORE_READ(innermost(child), nr);
	if (submit(record, KIND_FORK) == LIMITED)
		bpf_map_update_elem(&untold, &whom, &one, 0);
	return 0;
}

/* Whether this thread is the one to tell that the whole process is gone. */
static __always_inline bool is_last(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	u64 key = identity_of(task);
	u8 one = 1;

	if (signal->live.counter > 0)
		return false;
	if (signal->nr_threads <= 1)
		return true;
	return !bpf_map_update_elem(&ended, &key, &one, BPF_NOEXIST);
}

/* The status that the parent will get from wait(2). */
static __always_inline u32 status_of(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	if (signal->flags & SIGNAL_GROUP_EXIT)
		return signal->group_exit_code;
	return task->group_leader->exit_code;
}

static __always_inline void count_unseen_exit(struct task_struct *task)
{
	struct header header = { .cgroup = cgroup_id_of(task), .kind = KIND_PROCEXIT };

	count_limited(&header, false);
}

TRACEPOINT(sched_process_exit, on_procexit, struct task_struct *task)
{
	struct record *record;
	struct exit_event *event;
	u64 whom = identity_of(task);

	if (!is_last(task))
		return 0;
	if (!bpf_map_delete_elem(&untold, &whom)) {
		count_unseen_exit(task);
		return 0;
	}
	record = new_record(sizeof(*event), KIND_PROCEXIT);
	if (!record)
		return 0;
	event = (void *)record->data;
	fill_header(&event->header, task, KIND_PROCEXIT);
	event->status = status_of(task);
	event->pad = 0;
	submit(record, KIND_PROCEXIT);
	return 0;
}

static __always_inline void fill_credentials(struct exec_event *event, struct task_struct *task)
{
	const struct cred *cred = task->cred;

	BPF_CORE_READ_INTO(&event->cap_inheritable, cred, cap_inheritable);
	BPF_CORE_READ_INTO(&event->cap_permitted, cred, cap_permitted);
	BPF_CORE_READ_INTO(&event->cap_effective, cred, cap_effective);
	event->gid = cred->gid.val;
	event->euid = cred->euid.val;
	event->egid = cred->egid.val;
	event->suid = cred->suid.val;
	event->sgid = cred->sgid.val;
	event->loginuid = -1;
	if (bpf_core_field_exists(task->loginuid))
		event->loginuid = task->loginuid.val;
}

/* The number of the terminal as /proc/PID/stat has it, 0 for none. */
static __always_inline u32 terminal_of(struct signal_struct *signal)
{
	struct tty_struct *tty = signal->tty;
	u32 major, minor;

	if (!tty)
		return 0;
	major = tty->driver->major;
	minor = tty->driver->minor_start + tty->index;
	return (minor & 0xff) | major << 8 | (minor & ~0xff) << 12;
}

static __always_inline void fill_identity(struct exec_event *event, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct upid *upid = innermost(task);

	event->tty = terminal_of(signal);
	event->vpid = BPF_CORE_READ(upid, nr);
	event->pgid = signal->pids[PIDTYPE_PGID]->numbers[0].nr;
	event->sid = signal->pids[PIDTYPE_SID]->numbers[0].nr;
	event->pid_ns = BPF_CORE_READ(upid, ns, ns.inum);
	event->mnt_ns = task->nsproxy->mnt_ns->ns.inum;
}

static __always_inline void fill_ancestors(struct exec_event *event, struct task_struct *task)
{
	u32 count = 0;

	for (u32 i = 0; i < ANCESTORS; i++) {
		struct ancestor *ancestor = &event->ancestors[i];

		task = task->real_parent->group_leader;
		ancestor->pid = task->tgid;
		if (!ancestor->pid)
			break;
		ancestor->start = task->start_boottime;
		ancestor->pad = 0;
		BPF_CORE_READ_STR_INTO(&ancestor->comm, task, comm);
		count++;
	}
	event->ancestor_count = count;
}

/* An overlay's inode has the entry of the writable layer, if there is one, right behind the common part. */
static __always_inline u32 layer_of(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct dentry *upper = NULL;

	if (BPF_CORE_READ(file, f_path.dentry, d_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 0;
	bpf_probe_read_kernel(&upper, sizeof(upper), (u8 *)inode + bpf_core_type_size(struct inode));
	return upper && BPF_CORE_READ(upper, d_inode) ? EXEC_UPPER_LAYER : EXEC_LOWER_LAYER;
}

static __always_inline s64 nanoseconds(struct timespec64 time)
{
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static __always_inline void fill_times(struct exec_event *event, struct inode *inode)
{
	struct inode___before_6_11 *older = (void *)inode;
	struct inode___before_6_7 *oldest = (void *)inode;

	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		event->exe_mtime =
			BPF_CORE_READ(inode, i_mtime_sec) * 1000000000 + BPF_CORE_READ(inode, i_mtime_nsec);
		event->exe_ctime = BPF_CORE_READ(inode, i_ctime_sec) * 1000000000 +
		                   (BPF_CORE_READ(inode, i_ctime_nsec) & ~CTIME_WAS_READ);
		return;
	}
	if (bpf_core_field_exists(older->__i_mtime))
		event->exe_mtime = nanoseconds(BPF_CORE_READ(older, __i_mtime));
	else
		event->exe_mtime = nanoseconds(BPF_CORE_READ(oldest, i_mtime));
	if (bpf_core_field_exists(older->__i_ctime))
		event->exe_ctime = nanoseconds(BPF_CORE_READ(older, __i_ctime));
	else
		event->exe_ctime = nanoseconds(BPF_CORE_READ(oldest, i_ctime));
}

static __always_inline void fill_inode(struct exec_event *event, struct inode *inode)
{
	event->exe_inode = BPF_CORE_READ(inode, i_ino);
	event->exe_mode = BPF_CORE_READ(inode, i_mode);
	event->exe_uid = BPF_CORE_READ(inode, i_uid.val);
	event->exe_gid = BPF_CORE_READ(inode, i_gid.val);
	fill_times(event, inode);
}

static __always_inline bool is_memfd(struct record *record, u32 path)
{
	const char prefix[] = "memfd:";

	if (!record->detached || path > RECORD_SIZE - sizeof(prefix))
		return false;
	for (u32 i = 0; i < sizeof(prefix) - 1; i++)
		if (record->data[path + i] != prefix[i])
			return false;
	return true;
}

static __always_inline void append_executable(struct record *record, struct task_struct *task)
{
	struct exec_event *event = (void *)record->data;
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	u32 path = record->used;

	event->exe_path_size = append_file_path(file);
	event->flags = layer_of(file);
	if (is_memfd(record, path))
		event->flags |= EXEC_MEMFD;
	fill_inode(event, BPF_CORE_READ(file, f_inode));
}

static __always_inline void append_arguments(struct record *record, struct task_struct *task)
{
	struct exec_event *event = (void *)record->data;
	unsigned long start = task->mm->arg_start;
	u32 size = task->mm->arg_end - start;
	u32 read = append_user(record, (void *)start, size, CHUNK_SIZE);

	event->args_size = read;
	event->args_lost = size - read;
}

static __always_inline void append_environment(struct record *record, struct task_struct *task)
{
	struct exec_event *event = (void *)record->data;
	unsigned long start = task->mm->env_start;

	event->env_size = append_user(record, (void *)start, task->mm->env_end - start, CHUNK_SIZE);
}

static __always_inline void append_descriptor(struct record *record, struct task_struct *task, u32 fd)
{
	struct descriptor *descriptor = &((struct exec_event *)record->data)->stdio[fd];
	struct file *file = file_at(task, fd);
	struct sock *sk = socket_of(file);

	fill_descriptor(record, descriptor, file, sk);
	if (file && !sk) {
		descriptor->name_size = append_file_path(file);
		descriptor->detached = record->detached;
	}
}

TRACEPOINT(sched_process_exec, on_execve, struct task_struct *task, int old_pid, struct linux_binprm *binary)
{
	/* x86 makes every exec look like execve in the registers; only execveat goes by a descriptor. */
	u32 kind = BPF_CORE_READ(binary, fdpath) ? KIND_EXECVEAT : KIND_EXECVE;
	struct record *record = new_record(sizeof(struct exec_event), kind);
	struct fs_struct *fs = task->fs;
	struct exec_event *event;
	u64 whom = identity_of(task);

	if (!record)
		return 0;
	event = (void *)record->data;
	fill_header(&event->header, task, kind);
	fill_credentials(event, task);
	fill_identity(event, task);
	fill_ancestors(event, task);
	event->pad = 0;
	event->filename_size = append_kernel_string(record, BPF_CORE_READ(binary, filename), PATH_SIZE);
	append_executable(record, task);
	event->cwd_path_size =
		append_path((u64)BPF_CORE_READ(fs, pwd.mnt), (u64)BPF_CORE_READ(fs, pwd.dentry));
	event->cgroup_path_size = append_cgroup_path();
	append_arguments(record, task);
	append_environment(record, task);
	for (u32 fd = 0; fd < STDIO; fd++)
		append_descriptor(record, task, fd);
	if (submit(record, kind) == TOLD)
		bpf_map_delete_elem(&untold, &whom);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
