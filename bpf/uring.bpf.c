// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is asked for through io_uring: the same events as of the system calls that do the same.
 *
 * Paths are the kernel's copies, which are there when a request has been taken from the ring and are gone when it
 * is done, so their records wait in between. What happens to sockets is told when it is done. A request whose
 * success is not announced, and one for which there is no room to wait, is told when it is taken.
 */
#include "open.bpf.h"
#include "request.bpf.h"
#include "sockets.bpf.h"
#include "told.bpf.h"

#define IOSQE_FIXED_FILE (1 << 0)
#define IOSQE_CQE_SKIP_SUCCESS (1 << 6)
#define IORING_ACCEPT_MULTISHOT 1

/* A thread that works for io_uring in the name of the process. */
#define PF_IO_WORKER 0x10

/* The beginning of a struct record, with room for two paths and the directories that they are read from. */
#define WAITING_SIZE 16768

struct waiting {
	u64 busy;
	u32 used;
	u32 detached;
	u32 pad;
	struct walk walks[WALKS];
	u8 data[WAITING_SIZE];
};

/* By the request's address. The memory is taken when it is needed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct waiting);
} requests SEC(".maps");

/* False if nobody wants to know. */
static __always_inline bool read_request(struct call *call, struct io_kiocb *req, u8 operation)
{
	call->task = this_task();
	call->settings = settings();
	call->kind = kind_of(operation);
	if (!call->settings || operation > 63 || !(call->settings->ring >> operation & 1))
		return false;
	/* A thread of the kernel only clears away what a ring left behind that is gone. */
	call->filter = filter_of(call->settings);
	return call->task->mm && !is_own(call->settings, call->task);
}

/* What a thread does that works for io_uring is told of the process for which it works. */
static __always_inline struct task_struct *actor(struct task_struct *task)
{
	return task->flags & PF_IO_WORKER ? task->group_leader : task;
}

/* Whether the kernel will say how the request ends, and of which request that is. */
static __always_inline bool announced(struct io_kiocb *req, u8 operation)
{
	struct io_accept *accept = (void *)req;

	if (!bpf_core_field_exists(req->cqe) || BPF_CORE_READ(req, flags) & IOSQE_CQE_SKIP_SUCCESS)
		return false;
	if (operation == IORING_OP_ACCEPT && bpf_core_field_exists(accept->iou_flags))
		return !(BPF_CORE_READ(accept, iou_flags) & IORING_ACCEPT_MULTISHOT);
	return true;
}

/* Keep the record until the request is done. */
static __always_inline bool wait_for(struct record *record, struct io_kiocb *req)
{
	u64 key = (u64)req;

	if (record->used > WAITING_SIZE || bpf_map_update_elem(&requests, &key, record, BPF_ANY))
		return false;
	record->busy = 0;
	return true;
}

static __always_inline int files_submitted(struct call *call, struct io_kiocb *req, u8 operation,
                                           const struct naming *naming)
{
	struct record *record;
	struct header *header;

	record = new_record(sizeof(struct paths_event), call->kind);
	if (!record)
		return 0;
	append_naming(call, record, naming);
	header = (void *)record->data;
	fill_header(header, actor(call->task), call->kind);
	walk_up(record);
	if (!announced(req, operation) || !wait_for(record, req))
		submit(record, call->kind);
	return 0;
}

/* The request's file: it has it only from when it is begun until it is done. */
static __always_inline struct file *file_of(struct call *call, struct io_kiocb *req)
{
	struct file *file = BPF_CORE_READ(req, file);

	if (file || BPF_CORE_READ(req, flags) & IOSQE_FIXED_FILE || !bpf_core_field_exists(req->cqe))
		return file;
	return file_at(call->task, BPF_CORE_READ(req, cqe.fd));
}

