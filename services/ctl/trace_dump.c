/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/trace_dump.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/ctl/table.h"
#include "services/ctl/trace_summary.h"

/* Since the last stage before that it came to. */
static void add_stages(struct table *table, const struct trace_record *record)
{
	uint64_t before_ns = record->at_ns[0];

	for (unsigned i = 1; i < TRACE_N_STAGES; i++) {
		uint64_t at_ns = record->at_ns[i];

		if (at_ns == 0) {
			table_add(table, "-");
			continue;
		}
		table_add(table, "%+.1f", (double)(int64_t)(at_ns - before_ns) / 1000);
		before_ns = at_ns;
	}
}

static const char *notes(const struct trace_record *record)
{
	if (record->flags & TRACE_UNSOUND)
		return "unsound";
	return record->puts > 1 ? "put again" : "";
}

static void add_record(struct table *table, const struct trace_record *record)
{
	table_add(table,
	          "%llu.%06llu",
	          (unsigned long long)(record->at_ns[0] / NS_PER_S),
	          (unsigned long long)(record->at_ns[0] % NS_PER_S / NS_PER_US));
	table_add(table, "%llx", (unsigned long long)record->queue);
	table_add(table, "%u", record->qid);
	table_add(table, "%u", record->cid);
	if (trace_kind_of(record) == TRACE_KIND_OTHER)
		table_add(table, "%02xh", record->opcode);
	else
		table_add(table, "%s", trace_kind_word(trace_kind_of(record)));
	table_add(table, "%u", record->nsid);
	table_add(table, "%llu", (unsigned long long)record->first_block);
	table_add(table, "%u", record->bytes);
	table_add(table, "%04xh", record->status);
	table_add(table, "%u", record->in_flight);
	add_stages(table, record);
	table_add(table, "%s", notes(record));
}

static void print_records(FILE *out, const struct trace_record *records, unsigned n)
{
	char headings[256] = "seen (s)|queue|qid|cid|command|nsid|lba|bytes|status|in flight";
	struct table table;

	for (unsigned i = 1; i < TRACE_N_STAGES; i++) {
		strcat(headings, "|");
		strcat(headings, trace_stage_word(i));
	}
	strcat(headings, "|note");
	table_begin(&table, headings);
	for (unsigned i = 0; i < n; i++)
		add_record(&table, &records[i]);
	table_print(&table, out, 2);
}

static void print_origin(FILE *out, const struct trace_file *file, unsigned n)
{
	const struct trace_origin *origin = &file->reader.origin;
	uint64_t written = 0;
	char name[128];

	trace_reader_written(&file->reader, &written);
	fprintf(out,
	        "%s: reactor %u of %s, process %u: %llu records, the last %u; microseconds since "
	        "the stage before\n",
	        file->name,
	        origin->reactor,
	        log_safe(name, sizeof(name), origin->name, strlen(origin->name)),
	        origin->pid,
	        (unsigned long long)written,
	        n);
}

void trace_dump(FILE *out, struct trace_files *files, unsigned last)
{
	_cleanup_(cleanup_free) struct trace_record *records = calloc(TRACE_SLOTS,
	                                                              sizeof(*records));

	if (!records) {
		perror("nvmetctl");
		return;
	}
	for (unsigned i = 0; i < files->n; i++) {
		int r = trace_reader_take(&files->files[i].reader, records, TRACE_SLOTS);
		unsigned n = r < 0 ? 0 : (unsigned)r, shown = n < last ? n : last;

		if (r < 0)
			fprintf(stderr,
			        "nvmetctl: %s: cannot be read: %s\n",
			        files->files[i].name,
			        error_words(r));
		print_origin(out, &files->files[i], shown);
		if (shown > 0)
			print_records(out, records + (n - shown), shown);
	}
}
