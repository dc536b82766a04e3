/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/bench/words.h"
#include "tests/chaos/help.h"
#include "tests/chaos/report.h"
#include "tests/chaos/service.h"

enum flag {
	FLAG_SECONDS = 1,
	FLAG_MINUTES,
	FLAG_SEED,
	FLAG_EVERY,
	FLAG_OVERLAP,
	FLAG_FAULTS,
	FLAG_LOADS,
	FLAG_SCHEDULE,
	FLAG_PRINT_SCHEDULE,
	FLAG_LIST,
	FLAG_RATE,
	FLAG_REGION,
	FLAG_PATIENCE,
	FLAG_WATCHDOG,
	FLAG_RECONNECT,
	FLAG_KATO,
	FLAG_CLOCK,
	FLAG_TRADDR,
	FLAG_TRSVCID,
	FLAG_NQN,
	FLAG_NSID,
	FLAG_RUN_DIR,
	FLAG_DESTROY,
	FLAG_JSON,
	FLAG_KEEP,
	FLAG_BIN_DIR,
	FLAG_HELP,
	FLAG_VERSION
};

static const struct option flags[] = {
	{"seconds",         required_argument, NULL, FLAG_SECONDS       },
	{"minutes",         required_argument, NULL, FLAG_MINUTES       },
	{"seed",            required_argument, NULL, FLAG_SEED          },
	{"every",           required_argument, NULL, FLAG_EVERY         },
	{"overlap",         required_argument, NULL, FLAG_OVERLAP       },
	{"faults",          required_argument, NULL, FLAG_FAULTS        },
	{"loads",           required_argument, NULL, FLAG_LOADS         },
	{"schedule",        required_argument, NULL, FLAG_SCHEDULE      },
	{"print-schedule",  no_argument,       NULL, FLAG_PRINT_SCHEDULE},
	{"list",            no_argument,       NULL, FLAG_LIST          },
	{"rate",            required_argument, NULL, FLAG_RATE          },
	{"region",          required_argument, NULL, FLAG_REGION        },
	{"patience",        required_argument, NULL, FLAG_PATIENCE      },
	{"watchdog",        required_argument, NULL, FLAG_WATCHDOG      },
	{"reconnect-delay", required_argument, NULL, FLAG_RECONNECT     },
	{"kato",            required_argument, NULL, FLAG_KATO          },
	{"clock",           no_argument,       NULL, FLAG_CLOCK         },
	{"traddr",          required_argument, NULL, FLAG_TRADDR        },
	{"trsvcid",         required_argument, NULL, FLAG_TRSVCID       },
	{"nqn",             required_argument, NULL, FLAG_NQN           },
	{"nsid",            required_argument, NULL, FLAG_NSID          },
	{"run-dir",         required_argument, NULL, FLAG_RUN_DIR       },
	{"destroy-data",    no_argument,       NULL, FLAG_DESTROY       },
	{"json",            required_argument, NULL, FLAG_JSON          },
	{"keep",            no_argument,       NULL, FLAG_KEEP          },
	{"bin-dir",         required_argument, NULL, FLAG_BIN_DIR       },
	{"help",            no_argument,       NULL, FLAG_HELP          },
	{"version",         no_argument,       NULL, FLAG_VERSION       },
	{NULL,              0,                 NULL, 0                  },
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "nvmetd-chaos: %s: \"%s\"\nTry nvmetd-chaos --help\n", what, value);
	return OPTIONS_E_USAGE;
}

static int usage_of(const char *option, const char *value)
{
	fprintf(stderr,
	        "nvmetd-chaos: --%s: \"%s\": cannot be, or is not known here\n"
	        "Try nvmetd-chaos --help, or --list\n",
	        option,
	        value);
	return OPTIONS_E_USAGE;
}
static int misuse(const char *what)
{
	fprintf(stderr, "nvmetd-chaos: %s\nTry nvmetd-chaos --help\n", what);
	return OPTIONS_E_USAGE;
}

/* ------------------------------------------------------------------ lists */

/* The next word of "a,b,c"; false: there is none. */
static bool next_word(const char **list, char *word, size_t size)
{
	size_t length = strcspn(*list, ",");

	if (!**list || !length || length >= size)
		return false;
	memcpy(word, *list, length);
	word[length] = 0;
	*list += length;
	if (**list == ',' && (*list)[1])
		++*list;
	return true;
}

static bool take_faults(struct options *options, const char *list)
{
	char word[64];

	options->n_faults = 0;
	while (next_word(&list, word, sizeof(word))) {
		const struct fault *fault = fault_named(word);

		if (!fault || options->n_faults == OPTIONS_FAULTS)
			return false;
		options->faults[options->n_faults++] = fault;
	}
	return !*list && options->n_faults;
}

static bool take_loads(struct options *options, const char *list)
{
	char word[64];

	options->n_loads = 0;
	while (next_word(&list, word, sizeof(word))) {
		const struct load_kind *kind = load_named(word);

		if (!kind || options->n_loads == LOADS_MAX)
			return false;
		options->loads[options->n_loads++] = kind;
	}
	return !*list && options->n_loads;
}

