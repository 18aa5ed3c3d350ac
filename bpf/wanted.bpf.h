/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the rules need of each event type, as collectors/kernel/needs.py writes it: an event that is surely within
 * none of the limits is left out. Whatever cannot be told here is let through.
 */
#ifndef TRACETIDE_WANTED_BPF_H
#define TRACETIDE_WANTED_BPF_H

#include "common.bpf.h"

#define ANY_BITS 0xff

/* What of an event can be held against the limits; a set of bits where it may be one of several. */
struct traits {
	u32 flags;
	u8 access;
	u8 result;
	u8 families;
	u8 protocol;
	u16 local_port; /* 0: not known */
	u16 remote_port;
};

static __always_inline struct filter *filter_of(const struct config *settings)
{
	u32 active = settings->active & 1;

	return bpf_map_lookup_elem(MAP(filters), &active);
}

/* The bits of enum scope that may be true of the task. */
static __always_inline u32 scope_of(struct task_struct *task)
{
	u64 cgroup = cgroup_id_of(task);
	u32 *scope = bpf_map_lookup_elem(MAP(scopes), &cgroup);

	return scope ? *scope : SCOPE_CONTAINER | SCOPE_HOST;
}

/* Whether a rule may want a system call, by its type, its result and where it happened. */
static __always_inline bool type_wanted(const struct filter *filter, struct task_struct *task, u32 kind,
                                        s64 result)
{
	const struct type_limits *type;

	if (!filter)
		return true;
	type = &filter->types[kind & (KINDS - 1)];
	if (!type->wanted)
		return false;
	if (!(type->results & (result < 0 ? RESULT_FAILURE : RESULT_SUCCESS)) ||
	    (type->scopes != (SCOPE_CONTAINER | SCOPE_HOST) && !(type->scopes & scope_of(task)))) {
		leave_out(kind);
		return false;
	}
	return true;
}

static __always_inline bool in_ranges(const struct ports *ranges, u32 count, u16 port)
{
	if (!count || !port)
		return true;
	for (u32 i = 0; i < RANGES; i++)
		if (i < count && port >= ranges[i].low && port <= ranges[i].high)
			return true;
	return false;
}

/* The set of paths that limits ask for if all else meets them; bits are access, result, scope, family and protocol. */
SUBPROGRAM int held_against(struct limits *limits, u64 bits, u32 flags, u32 ports)
{
	if (!limits)
		return EVERY_PATH;
	if (!(limits->access & bits) || !(limits->results & bits >> 8) || !(limits->scopes & bits >> 16) ||
	    !(limits->families & bits >> 24) || !(limits->protocols & bits >> 32))
		return 0;
	if ((flags & limits->flags) != limits->flags ||
	    !in_ranges(limits->local, limits->local_count, ports >> 16) ||
	    !in_ranges(limits->remote, limits->remote_count, ports))
		return 0;
	return limits->paths ? limits->paths : EVERY_PATH;
}

/* Whether any of the limits of an event type is about this way to open a file. */
static __always_inline bool access_wanted(const struct filter *filter, u32 kind, u8 access)
{
	return !filter || filter->types[kind & (KINDS - 1)].access & access;
}

/* The sets of paths in one of which an event's must be; EVERY_PATH if it does not matter, 0 if nobody wants it. */
static __always_inline u32 needed(struct filter *filter, struct task_struct *task, u32 kind,
                                  const struct traits *traits)
{
	struct type_limits *type;
	u32 sets = 0;
	u64 bits;

	if (!filter)
		return EVERY_PATH;
	type = &filter->types[kind & (KINDS - 1)];
	if (!type->count)
		return EVERY_PATH;
	bits = traits->access | traits->result << 8 | (u64)traits->families << 24 |
	       (u64)traits->protocol << 32;
	bits |= (type->scoped ? scope_of(task) : SCOPE_CONTAINER | SCOPE_HOST) << 16;
	for (u32 i = 0; i < ALTERNATIVES && i < type->count; i++) {
		sets |= held_against(&filter->limits[(type->first + i) & (LIMITS - 1)], bits, traits->flags,
		                     (u32)traits->local_port << 16 | traits->remote_port);
		if (sets == EVERY_PATH)
			break;
	}
	return sets;
}

/* Longer names and paths than this are let through. */
#define SCANNED 256

/* From one state of the automaton to the next; false if it does not know the letter. */
static __always_inline bool step(const struct filter *filter, struct record *record, u8 letter)
{
	u8 class = filter->classes[letter];
	u32 cell;
	u16 next;

	/* Linux 6.1 knows a loop only by a jump back, and the compiler may have laid its end before its beginning. */
	asm volatile("goto +0" : "+r"(class));
	cell = record->state * filter->width + class;
	next = filter->next[cell & (CELLS - 1)];
	record->state = next & (STATES - 1);
	if (next & SEEN)
		record->found |= filter->seen[next & (STATES - 1)];
	return class != NO_CLASS;
}

/* Let the automaton read the string that begins there in the record; 0 if it cannot. */
SUBPROGRAM int read_string(u32 at)
{
	struct record *record = this_record();
	struct config *set = settings();
	struct filter *filter = set ? filter_of(set) : NULL;

	if (!record || !filter || at > RECORD_SIZE - SCANNED)
		return 0;
	for (u32 i = 0; i < SCANNED; i++) {
		u8 letter = record->data[at + i];

		if (!letter)
			return 1;
		if (!step(filter, record, letter))
			return 0;
	}
	return 0;
}

/*
 * The sets that a path is in: the string at raw in the record, and before it, if there is something below it, the names
 * that append_path has put there last; with raw 0 those alone.
 */
SUBPROGRAM int sets_of_path(u32 raw, u32 below)
{
	struct record *record = this_record();
	struct config *set = settings();
	struct filter *filter = set ? filter_of(set) : NULL;
	u32 left;

	if (!record || !filter)
		return EVERY_PATH;
	record->state = filter->start;
	record->found = 0;
	if (below) {
		left = record->depth;
		if (left > DEPTHS || (!left && !raw))
			return EVERY_PATH;
		for (u32 i = 0; i < DEPTHS && i < left; i++)
			if (!step(filter, record, '/') ||
			    !read_string(record->starts[(left - i - 1) & (DEPTHS - 1)]))
				return EVERY_PATH;
		if (!raw)
			return record->found | filter->ends[record->state & (STATES - 1)];
		if (!step(filter, record, '/'))
			return EVERY_PATH;
	}
	if (!read_string(raw))
		return EVERY_PATH;
	return record->found | filter->ends[record->state & (STATES - 1)];
}

/* Whether a path is in one of the sets that are asked for, or may be. */
static __always_inline bool path_wanted(u32 sets, u32 raw, u32 below)
{
	return !READS_PATHS || sets == EVERY_PATH || sets_of_path(raw, below) & (sets | NOT_PLAIN);
}

#endif
