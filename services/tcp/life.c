/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/life.h"

/*
 * The host's end of the stream counts as its end altogether: NVMe/TCP has no half-closed
 * connections. What was refused or dismissed is told to the host before (TermReq, the answer to
 * a Connect or Disconnect); closing at once could destroy it on its way, because data of the host
 * that nobody has read makes the kernel send a reset. Hence DRAINING and LINGERING.
 */
static const uint8_t next[LIFE_STATE_COUNT][LIFE_EVENT_COUNT] = {
	[LIFE_AWAIT_ICREQ] =
		{
				    [LIFE_ON_INITIALIZED] = LIFE_READY,
				    [LIFE_ON_REFUSED] = LIFE_DRAINING,
				    [LIFE_ON_DISMISSED] = LIFE_DRAINING,
				    [LIFE_ON_SENT] = LIFE_AWAIT_ICREQ,
				    [LIFE_ON_LATE] = LIFE_CLOSED,
				    [LIFE_ON_HUNG_UP] = LIFE_CLOSED,
				    },
	[LIFE_READY] =
		{
				    [LIFE_ON_INITIALIZED] = LIFE_READY,
				    [LIFE_ON_REFUSED] = LIFE_DRAINING,
				    [LIFE_ON_DISMISSED] = LIFE_DRAINING,
				    [LIFE_ON_SENT] = LIFE_READY,
				    [LIFE_ON_LATE] = LIFE_CLOSED,
				    [LIFE_ON_HUNG_UP] = LIFE_CLOSED,
				    },
	[LIFE_DRAINING] =
		{
				    [LIFE_ON_INITIALIZED] = LIFE_DRAINING,
				    [LIFE_ON_REFUSED] = LIFE_DRAINING,
				    [LIFE_ON_DISMISSED] = LIFE_DRAINING,
				    [LIFE_ON_SENT] = LIFE_LINGERING,
				    [LIFE_ON_LATE] = LIFE_CLOSED,
				    [LIFE_ON_HUNG_UP] = LIFE_CLOSED,
				    },
	[LIFE_LINGERING] =
		{
				    [LIFE_ON_INITIALIZED] = LIFE_LINGERING,
				    [LIFE_ON_REFUSED] = LIFE_LINGERING,
				    [LIFE_ON_DISMISSED] = LIFE_LINGERING,
				    [LIFE_ON_SENT] = LIFE_LINGERING,
				    [LIFE_ON_LATE] = LIFE_CLOSED,
				    [LIFE_ON_HUNG_UP] = LIFE_CLOSED,
				    },
	[LIFE_CLOSED] =
		{
				    [LIFE_ON_INITIALIZED] = LIFE_CLOSED,
				    [LIFE_ON_REFUSED] = LIFE_CLOSED,
				    [LIFE_ON_DISMISSED] = LIFE_CLOSED,
				    [LIFE_ON_SENT] = LIFE_CLOSED,
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
