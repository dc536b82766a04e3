/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "common/nvme/identify.h"
#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * error_log - the last commands of a controller that failed.
 *
 * Shape     A ring of ERROR_LOG_ENTRIES (ELPE + 1) Error Information entries (Base 2.1
 *           §5.1.12.1.2), and the count of all that there ever were.
 * Promise   Copies come out with the newest first.
 * Trust     commands are a host's: copied, not interpreted
 * Threads   any: failed commands are rare enough for a lock
 * Lifetime  error_log_init(), error_log_deinit()
 */
#define ERROR_LOG_ENTRIES     ((unsigned)NVME_ERROR_ENTRIES)
#define ERROR_LOG_NO_LOCATION 0xffff

struct error_log {
	pthread_mutex_t lock;
	uint64_t count;
	uint8_t trtype;
	struct nvme_error_entry entries[ERROR_LOG_ENTRIES];
};

/* trtype: enum nvme_trtype, of all entries. */
void error_log_init(struct error_log *log, uint8_t trtype);
void error_log_deinit(struct error_log *log);

void error_log_add(struct error_log *log, uint16_t qid, const struct nvme_command *command,
                   struct nvme_status status, uint16_t location);

/* What error_log_copy() gave a predecessor, of `count` in all; what makes no sense is left out. */
void error_log_inherit(struct error_log *log, uint64_t count, const void *entries, size_t bytes);

/* How many there ever were. */
uint64_t error_log_count(struct error_log *log);

/* How many were copied. */
unsigned error_log_copy(struct error_log *log, struct nvme_error_entry *ret_entries);
