/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/features.h"

#include <string.h>

#include "common/nvme/identify.h"
#include "services/state/connect.h"
#include "services/state/health.h"

/*
 * The features of a controller. What none of our queues or devices do differently for it (the
 * weights of arbitration, workload hints, atomicity beyond power failure) is kept as the host's
 * word, as the specification makes these features mandatory.
 */
#define KAS_MS (NVME_KAS_UNITS * 100)

static struct session_features *features_of(const struct admin_request *request)
{
	return &request->session->features;
}

/* The value of now, or the default. */
static const struct session_features *values(const struct admin_request *request, bool now)
{
	static const struct session_features defaults = SESSION_FEATURES_DEFAULT;

	return now ? features_of(request) : &defaults;
}

/* ------------------------------------------------------------------ 01h Arbitration */

#define ARBITRATION_FIELDS 0xffffff07u /* AB, LPW, MPW, HPW */

static void set_arbitration(const struct admin_request *request, uint32_t value,
                            struct admin_reply *reply)
{
	features_of(request)->arbitration = value & ARBITRATION_FIELDS;
	reply->session_changed = true;
}

static void get_arbitration(const struct admin_request *request, bool now,
                            struct admin_reply *reply)
{
	reply->result = values(request, now)->arbitration;
}

/* ------------------------------------------------------------------ 02h Power Management */

#define POWER_STATE(value)   ((value)&0x1fu)
#define WORKLOAD_HINT(value) (((value) >> 5) & 0x7u)
#define WORKLOAD_HINT_MAX    2u

/* There is one power state, 0. */
static void set_power(const struct admin_request *request, uint32_t value,
                      struct admin_reply *reply)
{
	if (POWER_STATE(value) != 0 || WORKLOAD_HINT(value) > WORKLOAD_HINT_MAX) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	features_of(request)->power_management = value & 0xff;
	reply->session_changed = true;
}

static void get_power(const struct admin_request *request, bool now, struct admin_reply *reply)
{
	reply->result = values(request, now)->power_management;
}

/* ------------------------------------------------------------------ 04h Temperature Threshold */

#define TMPTH(value)  ((uint16_t)(value))
#define TMPSEL(value) (((value) >> 16) & 0xfu)
#define THSEL(value)  (((value) >> 20) & 0x3u)
#define TMPTHH(value) (((value) >> 22) & 0x7u)
#define TMPSEL_ALL    0xfu

enum { THSEL_OVER, THSEL_UNDER };

/* There is the composite temperature, and no sensor besides; and no hysteresis (TMPTHHA is 0). */
static bool check_temperature(uint32_t value, bool may_be_all, struct admin_reply *reply)
{
	if (TMPSEL(value) != 0 && !(may_be_all && TMPSEL(value) == TMPSEL_ALL))
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11) + 2);
	else if (THSEL(value) > THSEL_UNDER || TMPTHH(value) != 0)
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11) + 2);
	return status_is_ok(reply->status);
}

static void set_temperature(const struct admin_request *request, uint32_t value,
                            struct admin_reply *reply)
{
	if (!check_temperature(value, true, reply))
		return;
	if (THSEL(value) == THSEL_OVER)
		features_of(request)->over_temperature = TMPTH(value);
	else
		features_of(request)->under_temperature = TMPTH(value);
	reply->session_changed = true;
	health_consider(request->session, request->subsystem);
	request->session->untold = true; /* requests may wait for what that has raised */
}

static void get_temperature(const struct admin_request *request, bool now,
                            struct admin_reply *reply)
{
	uint32_t select = le32_get(request->command->cdw11);
	const struct session_features *features = values(request, now);

	if (!check_temperature(select, false, reply))
		return;
	reply->result = THSEL(select) << 20 |
	                (THSEL(select) == THSEL_OVER ? features->over_temperature
	                                             : features->under_temperature);
}

/* ------------------------------------------------------------------ 06h Volatile Write Cache */

static void set_write_cache(const struct admin_request *request, uint32_t value,
                            struct admin_reply *reply)
{
	(void)request;
	if (!(value & 1)) /* it is there, and stays on */
		admin_refuse(reply, NVME_SC_FEATURE_NOT_CHANGEABLE);
}

