/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: taken whole or not at all, kept, and given back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/process/scene.h"

#define TEXT_BYTES 65536

static char text[TEXT_BYTES];
static char before[TEXT_BYTES];

static void given_a_set(void)
{
	scene_start(NULL);
}

static void save(char *ret_text)
{
	char path[192];

	snprintf(path, sizeof(path), "%s", harness_path(scene.harness, "saved.json"));
	if (harness_ctl(scene.harness, text, TEXT_BYTES, "save", path, NULL) != 0)
		ck_abort_msg("nvmetctl save failed: %s", text);
	harness_read(path, ret_text, TEXT_BYTES);
}

static int restore_text(const char *json)
{
	FILE *file = fopen(harness_path(scene.harness, "wrong.json"), "we");
	char path[192];

	ck_assert_ptr_nonnull(file);
	fputs(json, file);
	fclose(file);
	snprintf(path, sizeof(path), "%s", harness_path(scene.harness, "wrong.json"));
	return harness_ctl(scene.harness, text, TEXT_BYTES, "restore", path, NULL);
}

/* Refused with this in the message, and nothing is changed. */
static void expect_refused(const char *json, const char *where, const char *why)
{
	static char after[TEXT_BYTES];

	save(before);
	ck_assert_int_ne(restore_text(json), 0);
	if (!strstr(text, where) || !strstr(text, why))
		ck_abort_msg("the message does not have \"%s\" and \"%s\": %s", where, why, text);
	save(after);
	ck_assert_str_eq(before, after);
	scene_connect();
	scene_write(1, 0, 8, 1);
	scene_read_back(1, 0, 8, 1);
	scene_disconnect();
}

START_TEST(a_file_that_is_no_json_is_refused_with_its_line)
{
	expect_refused("{\n\"hosts\": [],\n\"ports\": [}\n", "wrong.json:3", "");
}
END_TEST

START_TEST(a_port_without_a_number_is_refused_with_its_line)
{
	expect_refused(
		"{\"hosts\": [],\n \"subsystems\": [],\n \"ports\": [\n  {\"addr\": {}}\n]}\n",
		"wrong.json:4",
		"portid");
}
END_TEST

START_TEST(a_subsystem_that_is_not_there_cannot_be_linked)
{
	expect_refused("{\"hosts\": [], \"subsystems\": [],\n"
	               " \"ports\": [{\"portid\": 1,\n"
	               "   \"addr\": {\"trtype\": \"tcp\", \"adrfam\": \"ipv4\",\n"
	               "            \"traddr\": \"127.0.0.1\", \"trsvcid\": \"1\"},\n"
	               "   \"subsystems\": [\"nqn.2001-01.com.example:nowhere\"]}]}\n",
	               "wrong.json:5",
	               "no such subsystem");
}
END_TEST

START_TEST(a_transport_that_is_not_served_is_refused)
{
	expect_refused("{\"ports\": [{\"portid\": 1,\n"
	               "   \"addr\": {\"trtype\": \"fc\", \"adrfam\": \"ipv4\",\n"
	               "            \"traddr\": \"127.0.0.1\", \"trsvcid\": \"4420\"}}]}\n",
	               "wrong.json:",
	               "\"fc\" is not supported yet");
}
END_TEST

START_TEST(a_uuid_that_is_none_is_refused)
{
	expect_refused("{\"subsystems\": [{\"nqn\": \"nqn.2001-01.com.example:a\",\n"
	               "  \"namespaces\": [{\"nsid\": 1, \"enable\": 1,\n"
	               "    \"device\": {\"path\": \"ram:1M\",\n"
	               "      \"uuid\": \"no\"}}]}]}\n",
	               "wrong.json:4",
	               "UUID");
}
END_TEST

START_TEST(a_namespace_that_is_there_twice_is_refused)
{
	expect_refused("{\"subsystems\": [{\"nqn\": \"nqn.2001-01.com.example:a\",\n"
	               "  \"namespaces\": [\n"
	               "   {\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"ram:1M\"}},\n"
	               "   {\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"ram:1M\"}}]}]}\n",
	               "wrong.json:",
	               "1");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_said)
{
	ck_assert_int_ne(
		harness_ctl(
			scene.harness, text, TEXT_BYTES, "restore", "/nonexistent/file.json", NULL),
		0);
	ck_assert_ptr_nonnull(strstr(text, "/nonexistent/file.json"));
}
END_TEST

