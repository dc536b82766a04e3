/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/trace_summary.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/nvme/spec.h"
#include "services/ctl/table.h"

/* Of one kind; 28 MB. */
#define DURATIONS_MAX (1u << 20)

/* ------------------------------------------------------------------ records */

static enum trace_kind kind_of_write(const struct trace_record *record, bool is_direct)
{
	if (record->flags & TRACE_FETCHED)
		return is_direct ? TRACE_KIND_WRITE_FETCHED_DIRECT : TRACE_KIND_WRITE_FETCHED;
	return is_direct ? TRACE_KIND_WRITE_DIRECT : TRACE_KIND_WRITE;
}

enum trace_kind trace_kind_of(const struct trace_record *record)
{
	bool is_direct = record->flags & TRACE_DIRECT;

	switch (record->opcode) {
	case NVME_IO_READ:
		return is_direct ? TRACE_KIND_READ_DIRECT : TRACE_KIND_READ;
	case NVME_IO_WRITE:
		return kind_of_write(record, is_direct);
	case NVME_IO_FLUSH:
		return is_direct ? TRACE_KIND_FLUSH_DIRECT : TRACE_KIND_FLUSH;
	default:
		return TRACE_KIND_OTHER;
	}
}

static bool is_direct(enum trace_kind kind)
{
	return kind >= TRACE_KIND_READ_DIRECT;
}

bool trace_kind_has(enum trace_kind kind, unsigned stage)
{
	return !is_direct(kind) || (stage != TRACE_PUT && stage != TRACE_BACK);
}

static unsigned stage_before(enum trace_kind kind, unsigned stage)
{
	do
		stage--;
	while (!trace_kind_has(kind, stage));
	return stage;
}

static const char *meaning(enum trace_kind kind, enum trace_stage stage)
{
	if (is_direct(kind) && stage == TRACE_TOOK)
		return "the transport has room, and begins to do it by itself";
	if (is_direct(kind) && stage == TRACE_DONE)
		return "it has done it";
	return trace_stage_meaning(stage);
}

const char *trace_kind_word(enum trace_kind kind)
{
	static const char *const words[] = {
#define X(name, word) [TRACE_KIND_##name] = word,
		TRACE_KINDS(X)
#undef X
	};

	return words[kind];
}

static bool is_whole(const struct trace_record *record, enum trace_kind kind)
{
	uint64_t before_ns = 1;

	for (unsigned i = 0; i < TRACE_N_STAGES; i++) {
		if (!trace_kind_has(kind, i))
			continue;
		if (record->at_ns[i] < before_ns)
			return false;
		before_ns = record->at_ns[i];
	}
	return true;
}

static bool make_room(struct trace_durations *durations)
{
	size_t room = durations->room ? 2 * durations->room : 1024;

	if (durations->n < durations->room)
		return true;
	if (room > DURATIONS_MAX)
		return false;
	for (unsigned i = 0; i < TRACE_N_STAGES; i++) {
		uint32_t *more = reallocarray(durations->ns[i], room, sizeof(*more));

		if (!more)
			return false;
		durations->ns[i] = more;
	}
	durations->room = room;
	return true;
}

