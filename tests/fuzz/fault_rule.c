/* SPDX-License-Identifier: BSD-2-Clause */
/* A rule for faults of anybody's making: taken, and then within its bounds, or refused with words.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/nvme/fault_rule.h"
#include "services/io/fault_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fault_rule *rule)
{
	must(rule->operations != 0 && (rule->operations & ~FAULT_ANY) == 0);
	must(rule->first <= rule->last);
	must(rule->rate > 0 && rule->rate <= UINT64_C(1) << 32);
	must(rule->every > 0 && rule->count > 0 && rule->seed > 0);
	must(rule->delay_min_ns <= rule->delay_max_ns);
	must(rule->cache_bytes >= 4096 && rule->cache_bytes <= FAULT_CACHE_MAX);
	must(rule->from_ns < rule->until_ns);
	must(rule->period_ns == 0 || (rule->on_ns > 0 && rule->on_ns < rule->period_ns));
}

/* All kinds of commands, at some times. */
static void use(char *text)
{
	struct fault_rules rules;
	char reason[FAULT_REASON_SIZE];
	const struct nvme_dsm_range range = {.blocks = le32_of(8), .slba = le64_of(100)};

	must(fault_rules_set(&rules, &text, 1, 0, reason) == 0);
	for (unsigned i = 0; i < 20; i++) {
		const struct fault_command command = {
			.operation = (enum link_operation)(LINK_READ + i % 5),
			.first = 100 + i,
			.count = i % 3,
			.ranges = &range,
			.n_ranges = 1,
		};
		struct fault_verdict verdict = fault_rules_judge(
			&rules, &command, i * UINT64_C(500000000));

		must(!verdict.is_short || verdict.short_blocks <= command.count);
		must(!verdict.fails || verdict.status.value != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), reason[FAULT_REASON_SIZE] = "";
	struct fault_rule rule;

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (fault_rule_parse(text, &rule, reason) == 0) {
		check(&rule);
		use(text);
	} else {
		must(reason[0] && strlen(reason) < FAULT_REASON_SIZE);
	}
	free(text);
	return 0;
}
