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

SYSCALL(sendto, 75)
{
	struct part data = { .bytes = (void *)call->arg[1], .size = call->arg[2] };
	struct address far = { .bytes = (void *)call->arg[4], .size = call->arg[5] };

	return report_transfer(call, call->arg[0], socket_at(call, call->arg[0]), far, data, call->arg[2]);
}

SYSCALL(sendmsg, 76)
{
	return report_message(call, call->arg[0], socket_at(call, call->arg[0]), (void *)call->arg[1]);
}

SYSCALL(recvfrom, 77)
{
	struct part data = { .bytes = (void *)call->arg[1], .size = call->arg[2] };
	struct address far = {};

	bpf_probe_read_user(&far.size, sizeof(far.size), (void *)call->arg[5]);
	if (far.size)
		far.bytes = (void *)call->arg[4];
	return report_transfer(call, call->arg[0], socket_at(call, call->arg[0]), far, data, call->arg[2]);
}

SYSCALL(recvmsg, 78)
{
	return report_message(call, call->arg[0], socket_at(call, call->arg[0]), (void *)call->arg[1]);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
