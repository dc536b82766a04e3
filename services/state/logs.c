/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/nvme/identify.h"
#include "common/nvme/zns.h"
#include "services/state/admin.h"
#include "services/state/ana.h"
#include "services/state/discovery_log.h"
#include "services/state/endurance.h"
#include "services/state/event.h"
#include "services/state/features.h"
#include "services/state/health.h"
#include "services/state/logs.h"
#include "services/state/reservation_notice.h"

void log_answer(const struct get_log *asked, const void *log, size_t length,
                struct admin_reply *reply)
{
	uint8_t *data;
	size_t left;

	if (asked->offset_bytes > length) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw12));
		return;
	}
	data = admin_data(reply, asked->length_bytes);
	if (!data)
		return;
	left = length - (size_t)asked->offset_bytes;
	memcpy(data,
	       (const uint8_t *)log + asked->offset_bytes,
	       left < asked->length_bytes ? left : asked->length_bytes);
}

/* The event of this log may be told again, unless the host asked to retain it. */
static void read_event_log(const struct admin_request *request, const struct get_log *asked,
                           enum session_event event, struct admin_reply *reply)
{
	if (!status_is_ok(reply->status) || asked->retain)
		return;
	event_forget(request->session, event);
	reply->session_changed = true;
}

static void log_supported(const struct admin_request *request, const struct get_log *asked,
                          struct admin_reply *reply)
{
	struct nvme_log_supported log;

	log_supported_build(&log, request->subsystem == NULL);
	if (!request->subsystem)
		log.page[NVME_LOG_DISCOVERY] = le32_of(
			le32_get(log.page[NVME_LOG_DISCOVERY]) |
			(uint32_t)discovery_options(&request->target->config, request->session)
				<< 16);
	log_answer(asked, &log, sizeof(log), reply);
}

static void log_error(const struct admin_request *request, const struct get_log *asked,
                      struct admin_reply *reply)
{
	struct nvme_error_entry log[NVME_ERROR_ENTRIES];
	size_t given = request->error_entries_bytes;

	memset(log, 0, sizeof(log));
	if (given > 0)
		memcpy(log, request->error_entries, given < sizeof(log) ? given : sizeof(log));
	log_answer(asked, log, sizeof(log), reply);
}

static bool is_of_a_namespace(const struct get_log *asked)
{
	return asked->nsid != 0 && asked->nsid != NVME_NSID_ALL;
}

/* What is counted of a namespace only its worker and the transports know: they are asked, and then
 * the command is executed again. True: it is not yet. */
static bool is_to_be_tallied(const struct admin_request *request,
                             const struct config_namespace *namespace, struct admin_reply *reply)
{
	if (!request->is_tallied)
		reply->tallies = namespace;
	return !request->is_tallied;
}

/* Of the controller, or of the namespace in NSID. */
static void log_smart(const struct admin_request *request, const struct get_log *asked,
                      struct admin_reply *reply)
{
	const struct config_namespace *namespace = NULL;
	struct log_health health;
	struct nvme_log_smart log;

	if (is_of_a_namespace(asked)) {
		namespace = subsystem_find_active(
			request->subsystem, request->session, asked->nsid);
		if (!namespace) {
			admin_refuse_at(reply, NVME_SC_INVALID_NAMESPACE, COMMAND_BYTE(nsid));
			return;
		}
		if (is_to_be_tallied(request, namespace, reply))
			return;
	}
	health = namespace ? health_of_one(namespace, request->session)
	                   : health_of(request->subsystem, request->session);
	log_smart_build(&log, namespace ? &namespace->backing->counts : &request->counts, &health);
	log.power_cycles[0] = le64_of(request->subsystem->subsystem->power_cycles_saved);
	log_answer(asked, &log, sizeof(log), reply);
	read_event_log(request, asked, SESSION_EVENTS_HEALTH, reply);
}

static void log_firmware(const struct admin_request *request, const struct get_log *asked,
                         struct admin_reply *reply)
{
	struct nvme_log_firmware log;

	log_firmware_build(&log, request->subsystem->firmware);
	log_answer(asked, &log, sizeof(log), reply);
}

