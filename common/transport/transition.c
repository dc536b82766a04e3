/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/transition.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/transport/seat.h"
#include "common/transport/transport.h"

#define CAP_TO_NS(cap) (((cap) >> 24 & 0xff) * 500 * NS_PER_MS)

static bool has_io_queues(const struct controller *controller)
{
	list_for_each (link, &controller->seats) {
		const struct seat *seat = container_of(link, struct seat, link);

		if (seat->qid > 0 && !seat->is_fenced)
			return true;
	}
	return false;
}

/* In the state that it is in; 0: as long as it likes. */
static uint64_t limit_ns(const struct controller *controller)
{
	const struct properties *properties = &controller->properties;
	const struct limits *limits = transport_limits(controller->transport);

	if (properties_are_resetting(properties))
		return CAP_TO_NS(properties->cap);
	if (properties_are_shutting_down(properties))
		return limits->shutdown_timeout_ms * NS_PER_MS;
	return properties_allow_io(properties) ? 0 : limits->disabled_timeout_ms * NS_PER_MS;
}

/* It is in another state from now on. */
static void watch(struct controller *controller)
{
	uint64_t limit = limit_ns(controller);

	controller_enable(controller);
	if (limit == 0)
		loop_timer_clear(&controller->transition);
	else
		loop_timer_set(controller->transport->service.loop,
		               &controller->transition,
		               clock_now_ns() + limit);
}

/* False: it is in no transition. */
static bool finish(struct controller *controller, bool in_time)
{
	struct properties *properties = &controller->properties;

	if (properties_are_resetting(properties))
		properties_are_reset(properties, in_time);
	else if (properties_are_shutting_down(properties))
		properties_are_shut_down(properties, in_time);
	else
		return false;
	return true;
}

void transition_settle(struct controller *controller)
{
	if (controller->ended)
		return;
	if (!has_io_queues(controller) && finish(controller, true))
		watch(controller);
	else if (!controller->transition.due_ns)
		watch(controller);
}

void transition_is_late(struct loop_timer *timer)
{
	struct controller *controller = container_of(timer, struct controller, transition);

	if (properties_allow_io(&controller->properties))
		return;
	if (!finish(controller, false)) {
		controller_end(controller, "its host has not enabled it in time");
		return;
	}
	if (controller_is_news(controller))
		log_warn("%s: a reset or a shutdown takes too long: what is in flight does not end",
		         controller->name);
	watch(controller);
}

void transition_stop(struct controller *controller)
{
	loop_timer_clear(&controller->transition);
}

void transition_begin(struct controller *controller, enum properties_change change)
{
	struct properties *properties = &controller->properties;

	switch (change) {
	case PROPERTIES_SAME:
	case PROPERTIES_SUBSYSTEM_RESET:
		return;
	case PROPERTIES_ENABLED:
		if (!properties_are_ready(properties) && controller_is_news(controller))
			log_warn("%s: enabled with what it cannot do: CC %08x",
			         controller->name,
			         properties->cc);
		break;
	case PROPERTIES_DISABLED:
		controller_end_queues(controller, "its host has reset the controller");
		break;
	case PROPERTIES_SHUT_DOWN:
		controller_end_queues(controller, "its host has shut the controller down");
		break;
	case PROPERTIES_SHUT_DOWN_NOW:
		controller_end_queues(controller, "its host has shut the controller down");
		properties_are_shut_down(properties, true);
		break;
	}
	watch(controller);
	transition_settle(controller);
}

void transition_reset_subsystem(struct controller *controller)
{
	if (controller->ended)
		return;
	properties_reset_subsystem(&controller->properties);
	transition_begin(controller, PROPERTIES_DISABLED);
}
