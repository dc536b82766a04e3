/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/connect.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/nvme/decode.h"
#include "common/nvme/nqn.h"
#include "common/transport/queue.h"
#include "common/transport/seat.h"
#include "common/transport/transport.h"

#define IN_COMMAND(field) connect_error_in_command(offsetof(struct nvme_connect_command, field))
#define IN_DATA(field)    connect_error_in_data(offsetof(struct nvme_connect_data, field))

bool connect_is(const struct task *task)
{
	return task->command.opcode == NVME_FABRICS &&
	       decode_fabrics_type(&task->command) == NVME_FABRICS_CONNECT;
}

static void refuse(struct task *task, struct nvme_status status, uint32_t result)
{
	task->connected.controller = controller_drop(task->connected.controller);
	task->result[0] = result;
	task_refuse(task, status);
}

static void refuse_parameter(struct task *task, uint32_t where)
{
	refuse(task, status_dnr(NVME_SC_CONNECT_INVALID_PARAMETERS), where);
}

/* ------------------------------------------------------------------ the question */

static const char *name_in_data(const struct task *task, size_t offset)
{
	return nqn_of_field((const char *)task->data + offset);
}

static uint32_t size_limit(const struct view_port *port, const struct seat *seat,
                           const struct decoded_connect *connect)
{
	uint32_t limit = connect->qid == 0 ? QUEUE_ADMIN_SIZE_MAX : port->max_queue_size;

	return seat->size_max && seat->size_max < limit ? seat->size_max : limit;
}

/* A host may send two Connects at once; a queue has one, and one at a time (Base 2.1 §3.3.2.3). */
static bool is_first(const struct task *task)
{
	list_for_each (link, &task->seat->tasks) {
		const struct task *other = container_of(link, struct task, seat_link);

		if (other != task && connect_is(other))
			return false;
	}
	return !task->seat->controller;
}

void connect_begin(struct transport *transport, struct task *task)
{
	const struct view *view = transport->view;
	const struct view_port *port = view ? view_port(view, task->seat->port_id) : NULL;
	struct decoded_connect connect;
	struct nvme_status status = decode_connect(&task->command, &connect, &task->error_location);

	if (!is_first(task)) {
		refuse(task, status_dnr(NVME_SC_COMMAND_SEQUENCE), 0);
		return;
	}
	if (!status_is_ok(status)) {
		refuse(task, status, connect_error_in_command(task->error_location));
		return;
	}
	if (!port || transport->is_stopping) {
		refuse(task, status_of(NVME_SC_CONNECT_BUSY), 0);
		return;
	}
	if (task->seat->has_qid && connect.qid != task->seat->expected_qid) {
		refuse_parameter(task, IN_COMMAND(qid));
		return;
	}
	if (connect.size > size_limit(port, task->seat, &connect)) {
		refuse_parameter(task, IN_COMMAND(sqsize_0based));
		return;
	}
	if (!name_in_data(task, offsetof(struct nvme_connect_data, subnqn))) {
		refuse_parameter(task, IN_DATA(subnqn));
		return;
	}
	if (!name_in_data(task, offsetof(struct nvme_connect_data, hostnqn))) {
		refuse_parameter(task, IN_DATA(hostnqn));
		return;
	}
	task->connected.qid = connect.qid;
	task->connected.size = connect.size;
	task->connected.sqflow_disabled = connect.sqflow_disabled;
	task->connected.in_capsule_bytes = connect.qid == 0 ? transport->wire->admin_in_capsule
	                                                    : port->in_capsule_bytes;
	task->deadline_ns = clock_now_ns() +
	                    transport_limits(transport)->connect_answer_ms * NS_PER_MS;
	asks_ask(transport, task);
}

void connect_send(struct transport *transport, struct task *task)
{
	Nvmetd__ConnectRequest request = NVMETD__CONNECT_REQUEST__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	struct seat *seat = task->seat;

	request.port_id = seat->port_id;
	request.command.data = (uint8_t *)&task->command;
	request.command.len = sizeof(task->command);
	request.data.data = task->data;
	request.data.len = task->data_bytes;
	request.host_address = seat->host_address;
	request.local_address = seat->local_address;
	request.local_service = seat->local_service;
	message.body_case = NVMETD__ENVELOPE__BODY_CONNECT_REQUEST;
	message.connect_request = &request;
	ipc_client_send(transport->client, task->number, &message);
}

/* ------------------------------------------------------------------ the answer */

