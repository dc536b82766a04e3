/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "services/state/object.h"

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
	const char *colon = *place ? ": " : "";
	char *text;
	int r;

	if (lines->count >= REPORT_LINES) {
		lines->count++;
		return;
	}
	r = report_is_of_file(report)
	            ? asprintf(&text, "%s:%u: %s%s%s", report->file, line, place, colon, words)
	            : asprintf(&text, "%s%s%s", place, colon, words);
	if (r < 0)
		text = NULL; /* the words are lost; that there is an error is not */
	lines->line[lines->count++] = text;
}

static void add_at_place(struct report *report, struct report_lines *lines,
                         const struct json_place *place, const char *format, va_list arguments)
{
	char words[512], place_words[REPORT_PLACE_SIZE];
	unsigned line;

	if (lines->count >= REPORT_LINES) { /* to look for its line as well would take too long */
		lines->count++;
		return;
	}
	line = report->text ? json_place_line(report->text, place) : 1;
	vsnprintf(words, sizeof(words), format, arguments);
	add(report, lines, line, report_place(report, place_words, place), words);
}

const char *report_place(const struct report *report, char buffer[static REPORT_PLACE_SIZE],
                         const struct json_place *place)
{
	char words[REPORT_PLACE_SIZE - 44];

	if (report->tree)
		object_place_words(words, sizeof(words), report->tree, place);
	else
		json_place_words(words, sizeof(words), place);
	return log_safe(buffer, REPORT_PLACE_SIZE, words, sizeof(words));
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

void report_error_of(struct report *report, const char *path, const char *format, ...)
{
	char words[512], safe[REPORT_PLACE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	log_safe(safe, sizeof(safe), path, sizeof(safe));
	add(report, &report->errors, 0, safe, words);
}
