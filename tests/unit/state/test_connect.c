/* SPDX-License-Identifier: BSD-2-Clause */
/* Which Connect is good, and what each other one is answered with (Base 2.1 §6.3). */
#include <string.h>

#include "services/state/connect.h"
#include "tests/support/shows.h"
#include "tests/unit/state/stage.h"

static struct nvme_connect_command command;
static struct nvme_connect_data data;
static struct connect_request request;
static struct connect_answer answer;

static void given_an_admin_queue(void)
{
	stage_open();
	stage_ready();
	command = (struct nvme_connect_command){
		.opcode = NVME_FABRICS,
		.fctype = NVME_FABRICS_CONNECT,
		.sqsize_0based = le16_of(31),
		.kato_ms = le32_of(5000),
	};
	data = (struct nvme_connect_data){.hostid = {7}, .cntlid = le16_of(0xffff)};
	strcpy(data.subnqn, STAGE_SUBSYSTEM);
	strcpy(data.hostnqn, STAGE_HOST);
	request = (struct connect_request){.port_id = 1, .command = &command, .data = &data};
}

static void given_an_io_queue(void)
{
	given_an_admin_queue();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	stage.session->io_queues = 4;
	memcpy(stage.session->host_id, data.hostid, sizeof(data.hostid));
	data.cntlid = le16_of(stage.session->cntlid);
	command.qid = le16_of(4);
	command.sqsize_0based = le16_of(127);
}

static void connect(void)
{
	answer = connect_check(&stage.state.target, &stage.state.sessions, &request);
}

#define IN_DATA 0x10000u

static void expect_refused(unsigned status, uint32_t result)
{
	connect();
	expect_status(answer.status, status);
	ck_assert_uint_eq(answer.result, result);
}

/* ------------------------------------------------------------------ admin queue */

START_TEST(is_good)
{
	connect();
	expect_status(answer.status, 0);
	ck_assert_str_eq(answer.subsystem->nqn, STAGE_SUBSYSTEM);
}
END_TEST

START_TEST(of_the_discovery_service_is_good)
{
	strcpy(data.subnqn, NVME_DISCOVERY_NQN);
	connect();
	expect_status(answer.status, 0);
	ck_assert_ptr_null(answer.subsystem);
}
END_TEST

START_TEST(of_this_targets_own_discovery_name_is_good)
{
	strcpy(stage.state.target.config.discovery_nqn, "nqn.2001-01.com.example:discovery");
	strcpy(data.subnqn, "nqn.2001-01.com.example:discovery");
	connect();
	expect_status(answer.status, 0);
	ck_assert_ptr_null(answer.subsystem);
	shows("Base 2.1 §3.1.3.3",
	      "the discovery service has its unique NQN and the well-known one");
}
END_TEST

START_TEST(of_a_listed_host_is_good)
{
	strcpy(data.subnqn, STAGE_PRIVATE);
	connect();
	expect_status(answer.status, 0);
}
END_TEST

START_TEST(of_another_record_format_is_refused)
{
	command.recfmt = le16_of(1);
	expect_refused(DNR(0x180), 0);
}
END_TEST

START_TEST(of_a_static_controller_is_refused)
{
	data.cntlid = le16_of(1);
	expect_refused(DNR(0x182), IN_DATA | 16);
}
END_TEST

START_TEST(of_an_unknown_subsystem_is_refused)
{
	strcpy(data.subnqn, "nqn.2001-01.com.example:none");
	expect_refused(DNR(0x182), IN_DATA | 256);
}
END_TEST

START_TEST(of_a_subsystem_that_is_not_on_the_port_is_refused)
{
	strcpy(data.subnqn, STAGE_PRIVATE);
	request.port_id = 2;
	expect_refused(DNR(0x182), IN_DATA | 256);
}
END_TEST

START_TEST(of_a_host_that_is_not_listed_is_refused)
{
	strcpy(data.subnqn, STAGE_PRIVATE);
	strcpy(data.hostnqn, STAGE_OTHER);
	expect_refused(DNR(0x184), IN_DATA | 512);
}
END_TEST

