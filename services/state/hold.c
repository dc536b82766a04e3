/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/hold.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/state/change.h"

/* What cannot be written is said all the same, by this process. */
static void note(struct state *state, const char *peer)
{
	const struct database_health health = database_health(state->database);
	char words[DATABASE_NOTICE_SIZE];

	snprintf(words,
	         sizeof(words),
	         "the database \"%.400s\" was not there, nor a copy, and is new now, but %s serves "
	         "what an earlier one had: nothing is changed for hosts that are connected, others "
	         "cannot connect; put the earlier database back and start nvmetd-state again, or "
	         "make this one good with nvmetctl restore FILE, or clear, which connects all "
	         "hosts anew",
	         health.path,
	         peer);
	log_err("database: %s", words);
	(void)database_notice(state->database, words);
	(void)database_set_number(state->database, "held", 1);
}

int hold_load(struct state *state)
{
	uint64_t held = 0;
	int r = database_get_number(state->database, "held", &held);

	if (r >= 0)
		r = database_get_number(state->database, "since", &state->since);
	state->held = held != 0;
	state->fresh = state->target.revision == 0;
	if (state->held && !database_health(state->database).notice[0])
		note(state, "somebody");
	return r == DATABASE_E_NONE ? 0 : r;
}

void hold_consider(struct state *state, const char *peer, uint64_t revision)
{
	if (state->held || !state->fresh || revision <= state->target.revision)
		return;
	state->held = true;
	state->open = false;
	/* Others may have a little more. A successor is to know it before they have come. */
	state_has_seen(state, revision + STATE_REVISION_STEP);
	(void)database_set_number(state->database, "revision", state->target.revision);
	note(state, peer);
}

void hold_end(struct state *state)
{
	if (!state->held)
		return;
	log_warn("database: the new one is the one from here on: all hosts are connected anew");
	state->since = state_next_revision(state);
	(void)database_set_number(state->database, "since", state->since);
	(void)database_set_number(state->database, "held", 0);
	(void)database_acknowledge(state->database);
	state->held = false;
	state->fresh = false;
	state->born_ns = clock_now_ns(); /* workers are waited for as at a start */
	change_end_all(state, "it is of a database that is gone");
}