/* Data with an address, which the kernel has copied and will have forgotten when the data is sent. */
static __always_inline bool sending_submitted(struct call *call, struct io_kiocb *req, u8 operation)
{
	struct io_async_msghdr *message = BPF_CORE_READ(req, async_data);
	struct io_sr_msg___before_6_12 *older = (void *)req;
	struct socket_event *event;
	struct record *record;
	s32 size;

	if ((operation != IORING_OP_SEND && operation != IORING_OP_SEND_ZC) ||
	    bpf_core_field_exists(older->addr))
		return false;
	size = BPF_CORE_READ(message, msg.msg_namelen);
	if (size <= 0)
		return false;
	record = new_record(sizeof(*event), call->kind);
	if (!record)
		return true;
	event = (void *)record->data;
	__builtin_memset(event, 0, sizeof(*event));
	fill_header(&event->header, actor(call->task), call->kind);
	event->size = (u32)BPF_CORE_READ((struct io_sr_msg *)req, len);
	event->fd = NO_FD;
	fill_endpoints(&event->ends, socket_of(file_of(call, req)));
	event->address_size = append_kernel(record, &message->addr, size, SOCKADDR_SIZE);
	if (!announced(req, operation) || !wait_for(record, req))
		submit(record, call->kind);
	return true;
}

/* The file that an open made; NULL if it failed, or put the file into the ring's own table. */
static __always_inline struct file *opened_file(struct call *call, struct io_kiocb *req)
{
	struct io_open *open = (void *)req;

	if (call->result < 0 || BPF_CORE_READ(open, file_slot))
		return NULL;
	return file_at(call->task, call->result);
}

/* False if no record waits for the request. */
static __always_inline bool waiting_completed(struct call *call, struct io_kiocb *req, bool open)
{
	u64 key = (u64)req;
	struct waiting *waiting = bpf_map_lookup_elem(&requests, &key);
	struct file *file = open ? opened_file(call, req) : NULL;
	struct paths_event *event; /* in all records the result follows the header */
	struct record *record;
	u32 size;

	if (!waiting)
		return false;
	size = at_most(waiting->used, WAITING_SIZE);
	record = new_record(size, call->kind);
	if (!record)
		goto out;
	event = (void *)record->data;
	bpf_probe_read_kernel(event, size, waiting->data);
	event->header.kind = call->kind;
	event->header.time = bpf_ktime_get_boot_ns();
	event->result = call->result;
	if (file && is_idle_read(call, event->flags, file)) {
		record->busy = 0;
		goto out;
	}
	if (file)
		walk_file(&record->walks[0], file, offsetof(struct paths_event, file_path_size));
	walk_up(record);
	submit(record, call->kind);
out:
	bpf_map_delete_elem(&requests, &key);
	return true;
}

/* A new socket, by its descriptor unless it went into the ring's own table. */
static __always_inline int report_made(struct call *call, struct io_kiocb *req, struct file *file)
{
	struct io_socket *made = (void *)req;
	struct told told = {
		.count = 3,
		.number = { BPF_CORE_READ(made, domain), BPF_CORE_READ(made, type),
		            BPF_CORE_READ(made, protocol) },
	};
	struct record *record = begin(call, &told);
	struct call_event *event;

	if (!record)
		return 0;
	event = (void *)record->data;
	event->fd = file ? call->result : NO_FD;
	fill_descriptor(record, &event->file, file, socket_of(file));
	submit(record, call->kind);
	return 0;
}

static __always_inline struct address address_of(struct io_kiocb *req, u8 operation)
{
	struct io_connect *connect = (void *)req;
	struct address address = {};

	if (operation == IORING_OP_CONNECT) {
		address.bytes = BPF_CORE_READ(connect, addr);
		address.size = BPF_CORE_READ(connect, addr_len);
	}
	return address;
}

