/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/nvme/dim.h"

/*
 * fake_cdc - a central discovery controller that keeps what it is told, and can misbehave.
 *
 * Shape     A process with a listener on 127.0.0.1 that serves one host at a time; what it has seen
 *           is in memory that the test shares.
 * Promise   Each wait has a deadline; what fails ends the test with words. It ends with the test.
 * Trust     ours
 * Threads   one
 * Lifetime  fake_cdc_open() to fake_cdc_close()
 */
enum fake_cdc_manner {
	FAKE_CDC_GOOD,
	FAKE_CDC_IS_NONE,         /* says that it is a direct discovery controller */
	FAKE_CDC_REFUSES_CONNECT, /* Connect Invalid Host */
	FAKE_CDC_REFUSES_DIM,     /* Invalid Field */
	FAKE_CDC_IS_SILENT,       /* takes connections and says nothing */
	FAKE_CDC_SENDS_NONSENSE,
	FAKE_CDC_HANGS_UP, /* after the first DIM */
};

enum { FAKE_CDC_ENTRIES = 64 };

struct fake_cdc_seen {
	atomic_int manner;
	atomic_uint drops; /* how often the connection is to be ended */
	atomic_uint connects;
	atomic_uint registers;
	atomic_uint deregisters;
	atomic_uint keep_alives;
	atomic_uint n_entries; /* that are registered now */
	struct nvme_dim_entry entries[FAKE_CDC_ENTRIES];
	struct nvme_dim_data last; /* header of the last DIM */
	uint32_t kato_ms;
	char hostnqn[NVME_NQN_SIZE];
	char subnqn[NVME_NQN_SIZE];
};

struct fake_cdc {
	pid_t pid;
	char trsvcid[8];
	struct fake_cdc_seen *seen;
};

/* A good one. */
void fake_cdc_open(struct fake_cdc *cdc);
void fake_cdc_close(struct fake_cdc *cdc);

/* From now on; a connection that there is ends. */
void fake_cdc_become(struct fake_cdc *cdc, enum fake_cdc_manner manner);

bool fake_cdc_has(const struct fake_cdc *cdc, const char *nqn, const char *trsvcid);

/* Waits until so many are registered, or so often something was done. */
void fake_cdc_await_entries(const struct fake_cdc *cdc, unsigned count);
void fake_cdc_await(const atomic_uint *count, unsigned least);
