/* SPDX-License-Identifier: BSD-2-Clause */
/* What cannot be changed just like that, and what is to be done first. */
#include <string.h>

#include "services/state/config_frozen.h"
#include "tests/unit/state/stage.h"

static struct config after;
static struct report report;

static void given_a_configuration_in_force(void)
{
	stage_open();
	stage_ready();
	after = CONFIG_NULL;
	report = (struct report){.file = "f"};
}

static void given_hosts_that_have_asked(void)
{
	given_a_configuration_in_force();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 0, NVME_CNS_CONTROLLER, 0), 0);
}

static void forget(void)
{
	config_deinit(&after);
	report_deinit(&report);
	stage_close();
}

/* The configuration in force, with a part of it replaced, is checked against it. */
static void check(const char *part, const char *other)
{
	struct report reading = {.file = "f"};
	char *text = config_text(&stage.state.target.config), *edited;

	ck_assert_ptr_nonnull(text);
	edited = stage_edit(text, part, other);
	if (config_parse(&after, edited, strlen(edited), &reading) != 0)
		ck_abort_msg("%s", reading.errors.line[0]);
	config_check_frozen(&stage.state.target.config, &after, &report);
	report_deinit(&reading);
	free(edited);
	free(text);
}

static void expect_refusal(const char *place, const char *first)
{
	ck_assert_uint_eq(report.errors.count, 1);
	ck_assert_msg(strstr(report.errors.line[0], place) != NULL, "%s", report.errors.line[0]);
	ck_assert_msg(strstr(report.errors.line[0], first) != NULL, "%s", report.errors.line[0]);
}

static void expect_freedom(void)
{
	ck_assert_msg(report.errors.count == 0, "%s", report.errors.line[0]);
}

/* ------------------------------------------------------------------ namespaces */

#define IS_FROZEN_OF_A_NAMESPACE(name, part, other, place)                                         \
	START_TEST(name)                                                                           \
	{                                                                                          \
		check(part, other);                                                                \
		expect_refusal(place, "disable it first");                                         \
	}                                                                                          \
	END_TEST

/* As they are saved: the first namespace is 2. */
IS_FROZEN_OF_A_NAMESPACE(has_its_path, "null:8M", "null:16M", "namespaces[0].device.path: cannot")
IS_FROZEN_OF_A_NAMESPACE(has_its_block_size, "\"block_size\": \"4096\"", "\"block_size\": \"512\"",
                         "namespaces[0].device.block_size: cannot")
IS_FROZEN_OF_A_NAMESPACE(has_its_nguid, "ef90689c-6c46", "ef90689c-6c47",
                         "namespaces[0].device.nguid: cannot")
IS_FROZEN_OF_A_NAMESPACE(has_its_eui64, "\"block_size\": \"4096\"",
                         "\"block_size\": \"4096\", \"eui64\": \"0011223344556677\"",
                         "namespaces[0].device.eui64: cannot")
IS_FROZEN_OF_A_NAMESPACE(has_its_uuid, "6f0c2c52-3f7e", "6f0c2c52-3f7f",
                         "namespaces[1].device.uuid: cannot")
IS_FROZEN_OF_A_NAMESPACE(has_its_buffered_io, "\"block_size\": \"4096\"",
                         "\"block_size\": \"4096\", \"buffered_io\": \"1\"",
                         "namespaces[0].device.buffered_io: cannot")

START_TEST(may_be_disabled)
{
	check("\"enable\": 1", "\"enable\": 0");
	expect_freedom();
}
END_TEST

START_TEST(may_have_another_group)
{
	check("\"ana_grpid\": 2", "\"ana_grpid\": 3");
	expect_freedom();
}
END_TEST

START_TEST(may_have_another_worker)
{
	check("\"block_size\": \"4096\"", "\"block_size\": \"4096\", \"worker\": \"io-1\"");
	expect_freedom();
}
END_TEST

START_TEST(that_is_not_enabled_may_have_all_of_it_changed)
{
	/* ram:1M of namespace 7: the second of that size in the text */
	check("\"nsid\": 7", "\"buffered_io\": 1, \"nsid\": 7");
	expect_freedom();
}
END_TEST

/* ------------------------------------------------------------------ subsystems */

#define IS_FROZEN_OF_A_SUBSYSTEM(name, part, other, place)                                         \
	START_TEST(name)                                                                           \
	{                                                                                          \
		check(part, other);                                                                \
		expect_refusal(place, "delete the subsystem first");                               \
	}                                                                                          \
	END_TEST

IS_FROZEN_OF_A_SUBSYSTEM(has_its_serial, "\"S1\"", "\"S2\"", "subsystems[0].attr.serial: cannot")
IS_FROZEN_OF_A_SUBSYSTEM(has_its_model, "\"a model\"", "\"b model\"",
                         "subsystems[0].attr.model: cannot")
IS_FROZEN_OF_A_SUBSYSTEM(has_its_version, "\"version\": \"2.1\"", "\"version\": \"2.0\"",
                         "subsystems[0].attr.version: cannot")
IS_FROZEN_OF_A_SUBSYSTEM(has_its_firmware, "\"firmware\": \"" NVMETD_VERSION "\"",
                         "\"firmware\": \"9\"", "subsystems[0].attr.firmware: cannot")
IS_FROZEN_OF_A_SUBSYSTEM(has_its_ieee_oui, "\"ieee_oui\": \"0x000000\"",
                         "\"ieee_oui\": \"0x123456\"", "subsystems[0].attr.ieee_oui: cannot")
