/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/cntlid.h"

#include <string.h>

/* A bit for each identifier in use. */
static void find_used(const struct list *sessions, uint32_t number, uint8_t used[static 8192])
{
	memset(used, 0, 8192);
	list_for_each (at, (struct list *)sessions) {
		const struct session *session = container_of(at, struct session, link);

		if (session->subsystem == number)
			used[session->cntlid / 8] |= (uint8_t)(1u << (session->cntlid % 8));
	}
}

bool cntlid_is_free(const struct list *sessions, uint32_t subsystem, uint16_t cntlid)
{
	list_for_each (at, (struct list *)sessions) {
		const struct session *session = container_of(at, struct session, link);

		if (session->subsystem == subsystem && session->cntlid == cntlid)
			return false;
	}
	return true;
}

/* What is kept is at `next` or a step above it at most: so a restart continues behind all that
 * was given out, and does not skip more than a step. A disk that takes nothing keeps no host from
 * connecting: what the database lacks is kept with the next one. */
static void keep(struct subsystem *subsystem, uint32_t next, struct database *database)
{
	struct subsystem kept = *subsystem;

	if (next <= subsystem->cntlid_kept && subsystem->cntlid_kept <= next + CNTLID_STEP)
		return;
	kept.cntlid_kept = next + CNTLID_STEP;
	if (!database || database_put_subsystem(database, &kept) == 0)
		subsystem->cntlid_kept = kept.cntlid_kept;
}

int cntlid_allocate(struct subsystem *subsystem, uint16_t min, uint16_t max,
                    const struct list *sessions, struct database *database, uint16_t *ret_cntlid)
{
	uint32_t range = (uint32_t)max - min + 1, at = subsystem->cntlid_next;
	uint8_t used[8192];

	find_used(sessions, subsystem->number, used);
	for (uint32_t i = 0; i < range; i++, at++) {
		if (at < min || at > max)
			at = min;
		if (used[at / 8] & 1u << (at % 8))
			continue;
		keep(subsystem, at + 1, database);
		subsystem->cntlid_next = at + 1;
		*ret_cntlid = (uint16_t)at;
		return 0;
	}
	return CNTLID_E_NONE_FREE;
}