START_TEST(with_a_subsystem_name_without_end_is_refused)
{
	memset(data.subnqn, 'a', sizeof(data.subnqn));
	expect_refused(DNR(0x182), IN_DATA | 256);
}
END_TEST

START_TEST(with_a_host_name_without_end_is_refused)
{
	memset(data.hostnqn, 'a', sizeof(data.hostnqn));
	expect_refused(DNR(0x182), IN_DATA | 512);
}
END_TEST

START_TEST(without_a_host_name_is_refused)
{
	data.hostnqn[0] = '\0';
	expect_refused(DNR(0x182), IN_DATA | 512);
}
END_TEST

START_TEST(of_one_entry_is_refused)
{
	command.sqsize_0based = le16_of(0);
	expect_refused(DNR(0x182), 44);
}
END_TEST

START_TEST(of_32_entries_is_good_whatever_the_port_allows)
{
	((struct config_port *)config_find_port(&stage.state.target.config, 2))->max_queue_size =
		16;
	request.port_id = 2;
	connect();
	expect_status(answer.status, 0);
	shows("Base 2.1 §3.3.2.2", "an admin queue may always have 32 entries");
}
END_TEST

START_TEST(of_more_entries_than_the_port_allows_is_refused)
{
	command.sqsize_0based = le16_of(1024);
	expect_refused(DNR(0x182), 44);
}
END_TEST

START_TEST(on_a_port_that_is_gone_is_refused)
{
	request.port_id = 9;
	expect_refused(DNR(0x182), IN_DATA | 256);
}
END_TEST

/* ------------------------------------------------------------------ static controllers */

static struct config_subsystem *subsystem(void)
{
	return (struct config_subsystem *)config_find_subsystem(&stage.state.target.config,
	                                                        STAGE_SUBSYSTEM);
}

static void given_static_controllers(void)
{
	given_an_admin_queue();
	subsystem()->is_static = true;
	subsystem()->cntlid_min = 5;
	subsystem()->cntlid_max = 8;
	data.cntlid = le16_of(NVME_CNTLID_STATIC_ANY);
}

START_TEST(of_any_static_controller_is_good)
{
	connect();
	expect_status(answer.status, 0);
	ck_assert_uint_eq(answer.cntlid, 0);
}
END_TEST

START_TEST(of_one_of_them_is_good)
{
	data.cntlid = le16_of(8);
	connect();
	expect_status(answer.status, 0);
	ck_assert_uint_eq(answer.cntlid, 8);
}
END_TEST

START_TEST(of_one_that_is_not_there_is_refused)
{
	static const uint16_t others[] = {0, 4, 9, NVME_CNTLID_MAX, 0xfff0};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		data.cntlid = le16_of(others[i]);
		expect_refused(DNR(0x182), IN_DATA | 16);
	}
}
END_TEST

START_TEST(of_a_dynamic_controller_is_refused)
{
	data.cntlid = le16_of(NVME_CNTLID_DYNAMIC);
	expect_refused(DNR(0x182), IN_DATA | 16);
}
END_TEST

START_TEST(of_any_static_controller_is_refused_without_them)
{
	subsystem()->is_static = false;
	expect_refused(DNR(0x182), IN_DATA | 16);
}
END_TEST

/* ------------------------------------------------------------------ duplicate hosts */

static void given_a_host_that_is_connected(void)
{
	given_an_admin_queue();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	memcpy(stage.session->host_id, data.hostid, sizeof(data.hostid));
}

START_TEST(is_good_again)
{
	connect();
	expect_status(answer.status, 0);
	ck_assert(!answer.replaces);
}
END_TEST

START_TEST(replaces_the_older_one_where_that_is_wanted)
{
	subsystem()->duplicate_host = CONFIG_DUPLICATE_REPLACE;
	connect();
	expect_status(answer.status, 0);
	ck_assert(answer.replaces);
	ck_assert_ptr_eq(connect_older(&stage.state.sessions, &request), stage.session);
}
END_TEST

