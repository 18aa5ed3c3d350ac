/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The records of calls on sockets, and of what goes through them. */
#ifndef TRACETIDE_SOCKETS_BPF_H
#define TRACETIDE_SOCKETS_BPF_H

#include "socket.bpf.h"
#include "syscall.bpf.h"

#define EAGAIN 11

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

static __always_inline int report_socket(struct call *call, s32 fd, struct sock *sk, struct address passed)
{
	struct record *record;
	struct socket_event *event;

	if (!wanted(sk))
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
	if (!wanted(sk) || !(far.bytes ? far.size : has_peer(sk)))
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
