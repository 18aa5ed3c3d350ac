/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How programs find their way about the kernel that runs them by its type information: compiled ahead of time,
 * fitted by libbpf when they are loaded. by_headers.h says the same for kernels without.
 */
#ifndef TRACETIDE_BY_BTF_H
#define TRACETIDE_BY_BTF_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/*
 * READ(task, group_leader, tgid) is task->group_leader->tgid. What hangs on a task is read directly, at half the cost
 * of BPF_CORE_READ. That is for pointers of which the verifier does not know what they point to: out of an
 * array, from a number, or perhaps NULL by its book.
 */
#define READ_2(from, a) ((from)->a)
#define READ_3(from, a, b) ((from)->a->b)
#define READ_4(from, a, b, c) ((from)->a->b->c)
#define READ_OF(_1, _2, _3, _4, name, ...) name
#define READ(...) READ_OF(__VA_ARGS__, READ_4, READ_3, READ_2)(__VA_ARGS__)

/*
 * LOOK(struct dentry, number, d_parent) is read directly too if the kernel has a function for that, bpf_rdonly_cast (since
 * Linux 6.2), else it is a copy. TYPED(struct dentry, number) is for numbers that such pointers come together with in a
 * loop. These numbers are no helper and not 1 until collectors/kernel/casts.py puts others in their place: as a weak
 * symbol, Linux 5.15 would refuse the call even where it is never reached.
 */
#define CAST_CALL 0x7c0ffee1
#define CAST_MARK 0x7c0ffee2

static void *(*const rdonly_cast)(const void *pointer, u32 type) = (void *)CAST_CALL;

static __always_inline bool can_cast(void)
{
	u64 mark;

	asm volatile("%0 = %1" : "=r"(mark) : "i"(CAST_MARK));
	return mark == 1;
}

#define CAST(type, pointer) ((type *)rdonly_cast((const void *)(pointer), bpf_core_type_id_kernel(type)))
#define TYPED(type, pointer) (can_cast() ? CAST(type, pointer) : (type *)(pointer))
#define LOOK(type, pointer, field)                                                           \
	({                                                                                   \
		const void *from_ = (const void *)(pointer);                                 \
                                                                                             \
		can_cast() ? CAST(type, from_)->field : BPF_CORE_READ((type *)from_, field); \
	})

/* What stands at an address: a pointer. */
#define POINTER_AT(address) ((void *)LOOK(struct hlist_head, address, first))

/* A map that is declared in this object. */
#define MAP(name) (&name)

/* One that is a variable, with no need to look for its only element. */
#define VARIABLE(type, name) type name SEC(".data." #name)
#define POINTER_TO(name) (&name)

/* TRACEPOINT(sched_process_fork, on_fork, ...) { ... } defines a program on a tracepoint of the kernel. */
#define TRACEPOINT(event, name, args...) SEC("tp_btf/" #event) int BPF_PROG(name, args)

/* PROGRAM("section", name, struct context *context) { ... } defines one on whatever the section says. */
#define PROGRAM(section, name, argument) SEC(section) int name(argument)

/* The kernel's function behind a system call, whose only argument is the registers of the caller; its number in them. */
#if defined(__TARGET_ARCH_x86)
#define FUNCTION(call) "__x64_sys_" call
#define NUMBER_OF(regs) READ(regs, orig_ax)
#else
#define FUNCTION(call) "__arm64_sys_" call
#define NUMBER_OF(regs) READ(regs, syscallno)
#endif

/* FUNCTION_PROGRAM("openat", name) { ... } defines a program at the end of that. */
#define FUNCTION_PROGRAM(call, name) SEC("fexit/" FUNCTION(call)) int name(struct function_exit *context)

/* The verifier looks at each of these once, not at every call. */
#define SUBPROGRAM __noinline

/* Names and mount points on the way up a path. */
#define DEPTH 1024

/*
 * Do step(number, context) so many times, or until it returns 1. Of the kernel's own loop (since 5.17) the verifier
 * looks at a step or two; of any other at every one, which takes a tenth of a second for a path.
 */
#define REPEAT(times, step, context)                                             \
	do {                                                                     \
		if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) \
			bpf_loop(times, step, context, 0);                       \
		else                                                             \
			for (u32 i = 0; i < (times) && !step(i, context); i++)   \
				;                                                \
	} while (0)

/* Whether paths are held against what is needed of them; else all are let through. */
#define READS_PATHS true

/*
 * As a cast, because the verifier (since 6.3) goes through all of the kernel's types several times for each pointer that is
 * read from one that it trusts, which is most of the time that loading would take.
 */
static __always_inline struct task_struct *this_task(void)
{
	return can_cast() ? CAST(struct task_struct, bpf_get_current_task()) : bpf_get_current_task_btf();
}

/* The same where little is read from it: what hangs on it directly can be read like any other memory. */
static __always_inline struct task_struct *trusted_task(void)
{
	return bpf_get_current_task_btf();
}

static __always_inline struct pt_regs *registers_of(struct task_struct *task)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* What is here or there, or is called otherwise, depending on the kernel's version and configuration. */

/* The directory above; its name changed in 6.15. */
static __always_inline struct kernfs_node *above_of(struct kernfs_node *node)
{
	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ((struct kernfs_node___before_6_15 *)node, parent);
}

#define HAS_CONTROLLER(name) bpf_core_enum_value_exists(enum cgroup_subsys_id, name)
#define CONTROLLER(name) bpf_core_enum_value(enum cgroup_subsys_id, name)
#define SUBSYSTEM(set, controller) (((struct cgroup_subsys_state **)(set)->subsys)[controller])
#define SIZE_OF(type) bpf_core_type_size(type)

static __always_inline u32 loginuid_of(struct task_struct *task)
{
	return bpf_core_field_exists(task->loginuid) ? task->loginuid.val : -1;
}

/* A mark in the nanoseconds of a time of change, since 6.13. */
#define CTIME_WAS_READ (1U << 31)

static __always_inline s64 nanoseconds(struct timespec64 time)
{
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static __always_inline s64 mtime_of(struct inode *inode)
{
	struct inode___before_6_11 *older = (void *)inode;
	struct inode___before_6_7 *oldest = (void *)inode;

	if (bpf_core_field_exists(inode->i_mtime_sec))
		return BPF_CORE_READ(inode, i_mtime_sec) * 1000000000 + BPF_CORE_READ(inode, i_mtime_nsec);
	if (bpf_core_field_exists(older->__i_mtime))
		return nanoseconds(BPF_CORE_READ(older, __i_mtime));
	return nanoseconds(BPF_CORE_READ(oldest, i_mtime));
}

static __always_inline s64 ctime_of(struct inode *inode)
{
	struct inode___before_6_11 *older = (void *)inode;
	struct inode___before_6_7 *oldest = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec))
		return BPF_CORE_READ(inode, i_ctime_sec) * 1000000000 +
		       (BPF_CORE_READ(inode, i_ctime_nsec) & ~CTIME_WAS_READ);
	if (bpf_core_field_exists(older->__i_ctime))
		return nanoseconds(BPF_CORE_READ(older, __i_ctime));
	return nanoseconds(BPF_CORE_READ(oldest, i_ctime));
}

#endif
