/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "hw-drivers/rdma/adapter.h"
#include "hw-drivers/rdma/events.h"
#include "services/rdma/agreement.h"
#include "services/rdma/connection.h"

#define BACKLOG 128

struct listener {
	struct transport *transport;
	struct rdma_cm_id *id;
	struct log_limit refusals;
	uint32_t port_id;
};

/* Of the process. */
static struct events events;
static struct adapters adapters;

/* ------------------------------------------------------------------ a host's request */

static struct agreement_limits limits_of(const struct port_limits *port,
                                         const struct adapter *adapter)
{
	return (struct agreement_limits){
		.in_capsule_bytes = port->in_capsule_bytes,
		.queue_size = port->queue_size,
		.send_requests = adapter->max_send_wr,
		.completions = adapter->max_cqe,
		.reads = adapter->max_reads,
	};
}

static void refuse(struct listener *listener, struct rdma_cm_id *id, enum rdma_cm_status status,
                   const char *why)
{
	if (log_allowed(&listener->refusals, 5, 10000))
		log_warn("port %u: connection refused: %s", listener->port_id, why);
	connection_reject(id, status);
	rdma_destroy_id(id);
}

/* Takes the identifier and the reference. */
static void place(struct listener *listener, struct rdma_cm_id *id, struct adapter *adapter,
                  const struct agreement *agreement)
{
	struct connection *connection = connection_new(id, adapter, listener->port_id, agreement);

	if (!connection) {
		adapter_drop(adapter);
		refuse(listener, id, RDMA_CM_NO_RESOURCES, "no memory");
		return;
	}
	if (transport_place(listener->transport,
	                    connection,
	                    listener->port_id,
	                    connection->queue.host_address))
		return;
	if (log_allowed(&listener->refusals, 5, 10000))
		log_warn("port %u: connection from %s refused: too many connections",
		         listener->port_id,
		         connection->queue.host_address);
	connection_reject(id, RDMA_CM_NO_RESOURCES);
	connection_free(connection);
}

static void requested(struct listener *listener, const struct event *event)
{
	struct agreement agreement;
	struct agreement_limits limits;
	struct port_limits port;
	struct adapter *adapter;
	enum rdma_cm_status status;
	char reason[160] = "no memory";

	if (!transport_port_limits(listener->transport, listener->port_id, &port)) {
		refuse(listener, event->id, RDMA_CM_NO_RESOURCES, "its port is gone");
		return;
	}
	if (adapter_find(&adapters, event->id, &adapter, reason, sizeof(reason))) {
		refuse(listener, event->id, RDMA_CM_NO_RESOURCES, reason);
		return;
	}
	limits = limits_of(&port, adapter);
	status = agreement_make(
		event->private_data, event->private_bytes, event->host_reads, &limits, &agreement);
	if (status == RDMA_CM_ACCEPTABLE) {
		place(listener, event->id, adapter, &agreement);
		return;
	}
	adapter_drop(adapter);
	refuse(listener, event->id, status, rdma_cm_status_words(status));
}

/* ------------------------------------------------------------------ what happens to it */

static struct adapter *find_adapter(const struct ibv_context *verbs)
{
	list_for_each (link, &adapters.all) {
		struct adapter *adapter = container_of(link, struct adapter, link);

		if (adapter->verbs == verbs)
			return adapter;
	}
	return NULL;
}

static void device_goes(struct listener *listener)
{
	struct adapter *adapter = find_adapter(listener->id->verbs);

	if (adapter)
		adapter_forget(adapter);
	transport_listener_lost(listener->transport, listener, "its device is gone");
}

/* Identifiers of connections that are on their way to a reactor have no context. */
static void happened(struct events *of, const struct event *event)
{
	struct listener *listener = event->context;

	(void)of;
	if (!listener)
		return;
	switch (event->type) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		event->id->context = NULL; /* the listener's until now */
		requested(listener, event);
		return;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		device_goes(listener);
		return;
	case RDMA_CM_EVENT_ADDR_CHANGE:
		transport_listener_lost(listener->transport, listener, "its address has moved");
		return;
	default:
		log_debug("port %u: %s", listener->port_id, rdma_event_str(event->type));
	}
}

