/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/loop/pulse.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "common/base/error.h"

static void answer(struct loop_source *source, uint32_t events)
{
	struct pulse *pulse = container_of(source, struct pulse, source);
	eventfd_t rings;

	(void)events;
	eventfd_read(source->fd, &rings);
	atomic_store(&pulse->answered, atomic_load(&pulse->asked));
}

int pulse_init(struct pulse *pulse, const char *name)
{
	*pulse = PULSE_NULL;
	list_init(&pulse->link);
	snprintf(pulse->name, sizeof(pulse->name), "%s", name);
	pulse->source = LOOP_SOURCE(answer);
	pulse->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return pulse->bell < 0 ? error_origin(-errno) : 0;
}

void pulse_deinit(struct pulse *pulse)
{
	if (pulse->bell < 0)
		return;
	list_remove(&pulse->link);
	cleanup_close(&pulse->bell);
	pulse->bell = -1;
}

int pulse_beat(struct pulse *pulse, struct loop *loop)
{
	int r = loop_add(loop, &pulse->source, pulse->bell, EPOLLIN);

	return r ? error_trace(r) : 0;
}

void pulse_rest(struct pulse *pulse)
{
	loop_remove(&pulse->source);
}

static bool is_answered(const struct pulse *pulse)
{
	return atomic_load(&pulse->answered) == atomic_load(&pulse->asked);
}

void pulse_ask(struct pulse *pulse, uint64_t now_ns)
{
	if (!is_answered(pulse))
		return;
	pulse->asked_ns = now_ns;
	atomic_fetch_add(&pulse->asked, 1);
	eventfd_write(pulse->bell, 1);
}

uint64_t pulse_silent_ns(const struct pulse *pulse, uint64_t now_ns)
{
	if (is_answered(pulse))
		return 0;
	return now_ns > pulse->asked_ns ? now_ns - pulse->asked_ns : 1;
}
