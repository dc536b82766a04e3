/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts that reserve a namespace, and what others may do on it then, as they see it. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "tests/process/imitation.h"
#include "tests/process/reserving.h"
#include "tests/support/shows.h"

enum { A = 1, B = 2, C = 3 };

#define CONFLICT DNR(NVME_SC_RESERVATION_CONFLICT)
#define INVALID  DNR(NVME_SC_INVALID_FIELD)
#define WE       NVME_RESERVATION_WRITE_EXCLUSIVE
#define EA       NVME_RESERVATION_EXCLUSIVE_ACCESS
#define WE_RO    NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS
#define WAIT_MS  10000u
#define EVENT    0x800006u /* I/O Command Specific, log page 80h */

static struct reserving_host a, b, c;

static void connect_all(void)
{
	reserving_connect(&a, A);
	reserving_connect(&b, B);
	reserving_connect(&c, C);
}

/* Nothing is left for the next test. */
static void disconnect_all(void)
{
	for (uint32_t nsid = 1; nsid <= 2; nsid++) {
		reserving_ask(&a, NVME_IO_RESERVATION_REGISTER, nsid, 1u << 3 | 2, 0, A);
		expect_good(reserving_clear(&a, nsid));
	}
	reserving_disconnect(&a);
	reserving_disconnect(&b);
	reserving_disconnect(&c);
}

/* ------------------------------------------------------------------ the table */

/* What a host without rights, and a registrant, may do: type by type. */
static const struct {
	unsigned type;
	bool others_read, registrants_write;
} table[] = {
	{1, true,  false},
	{2, false, false},
	{3, true,  true },
	{4, false, true },
	{5, true,  true },
	{6, false, true },
};

static const uint8_t writes[] = {
	NVME_IO_WRITE, NVME_IO_FLUSH, NVME_IO_WRITE_ZEROES, NVME_IO_DATASET_MANAGEMENT};

static void expect_rights(struct reserving_host *host, bool may_read, bool may_write)
{
	expect_status(reserving_io(host, NVME_IO_READ, 1), may_read ? 0 : CONFLICT);
	for (size_t i = 0; i < sizeof(writes); i++)
		expect_status(reserving_io(host, writes[i], 1), may_write ? 0 : CONFLICT);
}

START_TEST(keeps_others_out_as_its_type_says)
{
	connect_all();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool registrants_read = table[i].others_read || table[i].registrants_write;

		expect_good(reserving_register(&a, 1));
		expect_good(reserving_register(&b, 1));
		expect_rights(&c, true, true);
		expect_good(reserving_acquire(&a, 1, table[i].type));
		expect_rights(&a, true, true);
		expect_rights(&b, registrants_read, table[i].registrants_write);
		expect_rights(&c, table[i].others_read, false);
		expect_good(reserving_io(&c, NVME_IO_WRITE, 2));
		expect_good(reserving_clear(&b, 1));
		expect_rights(&c, true, true);
	}
	disconnect_all();
	shows("Base 2.1 §8.1.22",
	      "Reservation Conflict for Read, Write, Flush, Write Zeroes and Dataset Management of "
	      "hosts without the right, for each of the six types");
}
END_TEST

START_TEST(is_one_on_all_ports)
{
	struct reserving_host other;

	connect_all();
	reserving_connect_on(&other, A, 1);
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_acquire(&a, 1, EA));
	expect_good(reserving_io(&other, NVME_IO_WRITE, 1));
	expect_status(reserving_io(&b, NVME_IO_READ, 1), CONFLICT);
	expect_good(reserving_release(&other, 1, EA));
	expect_good(reserving_io(&b, NVME_IO_READ, 1));
	reserving_disconnect(&other);
	disconnect_all();
}
END_TEST

START_TEST(is_told_to_hosts_in_identify)
{
	struct nvme_identify_namespace page;

	connect_all();
	ck_assert_uint_ne(a.controller.identity.oncs & NVME_ONCS_RESERVATIONS, 0);
	host_must(&a.controller, host_identify(&a.controller, NVME_CNS_NAMESPACE, 1, 0, &page));
	ck_assert_uint_eq(page.rescap, 0xff);
	host_must(&a.controller, host_identify(&a.controller, NVME_CNS_NAMESPACE, 3, 0, &page));
	ck_assert_uint_eq(page.rescap, 0);
	disconnect_all();
	shows("Base 2.1 §5.1.13.2.1", "ONCS bit 5, and RESCAP where resv.enable is set");
}
END_TEST

