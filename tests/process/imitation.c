/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/imitation.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"

static void tell(struct imitation *imitation, uint64_t request_id, envelope *message)
{
	ck_assert(ipc_client_send(imitation->client, request_id, message));
}

/* ------------------------------------------------------------------ what is heard */

static void say_status(struct imitation *imitation, uint64_t request_id)
{
	Nvmetd__TransportStatus status = NVMETD__TRANSPORT_STATUS__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	message.body_case = NVMETD__ENVELOPE__BODY_TRANSPORT_STATUS;
	message.transport_status = &status;
	tell(imitation, request_id, &message);
}

static void say_that_all_listen(struct imitation *imitation, const Nvmetd__TransportView *view)
{
	Nvmetd__TransportReport report = NVMETD__TRANSPORT_REPORT__INIT;
	Nvmetd__ListenerReport listeners[HARNESS_PORTS], *list[HARNESS_PORTS];
	envelope message = NVMETD__ENVELOPE__INIT;

	ck_assert_uint_le(view->n_listeners, HARNESS_PORTS);
	for (size_t i = 0; i < view->n_listeners; i++) {
		nvmetd__listener_report__init(&listeners[i]);
		listeners[i].port_id = view->listeners[i]->port_id;
		listeners[i].listening = true;
		list[i] = &listeners[i];
	}
	report.revision = view->revision;
	report.listeners = list;
	report.n_listeners = view->n_listeners;
	message.body_case = NVMETD__ENVELOPE__BODY_TRANSPORT_REPORT;
	message.transport_report = &report;
	tell(imitation, 0, &message);
}

/* Messages are freed after the call. */
static envelope *keep(const envelope *message)
{
	uint8_t bytes[65536];
	size_t length = nvmetd__envelope__get_packed_size(message);
	envelope *copy;

	ck_assert_uint_le(length, sizeof(bytes));
	nvmetd__envelope__pack(message, bytes);
	copy = nvmetd__envelope__unpack(NULL, length, bytes);
	ck_assert_ptr_nonnull(copy);
	return copy;
}

static void received(void *context, const envelope *message)
{
	struct imitation *imitation = context;

	if (message->body_case == NVMETD__ENVELOPE__BODY_STATUS_REQUEST) {
		say_status(imitation, message->request_id);
	} else if (message->body_case == NVMETD__ENVELOPE__BODY_TRANSPORT_VIEW) {
		envelope_free(imitation->view);
		imitation->view = keep(message);
		say_that_all_listen(imitation, imitation->view->transport_view);
	} else if (message->body_case == NVMETD__ENVELOPE__BODY_SUBSYSTEM_RESET) {
		imitation->reset_ns = message->subsystem_reset->at_ns;
	} else if (message->request_id == imitation->asked) {
		imitation->answer = keep(message);
	}
}

static void introduce(void *context, Nvmetd__Hello *hello)
{
	struct imitation *imitation = context;

	hello->traits = &imitation->traits;
}

static void arrived(void *context, uint64_t state_instance)
{
	Nvmetd__SessionPresent present = NVMETD__SESSION_PRESENT__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	(void)state_instance;
	message.body_case = NVMETD__ENVELOPE__BODY_SESSION_PRESENT;
	message.session_present = &present;
	tell(context, 0, &message);
}

/* ------------------------------------------------------------------ life */

static void await(struct imitation *imitation, envelope *const *what, const char *words)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	while (!*what && clock_now_ns() < deadline_ns)
		ck_assert_int_ge(loop_round(imitation->loop, 10), 0);
	ck_assert_msg(*what != NULL, "never came: %s", words);
}

void imitation_open(struct imitation *imitation)
{
	const struct loop_options loop_options = {0};
	char path[128];
	struct ipc_client_options options = {
		.path = path,
		.name = "rdma",
		.instance = 0x7d3a,
		.threads = 1,
		.received = received,
		.introduce = introduce,
		.arrived = arrived,
		.context = imitation,
	};

	*imitation = (struct imitation){0};
	nvmetd__transport_traits__init(&imitation->traits);
	imitation->traits.trtype = (char *)"rdma";
	imitation->traits.sgls = NVME_SGLS_SUPPORTED | NVME_SGLS_KEYED | NVME_SGLS_OFFSET;
	imitation->traits.descriptors_max = 16;
	snprintf(path,
	         sizeof(path),
	         "%s",
	         harness_path(scene.harness, "run/transport/transport.sock"));
	ck_assert_int_eq(loop_new(&imitation->loop, &loop_options), 0);
	ck_assert_int_eq(ipc_client_new(&imitation->client, imitation->loop, &options), 0);
	await(imitation, &imitation->view, "a view");
}

