/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/reservations.h"
#include "tests/unit/state/stage.h"

/*
 * reserving - three hosts on a stage whose namespaces 1 and 2 can be reserved.
 *
 * Shape     A host's key is its number and 1.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  reserving_open() … stage_close()
 */
enum { A, B, C, HOSTS };

#define WE       NVME_RESERVATION_WRITE_EXCLUSIVE
#define WE_RO    NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS
#define CONFLICT DNR(NVME_SC_RESERVATION_CONFLICT)

#define REGISTER   0u
#define UNREGISTER 1u
#define REPLACE    2u
#define PREEMPT    1u
#define CLEAR      1u
#define SET_PTPL   (3u << 30)

struct reserving {
	struct session *sessions[HOSTS];
	uint8_t identity[16]; /* of the commands */
	bool has_identity;
};

extern struct reserving reserving;

void reserving_open(void);
/* A death and a new start. */
void reserving_reopen(void);
/* Of what reserving_open() has. free() it. */
char *reserving_config(void);

struct nvme_status ask(unsigned host, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint64_t key,
                       uint64_t new_key);
struct nvme_status enter(unsigned host, uint32_t nsid);
struct nvme_status leave(unsigned host, uint32_t nsid);
struct nvme_status acquire(unsigned host, uint32_t nsid, unsigned type);
struct nvme_status preempt(unsigned host, uint32_t nsid, unsigned type, unsigned other);

/* As the report has it: registrants in the lower, the type in the upper byte. */
unsigned there(uint32_t nsid);
unsigned generation(uint32_t nsid);
bool persists(uint32_t nsid);