/* ------------------------------------------------------------------ refusals */

/* As the error log has it: the byte of the command. */
static void expect_location(struct reserving_host *host, unsigned location)
{
	struct nvme_error_entry entry;

	host_must(&host->controller,
	          host_get_log(&host->controller, NVME_LOG_ERROR, true, 0, &entry, sizeof(entry)));
	ck_assert_uint_eq(le16_get(entry.parameter_location), location);
}

static const struct {
	uint8_t opcode;
	uint32_t nsid, cdw10;
	unsigned status, location;
} refused[] = {
	{NVME_IO_RESERVATION_REGISTER, 1, 3,                INVALID,                        40    },
	{NVME_IO_RESERVATION_REGISTER, 1, 1u << 30,         INVALID,                        43    },
	{NVME_IO_RESERVATION_REGISTER, 1, 1,                CONFLICT,                       0xffff},
	{NVME_IO_RESERVATION_REGISTER, 1, 2,                CONFLICT,                       0xffff},
	{NVME_IO_RESERVATION_REGISTER, 7, 0,                DNR(NVME_SC_INVALID_NAMESPACE), 4     },
	{NVME_IO_RESERVATION_REGISTER, 3, 0,                DNR(NVME_SC_INVALID_OPCODE),    0     },
	{NVME_IO_RESERVATION_ACQUIRE,  1, WE << 8,          CONFLICT,                       0xffff},
	{NVME_IO_RESERVATION_ACQUIRE,  1, 0,                INVALID,                        41    },
	{NVME_IO_RESERVATION_ACQUIRE,  1, 7 << 8,           INVALID,                        41    },
	{NVME_IO_RESERVATION_ACQUIRE,  1, WE << 8 | 3,      INVALID,                        40    },
	{NVME_IO_RESERVATION_ACQUIRE,  1, WE << 8 | 1 << 3, INVALID,                        40    },
	{NVME_IO_RESERVATION_RELEASE,  1, WE << 8,          CONFLICT,                       0xffff},
	{NVME_IO_RESERVATION_RELEASE,  1, 2,                INVALID,                        40    },
	{NVME_IO_RESERVATION_RELEASE,  1, 1 << 3,           INVALID,                        40    },
};

START_TEST(is_refused_where_it_is_wrong)
{
	connect_all();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		expect_status(
			reserving_ask(
				&a, refused[i].opcode, refused[i].nsid, refused[i].cdw10, 0, 9),
			refused[i].status);
		expect_location(&a, refused[i].location);
	}
	ck_assert_uint_eq(reserving_count(&a, 1), 0);
	disconnect_all();
	shows("Base 2.1 §7.6",
	      "reserved actions, types, CPTPL, and IEKEY where it must be 0: Invalid Field with "
	      "its "
	      "location");
}
END_TEST

START_TEST(is_refused_with_another_type_than_that_it_has)
{
	connect_all();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_acquire(&a, 1, WE));
	expect_status(reserving_release(&a, 1, EA), INVALID);
	expect_location(&a, 41);
	expect_status(reserving_acquire(&a, 1, EA), CONFLICT);
	expect_good(reserving_register(&b, 1));
	expect_status(reserving_preempt(&b, 1, WE, 0), INVALID);
	expect_status(reserving_preempt(&b, 1, WE, 99), CONFLICT);
	disconnect_all();
	shows("Base 2.1 §7.7", "Release of another type: Invalid Field");
}
END_TEST

START_TEST(is_refused_without_both_keys)
{
	struct le64 keys[2];
	struct host_request request = reserving_request(
		NVME_IO_RESERVATION_REGISTER, 1, 0, 0, A, keys);

	connect_all();
	request.length = 8;
	ck_assert_int_eq(host_queue_execute(&a.queue, &request, WAIT_MS), HOST_E_STATUS);
	expect_status(request.status, DNR(NVME_SC_SGL_DATA_LENGTH));
	request = reserving_request(NVME_IO_RESERVATION_RELEASE, 1, 1, A, 0, keys);
	request.length = 16; /* Linux before 6.16 has room for two keys here as well */
	expect_good(reserving_register(&a, 1));
	queue_must(&a.queue, host_queue_execute(&a.queue, &request, WAIT_MS));
	disconnect_all();
}
END_TEST

