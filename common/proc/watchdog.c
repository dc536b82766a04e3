/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/proc/watchdog.h"

#include <systemd/sd-daemon.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/supervisor.h"

#define SIGNS_OF_LIFE 4 /* within the time that the watchdog allows from one to the next */

/* Half of the limit without a turn is worth a line: what follows may be the end of us. */
static void note_silence(struct service *service, struct pulse *pulse, uint64_t silent_ns)
{
	if (pulse->is_missed || silent_ns < service->watchdog_ns / 2)
		return;
	pulse->is_missed = true;
	log_err("thread \"%s\": hangs, for %llu ms now: the process will be killed if it goes on",
	        pulse->name,
	        (unsigned long long)(silent_ns / NS_PER_MS));
	service_says(service, "thread \"%s\" hangs", pulse->name);
}

static void note_answer(struct service *service, struct pulse *pulse)
{
	if (!pulse->is_missed)
		return;
	pulse->is_missed = false;
	log_warn("thread \"%s\": turns again", pulse->name);
	service_says(service, "thread \"%s\" turns again", pulse->name);
}

/* What was asked at the last call must have been answered. */
static bool are_threads_alive(struct service *service, uint64_t now_ns)
{
	bool alive = true;

	list_for_each (link, &service->pulses) {
		struct pulse *pulse = container_of(link, struct pulse, link);
		uint64_t silent_ns = pulse_silent_ns(pulse, now_ns);

		if (silent_ns == 0)
			note_answer(service, pulse);
		else
			note_silence(service, pulse, silent_ns);
		alive &= silent_ns == 0;
		pulse_ask(pulse, now_ns);
	}
	return alive;
}

static void say_alive(struct loop_timer *timer)
{
	struct service *service = container_of(timer, struct service, watchdog);
	uint64_t now_ns = loop_now_ns(service->loop);

	if (are_threads_alive(service, now_ns))
		supervisor_tell("WATCHDOG=1", -1, 0); /* the next one comes in time, too */
	/* In time even if some of them are late. Room is reserved: this cannot fail. */
	loop_timer_set(service->loop, timer, now_ns + service->watchdog_ns / SIGNS_OF_LIFE);
}

void service_watch(struct service *service, struct pulse *pulse)
{
	list_append(&service->pulses, &pulse->link);
}

void service_watch_no_more(struct pulse *pulse)
{
	list_remove(&pulse->link);
}

int watchdog_start(struct service *service)
{
	uint64_t limit_us;

	service->watchdog = LOOP_TIMER(say_alive);
	if (sd_watchdog_enabled(0, &limit_us) <= 0)
		return 0;
	service->watchdog_ns = limit_us * NS_PER_US;
	return loop_timer_set(service->loop, &service->watchdog, clock_now_ns());
}
