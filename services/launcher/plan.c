/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/launcher/plan.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/error.h"

/* Its database may wait for a disk that is busy, and I/O goes on meanwhile. */
#define PATIENCE_WITH_STATE 3

static void add_argument(struct command *command, const char *argument)
{
	must(command->argc < COMMAND_ARGUMENTS);
	command->argv[command->argc++] = argument;
	command->argv[command->argc] = NULL;
}

static void add_option(struct command *command, const char *option, const char *value)
{
	if (!value)
		return;
	add_argument(command, option);
	add_argument(command, value);
}

/* A command with what all programs take; NULL if the path does not fit. */
static struct command *add_command(struct plan *plan, const struct service *service,
                                   const char *bin_dir, const char *program, const char *name)
{
	struct command *command = &plan->commands[plan->n];
	int length;

	must(plan->n < PLAN_COMMANDS_MAX);
	length = snprintf(command->program, sizeof(command->program), "%s/%s", bin_dir, program);
	if (length < 0 || (size_t)length >= sizeof(command->program))
		return NULL;
	plan->n++;
	command->patience = 1;
	command->is_optional = false;
	snprintf(command->name, sizeof(command->name), "%s", name);
	add_argument(command, command->program);
	add_option(command, "--name", command->name);
	add_option(command, "--run-dir", service->run_dir);
	add_option(command, "--state-dir", service->state_dir);
	add_option(command, "--spin-us", plan->spin_us);
	add_option(command, "--cpus", service->cpu_list);
	add_option(command, "--log-level", service->log_level);
	return command;
}

static int add_tcp(struct plan *plan, const struct launcher_options *options,
                   const struct service *service, const char *bin_dir)
{
	struct command *command = add_command(plan, service, bin_dir, "nvmetd-tcp", "tcp");

	if (!command)
		return error_origin(-ENAMETOOLONG);
	add_option(command, "--threads", plan->threads);
	add_option(command, "--trace", options->trace);
	add_option(command, "--congestion", options->congestion);
	return 0;
}

static int add_rdma(struct plan *plan, const struct launcher_options *options,
                    const struct service *service, const char *bin_dir)
{
	struct command *command;

	if (options->rdma == PLAN_NO || (options->rdma == PLAN_AUTO && !options->can_rdma))
		return 0;
	command = add_command(plan, service, bin_dir, "nvmetd-rdma", "rdma");
	if (!command)
		return error_origin(-ENAMETOOLONG);
	command->is_optional = options->rdma == PLAN_AUTO;
	add_option(command, "--threads", plan->threads);
	add_option(command, "--trace", options->trace);
	add_option(command, "--srq", options->srq);
	return 0;
}

static int add_announce(struct plan *plan, const struct launcher_options *options,
                        const struct service *service, const char *bin_dir)
{
	struct command *command;

	if (options->announce == PLAN_NO ||
	    (options->announce == PLAN_AUTO && !options->can_announce))
		return 0;
	command = add_command(plan, service, bin_dir, "nvmetd-announce", "announce");
	if (!command)
		return error_origin(-ENAMETOOLONG);
	command->is_optional = options->announce == PLAN_AUTO;
	return 0;
}

int plan_make(struct plan *plan, const struct launcher_options *options,
              const struct service *service, const char *bin_dir)
{
	struct command *command;
	char name[32];
	int r;

	plan->n = 0;
	snprintf(plan->threads, sizeof(plan->threads), "%u", service->threads);
	snprintf(plan->spin_us, sizeof(plan->spin_us), "%u", service->spin_us);
	command = add_command(plan, service, bin_dir, "nvmetd-state", "state");
	if (!command)
		return error_origin(-ENAMETOOLONG);
	command->patience = PATIENCE_WITH_STATE;
	add_option(command, "--config", options->config);
	for (unsigned i = 0; i < options->n_io; i++) {
		snprintf(name, sizeof(name), "io-%u", i);
		command = add_command(plan, service, bin_dir, "nvmetd-io", name);
		if (!command)
			return error_origin(-ENAMETOOLONG);
		add_option(command, "--threads", plan->threads);
		add_option(command, "--device-timeout", options->device_timeout);
	}
	r = add_tcp(plan, options, service, bin_dir);
	if (!r)
		r = add_rdma(plan, options, service, bin_dir);
	if (!r)
		r = add_announce(plan, options, service, bin_dir);
	return r ? error_trace(r) : 0;
}
