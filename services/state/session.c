/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/nvme/log.h"
#include "services/state/reservation_notice.h"

/* Each kind of event, with what a host is told of it. */
static const struct {
	enum session_event event;
	uint8_t type;
	uint8_t information;
	uint8_t log_page;
} kinds[SESSION_EVENTS] = {
	{SESSION_EVENT_NAMESPACE,
         NVME_EVENT_TYPE_NOTICE,                                 NVME_NOTICE_NAMESPACE,
         NVME_LOG_CHANGED_NAMESPACES									  },
	{SESSION_EVENT_ANA,         NVME_EVENT_TYPE_NOTICE,      NVME_NOTICE_ANA,         NVME_LOG_ANA        },
	{SESSION_EVENT_DISCOVERY,
         NVME_EVENT_TYPE_NOTICE,                                 NVME_NOTICE_DISCOVERY,
         NVME_LOG_DISCOVERY										   },
	{SESSION_EVENT_RELIABILITY,
         NVME_EVENT_TYPE_HEALTH,                                 NVME_HEALTH_RELIABILITY,
         NVME_LOG_SMART										       },
	{SESSION_EVENT_TEMPERATURE,
         NVME_EVENT_TYPE_HEALTH,                                 NVME_HEALTH_TEMPERATURE,
         NVME_LOG_SMART										       },
	{SESSION_EVENT_SPARE,       NVME_EVENT_TYPE_HEALTH,      NVME_HEALTH_SPARE,       NVME_LOG_SMART      },
	{SESSION_EVENT_RESERVATION, NVME_EVENT_TYPE_COMMAND_SET, 0,                       NVME_LOG_RESERVATION},
};

struct session *session_new(void)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	list_init(&session->link);
	list_init(&session->parked);
	session->features = (struct session_features)SESSION_FEATURES_DEFAULT;
	return session;
}

struct session *session_free(struct session *session)
{
	if (!session)
		return NULL;
	must(list_is_empty(&session->parked));
	list_remove(&session->link);
	free(session->notices);
	free(session);
	return NULL;
}

void session_reset(struct session *session)
{
	session->features = (struct session_features)SESSION_FEATURES_DEFAULT;
	session->io_queues = 0;
	session->async_event_config = session_default_events(session);
	session->events = 0;
	session->masked = 0;
	session->warned = 0;
	session->context.is_there = false;
	reservation_notice_reset(session);
}

bool session_is_of(const struct session *session, const char *host_nqn,
                   const uint8_t host_id[static 16])
{
	return strcmp(session->host_nqn, host_nqn) == 0 &&
	       memcmp(session->host_id, host_id, sizeof(session->host_id)) == 0;
}

uint32_t session_event_result(enum session_event event)
{
	for (unsigned i = 0; i < SESSION_EVENTS; i++)
		if (kinds[i].event == event)
			return kinds[i].type | (uint32_t)kinds[i].information << 8 |
			       (uint32_t)kinds[i].log_page << 16;
	return 0;
}

void session_mark_changed(struct session *session, uint32_t nsid)
{
	session->changed[(nsid - 1) / 8] |= (uint8_t)(1u << ((nsid - 1) % 8));
}

void session_forget_changed(struct session *session)
{
	memset(session->changed, 0, sizeof(session->changed));
	session->changed_overflow = false;
}

struct session *session_find(const struct list *sessions, const struct transport *transport,
                             uint32_t subsystem, uint32_t cntlid)
{
	list_for_each (at, (struct list *)sessions) {
		struct session *session = container_of(at, struct session, link);

		if (session->transport == transport && session->subsystem == subsystem &&
		    session->cntlid == cntlid)
			return session;
	}
	return NULL;
}

/* ------------------------------------------------------------------ unpack */

/* False: it does not fit. */
static bool take_text(char *ret_text, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size)
		return false;
	memcpy(ret_text, text, length + 1);
	return true;
}

static bool take_texts(struct session *session, const Nvmetd__Session *message)
{
	return take_text(session->subsystem_nqn,
	                 sizeof(session->subsystem_nqn),
	                 message->subsystem_nqn) &&
	       take_text(session->host_nqn, sizeof(session->host_nqn), message->host_nqn) &&
	       take_text(session->host_address,
	                 sizeof(session->host_address),
	                 message->host_address) &&
	       take_text(session->local_address,
	                 sizeof(session->local_address),
	                 message->local_address) &&
	       take_text(session->local_service,
	                 sizeof(session->local_service),
	                 message->local_service);
}

/* Events of a later release are passed over: its logs are not ours to serve. */
static unsigned event_bits(Nvmetd__AsyncEvent *const *events, size_t count)
{
	unsigned bits = 0;

	for (size_t i = 0; i < count; i++)
		for (unsigned kind = 0; kind < SESSION_EVENTS; kind++)
			if (events[i]->type == kinds[kind].type &&
			    events[i]->information == kinds[kind].information &&
			    events[i]->log_page == kinds[kind].log_page)
				bits |= kinds[kind].event;
	return bits;
}

