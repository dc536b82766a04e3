/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/contest.h"
#include "tests/bench/plot.h"
#include "tests/bench/verdict.h"

/* All of the works. */
struct match {
	struct options options; /* of the work it is at */
	struct target targets[CONTEST_SIDES];
	struct pause pause;
	struct contest contest;
	FILE *svg;
	bool has_made_svg;  /* there was none before */
	bool is_svg_a_file; /* else what has been written cannot be written anew */
	struct plot_panel panels[WORDS_PATTERNS];
	bool has_errors;
};

static struct match match; /* too large for a stack that is to be small */

static int take_targets(const struct options *options)
{
	const char *const texts[CONTEST_SIDES] = {options->a, options->b};
	static const char *const names[CONTEST_SIDES] = {"A", "B"};

	for (unsigned i = 0; i < CONTEST_SIDES; i++) {
		const char *why = target_parse(texts[i], names[i], &match.targets[i]);

		if (!why)
			continue;
		fprintf(stderr,
		        "nvmetd-bench: %s is not a target, \"%s\": %s\n"
		        "It is written [NAME=]TRADDR[:TRSVCID]/SUBNQN[/NSID]\n",
		        names[i],
		        texts[i],
		        why);
		return -EINVAL;
	}
	return 0;
}

/* At the start, as it would be a pity to find at the end that it cannot be written. A plot that is
 * there stays until there is another. */
static int open_svg(const char *path)
{
	struct stat status;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	match.has_made_svg = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	match.is_svg_a_file = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	match.svg = fd < 0 ? NULL : fdopen(fd, "w");
	if (match.svg)
		return 0;
	fprintf(stderr, "nvmetd-bench: --svg %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -EINVAL;
}

/* ------------------------------------------------------------------ the plot */

static void name_panel(struct plot_panel *panel)
{
	const struct options *options = &match.options;
	char work[40], size[16];

	verdict_work(options, work, sizeof(work));
	verdict_size(options, size, sizeof(size));
	snprintf(panel->title, sizeof(panel->title), "%s, %s: latency over IOPS", work, size);
	snprintf(panel->subtitle,
	         sizeof(panel->subtitle),
	         "%u connection%s; beside each point, the I/Os in flight on each; medians of %u "
	         "rounds",
	         options->connections,
	         options->connections == 1 ? "" : "s",
	         match.contest.pairs);
}

static void add_points(struct plot_panel *panel)
{
	name_panel(panel);
	for (unsigned i = 0; i < CONTEST_SIDES; i++) {
		struct plot_side *side = &panel->sides[i];
		const struct contest_round *figures = &match.contest.sides[i].figures;

		side->name = match.targets[i].name;
		side->points[side->n++] = (struct plot_point){.depth = match.options.depth,
		                                              .iops = figures->iops,
		                                              .p50_us = figures->p50_us,
		                                              .p99_us = figures->p99_us};
	}
}

static unsigned drawable_panels(void)
{
	unsigned n = 0;

	while (n < match.options.n_patterns && match.panels[n].sides[0].n)
		n++;
	return n;
}

/* What there is, in place of what was drawn before. */
static void draw(void)
{
	if (match.is_svg_a_file) {
		rewind(match.svg);
		if (ftruncate(fileno(match.svg), 0) < 0)
			return; /* then it cannot be written either, which is said at the end */
	}
	plot_write(match.svg, match.panels, drawable_panels());
	(void)fflush(match.svg);
}

/* After each work, for when we do not come to the end, be it by Ctrl-C. */
static void draw_early(void)
{
	if (match.is_svg_a_file)
		draw();
}

/* What there is, also if a later work has failed. */
static int close_svg(void)
{
	bool has_plot = drawable_panels() > 0, is_bad;

	if (!match.svg)
		return 0;
	if (has_plot)
		draw();
	is_bad = ferror(match.svg);
	is_bad |= fclose(match.svg) != 0;
	match.svg = NULL;
	if (!has_plot && match.has_made_svg)
		unlink(match.options.svg);
	if (is_bad)
		fprintf(stderr, "nvmetd-bench: --svg %s: cannot be written\n", match.options.svg);
	return is_bad ? -EIO : 0;
}

/* ------------------------------------------------------------------ the works */

static void say_who_failed(int r)
{
	unsigned which = match.contest.failed;
	char words[512];

	if (r < 0)
		fprintf(stderr, "nvmetd-bench: %s\n", strerror(-r));
	if (which >= CONTEST_SIDES)
		return;
	target_words(&match.targets[which], words, sizeof(words));
	fprintf(stderr, "nvmetd-bench: that was side %c, %s\n", 'A' + which, words);
}

static int do_work(unsigned pattern, unsigned depth)
{
	int r;

	options_choose(&match.options, pattern, depth);
	r = contest_run(&match.contest, &match.options, match.targets, &match.pause);
	if (r)
		say_who_failed(r);
	else
		verdict_print(&match.contest);
	if (!r && match.svg) {
		add_points(&match.panels[pattern]);
		draw_early();
	}
	for (unsigned i = 0; i < CONTEST_SIDES; i++)
		match.has_errors |= match.contest.sides[i].load.totals.errors > 0;
	contest_deinit(&match.contest);
	return r;
}

static int do_works(void)
{
	int r = 0;

	for (unsigned i = 0; !r && i < match.options.n_patterns; i++)
		for (unsigned j = 0; !r && j < match.options.n_depths; j++)
			r = do_work(i, j);
	return r;
}

int compare(const struct options *options)
{
	int r, written;

	match = (struct match){.options = *options};
	if (take_targets(options))
		return EXIT_USAGE;
	if (open_svg(options->svg) ||
	    pause_init(&match.pause, options->pause_a, options->pause_b, options->has_tree)) {
		pause_deinit(&match.pause);
		(void)close_svg();
		return EXIT_USAGE;
	}
	verdict_begin(options, match.targets);
	r = do_works();
	pause_deinit(&match.pause);
	written = close_svg();
	if (r)
		return r == LOAD_E_UNREACHABLE ? EXIT_UNREACHABLE : EXIT_BAD_IO;
	return written || match.has_errors ? EXIT_BAD_IO : EXIT_SUCCESS;
}
