/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/nvme/fault_rule.h"
#include "common/nvme/spec.h"
#include "common/shm/link.h"

/*
 * fault_rules - which faults befall a command.
 *
 * Shape     Up to FAULT_RULES_MAX rules in their order, each with its dice and with how often it
 *           was met and has hit; and when they were set.
 * Promise   All rules are gone through: delays add up; the first error, short or hang that hits
 *           ends the search. The same rules, commands and times give the same faults.
 * Trust     the rules are an operator's text; commands were checked
 * Threads   one at a time
 * Lifetime  values
 */
struct fault_rule_state {
	struct fault_rule rule;
	char text[FAULT_RULE_SIZE];
	uint64_t met;  /* commands that it is for, at such a time */
	uint64_t hits; /* of them, those that it befell */
	uint64_t dice;
};

struct fault_rules {
	unsigned n;
	uint64_t set_ns;
	uint64_t cache_bytes; /* of the largest lose; 0: none */
	struct fault_rule_state rules[FAULT_RULES_MAX];
};

/* A command, as far as rules look at it. */
struct fault_command {
	enum link_operation operation;
	uint64_t first; /* blocks */
	uint64_t count;
	const struct nvme_dsm_range *ranges; /* LINK_DEALLOCATE */
	unsigned n_ranges;
};

struct fault_verdict {
	uint64_t delay_ns;
	bool hangs;
	bool fails; /* with this status */
	struct nvme_status status;
	bool is_short; /* only so many blocks, less than all, are done */
	uint64_t short_blocks;
	bool loses; /* a write: into the volatile cache */
};

/* 0; or FAULT_RULE_E_WRONG with the reason (FAULT_REASON_SIZE), and nothing has changed. */
int fault_rules_set(struct fault_rules *rules, char *const *texts, size_t n, uint64_t now_ns,
                    char *reason);

struct fault_verdict fault_rules_judge(struct fault_rules *rules,
                                       const struct fault_command *command, uint64_t now_ns);
