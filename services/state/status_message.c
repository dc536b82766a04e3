/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/status_message.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uuid.h>

#include "common/base/clock.h"
#include "services/state/move.h"
#include "services/state/reservations.h"
#include "services/state/visibility.h"

/* ------------------------------------------------------------------ peers */

struct status_peer *status_peer_new(struct ipc_peer *peer, int body, uint64_t revision)
{
	struct status_peer *asked = calloc(1, sizeof(*asked));

	if (!asked)
		return NULL;
	asked->peer = peer;
	snprintf(asked->name, sizeof(asked->name), "%s", peer->name);
	snprintf(asked->release, sizeof(asked->release), "%s", peer->release);
	asked->pid = peer->pid;
	asked->threads = peer->threads;
	asked->instance = peer->instance;
	asked->has_keeper = peer->has_keeper;
	asked->since_ns = peer->since_ns;
	asked->revision = revision == UINT64_MAX ? 0 : revision;
	asked->body = body;
	return asked;
}

void status_peer_free(struct status_peer *asked)
{
	if (asked->transport)
		nvmetd__transport_status__free_unpacked(asked->transport, NULL);
	if (asked->worker)
		nvmetd__worker_status__free_unpacked(asked->worker, NULL);
	if (asked->announce)
		nvmetd__announce_status__free_unpacked(asked->announce, NULL);
	list_remove(&asked->link);
	free(asked);
}

/* A copy, as the envelope is freed after the call. */
static ProtobufCMessage *copy(const ProtobufCMessage *message)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	_cleanup_(cleanup_free) uint8_t *bytes = malloc(length + 1);

	if (!bytes)
		return NULL;
	protobuf_c_message_pack(message, bytes);
	return protobuf_c_message_unpack(message->descriptor, NULL, length, bytes);
}

void status_peer_answer(struct status_peer *asked, const envelope *message)
{
	if ((int)message->body_case != asked->body)
		return;
	if (asked->body == NVMETD__ENVELOPE__BODY_WORKER_STATUS)
		asked->worker = (Nvmetd__WorkerStatus *)copy(&message->worker_status->base);
	else if (asked->body == NVMETD__ENVELOPE__BODY_ANNOUNCE_STATUS)
		asked->announce = (Nvmetd__AnnounceStatus *)copy(&message->announce_status->base);
	else
		asked->transport = (Nvmetd__TransportStatus *)copy(
			&message->transport_status->base);
	asked->peer = NULL;
}

/* ------------------------------------------------------------------ processes */

static uint64_t seconds_since(uint64_t then_ns)
{
	return (clock_now_ns() - then_ns) / NS_PER_S;
}

static void put_self(Nvmetd__ProcessStatus *process, const struct state *state)
{
	nvmetd__process_status__init(process);
	process->name = "state";
	process->pid = (uint32_t)getpid();
	process->release = NVMETD_VERSION;
	process->threads = 1;
	process->instance = state->instance;
	process->has_keeper = state->service && service_has_keeper(state->service);
	process->revision = state->target.revision;
	process->up_seconds = seconds_since(state->born_ns);
	process->answered = true;
}

static void put_process(Nvmetd__ProcessStatus *process, const struct status_peer *asked)
{
	nvmetd__process_status__init(process);
	process->name = (char *)asked->name;
	process->pid = asked->pid;
	process->release = (char *)asked->release;
	process->threads = asked->threads;
	process->instance = asked->instance;
	process->has_keeper = asked->has_keeper;
	process->revision = asked->revision;
	process->up_seconds = seconds_since(asked->since_ns);
	process->transport = asked->transport;
	process->worker = asked->worker;
	process->announce = asked->announce;
	process->answered = asked->transport || asked->worker || asked->announce;
}

static void put_processes(struct scratch *scratch, Nvmetd__CtlStatusReply *reply,
                          const struct state *state, const struct list *asked)
{
	size_t count = 1;

	list_for_each (at, (struct list *)asked)
		count++;
	reply->processes = (Nvmetd__ProcessStatus **)scratch_array(
		scratch, count, sizeof(**reply->processes));
	if (!reply->processes)
		return;
	put_self(reply->processes[reply->n_processes++], state);
	list_for_each (at, (struct list *)asked)
		put_process(reply->processes[reply->n_processes++],
		            container_of(at, struct status_peer, link));
}

