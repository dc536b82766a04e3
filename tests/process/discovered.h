/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <jansson.h>

#include "common/nvme/log.h"
#include "tests/process/scene.h"

/*
 * discovered - a host of a discovery controller, and what it was told.
 *
 * Shape     The log that was read last: discovered.
 * Promise   What fails ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  a controller is closed by scene_disconnect(), or host_controller_close()
 */
#define OTHER_HOST "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-00000000beef"
#define PRIVATE    HARNESS_NQN ".private"
#define UNIQUE     "nqn.2001-01.com.example:discovery"

#define EVENT_DISCOVERY_CHANGED (2u | 0xf0u << 8 | (unsigned)NVME_LOG_DISCOVERY << 16)

enum { RECORDS_MAX = 16 };

struct discovered {
	struct nvme_log_discovery head;
	struct nvme_discovery_entry records[RECORDS_MAX];
};

extern struct discovered discovered;

/* Starts a set: HARNESS_NQN for any host and PRIVATE for OTHER_HOST, on port 0 (127.0.0.1), 1 (the
 * wildcard of IPv4) and 2 (::1). */
void given_discovery(void);

/* How a host reaches discovery on a port. */
struct host_options discovery_on(unsigned port, const char *hostnqn);
/* scene.controller is connected so. */
void discover_on(unsigned port, const char *hostnqn);

/* Reads the log of scene.controller, or another's, as Linux does: the header, then all. */
void get_discovered(void);
void get_discovered_of(struct host_controller *controller);

/* Get Log Page with an LSP; the whole status, and the data. */
struct nvme_status get_log_with(uint8_t lid, uint8_t specific, uint64_t offset, void *data,
                                uint32_t length);

/* NULL: it was not told of it. */
const struct nvme_discovery_entry *find_discovered(const char *subnqn, const char *trsvcid);
const char *service_of(unsigned port);
/* The field says that, however it is padded. */
bool is_field(const char *field, size_t size, const char *text);

/* The last refusal has this byte of the command in the Error Information log. */
void expect_location(uint16_t opcode, uint16_t byte);

/* The configuration that is exported, to be changed; and changed: it decrefs root. */
json_t *get_configuration(void);
void restore_configuration(json_t *root);
/* Port p of it. */
json_t *port_in(json_t *root, unsigned port);
