/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

/*
 * Where memory runs out, jansson makes NULL of a value, and putting NULL somewhere is an error that
 * it survives: so it is enough to remember that there was one.
 */
struct writer {
	bool failed;
};

static void put(struct writer *writer, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		writer->failed = true;
}

static void append(struct writer *writer, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		writer->failed = true;
}

static void put_number(struct writer *writer, json_t *object, const char *key, uint64_t value)
{
	put(writer, object, key, json_integer((json_int_t)(value & INT64_MAX)));
}

static void put_bool(struct writer *writer, json_t *object, const char *key, bool value)
{
	put(writer, object, key, json_boolean(value));
}

/* What is not UTF-8 (a host may send such an NQN) is escaped. */
static json_t *text_of(const char *text)
{
	char safe[4096];
	json_t *value = json_string(text);

	if (value)
		return value;
	return json_string(log_safe(safe, sizeof(safe), text, strlen(text)));
}

static void put_text(struct writer *writer, json_t *object, const char *key, const char *text)
{
	put(writer, object, key, text_of(text));
}

static json_t *texts_of(struct writer *writer, char *const *texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		append(writer, array, text_of(texts[i]));
	return array;
}

static json_t *counters_of(struct writer *writer, const Nvmetd__Counters *given)
{
	const Nvmetd__Counters *counters = status_counters(given);
	json_t *object = json_object();

	put_number(writer, object, "reads", counters->reads);
	put_number(writer, object, "read_bytes", counters->read_bytes);
	put_number(writer, object, "writes", counters->writes);
	put_number(writer, object, "write_bytes", counters->write_bytes);
	put_number(writer, object, "flushes", counters->flushes);
	put_number(writer, object, "others", counters->others);
	put_number(writer, object, "errors", counters->errors);
	return object;
}

static json_t *links_of(struct writer *writer, const Nvmetd__TransportStatus *transport)
{
	json_t *array = json_array();

	for (size_t i = 0; transport && i < transport->n_links; i++) {
		const Nvmetd__LinkStatus *link = transport->links[i];
		json_t *object = json_object();

		put_text(writer, object, "worker", link->worker);
		put_number(writer, object, "thread", link->thread);
		put_text(writer, object, "state", link->state);
		put_number(writer, object, "in_flight", link->in_flight);
		append(writer, array, object);
	}
	return array;
}

static json_t *arenas_of(struct writer *writer, const Nvmetd__TransportStatus *transport)
{
	json_t *array = json_array();

	for (size_t i = 0; transport && i < transport->n_arenas; i++) {
		const Nvmetd__ArenaStatus *arena = transport->arenas[i];
		json_t *object = json_object();

		put_number(writer, object, "thread", arena->thread);
		put_number(writer, object, "bytes", arena->bytes);
		put_number(writer, object, "bytes_used", arena->bytes_used);
		append(writer, array, object);
	}
	return array;
}

static json_t *announcements_of(struct writer *writer, const Nvmetd__AnnounceStatus *announce)
{
	json_t *array = json_array();

	for (size_t i = 0; announce && i < announce->n_announcements; i++) {
		const Nvmetd__AnnouncementStatus *one = announce->announcements[i];
		json_t *object = json_object();

		put_text(writer, object, "by", one->where);
		put_bool(writer, object, "announced", one->good);
		put_text(writer, object, one->good ? "what" : "reason", one->words);
		append(writer, array, object);
	}
	return array;
}

static json_t *process_of(struct writer *writer, const Nvmetd__ProcessStatus *process)
{
	const Nvmetd__TransportStatus *transport = process->transport;
	json_t *object = json_object();

	put_text(writer, object, "name", process->name);
	put_number(writer, object, "pid", process->pid);
	put_text(writer, object, "version", process->release);
	put_number(writer, object, "threads", process->threads);
	put_number(writer, object, "revision", process->revision);
	put_number(writer, object, "up_seconds", process->up_seconds);
	put_bool(writer, object, "answered", process->answered);
	put_number(writer, object, "controllers", transport ? transport->n_controllers : 0);
	put_number(writer, object, "connections", transport ? transport->connections : 0);
	put(writer, object, "links", links_of(writer, transport));
	put(writer, object, "arenas", arenas_of(writer, transport));
	put(writer, object, "counters", counters_of(writer, transport ? transport->total : NULL));
	put(writer, object, "announcements", announcements_of(writer, process->announce));
	return object;
}

static json_t *port_of(struct writer *writer, const Nvmetd__PortStatus *port)
{
	json_t *object = json_object();

	put_number(writer, object, "portid", port->port_id);
	put_text(writer, object, "trtype", port->trtype);
	put_text(writer, object, "adrfam", port->adrfam);
	put_text(writer, object, "traddr", port->traddr);
	put_text(writer, object, "trsvcid", port->trsvcid);
	put_bool(writer, object, "listening", port->listening);
	put_text(writer, object, "reason", port->reason);
	put(writer, object, "subsystems", texts_of(writer, port->subsystems, port->n_subsystems));
	return object;
}

