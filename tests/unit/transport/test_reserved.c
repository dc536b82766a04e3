/* SPDX-License-Identifier: BSD-2-Clause */
/* What a transport makes of a reservation in its view. */
#include "common/transport/reserved.h"

#include <string.h>

#include "common/transport/controller.h"
#include "common/transport/request.h"
#include "tests/support/spec.h"

#define DNR      NVME_STATUS_DNR
#define CONFLICT (NVME_SC_RESERVATION_CONFLICT | DNR)

enum { NSID = 1, PLAIN, HOSTS = 3 };

/* Hosts 2, 4 and 6 have rights on namespace 1; 2 has no reservation. */
static uint8_t ids[HOSTS][16];
static ProtobufCBinaryData hosts[HOSTS];
static Nvmetd__NamespaceView namespaces[2], *namespace_list[2];
static Nvmetd__SubsystemView subsystem, *subsystem_list = &subsystem;
static Nvmetd__ListenerView listener, *listener_list = &listener;
static Nvmetd__WorkerAddress worker, *worker_list = &worker;
static Nvmetd__TransportView message;
static struct view *view;
static struct controller controller;
static struct queue queue;
static struct request request;
static uint16_t location;
static const char *reason;

static int take_view(void)
{
	view = view_drop(view);
	queue.rights_on = NULL;
	return view_new(&view, &message, NULL, 1, 1, &reason);
}

static void given_a_view(void)
{
	nvmetd__transport_view__init(&message);
	nvmetd__subsystem_view__init(&subsystem);
	nvmetd__listener_view__init(&listener);
	nvmetd__worker_address__init(&worker);
	worker.name = (char *)"io-0";
	worker.path = (char *)"/nowhere";
	worker.token = (ProtobufCBinaryData){.data = ids[0], .len = VIEW_TOKEN_SIZE};
	for (unsigned i = 0; i < HOSTS; i++) {
		memset(ids[i], (int)(2 * i + 2), sizeof(ids[i]));
		hosts[i] = (ProtobufCBinaryData){.data = ids[i], .len = sizeof(ids[i])};
	}
	for (unsigned i = 0; i < 2; i++) {
		nvmetd__namespace_view__init(&namespaces[i]);
		namespaces[i].nsid = i + 1;
		namespaces[i].ana_group = 1;
		namespaces[i].block_shift = 9;
		namespaces[i].blocks = 8;
		namespaces[i].ready = true;
		namespaces[i].worker = (char *)"io-0";
		namespace_list[i] = &namespaces[i];
	}
	namespaces[0].reservations = true;
	namespaces[0].reservation_type = NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS;
	namespaces[0].reservation_hosts = hosts;
	namespaces[0].n_reservation_hosts = HOSTS;
	listener.max_queue_size = 32;
	subsystem.namespaces = namespace_list;
	subsystem.n_namespaces = 2;
	message.subsystems = &subsystem_list;
	message.listeners = &listener_list;
	message.workers = &worker_list;
	message.n_subsystems = message.n_listeners = message.n_workers = 1;
	ck_assert_int_eq(take_view(), 0);
	queue = (struct queue){.controller = &controller};
	request = (struct request){.queue = &queue};
	location = 0xffff;
}

static void forget_it(void)
{
	view = view_drop(view);
}

static const struct view_namespace *namespace_of(uint32_t nsid)
{
	return view_namespace(view_subsystem(view, 0), nsid);
}

static unsigned check(uint8_t host, uint8_t opcode)
{
	const struct nvme_command command = {.opcode = opcode};

	if (controller.host_id[0] != host) {
		memset(controller.host_id, host, sizeof(controller.host_id));
		queue.rights_on = NULL; /* another queue */
	}
	return reserved_check(&queue, namespace_of(NSID), &command, &location).value;
}

#define expect(value, wanted) ck_assert_uint_eq((value), (unsigned)(wanted))

START_TEST(lets_in_each_host_with_rights)
{
	for (uint8_t host = 1; host <= 7; host++) {
		expect(check(host, NVME_IO_WRITE), host % 2 == 0 ? 0 : CONFLICT);
		expect(check(host, NVME_IO_FLUSH), host % 2 == 0 ? 0 : CONFLICT);
		expect(check(host, NVME_IO_READ), 0);
	}
	expect(location, 0);
}
END_TEST

START_TEST(keeps_readers_out_of_exclusive_access)
{
	namespaces[0].reservation_type = NVME_RESERVATION_EXCLUSIVE_ACCESS;
	ck_assert_int_eq(take_view(), 0);
	expect(check(3, NVME_IO_READ), CONFLICT);
	expect(check(4, NVME_IO_READ), 0);
}
END_TEST

