/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/verdict.h"

#include <stdio.h>
#include <string.h>

static double megabytes(const struct contest_side *side)
{
	return side->figures.iops * side->options.block_bytes / 1e6;
}

void verdict_work(const struct options *options, char *ret_text, size_t text_size)
{
	if (options->read_percent % 100)
		snprintf(ret_text,
		         text_size,
		         "%s (%u %% reads)",
		         options->pattern->word,
		         options->read_percent);
	else
		snprintf(ret_text, text_size, "%s", options->pattern->word);
}

void verdict_size(const struct options *options, char *ret_text, size_t text_size)
{
	uint32_t bytes = options->block_bytes;

	if (bytes % (1 << 20) == 0)
		snprintf(ret_text, text_size, "%u MiB", bytes >> 20);
	else if (bytes % (1 << 10) == 0)
		snprintf(ret_text, text_size, "%u KiB", bytes >> 10);
	else
		snprintf(ret_text, text_size, "%u bytes", bytes);
}

void verdict_begin(const struct options *options, const struct target targets[CONTEST_SIDES])
{
	char words[512], size[16];

	if (options->json)
		return;
	for (unsigned i = 0; i < CONTEST_SIDES; i++) {
		target_words(&targets[i], words, sizeof(words));
		printf("%c is %s\n", 'A' + i, words);
	}
	verdict_size(options, size, sizeof(size));
	printf("I/Os of %s on %u connection%s, each side %u s for each work, in turns. Ratios are\n"
	       "A/B: medians of the pairs of turns, and the least and most of them.\n\n",
	       size,
	       options->connections,
	       options->connections == 1 ? "" : "s",
	       options->seconds);
	fflush(stdout);
}

/* ------------------------------------------------------------------ for people */

static void print_side(const struct contest *contest, const struct contest_side *side)
{
	const struct contest_round *figures = &side->figures;

	printf("    %-14s %9.0f IOPS %8.1f MB/s   us: mean %.2f  p50 %.2f  p99 %.2f",
	       side->target->name,
	       figures->iops,
	       megabytes(side),
	       figures->mean_us,
	       figures->p50_us,
	       figures->p99_us);
	if (contest->options->ceiling)
		printf("   %.1f %% of bare TCP (%.1f to %.1f)",
		       side->ceiling_percent.median,
		       side->ceiling_percent.least,
		       side->ceiling_percent.most);
	if (side->load.totals.errors)
		printf("   %llu errors", (unsigned long long)side->load.totals.errors);
	printf("\n");
}

static void print_text(const struct contest *contest)
{
	char work[40];

	verdict_work(contest->options, work, sizeof(work));
	printf("%s, QD %u: IOPS %.3f (%.3f to %.3f), p99 %.3f (%.3f to %.3f)\n",
	       work,
	       contest->options->depth,
	       contest->iops_ratio.median,
	       contest->iops_ratio.least,
	       contest->iops_ratio.most,
	       contest->p99_ratio.median,
	       contest->p99_ratio.least,
	       contest->p99_ratio.most);
	for (unsigned i = 0; i < CONTEST_SIDES; i++)
		print_side(contest, &contest->sides[i]);
}

/* ------------------------------------------------------------------ JSON */

/* An NQN may hold anything: its quotes, backslashes and control characters are escaped. */
static void print_string(const char *text)
{
	putchar('"');
	for (const char *c = text; *c; c++)
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if ((unsigned char)*c < ' ')
			printf("\\u%04x", *c);
		else
			putchar(*c);
	putchar('"');
}

static void print_json_side(const struct contest *contest, const struct contest_side *side)
{
	const struct contest_round *figures = &side->figures;

	printf("{\"name\": \"%s\", \"traddr\": ", side->target->name);
	print_string(side->target->traddr);
	printf(", \"trsvcid\": \"%s\", \"subnqn\": ", side->target->trsvcid);
	print_string(side->target->subnqn);
	printf(", \"nsid\": %u, \"iops\": %.1f, \"mb_s\": %.1f, \"mean_us\": %.2f, "
	       "\"p50_us\": %.2f, \"p99_us\": %.2f, \"errors\": %llu, \"ceiling_percent\": ",
	       side->target->nsid,
	       figures->iops,
	       megabytes(side),
	       figures->mean_us,
	       figures->p50_us,
	       figures->p99_us,
	       (unsigned long long)side->load.totals.errors);
	if (contest->options->ceiling)
		printf("%.1f}", side->ceiling_percent.median);
	else
		printf("null}");
}

static void print_json_spread(const char *key, struct spread spread)
{
	printf(", \"%s\": {\"median\": %.4f, \"least\": %.4f, \"most\": %.4f}",
	       key,
	       spread.median,
	       spread.least,
	       spread.most);
}

static void print_json(const struct contest *contest)
{
	const struct options *options = contest->options;

	printf("{\"rw\": \"%s\", \"read_percent\": %u, \"bs\": %u, \"qd\": %u, \"connections\": "
	       "%u, \"pairs\": %u, \"a\": ",
	       options->pattern->word,
	       options->read_percent,
	       options->block_bytes,
	       options->depth,
	       options->connections,
	       contest->pairs);
	print_json_side(contest, &contest->sides[0]);
	printf(", \"b\": ");
	print_json_side(contest, &contest->sides[1]);
	print_json_spread("iops_ratio", contest->iops_ratio);
	print_json_spread("p99_ratio", contest->p99_ratio);
	if (options->ceiling)
		printf(", \"ceiling_iops\": %.1f}\n", contest->ceiling_iops);
	else
		printf(", \"ceiling_iops\": null}\n");
}

void verdict_print(const struct contest *contest)
{
	if (contest->options->json)
		print_json(contest);
	else
		print_text(contest);
	fflush(stdout);
}