/* null, but with "fault:". */
static json_t *fault_of(struct writer *writer, const Nvmetd__FaultStatus *fault)
{
	json_t *object, *rules;

	if (!fault)
		return json_null();
	object = json_object();
	rules = json_array();
	for (size_t i = 0; i < fault->n_rules; i++) {
		json_t *rule = json_object();

		put_text(writer, rule, "rule", fault->rules[i]->rule);
		put_number(writer, rule, "met", fault->rules[i]->met);
		put_number(writer, rule, "hits", fault->rules[i]->hits);
		append(writer, rules, rule);
	}
	put_bool(writer, object, "power", !fault->off);
	put_number(writer, object, "cached_bytes", fault->cached_bytes);
	put_number(writer, object, "cache_bytes", fault->cache_bytes);
	put_number(writer, object, "lost_bytes", fault->lost_bytes);
	put_number(writer, object, "hanging", fault->hanging);
	put_number(writer, object, "delayed", fault->delayed);
	put(writer, object, "rules", rules);
	return object;
}

static json_t *registrant_of(struct writer *writer, const Nvmetd__ReservationStatus *reservation,
                             const Nvmetd__RegistrantStatus *registrant)
{
	char id[STATUS_HOST_ID_SIZE], holder[STATUS_HOST_ID_SIZE], key[20];
	json_t *object = json_object();

	snprintf(key, sizeof(key), "0x%" PRIx64, registrant->key);
	status_host_id(holder, &reservation->holder);
	put_text(writer, object, "host_id", status_host_id(id, &registrant->host_id));
	put_text(writer, object, "key", key);
	/* nobody is named where all are */
	put_bool(writer,
	         object,
	         "holds",
	         reservation->type != 0 && (!holder[0] || strcmp(id, holder) == 0));
	return object;
}

/* null: no host has registered. */
static json_t *reservation_of(struct writer *writer, const Nvmetd__ReservationStatus *reservation)
{
	json_t *object, *registrants;

	if (!reservation)
		return json_null();
	object = json_object();
	registrants = json_array();
	for (size_t i = 0; i < reservation->n_registrants; i++)
		append(writer,
		       registrants,
		       registrant_of(writer, reservation, reservation->registrants[i]));
	put_number(writer, object, "type", reservation->type);
	put_text(writer, object, "type_words", status_reservation_type(reservation));
	put_number(writer, object, "generation", reservation->generation);
	put_bool(writer, object, "persists", reservation->persists);
	put(writer, object, "registrants", registrants);
	return object;
}

/* null: it has none. */
static json_t *zones_of(struct writer *writer, const Nvmetd__BackingZones *zones)
{
	json_t *object;

	if (!zones)
		return json_null();
	object = json_object();
	put_number(writer, object, "blocks", zones->blocks);
	put_number(writer, object, "capacity", zones->capacity);
	put_number(writer, object, "open_max", zones->open_max);
	put_number(writer, object, "active_max", zones->active_max);
	return object;
}

static json_t *namespace_of(struct writer *writer, const Nvmetd__CtlStatusReply *status,
                            const Nvmetd__NamespaceStatus *ns)
{
	json_t *object = json_object();

	put_number(writer, object, "nsid", ns->nsid);
	put_text(writer, object, "path", ns->path);
	put_text(writer, object, "uuid", ns->uuid);
	put_text(writer, object, "worker", ns->worker);
	put_text(writer, object, "moving_to", ns->moving_to);
	put_bool(writer, object, "enabled", ns->enabled);
	put_bool(writer, object, "ready", ns->ready);
	put_bool(writer, object, "write_protected", ns->write_protected);
	put_bool(writer, object, "io_grant", ns->io_grant);
	put_number(writer, object, "io_grant_threads", ns->io_grant_threads);
	put_bool(writer, object, "masked", ns->masked);
	put(writer, object, "allowed_hosts", texts_of(writer, ns->hosts, ns->n_hosts));
	put_text(writer, object, "reason", ns->reason);
	put_number(writer, object, "block_size", status_block_size(ns));
	put_number(writer, object, "blocks", ns->blocks);
	put(writer, object, "zones", zones_of(writer, ns->zones));
	put_number(writer, object, "in_flight", status_in_flight(status, ns));
	put(writer, object, "counters", counters_of(writer, ns->counters));
	put(writer, object, "fault", fault_of(writer, ns->fault));
	put(writer, object, "reservation", reservation_of(writer, ns->reservation));
	return object;
}

