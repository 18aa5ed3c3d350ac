// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that does nothing: the least that watching an open can cost. */
#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

SEC("tp/syscalls/sys_exit_openat")
int empty(void *context)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
