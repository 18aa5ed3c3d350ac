/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel knows of a socket. */
#ifndef TRACETIDE_SOCKET_BPF_H
#define TRACETIDE_SOCKET_BPF_H

#include "common.bpf.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCKADDR_SIZE 128

/* The socket behind an open file, NULL if it is none. */
static __always_inline struct sock *socket_of(struct file *file)
{
	u32 mode = BPF_CORE_READ(file, f_inode, i_mode);
	struct socket *socket;

	if ((mode & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline void fill_endpoints(struct endpoints *ends, struct sock *sk)
{
	ends->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	ends->type = BPF_CORE_READ(sk, sk_type);
	ends->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (ends->family == AF_INET) {
		BPF_CORE_READ_INTO((u32 *)ends->local, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((u32 *)ends->remote, sk, __sk_common.skc_daddr);
	} else if (ends->family == AF_INET6) {
		BPF_CORE_READ_INTO(&ends->local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&ends->remote, sk, __sk_common.skc_v6_daddr);
	} else {
		return;
	}
	ends->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	ends->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* The struct sockaddr_un that a unix socket is bound to; the bytes appended. */
static __always_inline u16 append_unix_address(struct record *record, struct sock *sk)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	u32 size = BPF_CORE_READ(address, len);

	return address ? append_kernel(record, &address->name, size, SOCKADDR_SIZE) : 0;
}

/* What a descriptor is, but for the path of what is no socket. */
static __always_inline void fill_descriptor(struct record *record, struct descriptor *descriptor,
                                            struct file *file, struct sock *sk)
{
	__builtin_memset(descriptor, 0, sizeof(*descriptor));
	if (!file)
		return;
	descriptor->inode = BPF_CORE_READ(file, f_inode, i_ino);
	descriptor->mode = BPF_CORE_READ(file, f_inode, i_mode);
	descriptor->device = BPF_CORE_READ(file, f_inode, i_rdev);
	if (!sk)
		return;
	fill_endpoints(&descriptor->socket, sk);
	if (descriptor->socket.family == AF_UNIX)
		descriptor->name_size = append_unix_address(record, sk);
}

#endif
