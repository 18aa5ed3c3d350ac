// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loaded and attached for a moment, to see whether the kernel lets functions of system calls be hooked. */
#include "syscall.bpf.h"

FUNCTION_PROGRAM("umask", probe)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
