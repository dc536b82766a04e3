/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/connect.h"

#include <stdio.h>
#include <string.h>

#define IN_COMMAND(field) ((uint32_t)offsetof(struct nvme_connect_command, field))
#define IN_DATA(field)    (1u << 16 | (uint32_t)offsetof(struct nvme_connect_data, field))

#define KAS_MS (NVME_KAS_UNITS * 100)

static struct connect_answer refuse(enum nvme_status_code code, uint32_t where)
{
	return (struct connect_answer){.status = status_dnr(code), .result = where};
}

static struct connect_answer invalid(uint32_t where)
{
	return refuse(NVME_SC_CONNECT_INVALID_PARAMETERS, where);
}

/* The two names must end within their fields. */
static uint32_t find_bad_name(const struct nvme_connect_data *data)
{
	if (!nqn_of_field(data->subnqn) || !nqn_is_valid(data->subnqn))
		return IN_DATA(subnqn);
	if (!nqn_of_field(data->hostnqn) || !nqn_is_valid(data->hostnqn))
		return IN_DATA(hostnqn);
	return 0;
}

static bool is_discovery(const struct target *target, const char *nqn)
{
	return nqn_is_discovery(nqn) || strcmp(nqn, target->config.discovery_nqn) == 0;
}

struct session *connect_older(const struct list *sessions, const struct connect_request *request)
{
	list_for_each (at, (struct list *)sessions) {
		struct session *session = container_of(at, struct session, link);

		if (session->transport == request->transport && !session->is_ending &&
		    session->port_id == request->port_id &&
		    session_is_of(session, request->data->hostnqn, request->data->hostid) &&
		    strcmp(session->subsystem_nqn, request->data->subnqn) == 0)
			return session;
	}
	return NULL;
}

/* No DNR: the older one may be of a connection that is dead, and expires. */
static struct connect_answer check_duplicate(const struct list *sessions,
                                             const struct config_subsystem *subsystem,
                                             const struct connect_request *request)
{
	struct connect_answer answer = {.status = STATUS_OK, .subsystem = subsystem};
	uint16_t cntlid = le16_get(request->data->cntlid);

	if (subsystem->is_static && cntlid != NVME_CNTLID_STATIC_ANY)
		answer.cntlid = cntlid;
	if (subsystem->duplicate_host == CONFIG_DUPLICATE_ALLOW ||
	    !connect_older(sessions, request))
		return answer;
	answer.replaces = subsystem->duplicate_host == CONFIG_DUPLICATE_REPLACE;
	answer.is_refusal = !answer.replaces;
	if (answer.is_refusal)
		answer.status = status_of(NVME_SC_CONNECT_BUSY);
	return answer;
}

/* Which controller is asked for (Base 2.1 §6.3). */
static bool is_good_cntlid(const struct config_subsystem *subsystem, uint16_t cntlid)
{
	if (!subsystem->is_static)
		return cntlid == NVME_CNTLID_DYNAMIC;
	return cntlid == NVME_CNTLID_STATIC_ANY ||
	       (cntlid >= subsystem->cntlid_min && cntlid <= subsystem->cntlid_max);
}

static struct connect_answer check_admin(const struct target *target, const struct list *sessions,
                                         const struct config_port *port,
                                         const struct connect_request *request)
{
	const struct nvme_connect_data *data = request->data;
	const struct config_subsystem *subsystem;

	if (is_discovery(target, data->subnqn))
		return le16_get(data->cntlid) == NVME_CNTLID_DYNAMIC
		               ? (struct connect_answer){.status = STATUS_OK}
		               : invalid(IN_DATA(cntlid));
	subsystem = config_find_subsystem(&target->config, data->subnqn);
	if (!subsystem || !config_port_has(port, data->subnqn))
		return invalid(IN_DATA(subnqn));
	if (!config_allows(subsystem, data->hostnqn))
		return refuse(NVME_SC_CONNECT_INVALID_HOST, IN_DATA(hostnqn));
	if (!is_good_cntlid(subsystem, le16_get(data->cntlid)))
		return invalid(IN_DATA(cntlid));
	return check_duplicate(sessions, subsystem, request);
}

static struct session *find_controller(const struct list *sessions,
                                       const struct connect_request *request)
{
	list_for_each (at, (struct list *)sessions) {
		struct session *session = container_of(at, struct session, link);

		if (session->transport == request->transport &&
		    session->cntlid == le16_get(request->data->cntlid) &&
		    strcmp(session->subsystem_nqn, request->data->subnqn) == 0)
			return session;
	}
	return NULL;
}

