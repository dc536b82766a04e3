/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-chaos - verified load on a target while faults befall it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/chaos/chaos.h"
#include "tests/chaos/report.h"

enum { EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_NOT_HERE = 77 };

static void say_how_to_repeat(const struct chaos *chaos, int argc, char **argv)
{
	fprintf(stderr, "nvmetd-chaos: to repeat it:");
	for (int i = 0; i < argc; i++)
		fprintf(stderr, " %s", argv[i]);
	if (!chaos->options.has_seed)
		fprintf(stderr, " --seed %llu", (unsigned long long)chaos->options.seed);
	fprintf(stderr, "\n");
	if (chaos->set.is_own)
		fprintf(stderr, "nvmetd-chaos: the set's files are in %s\n", chaos->set.directory);
}

/* What a repetition from a file needs, beside the set's log. */
static void keep_schedule(const struct chaos *chaos)
{
	FILE *file = chaos->set.is_own ? fopen(set_path(&chaos->set, "schedule"), "we") : NULL;

	if (!file)
		return;
	schedule_write(&chaos->schedule, file);
	fclose(file);
}

static int write_json(struct chaos *chaos)
{
	bool is_out = strcmp(chaos->options.json, "-") == 0;
	FILE *file = is_out ? stdout : fopen(chaos->options.json, "we");

	if (!file) {
		fprintf(stderr, "nvmetd-chaos: \"%s\": %s\n", chaos->options.json, strerror(errno));
		return EXIT_USAGE;
	}
	report_json(chaos, file);
	if (!is_out)
		fclose(file);
	return 0;
}

static int run(struct chaos *chaos, int argc, char **argv)
{
	const char *json = chaos->options.json;
	int r = 0;

	keep_schedule(chaos);
	chaos_run(chaos);
	if (!json || strcmp(json, "-") != 0)
		report_text(chaos, stdout);
	if (json)
		r = write_json(chaos);
	if (chaos->findings.n)
		say_how_to_repeat(chaos, argc, argv);
	return chaos->findings.n ? EXIT_FOUND : r;
}

int main(int argc, char **argv)
{
	static struct chaos chaos; /* large */
	struct options options;
	int r = options_parse(&options, argc, argv);

	if (r)
		return r == OPTIONS_E_DONE ? EXIT_SUCCESS : EXIT_USAGE;
	r = chaos_init(&chaos, &options);
	if (r < 0)
		fprintf(stderr, "nvmetd-chaos: %s\n", strerror(-r));
	if (!r && options.prints_schedule) {
		schedule_write(&chaos.schedule, stdout);
	} else if (!r) {
		fprintf(stderr, "nvmetd-chaos: seed %llu\n", (unsigned long long)options.seed);
		r = run(&chaos, argc, argv);
	} else {
		r = chaos.was_unreachable ? EXIT_NOT_HERE : EXIT_USAGE;
	}
	chaos_deinit(&chaos);
	return r;
}
