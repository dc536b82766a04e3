/* SPDX-License-Identifier: BSD-2-Clause */
/* The database is damaged in one way or another: what holds goes on, and it is said. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "services/state/apply.h"
#include "services/state/cntlid.h"
#include "services/state/startup.h"
#include "tests/unit/state/stage.h"

static char *configured; /* what holds */

static void given_a_configuration(void)
{
	stage_open();
	configured = config_text(&stage.state.target.config);
}

static void forget(void)
{
	free(configured);
	stage_close();
}

static const char *file(const char *suffix)
{
	static char paths[4][128];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/state.db%s", stage.directory, suffix);
	return paths[turn];
}

/* ------------------------------------------------------------------ damage */

/* What holds is in the database's own file, or still in its log. */
static void close_database(void)
{
	stage.state.database = database_free(stage.state.database);
}

static void scribble(const char *suffix, off_t from, size_t bytes)
{
	int fd = open(file(suffix), O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < bytes; i++)
		ck_assert_int_eq(pwrite(fd, "x", 1, from + (off_t)i), 1);
	close(fd);
}

/* One bit of the text where it stands in the file; false: it is not there. */
static bool flip_bit(const char *suffix, const char *text)
{
	int fd = open(file(suffix), O_RDWR | O_CLOEXEC);
	static char bytes[1 << 20];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
	const char *at = n > 0 ? memmem(bytes, (size_t)n, text, strlen(text)) : NULL;
	char flipped;

	ck_assert_int_ge(fd, 0);
	if (at) {
		flipped = (char)(*at ^ 1);
		ck_assert_int_eq(pwrite(fd, &flipped, 1, at - bytes), 1);
	}
	close(fd);
	return at;
}

static void change_with_sql(const char *suffix, const char *sql)
{
	sqlite3 *sqlite;

	ck_assert_int_eq(sqlite3_open(file(suffix), &sqlite), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sqlite);
}

/* ------------------------------------------------------------------ what then holds */

static int start_again(void)
{
	state_deinit(&stage.state);
	state_init(&stage.state, stage.loop, stage.directory, 2);
	return startup(&stage.state, stage.directory, NULL);
}

static unsigned count_files(const char *prefix)
{
	DIR *directory = opendir(stage.directory);
	const struct dirent *entry;
	unsigned count = 0;

	while ((entry = readdir(directory)))
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(directory);
	return count;
}

static struct database_health health(void)
{
	return database_health(stage.state.database);
}

static void expect_configuration(void)
{
	char *found = config_text(&stage.state.target.config);

	ck_assert_str_eq(found, configured);
	free(found);
}

/* It holds, from the copy, and this is said. */
static void expect_replaced(void)
{
	ck_assert_int_eq(start_again(), 0);
	expect_configuration();
	ck_assert_ptr_nonnull(strstr(health().notice, "was replaced by its copy"));
}

/* The damaged one is kept. */
static void expect_copy(void)
{
	expect_replaced();
	ck_assert_ptr_nonnull(strstr(health().notice, "is kept as"));
	ck_assert_uint_ge(count_files("state.db.damaged-"), 1);
}

/* There was nothing to keep, and nothing else is said. */
static void expect_copy_alone(void)
{
	expect_replaced();
	ck_assert_ptr_null(strstr(health().notice, "kept as"));
	ck_assert_uint_eq(count_files("state.db.damaged-"), 0);
}

static void expect_nothing_said(void)
{
	ck_assert_int_eq(start_again(), 0);
	expect_configuration();
	ck_assert_str_eq(health().notice, "");
	ck_assert_uint_eq(count_files("state.db.damaged-"), 0);
}

/* ------------------------------------------------------------------ at a start */

START_TEST(whose_pages_are_damaged_is_replaced)
{
	close_database();
	scribble("", 4096, 20000);
	expect_copy();
}
END_TEST

START_TEST(whose_header_is_damaged_is_replaced)
{
	close_database();
	scribble("", 0, 100);
	expect_copy();
}
END_TEST

