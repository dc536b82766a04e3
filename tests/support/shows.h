/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * shows - what of the specifications a test shows.
 *
 * Shape     shows("Base 2.1 §5.1.12.1.5", "what we do") as the last statement of a test. Both are
 *           literals: tests/conformance/generate reads them from the source, and makes
 *           docs/CONFORMANCE.md of them.
 * Promise   In a run with NVMETD_SHOWN=FILE the test that came so far is a line of FILE, by which
 *           tests/conformance/verify sees that each row of the table was shown.
 * Trust     ours
 * Threads   any: one write(2) a line
 * Lifetime  none
 */
#define shows(clause, what) shows_record(__FILE__, __func__, "" clause, "" what)

/* From the last "tests/" of it on. */
static inline const char *shows_file(const char *path)
{
	const char *from = path, *next = path;

	while ((next = strstr(next, "tests/")))
		from = next++;
	return from;
}

static inline void shows_record(const char *file, const char *test, const char *clause,
                                const char *what)
{
	size_t name = strlen(test);
	const char *path = getenv("NVMETD_SHOWN");
	char line[1024];
	int length, fd;

	if (!path)
		return;
	if (name > 3 &&
	    strcmp(test + name - 3, "_fn") == 0) /* Check makes it of START_TEST(name) */
		name -= 3;
	length = snprintf(line,
	                  sizeof(line),
	                  "%s\t%.*s\t%s\t%s\n",
	                  shows_file(file),
	                  (int)name,
	                  test,
	                  clause,
	                  what);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	if (length > 0 && (size_t)length < sizeof(line) && write(fd, line, (size_t)length) < 0)
		perror(path);
	close(fd);
}
