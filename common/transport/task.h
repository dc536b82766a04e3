/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/cleanup.h"
#include "common/loop/mailbox.h"
#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * task - an admin or fabrics command on its way from a reactor to the control thread and back.
 *
 * Shape     Copies of the command and of its data, then of the answer and of its data. The
 *           request stays with the reactor; it is found again by queue number and index.
 * Promise   A task comes back to its reactor exactly once, or is freed by the control thread
 *           because its queue has closed; then the reactor has dropped the request already.
 * Trust     the command is a host's
 * Threads   whoever has it; letters hand it over
 * Lifetime  task_free()
 */
struct abort;
struct controller;
struct seat;

/* What a successful Connect makes of a queue. */
struct task_connected {
	struct controller *controller; /* a reference; NULL: this was no successful Connect */
	uint16_t qid;
	uint32_t size;
	uint32_t in_capsule_bytes;
	bool sqflow_disabled;
};

struct task {
	struct letter letter;
	struct seat *seat;
	uint64_t queue; /* its number */
	uint16_t index; /* the request's */
	struct nvme_command command;
	uint32_t wanted_bytes; /* that the host is to get */

	/* the control thread's */
	struct list seat_link;
	struct list ask_link;
	struct list number_link;
	struct abort *abort;  /* that it waits for (aborts.h); NULL */
	uint64_t number;      /* of the request to the state service; 0: not asked */
	uint64_t deadline_ns; /* 0: none */
	uint64_t identity; /* of a reservation command, however often it is asked; 0: of others */

	/* the answer */
	struct nvme_status status;
	uint32_t result[2];
	uint16_t error_location;
	uint8_t *reply; /* wanted_bytes, or NULL */
	struct task_connected connected;

	uint32_t data_bytes;
	uint8_t data[];
};

/* The status in an answer of the state service: one that is none does not pass for success. */
static inline struct nvme_status task_status_of(uint32_t answered)
{
	return answered <= NVME_STATUS_MAX ? (struct nvme_status){(uint16_t)answered}
	                                   : status_of(NVME_SC_INTERNAL);
}

/* NULL: no memory. */
struct task *task_new(struct seat *seat, const struct nvme_command *command, const void *data,
                      uint32_t data_bytes);
struct task *task_free(struct task *task);
DEFINE_CLEANUP(struct task *, task_free)
