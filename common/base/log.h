/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * log - lines for an operator, on stderr.
 *
 * Shape     `level process: object: what happened: why`, no full stop. Under systemd (its
 *           JOURNAL_STREAM is set) the level is said as <3> … <7> in front.
 * Promise   One write() a line, cut at 1,000 bytes. What cannot be written is lost; so is what
 *           nobody reads: a line waits 100 ms at most, and those after it not at all, until there
 *           is room again and their number has been said.
 *           err: an operator must act. warn: something was refused or lost. info: the life of
 *           long-lived objects. debug: state changes. The data path logs nothing.
 * Trust     Bytes that came from a host are never printed raw: pass them through log_safe().
 * Threads   any, after log_open()
 * Lifetime  of the process
 */
enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Names the process; reads the level from NVMETD_LOG (err, warn, info, debug), info without. */
void log_open(const char *process);

/* False for a word that names no level. */
bool log_set_level(const char *word);

#define log_err(...)  log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_is_debug())                                                                \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__);                                    \
	} while (0)

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool log_is_debug(void);

/* The text with everything but printable ASCII escaped, cut to fit; at most `length` bytes of
 * text are read, up to its NUL. Returns buffer. */
const char *log_safe(char *buffer, size_t buffer_size, const void *text, size_t length);

/* Lets through `burst` lines in `interval_ms`, then stays silent until the interval is over.
 * Zeroed at first; one per object that may repeat itself. Not for two threads at once. */
struct log_limit {
	long long since_ms;
	unsigned count;
};

bool log_allowed(struct log_limit *limit, unsigned burst, unsigned interval_ms);