START_TEST(is_no_plain_namespace)
{
	ck_assert(!namespace_of(NSID)->is_plain);
	ck_assert(namespace_of(PLAIN)->is_plain);
	namespaces[0].reservation_type = 0;
	namespaces[0].n_reservation_hosts = 0;
	namespaces[1].ready = false;
	ck_assert_int_eq(take_view(), 0);
	ck_assert(namespace_of(NSID)->is_plain);
	ck_assert(!namespace_of(PLAIN)->is_plain);
}
END_TEST

/* As a state service gives them that knows that we take them so. */
static void pack(void)
{
	static uint8_t packed[HOSTS * 16];

	for (unsigned i = 0; i < HOSTS; i++)
		memcpy(packed + 16 * i, ids[i], 16);
	namespaces[0].n_reservation_hosts = 0;
	namespaces[0].reservation_rights = (ProtobufCBinaryData){.data = packed,
	                                                         .len = sizeof(packed)};
}

START_TEST(lets_in_hosts_that_come_one_behind_the_other)
{
	pack();
	ck_assert_int_eq(take_view(), 0);
	for (uint8_t host = 1; host <= 7; host++)
		expect(check(host, NVME_IO_WRITE), host % 2 == 0 ? 0 : CONFLICT);
}
END_TEST

START_TEST(must_have_whole_identifiers_one_behind_the_other)
{
	pack();
	namespaces[0].reservation_rights.len--;
	ck_assert_int_eq(take_view(), VIEW_E_UNSOUND);
}
END_TEST

START_TEST(must_have_hosts_in_order_one_behind_the_other)
{
	pack();
	memset(namespaces[0].reservation_rights.data, 9, 16);
	ck_assert_int_eq(take_view(), VIEW_E_UNSOUND);
}
END_TEST

START_TEST(must_have_whole_identifiers)
{
	hosts[1].len = 15;
	ck_assert_int_eq(take_view(), VIEW_E_UNSOUND);
}
END_TEST

START_TEST(must_have_hosts_in_order)
{
	hosts[1].data = ids[0];
	ck_assert_int_eq(take_view(), VIEW_E_UNSOUND);
}
END_TEST

START_TEST(must_be_of_a_type_that_there_is)
{
	namespaces[0].reservation_type = NVME_RESERVATION_TYPE_MAX + 1;
	ck_assert_int_eq(take_view(), VIEW_E_UNSOUND);
}
END_TEST

/* ------------------------------------------------------------------ reservation commands */

static unsigned admit(uint8_t opcode, uint32_t nsid, unsigned status)
{
	struct decoded_transfer transfer;

	queue.subsystem = view_subsystem(view, 0);
	queue.port = view_port(view, 0);
	request.command = (struct nvme_command){.opcode = opcode, .nsid = le32_of(nsid)};
	request.kind = REQUEST_IO;
	return reserved_admit(&request, (struct nvme_status){(uint16_t)status}, &transfer).value;
}

#define UNKNOWN (NVME_SC_INVALID_OPCODE | DNR)

START_TEST(sends_a_command_to_the_control_thread)
{
	expect(admit(NVME_IO_RESERVATION_REGISTER, NSID, UNKNOWN), 0);
	expect(request.kind, REQUEST_CONTROL);
}
END_TEST

START_TEST(does_not_know_a_command_where_there_are_no_reservations)
{
	expect(admit(NVME_IO_RESERVATION_REGISTER, PLAIN, UNKNOWN), UNKNOWN);
	expect(request.error_location, 0);
	expect(request.kind, REQUEST_IO);
}
END_TEST

START_TEST(leaves_the_refusal_of_other_commands)
{
	expect(admit(0x05, NSID, UNKNOWN), UNKNOWN);
	expect(admit(NVME_IO_RESERVATION_REPORT, NSID, NVME_SC_INVALID_FIELD | DNR),
	       NVME_SC_INVALID_FIELD | DNR);
	expect(admit(NVME_IO_RESERVATION_REPORT, 9, UNKNOWN), NVME_SC_INVALID_NAMESPACE | DNR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reserved");

	describe(suite,
	         "a reserved namespace",
	         given_a_view,
	         forget_it,
	         lets_in_each_host_with_rights,
	         keeps_readers_out_of_exclusive_access,
	         is_no_plain_namespace,
	         lets_in_hosts_that_come_one_behind_the_other,
	         must_have_whole_identifiers_one_behind_the_other,
	         must_have_hosts_in_order_one_behind_the_other,
	         must_have_whole_identifiers,
	         must_have_hosts_in_order,
	         must_be_of_a_type_that_there_is);
	describe(suite,
	         "a queue",
	         given_a_view,
	         forget_it,
	         sends_a_command_to_the_control_thread,
	         does_not_know_a_command_where_there_are_no_reservations,
	         leaves_the_refusal_of_other_commands);
	return run(suite);
}