static void get_write_cache(const struct admin_request *request, bool now,
                            struct admin_reply *reply)
{
	(void)request;
	(void)now;
	reply->result = 1;
}

/* ------------------------------------------------------------------ 07h Number of Queues */

static uint32_t queues_result(uint32_t queues)
{
	return (queues - 1) << 16 | (queues - 1);
}

/* qid_max, or what is left of host_io_queues; one in any case. */
static uint32_t queues_max(const struct admin_request *request)
{
	const struct session *session = request->session;
	uint32_t most = request->target->config.limits.host_io_queues, others = 0;

	if (most == 0)
		return request->subsystem->qid_max;
	list_for_each (at, (struct list *)request->sessions) {
		const struct session *other = container_of(at, struct session, link);

		if (other != session && session_is_of(other, session->host_nqn, session->host_id))
			others += other->io_queues;
	}
	most = most > others ? most - others : 1;
	return most < request->subsystem->qid_max ? most : request->subsystem->qid_max;
}

/* As many pairs as asked for, up to that: queues go in pairs over fabrics. */
static void set_number_of_queues(const struct admin_request *request, uint32_t value,
                                 struct admin_reply *reply)
{
	uint32_t submission = value & 0xffff, completion = value >> 16;
	uint32_t asked = submission > completion ? submission : completion;

	if (submission == 0xffff || completion == 0xffff) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11) + (submission == 0xffff ? 0 : 2));
		return;
	}
	request->session->io_queues = asked + 1 < queues_max(request) ? asked + 1
	                                                              : queues_max(request);
	reply->result = queues_result(request->session->io_queues);
	reply->session_changed = true;
}

/* Before Set Features, the value is the most there can be. */
static void get_number_of_queues(const struct admin_request *request, bool now,
                                 struct admin_reply *reply)
{
	uint32_t granted = request->session->io_queues;

	reply->result = queues_result(now && granted ? granted : queues_max(request));
}

/* ------------------------------------------------------------------ 0Ah Write Atomicity Normal */

static void set_atomicity(const struct admin_request *request, uint32_t value,
                          struct admin_reply *reply)
{
	features_of(request)->write_atomicity = value & 1;
	reply->session_changed = true;
}

static void get_atomicity(const struct admin_request *request, bool now, struct admin_reply *reply)
{
	reply->result = values(request, now)->write_atomicity;
}

/* ------------------------------------------------------------------ 0Bh Asynchronous Event
 * Configuration */

/* The events that a controller of this kind may be asked for. Critical warnings (bits 7:0) must
 * be accepted by any controller with a SMART log. */
static uint32_t supported_events(const struct admin_request *request)
{
	return request->subsystem ? NVME_OAES_NAMESPACE | NVME_OAES_ANA | 0xff
	                          : NVME_OAES_DISCOVERY;
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
	request->session->untold = true; /* events may have waited for that */
}

static void get_events(const struct admin_request *request, bool now, struct admin_reply *reply)
{
	reply->result = now ? request->session->async_event_config
	                    : session_default_events(request->session);
}

/* ------------------------------------------------------------------ 0Fh Keep Alive Timer */

static void set_keep_alive(const struct admin_request *request, uint32_t value,
                           struct admin_reply *reply)
{
	if (value > UINT32_MAX - KAS_MS) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	request->session->kato_ms = connect_kato_ms(
		&request->target->config.limits, value, request->session->discovery);
	reply->session_changed = true;
}

static void get_keep_alive(const struct admin_request *request, bool now, struct admin_reply *reply)
{
	reply->result = now ? request->session->kato_ms : 0;
}

/* ------------------------------------------------------------------ 16h Host Behavior Support */

/* Each is the host's word that it can cope with something: retries after CRDT (ACRE), telemetry of
 * another area (ETDAS), dispersed namespaces (HDISNS). More LBA formats (LBAFEE) and descriptor
 * formats of Copy (CDFE) are asked for, and not there. */
static bool check_behavior(const struct nvme_host_behavior *behavior)
{
	return behavior->acre <= 1 && behavior->etdas <= 1 && behavior->lbafee == 0 &&
	       behavior->hdisns <= 1 && le16_get(behavior->cdfe) == 0;
}

static void set_behavior(const struct admin_request *request, uint32_t value,
                         struct admin_reply *reply)
{
	struct nvme_host_behavior behavior;