IS_FROZEN_OF_A_SUBSYSTEM(has_its_pi_enable, "\"pi_enable\": \"0\",\n        \"qid_max\": \"8\"",
                         "\"pi_enable\": \"1\",\n        \"qid_max\": \"8\"",
                         "subsystems[0].attr.pi_enable: cannot")

START_TEST(may_have_other_queues)
{
	check("\"qid_max\": \"8\"", "\"qid_max\": \"4\"");
	expect_freedom();
}
END_TEST

START_TEST(may_have_other_controllers)
{
	check("\"cntlid_max\": \"12\"", "\"cntlid_max\": \"99\"");
	expect_freedom();
}
END_TEST

START_TEST(that_nobody_has_asked_for_may_have_all_of_it_changed)
{
	check("\"a model\"", "\"b model\"");
	expect_freedom();
}
END_TEST

START_TEST(that_was_taken_away_meanwhile_may_be_another)
{
	char *without = config_text(&stage.state.target.config), *empty;
	uint64_t revision = stage_restore("{}");

	ck_assert_uint_gt(revision, 0);
	stage_restore(without);
	check("\"a model\"", "\"b model\"");
	expect_freedom();
	empty = without;
	free(empty);
}
END_TEST

/* ------------------------------------------------------------------ ports */

#define IS_FROZEN_OF_A_PORT(name, part, other, place)                                              \
	START_TEST(name)                                                                           \
	{                                                                                          \
		check(part, other);                                                                \
		expect_refusal(place, "remove its subsystems first");                              \
	}                                                                                          \
	END_TEST

IS_FROZEN_OF_A_PORT(has_its_traddr, "\"traddr\": \"127.0.0.1\"", "\"traddr\": \"127.0.0.2\"",
                    "ports[0].addr.traddr: cannot")
IS_FROZEN_OF_A_PORT(has_its_trsvcid, "\"trsvcid\": \"4420\"", "\"trsvcid\": \"4429\"",
                    "ports[0].addr.trsvcid: cannot")
IS_FROZEN_OF_A_PORT(has_its_trtype, "\"trsvcid\": \"4420\",\n        \"trtype\": \"tcp\"",
                    "\"trsvcid\": \"4420\",\n        \"trtype\": \"rdma\"",
                    "ports[0].addr.trtype: cannot")
IS_FROZEN_OF_A_PORT(has_its_treq, "\"treq\": \"not specified\"", "\"treq\": \"not required\"",
                    "ports[0].addr.treq: cannot")
IS_FROZEN_OF_A_PORT(has_its_queue_size, "\"max_queue_size\": \"64\"", "\"max_queue_size\": \"128\"",
                    "ports[1].param.max_queue_size: cannot")
IS_FROZEN_OF_A_PORT(has_its_in_capsule_data, "\"inline_data_size\": \"8192\"",
                    "\"inline_data_size\": \"4096\"", "ports[1].param.inline_data_size: cannot")
IS_FROZEN_OF_A_PORT(has_its_mdts, "\"mdts\": \"-1\"", "\"mdts\": \"5\"",
                    "ports[0].param.mdts: cannot")

START_TEST(may_have_other_ana_states)
{
	check("\"non-optimized\"", "\"inaccessible\"");
	expect_freedom();
}
END_TEST

START_TEST(that_does_not_listen_any_more_may_have_another_address)
{
	check("\"subsystems\": [\n        \"" STAGE_SUBSYSTEM "\"\n      ]", "\"subsystems\": []");
	for (size_t i = 0; i < after.n_ports; i++)
		if (after.ports[i].n_links == 0)
			strcpy(after.ports[i].address.trsvcid, "4500");
	config_check_frozen(&stage.state.target.config, &after, &report);
	expect_freedom();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config-frozen");

	describe(suite,
	         "a namespace that is enabled",
	         given_a_configuration_in_force,
	         forget,
	         has_its_path,
	         has_its_block_size,
	         has_its_nguid,
	         has_its_eui64,
	         has_its_uuid,
	         has_its_buffered_io,
	         may_be_disabled,
	         may_have_another_group,
	         may_have_another_worker);
	describe(suite,
	         "a namespace",
	         given_a_configuration_in_force,
	         forget,
	         that_is_not_enabled_may_have_all_of_it_changed);
	describe(suite,
	         "a subsystem that a host has asked for",
	         given_hosts_that_have_asked,
	         forget,
	         has_its_serial,
	         has_its_model,
	         has_its_version,
	         has_its_firmware,
	         has_its_ieee_oui,
	         has_its_pi_enable,
	         may_have_other_queues,
	         may_have_other_controllers,
	         that_was_taken_away_meanwhile_may_be_another);
	describe(suite,
	         "a subsystem",
	         given_a_configuration_in_force,
	         forget,
	         that_nobody_has_asked_for_may_have_all_of_it_changed);
	describe(suite,
	         "a port that listens",
	         given_a_configuration_in_force,
	         forget,
	         has_its_traddr,
	         has_its_trsvcid,
	         has_its_trtype,
	         has_its_treq,
	         has_its_queue_size,
	         has_its_in_capsule_data,
	         has_its_mdts,
	         may_have_other_ana_states);
	describe(suite,
	         "a port",
	         given_a_configuration_in_force,
	         forget,
	         that_does_not_listen_any_more_may_have_another_address);
	return run(suite);
}
