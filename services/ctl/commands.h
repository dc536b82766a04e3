/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/ctl/ctl.h"

/*
 * commands - what nvmetctl can do, apart from the objects of the tree (session.h).
 *
 * Shape     One table.
 * Promise   A command that is called wrongly says how it is called, and does nothing.
 * Trust     the arguments are an operator's
 * Threads   one
 * Lifetime  constants
 */
struct command {
	const char *name;
	const char *arguments;
	int least, most; /* arguments */
	enum ctl_exit (*run)(const struct ctl *ctl, int argc, char **argv);
	const char *summary;
	const char *help;
};

extern const struct command *const commands[];
extern const unsigned n_commands;

/* NULL: there is none. */
const struct command *command_find(const char *name);
enum ctl_exit command_run(const struct command *command, const struct ctl *ctl, int argc,
                          char **argv);
void command_print_help(const struct command *command);

/* For a session's run_other: all but `shell`. */
enum ctl_exit commands_run_other(const struct ctl *ctl, int argc, char **argv, bool *ret_is_known);
