/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/mdns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"

#define BACKOFF_FIRST_NS NS_PER_S
#define BACKOFF_MAX_NS   (60 * NS_PER_S)
#define CALL_US          (5 * 1000000ull)
#define SERVICES_MAX     256

#define AVAHI          "org.freedesktop.Avahi"
#define SERVER_RUNNING 2

static void ask_daemon(struct mdns *mdns);

/* ------------------------------------------------------------------ trying again */

static void come_again(struct mdns *mdns)
{
	if (mdns->retry.due_ns)
		return;
	if (loop_timer_set(mdns->loop, &mdns->retry, clock_now_ns() + mdns->backoff_ns) != 0)
		log_err("mDNS: out of memory: a timer was not set");
	mdns->backoff_ns *= 2;
	if (mdns->backoff_ns > BACKOFF_MAX_NS)
		mdns->backoff_ns = BACKOFF_MAX_NS;
}

static void say_reason(struct mdns *mdns, const char *reason)
{
	bool is_new = strcmp(mdns->reason, reason) != 0;

	snprintf(mdns->reason, sizeof(mdns->reason), "%s", reason);
	if (is_new)
		log_warn("mDNS: nothing is announced: %s: trying on", reason);
}

/* ------------------------------------------------------------------ services */

static void service_changed(struct mdns_service *service)
{
	struct mdns *mdns = service->context;

	if (service->step == MDNS_FAILED) {
		log_warn("mDNS: port %u: not announced: %s: trying on",
		         service->port_id,
		         service->reason);
		come_again(mdns);
	} else {
		mdns->backoff_ns = BACKOFF_FIRST_NS;
	}
}

static void begin_services(struct mdns *mdns)
{
	list_for_each (at, &mdns->services) {
		struct mdns_service *service = container_of(at, struct mdns_service, link);

		if (service->step == MDNS_FAILED)
			service->attempt = 0;
		if (service->step == MDNS_IDLE || service->step == MDNS_FAILED)
			mdns_service_begin(service);
	}
}

/* tell: avahi-daemon is there */
static void stop_services(struct mdns *mdns, bool tell)
{
	list_for_each (at, &mdns->services) {
		struct mdns_service *service = container_of(at, struct mdns_service, link);

		mdns_service_stop(service, tell);
		service->attempt = 0;
		service->was_said = false;
	}
}

static bool is_wanted(const struct mdns_service *service, const Nvmetd__AnnounceView *view)
{
	for (size_t i = 0; view && i < view->n_listeners; i++)
		if (mdns_service_is_for(service, view->listeners[i], view->discovery_nqn))
			return true;
	return false;
}

static bool is_there(const struct mdns *mdns, const Nvmetd__AnnounceListener *listener)
{
	list_for_each (at, (struct list *)&mdns->services)
		if (mdns_service_is_for(container_of(at, struct mdns_service, link),
		                        listener,
		                        mdns->view->discovery_nqn))
			return true;
	return false;
}

static void add_service(struct mdns *mdns, const Nvmetd__AnnounceListener *listener)
{
	struct mdns_service *service = mdns_service_new(
		&mdns->bus, listener, mdns->view->discovery_nqn);

	if (!service) {
		log_err("mDNS: port %u: not announced: there is not enough memory for it",
		        listener->port_id);
		return;
	}
	service->changed = service_changed;
	service->context = mdns;
	list_append(&mdns->services, &service->link);
}

static void follow_view(struct mdns *mdns)
{
	unsigned count = 0;

	list_for_each_safe (at, &mdns->services) {
		struct mdns_service *service = container_of(at, struct mdns_service, link);

		if (is_wanted(service, mdns->view)) {
			count++;
			continue;
		}
		log_info("mDNS: port %u: withdrawn", service->port_id);
		mdns_service_free(service);
	}
	for (size_t i = 0; mdns->view && i < mdns->view->n_listeners && count < SERVICES_MAX; i++)
		if (!is_there(mdns, mdns->view->listeners[i])) {
			add_service(mdns, mdns->view->listeners[i]);
			count++;
		}
}

/* ------------------------------------------------------------------ avahi-daemon */

static void daemon_runs(struct mdns *mdns)
{
	mdns->is_running = true;
	mdns->reason[0] = '\0';
	begin_services(mdns);
}

static void daemon_goes(struct mdns *mdns, const char *reason)
{
	mdns->is_running = false;
	stop_services(mdns, false);
	say_reason(mdns, reason);
}

/* It is there, and will say when it can begin: that takes a second at each of its starts. */
static void daemon_gets_ready(struct mdns *mdns)
{
	mdns->is_running = false;
	stop_services(mdns, true);
	snprintf(mdns->reason,
	         sizeof(mdns->reason),
	         "avahi-daemon looks for a host name of its own");
}

static int said_state(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
	struct mdns *mdns = context;
	int state = 0;

	(void)ret_error;
	mdns->ask = sd_bus_slot_unref(mdns->ask);
	if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	    sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
		daemon_goes(mdns, "no avahi-daemon is running");
		come_again(mdns);
	} else if (sd_bus_message_read(reply, "i", &state) < 0) {
		daemon_goes(mdns, "avahi-daemon does not answer");
		come_again(mdns);
	} else if (state == SERVER_RUNNING) {
		daemon_runs(mdns);
	} else {
		daemon_gets_ready(mdns);
	}
	return 1;
}