static void log_changed(const struct admin_request *request, const struct get_log *asked,
                        struct admin_reply *reply)
{
	struct session *session = request->session;
	struct le32 log[NVME_LOG_CHANGED_SIZE / 4];
	unsigned count = 0;

	memset(log, 0, sizeof(log));
	if (session->changed_overflow)
		log[0] = le32_of(NVME_NSID_ALL);
	for (uint32_t nsid = 1; !session->changed_overflow && nsid <= NVME_MAX_NAMESPACES; nsid++)
		if (session->changed[(nsid - 1) / 8] & 1u << ((nsid - 1) % 8))
			log[count++] = le32_of(nsid);
	log_answer(asked, log, sizeof(log), reply);
	if (status_is_ok(reply->status) && !asked->retain)
		session_forget_changed(session);
	read_event_log(request, asked, SESSION_EVENT_NAMESPACE, reply);
}

static void log_effects(const struct get_log *asked, struct admin_reply *reply)
{
	struct nvme_log_effects log;

	if (asked->csi != NVME_CSI_NVM && asked->csi != NVME_CSI_ZNS) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw14) + 3);
		return;
	}
	log_effects_build(&log, asked->csi);
	log_answer(asked, &log, sizeof(log), reply);
}

#define LSI_BYTE (COMMAND_BYTE(cdw11) + 2)

/* NULL: there is none, which is refused. */
static const struct config_namespace *find_group(const struct admin_request *request,
                                                 const struct get_log *asked,
                                                 struct admin_reply *reply)
{
	const struct config_namespace *namespace = endurance_group_find(
		request->subsystem, request->session, asked->identifier);

	if (!namespace)
		admin_refuse_byte(reply, LSI_BYTE);
	return namespace;
}

/* Of the group in LSI. */
static void log_endurance(const struct admin_request *request, const struct get_log *asked,
                          struct admin_reply *reply)
{
	const struct config_namespace *namespace = find_group(request, asked, reply);
	struct nvme_log_endurance log;
	const struct backing *backing;
	struct log_health health;

	if (!namespace || is_to_be_tallied(request, namespace, reply))
		return;
	backing = namespace->backing;
	health = health_of_one(namespace, request->session);
	log_endurance_build(&log,
	                    &backing->counts,
	                    &health,
	                    backing->blocks << backing->block_shift,
	                    backing->actuators > 0);
	log_answer(asked, &log, sizeof(log), reply);
}

/* Of the group in LSI, whose media must rotate. */
static void log_rotational(const struct admin_request *request, const struct get_log *asked,
                           struct admin_reply *reply)
{
	const struct config_namespace *namespace = find_group(request, asked, reply);
	struct nvme_log_rotational log;

	if (!namespace)
		return;
	if (namespace->backing->actuators == 0) {
		admin_refuse_byte(reply, LSI_BYTE);
		return;
	}
	log_rotational_build(&log, endurance_group_of(namespace), namespace->backing->actuators);
	log_answer(asked, &log, sizeof(log), reply);
}

static void log_ana(const struct admin_request *request, const struct get_log *asked,
                    struct admin_reply *reply)
{
	_cleanup_(cleanup_free) uint8_t *log = calloc(1, ANA_LOG_MAX);
	uint64_t of_namespaces = request->subsystem->subsystem->namespaces_revision;
	uint64_t of_port = request->port->ana_revision;

	if (!log) {
		reply->status = status_of(NVME_SC_INTERNAL);
		return;
	}
	ana_log_build(log,
	              request->port,
	              request->subsystem,
	              request->session,
	              of_namespaces > of_port ? of_namespaces : of_port,
	              asked->specific & NVME_LOG_ANA_RGO);
	log_answer(asked, log, ANA_LOG_MAX, reply);
	read_event_log(request, asked, SESSION_EVENT_ANA, reply);
}

static void log_features(const struct admin_request *request, const struct get_log *asked,
                         struct admin_reply *reply)
{
	struct nvme_log_features log;

	memset(&log, 0, sizeof(log));
	for (unsigned fid = 0; fid < 256; fid++) {
		const struct feature *feature = feature_find(request, (uint8_t)fid);

		if (feature)
			log.feature[fid] = le32_of(feature_effects(feature));
	}
	log_answer(asked, &log, sizeof(log), reply);
}

