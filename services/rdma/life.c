/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/life.h"

/*
 * The host's memory is the adapter's to write to, and ours is the adapter's to read from and to
 * write to, until it has given everything back that was posted: hence FLUSHING, which a queue pair
 * in the error state ends soon. Whatever happened to a queue pair, that is the way it ends.
 */
static const uint8_t next[LIFE_STATE_COUNT][LIFE_EVENT_COUNT] = {
	[LIFE_ACCEPTED] =
		{
				 [LIFE_ON_ESTABLISHED] = LIFE_LIVE,
				 [LIFE_ON_DISMISSED] = LIFE_DRAINING,
				 [LIFE_ON_SENT] = LIFE_ACCEPTED,
				 [LIFE_ON_FLUSHED] = LIFE_ACCEPTED,
				 [LIFE_ON_LATE] = LIFE_FLUSHING,
				 [LIFE_ON_HUNG_UP] = LIFE_FLUSHING,
				 },
	[LIFE_LIVE] =
		{
				 [LIFE_ON_ESTABLISHED] = LIFE_LIVE,
				 [LIFE_ON_DISMISSED] = LIFE_DRAINING,
				 [LIFE_ON_SENT] = LIFE_LIVE,
				 [LIFE_ON_FLUSHED] = LIFE_LIVE,
				 [LIFE_ON_LATE] = LIFE_FLUSHING,
				 [LIFE_ON_HUNG_UP] = LIFE_FLUSHING,
				 },
	[LIFE_DRAINING] =
		{
				 [LIFE_ON_ESTABLISHED] = LIFE_DRAINING,
				 [LIFE_ON_DISMISSED] = LIFE_DRAINING,
				 [LIFE_ON_SENT] = LIFE_FLUSHING,
				 [LIFE_ON_FLUSHED] = LIFE_DRAINING,
				 [LIFE_ON_LATE] = LIFE_FLUSHING,
				 [LIFE_ON_HUNG_UP] = LIFE_FLUSHING,
				 },
	[LIFE_FLUSHING] =
		{
				 [LIFE_ON_ESTABLISHED] = LIFE_FLUSHING,
				 [LIFE_ON_DISMISSED] = LIFE_FLUSHING,
				 [LIFE_ON_SENT] = LIFE_FLUSHING,
				 [LIFE_ON_FLUSHED] = LIFE_CLOSED,
				 [LIFE_ON_LATE] = LIFE_CLOSED,
				 [LIFE_ON_HUNG_UP] = LIFE_FLUSHING,
				 },
	[LIFE_CLOSED] =
		{
				 [LIFE_ON_ESTABLISHED] = LIFE_CLOSED,
				 [LIFE_ON_DISMISSED] = LIFE_CLOSED,
				 [LIFE_ON_SENT] = LIFE_CLOSED,
				 [LIFE_ON_FLUSHED] = LIFE_CLOSED,
				 [LIFE_ON_LATE] = LIFE_CLOSED,
				 [LIFE_ON_HUNG_UP] = LIFE_CLOSED,
				 },
};

enum life_state life_next(enum life_state state, enum life_event event)
{
	return next[state][event];
}

uint64_t life_deadline_ns(enum life_state state)
{
	static const uint64_t deadlines_ns[] = {
#define X(name, deadline, ends) [LIFE_##name] = (deadline),
		LIFE_STATES(X)
#undef X
	};

	return deadlines_ns[state];
}

const char *life_state_name(enum life_state state)
{
	static const char *const names[] = {
#define X(name, deadline, ends) [LIFE_##name] = #name,
		LIFE_STATES(X)
#undef X
	};

	return names[state];
}

const char *life_event_words(enum life_event event)
{
	static const char *const words[] = {
#define X(name, said) [LIFE_ON_##name] = (said),
		LIFE_EVENTS(X)
#undef X
	};

	return words[event];
}
