/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/mdns_service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"

/*
 *   step            ends when
 *   IDLE            it is begun
 *   MAKES           the entry group is made                   (5 s)
 *   ADDS_ADDRESS    the address of the host name is added     (5 s)
 *   ADDS_SERVICE    the service is added                      (5 s)
 *   COMMITS         that is committed                         (5 s)
 *   PROBES          nobody else has the names                 (30 s)
 *   ANNOUNCED       avahi-daemon says otherwise, or goes
 *   FAILED          it is begun again
 */
#define CALL_US      (5 * 1000000ull)
#define PROBE_NS     (30 * NS_PER_S)
#define ATTEMPTS_MAX 99

#define AVAHI       "org.freedesktop.Avahi"
#define AVAHI_GROUP "org.freedesktop.Avahi.EntryGroup"

/* of avahi's interface */
#define IF_ANY             (-1)
#define PROTO_ANY          (-1)
#define PROTO_INET         0
#define PUBLISH_NO_REVERSE 16u /* the address has a name already: the machine's */
enum { GROUP_ESTABLISHED = 2, GROUP_COLLISION = 3, GROUP_FAILURE = 4 };

static int call(struct mdns_service *service, sd_bus_message *message);

/* ------------------------------------------------------------------ ends of steps */

/* Without waiting for an answer. */
static void free_group(struct mdns_service *service)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;

	if (!service->path[0] || !service->bus->bus)
		return;
	if (sd_bus_message_new_method_call(
		    service->bus->bus, &message, AVAHI, service->path, AVAHI_GROUP, "Free") < 0)
		return;
	sd_bus_message_set_expect_reply(message, 0);
	sd_bus_message_set_auto_start(message, 0);
	sd_bus_send(service->bus->bus, message, NULL);
	bus_pump(service->bus);
}

void mdns_service_stop(struct mdns_service *service, bool tell)
{
	loop_timer_clear(&service->deadline);
	service->call = sd_bus_slot_unref(service->call);
	if (tell)
		free_group(service);
	service->path[0] = '\0';
	service->step = MDNS_IDLE;
}

static void fail(struct mdns_service *service, const char *reason)
{
	mdns_service_stop(service, true);
	service->step = MDNS_FAILED;
	service->was_said = false;
	snprintf(service->reason, sizeof(service->reason), "%s", reason);
	service->changed(service);
}

static void collide(struct mdns_service *service)
{
	log_info("mDNS: \"%s\": somebody else has that name: trying another", service->name);
	if (service->attempt >= ATTEMPTS_MAX) {
		service->attempt = 0;
		fail(service, "each name that was tried is somebody else's");
		return;
	}
	mdns_service_stop(service, true);
	mdns_service_begin(service);
}

static void deadline_passed(struct loop_timer *timer)
{
	fail(container_of(timer, struct mdns_service, deadline),
	     "avahi-daemon does not come to an end with it");
}

static void announced(struct mdns_service *service)
{
	loop_timer_clear(&service->deadline);
	service->step = MDNS_ANNOUNCED;
	service->reason[0] = '\0';
	if (!service->was_said)
		log_info("mDNS: port %u: announced as \"%s\"", service->port_id, service->name);
	service->was_said = true;
	service->changed(service);
}

void mdns_service_hear(struct mdns_service *service, int state, const char *error)
{
	char safe[100], words[160];

	if (state == GROUP_ESTABLISHED && service->step != MDNS_ANNOUNCED)
		announced(service);
	else if (state == GROUP_COLLISION)
		collide(service);
	else if (state == GROUP_FAILURE) {
		snprintf(words,
		         sizeof(words),
		         "avahi-daemon says: %s",
		         log_safe(safe, sizeof(safe), error, strlen(error)));
		fail(service, words);
	}
}

/* ------------------------------------------------------------------ steps */

