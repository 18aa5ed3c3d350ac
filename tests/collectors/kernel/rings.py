"""A few lines of Python that talk to io_uring without a library, for the scripts that tests run."""

# Numbers as in the kernel's interface, include/uapi/linux/io_uring.h.
RING = """
import ctypes, mmap, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
kept = []

def pointer(data):
    kept.append(ctypes.create_string_buffer(data, len(data) + 1))
    return ctypes.addressof(kept[-1])

class Ring:
    def __init__(self, flags=0):
        parameters = ctypes.create_string_buffer(struct.pack('10I', 0, 0, flags, 0, 200, 0, 0, 0, 0, 0), 120)
        self.fd = libc.syscall(425, 64, parameters)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), 'io_uring_setup')
        values = struct.unpack('30I', parameters.raw)
        self.polled = flags & 2
        entries, cq_entries, sq, cq = values[0], values[1], values[10:], values[20:]
        self.tail, self.mask, self.array = sq[1], sq[2], sq[6]
        self.cq_head, self.cq_tail, self.cq_mask, self.cqes = cq[0], cq[1], cq[2], cq[5]
        self.ring = mmap.mmap(self.fd, max(self.array + 4 * entries, self.cqes + 16 * cq_entries))
        self.entries = mmap.mmap(self.fd, 64 * entries, offset=0x10000000)

    def word(self, at):
        return struct.unpack_from('I', self.ring, at)[0]

    def push(self, operation, fd=-100, address=0, length=0, second=0, flags=0, index=0, sqe=0, ioprio=0):
        tail = self.word(self.tail)
        at = tail & self.word(self.mask)
        self.entries[64 * at : 64 * at + 64] = struct.pack(
            'BBHiQQIIQHHIQQ', operation, sqe, ioprio, fd, second, address, length & 0xffffffff, flags, tail,
            0, 0, index, 0, 0)
        struct.pack_into('I', self.ring, self.array + 4 * at, at)
        struct.pack_into('I', self.ring, self.tail, tail + 1)

    def enter(self, submitted=1, wanted=1):
        if libc.syscall(426, self.fd, submitted, wanted, 3 if self.polled else 1, None, 8) < 0:
            raise OSError(ctypes.get_errno(), 'io_uring_enter')

    def reap(self):
        head = self.word(self.cq_head)
        if head == self.word(self.cq_tail):
            return None
        at = self.cqes + 16 * (head & self.word(self.cq_mask))
        result = struct.unpack_from('QiI', self.ring, at)[1]
        struct.pack_into('I', self.ring, self.cq_head, head + 1)
        return result

    def do(self, operation, **details):
        self.push(operation, **details)
        self.enter()
        return self.reap()

    def open(self, path, flags=0, mode=0, **details):
        return self.do(18, address=pointer(path), length=mode, flags=flags, **details)
"""