START_TEST(comes_with_its_data_on_demand)
{
	struct le64 keys[2];
	struct host_request request = reserving_request(
		NVME_IO_RESERVATION_REGISTER, 1, 0, 0, A, keys);

	connect_all();
	request.transfer = true;
	queue_must(&a.queue, host_queue_execute(&a.queue, &request, WAIT_MS));
	ck_assert_uint_eq(reserving_count(&a, 1), 1);
	disconnect_all();
}
END_TEST

/* ------------------------------------------------------------------ the report */

START_TEST(is_reported_with_long_identifiers_only)
{
	uint8_t data[64];
	struct host_request request = {
		.command = {.opcode = NVME_IO_RESERVATION_REPORT,
	                    .nsid = le32_of(1),
	                    .cdw10 = le32_of(15)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = data,
		.length = sizeof(data),
	};

	connect_all();
	ck_assert_int_eq(host_queue_execute(&a.queue, &request, WAIT_MS), HOST_E_STATUS);
	expect_status(request.status, DNR(NVME_SC_HOST_ID_INCONSISTENT));
	expect_location(&a, 44);
	disconnect_all();
	shows("Base 2.1 §7.8", "without EDS: Host Identifier Inconsistent Format");
}
END_TEST

START_TEST(is_reported_as_it_is)
{
	struct {
		struct nvme_reservation_status head;
		struct nvme_registrant registrants[3];
	} report;

	connect_all();
	expect_good(reserving_register(&b, 1));
	expect_good(
		reserving_ask(&a, NVME_IO_RESERVATION_REGISTER, 1, 3u << 30, 0, A)); /* with PTPL */
	expect_good(reserving_acquire(&a, 1, WE_RO));
	reserving_report(&c, 1, &report, sizeof(report));
	ck_assert_uint_eq(report.head.rtype, WE_RO);
	ck_assert_uint_eq(le16_get(report.head.regstrnt), 2);
	ck_assert_uint_eq(report.head.ptpls, 1);
	ck_assert_mem_eq(report.registrants[0].hostid, a.options.hostid, 16);
	ck_assert_uint_eq(report.registrants[0].rcsts, 1);
	ck_assert_uint_eq(le64_get(report.registrants[0].rkey), A);
	ck_assert_uint_eq(le16_get(report.registrants[0].cntlid), a.controller.cntlid);
	ck_assert_mem_eq(report.registrants[1].hostid, b.options.hostid, 16);
	ck_assert_uint_eq(report.registrants[1].rcsts, 0);
	scene_expect_zeroes(&report.registrants[2], sizeof(report.registrants[2]));
	disconnect_all();
	shows("Base 2.1 §7.8",
	      "the extended data structure; CNTLID is one of the registrant's controllers, FFFFh "
	      "if it is "
	      "not connected");
}
END_TEST

static void expect_in_status(const char *wanted, const char *option)
{
	static char text[65536];

	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", option, NULL), 0);
	ck_assert_msg(strstr(text, wanted), "\"%s\" is not in: %s", wanted, text);
}

START_TEST(is_shown_to_the_operator)
{
	char words[200];

	connect_all();
	expect_good(reserving_register(&b, 1));
	expect_in_status("hang, not reserved, 1 registrant", NULL);
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_acquire(&a, 1, WE_RO));
	snprintf(words,
	         sizeof(words),
	         ", reserved (write exclusive, registrants only) by %s, 2 registrants",
	         a.nqn);
	expect_in_status(words, NULL);
	expect_in_status("\"type_words\": \"write exclusive, registrants only\"", "--json");
	disconnect_all();
}
END_TEST

static const Nvmetd__NamespaceView *first_namespace(const Nvmetd__TransportView *view)
{
	for (size_t i = 0; i < view->n_subsystems; i++)
		if (view->subsystems[i]->n_namespaces > 0)
			return view->subsystems[i]->namespaces[0];
	ck_abort_msg("there is no namespace");
}