void imitation_close(struct imitation *imitation)
{
	imitation->client = ipc_client_free(imitation->client);
	imitation->loop = loop_free(imitation->loop);
	imitation->view = envelope_free(imitation->view);
	imitation->answer = envelope_free(imitation->answer);
}

/* ------------------------------------------------------------------ for a host */

static void begin(struct imitation *imitation, envelope *message)
{
	imitation->answer = envelope_free(imitation->answer);
	imitation->asked = ipc_client_request_id(imitation->client);
	tell(imitation, imitation->asked, message);
}

static const envelope *ask(struct imitation *imitation, envelope *message)
{
	begin(imitation, message);
	await(imitation, &imitation->answer, "an answer");
	return imitation->answer;
}

struct imitation_controller imitation_connect(struct imitation *imitation, uint32_t port_id,
                                              const char *nqn)
{
	struct nvme_connect_command command = {.opcode = NVME_FABRICS,
	                                       .fctype = NVME_FABRICS_CONNECT,
	                                       .sqsize_0based = le16_of(31)};
	struct nvme_connect_data data = {.hostid = {1}, .cntlid = le16_of(NVME_CNTLID_DYNAMIC)};
	Nvmetd__ConnectRequest request = NVMETD__CONNECT_REQUEST__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	const envelope *answer;

	snprintf(data.subnqn, sizeof(data.subnqn), "%s", nqn);
	snprintf(data.hostnqn, sizeof(data.hostnqn), "%s", HARNESS_HOSTNQN);
	request.port_id = port_id;
	request.command.data = (uint8_t *)&command;
	request.command.len = sizeof(command);
	request.data.data = (uint8_t *)&data;
	request.data.len = sizeof(data);
	request.host_address = (char *)"192.0.2.7:1234";
	request.local_address = (char *)"192.0.2.9";
	request.local_service = (char *)"4420";
	message.body_case = NVMETD__ENVELOPE__BODY_CONNECT_REQUEST;
	message.connect_request = &request;
	answer = ask(imitation, &message);
	ck_assert_int_eq(answer->body_case, NVMETD__ENVELOPE__BODY_CONNECT_REPLY);
	ck_assert_uint_eq(answer->connect_reply->status, 0);
	ck_assert_ptr_nonnull(answer->connect_reply->session);
	return (struct imitation_controller){
		.subsystem = answer->connect_reply->session->subsystem,
		.cntlid = answer->connect_reply->session->cntlid,
	};
}

void imitation_begin(struct imitation *imitation, struct imitation_controller controller,
                     const struct nvme_command *command)
{
	Nvmetd__AdminRequest request = NVMETD__ADMIN_REQUEST__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	request.subsystem = controller.subsystem;
	request.cntlid = controller.cntlid;
	request.command.data = (uint8_t *)(uintptr_t)command;
	request.command.len = sizeof(*command);
	message.body_case = NVMETD__ENVELOPE__BODY_ADMIN_REQUEST;
	message.admin_request = &request;
	begin(imitation, &message);
}

const Nvmetd__AdminReply *imitation_await(struct imitation *imitation)
{
	await(imitation, &imitation->answer, "an answer");
	ck_assert_int_eq(imitation->answer->body_case, NVMETD__ENVELOPE__BODY_ADMIN_REPLY);
	ck_assert_uint_eq(imitation->answer->admin_reply->status, 0);
	return imitation->answer->admin_reply;
}

void imitation_cancel(struct imitation *imitation)
{
	Nvmetd__RequestCancel cancel = NVMETD__REQUEST_CANCEL__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	cancel.request_id = imitation->asked;
	message.body_case = NVMETD__ENVELOPE__BODY_REQUEST_CANCEL;
	message.request_cancel = &cancel;
	tell(imitation, 0, &message);
}

const uint8_t *imitation_admin(struct imitation *imitation, struct imitation_controller controller,
                               const struct nvme_command *command, size_t length)
{
	const Nvmetd__AdminReply *reply;

	imitation_begin(imitation, controller, command);
	reply = imitation_await(imitation);
	ck_assert_uint_eq(reply->data.len, length);
	return reply->data.data;
}

void imitation_reset(struct imitation *imitation, uint32_t subsystem)
{
	Nvmetd__SubsystemReset reset = NVMETD__SUBSYSTEM_RESET__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	reset.subsystem = subsystem;
	reset.at_ns = clock_boot_ns();
	message.body_case = NVMETD__ENVELOPE__BODY_SUBSYSTEM_RESET;
	message.subsystem_reset = &reset;
	tell(imitation, 0, &message);
}

void imitation_await_reset(struct imitation *imitation, uint64_t since_ns)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	while (imitation->reset_ns < since_ns && clock_now_ns() < deadline_ns)
		ck_assert_int_ge(loop_round(imitation->loop, 10), 0);
	ck_assert_uint_ge(imitation->reset_ns, since_ns);
}
