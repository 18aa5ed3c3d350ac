/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all ways to open a file have in common. */
#ifndef TRACETIDE_OPEN_BPF_H
#define TRACETIDE_OPEN_BPF_H

#include "naming.bpf.h"

#define RESOLVE_IN_ROOT 0x10

/* A directory opened for reading, which is left out if nobody asked for it; file is NULL if the open failed. */
static __always_inline bool is_idle_read(const struct call *call, u64 flags, struct file *file)
{
	struct inode *inode = LOOK(struct file, file, f_inode);
	u32 mode = LOOK(struct inode, inode, i_mode);

	return call->settings->skip & SKIP_DIRECTORY_READS && !(flags & O_ACCMODE) &&
	       (mode & S_IFMT) == S_IFDIR;
}

#endif
