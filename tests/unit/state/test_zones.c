/* SPDX-License-Identifier: BSD-2-Clause */
/* A namespace with zones: what its worker says, what is kept of it, and what hosts are told. */
#include <stdlib.h>
#include <string.h>

#include "services/state/config_frozen.h"
#include "services/state/reconcile.h"
#include "services/state/view.h"
#include "tests/unit/state/stage.h"

enum { BLOCKS = 1000, FLAT = 1, ZONED = 2 }; /* the numbers of the stage's namespaces */

static const uint8_t token[16] = {1};
static const struct view_token tcp = {"tcp", NULL, token};
static struct scratch scratch;
static Nvmetd__BackingZones zones;

static const struct backing *backing_of(uint32_t nsid)
{
	return stage_namespace(STAGE_SUBSYSTEM, nsid)->backing;
}

/* NULL: it is not zoned. */
static void worker_reports(Nvmetd__BackingZones *said_zones)
{
	struct worker *worker = state_add_worker(&stage.state, "io-0");
	Nvmetd__WorkerReport report = NVMETD__WORKER_REPORT__INIT;
	Nvmetd__BackingReport said = NVMETD__BACKING_REPORT__INIT, *list = &said;

	said.handle = backing_of(ZONED)->handle;
	said.ready = true;
	said.blocks = BLOCKS;
	said.block_shift = 12;
	said.zones = said_zones;
	report.namespaces = &list;
	report.n_namespaces = 1;
	reconcile_report(&stage.state, worker, &report);
}

static void given_zones(void)
{
	char *text = stage_edit(stage_config,
	                        "\"path\": \"null:8M\",",
	                        "\"path\": \"zoned:ram:8M\", \"zone_size\": \"1M\", "
	                        "\"zone_max_open\": \"5\",");

	stage_open();
	stage_restore(text);
	free(text);
	stage_ready();
	nvmetd__backing_zones__init(&zones);
	zones.blocks = 128;
	zones.capacity = 100;
	zones.open_max = 5;
	zones.active_max = 7;
	worker_reports(&zones);
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
}

static void forget(void)
{
	scratch_deinit(&scratch);
	stage_close();
}

static uint64_t at(size_t offset, unsigned bytes)
{
	uint64_t value = 0;

	ck_assert_uint_eq(stage.reply.length, 4096);
	memcpy(&value, stage.reply.data + offset, bytes);
	return value;
}

static void expect_zeroes(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		ck_assert_msg(stage.reply.data[i] == 0, "byte %zu is %02x", i, stage.reply.data[i]);
}

static struct nvme_status identify(uint32_t cns, uint32_t nsid, uint32_t csi)
{
	return stage_admin(NVME_ADMIN_IDENTIFY, nsid, cns, csi << 24);
}

/* ------------------------------------------------------------------ Identify */

START_TEST(has_the_size_of_other_namespaces)
{
	expect_status(identify(0, ZONED, 0), 0);
	ck_assert_uint_eq(at(0, 8), BLOCKS);
	ck_assert_uint_eq(at(8, 8), BLOCKS);
	ck_assert_uint_eq(at(128 + 2, 1), 12);
}
END_TEST

START_TEST(says_its_command_set)
{
	expect_status(identify(3, ZONED, 0), 0);
	ck_assert_uint_eq(at(40, 4), 4 | 1 << 8);
	ck_assert_uint_eq(at(44, 1), 2);
	expect_status(identify(3, FLAT, 0), 0);
	ck_assert_uint_eq(at(24, 1), 0);
}
END_TEST

START_TEST(says_its_zones)
{
	static const uint8_t all[] = {5, 0x1b};

	for (size_t i = 0; i < sizeof(all); i++) {
		expect_status(identify(all[i], ZONED, 2), 0);
		ck_assert_uint_eq(at(0, 2), 0); /* ZOC */
		ck_assert_uint_eq(at(2, 2), 1); /* OZCS: reads across */
		ck_assert_uint_eq(at(4, 4), 6); /* MAR */
		ck_assert_uint_eq(at(8, 4), 4); /* MOR */
		expect_zeroes(12, 2816);
		ck_assert_uint_eq(at(2816, 8), 128);
		expect_zeroes(2824, 4096);
	}
}
END_TEST

START_TEST(says_that_there_is_no_limit)
{
	zones.open_max = zones.active_max = 0;
	worker_reports(&zones);
	expect_status(identify(5, ZONED, 2), 0);
	ck_assert_uint_eq(at(4, 8), UINT64_MAX);
}
END_TEST

