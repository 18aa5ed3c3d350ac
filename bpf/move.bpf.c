// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts names that get another place in a directory tree: all moves go through this function of the kernel. */
#include "common.bpf.h"

static __always_inline bool is_directory(u64 dentry)
{
	struct inode *inode = LOOK(struct dentry, dentry, d_inode);

	return (LOOK(struct inode, inode, i_mode) & S_IFMT) == S_IFDIR;
}

/* At its end, so that whoever read the count before it may still have met the old path, but nobody the other way round. */
PROGRAM("fexit/__d_move", on_move, struct move_exit *context)
{
	struct moves *moves = these_moves();

	if (!moves)
		return 0;
	moves->all++;
	if (is_directory(context->moved) || is_directory(context->target))
		moves->directories++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
