/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/nvmetd.pb-c.h"

/*
 * traits - what a transport carries, as it says in its Hello.
 *
 * Shape     The message as a plain struct: which ports are its own, and what its hosts are told
 *           of its wire.
 * Promise   The text ends. One that says nothing is NVMe/TCP, as all were before there were
 *           others.
 * Trust     A transport may be broken: a trtype that no port has is one that serves no port.
 * Threads   any; pure
 * Lifetime  values
 */
struct traits {
	char trtype[16];
	uint32_t sgls;           /* Identify Controller: SGLS */
	uint8_t descriptors_max; /* MSDBD */
	bool packs_rights;       /* it takes NamespaceView.reservation_rights */
};

/* message: NULL if there was none. */
struct traits traits_of(const Nvmetd__TransportTraits *message);
