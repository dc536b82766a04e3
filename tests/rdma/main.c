/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-test-rdma - tests an NVMe/RDMA target that runs, on the wire.
 *
 * Holds     queue pairs to it, one set for each test, in a process of its own
 * Hears     the target
 * On death  its queue pairs end; one of the tests dies on purpose
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tests/rdma/suites.h"

static const char usage[] =
	"usage: nvmetd-test-rdma [OPTION…] TRADDR\n"
	"Tests the NVMe/RDMA target that listens there. Prints TAP.\n"
	"  --trsvcid PORT   4420\n"
	"  --subnqn NQN     of a subsystem that any host may use, whose namespace 1 has blocks of\n"
	"                   512 bytes, 32 MiB at least, and is for us to write to\n"
	"  --begin-at BLOCK where our 32 MiB of it begin (0)\n"
	"  --iwarp          the device is one of iWARP\n"
	"  --kernel         the target is nvmet-rdma: without what only nvmetd promises\n"
	"CK_RUN_SUITE=NAME in the environment runs one suite: requests, connects, data, lists,\n"
	"keys, queues, admin, ends, noise, halves, silence; CK_RUN_CASE=SITUATION one situation\n"
	"of it.\n";

static bool dies;

static bool take_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"trsvcid",  required_argument, NULL, 'p'},
		{"subnqn",   required_argument, NULL, 'n'},
		{"begin-at", required_argument, NULL, 'b'},
		{"iwarp",    no_argument,       NULL, 'i'},
		{"kernel",   no_argument,       NULL, 'k'},
		{"dying",    no_argument,       NULL, 'd'},
		{NULL,       0,                 NULL, 0  },
	};
	int option;

	target = (struct target){
		.trsvcid = "4420", .subnqn = "nqn.2001-01.com.example:open", .begin_at = "0"};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			target.trsvcid = optarg;
			break;
		case 'n':
			target.subnqn = optarg;
			break;
		case 'b':
			target.begin_at = optarg;
			command_begin_at(strtoull(optarg, NULL, 0));
			break;
		case 'i':
			target.is_iwarp = true;
			break;
		case 'k':
			target.is_kernel = true;
			break;
		case 'd': /* of our own tests */
			dies = true;
			break;
		default:
			return false;
		}
	}
	target.traddr = argv[optind];
	return optind + 1 == argc;
}

static SRunner *dying_runner(void)
{
	SRunner *runner = srunner_create(dying_suite());

	unsetenv("CK_RUN_SUITE"); /* which are those of the test that it dies for */
	unsetenv("CK_RUN_CASE");
	srunner_set_fork_status(runner, CK_NOFORK);
	return runner;
}

static SRunner *whole_runner(void)
{
	SRunner *runner = srunner_create(requests_suite());

	srunner_add_suite(runner, connects_suite());
	srunner_add_suite(runner, data_suite());
	srunner_add_suite(runner, lists_suite());
	srunner_add_suite(runner, keys_suite());
	srunner_add_suite(runner, queues_suite());
	srunner_add_suite(runner, admin_suite());
	srunner_add_suite(runner, ends_suite());
	srunner_add_suite(runner, noise_suite());
	srunner_add_suite(runner, halves_suite());
	srunner_add_suite(runner, silence_suite());
	return runner;
}

int main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	if (!take_options(argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	runner = dies ? dying_runner() : whole_runner();
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