static void take_error(struct mdns_service *service, const sd_bus_error *error)
{
	char safe[100], words[160];
	const char *said = error->message ? error->message : error->name;

	if (strcmp(error->name, AVAHI ".CollisionError") == 0) {
		collide(service);
		return;
	}
	if (sd_bus_error_get_errno(error) == ETIMEDOUT) {
		fail(service, "avahi-daemon does not answer");
		return;
	}
	snprintf(words,
	         sizeof(words),
	         "avahi-daemon refuses it: %s",
	         log_safe(safe, sizeof(safe), said, strlen(said)));
	fail(service, words);
}

static int new_message(struct mdns_service *service, sd_bus_message **ret_message,
                       const char *member)
{
	return sd_bus_message_new_method_call(
		service->bus->bus, ret_message, AVAHI, service->path, AVAHI_GROUP, member);
}

/* The interface that has the address; IF_ANY where none is known. */
static int interface_of(const char *traddr)
{
	const char *zone = strchr(traddr, '%');
	struct ifaddrs *all, *at;
	char text[INET6_ADDRSTRLEN];
	int index = IF_ANY;

	if (zone) {
		unsigned found = if_nametoindex(zone + 1);

		return found ? (int)found : IF_ANY;
	}
	if (getifaddrs(&all) < 0)
		return IF_ANY;
	for (at = all; at && index == IF_ANY; at = at->ifa_next) {
		const void *bytes = NULL;

		if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET)
			bytes = &((struct sockaddr_in *)at->ifa_addr)->sin_addr;
		else if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET6)
			bytes = &((struct sockaddr_in6 *)at->ifa_addr)->sin6_addr;
		if (bytes && inet_ntop(at->ifa_addr->sa_family, bytes, text, sizeof(text)) &&
		    strcmp(text, traddr) == 0)
			index = (int)if_nametoindex(at->ifa_name);
	}
	freeifaddrs(all);
	return index > 0 ? index : IF_ANY;
}

static int add_address(struct mdns_service *service)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	char address[sizeof(service->traddr)];
	int r = new_message(service, &message, "AddAddress");

	snprintf(address, sizeof(address), "%s", service->traddr);
	address[strcspn(address, "%")] = '\0';
	if (r >= 0)
		r = sd_bus_message_append(message,
		                          "iiuss",
		                          interface_of(service->traddr),
		                          PROTO_ANY,
		                          PUBLISH_NO_REVERSE,
		                          service->host,
		                          address);
	return r < 0 ? r : call(service, message);
}

static int append_text(sd_bus_message *message, const char *key, const char *value)
{
	char text[256]; /* one string of a TXT record has 255 bytes (RFC 6763 §6.1) */
	int length = snprintf(text, sizeof(text), "%s=%s", key, value);

	return sd_bus_message_append_array(message, 'y', text, (size_t)length);
}

static int append_txt(sd_bus_message *message, const struct mdns_service *service)
{
	int r = sd_bus_message_open_container(message, 'a', "ay");

	if (r >= 0)
		r = append_text(message, "p", service->trtype);
	if (r >= 0)
		r = append_text(message, "nqn", service->nqn);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int add_service(struct mdns_service *service)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	bool is_ipv4_only = strcmp(service->traddr, "0.0.0.0") == 0;
	int r = new_message(service, &message, "AddService");

	if (r >= 0)
		r = sd_bus_message_append(message,
		                          "iiussssq",
		                          service->host[0] ? interface_of(service->traddr) : IF_ANY,
		                          is_ipv4_only ? PROTO_INET : PROTO_ANY,
		                          0u,
		                          service->name,
		                          "_nvme-disc._tcp",
		                          "",
		                          service->host,
		                          service->trsvcid);
	if (r >= 0)
		r = append_txt(message, service);
	return r < 0 ? r : call(service, message);
}

static int commit(struct mdns_service *service)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	int r = new_message(service, &message, "Commit");

	return r < 0 ? r : call(service, message);
}

static int take_path(struct mdns_service *service, sd_bus_message *reply)
{
	const char *path;
	int r = sd_bus_message_read(reply, "o", &path);

	if (r < 0)
		return r;
	if (strlen(path) >= sizeof(service->path))
		return -ENAMETOOLONG;
	memcpy(service->path, path, strlen(path) + 1);
	return 0;
}

