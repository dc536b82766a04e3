/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/commands.h"

#include <stdio.h>
#include <string.h>

#include "common/nvme/fault_rule.h"
#include "services/ctl/script.h"
#include "services/ctl/shell.h"

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

static const struct command limits = {
	.name = "limits",
	.arguments = "",
	.run = ctl_limits,
	.summary = "print what hosts may take, and how long they may wait",
	.help = "Each limit and deadline: what holds now, its default, its range, and what it is.\n"
		"They are in the configuration's \"limits\", and are taken while hosts are\n"
		"connected; nvmetd-limits(5) explains them.",
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

static const struct command batch = {
	.name = "batch",
	.arguments = "[--dry-run] FILE",
	.least = 1,
	.most = 2,
	.run = ctl_batch,
	.summary = "make the changes in FILE, all or none",
	.help = "FILE has a create, delete, set, link, unlink, enable, disable or grpid a line;\n"
		"- is the standard input; # begins a comment. They are one transaction: objects\n"
		"may be named before they are complete, and what nvmet allows only while an\n"
		"object is disabled may stand between a disable and an enable. When anything is\n"
		"wrong it is said as FILE:LINE: what, and nothing changes. --dry-run: only says\n"
		"what would be wrong.\n\n"
		"  create /subsystems/nqn.2001-01.com.example:a\n"
		"  set /subsystems/nqn.2001-01.com.example:a attr allow_any_host=1\n",
};

static const struct command shell = {
	.name = "shell",
	.arguments = "",
	.run = ctl_shell,
	.summary = "type commands, with completion and history",
	.help = "What nvmetctl does without a command. Each of nvmetctl's commands, and those of\n"
		"the tree; `help` says which. Where the standard input is no terminal, its lines\n"
		"are commands too, and the first that fails ends it.",
};

const struct command *const commands[] = {&restore,
                                          &save,
                                          &clear,
                                          &show,
                                          &limits,
                                          &status,
                                          &acknowledge,
                                          &trace,
                                          &restart,
                                          &fault,
                                          &batch,
                                          &shell};

const unsigned n_commands = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

void command_print_help(const struct command *command)
{
	printf("Usage: nvmetctl [--run-dir DIR] [--timeout S] %s %s\n%s.\n\n%s\n",
	       command->name,
	       command->arguments,
	       command->summary,
	       command->help);
}

enum ctl_exit command_run(const struct command *command, const struct ctl *ctl, int argc,
                          char **argv)
{
	if (argc > 0 && strcmp(argv[0], "--help") == 0) {
		command_print_help(command);
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

enum ctl_exit commands_run_other(const struct ctl *ctl, int argc, char **argv, bool *ret_is_known)
{
	const struct command *command = command_find(argv[0]);

	*ret_is_known = command && command != &shell;
	return *ret_is_known ? command_run(command, ctl, argc - 1, argv + 1) : CTL_USAGE;
}
