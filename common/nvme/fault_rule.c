/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/fault_rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/size.h"
#include "common/nvme/protection.h"
#include "common/nvme/zns.h"

#define DELAY_MAX_NS (600 * NS_PER_S)
#define ERRNO_MAX    133 /* EHWPOISON */
#define ONE          (UINT64_C(1) << 32)

struct parse {
	struct fault_rule *rule;
	char *reason;
	unsigned seen; /* options, by their place in the table */
};

#define wrong(parse, ...)                                                                          \
	(snprintf((parse)->reason, FAULT_REASON_SIZE, __VA_ARGS__), FAULT_RULE_E_WRONG)

/* ------------------------------------------------------------------ values */

/* Digits only; false: none, or too many. */
static bool take_number(const char *text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return false;
	*ret_number = number;
	return *text == '\0';
}

/* "250us", "5ms", "2s", "1min". */
static bool take_time(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"us",  NS_PER_US    },
                {"ms",  NS_PER_MS    },
                {"s",   NS_PER_S     },
                {"min", 60 * NS_PER_S}
        };
	size_t digits = strspn(text, "0123456789");
	char number[24];
	uint64_t value;

	if (digits == 0 || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (!take_number(number, &value))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].name) == 0)
			return !__builtin_mul_overflow(value, units[i].ns, ret_ns) &&
			       *ret_ns <= INT64_MAX;
	return false;
}

/* Cuts the text at the separator; NULL: there is none. */
static char *cut(char *text, char separator)
{
	char *at = strchr(text, separator);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* ------------------------------------------------------------------ actions */

static int take_status(const struct parse *parse, const char *text)
{
	unsigned long value = strtoul(text, NULL, 16);

	if (strlen(text) > 6 || strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2) ||
	    (value & 0x7ff) == 0 || (value & ~(0x7fful | NVME_STATUS_DNR)))
		return wrong(
			parse,
			"error=%.16s: a status is 0x1 to 0x7ff, and 0x4000 more where the host "
			"is not to try again",
			text);
	parse->rule->status.value = (uint16_t)value;
	return 0;
}

static int take_error(const struct parse *parse, char *text)
{
	if (strncmp(text, "0x", 2) == 0)
		return take_status(parse, text);
	for (int error = 1; error <= ERRNO_MAX; error++) {
		const char *name = strerrorname_np(error);

		if (!name || strcmp(name, text) != 0)
			continue;
		parse->rule->error = error;
		return 0;
	}
	return wrong(parse,
	             "error=%.32s: neither an errno such as EIO, nor a status such as 0x281",
	             text);
}

static int take_delay(const struct parse *parse, char *text)
{
	struct fault_rule *rule = parse->rule;
	char *most = cut(text, '-');

	if (!take_time(text, &rule->delay_min_ns) ||
	    !take_time(most ? most : text, &rule->delay_max_ns))
		return wrong(parse,
		             "delay: a time is like 5ms, a range like 1ms-20ms (us, ms, s, min)");
	if (rule->delay_max_ns == 0 || rule->delay_max_ns > DELAY_MAX_NS ||
	    rule->delay_min_ns > rule->delay_max_ns)
		return wrong(parse, "delay: from the shorter to the longer, and 10min at most");
	return 0;
}

struct action {
	const char *name;
	int (*take)(const struct parse *parse, char *value); /* NULL: it has no value */
	uint8_t operations;                                  /* that it means something for */
};

static const struct action actions[] = {
	[FAULT_ERROR] = {"error", take_error, FAULT_ANY                              },
	[FAULT_DELAY] = {"delay", take_delay, FAULT_ANY                              },
	[FAULT_SHORT] = {"short", NULL,       FAULT_READ | FAULT_WRITE | FAULT_ZEROES},
	[FAULT_HANG] = {"hang",  NULL,       FAULT_ANY                              },
	[FAULT_LOSE] = {"lose",  NULL,       FAULT_WRITE                            },
};

