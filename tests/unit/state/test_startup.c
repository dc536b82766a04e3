/* SPDX-License-Identifier: BSD-2-Clause */
/* A start finds what was there before, and takes the file of --config when it should. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "services/state/apply.h"
#include "services/state/startup.h"
#include "tests/unit/state/stage.h"

static char file[128];

static void write_file(const char *text)
{
	FILE *stream;

	snprintf(file, sizeof(file), "%s/config.json", stage.directory);
	stream = fopen(file, "w");
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_ge(fputs(text, stream), 0);
	fclose(stream);
}

static void given_a_file(void)
{
	stage_open();
	write_file("{\"subsystems\": [{\"nqn\": \"nqn.of-the-file\"}]}");
}

static void forget(void)
{
	unlink(file);
	stage_close();
}

/* As the next start of the process does it. */
static int start_with_file(void)
{
	state_deinit(&stage.state);
	state_init(&stage.state, stage.loop, stage.directory, 2);
	return startup(&stage.state, stage.directory, file);
}

static size_t count(void)
{
	return stage.state.target.config.n_subsystems;
}

START_TEST(takes_the_file)
{
	ck_assert_int_eq(start_with_file(), 0);
	ck_assert_uint_eq(count(), 1);
	ck_assert_str_eq(stage.state.target.config.subsystems[0].nqn, "nqn.of-the-file");
}
END_TEST

START_TEST(does_not_undo_what_was_changed_since_when_it_is_started_again)
{
	ck_assert_int_eq(start_with_file(), 0);
	stage_restore(stage_config);
	ck_assert_int_eq(start_with_file(), 0);
	ck_assert_uint_eq(count(), 2);
}
END_TEST

START_TEST(takes_the_file_again_when_it_has_changed)
{
	ck_assert_int_eq(start_with_file(), 0);
	write_file("{\"subsystems\": [{\"nqn\": \"nqn.a\"}, {\"nqn\": \"nqn.b\"}, {\"nqn\": "
	           "\"nqn.c\"}]}");
	ck_assert_int_eq(start_with_file(), 0);
	ck_assert_uint_eq(count(), 3);
}
END_TEST

START_TEST(refuses_a_file_that_is_wrong)
{
	write_file("{\"subsystems\": 3}");
	ck_assert_int_eq(start_with_file(), STARTUP_E_CONFIG);
	ck_assert_uint_eq(count(), 2);
}
END_TEST

START_TEST(refuses_a_file_that_is_not_there)
{
	unlink(file);
	ck_assert_int_eq(start_with_file(), STARTUP_E_CONFIG);
}
END_TEST

START_TEST(refuses_to_share_its_database)
{
	struct database *other = NULL;
	char path[128];

	/* Locks are between processes, and another one waits five seconds for them. */
	snprintf(path, sizeof(path), "%s/state.db", stage.directory);
	if (fork() == 0)
		_exit(database_open(&other, path) < 0 ? 0 : 1);
	int status;
	ck_assert_int_gt(wait(&status), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* In a child: goes from one configuration to the other until it is killed. */
static void change_without_end(const char *other, int started)
{
	struct report report = {.file = "f"};
	uint64_t revision;

	state_deinit(&stage.state);
	state_init(&stage.state, stage.loop, stage.directory, 3);
	if (startup(&stage.state, stage.directory, NULL) != 0)
		_exit(1);
	if (write(started, "", 1) != 1)
		_exit(3);
	for (;;)
		if (apply_text(&stage.state, other, &report, &revision) != 0 ||
		    apply_text(&stage.state, stage_config, &report, &revision) != 0)
			_exit(2);
}

static void die_after(const char *other, useconds_t us)
{
	pid_t child;
	int status, started[2];
	char byte;

	ck_assert_int_eq(pipe(started), 0);
	stage.state.database = database_free(stage.state.database);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		change_without_end(other, started[1]);
	ck_assert_int_eq(read(started[0], &byte, 1), 1);
	usleep(us);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	close(started[0]);
	close(started[1]);
	stage_reopen();
}

START_TEST(finds_one_configuration_or_the_other_after_a_death)
{
	char *other = stage_edit(stage_config, "null:8M", "null:16M");
	char *first = config_text(&stage.state.target.config), *second, *found;

	stage_restore(other);
	second = config_text(&stage.state.target.config);
	for (useconds_t us = 0; us < 30000; us += 1711) {
		die_after(other, us);
		found = config_text(&stage.state.target.config);
		ck_assert(strcmp(found, first) == 0 || strcmp(found, second) == 0);
		free(found);
	}
	free(first);
	free(second);
	free(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a start");

	describe(suite,
	         "a start",
	         given_a_file,
	         forget,
	         takes_the_file,
	         does_not_undo_what_was_changed_since_when_it_is_started_again,
	         takes_the_file_again_when_it_has_changed,
	         refuses_a_file_that_is_wrong,
	         refuses_a_file_that_is_not_there,
	         refuses_to_share_its_database,
	         finds_one_configuration_or_the_other_after_a_death);
	return run(suite);
}
