/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/options.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/bench/flags.h"
#include "tests/bench/help.h"
#include "tests/bench/words.h"

#define KATO_LEAST_MS 10000u /* of compare: a side rests for a few turns of a second */
#define LADDER                                                                                     \
	{                                                                                          \
		1, 2, 4, 8, 16, 32, 64, 128                                                        \
	} /* the depths of a plot */

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "nvmetd-bench: %s: \"%s\"\nTry nvmetd-bench --help\n", what, value);
	return OPTIONS_E_USAGE;
}

static bool take_target(struct options *options, int which, const char *value)
{
	unsigned seconds;

	switch (which) {
	case FLAG_TRADDR:
		options->host.address.traddr = value;
		return true;
	case FLAG_TRSVCID:
		options->host.address.trsvcid = value;
		return true;
	case FLAG_NQN:
		options->host.subnqn = value;
		return strlen(value) <= NVME_NQN_MAX;
	case FLAG_HOSTNQN:
		options->host.hostnqn = value;
		return strlen(value) <= NVME_NQN_MAX;
	case FLAG_NSID:
		return words_unsigned(value, 1, NVME_NSID_ALL - 1, &options->nsid);
	case FLAG_HDGST:
		options->host.wishes.header_digest = true;
		return true;
	case FLAG_DDGST:
		options->host.wishes.data_digest = true;
		return true;
	case FLAG_SQFLOW:
		options->host.disable_sqflow = true;
		return true;
	case FLAG_KATO:
		if (!words_unsigned(value, 0, 3600, &seconds))
			return false;
		options->host.kato_ms = seconds * 1000;
		return true;
	}
	return false;
}

static bool take_load(struct options *options, int which, const char *value)
{
	uint64_t bytes;

	switch (which) {
	case FLAG_RW:
		return words_patterns(value, options->patterns, &options->n_patterns);
	case FLAG_MIX:
		return words_unsigned(value, 0, 100, &options->mix_percent);
	case FLAG_BS:
		if (!words_number(value, true, 512, 64 << 20, &bytes))
			return false;
		options->block_bytes = (uint32_t)bytes;
		return true;
	case FLAG_QD:
		return words_list(
			value, 1, 1024, OPTIONS_DEPTHS, options->depths, &options->n_depths);
	case FLAG_CONNECTIONS:
		return words_unsigned(value, 1, 128, &options->connections);
	case FLAG_LOCKSTEP:
		options->lockstep = true;
		return true;
	case FLAG_IOS:
		return words_number(value, true, 1, UINT64_MAX, &options->ios);
	case FLAG_SECONDS:
		return words_unsigned(value, 1, 1000000, &options->seconds);
	case FLAG_WARMUP:
		return words_unsigned(value, 0, 3600, &options->warmup_seconds);
	case FLAG_REGION:
		return words_number(value, true, 512, UINT64_MAX, &options->region_bytes);
	case FLAG_R2T:
		options->transfer = true;
		return true;
	case FLAG_SEED:
		return words_number(value, false, 0, UINT64_MAX, &options->seed);
	case FLAG_CPU:
		return words_cpu(value, &options->cpu);
	case FLAG_TARGET_CPU:
		return words_cpu(value, &options->target_cpu);
	}
	return false;
}

static bool take_switch(struct options *options, int which, const char *value)
{
	switch (which) {
	case FLAG_VERIFY:
		options->verify = true;
		return true;
	case FLAG_RECONNECT:
		options->reconnect_seconds = 60;
		return !value || words_unsigned(value, 1, 3600, &options->reconnect_seconds);
	case FLAG_IO_TIMEOUT:
		return words_unsigned(value, 1, 3600, &options->io_timeout_seconds);
	case FLAG_CEILING:
		options->ceiling = true;
		return true;
	case FLAG_JSON:
		options->json = true;
		return true;
	}
	return false;
}

static bool take_compare(struct options *options, int which, const char *value)
{
	switch (which) {
	case FLAG_PAUSE_A:
		options->pause_a = value;
		return true;
	case FLAG_PAUSE_B:
		options->pause_b = value;
		return true;
	case FLAG_TREE:
		options->has_tree = true;
		return true;
	case FLAG_SVG:
		options->svg = value;
		return true;
	}
	return false;
}

static bool take(struct options *options, int which, const char *value)
{
	if (which <= FLAG_KATO)
		return take_target(options, which, value);
	if (which <= FLAG_CPU || which == FLAG_TARGET_CPU)
		return take_load(options, which, value);
	if (which <= FLAG_JSON)
		return take_switch(options, which, value);
	return take_compare(options, which, value);
}

/* The last CPU that we may use, if there are two. */
static int default_cpu(void)
{
	cpu_set_t set;
	int last = -1;

	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < 2)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &set))
			last = i;
	return last;
}

static int check_load(const struct options *options)
{
	if (options->block_bytes % 512)
		return usage("--bs is no multiple of 512", "");
	if (options->ceiling && options->reconnect_seconds)
		return usage("--ceiling compares undisturbed loads, so not with", "--reconnect");
	if (options->ceiling && options->lockstep)
		return usage("--ceiling keeps --qd I/Os in flight, so not with", "--lockstep");
	if (options->ceiling && options->ios)
		return usage("--ceiling takes turns of some time, so not with", "--ios");
	return 0;
}

