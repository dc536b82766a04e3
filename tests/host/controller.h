/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/host/queue.h"

/*
 * controller - an association with an NVMe controller, seen from the host.
 *
 * Shape     The admin queue, what the controller said of itself, and commands on the admin queue.
 *           I/O queues belong to the caller.
 * Promise   Comes up as Linux does (nvme_enable_ctrl, nvme_init_ctrl_finish): Connect, CAP, VS, CC
 *           without EN, CAP again, CC with EN, CSTS.RDY; Identify; Number of Queues. Each call
 *           waits timeout_ms of the options at most.
 * Trust     the target may be wrong
 * Threads   one at a time
 * Lifetime  host_controller_close() says nothing to the target; host_controller_shutdown() does.
 *           Close the I/O queues first.
 * Returns   0, a negative errno, or enum host_error; the words are in host_controller_error(),
 *           and with HOST_E_STATUS the status is in controller.status.
 */
struct host_options {
	struct host_address address;
	struct host_wishes wishes;
	const char *subnqn;
	const char *hostnqn;
	uint8_t hostid[16];
	uint32_t kato_ms;
	uint16_t cntlid;        /* 0: FFFFh, as the dynamic controller model wants it */
	uint32_t admin_entries; /* 0: 32, as Linux has it */
	bool disable_sqflow;
	unsigned timeout_ms; /* 0: 15,000 */
};

/* What Identify Controller said, as far as a host needs it (Base 2.1 §5.1.13.2.1). */
struct host_identity {
	uint16_t cntlid;
	char serial[21];
	char model[41];
	char firmware[9];
	uint32_t transfer_max; /* of a command, bytes; 0xffffffff without a limit */
	uint32_t namespaces;   /* NN */
	uint16_t kas_100ms;
	uint16_t maxcmd;
	uint16_t oncs;
	uint8_t vwc;
	uint8_t aerl_0based;
	uint8_t acl_0based;
	uint8_t type; /* CNTRLTYPE: 1 I/O, 2 discovery */
	uint32_t oaes;
	uint32_t ctratt;
	uint32_t in_capsule_bytes; /* of I/O commands */
	char subnqn[NVME_NQN_SIZE];
};

struct host_controller {
	struct host_options options;
	struct host_queue admin;
	uint16_t cntlid;
	uint64_t cap;
	uint32_t vs;
	struct host_identity identity;
	struct nvme_status status; /* of the last command that was not a success */
	uint32_t result;           /* dword 0 of the last completion */
	uint64_t last_sent_ns;     /* for host_controller_keep_alive_if_due() */
	struct host_request keep_alive;
	bool keep_alive_out;
};

#define HOST_CONTROLLER_NULL ((struct host_controller){.admin = {.connection = {.fd = -1}}})

/* All of it up to Identify Controller. */
int host_controller_open(struct host_controller *controller, const struct host_options *options);
/* The steps of it. */
int host_controller_connect(struct host_controller *controller, const struct host_options *options);
int host_controller_enable(struct host_controller *controller);
int host_controller_identify(struct host_controller *controller);

/* Set Features, Number of Queues; what was granted may be less or more. */
int host_controller_queues(struct host_controller *controller, uint16_t wanted,
                           uint16_t *ret_granted);
/* An I/O queue, connected. `entries` is what Connect says; `commands` as in host_queue_open(). */
int host_controller_open_queue(struct host_controller *controller, struct host_queue *ret_queue,
                               uint16_t qid, uint32_t entries, uint32_t commands);

/* CC.SHN = normal, until CSTS.SHST says complete. */
int host_controller_shutdown(struct host_controller *controller);
void host_controller_close(struct host_controller *controller);

const char *host_controller_error(const struct host_controller *controller);

/* ------------------------------------------------------------------ admin commands */

int host_property_get(struct host_controller *controller, uint32_t offset, bool is_64_bit,
                      uint64_t *ret_value);
int host_property_set(struct host_controller *controller, uint32_t offset, bool is_64_bit,
                      uint64_t value);

/* Any command on the admin queue. */
int host_admin(struct host_controller *controller, struct host_request *request);

/* data: 4096 bytes. cns carries CNTID in bits 31:16, cdw11 CSI in bits 31:24. */
int host_identify(struct host_controller *controller, uint32_t cns, uint32_t nsid, uint32_t cdw11,
                  void *data);
int host_get_log(struct host_controller *controller, uint8_t lid, bool retain_event,
                 uint64_t offset, void *data, uint32_t length);
int host_set_feature(struct host_controller *controller, uint8_t fid, uint32_t cdw11);
int host_get_feature(struct host_controller *controller, uint8_t fid, uint32_t cdw11, void *data,
                     uint32_t length);
int host_keep_alive(struct host_controller *controller);
/* Sends Keep Alive when half of KATO has passed without one; for loops that poll the admin queue.
 * HOST_E_DEADLINE: the one before was not answered within KATO. */
int host_controller_keep_alive_if_due(struct host_controller *controller, uint64_t now_ns);
int host_abort(struct host_controller *controller, uint16_t sqid, uint16_t cid);
/* An Asynchronous Event Request, which stays in flight until there is an event. */
struct host_request host_event_request(void);
int host_disconnect(struct host_queue *queue, unsigned timeout_ms);

/* ------------------------------------------------------------------ namespaces (identify.c) */

struct host_namespace {
	uint32_t nsid;
	uint64_t blocks;
	uint32_t block_bytes;
	uint8_t nguid[16];
	uint8_t uuid[16]; /* zero: it has none */
	uint32_t ana_group;
	bool is_read_only;
	bool has_protection;  /* Type 1, in extended blocks */
	uint64_t zone_blocks; /* of each of its zones; 0: it is not zoned. The limits: 0: none */
	uint32_t zones_active_max;
	uint32_t zones_open_max;
};

/* Identify CNS 00 and 03, and 05 of what is zoned. HOST_E_BROKEN if it makes no sense, or is not
 * active. */
int host_namespace_identify(struct host_controller *controller, uint32_t nsid,
                            struct host_namespace *ret_namespace);
void host_identity_read(const uint8_t page[NVME_IDENTIFY_SIZE], struct host_identity *ret_identity);

/* Read, Write and their like, ready to be submitted. With protection information as Linux does it
 * over RDMA without an HCA for it: the controller makes it and takes it off (PRACT). */
struct host_request host_io(const struct host_namespace *space, uint8_t opcode, uint64_t first_lba,
                            uint32_t blocks, void *data);