START_TEST(what_was_saved_can_be_restored)
{
	static char after[TEXT_BYTES];
	char path[192];

	save(before);
	snprintf(path, sizeof(path), "%s", harness_path(scene.harness, "saved.json"));
	ck_assert_int_eq(harness_ctl(scene.harness, text, TEXT_BYTES, "clear", NULL), 0);
	save(after);
	ck_assert_str_ne(before, after);
	/* saved.json is now the empty one: write what it was */
	ck_assert_int_eq(restore_text(before), 0);
	save(after);
	ck_assert_str_eq(before, after);
	harness_await_service(scene.harness);
}
END_TEST

START_TEST(what_was_cleared_is_not_served)
{
	struct host_controller controller = HOST_CONTROLLER_NULL;

	ck_assert_int_eq(harness_ctl(scene.harness, text, TEXT_BYTES, "clear", NULL), 0);
	ck_assert_int_ne(host_controller_connect(&controller, &scene.options), 0);
	host_controller_close(&controller);
}
END_TEST

START_TEST(a_subsystem_that_is_removed_loses_its_hosts)
{
	struct harness_exports exports = scene.harness->exports;

	scene_connect();
	exports.subsystems[0] = (struct harness_subsystem){
		.nqn = HARNESS_NQN ".another", .namespaces = {{.nsid = 1, .path = "ram:1M"}}};
	harness_restore(scene.harness, &exports);
	connection_must(&scene.controller.admin.connection,
	                host_connection_await_end(&scene.controller.admin.connection, 20000));
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, 5000));
	scene_disconnect();
}
END_TEST

START_TEST(restoring_the_same_disturbs_no_io)
{
	scene_connect();
	scene_write(1, 0, 64, 5);
	for (unsigned i = 0; i < 5; i++) {
		struct harness_exports exports = scene.harness->exports;

		harness_restore(scene.harness, &exports);
		scene_read_back(1, 0, 64, 5);
	}
	scene_disconnect();
}
END_TEST

START_TEST(exports_come_back_after_a_restart_of_everything)
{
	struct host_namespace file, ram;

	scene_connect();
	file = scene.spaces[1];
	ram = scene.spaces[2];
	scene_write(1, 0, 64, 77);
	expect_good(scene_io(NVME_IO_FLUSH, 1, 0, 0, NULL));
	scene_disconnect();
	harness_end(scene.harness);
	harness_start(scene.harness, false);
	scene_connect();
	ck_assert_mem_eq(scene.spaces[1].uuid, file.uuid, 16);
	ck_assert_mem_eq(scene.spaces[2].uuid, ram.uuid, 16);
	ck_assert_mem_eq(scene.spaces[1].nguid, file.nguid, 16);
	ck_assert_uint_eq(scene.spaces[1].blocks, file.blocks);
	scene_read_back(1, 0, 64, 77);
	scene_disconnect();
}
END_TEST

START_TEST(status_says_the_processes_for_scripts)
{
	ck_assert_int_eq(harness_ctl(scene.harness, text, TEXT_BYTES, "status", "--json", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"processes\""));
	ck_assert_ptr_nonnull(strstr(text, "\"state\""));
	ck_assert_ptr_nonnull(strstr(text, "\"tcp\""));
	ck_assert_ptr_nonnull(strstr(text, "\"io-0\""));
}
END_TEST

START_TEST(status_says_the_hosts_for_people)
{
	scene_connect();
	ck_assert_int_eq(harness_ctl(scene.harness, text, TEXT_BYTES, "status", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, HARNESS_HOSTNQN));
	ck_assert_ptr_nonnull(strstr(text, HARNESS_NQN));
	scene_disconnect();
}
END_TEST

