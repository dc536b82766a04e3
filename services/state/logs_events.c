/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/logs.h"

#include <string.h>

#include "common/base/cleanup.h"
#include "services/state/journal.h"

/*
 * LID 0Dh, the Persistent Event log. The reporting context is the session's: which events are in
 * the log, and since when; so it outlives us, as the events do.
 */

static void put_text(char *field, size_t size, const char *text)
{
	memset(field, ' ', size);
	memcpy(field, text, strnlen(text, size));
}

static void put_identity(struct nvme_event_log *log, const struct config_subsystem *subsystem)
{
	log->vid = le16_of(subsystem->vendor_id);
	log->ssvid = le16_of(subsystem->subsys_vendor_id);
	put_text(log->sn, sizeof(log->sn), subsystem->serial);
	put_text(log->mn, sizeof(log->mn), subsystem->model);
	memcpy(log->subnqn, subsystem->nqn, strnlen(subsystem->nqn, sizeof(log->subnqn) - 1));
}

static void put_supported(struct nvme_event_log *log)
{
	static const uint8_t types[] = {NVME_EVENT_HEALTH,
	                                NVME_EVENT_POWER_ON,
	                                NVME_EVENT_NAMESPACE,
	                                NVME_EVENT_SET_FEATURE};

	for (size_t i = 0; i < sizeof(types); i++)
		log->supported[types[i] / 8] |= (uint8_t)(1u << (types[i] % 8));
}

static void put_header(struct nvme_event_log *log, const struct admin_request *request,
                       const struct session_context *context, size_t bytes, bool existed)
{
	*log = (struct nvme_event_log){
		.lid = NVME_LOG_PERSISTENT_EVENT,
		.tnev = le32_of((uint32_t)(context->to - context->from)),
		.tll = le64_of(sizeof(*log) + bytes),
		.rv = NVME_EVENT_LOG_REVISION,
		.lhl = le16_of(NVME_EVENT_LOG_LHL),
		.timestamp = le64_of(context->timestamp),
		.power_cycles = le64_of(request->subsystem->subsystem->power_cycles_saved),
		.generation = le16_of((uint16_t)context->generation),
		.rci = le32_of(NVME_RCI_PORT(request->session->port_id) | NVME_RCI_BY_PORT |
	                       (existed ? NVME_RCI_EXISTED : 0)),
	};
	put_identity(log, request->subsystem);
	put_supported(log);
}

static void read_context(const struct admin_request *request, const struct get_log *asked,
                         struct admin_reply *reply, bool existed)
{
	const struct session_context *context = &request->session->context;
	const struct subsystem *subsystem = request->subsystem->subsystem;
	const struct journal_part part = {context->from, context->to};
	size_t bytes = journal_bytes(subsystem, part);
	_cleanup_(cleanup_free) uint8_t *log = calloc(1, sizeof(struct nvme_event_log) + bytes);

	if (!log) {
		reply->status = status_of(NVME_SC_INTERNAL);
		return;
	}
	put_header((struct nvme_event_log *)log, request, context, bytes, existed);
	journal_copy(subsystem, part, log + sizeof(struct nvme_event_log));
	log_answer(asked, log, sizeof(struct nvme_event_log) + bytes, reply);
}

/* Of what was in it, something has gone in favour of newer events: it is not there any more. */
static bool has_context(const struct admin_request *request)
{
	const struct session_context *context = &request->session->context;

	return context->is_there && journal_has(request->subsystem->subsystem,
	                                        (struct journal_part){context->from, context->to});
}

static void establish(const struct admin_request *request, const struct get_log *asked,
                      struct admin_reply *reply)
{
	struct session *session = request->session;
	struct journal_part all = journal_all(request->subsystem->subsystem);
	struct session_context before = session->context;

	session->context = (struct session_context){
		.is_there = true,
		.from = all.from,
		.to = all.to,
		.timestamp = journal_now(),
		.generation = (before.generation + 1) & UINT16_MAX,
	};
	read_context(request, asked, reply, false);
	if (status_is_ok(reply->status))
		reply->session_changed = true;
	else
		session->context = before;
}

/* No data belongs to it: room that a host has made is filled with zeroes. */
static void release(const struct admin_request *request, const struct get_log *asked,
                    struct admin_reply *reply)
{
	if (!admin_data(reply, asked->length_bytes))
		return;
	request->session->context.is_there = false;
	reply->session_changed = true;
}

void log_events(const struct admin_request *request, const struct get_log *asked,
                struct admin_reply *reply)
{
	switch ((enum nvme_event_log_action)NVME_EVENT_LOG_ACTION(asked->specific)) {
	case NVME_EVENT_LOG_READ:
		if (has_context(request))
			read_context(request, asked, reply, true);
		else
			admin_refuse(reply, NVME_SC_COMMAND_SEQUENCE);
		break;
	case NVME_EVENT_LOG_ESTABLISH:
		if (has_context(request))
			admin_refuse(reply, NVME_SC_COMMAND_SEQUENCE);
		else
			establish(request, asked, reply);
		break;
	case NVME_EVENT_LOG_RELEASE:
		release(request, asked, reply);
		break;
	case NVME_EVENT_LOG_ESTABLISH_HEADER: /* log 00h does not offer it */
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10) + 1);
		break;
	}
}
