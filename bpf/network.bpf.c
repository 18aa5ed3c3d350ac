// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sockets connected, accepted, bound and listening: IPv4, IPv6 and unix. */
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

static __always_inline int report(struct call *call, s32 fd, struct address passed)
{
	struct sock *sk = socket_of(file_at(call->task, fd));
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

/* The new socket, or where there is none, the one that listens. */
static __always_inline int report_accept(struct call *call)
{
	struct address none = {};

	if (call->result == -EAGAIN && call->settings->skip & SKIP_EMPTY_ACCEPTS)
		return 0;
	return report(call, call->result < 0 ? call->arg[0] : call->result, none);
}

SYSCALL(connect, 9)
{
	struct address passed = { .bytes = (void *)call->arg[1], .size = call->arg[2] };

	return report(call, call->arg[0], passed);
}

SYSCALL(accept, 10)
{
	return report_accept(call);
}

SYSCALL(accept4, 11)
{
	return report_accept(call);
}

SYSCALL(bind, 12)
{
	struct address passed = { .bytes = (void *)call->arg[1], .size = call->arg[2] };

	return report(call, call->arg[0], passed);
}

SYSCALL(listen, 13)
{
	struct address none = {};

	return report(call, call->arg[0], none);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