START_TEST(that_was_cut_is_replaced)
{
	close_database();
	ck_assert_int_eq(truncate(file(""), 8192), 0);
	expect_copy();
}
END_TEST

START_TEST(that_is_empty_is_replaced)
{
	close_database();
	ck_assert_int_eq(truncate(file(""), 0), 0);
	expect_copy_alone();
}
END_TEST

START_TEST(that_is_gone_is_replaced)
{
	close_database();
	unlink(file(""));
	expect_copy_alone();
}
END_TEST

/* SQLite takes any text for good. */
START_TEST(with_one_bit_of_a_name_wrong_is_replaced)
{
	close_database();
	ck_assert(flip_bit("", "a model"));
	expect_copy();
}
END_TEST

START_TEST(with_a_number_changed_by_another_is_replaced)
{
	close_database();
	change_with_sql("", "UPDATE subsystem SET cntlid_kept=1");
	expect_copy();
}
END_TEST

START_TEST(of_another_program_is_replaced)
{
	close_database();
	change_with_sql("", "PRAGMA application_id=77");
	expect_copy();
}
END_TEST

/* As a death leaves it: with what is in the log not in the database's own file yet. */
static void die(void)
{
	char command[500];

	snprintf(command,
	         sizeof(command),
	         "cp %s %s && cp %s %s",
	         file(""),
	         file(".kept"),
	         file("-wal"),
	         file(".kept-wal"));
	ck_assert_int_eq(system(command), 0);
	close_database();
	ck_assert_int_eq(rename(file(".kept"), file("")), 0);
	ck_assert_int_eq(rename(file(".kept-wal"), file("-wal")), 0);
}

/* A log that is damaged looks as if it had ended there: what came later is lost in silence. */
START_TEST(whose_log_is_damaged_is_replaced)
{
	die();
	scribble("-wal", 100, 50);
	expect_copy();
}
END_TEST

/* Which must not be taken for the log of what replaces it. */
START_TEST(that_is_damaged_below_a_good_log_is_replaced)
{
	stage_reopen();
	stage_restore("{\"subsystems\": [{\"nqn\": \"nqn.later\"}]}");
	free(configured);
	configured = config_text(&stage.state.target.config);
	die();
	scribble("", 4096, 40000);
	expect_copy();
	ck_assert_int_eq(start_again(), 0);
	expect_configuration();
}
END_TEST

/* One of before the last change, put there by hand. */
START_TEST(that_is_older_than_its_copy_is_replaced)
{
	char command[300];

	close_database();
	snprintf(command, sizeof(command), "cp %s %s", file(""), file(".older"));
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(start_again(), 0);
	stage_restore("{\"subsystems\": [{\"nqn\": \"nqn.later\"}]}");
	free(configured);
	configured = config_text(&stage.state.target.config);
	close_database();
	ck_assert_int_eq(rename(file(".older"), file("")), 0);
	expect_copy();
}
END_TEST

START_TEST(that_is_good_is_not_replaced)
{
	expect_nothing_said();
	expect_nothing_said();
}
END_TEST

START_TEST(that_is_good_is_not_replaced_by_a_copy_that_is_damaged)
{
	close_database();
	scribble(".copy", 4096, 20000);
	expect_nothing_said();
}
END_TEST

START_TEST(that_is_damaged_as_its_copy_is_refused)
{
	close_database();
	scribble("", 4096, 20000);
	scribble(".copy", 4096, 20000);
	ck_assert_int_eq(start_again(), -EUCLEAN);
	ck_assert_uint_eq(count_files("state.db.damaged-"), 0);
}
END_TEST

START_TEST(that_is_damaged_without_a_copy_is_refused)
{
	close_database();
	scribble("", 4096, 20000);
	unlink(file(".copy"));
	ck_assert_int_eq(start_again(), -EUCLEAN);
}
END_TEST

START_TEST(of_a_later_release_is_left_alone)
{
	close_database();
	change_with_sql("", "PRAGMA user_version=3");
	ck_assert_int_lt(start_again(), 0);
	ck_assert_uint_eq(count_files("state.db.damaged-"), 0);
	change_with_sql("", "PRAGMA user_version=2");
	expect_nothing_said();
}
END_TEST