START_TEST(show_says_what_is_exported)
{
	ck_assert_int_eq(harness_ctl(scene.harness, text, TEXT_BYTES, "show", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, HARNESS_NQN));
	ck_assert_ptr_nonnull(strstr(text, "ram:64M"));
}
END_TEST

START_TEST(nvmetctl_says_so_when_nothing_runs)
{
	char *const arguments[] = {(char[]){"nvmetctl"},
	                           (char[]){"--run-dir"},
	                           (char[]){"/nonexistent"},
	                           (char[]){"status"},
	                           NULL};

	ck_assert_int_ne(harness_program("nvmetctl", text, TEXT_BYTES, arguments, 20000), 0);
	ck_assert_ptr_nonnull(strstr(text, "/nonexistent"));
}
END_TEST

/* ------------------------------------------------------------------ several sets */

START_TEST(two_sets_live_side_by_side)
{
	struct harness_exports exports = harness_plain();
	struct harness *other = harness_new(&exports);
	struct host_controller controller = HOST_CONTROLLER_NULL;
	struct host_namespace space;
	struct host_options options;

	harness_start(other, true);
	options = harness_host(other, 0, 0);
	harness_connect_as(&options, &controller);
	scene_connect();
	host_must(&controller, host_namespace_identify(&controller, 1, &space));
	ck_assert_mem_ne(space.uuid, scene.spaces[1].uuid, 16);
	host_controller_close(&controller);
	harness_stop(other);
	scene_write(1, 0, 8, 3);
	scene_read_back(1, 0, 8, 3);
	scene_disconnect();
}
END_TEST

START_TEST(a_second_set_in_the_same_place_is_refused)
{
	char run[192], state[192];
	char *const arguments[] = {(char[]){"nvmetd"},
	                           (char[]){"--run-dir"},
	                           run,
	                           (char[]){"--state-dir"},
	                           state,
	                           NULL};

	snprintf(run, sizeof(run), "%s", harness_path(scene.harness, "run"));
	snprintf(state, sizeof(state), "%s", harness_path(scene.harness, "state"));
	ck_assert_int_ne(harness_program("nvmetd", text, TEXT_BYTES, arguments, 20000), 0);
	scene_connect();
	scene_write(1, 0, 8, 3);
	scene_disconnect();
}
END_TEST

START_TEST(needs_no_root)
{
	struct harness_exports exports = harness_plain();
	struct harness *other = harness_new(&exports);
	struct host_controller controller = HOST_CONTROLLER_NULL;
	struct host_options options;

	if (geteuid() == 0)
		other->run_as = 65534; /* nobody */
	/* the file was made by us */
	if (other->run_as)
		ck_assert_int_eq(
			chown(harness_path(other, "disk"), other->run_as, (gid_t)other->run_as), 0);
	harness_start(other, true);
	options = harness_host(other, 0, 0);
	harness_connect_as(&options, &controller);
	host_controller_close(&controller);
	harness_stop(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("configuration");

	describe_running(suite,
	                 "a running set",
	                 given_a_set,
	                 scene_stop,
	                 a_file_that_is_no_json_is_refused_with_its_line,
	                 a_port_without_a_number_is_refused_with_its_line,
	                 a_subsystem_that_is_not_there_cannot_be_linked,
	                 a_transport_that_is_not_served_is_refused,
	                 a_uuid_that_is_none_is_refused,
	                 a_namespace_that_is_there_twice_is_refused,
	                 a_file_that_is_not_there_is_said,
	                 restoring_the_same_disturbs_no_io,
	                 status_says_the_processes_for_scripts,
	                 status_says_the_hosts_for_people,
	                 show_says_what_is_exported,
	                 nvmetctl_says_so_when_nothing_runs,
	                 what_was_saved_can_be_restored,
	                 two_sets_live_side_by_side,
	                 a_second_set_in_the_same_place_is_refused,
	                 needs_no_root);
	describe_alone(suite,
	               "a set that changes",
	               given_a_set,
	               scene_stop,
	               what_was_cleared_is_not_served,
	               a_subsystem_that_is_removed_loses_its_hosts,
	               exports_come_back_after_a_restart_of_everything);
	return harness_run(suite);
}