static void choose_all(struct options *options)
{
	if (!options->n_faults)
		for (unsigned i = 0; i < n_faults; i++)
			if (faults[i]->weight)
				options->faults[options->n_faults++] = faults[i];
	if (!options->n_loads)
		for (unsigned i = 0; i < n_load_kinds; i++)
			if (!load_kinds[i]->is_optional)
				options->loads[options->n_loads++] = load_kinds[i];
}

/* ------------------------------------------------------------------ one by one */

static bool take_run(struct options *options, int flag, const char *value)
{
	switch (flag) {
	case FLAG_SECONDS:
		return words_unsigned(value, 10, 1000000, &options->seconds);
	case FLAG_MINUTES:
		if (!words_unsigned(value, 1, 10000, &options->seconds))
			return false;
		options->seconds *= 60;
		return true;
	case FLAG_SEED:
		options->has_seed = true;
		return words_number(value, false, 0, UINT64_MAX, &options->seed);
	case FLAG_EVERY:
		return words_unsigned(value, 50, 600000, &options->every_ms);
	case FLAG_OVERLAP:
		return words_unsigned(value, 1, 8, &options->overlap);
	case FLAG_FAULTS:
		return take_faults(options, value);
	case FLAG_LOADS:
		return take_loads(options, value);
	case FLAG_RATE:
		return words_unsigned(value, 1, 1000000, &options->rate);
	case FLAG_REGION:
		return words_number(value, true, 1 << 20, 1 << 30, &options->region_bytes);
	case FLAG_PATIENCE:
		return words_unsigned(value, 1, 1000, &options->patience);
	case FLAG_WATCHDOG:
		return words_unsigned(value, 1, 3600, &options->watchdog_s);
	case FLAG_RECONNECT:
		return words_unsigned(value, 1, 60000, &options->reconnect_ms);
	case FLAG_KATO:
		return words_unsigned(value, 1000, 600000, &options->kato_ms);
	}
	return false;
}

static bool take_rest(struct options *options, int flag, const char *value)
{
	switch (flag) {
	case FLAG_SCHEDULE:
		options->schedule = value;
		return true;
	case FLAG_PRINT_SCHEDULE:
		options->prints_schedule = true;
		return true;
	case FLAG_CLOCK:
		options->may_set_clock = true;
		return true;
	case FLAG_TRADDR:
		options->traddr = value;
		return true;
	case FLAG_TRSVCID:
		options->trsvcid = value;
		return strlen(value) < 8;
	case FLAG_NQN:
		options->nqn = value;
		return strlen(value) < 224;
	case FLAG_NSID:
		return words_list(
			value, 1, UINT32_MAX - 1, OPTIONS_NSIDS, options->nsids, &options->n_nsids);
	case FLAG_RUN_DIR:
		options->run_dir = value;
		return strlen(value) < 128;
	case FLAG_DESTROY:
		options->may_destroy_data = true;
		return true;
	case FLAG_JSON:
		options->json = value;
		return true;
	case FLAG_KEEP:
		options->keeps = true;
		return true;
	case FLAG_BIN_DIR:
		options->bin_dir = value;
		return strlen(value) < 250;
	}
	return false;
}

/* ------------------------------------------------------------------ together */

static int serve(int flag)
{
	if (flag == FLAG_HELP)
		fputs(help_text, stdout);
	if (flag == FLAG_VERSION)
		printf("nvmetd-chaos %s\n", NVMETD_VERSION);
	if (flag == FLAG_LIST)
		report_tables(stdout);
	return flag == FLAG_HELP || flag == FLAG_VERSION || flag == FLAG_LIST ? OPTIONS_E_DONE : 0;
}

static int check(struct options *options)
{
	if (!options->traddr && (options->nqn || options->n_nsids || options->run_dir))
		return misuse(
			"--nqn, --nsid and --run-dir are for a target of yours: give --traddr");
	if (options->traddr && (!options->nqn || !options->n_nsids))
		return misuse("--traddr needs --nqn and --nsid");
	if (options->traddr && !options->may_destroy_data)
		return misuse(
			"what the namespaces hold will be lost: give --destroy-data if that is "
			"meant");
	if (!options->watchdog_s)
		options->watchdog_s = options->traddr ? 10 : 5;
	return 0;
}

static uint64_t seed_of_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int options_parse(struct options *ret_options, int argc, char **argv)
{
	struct options options = {
		.seconds = 60,
		.every_ms = 2000,
		.overlap = 2,
		.patience = 1,
		.rate = 1000,
		.region_bytes = 4 << 20,
		.reconnect_ms = 200,
		.kato_ms = 4000,
		.trsvcid = "4420",
	};
	int place = 0, flag, r;

	while ((flag = getopt_long(argc, argv, "", flags, &place)) >= 0) {
		if (flag == '?')
			return misuse("that is no option, or its value is missing");
		r = serve(flag);
		if (r)
			return r;
		if (!take_run(&options, flag, optarg) && !take_rest(&options, flag, optarg))
			return usage_of(flags[place].name, optarg ? optarg : "");
	}
	if (optind < argc)
		return usage("what is this?", argv[optind]);
	choose_all(&options);
	if (!options.has_seed)
		options.seed = seed_of_clock();
	r = check(&options);
	if (!r)
		*ret_options = options;
	return r;
}