/* ------------------------------------------------------------------ ports */

static bool carries(const struct transport *transport, const struct config_port *port)
{
	return transport->peer && strcmp(transport->traits.trtype, port->address.trtype) == 0;
}

static bool is_carried(const struct state *state, const struct config_port *port)
{
	list_for_each (at, (struct list *)&state->transports)
		if (carries(container_of(at, struct transport, link), port))
			return true;
	return false;
}

static const struct listener_report *find_listener(const struct state *state,
                                                   const struct config_port *port)
{
	list_for_each (at, (struct list *)&state->transports) {
		const struct transport *transport = container_of(at, struct transport, link);

		if (!carries(transport, port))
			continue;
		for (size_t i = 0; i < transport->n_listeners; i++)
			if (transport->listeners[i].port_id == port->port_id)
				return &transport->listeners[i];
	}
	return NULL;
}

static const char *reason_of(struct scratch *scratch, const struct state *state,
                             const struct config_port *port, const struct listener_report *listener)
{
	char words[80];

	if (!config_port_listens(port))
		return "it has no subsystems";
	if (listener)
		return listener->reason;
	snprintf(words,
	         sizeof(words),
	         is_carried(state, port) ? "nvmetd-%s has not said yet that it listens"
	                                 : "no nvmetd-%s is running",
	         port->address.trtype);
	return scratch_text(scratch, words);
}

static void put_port(struct scratch *scratch, Nvmetd__PortStatus *status, const struct state *state,
                     const struct config_port *port)
{
	const struct listener_report *listener = find_listener(state, port);

	nvmetd__port_status__init(status);
	status->port_id = port->port_id;
	status->trtype = (char *)port->address.trtype;
	status->adrfam = (char *)port->address.adrfam;
	status->traddr = (char *)port->address.traddr;
	status->trsvcid = (char *)port->address.trsvcid;
	status->listening = listener && listener->listening;
	if (!status->listening)
		status->reason = (char *)reason_of(scratch, state, port, listener);
	status->subsystems = scratch_take(scratch, port->n_links * sizeof(*status->subsystems));
	for (size_t i = 0; status->subsystems && i < port->n_links; i++)
		status->subsystems[status->n_subsystems++] = port->links[i].nqn;
}

static void put_ports(struct scratch *scratch, Nvmetd__CtlStatusReply *reply,
                      const struct state *state)
{
	const struct config *config = &state->target.config;

	reply->ports = (Nvmetd__PortStatus **)scratch_array(
		scratch, config->n_ports, sizeof(**reply->ports));
	for (size_t i = 0; reply->ports && i < config->n_ports; i++)
		put_port(scratch, reply->ports[reply->n_ports++], state, &config->ports[i]);
}

/* ------------------------------------------------------------------ subsystems */

static void add_counters(Nvmetd__Counters *sum, const Nvmetd__Counters *counters)
{
	if (!counters)
		return;
	sum->reads += counters->reads;
	sum->writes += counters->writes;
	sum->read_bytes += counters->read_bytes;
	sum->write_bytes += counters->write_bytes;
	sum->flushes += counters->flushes;
	sum->others += counters->others;
	sum->errors += counters->errors;
}

static int by_handle(const void *left, const void *right)
{
	uint32_t a = (*(Nvmetd__BackingStatus *const *)left)->handle;
	uint32_t b = (*(Nvmetd__BackingStatus *const *)right)->handle;

	return (a > b) - (a < b);
}

static int compare_handle(const void *handle, const void *backing)
{
	uint32_t a = *(const uint32_t *)handle;
	uint32_t b = (*(Nvmetd__BackingStatus *const *)backing)->handle;

	return (a > b) - (a < b);
}

/* So that each is found quickly, however many there are. */
static void sort_answers(const struct list *asked)
{
	list_for_each (at, (struct list *)asked) {
		const struct status_peer *peer = container_of(at, struct status_peer, link);

		if (peer->worker && peer->worker->n_namespaces > 0)
			qsort(peer->worker->namespaces,
			      peer->worker->n_namespaces,
			      sizeof(*peer->worker->namespaces),
			      by_handle);
	}
}

