/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of a complete record to the collector. One noisy process or container must not blind it to the others:
 * each has a rate per CPU, what is beyond is counted, and when the ring buffer fills, frequent events go first.
 */
#ifndef TRACETIDE_SUBMIT_BPF_H
#define TRACETIDE_SUBMIT_BPF_H

#define BUCKETS 1024 /* a power of two */
#define GROUP 0
#define PROCESS 1

/* When the next event of a class is due at the rate of whoever has this place: the generic cell rate algorithm. */
struct bucket {
	u64 owner;
	u64 due[CLASSES];
};

/* Places are given by a hash: two noisy ones that share one are not limited together, the second not at all. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * BUCKETS);
	__type(key, u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

/* How many events of whom were over the limit. If there is no place left, they are counted by type only. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct limited);
	__type(value, u64);
} limited SEC(".maps");

static __always_inline u32 class_of(u32 kind)
{
	if (kind == KIND_FORK || kind == KIND_PROCEXIT)
		return CLASS_FORK;
	if (kind == KIND_EXECVE || kind == KIND_EXECVEAT)
		return CLASS_EXEC;
	if ((kind >= KIND_OPEN && kind <= KIND_CREAT) || (kind >= KIND_SENDTO && kind <= KIND_RECVMSG))
		return CLASS_FREQUENT;
	return CLASS_OTHER;
}

/* Whether the owner's events of a class come faster than one in so many nanoseconds, on this CPU. */
static __always_inline bool too_fast(u64 owner, u32 family, u32 class, u32 cost, u32 burst)
{
	u32 place = family * BUCKETS + (u32)(owner * 0x9e3779b97f4a7c15 >> 54);
	struct bucket *bucket = bpf_map_lookup_elem(MAP(buckets), &place);
	u64 now = bpf_ktime_get_ns();
	u64 *due;

	if (!bucket || !cost)
		return false;
	if (bucket->owner != owner) {
		for (u32 i = 0; i < CLASSES; i++)
			if (bucket->due[i] > now - burst)
				return false;
		bucket->owner = owner;
	}
	due = &bucket->due[class & (CLASSES - 1)];
	if (*due + burst < now)
		*due = now - burst;
	if (*due > now)
		return true;
	*due += cost;
	return false;
}

static __always_inline void count_limited(const struct header *header, bool process)
{
	struct losses *lost = these_losses();
	struct limited key = { .cgroup = header->cgroup, .kind = header->kind & (KINDS - 1) };
	u64 one = 1, *count;

	if (lost)
		lost->limited[key.kind]++;
	if (process) {
		key.start = header->start;
		key.pid = header->pid;
	}
	count = bpf_map_lookup_elem(MAP(limited), &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(MAP(limited), &key, &one, BPF_NOEXIST);
}

/* An end is never held back where the beginning was not: it is the process that the collector keeps in mind. */
static __always_inline bool over_limit(const struct config *set, const struct header *header)
{
	u32 kind = header->kind & (KINDS - 1), class = class_of(kind);

	if (kind == KIND_PROCEXIT)
		return false;
	if (too_fast(header->start ^ (u64)header->pid << 40, PROCESS, class,
	             set->process_cost[class & (CLASSES - 1)], set->burst)) {
		count_limited(header, true);
		return true;
	}
	if (too_fast(header->cgroup, GROUP, class, set->group_cost[class & (CLASSES - 1)], set->burst)) {
		count_limited(header, false);
		return true;
	}
	return false;
}

enum fate {
	LOST,
	TOLD,
	LIMITED,
};

SUBPROGRAM int deliver(u32 kind)
{
	struct record *record = this_record();
	struct config *set = settings();
	struct header *header;
	u64 size, waiting, flags = BPF_RB_NO_WAKEUP;
	int fate = LOST;

	if (!record || !set)
		return 0;
	header = (void *)record->data;
	size = record->used;
	if (size > RECORD_SIZE)
		size = RECORD_SIZE;
	if (over_limit(set, header)) {
		fate = LIMITED;
		goto done;
	}
	waiting = bpf_ringbuf_query(MAP(events), BPF_RB_AVAIL_DATA);
	/* Once per filling of the buffer is enough: the collector also looks by itself, many times a second. */
	if (waiting - set->wake_at < RECORD_SIZE)
		flags = BPF_RB_FORCE_WAKEUP;
	if (waiting + size > set->room[class_of(kind & (KINDS - 1)) & (CLASSES - 1)] ||
	    bpf_ringbuf_output(MAP(events), record->data, size, flags))
		lose(kind);
	else
		fate = TOLD;
done:
	record->busy = 0;
	return fate;
}

/* Hand the record of this CPU to the collector, or count it as lost; what has become of it. */
static __always_inline int submit(struct record *record, u32 kind)
{
	return deliver(kind);
}

#endif