/* One of an earlier release does not know them one behind the other. */
START_TEST(is_told_to_a_transport_in_the_form_that_it_knows)
{
	const Nvmetd__NamespaceView *namespace;
	struct imitation rdma;

	connect_all();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	expect_good(reserving_acquire(&a, 1, WE_RO));
	imitation_open(&rdma);
	namespace = first_namespace(rdma.view->transport_view);
	ck_assert_uint_eq(namespace->reservation_type, WE_RO);
	ck_assert_uint_eq(namespace->reservation_rights.len, 0);
	ck_assert_uint_eq(namespace->n_reservation_hosts, 2);
	ck_assert_mem_eq(namespace->reservation_hosts[1].data, b.options.hostid, 16);
	imitation_close(&rdma);
	disconnect_all();
}
END_TEST

/* ------------------------------------------------------------------ what is in flight */

/* B's write is at a slow device when A preempts B: the answer comes when the write is over. */
static void preempt_during_a_write(uint32_t action)
{
	struct host_request write;
	uint8_t data[512];
	uint64_t began_ns;

	connect_all();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	expect_good(reserving_acquire(&b, 1, WE));
	scene_fill(data, sizeof(data), 7);
	scene_fault(1, "write delay=700ms");
	began_ns = clock_now_ns();
	reserving_begin_write(&b, &write, data);
	expect_good(reserving_ask(&a, NVME_IO_RESERVATION_ACQUIRE, 1, WE << 8 | action, A, B));
	ck_assert_uint_ge(clock_now_ns() - began_ns, 600 * NS_PER_MS);
	scene_fault(1, NULL);
	queue_must(&b.queue, host_queue_await(&b.queue, &write, WAIT_MS));
	expect_status(reserving_io(&b, NVME_IO_WRITE, 1), CONFLICT);
	expect_good(reserving_io(&b, NVME_IO_READ, 1));
	disconnect_all();
}

START_TEST(is_preempted_when_the_old_holders_write_is_over)
{
	preempt_during_a_write(1);
	shows("Base 2.1 §8.1.22",
	      "Preempt is answered when no command is in flight that was admitted before");
}
END_TEST

START_TEST(is_preempted_and_aborted_in_the_same_way)
{
	preempt_during_a_write(2);
	shows("Base 2.1 §8.1.22",
	      "Preempt and Abort is answered when the preempted hosts' commands are completed; "
	      "none "
	      "is cut short");
}
END_TEST

static void limit(const char *value)
{
	char text[512];

	ck_assert_msg(
		harness_ctl(scene.harness, text, sizeof(text), "/", "set", "limits", value, NULL) ==
			0,
		"%s",
		text);
}

/* B's write hangs, so that A is told to send its preempt again, and does. */
START_TEST(is_preempted_by_a_command_that_was_interrupted)
{
	struct host_request write;
	uint8_t data[512];

	connect_all();
	limit("admin_answer_ms=1000");
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	expect_good(reserving_acquire(&b, 1, WE));
	scene_fill(data, sizeof(data), 7);
	scene_fault(1, "write hang");
	reserving_begin_write(&b, &write, data);
	expect_status(reserving_preempt(&a, 1, WE, B), NVME_SC_COMMAND_INTERRUPTED);
	scene_fault(1, NULL);
	queue_must(&b.queue, host_queue_await(&b.queue, &write, WAIT_MS));
	limit("admin_answer_ms=");
	expect_good(reserving_preempt(&a, 1, WE, B));
	expect_status(reserving_preempt(&a, 1, WE, B), CONFLICT);
	disconnect_all();
	shows("Base 2.1 §8.1.22",
	      "a Preempt that was answered with Command Interrupted is good when it is sent again");
}
END_TEST

/* What A has got is there before C can be let in or kept out by mistake: no write of C is good
 * after A has its answer, however many are under way. */
START_TEST(keeps_out_what_comes_a_moment_later)
{
	connect_all();
	expect_good(reserving_register(&a, 1));
	for (unsigned i = 0; i < 50; i++) {
		expect_good(reserving_acquire(&a, 1, EA));
		expect_status(reserving_io(&c, NVME_IO_WRITE, 1), CONFLICT);
		expect_good(reserving_release(&a, 1, EA));
		expect_good(reserving_io(&c, NVME_IO_WRITE, 1));
	}
	disconnect_all();
}
END_TEST

/* ------------------------------------------------------------------ notices */

