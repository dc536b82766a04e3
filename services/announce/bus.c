/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/bus.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"

/* Messages in a round; then others on the loop have their turn. */
#define MESSAGES_MAX 64

static void lose(struct bus *bus, int error)
{
	bus_close(bus);
	bus->lost(bus, error);
}

/* What sd-bus waits for now. */
static int watch(struct bus *bus)
{
	int events = sd_bus_get_events(bus->bus);
	uint64_t timeout_us;
	int r;

	if (events < 0)
		return error_origin(events);
	r = loop_change(&bus->source,
	                (events & POLLIN ? EPOLLIN : 0) | (events & POLLOUT ? EPOLLOUT : 0));
	if (r)
		return error_trace(r);
	loop_timer_clear(&bus->timer);
	r = sd_bus_get_timeout(bus->bus, &timeout_us);
	if (r < 0)
		return error_origin(r);
	if (timeout_us == UINT64_MAX)
		return 0;
	return loop_timer_set(bus->loop, &bus->timer, timeout_us * NS_PER_US + 1);
}

static void process(struct bus *bus)
{
	int r = 1;

	for (unsigned i = 0; r > 0 && i < MESSAGES_MAX; i++)
		r = sd_bus_process(bus->bus, NULL);
	if (r >= 0)
		r = watch(bus);
	if (r < 0)
		lose(bus, r);
}

static void ready(struct loop_source *source, uint32_t events)
{
	(void)events;
	process(container_of(source, struct bus, source));
}

static void expired(struct loop_timer *timer)
{
	process(container_of(timer, struct bus, timer));
}

void bus_init(struct bus *bus, struct loop *loop, void (*lost)(struct bus *bus, int error))
{
	*bus = (struct bus){
		.loop = loop,
		.source = LOOP_SOURCE(ready),
		.timer = LOOP_TIMER(expired),
		.lost = lost,
	};
}

int bus_open(struct bus *bus)
{
	int r = sd_bus_open_system(&bus->bus);

	if (r < 0)
		return r;
	r = loop_add(bus->loop, &bus->source, sd_bus_get_fd(bus->bus), EPOLLIN);
	if (!r)
		r = watch(bus);
	if (r)
		bus_close(bus);
	return r;
}

void bus_close(struct bus *bus)
{
	loop_timer_clear(&bus->timer);
	loop_remove(&bus->source);
	bus->bus = sd_bus_close_unref(bus->bus);
}

void bus_pump(struct bus *bus)
{
	if (bus->bus && loop_timer_set(bus->loop, &bus->timer, clock_now_ns()) != 0)
		log_warn("D-Bus: out of memory: a timer was not set");
}
