/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

static const char *const words[] = {"err", "warn", "info", "debug"};
static const int syslog_levels[] = {3, 4, 6, 7};

static char process_name[32] = "nvmetd";
static atomic_int level_shown = LOG_LEVEL_INFO;
static bool to_journal;

void log_open(const char *process)
{
	const char *level = getenv("NVMETD_LOG");

	snprintf(process_name, sizeof(process_name), "%s", process);
	to_journal = getenv("JOURNAL_STREAM") != NULL;
	if (level)
		log_set_level(level);
}

bool log_set_level(const char *word)
{
	for (int i = 0; i < 4; i++) {
		if (strcmp(word, words[i]) != 0)
			continue;
		level_shown = i;
		return true;
	}
	return false;
}

bool log_is_debug(void)
{
	return level_shown >= LOG_LEVEL_DEBUG;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1001];
	int length;
	va_list arguments;

	if ((int)level > level_shown)
		return;
	if (to_journal)
		length = snprintf(line, sizeof(line), "<%d>", syslog_levels[level]);
	else
		length = snprintf(line, sizeof(line), "%s %s: ", words[level], process_name);
	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
	va_end(arguments);
	if (length > (int)sizeof(line) - 1)
		length = (int)sizeof(line) - 1;
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return; /* a line that cannot be written is lost */
}

const char *log_safe(char *buffer, size_t buffer_size, const void *text, size_t length)
{
	const unsigned char *from = text;
	size_t used = 0;

	for (size_t i = 0; i < length && from[i]; i++) {
		bool plain = from[i] >= ' ' && from[i] < 0x7f && from[i] != '\\';

		if (used + (plain ? 1 : 4) >= buffer_size)
			break;
		if (plain)
			buffer[used++] = (char)from[i];
		else
			used += (size_t)snprintf(buffer + used, 5, "\\x%02x", from[i]);
	}
	buffer[used] = '\0';
	return buffer;
}

bool log_allowed(struct log_limit *limit, unsigned burst, unsigned interval_ms)
{
	long long now_ms = (long long)(clock_now_ns() / 1000000);

	if (limit->count == 0 || now_ms - limit->since_ms >= (long long)interval_ms) {
		limit->since_ms = now_ms;
		limit->count = 0;
	}
	if (limit->count >= burst)
		return false;
	limit->count++;
	return true;
}
