/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/nvme/status.h"
#include "tests/rdma/capsule.h"
#include "tests/rdma/queue.h"

/*
 * scene - what the tests of an NVMe/RDMA target have in common: the target, which runs already,
 * hosts of it, and the vocabulary to say what they do.
 *
 * Shape     A host has a controller and I/O queues. `good` is one that behaves, and that must not
 *           notice what others do. What goes wrong ends the test with words.
 * Promise   Each wait ends after SCENE_WAIT_MS.
 * Trust     the target may be wrong
 * Threads   one
 * Lifetime  host_leave() frees what host_come() made
 */
#define SCENE_WAIT_MS 10000u
#define SCENE_ENTRIES 32u /* of a queue, if nothing else is said */
#define SCENE_SPACE   1u  /* the namespace, of 512-byte blocks, 32 MiB of it at least */
#define SCENE_BLOCK   512u
#define DEPTHS        16 /* IRD of a host */

struct target {
	const char *traddr;
	const char *trsvcid;
	const char *subnqn;
	const char *begin_at; /* as after --begin-at */
	bool is_kernel;       /* --baseline: nvmet-rdma */
	bool is_iwarp;
};
extern struct target target;

struct host {
	struct wire_queue admin;
	struct wire_queue io;
	struct wire_memory *page; /* of the admin queue, 8 KiB */
	struct wire_memory *data; /* of the I/O queue */
	uint16_t cntlid;
	uint32_t capsule_data_max; /* bytes of data in a capsule of an I/O queue */
	uint32_t transfer_max;     /* MDTS in bytes; UINT32_MAX without a limit */
	uint32_t blocks_max;       /* MSDBD */
	uint32_t sgls;
};
extern struct host good;

#define SCENE_DATA_BYTES (2u << 20)

/* Fails the test unless the call returned 0. */
#define wire_must(queue, call) wire_must_be((call), #call, (queue)->error)
void wire_must_be(int r, const char *call, const char *error);

/* ------------------------------------------------------------------ queues */

struct wire_wishes wishes_of(uint16_t qid, uint32_t entries);
/* RDMA_CM only: no Connect. */
void open_queue(struct wire_queue *queue, const struct wire_wishes *wishes);
/* The status that RDMA_CM_REJECT gives, or 0 for a queue that was accepted (and is closed). */
uint16_t reject_status(const struct wire_wishes *wishes);
/* Connect; *ret_cntlid is that of the answer; it may be NULL. */
struct nvme_status connect_queue(struct wire_queue *queue, struct nvme_command command,
                                 uint16_t cntlid, uint16_t *ret_cntlid);
/* Waits until the target has ended the queue pair, and closes it. */
void expect_end(struct wire_queue *queue, const char *which);

/* Sends it and waits for its response: the status. ret_response may be NULL. */
struct nvme_status execute(struct wire_queue *queue, const struct capsule *capsule,
                           struct wire_response *ret_response);
void send_capsule(struct wire_queue *queue, const struct capsule *capsule);
void expect_status(struct nvme_status status, enum nvme_status_code code);
#define expect_success(call) expect_status((call), NVME_SC_SUCCESS)

/* ------------------------------------------------------------------ hosts */

/* Admin queue, enabled, identified, and I/O queue 1. */
void host_come(struct host *host);
void host_come_with(struct host *host, uint32_t entries);
/* Without an I/O queue. */
void host_come_admin(struct host *host);
/* I/O queue `qid` of the controller; its memory is *ret_data, of SCENE_DATA_BYTES. */
void host_open_io(struct host *host, struct wire_queue *queue, uint16_t qid, uint32_t entries,
                  struct wire_memory **ret_data);
void host_leave(struct host *host);

/* ------------------------------------------------------------------ data */

void fill(uint8_t *bytes, size_t length, uint64_t seed);
void expect_filled(const uint8_t *bytes, size_t length, uint64_t seed);
/* Write (Read, and compare) through the host's memory, with one keyed data block. */
void host_write(struct host *host, uint64_t first_block, uint32_t blocks, uint64_t seed);
void host_read(struct host *host, uint64_t first_block, uint32_t blocks, uint64_t seed);

/* `good` comes, and has an I/O to compare with later. */
void given_a_good_host(void);
/* The good host's queues live, and what it wrote is there; a new host is served as well. */
void others_do_not_notice(void);
void good_host_leaves(void);
