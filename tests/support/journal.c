/* SPDX-License-Identifier: BSD-2-Clause */
/* The logs of sets: kept beside the build until the program ends, shown when a test failed. */
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/harness.h"
#include "tests/support/spec.h"

#define SHOW_BYTES   20000L
#define TEST_SECONDS 60

static char journal[64]; /* a directory with the logs of the sets that are over */

void harness_keep_log(const struct harness *harness);

void harness_keep_log(const struct harness *harness)
{
	char to[256];

	if (!journal[0])
		return;
	snprintf(to, sizeof(to), "%s/%s", journal, strrchr(harness->directory, '/') + 1);
	(void)rename(harness_path(harness, "log"), to);
}

unsigned harness_log_count(const struct harness *harness, const char *text)
{
	FILE *file = fopen(harness_path(harness, "log"), "re");
	unsigned count = 0;
	char line[2048];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, text) != NULL;
	fclose(file);
	return count;
}

void harness_await_log(const struct harness *harness, const char *text, unsigned times)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 10000000};

	while (harness_log_count(harness, text) < times) {
		if (clock_now_ns() >= deadline_ns)
			ck_abort_msg("the log does not have \"%s\" %u times", text, times);
		nanosleep(&pause, NULL);
	}
}

static void show(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[2048];

	if (!file)
		return;
	fprintf(stderr, "# log %s\n", strrchr(path, '/') + 1);
	fseek(file, 0, SEEK_END);
	if (fseek(file,
	          ftell(file) > SHOW_BYTES ? -SHOW_BYTES : 0,
	          ftell(file) > SHOW_BYTES ? SEEK_END : SEEK_SET) == 0)
		while (fgets(line, sizeof(line), file))
			fprintf(stderr, "#   %s", line);
	fclose(file);
}

/* Shows and removes the logs. */
static void close_journal(bool has_failed)
{
	DIR *logs = opendir(journal);
	const struct dirent *entry;
	char path[400];

	while (logs && (entry = readdir(logs))) {
		snprintf(path, sizeof(path), "%s/%s", journal, entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		if (has_failed)
			show(path);
		unlink(path);
	}
	if (logs)
		closedir(logs);
	rmdir(journal);
}

static TCase *describe_all(Suite *suite, const char *situation, const TTest *const *tests)
{
	TCase *tcase = tcase_create(situation);

	tcase_set_timeout(tcase, TEST_SECONDS);
	for (; *tests; tests++)
		tcase_add_test(tcase, *tests);
	suite_add_tcase(suite, tcase);
	return tcase;
}

void harness_describe(Suite *suite, const char *situation, SFun given, SFun forget,
                      const TTest *const *tests)
{
	tcase_add_unchecked_fixture(describe_all(suite, situation, tests), given, forget);
}

void harness_describe_alone(Suite *suite, const char *situation, SFun given, SFun forget,
                            const TTest *const *tests)
{
	tcase_add_checked_fixture(describe_all(suite, situation, tests), given, forget);
}

/* Check says nothing in TAP of a fixture that failed. */
static void say_failures(SRunner *runner)
{
	TestResult **failures = srunner_failures(runner);
	int n = srunner_ntests_failed(runner);

	for (int i = 0; i < n; i++)
		if (tr_ctx(failures[i]) != CK_CTX_TEST)
			printf("not ok - %s: given: %s\n",
			       tr_tcname(failures[i]),
			       tr_msg(failures[i]));
	free(failures);
	fflush(stdout);
}

int harness_run(Suite *suite)
{
	SRunner *runner;
	bool has_failed;

	snprintf(journal, sizeof(journal), "/tmp/nvmetd-journal-XXXXXX");
	if (!mkdtemp(journal)) {
		perror("cannot make a directory for logs");
		return EXIT_FAILURE;
	}
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	has_failed = srunner_ntests_failed(runner) > 0;
	say_failures(runner);
	srunner_free(runner);
	close_journal(has_failed);
	return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void harness_skip(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	exit(77);
}

void harness_host_must(int r, const char *call, const char *error)
{
	if (r)
		ck_abort_msg("%s gave %d: %s", call, r, error);
}
