/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/transport/port.h"

/*
 * core - the other side of port.h, played by a test.
 *
 * Shape     One connection on one loop. Commands that are executed are kept until the test
 *           answers them. Opcode Write has data, in the capsule if its SGL says "offset";
 *           Read gets data; others have none. At once: it answers within request_execute(),
 *           and lends what a Read gets.
 * Promise   core_deinit() fails the test if a request was lost.
 * Trust     none
 * Threads   one
 * Lifetime  core_init() to core_deinit(); the host's end of the connection is core.host
 */
#define CORE_REQUESTS 4
#define CORE_DATA_MAX (1u << 20)

struct core {
	struct loop *loop;
	struct queue *queue;
	int host;          /* a socket: the test is the host */
	unsigned requests; /* that queue_begin() may give out, of CORE_REQUESTS */
	struct limits limits;
	bool has_room; /* what request_reserve() says */
	bool closed;
	bool at_once;
	uint8_t *lent; /* what is lent: CORE_DATA_MAX bytes */
	unsigned n_executed;
	struct request *executed[CORE_REQUESTS]; /* the oldest first */
};

extern struct core core;

void core_init(void);
void core_deinit(void);

/* Rounds of the loop, until there was nothing to do. */
void core_run(void);

/* The answer to the oldest of the executed commands. */
void core_answer(struct nvme_status status);
/* The data of a Read that is not answered yet is core.lent from now on. */
void core_lend(struct request *request);
/* Requests that the wire has, whose data is borrowed. */
unsigned core_borrowed(void);
/* queue_begin() had said no, or request_reserve(): now there is some. */
void core_resume(void);
void core_fetch(struct request *request);
/* The request that the wire has for this command; must be there. */
struct request *core_find(uint16_t cid);
