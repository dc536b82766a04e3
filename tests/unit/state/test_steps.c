/* SPDX-License-Identifier: BSD-2-Clause */
/* The state service is killed at each step of what it does; the next one finds a whole. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "services/state/apply.h"
#include "services/state/startup.h"
#include "tests/support/steps.h"
#include "tests/unit/state/edits.h"
#include "tests/unit/state/stage.h"

#define STEPS_MAX 400u /* more than there are */
#define DONE      0

static char *first, *second, *other; /* what is there; what is to be; the text of that */

/* ------------------------------------------------------------------ one that is killed */

static volatile bool *acknowledged; /* in memory of both processes */

static void start_over(void)
{
	state_deinit(&stage.state);
	state_init(&stage.state, stage.loop, stage.directory, 3);
	if (startup(&stage.state, stage.directory, NULL) != 0)
		_exit(1);
}

static void await_go(int go)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(3);
}

static void restore_other(int ready, int go)
{
	struct report report = {.file = "f"};
	uint64_t revision;

	start_over();
	(void)!write(ready, "", 1);
	await_go(go);
	if (apply_text(&stage.state, other, &report, &revision) != 0)
		_exit(2);
	*acknowledged = true;
	_exit(DONE);
}

/* Several operations, of which each alone would be refused or seen. */
static const char edit_lines[] = "create /ports/9\n"
				 "create /ports/9/subsystems/" STAGE_SUBSYSTEM "\n"
				 "set /ports/9 addr trtype=tcp traddr=::1 trsvcid=4420\n"
				 "delete /subsystems/" STAGE_SUBSYSTEM "/namespaces/2\n"
				 "set /subsystems/" STAGE_SUBSYSTEM " attr serial=EDITED\n";

static int edit_it(void)
{
	struct report report = {0};
	struct edit_result result;
	Nvmetd__CtlEdit *edit = edits_new(edit_lines);
	int r;

	r = edit_apply(&stage.state, edit, &report, &result);
	edit_result_deinit(&result);
	edits_free(edit);
	return r;
}

static void edit_objects(int ready, int go)
{
	start_over();
	(void)!write(ready, "", 1);
	await_go(go);
	if (edit_it() != 0)
		_exit(2);
	*acknowledged = true;
	_exit(DONE);
}

static void clear(int ready, int go)
{
	uint64_t revision;

	start_over();
	(void)!write(ready, "", 1);
	await_go(go);
	if (apply_clear(&stage.state, &revision) != 0)
		_exit(2);
	*acknowledged = true;
	_exit(DONE);
}

static void only_start(int ready, int go)
{
	(void)!write(ready, "", 1);
	await_go(go);
	start_over();
	_exit(DONE);
}

