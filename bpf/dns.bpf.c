// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Answers of name servers, as processes get them. Where functions can be hooked, they are read from the packet
 * that a process has taken; elsewhere from where it went in the process, if the socket is connected.
 */
#include "syscall.bpf.h"

#define DNS 120 /* the kind */
#define DNS_PORT 53
#define MESSAGE_SIZE 4096

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_UDP 17
#define MSG_PEEK 2

/* The places of addresses in the headers of both versions. */
#define ETH_P_IPV6 0x86dd
#define SOURCE_IN_IPV4 12
#define SOURCE_IN_IPV6 8

#if defined(__TARGET_ARCH_x86)
enum number {
	READ = 0,
	READV = 19,
	RECVFROM = 45,
	RECVMSG = 47,
	RECVMMSG = 299,
};
#else
enum number {
	READ = 63,
	READV = 65,
	RECVFROM = 207,
	RECVMSG = 212,
	RECVMMSG = 243,
};
#endif

static __always_inline struct record *begin(struct task_struct *task)
{
	struct record *record = new_record(sizeof(struct dns_event), DNS);

	if (record) {
		__builtin_memset(record->data, 0, sizeof(struct dns_event));
		fill_header((void *)record->data, task, DNS);
	}
	return record;
}

/* A process has taken a datagram, of which the UDP header lies before the data. */
SEC("fentry/skb_consume_udp") int BPF_PROG(at_dns, struct sock *sk, struct sk_buff *skb)
{
	struct task_struct *task = this_task();
	struct config *set = settings();
	const u8 *ip = skb->head + skb->network_header;
	struct udphdr udp = {};
	struct dns_event *event;
	struct record *record;

	bpf_probe_read_kernel(&udp, sizeof(udp), skb->head + skb->transport_header);
	if (udp.source != bpf_htons(DNS_PORT) || !set || is_own(set, task) ||
	    !type_wanted(filter_of(set), task, DNS, 0))
		return 0;
	record = begin(task);
	if (!record)
		return 0;
	event = (void *)record->data;
	event->family = skb->protocol == bpf_htons(ETH_P_IPV6) ? AF_INET6 : AF_INET;
	if (event->family == AF_INET6)
		bpf_probe_read_kernel(event->server, 16, ip + SOURCE_IN_IPV6);
	else
		bpf_probe_read_kernel(event->server, 4, ip + SOURCE_IN_IPV4);
	/* What a driver left in pages of its own is not read. */
	event->size = append_kernel(record, skb->data, skb->len - skb->data_len, MESSAGE_SIZE);
	submit(record, DNS);
	return 0;
}

/* Where the call put what it received; NULL for calls of another kind. */
static __always_inline const void *received(struct call *call)
{
	struct pt_regs *regs = registers_of(call->task);
	const void *parts = (void *)argument(call, 1);
	struct message message = {};
	struct part first = {};

	switch (NUMBER_OF(regs)) {
	case READ:
	case RECVFROM:
		return parts;
	case RECVMSG:
	case RECVMMSG:
		bpf_probe_read_user(&message, sizeof(message), parts);
		parts = message.parts;
		/* fall through */
	case READV:
		bpf_probe_read_user(&first, sizeof(first), parts);
		return first.bytes;
	default:
		return NULL;
	}
}

/* Older kernels than 6.3 do not have this tracepoint: by its bare name that is found out on attaching. */
SEC("raw_tp/sock_recv_length") int BPF_PROG(on_dns, struct sock *sk, int length, int flags)
{
	struct call call = { .context = ctx, .kind = DNS };
	struct dns_event *event;
	struct record *record;
	const void *data;

	if (length <= 0 || flags & MSG_PEEK || LOOK(struct sock, sk, sk_protocol) != IPPROTO_UDP ||
	    LOOK(struct sock, sk, __sk_common.skc_dport) != bpf_htons(DNS_PORT) || !begin_call(&call) ||
	    !call_wanted(&call))
		return 0;
	data = received(&call);
	record = data ? begin(call.task) : NULL;
	if (!record)
		return 0;
	event = (void *)record->data;
	event->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (event->family == AF_INET6)
		BPF_CORE_READ_INTO(&event->server, sk, __sk_common.skc_v6_daddr);
	else
		BPF_CORE_READ_INTO((u32 *)event->server, sk, __sk_common.skc_daddr);
	event->size = append_user(record, data, length, MESSAGE_SIZE);
	submit(record, DNS);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
