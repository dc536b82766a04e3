/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * crowd - how many connections each port has.
 *
 * Shape     A short list of ports that have any. A connection counts from when it was placed until
 *           it is gone, as in the spread.
 * Promise   crowd_leave() undoes one crowd_enter(), and cannot fail.
 * Trust     a port that nobody has entered has nobody to leave: our own mistake
 * Threads   the control thread's
 * Lifetime  crowd_deinit()
 */
struct crowd {
	struct crowd_port {
		uint32_t port_id;
		uint32_t n;
	} * ports;
	size_t n_ports;
	size_t room;
};

/* False: there are `most` already (0: as many as come), or no memory. */
bool crowd_enter(struct crowd *crowd, uint32_t port_id, uint32_t most);
void crowd_leave(struct crowd *crowd, uint32_t port_id);
uint32_t crowd_count(const struct crowd *crowd, uint32_t port_id);
void crowd_deinit(struct crowd *crowd);
