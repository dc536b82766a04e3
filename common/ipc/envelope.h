/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "proto/nvmetd.pb-c.h"

/*
 * envelope - a control message, checked.
 *
 * Shape     proto/nvmetd.proto: Envelope
 * Promise   What envelope_decode() hands out has the right version and exactly one body.
 * Trust     bytes of a sibling process that may be broken: at most ENVELOPE_MAX of them
 * Threads   any; allocates
 * Lifetime  envelope_free() frees what envelope_decode() made
 * Returns   0, -ENOMEM, or
 */
#define ENVELOPE_VERSION 1
#define ENVELOPE_MAX     (16u << 20)

enum envelope_error {
	ENVELOPE_E_MALFORMED = 1,
	ENVELOPE_E_VERSION,
	ENVELOPE_E_NO_BODY,
};

typedef Nvmetd__Envelope envelope;

int envelope_decode(envelope **ret_message, const void *bytes, size_t length);
envelope *envelope_free(envelope *message);
DEFINE_CLEANUP(envelope *, envelope_free)

/* The body's name in the schema, for logs: "connect_request". */
const char *envelope_body_name(int body_case);