static int take_action(const struct parse *parse, char *word)
{
	char *value = cut(word, '=');

	for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		const struct action *action = &actions[i];

		if (strcmp(word, action->name) != 0)
			continue;
		if (!value != !action->take)
			return wrong(parse,
			             action->take ? "%s: needs a value" : "%s: has no value",
			             action->name);
		if (!(parse->rule->operations & action->operations))
			return wrong(parse, "%s: means nothing for these operations", action->name);
		parse->rule->action = (enum fault_action)i;
		return action->take ? action->take(parse, value) : 0;
	}
	return wrong(parse, "\"%.32s\" is not error=, delay=, short, hang or lose", word);
}

const char *fault_action_name(enum fault_action action)
{
	return actions[action].name;
}

/* ------------------------------------------------------------------ operations */

static int take_operations(const struct parse *parse, char *words)
{
	static const struct {
		const char *name;
		uint8_t bits;
	} names[] = {
		{"read",   FAULT_READ  },
		{"write",  FAULT_WRITE },
		{"flush",  FAULT_FLUSH },
		{"zeroes", FAULT_ZEROES},
		{"trim",   FAULT_TRIM  },
		{"any",    FAULT_ANY   },
	};
	char *word = words, *rest;

	do {
		uint8_t bits = 0;

		rest = cut(word, ',');
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strcmp(word, names[i].name) == 0)
				bits = names[i].bits;
		if (!bits)
			return wrong(parse,
			             "\"%.32s\" is not read, write, flush, zeroes, trim or any",
			             word);
		parse->rule->operations |= bits;
		word = rest;
	} while (rest);
	return 0;
}

/* ------------------------------------------------------------------ options */

static int take_lba(const struct parse *parse, char *value)
{
	struct fault_rule *rule = parse->rule;
	char *last = cut(value, '-');

	if (!take_number(value, &rule->first) || !take_number(last ? last : value, &rule->last) ||
	    rule->first > rule->last)
		return wrong(parse, "lba: a block is like 100, a range like 100-199");
	if (rule->operations == FAULT_FLUSH)
		return wrong(parse, "lba: a flush has no blocks");
	return 0;
}

static int take_rate(const struct parse *parse, char *value)
{
	size_t length = strlen(value);
	bool percent = length > 0 && value[length - 1] == '%';
	double rate;

	if (percent)
		value[--length] = '\0';
	if (length == 0 || length > 20 || strspn(value, "0123456789.") != length ||
	    strchr(value, '.') != strrchr(value, '.') || strcmp(value, ".") == 0)
		return wrong(parse, "rate: is like 0.01 or 1%%");
	rate = strtod(value, NULL) / (percent ? 100 : 1);
	if (!(rate > 0 && rate <= 1))
		return wrong(parse, "rate: is more than 0, and 1 (100%%) at most");
	parse->rule->rate = (uint64_t)(rate * (double)ONE);
	if (parse->rule->rate == 0)
		parse->rule->rate = 1;
	return 0;
}

static int take_positive(const struct parse *parse, const char *key, const char *value,
                         uint64_t *ret_number)
{
	if (!take_number(value, ret_number) || *ret_number == 0)
		return wrong(parse, "%s: is a number, and not 0", key);
	return 0;
}

static int take_every(const struct parse *parse, char *value)
{
	return take_positive(parse, "every", value, &parse->rule->every);
}

static int take_count(const struct parse *parse, char *value)
{
	return take_positive(parse, "count", value, &parse->rule->count);
}

static int take_seed(const struct parse *parse, char *value)
{
	return take_positive(parse, "seed", value, &parse->rule->seed);
}

static int take_from(const struct parse *parse, char *value)
{
	if (!take_time(value, &parse->rule->from_ns))
		return wrong(parse, "from: is a time such as 10s");
	return 0;
}

static int take_for(const struct parse *parse, char *value)
{
	if (!take_time(value, &parse->rule->until_ns) || parse->rule->until_ns == 0)
		return wrong(parse, "for: is a time such as 10s");
	return 0;
}

