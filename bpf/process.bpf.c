// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes: born, given a program, ended. */
#include "path.bpf.h"
#include "socket.bpf.h"

#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define SIGNAL_GROUP_EXIT 4

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
	return READ(task, group_leader, start_boottime) ^ (u64)READ(task, tgid) << 40;
}

TRACEPOINT(sched_process_fork, on_fork, struct task_struct *caller, struct task_struct *child)
{
	struct record *record;
	struct fork_event *event;
	struct task_struct *parent;
	u64 whom = identity_of(child);
	u8 one = 1;

	if (READ(child, pid) != READ(child, tgid))
		return 0;
	record = new_record(sizeof(*event), KIND_FORK);
	if (!record)
		return 0;
	event = (void *)record->data;
	fill_header(&event->header, child, KIND_FORK);
	parent = READ(child, real_parent, group_leader);
	event->parent_start = READ(parent, start_boottime);
	event->parent = READ(parent, tgid);
	event->vpid = BPF_CORE_READ(innermost(child), nr);
	if (submit(record, KIND_FORK) == LIMITED)
		bpf_map_update_elem(MAP(untold), &whom, &one, 0);
	return 0;
}

/* Whether this thread is the one to tell that the whole process is gone. */
static __always_inline bool is_last(struct task_struct *task)
{
	struct signal_struct *signal = READ(task, signal);
	u64 key = identity_of(task);
	u8 one = 1;

	if (READ(signal, live.counter) > 0)
		return false;
	if (READ(signal, nr_threads) <= 1)
		return true;
	return !bpf_map_update_elem(MAP(ended), &key, &one, BPF_NOEXIST);
}

/* The status that the parent will get from wait(2). */
static __always_inline u32 status_of(struct task_struct *task)
{
	struct signal_struct *signal = READ(task, signal);

	if (READ(signal, flags) & SIGNAL_GROUP_EXIT)
		return READ(signal, group_exit_code);
	return READ(task, group_leader, exit_code);
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
	if (!bpf_map_delete_elem(MAP(untold), &whom)) {
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
	const struct cred *cred = READ(task, cred);

	BPF_CORE_READ_INTO(&event->cap_inheritable, cred, cap_inheritable);
	BPF_CORE_READ_INTO(&event->cap_permitted, cred, cap_permitted);
	BPF_CORE_READ_INTO(&event->cap_effective, cred, cap_effective);
	event->gid = READ(cred, gid.val);
	event->euid = READ(cred, euid.val);
	event->egid = READ(cred, egid.val);
	event->suid = READ(cred, suid.val);
	event->sgid = READ(cred, sgid.val);
	event->loginuid = loginuid_of(task);
}

/* The number of the terminal as /proc/PID/stat has it, 0 for none. */
static __always_inline u32 terminal_of(struct signal_struct *signal)
{
	struct tty_struct *tty = READ(signal, tty);
	u32 major, minor;

	if (!tty)
		return 0;
	major = READ(tty, driver, major);
	minor = READ(tty, driver, minor_start) + READ(tty, index);
	return (minor & 0xff) | major << 8 | (minor & ~0xff) << 12;
}

static __always_inline void fill_identity(struct exec_event *event, struct task_struct *task)
{
	struct signal_struct *signal = READ(task, signal);
	struct upid *upid = innermost(task);

	event->tty = terminal_of(signal);
	event->vpid = BPF_CORE_READ(upid, nr);
	event->pgid = READ(signal, pids[PIDTYPE_PGID], numbers[0].nr);
	event->sid = READ(signal, pids[PIDTYPE_SID], numbers[0].nr);
	event->pid_ns = BPF_CORE_READ(upid, ns, ns.inum);
	event->mnt_ns = READ(task, nsproxy, mnt_ns, ns.inum);
}

static __always_inline void fill_ancestors(struct exec_event *event, struct task_struct *task)
{
	u32 count = 0;

	for (u32 i = 0; i < ANCESTORS; i++) {
		struct ancestor *ancestor = &event->ancestors[i];

		task = READ(task, real_parent, group_leader);
		ancestor->pid = READ(task, tgid);
		if (!ancestor->pid)
			break;
		ancestor->start = READ(task, start_boottime);
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
	bpf_probe_read_kernel(&upper, sizeof(upper), (u8 *)inode + SIZE_OF(struct inode));
	return upper && BPF_CORE_READ(upper, d_inode) ? EXEC_UPPER_LAYER : EXEC_LOWER_LAYER;
}

static __always_inline void fill_inode(struct exec_event *event, struct inode *inode)
{
	event->exe_inode = BPF_CORE_READ(inode, i_ino);
	event->exe_mode = BPF_CORE_READ(inode, i_mode);
	event->exe_uid = BPF_CORE_READ(inode, i_uid.val);
	event->exe_gid = BPF_CORE_READ(inode, i_gid.val);
	event->exe_mtime = mtime_of(inode);
	event->exe_ctime = ctime_of(inode);
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
	unsigned long start = READ(task, mm, arg_start);
	u32 size = READ(task, mm, arg_end) - start;
	u32 read = append_user(record, (void *)start, size, CHUNK_SIZE);

	event->args_size = read;
	event->args_lost = size - read;
}

static __always_inline void append_environment(struct record *record, struct task_struct *task)
{
	struct exec_event *event = (void *)record->data;
	unsigned long start = READ(task, mm, env_start);

	event->env_size = append_user(record, (void *)start, READ(task, mm, env_end) - start, CHUNK_SIZE);
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
	struct fs_struct *fs = READ(task, fs);
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
		bpf_map_delete_elem(MAP(untold), &whom);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
