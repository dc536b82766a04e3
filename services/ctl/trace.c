/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wish to have commands traced is made for LEASE_NS and made anew meanwhile, so that it ends
 * however we end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "services/ctl/ctl.h"
#include "services/ctl/trace_dump.h"
#include "services/ctl/trace_files.h"
#include "services/ctl/trace_summary.h"

#define LEASE_NS    (2 * NS_PER_S)
#define LOOK_NS     (5 * NS_PER_MS)
#define AT_ONCE     256u
#define SECONDS     5
#define EVERY       100
#define LAST        20
#define SECONDS_MAX 3600

struct wanted {
	unsigned seconds;
	unsigned every;
	unsigned last;
	bool as_json;
	bool dump;
	bool has_figures; /* --seconds, --every */
	bool has_last;
};

/* ------------------------------------------------------------------ arguments */

static bool take_number(const char *option, const char *text, unsigned max, unsigned *ret_number)
{
	char *end = NULL;
	unsigned long number = text && *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

	if (number >= 1 && number <= max && *end == '\0') {
		*ret_number = (unsigned)number;
		return true;
	}
	fprintf(stderr, "nvmetctl: trace: %s takes a number from 1 to %u\n", option, max);
	return false;
}

/* One option: how many arguments it was; 0: it is wrong, and this was said. */
static int take_option(struct wanted *wanted, char **argv, const char *value)
{
	if (strcmp(argv[0], "--json") == 0) {
		wanted->as_json = true;
		return 1;
	}
	if (strcmp(argv[0], "--dump") == 0) {
		wanted->dump = true;
		return 1;
	}
	if (strcmp(argv[0], "--seconds") == 0) {
		wanted->has_figures = true;
		return take_number(argv[0], value, SECONDS_MAX, &wanted->seconds) ? 2 : 0;
	}
	if (strcmp(argv[0], "--every") == 0) {
		wanted->has_figures = true;
		return take_number(argv[0], value, TRACE_EVERY_MAX, &wanted->every) ? 2 : 0;
	}
	if (strcmp(argv[0], "--last") == 0) {
		wanted->has_last = true;
		return take_number(argv[0], value, TRACE_SLOTS, &wanted->last) ? 2 : 0;
	}
	fprintf(stderr, "nvmetctl: trace: '%s' is not known: see nvmetctl help trace\n", argv[0]);
	return 0;
}

static bool take_arguments(struct wanted *wanted, int argc, char **argv)
{
	for (int i = 0; i < argc;) {
		int n = take_option(wanted, argv + i, i + 1 < argc ? argv[i + 1] : NULL);

		if (n == 0)
			return false;
		i += n;
	}
	if (wanted->dump ? !wanted->as_json && !wanted->has_figures : !wanted->has_last)
		return true;
	fprintf(stderr, "nvmetctl: trace: --dump goes with --last alone, and --last with --dump\n");
	return false;
}

/* ------------------------------------------------------------------ while it runs */

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal)
{
	(void)signal;
	is_interrupted = 1;
}

static void wish(const struct trace_files *files, unsigned every)
{
	uint64_t until_ns = clock_now_ns() + LEASE_NS;

	for (unsigned i = 0; i < files->n; i++) {
		int r = trace_reader_wish(&files->files[i].reader, every, until_ns);

		if (r)
			fprintf(stderr,
			        "nvmetctl: %s: cannot be written: %s\n",
			        files->files[i].name,
			        error_words(r));
	}
}

static void take_records(struct trace_files *files, struct trace_summary *summary)
{
	struct trace_record records[AT_ONCE];

	for (unsigned i = 0; i < files->n; i++) {
		unsigned left = TRACE_SLOTS / AT_ONCE; /* then the next file has its turn */
		int n;

		do {
			n = trace_reader_take(&files->files[i].reader, records, AT_ONCE);
			for (int k = 0; k < n; k++)
				trace_summary_add(summary, &records[k]);
		} while (n > 0 && --left > 0);
	}
}

static uint64_t missed_by_all(const struct trace_files *files)
{
	uint64_t sum = 0, missed;

	for (unsigned i = 0; i < files->n; i++)
		if (trace_reader_missed(&files->files[i].reader, &missed) == 0)
			sum += missed;
	return sum;
}

static void follow(struct trace_files *files, struct trace_summary *summary)
{
	uint64_t end_ns = clock_now_ns() + summary->seconds * NS_PER_S;
	uint64_t missed = missed_by_all(files), wished_ns = 0, now_ns;
	const struct timespec pause = {.tv_nsec = LOOK_NS};

	for (unsigned i = 0; i < files->n; i++)
		trace_reader_skip(&files->files[i].reader);
	while (!is_interrupted && (now_ns = clock_now_ns()) < end_ns) {
		if (now_ns >= wished_ns + LEASE_NS / 4) {
			wish(files, summary->every);
			wished_ns = now_ns;
		}
		nanosleep(&pause, NULL);
		take_records(files, summary);
	}
	wish(files, 0);
	take_records(files, summary);
	for (unsigned i = 0; i < files->n; i++)
		summary->lost += files->files[i].reader.lost;
	summary->missed = missed_by_all(files) - missed;
}

static bool print(const struct wanted *wanted, struct trace_summary *summary)
{
	if (wanted->as_json)
		return trace_summary_print_json(stdout, summary);
	trace_summary_print_text(stdout, summary);
	if (summary->records == 0)
		fprintf(stderr,
		        "nvmetctl: no I/O command came, or fewer than one in %u\n",
		        wanted->every);
	return true;
}

/* ------------------------------------------------------------------ the command */

static bool flush_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	perror("nvmetctl: standard output");
	return false;
}

enum ctl_exit ctl_trace(const struct ctl *ctl, int argc, char **argv)
{
	struct wanted wanted = {.seconds = SECONDS, .every = EVERY, .last = LAST};
	_cleanup_(trace_files_close) struct trace_files files = {0};
	_cleanup_(trace_summary_free) struct trace_summary summary = {0};
	bool good = true;

	if (!take_arguments(&wanted, argc, argv))
		return CTL_USAGE;
	if (!trace_files_open(&files, ctl->run_dir, !wanted.dump))
		return CTL_UNREACHABLE;
	if (wanted.dump) {
		trace_dump(stdout, &files, wanted.last);
	} else {
		signal(SIGINT, interrupt); /* then what has come is printed */
		summary.seconds = wanted.seconds;
		summary.every = wanted.every;
		summary.reactors = files.n;
		follow(&files, &summary);
		good = print(&wanted, &summary);
	}
	return good && flush_output() ? CTL_GOOD : CTL_FAILED;
}
