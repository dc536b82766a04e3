/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/nvme/reservation.h"

/*
 * reservation - who has registered with a namespace, and who holds it (Base 2.1 §8.1.22).
 *
 * Shape     Registrants in the order of their host identifiers, a type, a holder.
 *           reservation_apply() is the state machine: one command of one host.
 * Promise   A holder is a registrant. Where a command is refused, what was is not of use any more:
 *           it is to be applied to a copy.
 * Trust     commands are decoded, the host identifier is the session's
 * Threads   any; pure but for malloc()
 * Lifetime  reservation_free()
 */
#define RESERVATION_REGISTRANTS_MAX 4096 /* of a namespace */

struct registrant {
	uint8_t host_id[16];
	uint64_t key;
};

struct reservation {
	enum nvme_reservation_type type;
	uint8_t holder[16]; /* where the type is not of all registrants */
	uint32_t generation;
	bool persists; /* PTPL */
	struct registrant *registrants;
	size_t n_registrants;
	uint64_t revision; /* a view after this one says what holds now */
};

/* Of what was; an empty one of NULL. With room for one registrant more. NULL: no memory. */
struct reservation *reservation_copy(const struct reservation *from);
struct reservation *reservation_free(struct reservation *reservation);
DEFINE_CLEANUP(struct reservation *, reservation_free)

const struct registrant *reservation_find(const struct reservation *reservation,
                                          const uint8_t host_id[static 16]);
bool reservation_is_holder(const struct reservation *reservation,
                           const struct registrant *registrant);

/* What its answer is, and who is to hear of it besides. */
struct reservation_outcome {
	struct nvme_status status;
	uint16_t location;                       /* byte of the command + 1; 0: none */
	enum nvme_reservation_notice to_removed; /* those that are registered no more … */
	enum nvme_reservation_notice to_others;  /* … and those that still are; not the host */
};

struct reservation_outcome reservation_apply(struct reservation *reservation,
                                             const struct decoded_reservation *asked,
                                             const uint8_t host_id[static 16]);

/* The same hosts may do the same. NULL: nobody has registered. */
bool reservation_is_same_rule(const struct reservation *a, const struct reservation *b);
bool reservation_is_same(const struct reservation *a, const struct reservation *b);

/* The answer to Report. */
void reservation_report(const struct reservation *reservation, uint8_t *ret_data, size_t length);