static void expect_notice(struct reserving_host *host, unsigned notice, unsigned more)
{
	struct nvme_log_reservation log;

	host_must(
		&host->controller,
		host_get_log(&host->controller, NVME_LOG_RESERVATION, false, 0, &log, sizeof(log)));
	ck_assert_uint_eq(log.rnlpt, notice);
	ck_assert_uint_eq(log.nalp, more);
	ck_assert_uint_eq(le32_get(log.nsid), notice ? 1 : 0);
}

static void await_event(struct reserving_host *host, struct host_request *event)
{
	queue_must(&host->controller.admin,
	           host_queue_await(&host->controller.admin, event, WAIT_MS));
	ck_assert_uint_eq(le32_get(event->completion.dw0), EVENT);
}

START_TEST(is_told_to_those_who_lose_it)
{
	struct host_request event;

	connect_all();
	event = host_event_request();
	queue_must(&b.controller.admin, host_queue_submit(&b.controller.admin, &event));
	queue_must(&b.controller.admin, host_queue_flush(&b.controller.admin));
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	expect_good(reserving_acquire(&b, 1, WE));
	expect_good(reserving_preempt(&a, 1, WE, B));
	await_event(&b, &event);
	expect_notice(&b, NVME_RESERVATION_REGISTRATION_PREEMPTED, 0);
	expect_notice(&b, 0, 0);
	expect_notice(&a, 0, 0);
	disconnect_all();
	shows("Base 2.1 §8.1.22",
	      "Registration Preempted to the hosts that lose theirs, by event and log page 80h");
}
END_TEST

START_TEST(is_told_to_registrants_when_it_is_released)
{
	struct host_request event;

	connect_all();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	expect_good(reserving_acquire(&a, 1, WE_RO));
	expect_good(reserving_release(&a, 1, WE_RO));
	/* it waits for a host that asks for it */
	event = host_event_request();
	queue_must(&b.controller.admin, host_queue_submit(&b.controller.admin, &event));
	await_event(&b, &event);
	expect_notice(&b, NVME_RESERVATION_RELEASED, 0);
	expect_notice(&c, 0, 0);
	disconnect_all();
	shows("Base 2.1 §5.1.2", "an event of reservations waits for a request to tell it");
}
END_TEST

static int set_mask(struct reserving_host *host, uint32_t nsid, uint32_t mask)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_SET_FEATURES,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(NVME_FEATURE_RESERVATION_MASK),
	                    .cdw11 = le32_of(mask)},
	};

	return host_admin(&host->controller, &request);
}

START_TEST(is_not_told_where_it_is_masked)
{
	connect_all();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	ck_assert_int_eq(set_mask(&b, 1, 1u << 4), HOST_E_STATUS);
	expect_status(b.controller.status, INVALID);
	expect_location(&b, 44);
	ck_assert_int_eq(set_mask(&b, 3, 0), HOST_E_STATUS);
	expect_status(b.controller.status, INVALID);
	expect_location(&b, 4);
	host_must(&b.controller, set_mask(&b, NVME_NSID_ALL, NVME_RESERVATION_MASK_ALL));
	expect_good(reserving_preempt(&a, 1, WE, B));
	expect_notice(&b, 0, 0);
	disconnect_all();
	shows("Base 2.1 §5.1.25.1.29",
	      "the mask is of a controller and a namespace, FFFFFFFFh sets that of all");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reservation");

	describe_running(suite,
	                 "a reservation",
	                 reserving_start,
	                 scene_stop,
	                 keeps_others_out_as_its_type_says,
	                 is_one_on_all_ports,
	                 is_told_to_hosts_in_identify,
	                 is_refused_where_it_is_wrong,
	                 is_refused_with_another_type_than_that_it_has,
	                 is_refused_without_both_keys,
	                 comes_with_its_data_on_demand,
	                 is_reported_with_long_identifiers_only,
	                 is_reported_as_it_is,
	                 is_shown_to_the_operator,
	                 is_told_to_a_transport_in_the_form_that_it_knows,
	                 is_preempted_when_the_old_holders_write_is_over,
	                 is_preempted_and_aborted_in_the_same_way,
	                 is_preempted_by_a_command_that_was_interrupted,
	                 keeps_out_what_comes_a_moment_later,
	                 is_told_to_those_who_lose_it,
	                 is_told_to_registrants_when_it_is_released,
	                 is_not_told_where_it_is_masked);
	return harness_run(suite);
}
