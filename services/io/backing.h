/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/cleanup.h"

/*
 * backing - what the blocks of a namespace are stored on.
 *
 * Shape     A kind (file or block device, ram:SIZE, null:SIZE) behind a table of functions; or
 *           fault:, which stands on one of these, or pi: or zoned:, which may stand on that too.
 *           Two namespaces that name the same file with the same options share one backing.
 * Promise   What is open is fenced: no other process, and no predecessor's request that the
 *           kernel still carries on, reaches the same file (docs/decisions/0001). Opening tells
 *           in a sentence what is in its way.
 * Trust     The path is the operator's. What it leads to may be anything, and may change or
 *           fail at any time: only ordinary files and block devices are opened.
 * Threads   open, measure, release: the control thread; they make system calls. start: the I/O
 *           thread of the request.
 * Lifetime  Counted references, of the control thread. The last backing_release() closes; by
 *           then no request may be in flight.
 * Returns   0, or one of
 */
enum backing_error {
	BACKING_E_NOT_READY = 1, /* the reason is said; worth another try in a second */
	BACKING_E_HELD,          /* somebody else has it; worth another try in some ms */
};

struct lane;
struct request;
struct zone_geometry;
struct backing;

struct backing_wish {
	uint32_t handle;
	const char *path; /* a file, a block device, "ram:1G", "null:1T"; below "fault:", "pi:",
	                     "zoned:" */
	bool buffered;    /* no O_DIRECT */
	bool read_only;
	uint32_t block_shift; /* 9, 12; 0: the device's own, else 9 */
	const int *memory;    /* that ram: had elsewhere, a descriptor; NULL: what the store has, or
	                         new */
	/* zoned: of a store that is new */
	uint64_t zone_bytes;    /* 0: 64 MiB */
	uint64_t zone_capacity; /* bytes; 0: all of it */
	uint32_t zones_open_max;
	uint32_t zones_active_max;
};

struct backing_kind {
	const char *scheme; /* "ram:"; NULL: a path */
	int (*open)(struct backing **ret_backing, const struct backing_wish *wish, char *reason,
	            size_t reason_size);
	void (*close)(struct backing *backing);
	void (*forget)(uint32_t handle); /* NULL: nothing is kept */
	int (*take_memory)(uint32_t handle);
	/* Bytes there are now, or a negative errno. NULL: never changes. */
	int64_t (*measure)(struct backing *backing);
	/* It is this one, which stat(2) has found. NULL: never. */
	bool (*is)(const struct backing *backing, const struct stat *found);
	/* The request will be started soon: fetches what it needs nearer. NULL: nothing is. */
	void (*expect)(struct backing *backing, const struct request *request);
	/* The descriptor of its memory, for a transport with an io grant; -1: it needs none. NULL:
	 * it stays with the worker. */
	int (*give)(const struct backing *backing);
	/* The descriptor of a file whose size anybody may change; -1: a device. NULL: none. */
	int (*watched)(const struct backing *backing);
	/* The descriptor of the memory that its content is in. NULL: it is in none. */
	int (*memory)(const struct backing *backing);
	/* Ends in request_finish(), now or later. */
	void (*start)(struct backing *backing, struct request *request);
	/* The host does not want the request any more, which was started and is not finished: what
	 * can still be held back is finished with Command Abort Requested. NULL: nothing can. */
	void (*cancel)(struct backing *backing, struct request *request);
	/* A link has ended, and has nothing in flight: whose writes that were may put them again,
	 * over another one. NULL: that makes no difference. */
	void (*lane_gone)(struct backing *backing, const struct lane *lane);
	/* Reads, and waits for it: at the begin. 0 or a negative errno. NULL: all of it is zeroes.
	 */
	int (*load)(struct backing *backing, uint64_t offset, void *ret_bytes, size_t length);
	/* Writes to stable storage, and waits for it: at the begin or end, without an I/O thread. 0
	 * or a negative errno. NULL: nothing would remain. */
	int (*save)(struct backing *backing, uint64_t offset, const void *bytes, size_t length);
};

/* What a device says of itself, in bytes; 0: nothing. */
struct backing_preference {
	uint32_t write;   /* the least that is written without a read before */
	uint32_t discard; /* the least that is given back */
	uint32_t optimal; /* that is written fastest */
};

struct backing {
	const struct backing_kind *kind;
	unsigned references;
	uint8_t block_shift;
	bool volatile_cache; /* a write may be lost at power loss until flushed */
	bool deallocate;     /* gives space back */
	uint16_t actuators;  /* of a device whose media rotate; 0: they do not */
	struct backing_preference preference;
	uint64_t bytes;                    /* when opened */
	const struct zone_geometry *zones; /* NULL: it has none */
};

#define BACKING_REASON_SIZE 160

extern const struct backing_kind backing_file;
extern const struct backing_kind backing_ram;
extern const struct backing_kind backing_null;
extern const struct backing_kind backing_fault;
extern const struct backing_kind backing_pi;
extern const struct backing_kind backing_zoned;
extern const struct backing_kind backing_zone_disk;

/* One reference is the caller's. */
int backing_open(struct backing **ret_backing, const struct backing_wish *wish, char *reason,
                 size_t reason_size);
struct backing *backing_share(struct backing *backing);
struct backing *backing_release(struct backing *backing);
DEFINE_CLEANUP(struct backing *, backing_release)

/* It is the file or device that stat(2) has found. */
bool backing_is(const struct backing *backing, const struct stat *found);

/* The descriptor of the memory that its content is in, below fault:, pi: and zoned: too; -1: in
 * none. */
int backing_memory(const struct backing *backing);
/* The descriptor of the file that it is on, below fault:, pi: and zoned: too; -1: on none. */
int backing_watched(const struct backing *backing);
/* What is kept of it for a successor, without opening it: a descriptor that is the caller's, or -1.
 */
int backing_take_memory(const char *path, uint32_t handle);

/* Bytes now; a negative errno. */
int64_t backing_measure(struct backing *backing);

/* The size in "ram:1G": whole blocks of 4096 bytes. 0, or BACKING_E_NOT_READY. */
int backing_parse_size(const struct backing_wish *wish, const struct backing_kind *kind,
                       uint64_t *ret_bytes, char *reason, size_t reason_size);

/* What `wanted` (0, 9, 12) means for a device with blocks of 1 << own at least; 0: it cannot
 * be had, and reason says why. */
uint8_t backing_block_shift(uint32_t wanted, unsigned own, char *reason, size_t reason_size);

/* The namespace is not to be served any more: what ram: keeps for a successor is dropped. */
void backing_forget(const char *path, uint32_t handle);