START_TEST(of_the_first_release_is_taken)
{
	close_database();
	change_with_sql(
		"",
		"ALTER TABLE meta DROP COLUMN sum; ALTER TABLE objects DROP COLUMN sum;"
		"ALTER TABLE subsystem DROP COLUMN sum; ALTER TABLE backing DROP COLUMN sum;"
		"ALTER TABLE identity DROP COLUMN sum; ALTER TABLE token DROP COLUMN sum;"
		"DELETE FROM meta WHERE key='config_revision';"
		"PRAGMA application_id=0; PRAGMA user_version=1");
	unlink(file(".copy"));
	expect_nothing_said();
	stage_restore("{}");
}
END_TEST

START_TEST(that_was_replaced_says_so_until_it_is_acknowledged)
{
	close_database();
	scribble("", 4096, 20000);
	expect_copy();
	ck_assert_int_eq(start_again(), 0);
	ck_assert_str_ne(health().notice, "");
	ck_assert_int_eq(database_acknowledge(stage.state.database), 0);
	ck_assert_int_eq(start_again(), 0);
	ck_assert_str_eq(health().notice, "");
}
END_TEST

START_TEST(that_was_replaced_gives_out_no_number_twice)
{
	struct subsystem *subsystem = target_find_subsystem_named(&stage.state.target,
	                                                          STAGE_PRIVATE);
	uint64_t revision = stage.state.target.revision_kept;
	uint16_t given, again;

	for (unsigned i = 0; i < 2 * CNTLID_STEP; i++)
		cntlid_allocate(subsystem,
		                1,
		                NVME_CNTLID_MAX,
		                &stage.state.sessions,
		                stage.state.database,
		                &given);
	close_database();
	scribble("", 4096, 20000);
	expect_copy();
	subsystem = target_find_subsystem_named(&stage.state.target, STAGE_PRIVATE);
	cntlid_allocate(
		subsystem, 1, NVME_CNTLID_MAX, &stage.state.sessions, stage.state.database, &again);
	ck_assert_uint_gt(again, given);
	ck_assert_uint_gt(state_next_revision(&stage.state), revision + STATE_REVISION_STEP);
}
END_TEST

/* ------------------------------------------------------------------ while it is in use */

static int change(void)
{
	struct report report = {.file = "f"};
	uint64_t revision;
	int r = apply_text(&stage.state, "{}", &report, &revision);

	report_deinit(&report);
	return r;
}

static void expect_refusal(void)
{
	uint16_t cntlid;

	ck_assert_int_eq(change(), -EUCLEAN);
	expect_configuration();
	ck_assert(health().damaged);
	ck_assert_ptr_nonnull(strstr(health().trouble, "is damaged"));
	/* A host may connect all the same, more often than the database has numbers for. */
	for (unsigned i = 0; i < 3 * CNTLID_STEP; i++)
		ck_assert_int_eq(cntlid_allocate(target_find_subsystem_named(&stage.state.target,
		                                                             STAGE_PRIVATE),
		                                 1,
		                                 NVME_CNTLID_MAX,
		                                 &stage.state.sessions,
		                                 stage.state.database,
		                                 &cntlid),
		                 0);
}

START_TEST(that_is_damaged_in_use_refuses_changes)
{
	stage_reopen(); /* nothing is left in its log */
	scribble("", 4096, 20000);
	expect_refusal();
	expect_copy();
	ck_assert_int_eq(change(), 0);
}
END_TEST

START_TEST(that_is_removed_in_use_refuses_changes)
{
	unlink(file(""));
	expect_refusal();
	ck_assert_ptr_nonnull(strstr(health().trouble, "take the copy"));
	ck_assert_int_eq(start_again(), 0);
	expect_configuration();
	ck_assert_int_eq(change(), 0);
}
END_TEST