static int take_on(const struct parse *parse, char *value)
{
	struct fault_rule *rule = parse->rule;
	char *period = cut(value, '/');

	if (!period || !take_time(value, &rule->on_ns) || !take_time(period, &rule->period_ns) ||
	    rule->on_ns == 0 || rule->on_ns >= rule->period_ns)
		return wrong(parse, "on: is like 1s/10s: for 1 s of every 10 s");
	return 0;
}

static int take_cache(const struct parse *parse, char *value)
{
	struct fault_rule *rule = parse->rule;

	if (rule->action != FAULT_LOSE)
		return wrong(parse, "cache: belongs to lose");
	if (size_parse(value, &rule->cache_bytes) || rule->cache_bytes < 4096 ||
	    rule->cache_bytes > FAULT_CACHE_MAX)
		return wrong(parse, "cache: is a size such as 16M, from 4K to 4G");
	return 0;
}

static const struct option {
	const char *name;
	int (*take)(const struct parse *parse, char *value);
} options[] = {
	{"lba",   take_lba  },
	{"rate",  take_rate },
	{"every", take_every},
	{"count", take_count},
	{"from",  take_from },
	{"for",   take_for  },
	{"on",    take_on   },
	{"cache", take_cache},
	{"seed",  take_seed },
};

static int take_option(struct parse *parse, char *word)
{
	char *value = cut(word, '=');

	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(word, options[i].name) != 0)
			continue;
		if (!value)
			return wrong(parse, "%s: needs a value", word);
		if (parse->seen & 1u << i)
			return wrong(parse, "%s: is there twice", word);
		parse->seen |= 1u << i;
		return options[i].take(parse, value);
	}
	return wrong(parse,
	             "\"%.32s\" is not lba=, rate=, every=, count=, from=, for=, on=, cache= or "
	             "seed=",
	             word);
}

/* ------------------------------------------------------------------ the line */

/* Between the options. */
static int settle(const struct parse *parse)
{
	struct fault_rule *rule = parse->rule;
	bool draws = rule->rate < ONE || rule->delay_min_ns < rule->delay_max_ns ||
	             rule->action == FAULT_SHORT;

	if (rule->until_ns != UINT64_MAX &&
	    __builtin_add_overflow(rule->until_ns, rule->from_ns, &rule->until_ns))
		return wrong(parse, "for: ends too late");
	if (rule->seed && !draws)
		return wrong(parse, "seed: nothing is left to chance here");
	if (rule->seed == 0)
		rule->seed = 1;
	return 0;
}

int fault_rule_parse(const char *text, struct fault_rule *ret_rule, char *reason)
{
	struct fault_rule rule = {
		.cache_bytes = FAULT_CACHE_DEFAULT,
		.last = UINT64_MAX,
		.rate = ONE,
		.every = 1,
		.count = UINT64_MAX,
		.until_ns = UINT64_MAX,
	};
	struct parse parse = {.rule = &rule, .reason = reason};
	char line[FAULT_RULE_SIZE], *word, *rest;
	int r;

	if (strlen(text) >= sizeof(line))
		return wrong(&parse, "it is longer than %d characters", FAULT_RULE_SIZE - 1);
	memcpy(line, text, strlen(text) + 1);
	word = strtok_r(line, " ", &rest);
	if (!word)
		return wrong(&parse, "it is empty");
	r = take_operations(&parse, word);
	if (r)
		return r;
	word = strtok_r(NULL, " ", &rest);
	if (!word)
		return wrong(
			&parse,
			"it does not say what is to happen: error=, delay=, short, hang or lose");
	r = take_action(&parse, word);
	while (!r && (word = strtok_r(NULL, " ", &rest)))
		r = take_option(&parse, word);
	if (!r)
		r = settle(&parse);
	if (!r)
		*ret_rule = rule;
	return r;
}

const char *fault_path_below(const char *path)
{
	const char *above = protection_path_below(path);

	if (!above)
		above = zoned_path_below(path);
	if (above)
		path = above;
	return strncmp(path, "fault:", 6) == 0 ? path + 6 : NULL;
}
