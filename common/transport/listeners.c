/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/proc/store.h"
#include "common/transport/transport.h"

struct entry {
	struct list link;
	struct view_port port;
	struct listener *listener; /* NULL: not open */
	char reason[128];          /* why not */
	bool is_seen;              /* in the view being shown */
};

static void retry(struct loop_timer *timer);

void listeners_init(struct listeners *listeners)
{
	list_init(&listeners->all);
	listeners->timer = LOOP_TIMER(retry);
}

static struct entry *entry_of(struct list *link)
{
	return container_of(link, struct entry, link);
}

/* ------------------------------------------------------------------ opening and closing */

/* True: it is open now, or there is another reason why not. */
static bool open_entry(struct transport *transport, struct entry *entry)
{
	const struct view_port *port = &entry->port;
	struct listener_address address = {.port_id = port->id,
	                                   .adrfam = port->adrfam,
	                                   .traddr = port->traddr,
	                                   .trsvcid = port->trsvcid};
	char reason[sizeof(entry->reason)] = "";
	int r = transport->wire->listen(
		transport, &address, &entry->listener, reason, sizeof(reason));

	if (r == 0) {
		log_info("port %u: listening on %s:%s", port->id, port->traddr, port->trsvcid);
		entry->reason[0] = 0;
		return true;
	}
	entry->listener = NULL;
	if (!reason[0])
		strncpy(reason, error_words(r), sizeof(reason) - 1);
	if (strcmp(entry->reason, reason) == 0)
		return false;
	log_warn("port %u: cannot listen on %s:%s: %s: will try again",
	         port->id,
	         port->traddr,
	         port->trsvcid,
	         reason);
	memcpy(entry->reason, reason, sizeof(reason));
	return true;
}

static void close_entry(struct transport *transport, struct entry *entry)
{
	list_remove(&entry->link);
	if (entry->listener)
		transport->wire->unlisten(entry->listener);
	free(entry);
}

/* True: something has changed. */
static bool open_closed(struct transport *transport)
{
	bool is_all_open = true, has_changed = false;

	list_for_each (link, &transport->listeners.all) {
		struct entry *entry = entry_of(link);

		if (!entry->listener)
			has_changed |= open_entry(transport, entry);
		is_all_open &= entry->listener != NULL;
	}
	if (!is_all_open)
		loop_timer_set(transport->service.loop,
		               &transport->listeners.timer,
		               clock_now_ns() + NS_PER_S);
	return has_changed;
}

static void retry(struct loop_timer *timer)
{
	struct transport *transport = container_of(timer, struct transport, listeners.timer);

	if (open_closed(transport))
		listeners_report(transport);
}

static void lose(struct transport *transport, struct entry *entry, const char *reason)
{
	transport->wire->unlisten(take(&entry->listener));
	snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
	log_warn("port %u: does not listen any more on %s:%s: %s: will try again",
	         entry->port.id,
	         entry->port.traddr,
	         entry->port.trsvcid,
	         reason);
	loop_timer_set(
		transport->service.loop, &transport->listeners.timer, clock_now_ns() + NS_PER_S);
	listeners_report(transport);
}

void transport_listener_lost(struct transport *transport, struct listener *listener,
                             const char *reason)
{
	list_for_each (link, &transport->listeners.all) {
		struct entry *entry = entry_of(link);

		if (entry->listener != listener)
			continue;
		lose(transport, entry, reason);
		return;
	}
}

/* ------------------------------------------------------------------ a new view */

static struct entry *find(struct listeners *listeners, uint32_t port_id)
{
	list_for_each (link, &listeners->all)
		if (entry_of(link)->port.id == port_id)
			return entry_of(link);
	return NULL;
}

static bool is_same_address(const struct view_port *a, const struct view_port *b)
{
	return strcmp(a->adrfam, b->adrfam) == 0 && strcmp(a->traddr, b->traddr) == 0 &&
	       strcmp(a->trsvcid, b->trsvcid) == 0;
}

static void end_controllers(struct transport *transport, uint32_t port_id)
{
	list_for_each_safe (link, &transport->controllers) {
		struct controller *controller = container_of(link, struct controller, link);

		if (controller->port_id == port_id)
			controller_end(controller, "its port is gone");
	}
}

/* Also of a port whose address has changed: an entry is replaced, not moved. */
static void close_gone(struct transport *transport)
{
	list_for_each_safe (link, &transport->listeners.all) {
		struct entry *entry = entry_of(link);

		if (entry->is_seen)
			continue;
		log_info("port %u: closed", entry->port.id);
		end_controllers(transport, entry->port.id);
		close_entry(transport, entry);
	}
}

static void add(struct transport *transport, const struct view_port *port)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry) {
		log_err("port %u: no memory for it", port->id);
		ipc_client_start_over(transport->client, "there was no memory for a port");
		return;
	}
	entry->port = *port;
	entry->is_seen = true;
	list_append(&transport->listeners.all, &entry->link);
}

void listeners_show(struct transport *transport, const struct view *view)
{
	list_for_each (link, &transport->listeners.all) {
		struct entry *entry = entry_of(link);
		const struct view_port *port = view_port(view, entry->port.id);

		entry->is_seen = port && is_same_address(port, &entry->port);
	}
	close_gone(transport);
	for (uint32_t i = 0; i < view->n_ports; i++)
		if (!find(&transport->listeners, view->ports[i].id))
			add(transport, &view->ports[i]);
	loop_timer_clear(&transport->listeners.timer);
	open_closed(transport);
	if (!transport->listeners.has_shown)
		store_drop_rest(); /* of ports that went while there was no process */
	transport->listeners.has_shown = true;
	listeners_report(transport);
}

void listeners_close(struct transport *transport)
{
	loop_timer_clear(&transport->listeners.timer);
	while (!list_is_empty(&transport->listeners.all))
		close_entry(transport, entry_of(transport->listeners.all.next));
}

/* ------------------------------------------------------------------ the report */

static size_t count_entries(const struct listeners *listeners)
{
	size_t n = 0;

	list_for_each (link, &listeners->all)
		n++;
	return n;
}

void listeners_report(struct transport *transport)
{
	size_t n = count_entries(&transport->listeners), i = 0;
	Nvmetd__TransportReport report = NVMETD__TRANSPORT_REPORT__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	_cleanup_(cleanup_free) Nvmetd__ListenerReport *reports = calloc(n + 1, sizeof(*reports));
	_cleanup_(cleanup_free)
		Nvmetd__ListenerReport **pointers = calloc(n + 1, sizeof(*pointers));

	if (!transport->view)
		return;
	if (!reports || !pointers) {
		ipc_client_start_over(transport->client, "there was no memory for a report");
		return;
	}
	list_for_each (link, &transport->listeners.all) {
		struct entry *entry = entry_of(link);

		nvmetd__listener_report__init(&reports[i]);
		reports[i].port_id = entry->port.id;
		reports[i].listening = entry->listener != NULL;
		reports[i].reason = entry->reason;
		pointers[i] = &reports[i];
		i++;
	}
	report.revision = transport->view->revision;
	report.n_listeners = n;
	report.listeners = pointers;
	message.body_case = NVMETD__ENVELOPE__BODY_TRANSPORT_REPORT;
	message.transport_report = &report;
	transport_tell(transport, &message);
}
