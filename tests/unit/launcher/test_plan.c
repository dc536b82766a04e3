/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan says which processes there are, and how they are called. */
#include "services/launcher/plan.h"

#include <errno.h>
#include <string.h>

#include "tests/support/spec.h"

static struct plan plan;
static struct launcher_options options;
static struct service service;

static void given_options(void)
{
	memset(&plan, 0, sizeof(plan));
	options = (struct launcher_options){.n_io = 2, .config = "exports.json"};
	service = SERVICE_NULL;
	service.run_dir = "/run/x";
	service.state_dir = "/var/x";
	service.threads = 2;
	service.spin_us = 7;
}

static void make(void)
{
	ck_assert_int_eq(plan_make(&plan, &options, &service, "/bin/dir"), 0);
}

/* The value of an option of the n-th command, or "" without. */
static const char *option_of(unsigned n, const char *option)
{
	const struct command *command = &plan.commands[n];

	for (unsigned i = 0; i + 1 < command->argc; i++)
		if (strcmp(command->argv[i], option) == 0)
			return command->argv[i + 1];
	return "";
}

START_TEST(begins_with_the_state_service)
{
	make();
	ck_assert_str_eq(plan.commands[0].name, "state");
	ck_assert_str_eq(plan.commands[0].argv[0], "/bin/dir/nvmetd-state");
	ck_assert_str_eq(option_of(0, "--name"), "state");
}
END_TEST

START_TEST(has_as_many_workers_as_asked_for)
{
	make();
	ck_assert_uint_eq(plan.n, 4);
	ck_assert_str_eq(plan.commands[1].argv[0], "/bin/dir/nvmetd-io");
	ck_assert_str_eq(option_of(1, "--name"), "io-0");
	ck_assert_str_eq(option_of(2, "--name"), "io-1");
}
END_TEST

START_TEST(ends_with_the_transport)
{
	make();
	ck_assert_str_eq(plan.commands[3].argv[0], "/bin/dir/nvmetd-tcp");
	ck_assert_str_eq(option_of(3, "--name"), "tcp");
}
END_TEST

START_TEST(has_no_rdma_where_it_cannot_be)
{
	make();
	ck_assert_uint_eq(plan.n, 4);
}
END_TEST

START_TEST(has_rdma_where_it_can_be)
{
	options.can_rdma = true;
	make();
	ck_assert_uint_eq(plan.n, 5);
	ck_assert_str_eq(plan.commands[4].argv[0], "/bin/dir/nvmetd-rdma");
	ck_assert_str_eq(option_of(4, "--name"), "rdma");
	ck_assert(plan.commands[4].is_optional);
	ck_assert(!plan.commands[3].is_optional);
}
END_TEST

START_TEST(has_no_rdma_where_it_is_not_wanted)
{
	options.can_rdma = true;
	options.rdma = PLAN_NO;
	make();
	ck_assert_uint_eq(plan.n, 4);
}
END_TEST

START_TEST(has_rdma_where_it_is_wanted)
{
	options.rdma = PLAN_YES;
	make();
	ck_assert_uint_eq(plan.n, 5);
	ck_assert(!plan.commands[4].is_optional);
}
END_TEST

START_TEST(has_an_announcer_at_the_end_where_there_is_the_program)
{
	options.can_announce = true;
	options.can_rdma = true;
	make();
	ck_assert_uint_eq(plan.n, 6);
	ck_assert_str_eq(plan.commands[5].argv[0], "/bin/dir/nvmetd-announce");
	ck_assert_str_eq(option_of(5, "--name"), "announce");
	ck_assert_str_eq(option_of(5, "--threads"), "");
	ck_assert(plan.commands[5].is_optional);
}
END_TEST

START_TEST(has_no_announcer_where_it_is_not_wanted)
{
	options.can_announce = true;
	options.announce = PLAN_NO;
	make();
	ck_assert_uint_eq(plan.n, 4);
}
END_TEST

START_TEST(has_an_announcer_where_it_is_wanted)
{
	options.announce = PLAN_YES;
	make();
	ck_assert_uint_eq(plan.n, 5);
	ck_assert(!plan.commands[4].is_optional);
}
END_TEST

