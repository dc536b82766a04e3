/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration is taken whole or not at all, and what belongs to its objects stays theirs. */
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "services/state/apply.h"
#include "tests/unit/state/stage.h"

static void given_a_configuration(void)
{
	stage_open();
}

static void clear(void)
{
	uint64_t revision;

	ck_assert_int_eq(apply_clear(&stage.state, &revision), 0);
}

static char *saved(void)
{
	char *text = config_text(&stage.state.target.config);

	ck_assert_ptr_nonnull(text);
	return text;
}

static uint32_t handle_of(uint32_t nsid)
{
	return stage_namespace(STAGE_SUBSYSTEM, nsid)->backing->handle;
}

static void remember_uuid(uint32_t nsid, uint8_t ret_uuid[static 16])
{
	memcpy(ret_uuid, stage_namespace(STAGE_SUBSYSTEM, nsid)->uuid, 16);
}

START_TEST(is_there_again_after_a_restart)
{
	char *before = saved(), *after;

	stage_reopen();
	after = saved();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(that_was_saved_restores_to_the_same)
{
	char *before = saved(), *after;
	uint64_t revision = stage.state.target.revision;

	ck_assert_uint_eq(stage_restore(before), revision);
	after = saved();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(that_was_cleared_and_restored_is_the_same)
{
	char *before = saved(), *after;

	clear();
	ck_assert_uint_eq(stage.state.target.config.n_subsystems, 0);
	stage_restore(stage_config);
	after = saved();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(keeps_handles_and_numbers_over_clear_and_restart)
{
	uint32_t handle = handle_of(1);
	uint32_t number = target_find_subsystem_named(&stage.state.target, STAGE_SUBSYSTEM)->number;

	clear();
	stage_reopen();
	stage_restore(stage_config);
	ck_assert_uint_eq(handle_of(1), handle);
	ck_assert_uint_eq(target_find_subsystem_named(&stage.state.target, STAGE_SUBSYSTEM)->number,
	                  number);
}
END_TEST

START_TEST(makes_a_uuid_where_the_file_has_none_and_keeps_it)
{
	uint8_t first[16], second[16];

	remember_uuid(2, first);
	ck_assert_uint_eq(first[6] >> 4, 4); /* version 4 */
	clear();
	stage_restore(stage_config);
	remember_uuid(2, second);
	ck_assert_mem_eq(first, second, 16);
}
END_TEST

START_TEST(gives_another_path_another_uuid_and_handle)
{
	char *other = stage_edit(stage_config, "null:8M", "null:16M");
	uint8_t first[16], second[16];
	uint32_t handle = handle_of(2);

	remember_uuid(2, first);
	stage_restore(other);
	remember_uuid(2, second);
	ck_assert_mem_ne(first, second, 16);
	ck_assert_uint_ne(handle_of(2), handle);
	free(other);
}
END_TEST

START_TEST(gives_another_way_to_open_a_file_another_handle)
{
	char *other = stage_edit(stage_config, "\"block_size\": 4096", "\"buffered_io\": 1");
	uint8_t first[16], second[16];
	uint32_t handle = handle_of(2);

	remember_uuid(2, first);
	stage_restore(other);
	remember_uuid(2, second);
	ck_assert_mem_eq(first, second, 16);
	ck_assert_uint_ne(handle_of(2), handle);
	free(other);
}
END_TEST

START_TEST(leaves_what_it_has_in_common_undisturbed)
{
	char *other = stage_edit(stage_config, "null:8M", "null:16M");
	struct backing *backing = stage_namespace(STAGE_SUBSYSTEM, 1)->backing;

	stage_ready();
	stage_restore(other);
	ck_assert_ptr_eq(stage_namespace(STAGE_SUBSYSTEM, 1)->backing, backing);
	ck_assert(backing->ready);
	ck_assert_int_eq(backing->use, BACKING_USED);
	free(other);
}
END_TEST

START_TEST(lets_go_of_what_is_not_in_it)
{
	struct backing *backing = stage_namespace(STAGE_SUBSYSTEM, 2)->backing;
	char *other = stage_edit(stage_config, "null:8M", "null:16M");

	stage_ready();
	stage_restore(other);
	ck_assert_int_ne(backing->use, BACKING_USED);
	free(other);
}
END_TEST

START_TEST(that_is_wrong_changes_nothing)
{
	char *wrong = stage_edit(stage_config, "\"nsid\": 7", "\"nsid\": 1"), *before = saved(),
	     *after;
	struct report report = {.file = "f", .text = wrong};
	uint64_t revision;

	ck_assert_int_eq(apply_text(&stage.state, wrong, &report, &revision), APPLY_E_WRONG);
	ck_assert_str_eq(report.errors.line[0],
	                 "f:23: subsystems[0].namespaces[2].nsid: is that of namespaces[1] too");
	after = saved();
	ck_assert_str_eq(before, after);
	report_deinit(&report);
	free(wrong);
	free(before);
	free(after);
}
END_TEST

START_TEST(that_cannot_be_stored_changes_nothing)
{
	char *other = stage_edit(stage_config, "null:8M", "null:16M"), *before = saved(), *after;
	struct report report = {.file = "f"};
	uint64_t revision, old_revision = stage.state.target.revision;

	/* A transaction that is open already is a disk that refuses. */
	ck_assert_int_eq(database_begin(stage.state.database), 0);
	ck_assert_int_lt(apply_text(&stage.state, other, &report, &revision), 0);
	report_deinit(&report);
	after = saved();
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(stage.state.target.revision, old_revision);
	stage_reopen();
	free(after);
	after = saved();
	ck_assert_str_eq(before, after);
	free(other);
	free(before);
	free(after);
}
END_TEST

START_TEST(raises_the_revision_also_over_restarts)
{
	uint64_t before = stage.state.target.revision, after;
	char *other = stage_edit(stage_config, "null:8M", "null:16M");

	stage_reopen();
	after = stage_restore(other);
	ck_assert_uint_gt(after, before);
	free(other);
}
END_TEST

START_TEST(keeps_the_serial_that_was_made)
{
	char first[21];

	strcpy(first, config_find_subsystem(&stage.state.target.config, STAGE_PRIVATE)->serial);
	ck_assert_uint_eq(strlen(first), 20);
	clear();
	stage_restore(stage_config);
	ck_assert_str_eq(config_find_subsystem(&stage.state.target.config, STAGE_PRIVATE)->serial,
	                 first);
}
END_TEST

START_TEST(does_not_give_a_uuid_that_the_file_gives_to_another)
{
#define UUID "\"uuid\": \"6f0c2c52-3f7e-4b3a-9a44-000000000001\""
	char *both = stage_edit(stage_config, ",\n     " UUID, "");
	char *taken = stage_edit(both, "\"block_size\": 4096", "\"block_size\": 4096, " UUID);

	stage_restore(taken);
	ck_assert_mem_ne(stage_namespace(STAGE_SUBSYSTEM, 1)->uuid,
	                 stage_namespace(STAGE_SUBSYSTEM, 2)->uuid,
	                 16);
	free(both);
	free(taken);
}
END_TEST

START_TEST(keeps_what_workers_said_over_a_restart)
{
	stage_ready();
	stage_reopen();
	ck_assert(stage_namespace(STAGE_SUBSYSTEM, 1)->backing->known);
	ck_assert_uint_eq(stage_namespace(STAGE_SUBSYSTEM, 1)->backing->blocks, 1000);
	ck_assert(!stage_namespace(STAGE_SUBSYSTEM, 1)->backing->ready);
}
END_TEST

START_TEST(does_not_believe_what_was_said_before_it_was_cleared)
{
	stage_ready();
	clear();
	list_for_each (at, &stage.state.target.backings)
		container_of(at, struct backing, link)->use = BACKING_UNUSED;
	stage_restore(stage_config);
	ck_assert(!stage_namespace(STAGE_SUBSYSTEM, 1)->backing->known);
}
END_TEST

/* ------------------------------------------------------------------ the file itself */

static int open_again(struct database **ret_database)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/state.db", stage.directory);
	return database_open(ret_database, path);
}

START_TEST(of_a_later_release_is_refused)
{
	struct database *database = NULL;
	char path[128];
	sqlite3 *sqlite;

	stage.state.database = database_free(stage.state.database);
	snprintf(path, sizeof(path), "%s/state.db", stage.directory);
	ck_assert_int_eq(sqlite3_open(path, &sqlite), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(sqlite, "PRAGMA user_version=3", NULL, NULL, NULL),
	                 SQLITE_OK);
	sqlite3_close(sqlite);
	ck_assert_int_lt(open_again(&database), 0);
}
END_TEST

/* Any version from 1.2 on was taken, and is in databases. */
START_TEST(with_a_version_that_an_earlier_release_took_is_loaded)
{
	json_t *root = config_save(&stage.state.target.config);
	json_t *attr = json_object_get(json_array_get(json_object_get(root, "subsystems"), 0),
	                               "attr");

	ck_assert_int_eq(json_object_set_new(attr, "version", json_string("9.9")), 0);
	ck_assert_int_eq(database_begin(stage.state.database), 0);
	ck_assert_int_eq(database_store_config(stage.state.database, root), 0);
	ck_assert_int_eq(database_commit(stage.state.database), 0);
	json_decref(root);
	stage_reopen();
	ck_assert_uint_eq(stage.state.target.config.subsystems[0].version, 0x20300);
}
END_TEST

START_TEST(is_not_for_others_to_read)
{
	char path[128], command[256];

	snprintf(path, sizeof(path), "%s/state.db", stage.directory);
	snprintf(command, sizeof(command), "test \"$(stat -c %%a %s)\" = 600", path);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a configuration");

	describe(suite,
	         "a configuration",
	         given_a_configuration,
	         stage_close,
	         is_there_again_after_a_restart,
	         that_was_saved_restores_to_the_same,
	         that_was_cleared_and_restored_is_the_same,
	         keeps_handles_and_numbers_over_clear_and_restart,
	         makes_a_uuid_where_the_file_has_none_and_keeps_it,
	         gives_another_path_another_uuid_and_handle,
	         gives_another_way_to_open_a_file_another_handle,
	         leaves_what_it_has_in_common_undisturbed,
	         lets_go_of_what_is_not_in_it,
	         that_is_wrong_changes_nothing,
	         that_cannot_be_stored_changes_nothing,
	         raises_the_revision_also_over_restarts,
	         keeps_the_serial_that_was_made,
	         does_not_give_a_uuid_that_the_file_gives_to_another,
	         keeps_what_workers_said_over_a_restart,
	         does_not_believe_what_was_said_before_it_was_cleared);
	describe(suite,
	         "a database",
	         given_a_configuration,
	         stage_close,
	         of_a_later_release_is_refused,
	         with_a_version_that_an_earlier_release_took_is_loaded,
	         is_not_for_others_to_read);
	return run(suite);
}
