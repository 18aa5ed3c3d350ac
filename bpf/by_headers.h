/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How programs find their way about a kernel by its headers: compiled by BCC on the host that they run on, for kernels
 * without type information. by_btf.h says the same for those with. Every look behind a pointer is a copy.
 */
#ifndef TRACETIDE_BY_HEADERS_H
#define TRACETIDE_BY_HEADERS_H

#include <linux/binfmts.h>
#include <linux/cgroup-defs.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernfs.h>
#include <linux/mm_types.h>
#include <linux/mount.h>
#include <linux/nsproxy.h>
#include <linux/openat2.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/sock.h>

#undef S_IFMT
#undef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name

/* The beginnings of what the kernel has in fs/mount.h, which is not among its headers. */
struct mount {
	struct hlist_node mnt_hash;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct mnt_namespace {
	struct ns_common ns;
};

/* The layouts of what programs get are part of the kernel's interface, as in kernel_types.h. */
struct syscall_exit {
	u64 common;
	s64 number;
	s64 result;
};

struct function_exit {
	u64 argument;
	s64 result;
};

/* READ(task, group_leader, tgid) is task->group_leader->tgid, each step a copy. */
#define READ_2(from, a)                                                     \
	({                                                                  \
		typeof((from)->a) value_;                                   \
		bpf_probe_read_kernel(&value_, sizeof(value_), &(from)->a); \
		value_;                                                     \
	})
#define READ_3(from, a, b) READ_2(READ_2(from, a), b)
#define READ_4(from, a, b, c) READ_2(READ_3(from, a, b), c)
#define READ_5(from, a, b, c, d) READ_2(READ_4(from, a, b, c), d)
#define READ_OF(_1, _2, _3, _4, _5, name, ...) name
#define READ(...) READ_OF(__VA_ARGS__, READ_5, READ_4, READ_3, READ_2)(__VA_ARGS__)

#define BPF_CORE_READ(...) READ(__VA_ARGS__)
#define BPF_CORE_READ_INTO(to, from, a) bpf_probe_read_kernel(to, sizeof(*(to)), &(from)->a)
#define BPF_CORE_READ_STR_INTO(to, from, a) bpf_probe_read_kernel_str(to, sizeof(*(to)), &(from)->a)

#define TYPED(type, pointer) ((type *)(pointer))
#define LOOK(type, pointer, field) READ((type *)(pointer), field)

#define POINTER_AT(address) ((void *)LOOK(struct hlist_head, address, first))

/* The collector makes the maps, and passes their descriptors to the compiler. */
#define MAP(name) ((void *)bpf_pseudo_fd(1, MAP_##name))
#define VARIABLE(type, name)
#define POINTER_TO(name)                                \
	({                                              \
		u32 zero_ = 0;                          \
                                                        \
		bpf_map_lookup_elem(MAP(name), &zero_); \
	})

/* BCC takes functions of its main source only: the collector writes that, one call of each of these. */
#define PROGRAM(section, name, argument) static __always_inline int run_##name(argument)
#define TRACEPOINT(event, name, args...)                                              \
	static __always_inline int begin_##name(unsigned long long *context, ##args); \
	static __always_inline int run_##name(unsigned long long *context)            \
	{                                                                             \
		return begin_##name(context, ARGUMENTS(context, ##args));             \
	}                                                                             \
	static __always_inline int begin_##name(unsigned long long *context, ##args)
#define ARGUMENTS_OF(_1, _2, _3, name, ...) name
#define ARGUMENTS(context, ...) ARGUMENTS_OF(__VA_ARGS__, ARGUMENTS_3, ARGUMENTS_2, ARGUMENTS_1)(context)
#define ARGUMENTS_1(context) (void *)context[0]
#define ARGUMENTS_2(context) ARGUMENTS_1(context), (void *)context[1]
#define ARGUMENTS_3(context) ARGUMENTS_2(context), (void *)context[2]
#pragma GCC diagnostic ignored "-Wint-conversion"
#pragma GCC diagnostic ignored "-Wincompatible-pointer-types-discards-qualifiers"

#define FUNCTION_PROGRAM(call, name) static __always_inline int run_##name(struct function_exit *context)

#define bpf_tail_call(context, map, index) bpf_tail_call_((u64)(map), context, index)

/* Each program is compiled and verified as a whole, so what it goes through has to be shorter. */
#if defined(__TARGET_ARCH_x86)
#define NUMBER_OF(regs) READ(regs, orig_ax)
#else
#define NUMBER_OF(regs) READ(regs, syscallno)
#endif

#define SUBPROGRAM static __always_inline

#define DEPTH 256

#define REPEAT(times, step, context)                           \
	for (u32 i = 0; i < (times) && !step(i, context); i++) \
		;

#define READS_PATHS false

static __always_inline struct task_struct *this_task(void)
{
	return (void *)bpf_get_current_task();
}

static __always_inline struct task_struct *trusted_task(void)
{
	return this_task();
}

#ifndef TOP_OF_KERNEL_STACK_PADDING /* x86 only */
#define TOP_OF_KERNEL_STACK_PADDING 0
#endif

static __always_inline struct pt_regs *registers_of(struct task_struct *task)
{
	return (struct pt_regs *)((char *)READ(task, stack) + THREAD_SIZE - TOP_OF_KERNEL_STACK_PADDING) - 1;
}

/* As in by_btf.h. */

static __always_inline struct kernfs_node *above_of(struct kernfs_node *node)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return READ(node, parent);
#else
	return READ(node, __parent);
#endif
}

#define SUBSYSTEM(set, controller) READ(set, subsys[controller])
#define SIZE_OF(type) sizeof(type)
#define CONTROLLER(name) name
#define HAS_CONTROLLER(name) HAS_##name
#define HAS_memory_cgrp_id IS_ENABLED(CONFIG_MEMCG)
#define HAS_pids_cgrp_id IS_ENABLED(CONFIG_CGROUP_PIDS)

static __always_inline u32 loginuid_of(struct task_struct *task)
{
#ifdef CONFIG_AUDIT
	return READ(task, loginuid.val);
#else
	return -1;
#endif
}

static __always_inline s64 nanoseconds(struct timespec64 time)
{
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static __always_inline s64 mtime_of(struct inode *inode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return nanoseconds(READ(inode, i_mtime));
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	return nanoseconds(READ(inode, __i_mtime));
#else
	return READ(inode, i_mtime_sec) * 1000000000 + READ(inode, i_mtime_nsec);
#endif
}

static __always_inline s64 ctime_of(struct inode *inode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return nanoseconds(READ(inode, i_ctime));
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	return nanoseconds(READ(inode, __i_ctime));
#else
	return READ(inode, i_ctime_sec) * 1000000000 + (READ(inode, i_ctime_nsec) & ~(1U << 31));
#endif
}

#endif