static int check_single(const struct options *options)
{
	if (!options->host.address.traddr)
		return usage("an option is missing", "--traddr");
	if (!options->host.subnqn)
		return usage("an option is missing", "--nqn");
	if (options->n_patterns > 1 || options->n_depths > 1)
		return usage("a list is only for", "nvmetd-bench compare");
	return 0;
}

static int check_compare(const struct options *options)
{
	if (!options->b)
		return usage(
			"compare takes two targets",
			"nvmetd-bench compare A B, each [NAME=]TRADDR[:TRSVCID]/SUBNQN[/NSID]");
	if (options->host.kato_ms && options->host.kato_ms < KATO_LEAST_MS)
		return usage("one side rests while the other is measured, so not with a --kato of "
		             "less than",
		             "10");
	if (options->has_tree && !options->pause_a && !options->pause_b)
		return usage("--tree is of --pause-a and --pause-b, and there is no",
		             "--pause-...");
	return 0;
}

/* An option that was given, and that the verb does not have; NULL: none. */
static const char *find_foreign(bool is_compare, uint64_t given)
{
	static const uint8_t single[] = {FLAG_TRADDR,
	                                 FLAG_TRSVCID,
	                                 FLAG_NQN,
	                                 FLAG_NSID,
	                                 FLAG_IOS,
	                                 FLAG_VERIFY,
	                                 FLAG_RECONNECT,
	                                 0};
	static const uint8_t compare[] = {FLAG_PAUSE_A, FLAG_PAUSE_B, FLAG_TREE, FLAG_SVG, 0};

	for (const uint8_t *which = is_compare ? single : compare; *which; which++)
		if (given >> *which & 1)
			return flags_name(*which);
	return NULL;
}

static int check(const struct options *options, uint64_t given)
{
	const char *foreign = find_foreign(options->is_compare, given);
	int r;

	if (foreign)
		return usage(options->is_compare ? "compare does not have the option"
		                                 : "only compare has the option",
		             foreign);
	r = options->is_compare ? check_compare(options) : check_single(options);
	return r ? r : check_load(options);
}

void options_choose(struct options *options, unsigned pattern, unsigned depth)
{
	const bool is_mixed = options->patterns[pattern]->read_percent % 100 != 0;

	options->pattern = options->patterns[pattern];
	options->depth = options->depths[depth];
	options->read_percent = options->pattern->read_percent;
	/* of several patterns it means those that mix */
	if (options->mix_percent != OPTIONS_NO_MIX && (is_mixed || options->n_patterns == 1))
		options->read_percent = options->mix_percent;
}

static void complete(struct options *options, uint64_t given)
{
	static const unsigned ladder[] = LADDER;

	if (!options->n_patterns)
		words_patterns("randread", options->patterns, &options->n_patterns);
	if (!options->n_depths && given >> FLAG_SVG & 1) {
		options->n_depths = sizeof(ladder) / sizeof(ladder[0]);
		memcpy(options->depths, ladder, sizeof(ladder));
	} else if (!options->n_depths) {
		options->n_depths = options->depths[0] = 1;
	}
	if (options->verify && !options->region_bytes)
		options->region_bytes = 256 << 20;
	options_choose(options, 0, 0);
}

/* What is no option. */
static int take_rest(struct options *options, int argc, char **argv)
{
	unsigned most = options->is_compare ? 2 : 0;

	if (optind + (int)most < argc)
		return usage("not understood", argv[optind + (int)most]);
	if (options->is_compare) {
		options->a = argv[optind];
		options->b = options->a ? argv[optind + 1] : NULL;
	}
	return 0;
}

int options_parse(struct options *ret_options, int argc, char **argv)
{
	struct options options = {
  /* any_success: it is here to measure targets, not to judge them */
		.host = {.address = {.trsvcid = "4420"},
	                 .wishes = {.any_success = true},
	                 .hostnqn = "nqn.2014-08.org.nvmexpress:uuid:6e766d65-7464-4265-8e63-"
	                            "680000000001", .hostid = "nvmetd-bench-id",
	                 .kato_ms = 15000,
	                 .timeout_ms = 10000},
		.nsid = 1,
		.block_bytes = 4096,
		.mix_percent = OPTIONS_NO_MIX,
		.connections = 1,
		.seconds = 10,
		.io_timeout_seconds = 30,
		.cpu = default_cpu(),
		.target_cpu = -1,
		.seed = clock_now_ns(),
		.is_compare = argc > 1 && !strcmp(argv[1], "compare"),
	};
	char what[64];
	uint64_t given = 0;
	int which;

	optind = options.is_compare ? 2 : 1;
	while ((which = getopt_long(argc, argv, "", flags, NULL)) != -1) {
		if (which == '?')
			return OPTIONS_E_USAGE;
		if (which == FLAG_HELP || which == FLAG_VERSION) {
			fputs(which == FLAG_HELP ? help_text : "nvmetd-bench " NVMETD_VERSION "\n",
			      stdout);
			return OPTIONS_E_DONE;
		}
		snprintf(what, sizeof(what), "--%s cannot be", flags_name(which));
		if (!take(&options, which, optarg))
			return usage(what, optarg);
		given |= UINT64_C(1) << which;
	}
	if (take_rest(&options, argc, argv))
		return OPTIONS_E_USAGE;
	complete(&options, given);
	*ret_options = options;
	return check(&options, given);
}
