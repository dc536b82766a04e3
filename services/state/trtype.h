/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * trtype - the transport types of a configuration, and in what they differ.
 *
 * Shape     One table: those that nvmet knows, with what this target makes of them.
 * Promise   Nothing else of the state service knows one transport from another.
 * Trust     ours
 * Threads   any; pure
 * Lifetime  constants
 */
struct trtype {
	const char *name;
	uint8_t code;   /* TRTYPE of discovery entries; 0: there is none */
	bool is_served; /* a port may have it */
	/* Of a port that is served, what its parameters may be, and what they are where not given
	 */
	uint32_t in_capsule_default;
	uint32_t in_capsule_max; /* more is cut */
	uint32_t queue_size_default;
	/* Of discovery entries: TSAS, whose other bytes are 0 (Base 2.1 Figures 290, 291) */
	uint8_t tsas[3];
};

/* NULL: nvmet has none of that name. */
const struct trtype *trtype_find(const char *name);

/* That of a port; one that says none has what one of TCP has. */
const struct trtype *trtype_of_port(const char *name);
