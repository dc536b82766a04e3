/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/options.h"

/*
 * target - one side of a comparison, as it is written on the command line.
 *
 * Shape     [NAME=]TRADDR[:TRSVCID]/SUBNQN[/NSID]. An IPv6 address stands in brackets. What follows
 *           the last slash is an NSID if it is a number, else it belongs to the NQN.
 * Promise   A name is printable ASCII without <>&"'\, so it may be printed anywhere.
 * Trust     the operator's
 * Threads   any
 * Lifetime  a value; options point into it
 */
#define TARGET_NAME_MAX 32u

struct target {
	char name[TARGET_NAME_MAX + 1];
	char traddr[64];
	char trsvcid[8];
	char subnqn[NVME_NQN_MAX + 1];
	uint32_t nsid;
};

/* NULL, or why it is none. */
const char *target_parse(const char *text, const char *default_name, struct target *ret_target);
/* Has the options connect to it. */
void target_apply(const struct target *target, struct options *options);
/* "nvmetd (127.0.0.1 port 4420, nqn.x, namespace 1)" */
void target_words(const struct target *target, char *ret_text, size_t text_size);
