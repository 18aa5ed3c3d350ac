/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the operations of io_uring are as events, and the files that they name. */
#ifndef TRACETIDE_REQUEST_BPF_H
#define TRACETIDE_REQUEST_BPF_H

#include "naming.bpf.h"
#include "open.bpf.h"

/* The interface of io_uring_enter(2). */
enum operation {
	IORING_OP_SENDMSG = 9,
	IORING_OP_RECVMSG = 10,
	IORING_OP_ACCEPT = 13,
	IORING_OP_CONNECT = 16,
	IORING_OP_OPENAT = 18,
	IORING_OP_SEND = 26,
	IORING_OP_RECV = 27,
	IORING_OP_OPENAT2 = 28,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_MKDIRAT = 37,
	IORING_OP_SYMLINKAT = 38,
	IORING_OP_LINKAT = 39,
	IORING_OP_SOCKET = 45,
	IORING_OP_SEND_ZC = 47,
	IORING_OP_SENDMSG_ZC = 48,
	IORING_OP_BIND = 56,
	IORING_OP_LISTEN = 57,
};

/* The event type's number in wire/event_types.py. */
static __always_inline u32 kind_of(u8 operation)
{
	switch (operation) {
	case IORING_OP_OPENAT:
		return 6;
	case IORING_OP_OPENAT2:
		return 7;
	case IORING_OP_CONNECT:
		return 9;
	case IORING_OP_ACCEPT:
		return 11;
	case IORING_OP_BIND:
		return 12;
	case IORING_OP_LISTEN:
		return 13;
	case IORING_OP_RENAMEAT:
		return 16;
	case IORING_OP_LINKAT:
		return 18;
	case IORING_OP_SYMLINKAT:
		return 20;
	case IORING_OP_UNLINKAT:
		return 22;
	case IORING_OP_MKDIRAT:
		return 25;
	case IORING_OP_SOCKET:
		return 74;
	case IORING_OP_SEND:
	case IORING_OP_SEND_ZC:
		return 75;
	case IORING_OP_SENDMSG:
	case IORING_OP_SENDMSG_ZC:
		return 76;
	case IORING_OP_RECV:
		return 77;
	case IORING_OP_RECVMSG:
		return 78;
	}
	return 0;
}

static __always_inline struct place copied(s32 directory, struct filename *name)
{
	struct place place = at(directory, (u64)BPF_CORE_READ(name, name));

	place.copied = true;
	return place;
}

static __always_inline void name_opened(struct io_kiocb *req, struct naming *naming)
{
	struct io_open *open = (void *)req;
	struct open_how how = BPF_CORE_READ(open, how);

	naming->path = copied(BPF_CORE_READ(open, dfd), BPF_CORE_READ(open, filename));
	naming->path.beneath = how.resolve & RESOLVE_IN_ROOT;
	naming->flags = how.flags;
	naming->mode = how.mode;
}

static __always_inline void name_renamed(struct io_kiocb *req, struct naming *naming)
{
	struct io_rename *rename = (void *)req;

	naming->path = copied(BPF_CORE_READ(rename, old_dfd), BPF_CORE_READ(rename, oldpath));
	naming->other = copied(BPF_CORE_READ(rename, new_dfd), BPF_CORE_READ(rename, newpath));
	naming->flags = (u32)BPF_CORE_READ(rename, flags);
}

static __always_inline void name_removed(struct io_kiocb *req, struct naming *naming)
{
	struct io_unlink *unlink = (void *)req;

	naming->path = copied(BPF_CORE_READ(unlink, dfd), BPF_CORE_READ(unlink, filename));
	naming->flags = (u32)BPF_CORE_READ(unlink, flags);
}

static __always_inline void name_made(struct io_kiocb *req, struct naming *naming)
{
	struct io_mkdir *mkdir = (void *)req;

	naming->path = copied(BPF_CORE_READ(mkdir, dfd), BPF_CORE_READ(mkdir, filename));
	naming->mode = BPF_CORE_READ(mkdir, mode);
}

#define NAME_LINKED(type)                                                                           \
	do {                                                                                        \
		struct type *link = (void *)req;                                                    \
                                                                                                    \
		naming->path = copied(BPF_CORE_READ(link, old_dfd), BPF_CORE_READ(link, oldpath));  \
		naming->other = copied(BPF_CORE_READ(link, new_dfd), BPF_CORE_READ(link, newpath)); \
		naming->flags = (u32)BPF_CORE_READ(link, flags);                                    \
	} while (0)

#define NAME_SYMLINKED(type)                                                                       \
	do {                                                                                       \
		struct type *link = (void *)req;                                                   \
		struct filename *to = BPF_CORE_READ(link, oldpath);                                \
                                                                                                   \
		naming->path = copied(BPF_CORE_READ(link, new_dfd), BPF_CORE_READ(link, newpath)); \
		naming->text = BPF_CORE_READ(to, name);                                            \
	} while (0)

static __always_inline void name_linked(struct io_kiocb *req, struct naming *naming)
{
	if (bpf_core_type_exists(struct io_link))
		NAME_LINKED(io_link);
	else
		NAME_LINKED(io_hardlink);
}

static __always_inline void name_symlinked(struct io_kiocb *req, struct naming *naming)
{
	if (bpf_core_type_exists(struct io_link))
		NAME_SYMLINKED(io_link);
	else
		NAME_SYMLINKED(io_symlink);
}

/* False for a request that names no files. */
static __always_inline bool name_files(struct io_kiocb *req, u8 operation, struct naming *naming)
{
	switch (operation) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
		name_opened(req, naming);
		return true;
	case IORING_OP_RENAMEAT:
		name_renamed(req, naming);
		return true;
	case IORING_OP_UNLINKAT:
		name_removed(req, naming);
		return true;
	case IORING_OP_MKDIRAT:
		name_made(req, naming);
		return true;
	case IORING_OP_SYMLINKAT:
		name_symlinked(req, naming);
		return true;
	case IORING_OP_LINKAT:
		name_linked(req, naming);
		return true;
	}
	return false;
}

static __always_inline bool names_files(u8 operation)
{
	return operation == IORING_OP_OPENAT || operation == IORING_OP_OPENAT2 ||
	       (operation >= IORING_OP_RENAMEAT && operation <= IORING_OP_LINKAT);
}

#endif