static void connected(struct task *task, struct controller *controller)
{
	controller_seat(controller, task->seat, task->connected.qid, task->connected.size);
	if (task->connected.qid == 0)
		transport_queue_is_admin(task->seat);
	task->connected.controller = controller_hold(controller);
	task->result[0] = controller->cntlid;
	task_return(task);
}

static void connect_admin(struct transport *transport, struct task *task,
                          const Nvmetd__Session *session)
{
	struct controller *controller;
	Nvmetd__Session *copy;
	char host[2 * NVME_NQN_SIZE];
	int r = -ENOMEM;

	if (controller_find(transport, session->subsystem, session->cntlid)) {
		log_err("controller %u of subsystem %u: given out twice by the state service",
		        session->cntlid,
		        session->subsystem);
		refuse(task, status_of(NVME_SC_CONNECT_BUSY), 0);
		return;
	}
	copy = session_copy(session);
	if (copy)
		r = controller_new(&controller, transport, copy);
	if (r) {
		log_err("connect: %s: %s", task->seat->host_address, error_words(r));
		transport_tell_gone(
			transport, session->subsystem, session->cntlid, "it could not begin");
		refuse(task, status_of(NVME_SC_CONNECT_BUSY), 0);
		return;
	}
	controller_limit_queues(controller, task->seat->io_size_max);
	if (controller_is_news(controller))
		log_info("%s: for %s from %s",
		         controller->name,
		         log_safe(host, sizeof(host), session->host_nqn, strlen(session->host_nqn)),
		         task->seat->host_address);
	connected(task, controller);
}

/* What the queue's number and place must be (Base 2.1 §6.3); 0: all is well. */
static uint32_t find_fault(const struct task *task, const struct controller *controller)
{
	if (controller->port_id != task->seat->port_id)
		return IN_DATA(cntlid);
	if (!properties_allow_io(&controller->properties) ||
	    task->connected.qid > controller->session->io_queues)
		return IN_COMMAND(qid);
	return 0;
}

/* Also called again for a parked one. */
static void connect_io(struct transport *transport, struct task *task,
                       struct controller *controller)
{
	struct seat *older = controller_queue(controller, task->connected.qid);
	uint32_t fault;

	if (controller->ended) { /* no DNR: a new association will do */
		refuse(task, status_of(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(cntlid));
		return;
	}
	fault = find_fault(task, controller);
	if (fault) {
		refuse_parameter(task, fault);
		return;
	}
	if (older)
		seat_terminate(older, "its host has connected the queue anew");
	if (controller_host_is_ending(controller)) {
		task->connected.controller = controller_hold(controller);
		asks_park(transport, task);
		return;
	}
	connected(task, controller);
}

void connect_answered(struct transport *transport, struct task *task,
                      const Nvmetd__ConnectReply *reply)
{
	const Nvmetd__Session *session = reply->session;
	struct controller *controller;

	if (reply->status == NVME_SC_CONNECT_BUSY &&
	    !reply->at_once) { /* patience, until the deadline */
		asks_ask_later(transport, task);
		return;
	}
	if (reply->status != 0) {
		refuse(task, task_status_of(reply->status), reply->result);
		return;
	}
	if (!session || session->port_id != task->seat->port_id ||
	    session->cntlid > NVME_CNTLID_MAX) {
		log_err("connect: %s: the state service accepted it without a session that can be",
		        task->seat->host_address);
		refuse(task, status_of(NVME_SC_CONNECT_BUSY), 0);
		return;
	}
	if (task->connected.qid == 0) {
		connect_admin(transport, task, session);
		return;
	}
	controller = controller_find(transport, session->subsystem, session->cntlid);
	if (!controller)
		refuse(task, status_of(NVME_SC_CONNECT_INVALID_PARAMETERS), IN_DATA(cntlid));
	else
		connect_io(transport, task, controller);
}

void connect_retry(struct transport *transport)
{
	struct list *parked = &transport->asks.parked, now, *first;

	if (list_is_empty(parked))
		return;
	list_init(&now);
	list_append(parked, &now); /* a new head for those who are there now */
	list_remove(parked);
	while ((first = list_take_first(&now))) {
		struct task *task = container_of(first, struct task, ask_link);
		struct controller *controller = take(&task->connected.controller);

		connect_io(transport, task, controller);
		controller_drop(controller);
	}
}

void connect_give_back(struct transport *transport, const Nvmetd__ConnectReply *reply)
{
	const Nvmetd__Session *session = reply->session;

	if (reply->status != 0 || !session)
		return;
	if (!controller_find(transport, session->subsystem, session->cntlid))
		transport_tell_gone(transport,
		                    session->subsystem,
		                    session->cntlid,
		                    "its host went while it connected");
}