START_TEST(has_no_more_open_than_active_zones)
{
	zones.open_max = 0;
	worker_reports(&zones);
	expect_status(identify(5, ZONED, 2), 0);
	ck_assert_uint_eq(at(4, 4), 6);
	ck_assert_uint_eq(at(8, 4), 6);
}
END_TEST

START_TEST(is_based_on_the_nvm_command_set)
{
	expect_status(identify(5, ZONED, 0), 0);
	expect_zeroes(0, 4096);
	expect_status(identify(8, ZONED, 0), 0);
	ck_assert_uint_eq(at(14, 1), 1);
}
END_TEST

START_TEST(is_in_no_third_command_set)
{
	expect_status(identify(5, ZONED, 1), DNR(0x12c));
	expect_status(identify(5, FLAT, 2), DNR(0x12c));
	ck_assert_uint_eq(stage.reply.error_location, 47 + 1);
}
END_TEST

START_TEST(is_listed_in_its_command_set)
{
	static const uint8_t all[] = {7, 0x1a};

	for (size_t i = 0; i < sizeof(all); i++) {
		expect_status(identify(all[i], 0, 2), 0);
		ck_assert_uint_eq(at(0, 8), ZONED);
		expect_status(identify(all[i], 0, 0), 0);
		ck_assert_uint_eq(at(0, 8), FLAT);
		expect_status(identify(all[i], ZONED, 2), 0);
		expect_zeroes(0, 4096);
	}
	expect_status(identify(2, 0, 0), 0);
	ck_assert_uint_eq(at(0, 8), UINT64_C(2) << 32 | 1);
}
END_TEST

START_TEST(is_of_a_controller_whose_appends_are_as_large_as_writes)
{
	expect_status(identify(6, 0, 2), 0);
	expect_zeroes(0, 4096);
}
END_TEST

/* ------------------------------------------------------------------ the profile */

START_TEST(is_in_the_only_profile)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, 0x19, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 0);
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 0, 0x19, 0), 0);
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 0, 0x19, 1), DNR(0x12b));
	ck_assert_uint_eq(stage.reply.error_location, 44 + 1);
}
END_TEST

/* ------------------------------------------------------------------ what is told, and kept */

static const Nvmetd__NamespaceView *namespace_view(void)
{
	const Nvmetd__TransportView *view = view_of_transport(
		&scratch, &stage.state.target, "tcp", NULL, 0);

	for (size_t i = 0; i < view->n_subsystems; i++)
		if (strcmp(view->subsystems[i]->nqn, STAGE_SUBSYSTEM) == 0)
			return view->subsystems[i]->namespaces[ZONED - 1];
	ck_abort_msg("there is no subsystem in the view");
}

START_TEST(is_told_to_transports)
{
	ck_assert_uint_eq(namespace_view()->zone_blocks, 128);
	worker_reports(NULL);
	ck_assert_uint_eq(namespace_view()->zone_blocks, 0);
}
END_TEST

START_TEST(tells_its_worker_what_is_wanted)
{
	const Nvmetd__WorkerView *view = view_of_worker(
		&scratch, &stage.state.target, "io-0", &tcp, 1);
	unsigned found = 0;

	for (size_t i = 0; i < view->n_namespaces; i++) {
		const Nvmetd__BackingView *backing = view->namespaces[i];
		bool is_zoned = strcmp(backing->path, "zoned:ram:8M") == 0;

		found += is_zoned;
		ck_assert_uint_eq(backing->zone_bytes, is_zoned ? 1 << 20 : 0);
		ck_assert_uint_eq(backing->zones_open_max, is_zoned ? 5 : 0);
		ck_assert_uint_eq(backing->zone_capacity, 0);
		ck_assert_uint_eq(backing->zones_active_max, 0);
	}
	ck_assert_uint_eq(found, 1);
}
END_TEST

START_TEST(is_known_over_a_restart)
{
	uint32_t handle = backing_of(ZONED)->handle;

	stage_reopen();
	ck_assert_uint_eq(backing_of(ZONED)->handle, handle);
	ck_assert(backing_of(ZONED)->known && !backing_of(ZONED)->ready);
	ck_assert_uint_eq(backing_of(ZONED)->zones.blocks, 128);
	ck_assert_uint_eq(backing_of(ZONED)->zones.capacity, 100);
	ck_assert_uint_eq(backing_of(ZONED)->zones.open_max, 5);
	ck_assert_uint_eq(backing_of(ZONED)->zones.active_max, 7);
	ck_assert_uint_eq(backing_of(ZONED)->zones_wanted.bytes, 1 << 20);
	ck_assert_uint_eq(backing_of(ZONED)->zones_wanted.open_max, 5);
	ck_assert_uint_eq(backing_of(FLAT)->zones.blocks, 0);
}
END_TEST