static void ask_daemon(struct mdns *mdns)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	int r;

	if (mdns->ask)
		return;
	r = sd_bus_message_new_method_call(
		mdns->bus.bus, &message, AVAHI, "/", AVAHI ".Server", "GetState");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(message, 0);
	if (r >= 0)
		r = sd_bus_call_async(
			mdns->bus.bus, &mdns->ask, message, said_state, mdns, CALL_US);
	if (r < 0) {
		say_reason(mdns, error_words(r));
		come_again(mdns);
	}
	bus_pump(&mdns->bus);
}

static int owner_changed(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
	struct mdns *mdns = context;
	const char *name, *old, *new;

	(void)ret_error;
	if (sd_bus_message_read(message, "sss", &name, &old, &new) < 0 || strcmp(name, AVAHI) != 0)
		return 0;
	if (*new == '\0')
		daemon_goes(mdns, "no avahi-daemon is running");
	else
		ask_daemon(mdns);
	return 0;
}

static int server_changed(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
	struct mdns *mdns = context;
	const char *error;
	int state;

	(void)ret_error;
	if (sd_bus_message_read(message, "is", &state, &error) < 0)
		return 0;
	if (state == SERVER_RUNNING)
		daemon_runs(mdns);
	else
		daemon_gets_ready(mdns);
	return 0;
}

static int group_changed(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
	struct mdns *mdns = context;
	const char *path = sd_bus_message_get_path(message), *error;
	int state;

	(void)ret_error;
	if (!path || sd_bus_message_read(message, "is", &state, &error) < 0)
		return 0;
	list_for_each (at, &mdns->services) {
		struct mdns_service *service = container_of(at, struct mdns_service, link);

		if (strcmp(service->path, path) != 0)
			continue;
		mdns_service_hear(service, state, error);
		return 0;
	}
	return 0;
}

/* ------------------------------------------------------------------ the bus */

#define MATCH_AVAHI "type='signal',sender='" AVAHI "',member='StateChanged',interface='" AVAHI

static int listen_to_bus(struct mdns *mdns)
{
	static const struct {
		const char *match;
		sd_bus_message_handler_t heard;
	} matches[] = {
		{"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
	         "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" AVAHI "'",
	         owner_changed												 },
		{MATCH_AVAHI ".Server'",									 server_changed},
		{MATCH_AVAHI ".EntryGroup'",								     group_changed },
	};

	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		int r = sd_bus_add_match_async(mdns->bus.bus,
		                               NULL, /* it lives as long as the bus */
		                               matches[i].match,
		                               matches[i].heard,
		                               NULL,
		                               mdns);

		if (r < 0)
			return error_origin(r);
	}
	return 0;
}

static void leave_bus(struct mdns *mdns)
{
	mdns->is_running = false;
	mdns->ask = sd_bus_slot_unref(mdns->ask);
	stop_services(mdns, false);
	bus_close(&mdns->bus);
}

static void bus_lost(struct bus *bus, int error)
{
	struct mdns *mdns = container_of(bus, struct mdns, bus);
	char words[160];

	leave_bus(mdns);
	snprintf(words, sizeof(words), "the system's D-Bus is gone: %s", error_words(error));
	say_reason(mdns, words);
	come_again(mdns);
}

static void join_bus(struct mdns *mdns)
{
	int r = bus_open(&mdns->bus);
	char words[160];

	if (!r)
		r = listen_to_bus(mdns);
	if (!r) {
		ask_daemon(mdns);
		return;
	}
	leave_bus(mdns);
	snprintf(words, sizeof(words), "the system's D-Bus is not there: %s", error_words(r));
	say_reason(mdns, words);
	come_again(mdns);
}

static void try_again(struct loop_timer *timer)
{
	struct mdns *mdns = container_of(timer, struct mdns, retry);

	if (!mdns->bus.bus)
		join_bus(mdns);
	else if (!mdns->is_running)
		ask_daemon(mdns);
	else
		begin_services(mdns);
}

/* ------------------------------------------------------------------ life */

void mdns_init(struct mdns *mdns, struct loop *loop)
{
	*mdns = (struct mdns){
		.loop = loop,
		.retry = LOOP_TIMER(try_again),
		.backoff_ns = BACKOFF_FIRST_NS,
	};
	list_init(&mdns->services);
	bus_init(&mdns->bus, loop, bus_lost);
}

void mdns_deinit(struct mdns *mdns)
{
	mdns_update(mdns, NULL);
}

void mdns_update(struct mdns *mdns, const Nvmetd__AnnounceView *view)
{
	mdns->view = view && view->mdns ? view : NULL;
	follow_view(mdns);
	if (!mdns->view) {
		loop_timer_clear(&mdns->retry);
		leave_bus(mdns);
		mdns->reason[0] = '\0';
		mdns->backoff_ns = BACKOFF_FIRST_NS;
	} else if (!mdns->bus.bus) {
		if (!mdns->retry.due_ns)
			join_bus(mdns);
	} else if (mdns->is_running) {
		begin_services(mdns);
	}
}
