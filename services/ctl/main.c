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
#include "common/nvme/fault_rule.h"
#include "services/ctl/ctl.h"

struct command {
	const char *name;
	const char *arguments;
	int least, most; /* arguments */
	enum ctl_exit (*run)(const struct ctl *ctl, int argc, char **argv);
	const char *summary;
	const char *help;
};

static const struct command restore = {
	.name = "restore",
	.arguments = "FILE",
	.least = 1,
	.most = 1,
	.run = ctl_restore,
	.summary = "make FILE (nvmetcli's JSON) the configuration",
	.help = "FILE is what `nvmetcli save` or `nvmetctl save` wrote; - is the standard input.\n"
		"It is taken whole or not at all: when anything in it is wrong, each mistake is\n"
		"said as FILE:LINE: what, and nothing changes. When it is taken, waits up to 5 s\n"
		"until all listeners listen and all enabled namespaces are ready, and warns of\n"
		"those that are not.",
};

static const struct command save = {
	.name = "save",
	.arguments = "[FILE]",
	.most = 1,
	.run = ctl_save,
	.summary = "write the configuration to FILE, or to the standard output",
	.help = "The file is nvmetcli's JSON, which `nvmetctl restore` and `nvmetcli restore`\n"
		"take. It is replaced whole, with mode 0600, since keys may be in it.",
};

static const struct command clear = {
	.name = "clear",
	.arguments = "",
	.run = ctl_clear,
	.summary = "take everything out of the configuration",
	.help = "Ends all connections of hosts. Backing files and devices keep their data.",
};

static const struct command show = {
	.name = "show",
	.arguments = "",
	.run = ctl_show,
	.summary = "print the configuration as a tree",
	.help = "As `nvmetcli ls` does. Keys of DH-HMAC-CHAP are not printed.",
};

static const struct command status = {
	.name = "status",
	.arguments = "[--json]",
	.most = 1,
	.run = ctl_status,
	.summary = "print what runs and what it does",
	.help = "Processes; listeners; and for each subsystem its namespaces and its controllers,\n"
		"with what is in flight and what was done. --json: for scripts; the keys are\n"
		"documented in nvmetctl(8).",
};

static const struct command acknowledge = {
	.name = "acknowledge",
	.arguments = "",
	.run = ctl_acknowledge,
	.summary = "have status say no more that the database was replaced",
	.help = "When the database is damaged, nvmetd goes on with its copy, and status says so\n"
		"until somebody has seen to it that the configuration is what it should be.",
};

static const struct command trace = {
	.name = "trace",
	.arguments = "[--seconds S] [--every N] [--json] | --dump [--last N]",
	.most = 5,
	.run = ctl_trace,
	.summary = "print where the time of I/O commands goes",
	.help = "Has the transports follow every Nth I/O command (100) for S seconds (5), and "
		"prints\n"
		"for each kind of command how long it took from each stage of its life to the "
		"next.\n"
		"--json: for scripts; the keys are documented in nvmetctl(8).\n"
		"--dump: prints the last N records (20) of each reactor as they are, also of\n"
		"processes that are dead.",
};

static const struct command restart = {
	.name = "restart",
	.arguments = "NAME|all",
	.least = 1,
	.most = 1,
	.run = ctl_restart,
	.summary = "restart a process, while hosts go on",
	.help = "NAME is as nvmetctl status has it: state, io-0, tcp, rdma. The process leaves\n"
		"what it holds to its successor, which is started by its supervisor. Waits until\n"
		"all works again, and says how long that took and how many connections of hosts\n"
		"were kept.\n"
		"all: the state service, the workers and the transports, one after the other.",
};

static const struct command fault = {
	.name = "fault",
	.arguments = "NQN NSID [show | set RULE... | clear | power-off | power-on]",
	.least = 2,
	.most = 3 + FAULT_RULES_MAX,
	.run = ctl_fault,
	.summary = "have a namespace with fault: do what a bad disk does",
	.help = "Only where the namespace's device.path begins with fault:, as fault:/dev/sdb.\n"
		"set: these RULEs instead of those there are; clear: none. What is held up then\n"
		"goes on. power-off: everything fails, and what was not flushed is lost, until\n"
		"power-on. Each prints what is the case after it, as show does. It holds until\n"
		"the worker ends or the configuration gives other rules; it is not saved.\n\n"
		"RULE is one argument: OPERATIONS ACTION [KEY=VALUE ...]\n"
		"  OPERATIONS  read, write, flush, zeroes, trim, with commas between; or any\n"
		"  ACTION      error=EIO, error=0x281, delay=5ms, delay=1ms-20ms, short, hang,\n"
		"              lose\n"
		"  which       lba=100, lba=100-199\n"
		"  how often   rate=1%, every=3, count=2, seed=7\n"
		"  when        from=2s, for=10s, on=1s/10s\n"
		"  of lose     cache=16M\n\n"
		"  nvmetctl fault nqn.2001-01.com.example:a 1 set 'read error=EIO rate=1%'\n\n"
		"They are explained in nvmetctl(8).",
};

static const struct command *const commands[] = {
	&restore, &save, &clear, &show, &status, &acknowledge, &trace, &restart, &fault};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	fprintf(stderr, "nvmetctl: '%s' is not a command: see nvmetctl --help\n", name);
	return NULL;
}

static void print_help(void)
{
	printf("Usage: nvmetctl [--run-dir DIR] [--timeout S] COMMAND\n"
	       "Configures nvmetd, an NVMe over Fabrics target, and shows what it does.\n\n"
	       "Commands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-11s %-9s %s\n",
		       commands[i]->name,
		       strlen(commands[i]->arguments) > 9 ? "..." : commands[i]->arguments,
		       commands[i]->summary);
	printf("  %-11s %-9s %s\n\n", "help", "[COMMAND]", "explain a command");
	printf("Options:\n"
	       "  --run-dir DIR  where nvmetd has its sockets (%s)\n"
	       "  --timeout S    how long to wait for an answer (%u; restart: 30)\n"
	       "  --help         print this\n"
	       "  --version      print the version\n\n"
	       "Exit status: 0 good; 1 refused or failed; 2 wrong usage; 3 nvmetd is not "
	       "reached.\n",
	       CTL_DEFAULT_RUN_DIR,
	       CTL_DEFAULT_TIMEOUT_MS / 1000);
}

static void print_command_help(const struct command *command)
{
	printf("Usage: nvmetctl [--run-dir DIR] [--timeout S] %s %s\n%s.\n\n%s\n",
	       command->name,
	       command->arguments,
	       command->summary,
	       command->help);
}

static enum ctl_exit help(int argc, char **argv)
{
	const struct command *command;

	if (argc == 0) {
		print_help();
		return CTL_GOOD;
	}
	command = find_command(argv[0]);
	if (!command)
		return CTL_USAGE;
	print_command_help(command);
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
	const struct command *command;

	if (argc == 0) {
		fprintf(stderr, "nvmetctl: no command: see nvmetctl --help\n");
		return CTL_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(argc - 1, argv + 1);
	command = find_command(argv[0]);
	if (!command)
		return CTL_USAGE;
	argc--;
	argv++;
	if (argc > 0 && strcmp(argv[0], "--help") == 0) {
		print_command_help(command);
		return CTL_GOOD;
	}
	if (argc < command->least || argc > command->most) {
		fprintf(stderr,
		        "nvmetctl: usage: nvmetctl %s %s\n",
		        command->name,
		        command->arguments);
		return CTL_USAGE;
	}
	return command->run(ctl, argc, argv);
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
