/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "services/state/json_place.h"

/*
 * report - what is wrong with a configuration, for the operator.
 *
 * Shape     Lines "FILE:LINE: PLACE: what is wrong", or, of an edit, "PATH: ATTRIBUTE: what is
 *           wrong", errors and warnings apart.
 * Promise   Keeps the first REPORT_LINES of each kind and counts the rest.
 * Trust     what is quoted from the file is escaped and cut
 * Threads   one
 * Lifetime  report_deinit(); file and text are the caller's and outlive it
 */
#define REPORT_LINES 50

struct report_lines {
	char *line[REPORT_LINES]; /* NULL: there was no memory for it */
	unsigned count;           /* may be more than REPORT_LINES */
};

struct object_tree;
struct shape_probe;

struct report {
	const char *file; /* NULL: of an edit */
	/* Of an edit: names what is wrong as "/ports/1: addr traddr", where there is no line */
	const struct object_tree *tree;
	struct shape_probe *probe; /* NULL, or only what may be there is of interest: shape.h */
	const char *text;          /* to find lines in; NULL: there is none */
	struct report_lines errors;
	struct report_lines warnings;
	/* Of what an earlier release took, which is in force: what is refused now is mended */
	bool mends;
	bool lacks_memory; /* what is said to be wrong may be right */
};

void report_deinit(struct report *report);

void report_error(struct report *report, const struct json_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning(struct report *report, const struct json_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_out_of_memory(struct report *report, const struct json_place *place);
/* Where the line is known already. */
void report_error_at(struct report *report, int line, const char *words);

/* Of an edit: about the object at the path. */
void report_error_of(struct report *report, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What a message calls another object by. */
#define REPORT_PLACE_SIZE 320
const char *report_place(const struct report *report, char buffer[static REPORT_PLACE_SIZE],
                         const struct json_place *place);

static inline bool report_is_of_file(const struct report *report)
{
	return !report->tree;
}

static inline bool report_is_good(const struct report *report)
{
	return report->errors.count == 0;
}

static inline unsigned report_kept(const struct report_lines *lines)
{
	return lines->count < REPORT_LINES ? lines->count : REPORT_LINES;
}