START_TEST(is_refused_where_that_is_wanted)
{
	subsystem()->duplicate_host = CONFIG_DUPLICATE_REFUSE;
	expect_refused(0x181, 0);
	ck_assert(answer.is_refusal);
}
END_TEST

START_TEST(is_good_while_the_older_one_ends)
{
	subsystem()->duplicate_host = CONFIG_DUPLICATE_REFUSE;
	stage.session->is_ending = true;
	connect();
	expect_status(answer.status, 0);
}
END_TEST

START_TEST(is_good_on_another_port)
{
	subsystem()->duplicate_host = CONFIG_DUPLICATE_REFUSE;
	request.port_id = 2;
	connect();
	expect_status(answer.status, 0);
}
END_TEST

START_TEST(is_good_to_another_subsystem)
{
	subsystem()->duplicate_host = CONFIG_DUPLICATE_REFUSE;
	strcpy(data.subnqn, STAGE_PRIVATE);
	connect();
	expect_status(answer.status, 0);
}
END_TEST

START_TEST(is_good_from_another_host)
{
	subsystem()->duplicate_host = CONFIG_DUPLICATE_REFUSE;
	data.hostid[3] ^= 1;
	connect();
	expect_status(answer.status, 0);
	data.hostid[3] ^= 1;
	strcpy(data.hostnqn, STAGE_OTHER);
	connect();
	expect_status(answer.status, 0);
}
END_TEST

/* ------------------------------------------------------------------ I/O queue */

START_TEST(of_its_controller_is_good)
{
	connect();
	expect_status(answer.status, 0);
	ck_assert_ptr_eq(answer.session, stage.session);
	ck_assert_uint_eq(answer.result, stage.session->cntlid);
}
END_TEST

START_TEST(of_no_controller_is_refused)
{
	data.cntlid = le16_of(9999);
	expect_refused(0x182, IN_DATA | 16);
}
END_TEST

START_TEST(of_another_subsystems_controller_is_refused)
{
	strcpy(data.subnqn, STAGE_PRIVATE);
	expect_refused(0x182, IN_DATA | 16);
}
END_TEST

START_TEST(of_another_hosts_controller_is_refused)
{
	strcpy(data.hostnqn, STAGE_OTHER);
	expect_refused(DNR(0x182), IN_DATA | 512);
}
END_TEST

START_TEST(with_another_host_identifier_is_refused)
{
	data.hostid[0] ^= 1;
	expect_refused(DNR(0x182), IN_DATA | 0);
}
END_TEST

/* It was refused; Base 2.1 §6.3 has it ignored. */
START_TEST(without_a_host_identifier_is_good)
{
	memset(data.hostid, 0, sizeof(data.hostid));
	connect();
	ck_assert_uint_eq(answer.status.value, 0);
}
END_TEST

START_TEST(on_another_port_is_refused)
{
	request.port_id = 2;
	expect_refused(DNR(0x182), IN_DATA | 16);
}
END_TEST

START_TEST(above_the_granted_ones_is_refused)
{
	command.qid = le16_of(5);
	expect_refused(DNR(0x182), 42);
}
END_TEST

START_TEST(with_more_entries_than_mqes_is_refused)
{
	command.sqsize_0based = le16_of(1024);
	expect_refused(DNR(0x182), 44);
}
END_TEST

START_TEST(of_another_transports_controller_is_refused)
{
	static int other;

	request.transport = (struct transport *)&other;
	expect_refused(0x182, IN_DATA | 16);
}
END_TEST

/* ------------------------------------------------------------------ the new session */

static void fill(struct session *session)
{
	connect();
	expect_status(answer.status, 0);
	connect_fill(session, &stage.state.target, &request, &answer);
}

START_TEST(has_its_keep_alive_in_whole_seconds)
{
	struct session session = {0};

	command.kato_ms = le32_of(4001);
	fill(&session);
	ck_assert_uint_eq(session.kato_ms, 5000);
}
END_TEST

START_TEST(has_no_keep_alive_if_the_host_wants_none)
{
	struct session session = {0};

	command.kato_ms = le32_of(0);
	fill(&session);
	ck_assert_uint_eq(session.kato_ms, 0);
	shows("Base 2.1 §3.9.2", "KATO of 0: no keep-alive timer");
}
END_TEST

