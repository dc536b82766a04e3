/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * trace - where the time of sampled commands went: a ring of records in a file.
 *
 * Shape     One file for each reactor, of TRACE_FILE_BYTES, mapped by its one writer; readers read
 *           the file (trace_reader.h). Little-endian:
 *
 *             0     magic "nvmetrac", version, bytes of a slot, number of slots
 *             24    who writes: pid, reactor, instance, name (NUL-padded)
 *             128   what a reader wishes: every how many requests (0: nothing), until when
 *             192   records written since the file was made; samples missed
 *             4096  TRACE_SLOTS slots of 128 bytes. Record n is in slot n % TRACE_SLOTS, whose
 *                   first 8 bytes are n + 1: it is another's if they are not.
 *
 *           Times are of clock_now_ns(); 0: it did not come to that.
 * Promise   Writing makes no system call, waits for nobody, and cannot fail: the file's room is
 *           allocated when it is made. Records up to "written" are whole but for the oldest, over
 *           which the next is being written. The file outlives its writer, however that ends;
 *           a successor keeps its predecessor's records as NAME.old.
 * Trust     What a reader wishes is no more than a number. Whoever may write to the file may also
 *           cut it, and with that end its writer: mode 0600.
 * Threads   the writer's one; readers are other processes
 * Lifetime  trace_ring_close() unmaps; a file without a record is removed then
 */
#define TRACE_MAGIC      "nvmetrac"
#define TRACE_VERSION    1u
#define TRACE_SLOTS      2048u
#define TRACE_SLOT_BYTES 128u
#define TRACE_HEAD_BYTES 4096u
#define TRACE_FILE_BYTES (TRACE_HEAD_BYTES + TRACE_SLOTS * TRACE_SLOT_BYTES)
#define TRACE_EVERY_MAX  1000000u

/* In the order in which a command comes to them. */
#define TRACE_STAGES(X)                                                                            \
	X(SEEN, "seen", "its PDU header is complete")                                              \
	X(ADMITTED, "admitted", "its data is here too, and it was admitted")                       \
	X(PUT, "put", "put into the ring to the worker")                                           \
	X(TOOK, "took", "the worker took it from the ring")                                        \
	X(DONE, "done", "the backing device has done it")                                          \
	X(BACK, "back", "the transport took the completion from the ring")                         \
	X(SENT, "sent", "the last byte of the answer was given to the socket")

enum trace_stage {
#define X(name, word, meaning) TRACE_##name,
	TRACE_STAGES(X)
#undef X
		TRACE_N_STAGES
};

#define TRACE_FETCHED 0x01 /* its data was fetched with R2T: "seen" to "admitted" is the host's */
#define TRACE_UNSOUND 0x02 /* what the worker said of its times cannot be */
/* By the transport itself, on memory of an io grant: "took" and "done" are when it began and had
 * done it, "put" and "back" are 0. */
#define TRACE_DIRECT  0x04

struct trace_record {
	uint64_t at_ns[TRACE_N_STAGES];
	uint64_t queue; /* the connection's number in its process */
	uint64_t first_block;
	uint32_t bytes;
	uint32_t nsid;
	uint32_t in_flight; /* on the link to the worker, when it was put */
	uint16_t qid;
	uint16_t cid;
	uint16_t status; /* struct nvme_status */
	uint8_t opcode;
	uint8_t flags;
	uint8_t puts; /* more than 1: its worker was not ready, or died */
	uint8_t reserved[27];
};
_Static_assert(sizeof(struct trace_record) == TRACE_SLOT_BYTES - 8, "the layout is shared");

struct trace_origin {
	uint32_t pid;
	uint32_t reactor;
	uint64_t instance;
	char name[32];
};

struct trace_head {
	char magic[8];
	uint32_t version;
	uint32_t slot_bytes;
	uint32_t slots;
	uint32_t reserved;
	struct trace_origin origin;
	_Alignas(128) _Atomic uint64_t wish_until_ns;
	_Atomic uint32_t wish_every;
	_Alignas(64) _Atomic uint64_t written;
	_Atomic uint64_t missed;
};
_Static_assert(offsetof(struct trace_head, origin) == 24, "the layout is shared");
_Static_assert(offsetof(struct trace_head, wish_until_ns) == 128, "the layout is shared");
_Static_assert(offsetof(struct trace_head, written) == 192, "the layout is shared");

struct trace_ring {
	struct trace_head *head; /* NULL: none */
	uint64_t written;
};

/* What the stages are called, and what they mean. */
const char *trace_stage_word(enum trace_stage stage);
const char *trace_stage_meaning(enum trace_stage stage);

/* Makes the file, in place of a predecessor's. 0 or a negative errno. */
int trace_ring_create(struct trace_ring *ret_ring, const char *path,
                      const struct trace_origin *origin);
void trace_ring_close(struct trace_ring *ring, const char *path);

void trace_ring_add(struct trace_ring *ring, const struct trace_record *record);
/* A sample was due, and there was no room for it. */
void trace_ring_miss(struct trace_ring *ring);

/* Every how many requests a reader wants one now; 0: nobody does. */
static inline uint32_t trace_ring_wish(const struct trace_ring *ring, uint64_t now_ns)
{
	uint32_t every = atomic_load_explicit(&ring->head->wish_every, memory_order_relaxed);

	if (__builtin_expect(every == 0, 1))
		return 0;
	return now_ns < atomic_load_explicit(&ring->head->wish_until_ns, memory_order_relaxed)
	               ? every
	               : 0;
}
