/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The records of calls on sockets, and of what goes through them. */
#ifndef TRACETIDE_SOCKETS_BPF_H
#define TRACETIDE_SOCKETS_BPF_H

#include "socket.bpf.h"
#include "syscall.bpf.h"

#define EAGAIN 11
#define SOCK_RAW 3
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58

/* A struct sockaddr that the program passed; bytes is NULL where the call has none. */
struct address {
	const void *bytes;
	u32 size;
};

static __always_inline bool wanted(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

/* The address that the program passed; without one, what a unix socket is bound to. */
static __always_inline u16 append_address(struct record *record, struct sock *sk, struct address passed)
{
	if (passed.bytes)
		return append_user(record, passed.bytes, passed.size, SOCKADDR_SIZE);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX)
		return append_unix_address(record, sk);
	return 0;
}

static __always_inline u8 protocol_of(struct sock *sk)
{
	if (BPF_CORE_READ(sk, sk_type) == SOCK_RAW)
		return PROTOCOL_RAW;
	switch (BPF_CORE_READ(sk, sk_protocol)) {
	case IPPROTO_TCP:
		return PROTOCOL_TCP;
	case IPPROTO_UDP:
		return PROTOCOL_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return PROTOCOL_ICMP;
	}
	return PROTOCOL_OTHER;
}

/*
 * Whether a rule may want a call on this socket. An IPv6 socket may be talking IPv4, and of an end that the socket
 * does not have, because the call failed or names it, the port is not known.
 */
static __always_inline bool socket_wanted(struct call *call, struct sock *sk, bool named)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u16 local = BPF_CORE_READ(sk, __sk_common.skc_num);
	u16 remote = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	struct traits traits = {
		.access = ANY_BITS,
		.result = call->result < 0 ? RESULT_FAILURE : RESULT_SUCCESS,
		.protocol = protocol_of(sk),
		.local_port = call->result >= 0 ? local : 0,
		.remote_port = named ? 0 : remote,
	};

	if (family == AF_UNIX) {
		traits.families = FAMILY_UNIX;
		traits.local_port = 0;
		traits.remote_port = 0;
	} else {
		traits.families = family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV4 | FAMILY_IPV6;
	}
	/* Of a request to io_uring it may not be known yet how it ends. */
	if (call->kind & RING_SUBMITTED || needed(call->filter, call->task, call->kind, &traits))
		return true;
	leave_out(call->kind);
	return false;
}

static __always_inline int report_socket(struct call *call, s32 fd, struct sock *sk, struct address passed)
{
	struct record *record;
	struct socket_event *event;

	if (!wanted(sk) || !socket_wanted(call, sk, false))
		return 0;
	record = new_record(sizeof(*event), call->kind);
	if (!record)
		return 0;
	event = (void *)record->data;
	__builtin_memset(event, 0, sizeof(*event));
	fill_header(&event->header, call->task, call->kind);
	event->result = call->result;
	event->fd = fd;
	fill_endpoints(&event->ends, sk);
	event->address_size = append_address(record, sk, passed);
	submit(record, call->kind);
	return 0;
}

/* The beginning of what is sent or received, as much as Falco keeps of it. */
#define DATA_SIZE 80

static __always_inline bool has_peer(struct sock *sk)
{
	struct endpoints ends = {};

	fill_endpoints(&ends, sk);
	return ends.family != AF_UNIX && ends.remote_port;
}

/* Data that went from or to somebody who is known: an address that the call itself has, or the socket's peer. */
static __always_inline int report_transfer(struct call *call, s32 fd, struct sock *sk, struct address far,
                                           struct part data, u64 size)
{
	struct record *record;
	struct socket_event *event;

	if (call->result == -EAGAIN && call->settings->skip & SKIP_EMPTY_CALLS)
		return 0;
	if (!wanted(sk) || !(far.bytes ? far.size : has_peer(sk)) || !socket_wanted(call, sk, far.bytes))
		return 0;
	record = new_record(sizeof(*event), call->kind);
	if (!record)
		return 0;
	event = (void *)record->data;
	__builtin_memset(event, 0, sizeof(*event));
	fill_header(&event->header, call->task, call->kind);
	event->result = call->result;
	event->size = size;
	event->fd = fd;
	fill_endpoints(&event->ends, sk);
	if (far.bytes)
		event->address_size = append_user(record, far.bytes, far.size, SOCKADDR_SIZE);
	if (call->result > 0) {
		if (data.size > (u64)call->result)
			data.size = call->result;
		event->data_size = append_user(record, data.bytes, data.size, DATA_SIZE);
	}
	submit(record, call->kind);
	return 0;
}

static __always_inline int report_message(struct call *call, s32 fd, struct sock *sk, const void *passed)
{
	struct message message = {};
	struct part first = {};
	struct address far = {};

	bpf_probe_read_user(&message, sizeof(message), passed);
	if (message.part_count)
		bpf_probe_read_user(&first, sizeof(first), message.parts);
	if (message.address_size > 0) {
		far.bytes = message.address;
		far.size = message.address_size;
	}
	return report_transfer(call, fd, sk, far, first, first.size);
}

#endif
