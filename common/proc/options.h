/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

#include "common/proc/service.h"

/*
 * options - reads a command line against tables of options.
 *
 * Shape     Groups of struct service_option, each group with the context that its take() gets.
 *           Long options only; an unambiguous beginning of a name will do; no other arguments.
 * Promise   What is wrong is logged with option, value and what would be right.
 * Trust     the operator's
 * Threads   the main thread (getopt's state is global)
 * Lifetime  values point into argv
 * Returns   0 or SERVICE_E_USAGE
 */
#define OPTIONS_MAX 32 /* in all groups together */

struct option_group {
	const struct service_option *options;
	unsigned n_options;
	void *context;
};

int options_parse(const struct option_group *groups, unsigned n_groups, int argc, char **argv);

/* Each option with its help. */
void options_print(FILE *to, const struct option_group *groups, unsigned n_groups);

/* A decimal number from min to max, and nothing else. */
bool option_number(const char *text, unsigned min, unsigned max, unsigned *ret_number);