START_TEST(of_discovery_is_watched_all_the_same)
{
	struct session session = {0};

	strcpy(data.subnqn, NVME_DISCOVERY_NQN);
	command.kato_ms = le32_of(0);
	fill(&session);
	ck_assert(session.discovery);
	ck_assert_uint_eq(session.kato_ms, 120000);
}
END_TEST

START_TEST(has_a_keep_alive_that_is_not_too_short)
{
	struct session session = {0};

	stage.state.target.config.limits.keep_alive_min_ms = 8000;
	command.kato_ms = le32_of(5000);
	fill(&session);
	ck_assert_uint_eq(session.kato_ms, 8000);
}
END_TEST

START_TEST(has_a_very_long_keep_alive_cut)
{
	struct session session = {0};

	command.kato_ms = le32_of(UINT32_MAX);
	fill(&session);
	ck_assert_uint_eq(session.kato_ms % 1000, 0);
	ck_assert_uint_gt(session.kato_ms, 4000000000u);
}
END_TEST

START_TEST(knows_its_host)
{
	struct session session = {0};

	fill(&session);
	ck_assert_str_eq(session.host_nqn, STAGE_HOST);
	ck_assert_uint_eq(session.host_id[0], 7);
	ck_assert_uint_eq(session.admin_sqsize, 32);
	ck_assert_uint_eq(session.io_queues, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("Connect");

	describe(suite,
	         "an admin queue of static controllers",
	         given_static_controllers,
	         stage_close,
	         of_any_static_controller_is_good,
	         of_one_of_them_is_good,
	         of_one_that_is_not_there_is_refused,
	         of_a_dynamic_controller_is_refused,
	         of_any_static_controller_is_refused_without_them);
	describe(suite,
	         "an admin queue of a host that has one",
	         given_a_host_that_is_connected,
	         stage_close,
	         is_good_again,
	         replaces_the_older_one_where_that_is_wanted,
	         is_refused_where_that_is_wanted,
	         is_good_while_the_older_one_ends,
	         is_good_on_another_port,
	         is_good_to_another_subsystem,
	         is_good_from_another_host);
	describe(suite,
	         "an admin queue",
	         given_an_admin_queue,
	         stage_close,
	         is_good,
	         of_the_discovery_service_is_good,
	         of_this_targets_own_discovery_name_is_good,
	         of_a_listed_host_is_good,
	         of_another_record_format_is_refused,
	         of_a_static_controller_is_refused,
	         of_an_unknown_subsystem_is_refused,
	         of_a_subsystem_that_is_not_on_the_port_is_refused,
	         of_a_host_that_is_not_listed_is_refused,
	         with_a_subsystem_name_without_end_is_refused,
	         with_a_host_name_without_end_is_refused,
	         without_a_host_name_is_refused,
	         of_one_entry_is_refused,
	         of_32_entries_is_good_whatever_the_port_allows,
	         of_more_entries_than_the_port_allows_is_refused,
	         on_a_port_that_is_gone_is_refused);
	describe(suite,
	         "an I/O queue",
	         given_an_io_queue,
	         stage_close,
	         of_its_controller_is_good,
	         of_no_controller_is_refused,
	         of_another_subsystems_controller_is_refused,
	         of_another_hosts_controller_is_refused,
	         with_another_host_identifier_is_refused,
	         without_a_host_identifier_is_good,
	         on_another_port_is_refused,
	         above_the_granted_ones_is_refused,
	         with_more_entries_than_mqes_is_refused,
	         of_another_transports_controller_is_refused);
	describe(suite,
	         "the new session",
	         given_an_admin_queue,
	         stage_close,
	         has_its_keep_alive_in_whole_seconds,
	         has_no_keep_alive_if_the_host_wants_none,
	         of_discovery_is_watched_all_the_same,
	         has_a_keep_alive_that_is_not_too_short,
	         has_a_very_long_keep_alive_cut,
	         knows_its_host);
	return run(suite);
}