static json_t *queues_of(struct writer *writer, const Nvmetd__ControllerStatus *controller)
{
	json_t *array = json_array();

	for (size_t i = 0; controller && i < controller->n_queues; i++) {
		const Nvmetd__QueueStatus *queue = controller->queues[i];
		json_t *object = json_object();

		put_number(writer, object, "qid", queue->qid);
		put_number(writer, object, "size", queue->size);
		put_number(writer, object, "in_flight", queue->in_flight);
		put_number(writer, object, "thread", queue->thread);
		put_text(writer, object, "host_address", queue->host_address);
		put_bool(writer, object, "header_digest", queue->header_digest);
		put_bool(writer, object, "data_digest", queue->data_digest);
		append(writer, array, object);
	}
	return array;
}

static const char *trtype_of(const Nvmetd__CtlStatusReply *status, const Nvmetd__Session *session)
{
	for (size_t i = 0; i < status->n_ports; i++)
		if (status->ports[i]->port_id == session->port_id)
			return status->ports[i]->trtype;
	return "";
}

static json_t *controller_of(struct writer *writer, const Nvmetd__CtlStatusReply *status,
                             const Nvmetd__Session *session)
{
	const Nvmetd__ProcessStatus *process = NULL;
	const Nvmetd__ControllerStatus *controller = status_controller_of(
		status, session, &process);
	json_t *object = json_object();
	char host_id[STATUS_HOST_ID_SIZE];

	put_number(writer, object, "cntlid", session->cntlid);
	put_text(writer, object, "host_nqn", session->host_nqn);
	put_text(writer, object, "host_id", status_host_id(host_id, &session->host_id));
	put_text(writer, object, "host_address", session->host_address);
	put_number(writer, object, "portid", session->port_id);
	put_text(writer, object, "trtype", trtype_of(status, session));
	put_text(writer, object, "process", process ? process->name : "");
	put_text(writer, object, "state", controller ? controller->state : "unknown");
	put_bool(writer, object, "discovery", session->discovery);
	put_number(writer, object, "kato_ms", session->kato_ms);
	put_number(
		writer, object, "in_flight", controller ? status_queues_in_flight(controller) : 0);
	put(writer, object, "queues", queues_of(writer, controller));
	put(writer,
	    object,
	    "counters",
	    counters_of(writer, controller ? controller->counters : NULL));
	return object;
}

static json_t *subsystem_of(struct writer *writer, const Nvmetd__CtlStatusReply *status,
                            const Nvmetd__SubsystemStatus *subsystem)
{
	json_t *object = json_object();
	json_t *namespaces = json_array();
	json_t *controllers = json_array();

	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		append(writer, namespaces, namespace_of(writer, status, subsystem->namespaces[i]));
	for (size_t i = 0; i < subsystem->n_sessions; i++)
		append(writer, controllers, controller_of(writer, status, subsystem->sessions[i]));
	put_text(writer, object, "nqn", subsystem->nqn);
	put_text(writer, object, "serial", subsystem->serial);
	put_bool(writer, object, "allow_any_host", subsystem->allow_any_host);
	put(writer, object, "hosts", texts_of(writer, subsystem->hosts, subsystem->n_hosts));
	put(writer, object, "namespaces", namespaces);
	put(writer, object, "controllers", controllers);
	return object;
}

static json_t *database_of(struct writer *writer, const Nvmetd__DatabaseStatus *given)
{
	static const Nvmetd__DatabaseStatus none = NVMETD__DATABASE_STATUS__INIT;
	const Nvmetd__DatabaseStatus *database = given ? given : &none;
	json_t *object = json_object();

	put_text(writer, object, "path", database->path);
	put_bool(writer, object, "damaged", database->damaged);
	put_text(writer, object, "trouble", database->trouble);
	put_text(writer, object, "copy_trouble", database->copy_trouble);
	put_text(writer, object, "notice", database->notice);
	return object;
}

bool status_print_json(FILE *out, const Nvmetd__CtlStatusReply *status)
{
	struct writer writer = {false};
	json_t *root = json_object();
	json_t *processes = json_array();
	json_t *ports = json_array();
	json_t *subsystems = json_array();
	bool good;

	for (size_t i = 0; i < status->n_processes; i++)
		append(&writer, processes, process_of(&writer, status->processes[i]));
	for (size_t i = 0; i < status->n_ports; i++)
		append(&writer, ports, port_of(&writer, status->ports[i]));
	for (size_t i = 0; i < status->n_subsystems; i++)
		append(&writer, subsystems, subsystem_of(&writer, status, status->subsystems[i]));
	put_number(&writer, root, "revision", status->revision);
	put(&writer, root, "processes", processes);
	put(&writer, root, "ports", ports);
	put(&writer, root, "subsystems", subsystems);
	put_text(&writer, root, "announce_trouble", status->announce_trouble);
	put(&writer, root, "database", database_of(&writer, status->database));
	good = !writer.failed && json_dumpf(root, out, JSON_INDENT(2)) == 0 &&
	       fputc('\n', out) != EOF;
	json_decref(root);
	if (!good)
		fprintf(stderr, "nvmetctl: the status could not be written as JSON\n");
	return good;
}
