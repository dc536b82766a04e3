/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/fault_rules.h"

#include <stdio.h>
#include <string.h>

#include "services/io/status_from_errno.h"

/* ------------------------------------------------------------------ setting */

int fault_rules_set(struct fault_rules *rules, char *const *texts, size_t n, uint64_t now_ns,
                    char *reason)
{
	struct fault_rules fresh = {.n = (unsigned)n, .set_ns = now_ns};
	int r;

	if (n > FAULT_RULES_MAX) {
		snprintf(reason, FAULT_REASON_SIZE, "there may be %d rules", FAULT_RULES_MAX);
		return FAULT_RULE_E_WRONG;
	}
	for (size_t i = 0; i < n; i++) {
		struct fault_rule_state *state = &fresh.rules[i];

		r = fault_rule_parse(texts[i], &state->rule, reason);
		if (r)
			return r;
		snprintf(state->text, sizeof(state->text), "%s", texts[i]);
		state->dice = state->rule.seed;
		if (state->rule.action == FAULT_LOSE && state->rule.cache_bytes > fresh.cache_bytes)
			fresh.cache_bytes = state->rule.cache_bytes;
	}
	*rules = fresh;
	return 0;
}

/* ------------------------------------------------------------------ whether a rule hits */

static uint8_t bit_of(enum link_operation operation)
{
	switch (operation) {
	case LINK_READ:
		return FAULT_READ;
	case LINK_WRITE:
		return FAULT_WRITE;
	case LINK_FLUSH:
		return FAULT_FLUSH;
	case LINK_WRITE_ZEROES:
		return FAULT_ZEROES;
	case LINK_DEALLOCATE:
		return FAULT_TRIM;
	}
	return 0;
}

/* Blocks were checked against the namespace: first + count does not overflow. */
static bool meets(const struct fault_rule *rule, uint64_t first, uint64_t count)
{
	return first <= rule->last && first + count > rule->first;
}

static bool is_for(const struct fault_rule *rule, const struct fault_command *command)
{
	if (!(rule->operations & bit_of(command->operation)))
		return false;
	if (rule->first == 0 && rule->last == UINT64_MAX)
		return true;
	if (command->operation == LINK_FLUSH)
		return false;
	if (command->operation != LINK_DEALLOCATE)
		return meets(rule, command->first, command->count);
	for (unsigned i = 0; i < command->n_ranges; i++)
		if (meets(rule,
		          le64_get(command->ranges[i].slba),
		          le32_get(command->ranges[i].blocks)))
			return true;
	return false;
}

static bool is_time(const struct fault_rule *rule, uint64_t age_ns)
{
	if (age_ns < rule->from_ns || age_ns >= rule->until_ns)
		return false;
	return rule->period_ns == 0 || (age_ns - rule->from_ns) % rule->period_ns < rule->on_ns;
}

/* splitmix64: 64 bits of chance. */
static uint64_t throw_dice(uint64_t *dice)
{
	uint64_t value = *dice += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static bool hits(struct fault_rule_state *state)
{
	const struct fault_rule *rule = &state->rule;

	if (++state->met % rule->every != 0 || state->hits >= rule->count)
		return false;
	if (rule->rate < UINT64_C(1) << 32 && throw_dice(&state->dice) >> 32 >= rule->rate)
		return false;
	state->hits++;
	return true;
}

/* ------------------------------------------------------------------ what it does */

static uint64_t delay_of(struct fault_rule_state *state)
{
	uint64_t range = state->rule.delay_max_ns - state->rule.delay_min_ns;

	return state->rule.delay_min_ns + (range ? throw_dice(&state->dice) % (range + 1) : 0);
}

/* True: no rule after this one matters. */
static bool befall(struct fault_verdict *verdict, struct fault_rule_state *state,
                   const struct fault_command *command)
{
	const struct fault_rule *rule = &state->rule;

	switch (rule->action) {
	case FAULT_DELAY:
		verdict->delay_ns += delay_of(state);
		return false;
	case FAULT_LOSE:
		verdict->loses = true;
		return false;
	case FAULT_ERROR:
		verdict->fails = true;
		verdict->status = rule->error ? status_from_errno(rule->error, command->operation)
		                              : rule->status;
		return true;
	case FAULT_SHORT:
		verdict->is_short = true;
		verdict->short_blocks = command->count ? throw_dice(&state->dice) % command->count
		                                       : 0;
		return true;
	case FAULT_HANG:
		verdict->hangs = true;
		return true;
	}
	return false;
}

/* Short and lose are rules of "any" too; here only what they can mean. */
static bool can_befall(enum fault_action action, enum link_operation operation)
{
	if (action == FAULT_LOSE)
		return operation == LINK_WRITE;
	if (action == FAULT_SHORT)
		return operation != LINK_FLUSH && operation != LINK_DEALLOCATE;
	return true;
}

struct fault_verdict fault_rules_judge(struct fault_rules *rules,
                                       const struct fault_command *command, uint64_t now_ns)
{
	struct fault_verdict verdict = {0};
	uint64_t age_ns = now_ns > rules->set_ns ? now_ns - rules->set_ns : 0;

	for (unsigned i = 0; i < rules->n; i++) {
		struct fault_rule_state *state = &rules->rules[i];

		if (can_befall(state->rule.action, command->operation) &&
		    is_for(&state->rule, command) && is_time(&state->rule, age_ns) && hits(state) &&
		    befall(&verdict, state, command))
			break;
	}
	return verdict;
}
