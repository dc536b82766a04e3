/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/reservation.h"
#include "tests/process/scene.h"

/*
 * reserving - hosts that reserve a namespace, for the tests of real processes.
 *
 * Shape     Namespace 1 can be reserved and its backing has faults; 2 can be, with blocks of
 *           4096 bytes; 3 cannot. A host has an identifier, a controller and one I/O queue. Its
 *           key is its number.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  reserving_connect() … reserving_disconnect(); what a test leaves open is closed with
 *           its process
 */
struct reserving_host {
	unsigned number; /* from 1 */
	char nqn[96];
	struct host_options options;
	struct host_controller controller;
	struct host_queue queue;
};

void reserving_start(void);
/* On that port of the set. */
void reserving_connect_on(struct reserving_host *host, unsigned number, unsigned port);
static inline void reserving_connect(struct reserving_host *host, unsigned number)
{
	reserving_connect_on(host, number, 0);
}
void reserving_disconnect(struct reserving_host *host);

/* A reservation command, ready to be submitted; the keys are in *keys. */
struct host_request reserving_request(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint64_t key,
                                      uint64_t new_key, struct le64 keys[static 2]);
/* The same, waited for: the status. */
struct nvme_status reserving_ask(struct reserving_host *host, uint8_t opcode, uint32_t nsid,
                                 uint32_t cdw10, uint64_t key, uint64_t new_key);

struct nvme_status reserving_register(struct reserving_host *host, uint32_t nsid);
struct nvme_status reserving_unregister(struct reserving_host *host, uint32_t nsid);
struct nvme_status reserving_acquire(struct reserving_host *host, uint32_t nsid, unsigned type);
struct nvme_status reserving_release(struct reserving_host *host, uint32_t nsid, unsigned type);
struct nvme_status reserving_clear(struct reserving_host *host, uint32_t nsid);
struct nvme_status reserving_preempt(struct reserving_host *host, uint32_t nsid, unsigned type,
                                     uint64_t key);

/* The report, cut to length. */
void reserving_report(struct reserving_host *host, uint32_t nsid, void *ret_data, uint32_t length);
/* Of it: how many are registered, and the type. */
unsigned reserving_count(struct reserving_host *host, uint32_t nsid);
unsigned reserving_type(struct reserving_host *host, uint32_t nsid);

/* A write of one block to it: it is at the worker on return. */
void reserving_begin_write(struct reserving_host *host, struct host_request *ret_write,
                           const uint8_t data[static 512]);

/* An I/O command of one block, waited for: the status. */
struct nvme_status reserving_io(struct reserving_host *host, uint8_t opcode, uint32_t nsid);
