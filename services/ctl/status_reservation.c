/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "common/nvme/reservation.h"
#include "services/ctl/status.h"

/* Reservations of namespaces, in words. */

const char *status_host_id(char buffer[static STATUS_HOST_ID_SIZE], const ProtobufCBinaryData *id)
{
	buffer[0] = 0;
	for (size_t i = 0; i < id->len && 2 * i + 2 < STATUS_HOST_ID_SIZE; i++)
		snprintf(buffer + 2 * i, 3, "%02x", id->data[i]);
	return buffer;
}

const char *status_reservation_type(const Nvmetd__ReservationStatus *reservation)
{
	static const char *const words[NVME_RESERVATION_TYPE_MAX + 1] = {
		"",
		"write exclusive",
		"exclusive access",
		"write exclusive, registrants only",
		"exclusive access, registrants only",
		"write exclusive, all registrants",
		"exclusive access, all registrants",
	};

	return reservation->type <= NVME_RESERVATION_TYPE_MAX ? words[reservation->type]
	                                                      : "unknown";
}

static bool is_same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* NULL: it has no controller now. */
static const char *name_of(const Nvmetd__SubsystemStatus *subsystem, const ProtobufCBinaryData *id)
{
	for (size_t i = 0; i < subsystem->n_sessions; i++)
		if (is_same(&subsystem->sessions[i]->host_id, id))
			return subsystem->sessions[i]->host_nqn;
	return NULL;
}

const char *status_reservation_words(char buffer[static STATUS_RESERVATION_WORDS],
                                     const Nvmetd__SubsystemStatus *subsystem,
                                     const Nvmetd__NamespaceStatus *ns)
{
	const Nvmetd__ReservationStatus *reservation = ns->reservation;
	char id[STATUS_HOST_ID_SIZE], holder[STATUS_RESERVATION_WORDS - 128] = "";
	const char *name;
	size_t count;

	if (!reservation || (reservation->type == 0 && reservation->n_registrants == 0))
		return "";
	count = reservation->n_registrants;
	if (reservation->holder.len > 0) {
		name = name_of(subsystem, &reservation->holder);
		snprintf(holder,
		         sizeof(holder),
		         " by %s%s",
		         name ? "" : "host identifier ",
		         name ? name : status_host_id(id, &reservation->holder));
	}
	if (reservation->type == 0)
		snprintf(buffer, STATUS_RESERVATION_WORDS, ", not reserved");
	else
		snprintf(buffer,
		         STATUS_RESERVATION_WORDS,
		         ", reserved (%s)%s",
		         status_reservation_type(reservation),
		         holder);
	snprintf(buffer + strlen(buffer),
	         STATUS_RESERVATION_WORDS - strlen(buffer),
	         ", %zu registrant%s",
	         count,
	         count == 1 ? "" : "s");
	return buffer;
}
