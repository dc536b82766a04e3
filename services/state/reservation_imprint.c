/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/reservation_imprint.h"

#include <string.h>

#include <uuid.h>

#include "services/state/reservation.h"
#include "services/state/reservation_records.h"

_Static_assert(ADMIN_IMPRINT_SIZE == sizeof(uuid_t), "an imprint is a UUID");
_Static_assert(ADMIN_IMPRINT_SIZE == RESERVATION_IDENTITY_SIZE, "they are in the same table");

/* What an imprint is made of; without holes. */
struct matter {
	uint64_t key, new_key;
	uint32_t handle, generation;
	uint8_t host_id[16], holder[16];
	uint8_t registrants[16];
	uint8_t action, asked_type, ignores_key, persist;
	uint8_t type, persists, reserved[2];
};

_Static_assert(sizeof(struct registrant) == 16 + sizeof(uint64_t), "registrants have no holes");

static const struct reservation nobody;

void reservation_imprint(uint8_t ret_imprint[static ADMIN_IMPRINT_SIZE],
                         const struct backing *backing, const struct decoded_reservation *asked,
                         const uint8_t host_id[static 16])
{
	static const uuid_t space = {0x6b,
	                             0x1e,
	                             0x4d,
	                             0x0a,
	                             0x52,
	                             0xc3,
	                             0x4f,
	                             0x8e,
	                             0x9d,
	                             0x21,
	                             0x70,
	                             0xb4,
	                             0x3c,
	                             0x95,
	                             0xe8,
	                             0x17};
	const struct reservation *is = backing->reservation ? backing->reservation : &nobody;
	struct matter matter = {
		.key = asked->key,
		.new_key = asked->new_key,
		.handle = backing->handle,
		.generation = is->generation,
		.action = (uint8_t)asked->action,
		.asked_type = (uint8_t)asked->type,
		.ignores_key = asked->ignores_key,
		.persist = (uint8_t)asked->persist,
		.type = (uint8_t)is->type,
		.persists = is->persists,
	};

	/* generations begin anew when all registrants have gone, as in a loss of power */
	if (is->n_registrants > 0)
		uuid_generate_sha1(matter.registrants,
		                   space,
		                   (const char *)is->registrants,
		                   is->n_registrants * sizeof(is->registrants[0]));
	memcpy(matter.host_id, host_id, sizeof(matter.host_id));
	if (is->type != NVME_RESERVATION_NONE && !reservation_is_of_all(is->type))
		memcpy(matter.holder, is->holder, sizeof(matter.holder));
	uuid_generate_sha1(ret_imprint, space, (const char *)&matter, sizeof(matter));
}

bool reservation_imprint_is_kept(struct database *database,
                                 const uint8_t imprint[static ADMIN_IMPRINT_SIZE])
{
	return reservation_records_find(database, imprint) == 0;
}

/* Where it cannot be written, the host that sends the command again has a conflict: what it asked
 * for holds all the same, as a report shows. */
void reservation_imprint_keep(struct database *database,
                              const uint8_t imprint[static ADMIN_IMPRINT_SIZE])
{
	if (!reservation_imprint_is_kept(database, imprint))
		reservation_records_note(database, imprint);
}

void reservation_imprint_forget(struct database *database,
                                const uint8_t imprint[static ADMIN_IMPRINT_SIZE])
{
	if (reservation_imprint_is_kept(database, imprint))
		reservation_records_forget(database, imprint);
}
