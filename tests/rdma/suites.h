/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/rdma/scene.h"
#include "tests/support/spec.h"

/*
 * suites - the tests of an NVMe/RDMA target, a suite for each noun.
 *
 * Shape     Each function makes a suite. Tests that nvmet-rdma does not pass, because it does
 *           otherwise or worse, stand in a situation that is left out with target.is_kernel.
 * Promise   Every expectation that is the specification's names it.
 * Trust     none
 * Threads   one
 * Lifetime  the runner frees them
 */
Suite *requests_suite(void);
Suite *connects_suite(void);
Suite *data_suite(void);
Suite *lists_suite(void);
Suite *keys_suite(void);
Suite *queues_suite(void);
Suite *admin_suite(void);
Suite *ends_suite(void);
Suite *noise_suite(void);
Suite *halves_suite(void);
Suite *silence_suite(void);

/* What the host's process does that dies in one of the tests. */
Suite *dying_suite(void);

/* A situation whose tests take up to `seconds`. */
#define describe_slow(suite, situation, seconds, given, forget, ...)                               \
	describe_slowly((suite),                                                                   \
	                (situation),                                                               \
	                (seconds),                                                                 \
	                (given),                                                                   \
	                (forget),                                                                  \
	                (const TTest *const[]){__VA_ARGS__, NULL})

static inline void describe_slowly(Suite *suite, const char *situation, double seconds, SFun given,
                                   SFun forget, const TTest *const *tests)
{
	TCase *tcase = tcase_create(situation);

	tcase_set_timeout(tcase, seconds);
	tcase_add_checked_fixture(tcase, given, forget);
	for (; *tests; tests++)
		tcase_add_test(tcase, *tests);
	suite_add_tcase(suite, tcase);
}
