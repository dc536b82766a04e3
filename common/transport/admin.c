/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/admin.h"

#include <stddef.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/nvme/decode.h"
#include "common/nvme/identify.h"
#include "common/transport/aborts.h"
#include "common/transport/seat.h"
#include "common/transport/subsystem_reset.h"
#include "common/transport/transition.h"
#include "common/transport/transport.h"

#define ABORT_NOT_DONE 1u /* dword 0, bit 0 (Base 2.1 §5.1.1) */

static void answer(struct task *task, struct nvme_status status)
{
	task->status = status;
	task_return(task);
}

/* ------------------------------------------------------------------ to the state service */

static bool is_event_request(const struct task *task)
{
	return task->command.opcode == NVME_ADMIN_ASYNC_EVENT;
}

static unsigned count_events(const struct seat *seat)
{
	unsigned n = 0;

	list_for_each (link, &seat->tasks)
		n += is_event_request(container_of(link, struct task, seat_link));
	return n;
}

static void ask(struct transport *transport, struct task *task)
{
	if (is_event_request(task) && count_events(task->seat) > NVME_AER_LIMIT) {
		answer(task, status_dnr(NVME_SC_AER_LIMIT));
		return;
	}
	if (!is_event_request(task))
		task->deadline_ns = clock_now_ns() +
		                    transport_limits(transport)->admin_answer_ms * NS_PER_MS;
	if (task->seat->qid > 0)
		task->identity = ++transport->asks.identities;
	asks_ask(transport, task);
}

/* ------------------------------------------------------------------ fabrics */

static void get_property(struct task *task, const struct controller *controller)
{
	uint64_t value = 0;
	struct nvme_status status;

	status = properties_get(
		&controller->properties, &task->command, &value, &task->error_location);
	task->result[0] = (uint32_t)value;
	task->result[1] = (uint32_t)(value >> 32);
	answer(task, status);
}

/* Controller Level Reset: what is outstanding is not carried on with (Base 2.1 §3.7.2). task: but
 * for this; or NULL. */
static void abort_all(struct transport *transport, struct seat *seat, const struct task *task)
{
	list_for_each_safe (link, &seat->tasks) {
		struct task *other = container_of(link, struct task, seat_link);

		if (other == task)
			continue;
		asks_cancel(transport, other);
		task_refuse(other, status_of(NVME_SC_ABORT_REQUESTED));
	}
}

static void set_property(struct task *task, struct controller *controller)
{
	enum properties_change change = PROPERTIES_SAME;
	struct nvme_status status;

	status = properties_set(
		&controller->properties, &task->command, &change, &task->error_location);
	if (change == PROPERTIES_SUBSYSTEM_RESET) {
		subsystem_reset_begin(controller->transport, controller->subsystem, task);
		return;
	}
	if (change == PROPERTIES_DISABLED) {
		abort_all(controller->transport, task->seat, task);
		controller_reset_session(controller);
	}
	transition_begin(controller, change);
	answer(task, status);
}

void admin_reset_by_subsystem(struct transport *transport, struct controller *controller)
{
	struct seat *admin = controller_queue(controller, 0);

	if (controller->ended)
		return;
	if (controller_is_news(controller))
		log_info("%s: reset with its subsystem", controller->name);
	if (admin)
		abort_all(transport, admin, NULL);
	controller_reset_session(controller);
	transition_reset_subsystem(controller);
}

static void disconnect(struct task *task)
{
	struct nvme_disconnect_command command;
	struct seat *seat = task->seat;

	memcpy(&command, &task->command, sizeof(command));
	if (seat->qid == 0) { /* it is for I/O queues only */
		answer(task, status_dnr(NVME_SC_INVALID_QUEUE_TYPE));
		return;
	}
	if (le16_get(command.recfmt) != 0) {
		task->error_location = offsetof(struct nvme_disconnect_command, recfmt);
		answer(task, status_dnr(NVME_SC_CONNECT_FORMAT));
		return;
	}
	answer(task, STATUS_OK);
	seat_terminate(seat, "its host has disconnected"); /* once the answer has been sent */
}

static void begin_fabrics(struct task *task, struct controller *controller)
{
	switch (decode_fabrics_type(&task->command)) {
	case NVME_FABRICS_PROPERTY_GET:
		get_property(task, controller);
		return;
	case NVME_FABRICS_PROPERTY_SET:
		set_property(task, controller);
		return;
	case NVME_FABRICS_DISCONNECT:
		disconnect(task);
		return;
	case NVME_FABRICS_CONNECT:
	case NVME_FABRICS_AUTH_SEND:
	case NVME_FABRICS_AUTH_RECEIVE:
		break;
	}
	answer(task, status_dnr(NVME_SC_INVALID_OPCODE));
}

/* ------------------------------------------------------------------ Abort */

static struct task *find_by_cid(const struct seat *seat, uint16_t cid, const struct task *but)
{
	list_for_each (link, &seat->tasks) {
		struct task *task = container_of(link, struct task, seat_link);

		if (task != but && le16_get(task->command.cid) == cid)
			return task;
	}
	return NULL;
}

/* What waits at the state service is here; all else is at a reactor (Base 2.1 §5.1.1). */
static void abort_command(struct transport *transport, struct task *task,
                          struct controller *controller)
{
	uint32_t cdw10 = le32_get(task->command.cdw10);
	uint16_t qid = (uint16_t)cdw10, cid = (uint16_t)(cdw10 >> 16);
	struct seat *seat = controller_queue(controller, qid);
	struct task *aborted = qid == 0 ? find_by_cid(task->seat, cid, task) : NULL;

