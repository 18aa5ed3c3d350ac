// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sockets connected, accepted, bound and listening, and what goes through them: IPv4, IPv6 and unix. */
#include "sockets.bpf.h"

static __always_inline struct sock *socket_at(const struct call *call, s32 fd)
{
	return socket_of(file_at(call->task, fd));
}

static __always_inline int report(struct call *call, s32 fd, struct address passed)
{
	return report_socket(call, fd, socket_at(call, fd), passed);
}

/* The new socket, or where there is none, the one that listens. */
static __always_inline int report_accept(struct call *call)
{
	struct address none = {};

	if (call->result == -EAGAIN && call->settings->skip & SKIP_EMPTY_CALLS)
		return 0;
	return report(call, call->result < 0 ? argument(call, 0) : call->result, none);
}

SYSCALL(connect, 9)
{
	struct address passed = { .bytes = (void *)argument(call, 1), .size = argument(call, 2) };

	return report(call, argument(call, 0), passed);
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
	struct address passed = { .bytes = (void *)argument(call, 1), .size = argument(call, 2) };

	return report(call, argument(call, 0), passed);
}

SYSCALL(listen, 13)
{
	struct address none = {};

	return report(call, argument(call, 0), none);
}

SYSCALL(sendto, 75)
{
	struct part data = { .bytes = (void *)argument(call, 1), .size = argument(call, 2) };
	struct address far = { .bytes = (void *)argument(call, 4), .size = argument(call, 5) };

	return report_transfer(call, argument(call, 0), socket_at(call, argument(call, 0)), far, data,
	                       argument(call, 2));
}

SYSCALL(sendmsg, 76)
{
	return report_message(call, argument(call, 0), socket_at(call, argument(call, 0)),
	                      (void *)argument(call, 1));
}

SYSCALL(recvfrom, 77)
{
	struct part data = { .bytes = (void *)argument(call, 1), .size = argument(call, 2) };
	struct address far = {};

	bpf_probe_read_user(&far.size, sizeof(far.size), (void *)argument(call, 5));
	if (far.size)
		far.bytes = (void *)argument(call, 4);
	return report_transfer(call, argument(call, 0), socket_at(call, argument(call, 0)), far, data,
	                       argument(call, 2));
}

SYSCALL(recvmsg, 78)
{
	return report_message(call, argument(call, 0), socket_at(call, argument(call, 0)),
	                      (void *)argument(call, 1));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