/* Of an I/O queue it may be left out (Base 2.1 §6.3). */
static bool is_host_id(const struct session *session, const struct nvme_connect_data *data)
{
	static const uint8_t none[sizeof(data->hostid)];

	return memcmp(data->hostid, none, sizeof(none)) == 0 ||
	       memcmp(session->host_id, data->hostid, sizeof(session->host_id)) == 0;
}

static struct connect_answer check_io(const struct list *sessions, const struct config_port *port,
                                      const struct connect_request *request)
{
	const struct nvme_connect_data *data = request->data;
	struct session *session = find_controller(sessions, request);

	/* it may have ended a moment ago, with a death of ours too: a new association will do */
	if (!session)
		return (struct connect_answer){
			.status = status_of(NVME_SC_CONNECT_INVALID_PARAMETERS),
			.result = IN_DATA(cntlid)};
	if (session->port_id != request->port_id)
		return invalid(IN_DATA(cntlid));
	if (strcmp(session->host_nqn, data->hostnqn) != 0)
		return invalid(IN_DATA(hostnqn));
	if (!is_host_id(session, data))
		return invalid(IN_DATA(hostid));
	if (le16_get(request->command->qid) > session->io_queues)
		return invalid(IN_COMMAND(qid));
	if ((uint32_t)le16_get(request->command->sqsize_0based) + 1 > config_queue_size(port))
		return invalid(IN_COMMAND(sqsize_0based));
	return (struct connect_answer){
		.status = STATUS_OK, .session = session, .result = session->cntlid};
}

/* No port's queues are smaller than an admin queue must be able to be. */
static bool is_admin_size_good(const struct config_port *port, uint32_t size)
{
	uint32_t most = config_queue_size(port);

	return size >= 2 && size <= (most < 32 ? 32 : most);
}

struct connect_answer connect_check(const struct target *target, const struct list *sessions,
                                    const struct connect_request *request)
{
	const struct config_port *port = config_find_port(&target->config, request->port_id);
	uint32_t size = (uint32_t)le16_get(request->command->sqsize_0based) + 1, bad_name;

	if (le16_get(request->command->recfmt) != 0)
		return refuse(NVME_SC_CONNECT_FORMAT, 0);
	if (!port) /* it was taken out of the configuration a moment ago */
		return invalid(IN_DATA(subnqn));
	if (size < 2)
		return invalid(IN_COMMAND(sqsize_0based));
	bad_name = find_bad_name(request->data);
	if (bad_name)
		return invalid(bad_name);
	if (le16_get(request->command->qid) != 0)
		return check_io(sessions, port, request);
	if (!is_admin_size_good(port, size))
		return invalid(IN_COMMAND(sqsize_0based));
	return check_admin(target, sessions, port, request);
}

/* A discovery controller whose host asks for no keep-alive is watched all the same. */
uint32_t connect_kato_ms(const struct limits *limits, uint32_t asked_ms, bool discovery)
{
	uint32_t kato_ms = asked_ms;

	if (kato_ms == 0 && discovery)
		kato_ms = limits->discovery_keep_alive_ms;
	if (kato_ms == 0)
		return 0;
	if (kato_ms < limits->keep_alive_min_ms)
		kato_ms = limits->keep_alive_min_ms;
	if (kato_ms > UINT32_MAX - KAS_MS)
		kato_ms = UINT32_MAX - KAS_MS;
	return (kato_ms + KAS_MS - 1) / KAS_MS * KAS_MS;
}

void connect_fill(struct session *session, const struct target *target,
                  const struct connect_request *request, const struct connect_answer *answer)
{
	uint32_t kato_ms = le32_get(request->command->kato_ms);

	session->discovery = answer->subsystem == NULL;
	session->subsystem = answer->subsystem ? answer->subsystem->subsystem->number
	                                       : target->discovery->number;
	session->persistent = session->discovery && kato_ms > 0;
	if (session->persistent) /* Base 2.1 §3.1.3.3.2: who asks for that asks for events */
		session->async_event_config = NVME_OAES_DISCOVERY;
	session->kato_ms = connect_kato_ms(&target->config.limits, kato_ms, session->discovery);
	snprintf(session->subsystem_nqn,
	         sizeof(session->subsystem_nqn),
	         "%s",
	         request->data->subnqn);
	snprintf(session->host_nqn, sizeof(session->host_nqn), "%s", request->data->hostnqn);
	memcpy(session->host_id, request->data->hostid, sizeof(session->host_id));
	session->port_id = request->port_id;
	session->admin_sqsize = (uint32_t)le16_get(request->command->sqsize_0based) + 1;
	session->revision = target->revision;
	session->discovery_counter = target->discovery_counter;
}