	if (controller->n_aborts >= NVME_ABORT_LIMIT) { /* later there is room again: no DNR */
		answer(task, status_of(NVME_SC_ABORT_LIMIT));
		return;
	}
	if (aborted) {
		asks_cancel(transport, aborted);
		task_refuse(aborted, status_of(NVME_SC_ABORT_REQUESTED));
	}
	task->result[0] = aborted ? 0 : ABORT_NOT_DONE;
	if (aborted || !seat || seat->closing || seat->terminating ||
	    !aborts_begin(transport, task, seat, cid))
		answer(task, STATUS_OK);
}

/* ------------------------------------------------------------------ the rest */

static void keep_alive(struct task *task, const struct controller *controller)
{
	answer(task,
	       controller->session->kato_ms > 0 ? STATUS_OK
	                                        : status_dnr(NVME_SC_KEEP_ALIVE_INVALID));
}

/* Number of Queues is set before there are any (Base 2.1 §5.1.25.2.1). */
static bool comes_too_late(const struct task *task, const struct controller *controller)
{
	if (task->command.opcode != NVME_ADMIN_SET_FEATURES ||
	    (le32_get(task->command.cdw10) & 0xff) != NVME_FEATURE_NUMBER_OF_QUEUES)
		return false;
	list_for_each (link, &controller->seats) {
		const struct seat *seat = container_of(link, struct seat, link);

		if (seat->qid > 0 && !seat->closing && !seat->terminating && !seat->is_fenced)
			return true;
	}
	return false;
}

static void begin_admin(struct transport *transport, struct task *task,
                        struct controller *controller)
{
	if (!properties_are_ready(&controller->properties) || comes_too_late(task, controller)) {
		answer(task, status_dnr(NVME_SC_COMMAND_SEQUENCE));
		return;
	}
	switch (task->command.opcode) {
	case NVME_ADMIN_ABORT:
		abort_command(transport, task, controller);
		return;
	default:
		ask(transport, task);
		return;
	}
}

void admin_begin(struct transport *transport, struct task *task)
{
	struct controller *controller = task->seat->controller;

	if (!controller || controller->ended) /* its queue is being terminated */
		answer(task, status_of(NVME_SC_INTERNAL));
	else if (task->command.opcode == NVME_FABRICS)
		begin_fabrics(task, controller);
	else if (task->command.opcode == NVME_ADMIN_KEEP_ALIVE)
		keep_alive(task, controller);
	else
		begin_admin(transport, task, controller);
}

/* ------------------------------------------------------------------ question and answer */

static bool is_log_page(const struct task *task, enum nvme_log_page page)
{
	return task->command.opcode == NVME_ADMIN_GET_LOG_PAGE &&
	       (le32_get(task->command.cdw10) & 0xff) == (uint32_t)page;
}

void admin_send(struct transport *transport, struct task *task)
{
	struct controller *controller = task->seat->controller;
	struct nvme_error_entry errors[ERROR_LOG_ENTRIES];
	Nvmetd__AdminRequest request = NVMETD__ADMIN_REQUEST__INIT;
	Nvmetd__Counters counters = NVMETD__COUNTERS__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	const uint64_t identity[2] = {transport->service.instance, task->identity};

	request.subsystem = controller->subsystem;
	request.cntlid = controller->cntlid;
	request.command.data = (uint8_t *)&task->command;
	request.command.len = sizeof(task->command);
	request.data.data = task->data;
	request.data.len = task->data_bytes;
	if (task->identity) {
		request.qid = task->seat->qid;
		request.identity.data = (uint8_t *)identity;
		request.identity.len = sizeof(identity);
	}
	if (task->command.opcode == NVME_ADMIN_GET_LOG_PAGE) {
		controller_count(controller, &counters);
		counters.errors = error_log_count(&controller->errors);
		request.counters = &counters;
	}
	if (is_log_page(task, NVME_LOG_ERROR)) {
		request.error_entries.data = (uint8_t *)errors;
		request.error_entries.len = error_log_copy(&controller->errors, errors) *
		                            sizeof(errors[0]);
	}
	message.body_case = NVMETD__ENVELOPE__BODY_ADMIN_REQUEST;
	message.admin_request = &request;
	ipc_client_send(transport->client, task->number, &message);
}

/* What a host makes room for in vain: capabilities of a feature, which are in dword 0. */
static bool may_lack_data(const struct task *task)
{
	return task->command.opcode == NVME_ADMIN_GET_FEATURES;
}

/* False: it is not what the command asks for. */
static bool take_data(struct task *task, const ProtobufCBinaryData *data)
{
	if (data->len != task->wanted_bytes && !(data->len == 0 && may_lack_data(task)))
		return false;
	if (task->wanted_bytes == 0)
		return true;
	task->reply = calloc(1, task->wanted_bytes);
	if (!task->reply)
		return false;
	if (data->len > 0)
		memcpy(task->reply, data->data, data->len);
	return true;
}

void admin_answered(struct transport *transport, struct task *task, const Nvmetd__AdminReply *reply)
{
	struct controller *controller = task->seat->controller;

	if (reply->ask_later) {
		asks_ask_later(transport, task);
		return;
	}
	task->status = task_status_of(reply->status);
	task->result[0] = reply->result;
	if (reply->error_location > 0 && reply->error_location <= UINT16_MAX)
		task->error_location = (uint16_t)(reply->error_location - 1);
	if (reply->session)
		controller_take_session(controller, reply->session);
	if (status_is_ok(task->status) && !take_data(task, &reply->data)) {
		log_err("%s: the state service answered opcode %02xh with %zu bytes instead of %u",
		        controller->name,
		        task->command.opcode,
		        reply->data.len,
		        task->wanted_bytes);
		task->status = status_of(NVME_SC_INTERNAL);
	}
	task_return(task);
}
