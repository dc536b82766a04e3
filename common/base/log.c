/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

static const char *const words[] = {"err", "warn", "info", "debug"};
static const int syslog_levels[] = {3, 4, 6, 7};

static char process_name[32] = "nvmetd";
static atomic_int level_shown = LOG_LEVEL_INFO;
static bool to_journal;

/* How long a line waits for a reader who has fallen behind; the lines after it do not, until he
 * reads again. */
#define LOOKS    20u
#define PAUSE_NS (5 * NS_PER_MS)

static atomic_bool is_stuck; /* the last line found no room */
static atomic_uint n_lost;   /* lines, since one was written */

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

/* Whether a pipe takes a line for certain. Its half is left free, since other threads and processes
 * write there as well, between our look and our line. */
static bool pipe_has_room(void)
{
	int size = fcntl(STDERR_FILENO, F_GETPIPE_SZ), used = 0;

	return size < 0 || ioctl(STDERR_FILENO, FIONREAD, &used) < 0 || used <= size / 2;
}

/* stderr shares its O_NONBLOCK with whoever gave it to us, so that is not ours to set. */
static bool has_room(mode_t kind)
{
	struct pollfd poller = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&poller, 1, 0) <= 0)
		return false;
	return !S_ISFIFO(kind) || (poller.revents & POLLERR) || pipe_has_room();
}

static bool await_room(mode_t kind)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (unsigned looks = is_stuck ? 1 : LOOKS; !has_room(kind); nanosleep(&pause, NULL)) {
		if (--looks > 0)
			continue;
		is_stuck = true;
		return false;
	}
	is_stuck = false;
	return true;
}

/* The number of bytes written into the line, before the text. */
static int begin_line(char *line, size_t size, enum log_level level)
{
	return to_journal ? snprintf(line, size, "<%d>", syslog_levels[level])
	                  : snprintf(line, size, "%s %s: ", words[level], process_name);
}

/* Whatever becomes of it. */
static void write_line(mode_t kind, const char *line, int length)
{
	ssize_t n = S_ISSOCK(kind)
	                    ? send(STDERR_FILENO, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL)
	                    : write(STDERR_FILENO, line, (size_t)length);

	(void)n;
}

static void say_lost(mode_t kind, unsigned lines)
{
	char line[128];
	int length = begin_line(line, sizeof(line), LOG_LEVEL_WARN);

	length += snprintf(line + length,
	                   sizeof(line) - (size_t)length,
	                   "log: %u lines are lost: nobody read them\n",
	                   lines);
	write_line(kind, line, length);
}

static void put_line(const char *line, int length)
{
	struct stat file = {0};
	unsigned lost;

	if (fstat(STDERR_FILENO, &file) < 0)
		return;
	if (!await_room(file.st_mode)) {
		atomic_fetch_add(&n_lost, 1);
		return;
	}
	lost = atomic_exchange(&n_lost, 0);
	if (lost > 0)
		say_lost(file.st_mode, lost);
	write_line(file.st_mode, line, length);
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1001];
	int length;
	va_list arguments;

	if ((int)level > level_shown)
		return;
	length = begin_line(line, sizeof(line), level);
	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
	va_end(arguments);
	if (length > (int)sizeof(line) - 1)
		length = (int)sizeof(line) - 1;
	line[length++] = '\n';
	put_line(line, length);
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
