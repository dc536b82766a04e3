/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "common/nvme/identify.h"
#include "services/state/admin.h"

/*
 * Set Features and Get Features (Base 2.1 §5.1.11, §5.1.25). None of ours can be saved, and none
 * is of a namespace.
 */
#define FID(command)   ((uint8_t)le32_get((command)->cdw10))
#define SEL(command)   ((le32_get((command)->cdw10) >> 8) & 0x7)
#define SAVE           (1u << 31)
#define EXHID          0x1u /* of the Host Identifier: 128 bits of it */
#define KAS_MS         (NVME_KAS_UNITS * 100)
#define CAN_BE_CHANGED 0x4u

enum select { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_SUPPORTED };

/* The events that a controller of this kind may be asked for. Critical warnings (bits 7:0) must
 * be accepted by any controller with a SMART log; ours never has one to tell. */
static uint32_t supported_events(const struct admin_request *request)
{
	return request->subsystem ? NVME_OAES_NAMESPACE | NVME_OAES_ANA | 0xff
	                          : NVME_OAES_DISCOVERY;
}

static bool is_supported(const struct admin_request *request, uint8_t feature)
{
	switch (feature) {
	case NVME_FEATURE_ASYNC_EVENT_CONFIG:
	case NVME_FEATURE_KEEP_ALIVE_TIMER:
		return true;
	case NVME_FEATURE_VOLATILE_WRITE_CACHE:
	case NVME_FEATURE_NUMBER_OF_QUEUES:
	case NVME_FEATURE_HOST_IDENTIFIER:
		return request->subsystem != NULL;
	default:
		return false;
	}
}

/* ------------------------------------------------------------------ set */

static void set_write_cache(uint32_t value, struct admin_reply *reply)
{
	if (!(value & 1)) /* it is there, and stays on */
		admin_refuse(reply, NVME_SC_FEATURE_NOT_CHANGEABLE);
}

static uint32_t queues_result(uint32_t queues)
{
	return (queues - 1) << 16 | (queues - 1);
}

/* As many pairs as asked for, up to qid_max: queues go in pairs over fabrics. */
static void set_number_of_queues(const struct admin_request *request, uint32_t value,
                                 struct admin_reply *reply)
{
	uint32_t submission = value & 0xffff, completion = value >> 16;
	uint32_t asked = submission > completion ? submission : completion;

	if (submission == 0xffff || completion == 0xffff) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	request->session->io_queues = asked + 1 < request->subsystem->qid_max
	                                      ? asked + 1
	                                      : request->subsystem->qid_max;
	reply->result = queues_result(request->session->io_queues);
	reply->session_changed = true;
}

static void set_events(const struct admin_request *request, uint32_t value,
                       struct admin_reply *reply)
{
	if (value & ~supported_events(request)) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	request->session->async_event_config = value;
	reply->session_changed = true;
}

static void set_keep_alive(const struct admin_request *request, uint32_t value,
                           struct admin_reply *reply)
{
	if (value > UINT32_MAX - KAS_MS) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	request->session->kato_ms = (value + KAS_MS - 1) / KAS_MS * KAS_MS;
	reply->session_changed = true;
}

void set_features_execute(const struct admin_request *request, struct admin_reply *reply)
{
	uint32_t value = le32_get(request->command->cdw11);

	if (!is_supported(request, FID(request->command))) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
		return;
	}
	if (le32_get(request->command->cdw10) & SAVE) {
		admin_refuse(reply, NVME_SC_FEATURE_NOT_SAVEABLE);
		return;
	}
	switch ((enum nvme_feature)FID(request->command)) {
	case NVME_FEATURE_VOLATILE_WRITE_CACHE:
		set_write_cache(value, reply);
		break;
	case NVME_FEATURE_NUMBER_OF_QUEUES:
		set_number_of_queues(request, value, reply);
		break;
	case NVME_FEATURE_ASYNC_EVENT_CONFIG:
		set_events(request, value, reply);
		break;
	case NVME_FEATURE_KEEP_ALIVE_TIMER:
		set_keep_alive(request, value, reply);
		break;
	case NVME_FEATURE_HOST_IDENTIFIER: /* over fabrics Connect has set it (§5.1.25.1.29) */
		admin_refuse(reply, NVME_SC_COMMAND_SEQUENCE);
		break;
	}
}

/* ------------------------------------------------------------------ get */

/* Before Set Features, the value is the most there can be. */
static uint32_t queues_now(const struct admin_request *request, enum select select)
{
	uint32_t granted = request->session->io_queues;

	return queues_result(select == SELECT_CURRENT && granted ? granted
	                                                         : request->subsystem->qid_max);
}

static void get_host_identifier(const struct admin_request *request, struct admin_reply *reply)
{
	uint8_t *data;

	if (!(le32_get(request->command->cdw11) & EXHID)) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	data = admin_data(reply, sizeof(request->session->host_id));
	if (data)
		memcpy(data, request->session->host_id, sizeof(request->session->host_id));
}

static uint32_t default_events(const struct admin_request *request)
{
	return request->session->persistent ? NVME_OAES_DISCOVERY : 0;
}

static void get_value(const struct admin_request *request, enum select select,
                      struct admin_reply *reply)
{
	bool current = select == SELECT_CURRENT;

	switch ((enum nvme_feature)FID(request->command)) {
	case NVME_FEATURE_VOLATILE_WRITE_CACHE:
		reply->result = 1;
		break;
	case NVME_FEATURE_NUMBER_OF_QUEUES:
		reply->result = queues_now(request, select);
		break;
	case NVME_FEATURE_ASYNC_EVENT_CONFIG:
		reply->result = current ? request->session->async_event_config
		                        : default_events(request);
		break;
	case NVME_FEATURE_KEEP_ALIVE_TIMER:
		reply->result = current ? request->session->kato_ms : 0;
		break;
	case NVME_FEATURE_HOST_IDENTIFIER:
		get_host_identifier(request, reply);
		break;
	}
}

/* What can be done with the feature: ours can at most be changed. */
static void get_capabilities(const struct admin_request *request, struct admin_reply *reply)
{
	uint8_t feature = FID(request->command);

	if (feature == NVME_FEATURE_HOST_IDENTIFIER && !admin_data(reply, 16))
		return; /* the transfer is of the feature, whatever is selected */
	if (feature == NVME_FEATURE_NUMBER_OF_QUEUES ||
	    feature == NVME_FEATURE_ASYNC_EVENT_CONFIG || feature == NVME_FEATURE_KEEP_ALIVE_TIMER)
		reply->result = CAN_BE_CHANGED;
}

void get_features_execute(const struct admin_request *request, struct admin_reply *reply)
{
	uint32_t select = SEL(request->command);

	if (!is_supported(request, FID(request->command)))
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10));
	else if (select > SELECT_SUPPORTED)
		admin_refuse_byte(reply, COMMAND_BYTE(cdw10) + 1);
	else if (select == SELECT_SUPPORTED)
		get_capabilities(request, reply);
	else
		get_value(request, (enum select)select, reply);
}