START_TEST(that_has_lost_them_is_without_over_a_restart)
{
	worker_reports(NULL);
	stage_reopen();
	ck_assert(backing_of(ZONED)->known);
	ck_assert_uint_eq(backing_of(ZONED)->zones.blocks, 0);
}
END_TEST

START_TEST(that_has_others_in_the_configuration_is_another)
{
	uint32_t handle = backing_of(ZONED)->handle;
	char *text = stage_edit(stage_config,
	                        "\"path\": \"null:8M\",",
	                        "\"path\": \"zoned:ram:8M\", \"zone_size\": \"2M\", "
	                        "\"zone_max_open\": \"5\",");

	stage_restore(text);
	free(text);
	ck_assert_uint_ne(backing_of(ZONED)->handle, handle);
	ck_assert(!backing_of(ZONED)->known);
}
END_TEST

START_TEST(keeps_them_while_it_is_enabled)
{
	static const char *const parts[][2] = {
		{"\"1048576\"",              "\"2097152\""                            },
		{"\"zone_max_open\": \"5\"", "\"zone_max_open\": \"6\""               },
		{"\"1048576\"",              "\"1048576\", \"zone_capacity\": 524288" },
		{"\"1048576\"",              "\"1048576\", \"zone_max_active\": \"7\""},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct report reading = {.file = "f"}, report = {.file = "f"};
		char *text = config_text(&stage.state.target.config);
		char *edited = stage_edit(text, parts[i][0], parts[i][1]);
		struct config after = CONFIG_NULL;

		ck_assert_int_eq(config_parse(&after, edited, strlen(edited), &reading), 0);
		config_check_frozen(&stage.state.target.config, &after, &report);
		ck_assert_uint_eq(report.errors.count, 1);
		ck_assert_ptr_nonnull(strstr(report.errors.line[0], "namespaces[0].device.zone_"));
		ck_assert_ptr_nonnull(strstr(report.errors.line[0], "disable it first"));
		config_deinit(&after);
		report_deinit(&report);
		report_deinit(&reading);
		free(edited);
		free(text);
	}
}
END_TEST

/* ------------------------------------------------------------------ what changes, what is wrong */

static void expect_told(bool is_told)
{
	struct session_message packed;

	session_pack(&packed, stage.session);
	ck_assert_uint_eq(packed.message.n_changed_namespaces, is_told);
	if (is_told)
		ck_assert_uint_eq(packed.message.changed_namespaces[0], ZONED);
}

START_TEST(that_becomes_one_without_is_told_to_hosts)
{
	worker_reports(&zones);
	expect_told(false);
	worker_reports(NULL);
	expect_told(true);
}
END_TEST

START_TEST(that_becomes_one_is_told_to_hosts)
{
	worker_reports(NULL);
	stage_connect(STAGE_OTHER, 1, STAGE_SUBSYSTEM);
	expect_told(false);
	worker_reports(&zones);
	expect_told(true);
}
END_TEST

static void expect_nonsense(uint64_t blocks, uint64_t capacity)
{
	zones.blocks = blocks;
	zones.capacity = capacity;
	worker_reports(&zones);
	ck_assert(!backing_of(ZONED)->ready);
	ck_assert_ptr_nonnull(strstr(backing_of(ZONED)->reason, "worker io-0 reports zones of"));
	ck_assert_uint_eq(backing_of(ZONED)->zones.blocks, 128); /* as before */
}

START_TEST(is_not_ready_with_zones_that_cannot_be)
{
	expect_nonsense(0, 0);
	expect_nonsense(96, 96);
	expect_nonsense(128, 129);
	expect_nonsense(128, 0);
	expect_nonsense(1024, 1024); /* more than there is */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zones");

	describe(suite,
	         "a namespace with zones",
	         given_zones,
	         forget,
	         has_the_size_of_other_namespaces,
	         says_its_command_set,
	         says_its_zones,
	         says_that_there_is_no_limit,
	         has_no_more_open_than_active_zones,
	         is_based_on_the_nvm_command_set,
	         is_in_no_third_command_set,
	         is_listed_in_its_command_set,
	         is_of_a_controller_whose_appends_are_as_large_as_writes,
	         is_in_the_only_profile,
	         is_told_to_transports,
	         tells_its_worker_what_is_wanted,
	         is_known_over_a_restart,
	         that_has_lost_them_is_without_over_a_restart,
	         that_has_others_in_the_configuration_is_another,
	         keeps_them_while_it_is_enabled,
	         that_becomes_one_without_is_told_to_hosts,
	         that_becomes_one_is_told_to_hosts,
	         is_not_ready_with_zones_that_cannot_be);
	return run(suite);
}
