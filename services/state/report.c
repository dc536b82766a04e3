/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"

void report_deinit(struct report *report)
{
	for (unsigned i = 0; i < report_kept(&report->errors); i++)
		free(report->errors.line[i]);
	for (unsigned i = 0; i < report_kept(&report->warnings); i++)
		free(report->warnings.line[i]);
	report->errors.count = 0;
	report->warnings.count = 0;
}

static void add(struct report *report, struct report_lines *lines, unsigned line, const char *place,
                const char *words)
{
	char *text;

	if (lines->count >= REPORT_LINES) {
		lines->count++;
		return;
	}
	if (asprintf(&text, "%s:%u: %s%s%s", report->file, line, place, *place ? ": " : "", words) <
	    0)
		text = NULL; /* the words are lost; that there is an error is not */
	lines->line[lines->count++] = text;
}

static void add_at_place(struct report *report, struct report_lines *lines,
                         const struct json_place *place, const char *format, va_list arguments)
{
	char words[512], place_words[256], place_safe[300];
	unsigned line;

	if (lines->count >= REPORT_LINES) { /* to look for its line as well would take too long */
		lines->count++;
		return;
	}
	line = report->text ? json_place_line(report->text, place) : 1;
	vsnprintf(words, sizeof(words), format, arguments);
	json_place_words(place_words, sizeof(place_words), place);
	log_safe(place_safe, sizeof(place_safe), place_words, sizeof(place_words));
	add(report, lines, line, place_safe, words);
}

void report_error(struct report *report, const struct json_place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_at_place(report, &report->errors, place, format, arguments);
	va_end(arguments);
}

void report_out_of_memory(struct report *report, const struct json_place *place)
{
	report->lacks_memory = true;
	report_error(report, place, "there is not enough memory for it");
}

void report_warning(struct report *report, const struct json_place *place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_at_place(report, &report->warnings, place, format, arguments);
	va_end(arguments);
}

void report_error_at(struct report *report, int line, const char *words)
{
	char safe[512];

	log_safe(safe, sizeof(safe), words, sizeof(safe));
	add(report, &report->errors, line > 0 ? (unsigned)line : 1, "", safe);
}