static bool take_numbers(struct session *session, const Nvmetd__Session *message)
{
	if (message->cntlid == 0 || message->cntlid > NVME_CNTLID_MAX || message->host_id.len != 16)
		return false;
	for (size_t i = 0; i < message->n_changed_namespaces; i++) {
		uint32_t nsid = message->changed_namespaces[i];

		if (nsid == 0 || nsid > NVME_MAX_NAMESPACES)
			return false;
		session_mark_changed(session, nsid);
	}
	session->subsystem = message->subsystem;
	session->cntlid = (uint16_t)message->cntlid;
	memcpy(session->host_id, message->host_id.data, 16);
	session->port_id = message->port_id;
	session->discovery = message->discovery;
	session->kato_ms = message->kato_ms;
	session->io_queues = message->io_queues;
	session->async_event_config = message->async_event_config;
	session->events = event_bits(message->events, message->n_events);
	session->masked = event_bits(message->masked_events, message->n_masked_events);
	session->warned = (uint8_t)message->warned;
	if (message->event_context)
		session->context = (struct session_context){
			.is_there = message->event_context->is_there,
			.from = message->event_context->from,
			.to = message->event_context->to,
			.timestamp = message->event_context->timestamp,
			.generation = message->event_context->generation,
		};
	if (session->context.from > session->context.to ||
	    session->context.to - session->context.from > UINT32_MAX)
		return false;
	session->changed_overflow = message->changed_overflow;
	session->revision = message->revision;
	session->discovery_counter = message->discovery_counter;
	session->discovery_sum = message->discovery_sum;
	session->persistent = message->persistent;
	session->admin_sqsize = message->admin_sqsize;
	return true;
}

int session_unpack(struct session **ret_session, const Nvmetd__Session *message)
{
	struct session *session = session_new();
	int r = SESSION_E_MALFORMED;

	if (!session)
		return error_origin(-ENOMEM);
	if (take_texts(session, message) && take_numbers(session, message) &&
	    session_features_unpack(&session->features, message->features))
		r = reservation_notice_unpack(session, message);
	if (r) {
		session_free(session);
		return r;
	}
	*ret_session = session;
	return 0;
}

/* ------------------------------------------------------------------ pack */

static size_t pack_events(unsigned bits, Nvmetd__AsyncEvent *room, Nvmetd__AsyncEvent **ret_list)
{
	size_t count = 0;

	for (unsigned kind = 0; kind < SESSION_EVENTS; kind++) {
		if (!(bits & kinds[kind].event))
			continue;
		nvmetd__async_event__init(&room[count]);
		room[count].type = kinds[kind].type;
		room[count].information = kinds[kind].information;
		room[count].log_page = kinds[kind].log_page;
		ret_list[count] = &room[count];
		count++;
	}
	return count;
}

static size_t pack_changed(const struct session *session, uint32_t *ret_nsids)
{
	size_t count = 0;

	for (uint32_t nsid = 1; nsid <= NVME_MAX_NAMESPACES; nsid++)
		if (session->changed[(nsid - 1) / 8] & 1u << ((nsid - 1) % 8))
			ret_nsids[count++] = nsid;
	return count;
}

static void pack_context(struct session_message *packed, const struct session_context *context)
{
	Nvmetd__EventContext *message = &packed->context;

	nvmetd__event_context__init(message);
	message->is_there = context->is_there;
	message->from = context->from;
	message->to = context->to;
	message->timestamp = context->timestamp;
	message->generation = context->generation;
	packed->message.event_context = message;
}

static void pack_texts(Nvmetd__Session *message, const struct session *session)
{
	message->subsystem_nqn = (char *)session->subsystem_nqn;
	message->host_nqn = (char *)session->host_nqn;
	message->host_id.data = (uint8_t *)session->host_id;
	message->host_id.len = sizeof(session->host_id);
	message->host_address = (char *)session->host_address;
	message->local_address = (char *)session->local_address;
	message->local_service = (char *)session->local_service;
}

void session_describe(Nvmetd__Session *ret_message, const struct session *session)
{
	nvmetd__session__init(ret_message);
	pack_texts(ret_message, session);
	ret_message->subsystem = session->subsystem;
	ret_message->cntlid = session->cntlid;
	ret_message->port_id = session->port_id;
	ret_message->discovery = session->discovery;
	ret_message->kato_ms = session->kato_ms;
}

void session_pack(struct session_message *ret_packed, const struct session *session)
{
	Nvmetd__Session *message = &ret_packed->message;

	session_describe(message, session);
	message->io_queues = session->io_queues;
	message->async_event_config = session->async_event_config;
	message->n_events = pack_events(session->events, ret_packed->event, ret_packed->waiting);
	message->events = ret_packed->waiting;
	message->n_masked_events = pack_events(
		session->masked, ret_packed->event + SESSION_EVENTS, ret_packed->masked);
	message->masked_events = ret_packed->masked;
	message->n_changed_namespaces = pack_changed(session, ret_packed->changed);
	message->changed_namespaces = ret_packed->changed;
	message->warned = session->warned;
	message->changed_overflow = session->changed_overflow;
	message->revision = session->revision;
	message->discovery_counter = session->discovery_counter;
	message->discovery_sum = session->discovery_sum;
	message->persistent = session->persistent;
	message->admin_sqsize = session->admin_sqsize;
	session_features_pack(ret_packed, &session->features);
	pack_context(ret_packed, &session->context);
	reservation_notice_pack(ret_packed, session);
}
