/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetctl - the operator's command: asks nvmetd-state, and prints what it says.
 *
 * Holds     nothing
 * Hears     the state service, over RUN_DIR/ctl/ctl.sock
 * On death  nothing is lost: a change is made whole by the state service, or not at all
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "services/ctl/commands.h"
#include "services/ctl/ctl.h"
#include "services/ctl/session.h"
#include "services/ctl/shell.h"

static void print_summary(const char *name, const char *arguments, const char *summary)
{
	printf("  %-13s %-34s %s\n", name, arguments, summary);
}

static void print_help(void)
{
	printf("Usage: nvmetctl [--run-dir DIR] [--timeout S] [COMMAND]\n"
	       "Configures nvmetd, an NVMe over Fabrics target, and shows what it does. Without a\n"
	       "command: a shell with completion.\n\n"
	       "Commands on objects, as nvmetcli has them; also as PATH COMMAND ...:\n");
	for (unsigned i = 0; i < n_verbs; i++)
		if (!verb_is_of_session(&verbs[i]))
			print_summary(verbs[i].name, verbs[i].arguments, verbs[i].summary);
	printf("  --dry-run with these: only says what would be wrong\n\n"
	       "Other commands:\n");
	for (unsigned i = 0; i < n_commands; i++)
		print_summary(commands[i]->name,
		              strlen(commands[i]->arguments) > 34 ? "..." : commands[i]->arguments,
		              commands[i]->summary);
	print_summary("help", "[COMMAND]", "explain a command");
	printf("\nOptions:\n"
	       "  --run-dir DIR  where nvmetd has its sockets (%s)\n"
	       "  --timeout S    how long to wait for an answer (%u; restart: 30)\n"
	       "  --help         print this\n"
	       "  --version      print the version\n\n"
	       "Exit status: 0 good; 1 refused or failed; 2 wrong usage; 3 nvmetd is not "
	       "reached.\n",
	       CTL_DEFAULT_RUN_DIR,
	       CTL_DEFAULT_TIMEOUT_MS / 1000);
}

static enum ctl_exit run_on_objects(const struct ctl *ctl, int argc, char **argv)
{
	struct session session;
	enum ctl_exit r;

	session_init(&session, ctl);
	r = session_run(&session, argv, (size_t)argc);
	session_deinit(&session);
	return r;
}

static enum ctl_exit help(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;

	if (argc > 1 && !command)
		return run_on_objects(ctl, argc, argv);
	if (command)
		command_print_help(command);
	else
		print_help();
	return CTL_GOOD;
}

static bool take_timeout(const char *text, unsigned *ret_ms)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || seconds < 1 || seconds > 3600) {
		fprintf(stderr,
		        "nvmetctl: --timeout: '%s' is not a number of seconds, 1 to 3600\n",
		        text);
		return false;
	}
	*ret_ms = (unsigned)seconds * 1000;
	return true;
}

enum after_options { RUN, LEAVE_GOOD, LEAVE_USAGE };

static enum after_options take_options(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"run-dir", required_argument, NULL, 'r'},
		{"timeout", required_argument, NULL, 't'},
		{"help",    no_argument,       NULL, 'h'},
		{"version", no_argument,       NULL, 'v'},
		{NULL,      0,                 NULL, 0  },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		if (option == 'r') {
			ctl->run_dir = optarg;
		} else if (option == 't') {
			if (!take_timeout(optarg, &ctl->timeout_ms))
				return LEAVE_USAGE;
			ctl->has_timeout = true;
		} else if (option == 'h') {
			print_help();
			return LEAVE_GOOD;
		} else if (option == 'v') {
			printf("nvmetctl %s\n", NVMETD_VERSION);
			return LEAVE_GOOD;
		} else {
			fprintf(stderr, "nvmetctl: see nvmetctl --help\n");
			return LEAVE_USAGE;
		}
	}
	return RUN;
}

static enum ctl_exit run(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *command = argc > 0 ? command_find(argv[0]) : NULL;

	if (argc == 0)
		return ctl_shell(ctl, 0, argv);
	if (strcmp(argv[0], "help") == 0)
		return help(ctl, argc, argv);
	if (command)
		return command_run(command, ctl, argc - 1, argv + 1);
	return run_on_objects(ctl, argc, argv);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {CTL_DEFAULT_RUN_DIR, CTL_DEFAULT_TIMEOUT_MS, false};

	log_open("nvmetctl");
	switch (take_options(&ctl, argc, argv)) {
	case LEAVE_GOOD:
		return CTL_GOOD;
	case LEAVE_USAGE:
		return CTL_USAGE;
	case RUN:
		break;
	}
	return (int)run(&ctl, argc - optind, argv + optind);
}