static void put_worker_counters(Nvmetd__NamespaceStatus *status, const Nvmetd__WorkerStatus *worker)
{
	Nvmetd__BackingStatus **found = worker->n_namespaces == 0
	                                        ? NULL
	                                        : bsearch(&status->handle,
	                                                  worker->namespaces,
	                                                  worker->n_namespaces,
	                                                  sizeof(*worker->namespaces),
	                                                  compare_handle);

	if (!found)
		return;
	add_counters(status->counters, (*found)->counters);
	status->fault = (*found)->fault; /* lives with the answer */
}

static void put_direct(Nvmetd__NamespaceStatus *status, const Nvmetd__TransportStatus *transport)
{
	for (size_t i = 0; i < transport->n_direct; i++) {
		const Nvmetd__DirectStatus *direct = transport->direct[i];

		if (direct->handle != status->handle)
			continue;
		add_counters(status->counters, direct->counters);
		status->io_grant_threads += direct->threads;
	}
}

static void put_counters(struct scratch *scratch, Nvmetd__NamespaceStatus *status,
                         const struct list *asked)
{
	status->counters = scratch_take(scratch, sizeof(*status->counters));
	if (!status->counters)
		return;
	nvmetd__counters__init(status->counters);
	list_for_each (at, (struct list *)asked) {
		const struct status_peer *peer = container_of(at, struct status_peer, link);

		if (peer->worker)
			put_worker_counters(status, peer->worker);
		if (peer->transport)
			put_direct(status, peer->transport);
	}
}

static void put_zones(struct scratch *scratch, Nvmetd__NamespaceStatus *status,
                      const struct backing_zones *zones)
{
	status->zones = zones->blocks ? scratch_take(scratch, sizeof(*status->zones)) : NULL;
	if (!status->zones)
		return;
	nvmetd__backing_zones__init(status->zones);
	status->zones->blocks = zones->blocks;
	status->zones->capacity = zones->capacity;
	status->zones->open_max = zones->open_max;
	status->zones->active_max = zones->active_max;
}

static void put_backing(struct scratch *scratch, Nvmetd__NamespaceStatus *status,
                        const struct backing *backing, const struct list *asked)
{
	status->handle = backing->handle;
	status->worker = (char *)backing->worker;
	if (backing->move)
		status->moving_to = backing->move->to;
	else if (backing->wish[0] && strcmp(backing->wish, backing->worker) != 0)
		status->moving_to = (char *)backing->wish;
	status->ready = backing->ready;
	status->write_protected = backing->write_protected;
	if (!backing->ready)
		status->reason = backing->reason[0] ? (char *)backing->reason
		                                    : "no worker has said that it serves it";
	status->block_shift = backing->known ? backing->block_shift : 0;
	status->blocks = backing->known ? backing->blocks : 0;
	put_zones(scratch, status, &backing->zones);
	reservations_put_status(scratch, status, backing);
	put_counters(scratch, status, asked);
}

/* NULL if there is no memory. */
static char **take_names(struct scratch *scratch, struct config_link *links, size_t count)
{
	char **names = scratch_take(scratch, count * sizeof(*names));

	for (size_t i = 0; names && i < count; i++)
		names[i] = links[i].nqn;
	return names;
}

static void put_namespace(struct scratch *scratch, Nvmetd__NamespaceStatus *status,
                          const struct config_namespace *namespace, const struct list *asked)
{
	nvmetd__namespace_status__init(status);
	status->nsid = namespace->nsid;
	status->enabled = namespace->enable;
	status->io_grant = namespace->io_grant;
	status->masked = namespace_is_masked(namespace);
	status->hosts = take_names(scratch, namespace->allowed_hosts, namespace->n_allowed_hosts);
	status->n_hosts = status->hosts ? namespace->n_allowed_hosts : 0;
	if (namespace->path)
		status->path = namespace->path;
	if (namespace->has_uuid && (status->uuid = scratch_take(scratch, UUID_STR_LEN)))
		uuid_unparse_lower(namespace->uuid, status->uuid);
	if (namespace->backing)
		put_backing(scratch, status, namespace->backing, asked);
	else
		status->reason = "it is not enabled";
}