static __always_inline int report_sent(struct call *call, struct io_kiocb *req, u8 operation, struct sock *sk)
{
	struct io_sr_msg *message = (void *)req;
	struct io_sr_msg___before_6_12 *older = (void *)req;
	struct address far = {};
	struct part data = {};

	data.bytes = BPF_CORE_READ(message, umsg);
	if (operation == IORING_OP_SENDMSG || operation == IORING_OP_SENDMSG_ZC ||
	    operation == IORING_OP_RECVMSG)
		return report_message(call, NO_FD, sk, data.bytes);
	data.size = (u32)BPF_CORE_READ(message, len);
	if (bpf_core_field_exists(older->addr)) {
		far.bytes = BPF_CORE_READ(older, addr);
		far.size = BPF_CORE_READ(older, addr_len);
	}
	return report_transfer(call, NO_FD, sk, far, data, data.size);
}

/* A socket that is in the ring's own table, of which only the address is known. */
static __always_inline int report_address(struct call *call, struct address passed)
{
	struct socket_event *event;
	struct record *record;
	u16 family = 0;

	bpf_probe_read_user(&family, sizeof(family), passed.bytes);
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return 0;
	record = new_record(sizeof(*event), call->kind);
	if (!record)
		return 0;
	event = (void *)record->data;
	__builtin_memset(event, 0, sizeof(*event));
	fill_header(&event->header, call->task, call->kind);
	event->fd = NO_FD;
	event->ends.family = family;
	event->address_size = append_user(record, passed.bytes, passed.size, SOCKADDR_SIZE);
	submit(record, call->kind);
	return 0;
}

/* The socket that the request is about; of an accept the new one. */
static __always_inline int report_on_socket(struct call *call, struct io_kiocb *req, u8 operation)
{
	struct address passed = address_of(req, operation);
	struct file *file = file_of(call, req);
	s32 fd = NO_FD;

	if (operation == IORING_OP_ACCEPT || operation == IORING_OP_SOCKET) {
		struct file *made = call->result > 0 ? file_at(call->task, call->result) : NULL;

		call->task = actor(call->task);
		if (operation == IORING_OP_SOCKET)
			return report_made(call, req, made);
		if (made) {
			file = made;
			fd = call->result;
		}
	}
	call->task = actor(call->task);
	if (operation == IORING_OP_SEND || operation == IORING_OP_SEND_ZC || operation == IORING_OP_SENDMSG ||
	    operation == IORING_OP_SENDMSG_ZC || operation == IORING_OP_RECV ||
	    operation == IORING_OP_RECVMSG)
		return report_sent(call, req, operation, socket_of(file));
	if (!file && passed.bytes)
		return report_address(call, passed);
	return report_socket(call, fd, socket_of(file), passed);
}

static __always_inline int submitted(struct io_kiocb *req)
{
	u8 operation = BPF_CORE_READ(req, opcode);
	struct naming naming = {};
	struct call call = {};

	if (!read_request(&call, req, operation))
		return 0;
	call.kind |= RING_SUBMITTED;
	if (name_files(req, operation, &naming))
		return files_submitted(&call, req, operation, &naming);
	if (sending_submitted(&call, req, operation) || announced(req, operation))
		return 0;
	return report_on_socket(&call, req, operation);
}

/* Since 6.4; before it had another name, and before 6.0 the request came second. */
SEC("raw_tp/io_uring_submit_req") int on_request(u64 *arguments)
{
	return submitted((void *)arguments[0]);
}

SEC("raw_tp/io_uring_submit_sqe") int on_entry(u64 *arguments)
{
	u64 first = arguments[0];

	return submitted((void *)(bpf_core_type_exists(struct io_cmd_data) ? first : arguments[1]));
}

SEC("raw_tp/io_uring_complete") int on_completion(u64 *arguments)
{
	struct io_kiocb *req = (void *)arguments[1];
	struct call call = {};
	u8 operation;

	if (!bpf_core_field_exists(req->cqe) || !req)
		return 0;
	operation = BPF_CORE_READ(req, opcode);
	if (!read_request(&call, req, operation))
		return 0;
	call.result = BPF_CORE_READ(req, cqe.res);
	call.kind |= RING_COMPLETED;
	if (waiting_completed(&call, req, operation == IORING_OP_OPENAT || operation == IORING_OP_OPENAT2))
		return 0;
	if (names_files(operation))
		return 0;
	return report_on_socket(&call, req, operation);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
