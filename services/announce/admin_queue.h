/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/loop/loop.h"
#include "common/nvme/status.h"
#include "services/announce/receiver.h"

/*
 * admin_queue - a host's admin queue over NVMe/TCP, with one command at a time.
 *
 * Shape     A connection that is made without waiting; a capsule on its way out; the receiver of
 *           what comes back; a deadline.
 * Promise   After admin_queue_open() has returned 0, either ready() is called, or failed(). After
 *           admin_queue_send() either answered() is called, or failed(); within
 *           ADMIN_QUEUE_ANSWER_NS. failed() is called once, when the queue is closed already; its
 *           reason is a constant, or lives until the next call. Nothing is allocated.
 * Trust     the controller is hostile
 * Threads   the loop's
 * Lifetime  admin_queue_close(), from anywhere, also from within its calls
 */
#define ADMIN_QUEUE_CONNECT_NS (5 * NS_PER_S) /* to ICResp */
#define ADMIN_QUEUE_ANSWER_NS  (5 * NS_PER_S)
#define ADMIN_QUEUE_ENTRIES    32u

struct admin_queue_calls {
	void (*ready)(void *context);
	/* data: of receiver->data_bytes, valid during the call */
	void (*answered)(void *context, struct nvme_status status, uint64_t result,
	                 const struct receiver *receiver);
	void (*failed)(void *context, const char *reason);
};

struct admin_queue {
	struct loop *loop;
	const struct admin_queue_calls *calls;
	void *context;
	struct loop_source source;
	int fd; /* -1: closed */
	bool is_connecting;
	uint16_t last_cid;
	struct loop_timer deadline;
	size_t out_length;
	size_t out_sent;
	struct receiver receiver;
	char reason[96];
	uint8_t out[sizeof(struct tcp_capsule_command) + 128 + TCP_ADMIN_IN_CAPSULE];
};

/* Closed. */
void admin_queue_init(struct admin_queue *queue, struct loop *loop,
                      const struct admin_queue_calls *calls, void *context);

/* 0 or a negative errno. */
int admin_queue_open(struct admin_queue *queue, const struct sockaddr *address, socklen_t length);
void admin_queue_close(struct admin_queue *queue);

/* When the last one has been answered. Fills in CID and the SGL; the data goes along in the
 * capsule, up to TCP_ADMIN_IN_CAPSULE; so many bytes may come back. failed() may be called from
 * within. */
void admin_queue_send(struct admin_queue *queue, struct nvme_command *command, const void *data,
                      size_t length, uint32_t data_most);

/* What the host of this queue is known by to the controller; an empty text if that is not known. */
void admin_queue_local_address(const struct admin_queue *queue, char *ret_text, size_t size);
