/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <check.h>
#include <stdlib.h>

/*
 * spec - tests that read as sentences, over Check.
 *
 * Shape     A suite is a noun, a test case a situation (its fixture), a test what then holds:
 *           describe(suite, "a full ring", given, forget, refuses_one_more_message, …).
 * Promise   run() prints TAP on stdout and returns the exit code.
 * Trust     none
 * Threads   one
 * Lifetime  the program
 */
#define describe(suite, situation, given, forget, ...)                                             \
	describe_tests((suite),                                                                    \
	               (situation),                                                                \
	               (given),                                                                    \
	               (forget),                                                                   \
	               (const TTest *const[]){__VA_ARGS__, NULL})

static inline void describe_tests(Suite *suite, const char *situation, SFun given, SFun forget,
                                  const TTest *const *tests)
{
	TCase *tcase = tcase_create(situation);

	tcase_set_timeout(tcase, 20);
	if (given || forget)
		tcase_add_checked_fixture(tcase, given, forget);
	for (; *tests; tests++)
		tcase_add_test(tcase, *tests);
	suite_add_tcase(suite, tcase);
}

static inline int run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
