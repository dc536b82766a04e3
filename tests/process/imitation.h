/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/client.h"
#include "tests/process/scene.h"

/*
 * imitation - a transport that has a place in the set, and no wire: what one says to the state
 *             service, without the devices that it would need.
 *
 * Shape     "rdma", with the traits that nvmetd-rdma has. Presents no sessions; says of each port
 *           that it listens; answers StatusRequest.
 * Promise   Each wait has a deadline. What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  imitation_open() to imitation_close(), with a running scene
 */
struct imitation {
	struct loop *loop;
	struct ipc_client *client;
	Nvmetd__TransportTraits traits;
	envelope *view;    /* the newest; NULL: none yet */
	uint64_t reset_ns; /* of the last reset of a subsystem that it was told of; 0: none */
	envelope *answer;  /* to what was asked last; NULL: none yet */
	uint64_t asked;
};

struct imitation_controller {
	uint32_t subsystem;
	uint32_t cntlid;
};

/* Until there is a view. */
void imitation_open(struct imitation *imitation);
void imitation_close(struct imitation *imitation);

/* An admin queue on the port. `nqn`: of the subsystem, or discovery's. */
struct imitation_controller imitation_connect(struct imitation *imitation, uint32_t port_id,
                                              const char *nqn);

/* The same, without waiting; until the next one. */
void imitation_begin(struct imitation *imitation, struct imitation_controller controller,
                     const struct nvme_command *command);
const Nvmetd__AdminReply *imitation_await(struct imitation *imitation);
/* What was asked last, whether it is answered or not. */
void imitation_cancel(struct imitation *imitation);

/* A host of it has written NSSR. */
void imitation_reset(struct imitation *imitation, uint32_t subsystem);
/* It is told of a reset that is not older (clock_boot_ns()). */
void imitation_await_reset(struct imitation *imitation, uint64_t since_ns);

/* An admin command of that controller, which must succeed: what it returns, `length` bytes, until
 * the next one. */
const uint8_t *imitation_admin(struct imitation *imitation, struct imitation_controller controller,
                               const struct nvme_command *command, size_t length);
