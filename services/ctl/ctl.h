/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/ipc/envelope.h"

/*
 * ctl - what all commands of nvmetctl share: the way to ask nvmetd-state.
 *
 * Shape     One question, one answer, over RUN_DIR/ctl/ctl.sock.
 * Promise   Whatever fails was said on stderr, once, with what to do. Text of others is
 *           printed escaped.
 * Trust     the answer is checked by ipc; its text may have come from hosts
 * Threads   one
 * Lifetime  of the program
 * Returns   what the program returns to its caller:
 */
enum ctl_exit {
	CTL_GOOD = 0,
	CTL_FAILED = 1,      /* refused by nvmetd, or failed here */
	CTL_USAGE = 2,       /* the command line is wrong */
	CTL_UNREACHABLE = 3, /* nvmetd did not answer */
};

struct ctl {
	const char *run_dir;
	unsigned timeout_ms;
	bool has_timeout; /* --timeout was given */
};

#define CTL_DEFAULT_RUN_DIR    "/run/nvmetd"
#define CTL_DEFAULT_TIMEOUT_MS 10000

/* The answer is of that body; the caller frees it. */
enum ctl_exit ctl_ask(const struct ctl *ctl, envelope *question, int answer_body,
                      envelope **ret_answer);

/* The same without a word when it fails: NULL. */
envelope *ctl_try(const struct ctl *ctl, envelope *question, int answer_body, unsigned timeout_ms);

/* Prints `prefix` and a text of others on stderr, as a line. */
void ctl_say(const char *prefix, const char *text);

/* Prints the messages of a reply on stderr, each with `prefix`; CTL_GOOD if the reply is good. */
enum ctl_exit ctl_say_reply(const Nvmetd__CtlReply *reply, const char *prefix);

/* The commands. The arguments are those after the command's name. */
enum ctl_exit ctl_restore(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_save(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_clear(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_show(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_limits(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_status(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_restart(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_fault(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_acknowledge(const struct ctl *ctl, int argc, char **argv);
enum ctl_exit ctl_trace(const struct ctl *ctl, int argc, char **argv);