	(void)value;
	if (request->data_bytes != sizeof(behavior)) {
		admin_refuse_at(
			reply, NVME_SC_SGL_DATA_LENGTH, offsetof(struct nvme_command, sgl.length));
		return;
	}
	memcpy(&behavior, request->data, sizeof(behavior));
	if (!check_behavior(&behavior)) { /* a byte of the data has no location */
		admin_refuse(reply, NVME_SC_INVALID_FIELD);
		return;
	}
	memcpy(features_of(request)->host_behavior, &behavior, SESSION_BEHAVIOR_SIZE);
	reply->session_changed = true;
}

static void get_behavior(const struct admin_request *request, bool now, struct admin_reply *reply)
{
	uint8_t *data = admin_data(reply, sizeof(struct nvme_host_behavior));

	if (data)
		memcpy(data, values(request, now)->host_behavior, SESSION_BEHAVIOR_SIZE);
}

/* ------------------------------------------------------------------ 19h I/O Command Set Profile */

#define COMBINATION(value) ((value)&0x1ffu)

/* There is one combination in CNS 1Ch, the first. */
static void set_command_sets(const struct admin_request *request, uint32_t value,
                             struct admin_reply *reply)
{
	(void)request;
	if (COMBINATION(value) != 0)
		admin_refuse_at(reply, NVME_SC_COMMAND_SETS_REJECTED, COMMAND_BYTE(cdw11));
}

static void get_command_sets(const struct admin_request *request, bool now,
                             struct admin_reply *reply)
{
	(void)request;
	(void)now;
	reply->result = 0;
}

/* ------------------------------------------------------------------ 81h Host Identifier */

#define EXHID 0x1u /* 128 bits of it */

/* Over fabrics Connect has set it (§5.1.25.1.29). */
static void set_host_identifier(const struct admin_request *request, uint32_t value,
                                struct admin_reply *reply)
{
	(void)request;
	(void)value;
	admin_refuse(reply, NVME_SC_COMMAND_SEQUENCE);
}

static void get_host_identifier(const struct admin_request *request, bool now,
                                struct admin_reply *reply)
{
	uint8_t *data;

	(void)now;
	if (!(le32_get(request->command->cdw11) & EXHID)) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	data = admin_data(reply, sizeof(request->session->host_id));
	if (data)
		memcpy(data, request->session->host_id, sizeof(request->session->host_id));
}

/* ------------------------------------------------------------------ the table */

const struct feature features_of_controller[] = {
	{NVME_FEATURE_ARBITRATION,
         .is_changeable = true,
         .set = set_arbitration,
         .get = get_arbitration},
	{NVME_FEATURE_POWER_MANAGEMENT,                            .is_changeable = true,                       .set = set_power,      .get = get_power},
	{NVME_FEATURE_TEMPERATURE_THRESHOLD,
         .is_changeable = true,
         .set = set_temperature,
         .get = get_temperature},
	{NVME_FEATURE_VOLATILE_WRITE_CACHE,       .set = set_write_cache,                                .get = get_write_cache                                                              },
	{NVME_FEATURE_NUMBER_OF_QUEUES,
         .is_changeable = true,
         .set = set_number_of_queues,
         .get = get_number_of_queues},
	{NVME_FEATURE_WRITE_ATOMICITY,
         .is_changeable = true,
         .set = set_atomicity,
         .get = get_atomicity},
	{NVME_FEATURE_ASYNC_EVENT_CONFIG,
         .of_discovery = true,
         .is_changeable = true,
         .set = set_events,
         .get = get_events},
	{NVME_FEATURE_KEEP_ALIVE_TIMER,
         .of_discovery = true,
         .is_changeable = true,
         .set = set_keep_alive,
         .get = get_keep_alive},
	{NVME_FEATURE_HOST_BEHAVIOR,
         .is_changeable = true,
         .set = set_behavior,
         .get = get_behavior},
	{NVME_FEATURE_COMMAND_SETS,         .set = set_command_sets,                                 .get = get_command_sets                                                                 },
	{NVME_FEATURE_HOST_IDENTIFIER,                            .set = set_host_identifier,                          .get = get_host_identifier                                                                 },
};

const unsigned n_features_of_controller = sizeof(features_of_controller) /
                                          sizeof(features_of_controller[0]);