/* ------------------------------------------------------------------ the process's part */

static int list_memories(struct transport *transport, struct iovec **ret_memories, unsigned *ret_n)
{
	struct reactor *reactor;
	unsigned n = 0;

	while (transport_reactor(transport, n))
		n++;
	*ret_memories = calloc(n, sizeof(struct iovec));
	if (!*ret_memories)
		return error_origin(-ENOMEM);
	for (*ret_n = 0; (reactor = transport_reactor(transport, *ret_n)); (*ret_n)++)
		(*ret_memories)[*ret_n] = reactor_memory(reactor);
	return 0;
}

static int open_process(struct transport *transport, char *reason, size_t reason_size)
{
	struct iovec *memories;
	unsigned n;
	int r;

	if (events.channel)
		return 0;
	r = events_open(&events, transport_loop(transport), happened);
	if (r) {
		snprintf(reason,
		         reason_size,
		         "no RDMA on this machine: %s: is rdma_ucm loaded, and /dev/infiniband "
		         "there?",
		         error_words(r));
		return r;
	}
	r = list_memories(transport, &memories, &n);
	if (r) {
		events_close(&events);
		return r;
	}
	adapters_init(&adapters, transport_loop(transport), events.channel, memories, n);
	return 0;
}

/* ------------------------------------------------------------------ listening */

static int resolve(const struct listener_address *address, struct addrinfo **ret_found,
                   char *reason, size_t reason_size)
{
	bool is_ipv6 = strcmp(address->adrfam, "ipv6") == 0;
	struct addrinfo hints = {.ai_family = is_ipv6 ? AF_INET6 : AF_INET,
	                         .ai_socktype = SOCK_STREAM,
	                         .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
	int r = getaddrinfo(address->traddr, address->trsvcid, &hints, ret_found);

	if (r == 0)
		return 0;
	snprintf(reason, reason_size, "%s", gai_strerror(r));
	return -EINVAL;
}

static int explain_bind(char *reason, size_t reason_size)
{
	int r = -errno;

	if (r == -ENODEV || r == -EADDRNOTAVAIL)
		snprintf(reason, reason_size, "no RDMA device has this address");
	return error_origin(r);
}

static int bind_and_listen(struct listener *listener, const struct addrinfo *found, char *reason,
                           size_t reason_size)
{
	struct adapter *adapter;
	int r = 0, only = 1;

	if (found->ai_family == AF_INET6)
		rdma_set_option(listener->id,
		                RDMA_OPTION_ID,
		                RDMA_OPTION_ID_AFONLY,
		                &only,
		                sizeof(only)); /* else IPv4 cannot be had beside it */
	if (rdma_bind_addr(listener->id, found->ai_addr) < 0)
		return explain_bind(reason, reason_size);
	if (listener->id->verbs) {
		r = adapter_find(&adapters, listener->id, &adapter, reason, reason_size);
		if (r)
			return r;
		adapter_drop(adapter);
	}
	return rdma_listen(listener->id, BACKLOG) < 0 ? error_origin(-errno) : 0;
}

int listener_new(struct transport *transport, const struct listener_address *address,
                 struct listener **ret_listener, char *reason, size_t reason_size)
{
	struct listener *listener;
	struct addrinfo *found;
	int r = open_process(transport, reason, reason_size);

	if (!r)
		r = resolve(address, &found, reason, reason_size);
	if (r)
		return r;
	listener = calloc(1, sizeof(*listener));
	if (listener && rdma_create_id(events.channel, &listener->id, listener, RDMA_PS_TCP) < 0)
		r = error_origin(-errno);
	if (listener && !r) {
		listener->transport = transport;
		listener->port_id = address->port_id;
		r = bind_and_listen(listener, found, reason, reason_size);
	}
	freeaddrinfo(found);
	if (listener && !r) {
		*ret_listener = listener;
		return 0;
	}
	if (listener && listener->id)
		rdma_destroy_id(listener->id);
	free(listener);
	return listener ? r : error_origin(-ENOMEM);
}

void listener_free(struct listener *listener)
{
	rdma_destroy_id(listener->id);
	free(listener);
}