/* A start would find nothing. */
START_TEST(that_is_removed_with_its_copy_is_to_be_saved)
{
	unlink(file(""));
	unlink(file(".copy"));
	expect_refusal();
	ck_assert_ptr_null(strstr(health().trouble, "take the copy"));
	ck_assert_ptr_nonnull(strstr(health().trouble, "nvmetctl save FILE"));
}
END_TEST

START_TEST(that_is_damaged_in_use_leaves_its_copy_alone)
{
	struct stat before, after;

	stage_reopen();
	ck_assert_int_eq(stat(file(".copy"), &before), 0);
	scribble("", 4096, 20000);
	expect_refusal();
	state_copy_soon(&stage.state);
	close_database();
	ck_assert_int_eq(stat(file(".copy"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	expect_copy();
}
END_TEST

/* ------------------------------------------------------------------ the copy */

START_TEST(has_each_change_before_it_is_acknowledged)
{
	stage_restore("{\"subsystems\": [{\"nqn\": \"nqn.later\"}]}");
	free(configured);
	configured = config_text(&stage.state.target.config);
	close_database();
	scribble("", 0, 100);
	expect_copy();
}
END_TEST

START_TEST(is_not_for_others_to_read)
{
	struct stat status;

	ck_assert_int_eq(stat(file(".copy"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
}
END_TEST

/* What cannot be brought up to date must not come into force by itself. */
START_TEST(that_cannot_be_written_is_put_away)
{
	ck_assert_int_eq(mkdir(file(".copy.new"), 0700), 0);
	ck_assert_int_eq(change(), 0);
	ck_assert_str_ne(health().copy_trouble, "");
	ck_assert_int_lt(access(file(".copy"), F_OK), 0);
	ck_assert_int_eq(access(file(".copy.old"), F_OK), 0);
	rmdir(file(".copy.new"));
	stage_restore(stage_config);
	ck_assert_str_eq(health().copy_trouble, "");
	ck_assert_int_eq(access(file(".copy"), F_OK), 0);
	ck_assert_int_lt(access(file(".copy.old"), F_OK), 0);
}
END_TEST

START_TEST(that_lacks_no_change_stays)
{
	stage_ready();
	ck_assert_int_eq(mkdir(file(".copy.new"), 0700), 0);
	database_copy(stage.state.database);
	ck_assert_str_ne(health().copy_trouble, "");
	ck_assert_int_eq(access(file(".copy"), F_OK), 0);
	rmdir(file(".copy.new"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a database");

	describe(suite,
	         "a database",
	         given_a_configuration,
	         forget,
	         whose_pages_are_damaged_is_replaced,
	         whose_header_is_damaged_is_replaced,
	         that_was_cut_is_replaced,
	         that_is_empty_is_replaced,
	         that_is_gone_is_replaced,
	         with_one_bit_of_a_name_wrong_is_replaced,
	         with_a_number_changed_by_another_is_replaced,
	         of_another_program_is_replaced,
	         whose_log_is_damaged_is_replaced,
	         that_is_damaged_below_a_good_log_is_replaced,
	         that_is_older_than_its_copy_is_replaced,
	         that_is_good_is_not_replaced,
	         that_is_good_is_not_replaced_by_a_copy_that_is_damaged,
	         that_is_damaged_as_its_copy_is_refused,
	         that_is_damaged_without_a_copy_is_refused,
	         of_a_later_release_is_left_alone,
	         of_the_first_release_is_taken,
	         that_was_replaced_says_so_until_it_is_acknowledged,
	         that_was_replaced_gives_out_no_number_twice,
	         that_is_damaged_in_use_refuses_changes,
	         that_is_removed_in_use_refuses_changes,
	         that_is_removed_with_its_copy_is_to_be_saved,
	         that_is_damaged_in_use_leaves_its_copy_alone);
	describe(suite,
	         "a copy",
	         given_a_configuration,
	         forget,
	         has_each_change_before_it_is_acknowledged,
	         is_not_for_others_to_read,
	         that_cannot_be_written_is_put_away,
	         that_lacks_no_change_stays);
	return run(suite);
}