static int take_next_step(struct mdns_service *service, sd_bus_message *reply)
{
	int r;

	switch (service->step) {
	case MDNS_MAKES:
		r = take_path(service, reply);
		if (r < 0)
			return r;
		service->step = service->host[0] ? MDNS_ADDS_ADDRESS : MDNS_ADDS_SERVICE;
		return service->host[0] ? add_address(service) : add_service(service);
	case MDNS_ADDS_ADDRESS:
		service->step = MDNS_ADDS_SERVICE;
		return add_service(service);
	case MDNS_ADDS_SERVICE:
		service->step = MDNS_COMMITS;
		return commit(service);
	case MDNS_COMMITS:
		service->step = MDNS_PROBES;
		return loop_timer_set(
			service->bus->loop, &service->deadline, clock_now_ns() + PROBE_NS);
	default: /* it was announced before Commit was answered */
		return 0;
	}
}

static int replied(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
	struct mdns_service *service = context;
	int r;

	(void)ret_error;
	service->call = sd_bus_slot_unref(service->call);
	if (sd_bus_message_is_method_error(reply, NULL)) {
		take_error(service, sd_bus_message_get_error(reply));
		return 1;
	}
	r = take_next_step(service, reply);
	if (r < 0)
		fail(service, error_words(r));
	return 1;
}

static int call(struct mdns_service *service, sd_bus_message *message)
{
	int r = sd_bus_message_set_auto_start(message, 0);

	if (r >= 0)
		r = sd_bus_call_async(
			service->bus->bus, &service->call, message, replied, service, CALL_US);
	bus_pump(service->bus);
	return r < 0 ? r : 0;
}

void mdns_service_begin(struct mdns_service *service)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	char machine[256] = "";
	int r;

	gethostname(machine, sizeof(machine) - 1);
	service->attempt++;
	mdns_service_name(service->name, machine, service->port_id, service->attempt);
	if (service->host[0])
		mdns_host_name(service->host, machine, service->port_id, service->attempt);
	service->step = MDNS_MAKES;
	r = sd_bus_message_new_method_call(
		service->bus->bus, &message, AVAHI, "/", AVAHI ".Server", "EntryGroupNew");
	if (r >= 0)
		r = call(service, message);
	if (r < 0)
		fail(service, error_words(r));
}

/* ------------------------------------------------------------------ life */

static bool is_wildcard(const char *traddr)
{
	return strcmp(traddr, "0.0.0.0") == 0 || strcmp(traddr, "::") == 0;
}

struct mdns_service *mdns_service_new(struct bus *bus, const Nvmetd__AnnounceListener *listener,
                                      const char *nqn)
{
	struct mdns_service *service = calloc(1, sizeof(*service));

	if (!service || strlen(listener->traddr) >= sizeof(service->traddr)) {
		free(service);
		return NULL;
	}
	list_init(&service->link);
	service->bus = bus;
	service->deadline = LOOP_TIMER(deadline_passed);
	service->port_id = listener->port_id;
	service->trsvcid = (uint16_t)strtoul(listener->trsvcid, NULL, 10);
	snprintf(service->trtype, sizeof(service->trtype), "%.7s", listener->trtype);
	snprintf(service->traddr, sizeof(service->traddr), "%.63s", listener->traddr);
	snprintf(service->nqn, sizeof(service->nqn), "%.255s", nqn);
	if (!is_wildcard(service->traddr))
		mdns_host_name(service->host, "", service->port_id, 1); /* until it begins */
	return service;
}

void mdns_service_free(struct mdns_service *service)
{
	mdns_service_stop(service, true);
	list_remove(&service->link);
	free(service);
}

bool mdns_service_is_for(const struct mdns_service *service,
                         const Nvmetd__AnnounceListener *listener, const char *nqn)
{
	return service->port_id == listener->port_id &&
	       strcmp(service->trtype, listener->trtype) == 0 &&
	       strcmp(service->traddr, listener->traddr) == 0 &&
	       service->trsvcid == (uint16_t)strtoul(listener->trsvcid, NULL, 10) &&
	       strcmp(service->nqn, nqn) == 0;
}