static uint32_t duration(const struct trace_record *record, unsigned from, unsigned to)
{
	uint64_t ns = record->at_ns[to] - record->at_ns[from];

	return ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

void trace_summary_add(struct trace_summary *summary, const struct trace_record *record)
{
	enum trace_kind kind = trace_kind_of(record);
	struct trace_durations *durations = &summary->kinds[kind];

	summary->records++;
	if (record->flags & TRACE_UNSOUND) {
		summary->unsound++;
		return;
	}
	if (!is_whole(record, kind)) {
		summary->partial++;
		return;
	}
	if (!make_room(durations)) {
		summary->not_kept++;
		return;
	}
	durations->ns[0][durations->n] = duration(record, 0, TRACE_N_STAGES - 1);
	for (unsigned i = 1; i < TRACE_N_STAGES; i++)
		if (trace_kind_has(kind, i))
			durations->ns[i][durations->n] = duration(record, stage_before(kind, i), i);
	durations->n++;
	durations->bytes += record->bytes;
	durations->in_flight += record->in_flight;
	durations->errors += record->status != 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* The least of them that so many percent are not above. */
static uint32_t percentile(const uint32_t *sorted, size_t n, unsigned percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

struct trace_figures trace_summary_figures(struct trace_summary *summary, enum trace_kind kind,
                                           unsigned step)
{
	struct trace_durations *durations = &summary->kinds[kind];
	uint32_t *ns = durations->ns[step];
	size_t n = durations->n;
	double sum = 0;

	qsort(ns, n, sizeof(*ns), compare);
	for (size_t i = 0; i < n; i++)
		sum += ns[i];
	return (struct trace_figures){
		.p50_ns = percentile(ns, n, 50),
		.p90_ns = percentile(ns, n, 90),
		.p99_ns = percentile(ns, n, 99),
		.max_ns = ns[n - 1],
		.mean_ns = sum / (double)n,
	};
}

void trace_summary_free(struct trace_summary *summary)
{
	for (unsigned kind = 0; kind < TRACE_N_KINDS; kind++)
		for (unsigned i = 0; i < TRACE_N_STAGES; i++)
			free(summary->kinds[kind].ns[i]);
	*summary = (struct trace_summary){0};
}

/* ------------------------------------------------------------------ text */

static void add_us(struct table *table, double ns)
{
	table_add(table, "%.1f", ns / 1000);
}

static void add_row(struct table *table, const char *stage, const char *meaning,
                    const struct trace_figures *figures, double whole_ns)
{
	table_add(table, "%s", stage);
	add_us(table, figures->p50_ns);
	add_us(table, figures->p90_ns);
	add_us(table, figures->p99_ns);
	add_us(table, figures->mean_ns);
	table_add(table, "%.0f %%", whole_ns > 0 ? 100 * figures->mean_ns / whole_ns : 0);
	table_add(table, "%s", meaning);
}

static void print_kind(FILE *out, struct trace_summary *summary, enum trace_kind kind)
{
	const struct trace_durations *durations = &summary->kinds[kind];
	struct trace_figures whole = trace_summary_figures(summary, kind, 0), step;
	double n = (double)durations->n;
	struct table table;

	fprintf(out,
	        "\n%s: %zu commands of %.1f KiB, %.1f in flight, %llu errors; microseconds since "
	        "the stage before\n",
	        trace_kind_word(kind),
	        durations->n,
	        (double)durations->bytes / n / 1024,
	        (double)durations->in_flight / n,
	        (unsigned long long)durations->errors);
	table_begin(&table, "stage|p50|p90|p99|mean|share|what");
	for (unsigned i = 1; i < TRACE_N_STAGES; i++) {
		if (!trace_kind_has(kind, i))
			continue;
		step = trace_summary_figures(summary, kind, i);
		add_row(&table, trace_stage_word(i), meaning(kind, i), &step, whole.mean_ns);
	}
	add_row(&table, "whole", "from \"seen\" to \"sent\"", &whole, whole.mean_ns);
	table_print(&table, out, 2);
}

void trace_summary_print_text(FILE *out, struct trace_summary *summary)
{
	fprintf(out,
	        "one in %u I/O commands of %u reactors, for %u s: %llu records (%llu lost, %llu "
	        "missed, %llu not through all stages, %llu unsound, %llu not kept)\n",
	        summary->every,
	        summary->reactors,
	        summary->seconds,
	        (unsigned long long)summary->records,
	        (unsigned long long)summary->lost,
	        (unsigned long long)summary->missed,
	        (unsigned long long)summary->partial,
	        (unsigned long long)summary->unsound,
	        (unsigned long long)summary->not_kept);
	for (unsigned kind = 0; kind < TRACE_N_KINDS; kind++)
		if (summary->kinds[kind].n > 0)
			print_kind(out, summary, kind);
}

/* ------------------------------------------------------------------ JSON */

static json_t *json_of_step(struct trace_summary *summary, enum trace_kind kind, unsigned step)
{
	struct trace_figures figures = trace_summary_figures(summary, kind, step);

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}",
	                 "stage",
	                 step == 0 ? "whole" : trace_stage_word(step),
	                 "p50_ns",
	                 (json_int_t)figures.p50_ns,
	                 "p90_ns",
	                 (json_int_t)figures.p90_ns,
	                 "p99_ns",
	                 (json_int_t)figures.p99_ns,
	                 "max_ns",
	                 (json_int_t)figures.max_ns,
	                 "mean_ns",
	                 (json_int_t)figures.mean_ns);
}

static json_t *json_of_kind(struct trace_summary *summary, enum trace_kind kind)
{
	const struct trace_durations *durations = &summary->kinds[kind];
	json_t *stages = json_array();

	for (unsigned i = 1; durations->n > 0 && i <= TRACE_N_STAGES; i++)
		if (trace_kind_has(kind, i % TRACE_N_STAGES))
			json_array_append_new(stages,
			                      json_of_step(summary, kind, i % TRACE_N_STAGES));
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}",
	                 "kind",
	                 trace_kind_word(kind),
	                 "commands",
	                 (json_int_t)durations->n,
	                 "bytes",
	                 (json_int_t)durations->bytes,
	                 "in_flight",
	                 (json_int_t)durations->in_flight,
	                 "errors",
	                 (json_int_t)durations->errors,
	                 "stages",
	                 stages);
}

bool trace_summary_print_json(FILE *out, struct trace_summary *summary)
{
	json_t *kinds = json_array(), *whole;
	bool good;

	for (unsigned kind = 0; kind < TRACE_N_KINDS; kind++)
		json_array_append_new(kinds, json_of_kind(summary, kind));
	whole = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
	                  "seconds",
	                  (json_int_t)summary->seconds,
	                  "every",
	                  (json_int_t)summary->every,
	                  "reactors",
	                  (json_int_t)summary->reactors,
	                  "records",
	                  (json_int_t)summary->records,
	                  "lost",
	                  (json_int_t)summary->lost,
	                  "missed",
	                  (json_int_t)summary->missed,
	                  "partial",
	                  (json_int_t)summary->partial,
	                  "unsound",
	                  (json_int_t)summary->unsound,
	                  "not_kept",
	                  (json_int_t)summary->not_kept,
	                  "kinds",
	                  kinds);
	good = whole && json_dumpf(whole, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
	json_decref(whole);
	if (!good)
		fprintf(stderr, "nvmetctl: no memory for the answer, or it cannot be written\n");
	return good;
}