/* Lets it act, and kills it at that step; false: it has not come to so many. */
static bool die_at(unsigned step, void (*act)(int ready, int go), char *ret_where, size_t size)
{
	int ready[2], go[2], status;
	struct steps *steps;
	const char *why = "";
	bool has_died;
	pid_t child;
	char byte;

	*acknowledged = false;
	stage.state.database = database_free(stage.state.database);
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		act(ready[1], go[0]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	steps = steps_begin(child, step, &why);
	if (!steps)
		ck_abort_msg("a child cannot be traced: %s", why);
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	has_died = steps_has_killed(steps);
	snprintf(ret_where, size, "step %u, %s", step, steps_last(steps));
	steps_end(steps);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
	ck_assert_msg(has_died || (WIFEXITED(status) && WEXITSTATUS(status) == DONE),
	              "%s: wait status %x",
	              ret_where,
	              status);
	return has_died;
}

/* ------------------------------------------------------------------ a change */

static void given_two_configurations(void)
{
	stage_open();
	other = stage_edit(stage_config, "null:8M", "null:16M");
	first = config_text(&stage.state.target.config);
	stage_restore(other);
	second = config_text(&stage.state.target.config);
	stage_restore(stage_config);
	acknowledged = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((void *)acknowledged, MAP_FAILED);
}

static void forget(void)
{
	free(first);
	free(second);
	free(other);
	stage_close();
}

static void expect_one_of(const char *before, const char *after, const char *where)
{
	char *found = config_text(&stage.state.target.config);
	bool is_after = strcmp(found, after) == 0;

	ck_assert_msg(is_after || strcmp(found, before) == 0, "%s: neither: %s", where, found);
	ck_assert_msg(is_after || !*acknowledged, "%s: what was acknowledged is lost", where);
	ck_assert_str_eq(database_health(stage.state.database).notice, "");
	free(found);
}

/* Not each step of all that differ little; NVMETD_TEST_STEPS=all: each. */
static unsigned stride(unsigned normal)
{
	const char *wanted = getenv("NVMETD_TEST_STEPS");

	return wanted && strcmp(wanted, "all") == 0 ? 1 : normal;
}

static void survive(void (*act)(int ready, int go), const char *after, unsigned by)
{
	unsigned step = 1;
	char where[400];

	for (; die_at(step, act, where, sizeof(where)); step += by) {
		ck_assert_uint_lt(step, STEPS_MAX);
		stage_reopen();
		expect_one_of(first, after, where);
		stage_restore(stage_config); /* a change works */
	}
	ck_assert_uint_gt(step, 10);
	stage_reopen();
	expect_one_of(after, after, where);
}

START_TEST(finds_the_old_or_the_new_one)
{
	survive(restore_other, second, 1);
}
END_TEST

START_TEST(finds_an_edit_whole_or_not_at_all)
{
	char *edited;

	ck_assert_int_eq(edit_it(), 0);
	edited = config_text(&stage.state.target.config);
	stage_restore(stage_config);
	survive(edit_objects, edited, stride(4));
	free(edited);
}
END_TEST

START_TEST(finds_the_old_one_or_none)
{
	char *nothing;
	uint64_t revision;

	ck_assert_int_eq(apply_clear(&stage.state, &revision), 0);
	nothing = config_text(&stage.state.target.config);
	stage_restore(stage_config);
	survive(clear, nothing, stride(4));
	free(nothing);
}
END_TEST

/* ------------------------------------------------------------------ taking the copy */

/* The second page, and all after it. */
static void scribble(void)
{
	static const char noise[32768] = "noise";
	char path[128];
	int fd;

	stage.state.database = database_free(stage.state.database);
	snprintf(path, sizeof(path), "%s/state.db", stage.directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, noise, sizeof(noise), 4096), sizeof(noise));
	close(fd);
}

static void expect_copy(const char *where)
{
	char *found = config_text(&stage.state.target.config);

	ck_assert_msg(strcmp(found, first) == 0, "%s: not what was acknowledged: %s", where, found);
	ck_assert_msg(database_health(stage.state.database).notice[0], "%s: silently", where);
	free(found);
}

START_TEST(finds_what_the_copy_has)
{
	unsigned step = 1;
	char where[400];

	for (scribble(); die_at(step, only_start, where, sizeof(where)); scribble()) {
		ck_assert_uint_lt(step, STEPS_MAX);
		stage_reopen();
		expect_copy(where);
		ck_assert_int_eq(database_acknowledge(stage.state.database), 0);
		step += stride(3);
	}
	ck_assert_uint_gt(step, 10);
	stage_reopen();
	expect_copy(where);
}
END_TEST

static TCase *situation(Suite *suite, const char *words)
{
	TCase *tcase = tcase_create(words);

	tcase_set_timeout(tcase, 100); /* there are many steps */
	tcase_add_checked_fixture(tcase, given_two_configurations, forget);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("a death at any step");
	TCase *change = situation(suite, "a death at any step of a change");
	TCase *start = situation(suite, "a death at any step of a start with a damaged database");

	tcase_add_test(change, finds_the_old_or_the_new_one);
	tcase_add_test(change, finds_an_edit_whole_or_not_at_all);
	tcase_add_test(change, finds_the_old_one_or_none);
	tcase_add_test(start, finds_what_the_copy_has);
	return run(suite);
}