START_TEST(tells_rdma_what_concerns_it)
{
	options.rdma = PLAN_YES;
	options.srq = "off";
	options.trace = "100";
	options.congestion = "cubic";
	make();
	ck_assert_str_eq(option_of(4, "--threads"), "2");
	ck_assert_str_eq(option_of(4, "--trace"), "100");
	ck_assert_str_eq(option_of(4, "--srq"), "off");
	ck_assert_str_eq(option_of(4, "--congestion"), "");
	ck_assert_str_eq(option_of(3, "--srq"), "");
}
END_TEST

START_TEST(tells_all_the_same_directories)
{
	make();
	for (unsigned i = 0; i < plan.n; i++) {
		ck_assert_str_eq(option_of(i, "--run-dir"), "/run/x");
		ck_assert_str_eq(option_of(i, "--state-dir"), "/var/x");
		ck_assert_str_eq(option_of(i, "--spin-us"), "7");
	}
}
END_TEST

START_TEST(tells_the_data_path_its_threads)
{
	make();
	ck_assert_str_eq(option_of(0, "--threads"), "");
	ck_assert_str_eq(option_of(1, "--threads"), "2");
	ck_assert_str_eq(option_of(3, "--threads"), "2");
}
END_TEST

START_TEST(tells_all_the_same_processors)
{
	service.cpu_list = "1-2";
	make();
	for (unsigned i = 0; i < plan.n; i++)
		ck_assert_str_eq(option_of(i, "--cpus"), "1-2");
}
END_TEST

START_TEST(gives_the_configuration_to_the_state_service_alone)
{
	make();
	ck_assert_str_eq(option_of(0, "--config"), "exports.json");
	ck_assert_str_eq(option_of(1, "--config"), "");
	ck_assert_str_eq(option_of(3, "--config"), "");
}
END_TEST

START_TEST(has_the_transport_alone_trace)
{
	options.trace = "100";
	make();
	ck_assert_str_eq(option_of(0, "--trace"), "");
	ck_assert_str_eq(option_of(1, "--trace"), "");
	ck_assert_str_eq(option_of(3, "--trace"), "100");
}
END_TEST

START_TEST(has_the_transport_alone_congestion_control)
{
	options.congestion = "cubic";
	make();
	ck_assert_str_eq(option_of(1, "--congestion"), "");
	ck_assert_str_eq(option_of(3, "--congestion"), "cubic");
}
END_TEST

START_TEST(leaves_out_what_was_not_given)
{
	options.config = NULL;
	make();
	ck_assert_str_eq(option_of(3, "--trace"), "");
	ck_assert_str_eq(option_of(0, "--config"), "");
	ck_assert_str_eq(option_of(0, "--log-level"), "");
	ck_assert_str_eq(option_of(1, "--cpus"), "");
}
END_TEST

START_TEST(has_room_for_all_that_may_be_asked_for)
{
	options.n_io = PLAN_IO_MAX;
	options.trace = "100";
	options.congestion = "cubic";
	options.rdma = PLAN_YES;
	options.announce = PLAN_YES;
	options.srq = "on";
	service.log_level = "debug";
	service.cpu_list = "0";
	make();
	ck_assert_uint_eq(plan.n, PLAN_COMMANDS_MAX);
	ck_assert_ptr_null(plan.commands[PLAN_IO_MAX].argv[plan.commands[PLAN_IO_MAX].argc]);
}
END_TEST

START_TEST(refuses_a_path_that_is_too_long)
{
	static char bin_dir[PATH_MAX + 1];

	memset(bin_dir, 'a', PATH_MAX);
	ck_assert_int_eq(plan_make(&plan, &options, &service, bin_dir), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");

	describe(suite,
	         "a plan",
	         given_options,
	         NULL,
	         begins_with_the_state_service,
	         has_as_many_workers_as_asked_for,
	         ends_with_the_transport,
	         has_no_rdma_where_it_cannot_be,
	         has_rdma_where_it_can_be,
	         has_no_rdma_where_it_is_not_wanted,
	         has_rdma_where_it_is_wanted,
	         has_an_announcer_at_the_end_where_there_is_the_program,
	         has_no_announcer_where_it_is_not_wanted,
	         has_an_announcer_where_it_is_wanted,
	         tells_rdma_what_concerns_it,
	         tells_all_the_same_directories,
	         tells_the_data_path_its_threads,
	         tells_all_the_same_processors,
	         gives_the_configuration_to_the_state_service_alone,
	         has_the_transport_alone_trace,
	         has_the_transport_alone_congestion_control,
	         leaves_out_what_was_not_given,
	         has_room_for_all_that_may_be_asked_for,
	         refuses_a_path_that_is_too_long);
	return run(suite);
}