/* There is no NVMe-MI here. */
static void log_mi(const struct get_log *asked, struct admin_reply *reply)
{
	const struct nvme_log_mi none = {0};

	log_answer(asked, &none, sizeof(none), reply);
}

/* Made from the configuration each time: pieces of one log fit together as long as the generation
 * counter is the same, which every change of any host's log moves. */
static void log_discovery(const struct admin_request *request, const struct get_log *asked,
                          struct admin_reply *reply)
{
	const struct discovery_question question = {
		.config = &request->target->config,
		.session = request->session,
		.specific = asked->specific,
	};
	const struct discovery_extent extent = discovery_log_measure(&question);
	uint8_t *data;

	if (asked->offset_bytes > extent.bytes) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw12));
		return;
	}
	data = admin_data(reply, asked->length_bytes);
	if (!data)
		return;
	discovery_log_read(&question,
	                   &extent,
	                   request->target->discovery_counter,
	                   asked->offset_bytes,
	                   data,
	                   asked->length_bytes);
	read_event_log(request, asked, SESSION_EVENT_DISCOVERY, reply);
}

static void refuse_page(struct admin_reply *reply)
{
	admin_refuse_at(reply, NVME_SC_INVALID_LOG_PAGE, COMMAND_BYTE(cdw10));
}

static void execute_discovery(const struct admin_request *request, const struct get_log *asked,
                              struct admin_reply *reply)
{
	switch (asked->page) {
	case NVME_LOG_SUPPORTED:
		log_supported(request, asked, reply);
		break;
	case NVME_LOG_ERROR:
		log_error(request, asked, reply);
		break;
	case NVME_LOG_FEATURES:
		log_features(request, asked, reply);
		break;
	case NVME_LOG_DISCOVERY:
		log_discovery(request, asked, reply);
		break;
	default:
		refuse_page(reply);
	}
}

static void execute_io(const struct admin_request *request, const struct get_log *asked,
                       struct admin_reply *reply)
{
	switch (asked->page) {
	case NVME_LOG_SUPPORTED:
		log_supported(request, asked, reply);
		break;
	case NVME_LOG_ERROR:
		log_error(request, asked, reply);
		break;
	case NVME_LOG_SMART:
		log_smart(request, asked, reply);
		break;
	case NVME_LOG_FIRMWARE_SLOT:
		log_firmware(request, asked, reply);
		break;
	case NVME_LOG_CHANGED_NAMESPACES:
		log_changed(request, asked, reply);
		break;
	case NVME_LOG_COMMAND_EFFECTS:
		log_effects(asked, reply);
		break;
	case NVME_LOG_ENDURANCE_GROUP:
		log_endurance(request, asked, reply);
		break;
	case NVME_LOG_ANA:
		log_ana(request, asked, reply);
		break;
	case NVME_LOG_PERSISTENT_EVENT:
		log_events(request, asked, reply);
		break;
	case NVME_LOG_FEATURES:
		log_features(request, asked, reply);
		break;
	case NVME_LOG_MI:
		log_mi(asked, reply);
		break;
	case NVME_LOG_ROTATIONAL_MEDIA:
		log_rotational(request, asked, reply);
		break;
	case NVME_LOG_RESERVATION:
		reservation_notice_log(request, asked, reply);
		break;
	default:
		refuse_page(reply);
	}
}

void log_execute(const struct admin_request *request, struct admin_reply *reply)
{
	struct get_log asked;
	uint16_t location;

	reply->status = get_log_decode(
		request->command, 4096u << config_mdts(request->port), &asked, &location);
	if (!status_is_ok(reply->status))
		reply->error_location = (uint16_t)(location + 1);
	else if (!log_is_supported(asked.page, request->subsystem == NULL))
		refuse_page(reply);
	else if (request->subsystem && is_of_a_namespace(&asked) &&
	         asked.page != NVME_LOG_SMART) /* Base 2.1 §5.1.12.1 */
		admin_refuse_byte(reply, COMMAND_BYTE(nsid));
	else if (request->subsystem)
		execute_io(request, &asked, reply);
	else
		execute_discovery(request, &asked, reply);
}