static void put_sessions(struct scratch *scratch, Nvmetd__SubsystemStatus *status,
                         const struct state *state, uint32_t number)
{
	size_t count = 0;

	list_for_each (at, (struct list *)&state->sessions)
		count += container_of(at, struct session, link)->subsystem == number;
	status->sessions = scratch_take(scratch, count * sizeof(void *));
	list_for_each (at, (struct list *)&state->sessions) {
		const struct session *session = container_of(at, struct session, link);
		Nvmetd__Session *described;

		if (!status->sessions || session->subsystem != number)
			continue;
		described = scratch_take(scratch, sizeof(*described));
		if (!described)
			return;
		session_describe(described, session);
		status->sessions[status->n_sessions++] = described;
	}
}

static void put_subsystem(struct scratch *scratch, Nvmetd__SubsystemStatus *status,
                          const struct state *state, const struct config_subsystem *subsystem,
                          const struct list *asked)
{
	nvmetd__subsystem_status__init(status);
	status->subsystem = subsystem->subsystem->number;
	status->nqn = (char *)subsystem->nqn;
	status->serial = (char *)subsystem->serial;
	status->allow_any_host = subsystem->allow_any_host;
	status->hosts = take_names(scratch, subsystem->allowed_hosts, subsystem->n_allowed_hosts);
	status->n_hosts = status->hosts ? subsystem->n_allowed_hosts : 0;
	status->namespaces = (Nvmetd__NamespaceStatus **)scratch_array(
		scratch, subsystem->n_namespaces, sizeof(**status->namespaces));
	for (size_t i = 0; status->namespaces && i < subsystem->n_namespaces; i++)
		put_namespace(scratch,
		              status->namespaces[status->n_namespaces++],
		              subsystem->sorted[i],
		              asked);
	put_sessions(scratch, status, state, subsystem->subsystem->number);
}

/* The discovery service is shown only while somebody is there. */
static void put_discovery(struct scratch *scratch, Nvmetd__CtlStatusReply *reply,
                          const struct state *state)
{
	Nvmetd__SubsystemStatus *status = reply->subsystems[reply->n_subsystems];

	nvmetd__subsystem_status__init(status);
	status->subsystem = state->target.discovery->number;
	status->nqn = (char *)state->target.config.discovery_nqn;
	status->allow_any_host = true;
	put_sessions(scratch, status, state, status->subsystem);
	reply->n_subsystems += status->n_sessions > 0;
}

static void put_subsystems(struct scratch *scratch, Nvmetd__CtlStatusReply *reply,
                           const struct state *state, const struct list *asked)
{
	const struct config *config = &state->target.config;

	reply->subsystems = (Nvmetd__SubsystemStatus **)scratch_array(
		scratch, config->n_subsystems + 1, sizeof(**reply->subsystems));
	for (size_t i = 0; reply->subsystems && i < config->n_subsystems; i++)
		put_subsystem(scratch,
		              reply->subsystems[reply->n_subsystems++],
		              state,
		              &config->subsystems[i],
		              asked);
	if (reply->subsystems)
		put_discovery(scratch, reply, state);
}

static void put_database(struct scratch *scratch, Nvmetd__CtlStatusReply *reply,
                         const struct state *state)
{
	const struct database_health health = database_health(state->database);

	reply->database = scratch_take(scratch, sizeof(*reply->database));
	if (!reply->database)
		return;
	nvmetd__database_status__init(reply->database);
	reply->database->path = (char *)health.path;
	reply->database->damaged = health.damaged;
	reply->database->trouble = (char *)health.trouble;
	reply->database->copy_trouble = (char *)health.copy_trouble;
	reply->database->notice = (char *)health.notice;
}

Nvmetd__CtlStatusReply *status_message_build(struct scratch *scratch, const struct state *state,
                                             const struct list *asked)
{
	Nvmetd__CtlStatusReply *reply = scratch_take(scratch, sizeof(*reply));

	if (!reply)
		return NULL;
	nvmetd__ctl_status_reply__init(reply);
	reply->revision = state->target.revision;
	sort_answers(asked);
	put_processes(scratch, reply, state, asked);
	put_ports(scratch, reply, state);
	put_subsystems(scratch, reply, state, asked);
	put_database(scratch, reply, state);
	if (list_is_empty(&state->announcers) &&
	    (state->target.config.announce.mdns || state->target.config.announce.n_cdcs > 0))
		reply->announce_trouble = "no nvmetd-announce is running";
	return scratch->failed ? NULL : reply;
}
