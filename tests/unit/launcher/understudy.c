/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays the part of a service in tests of the launcher. What it does stands in the file
 * RUN_DIR/NAME.does, where a word in front says how often: "once" removes the file first.
 *
 *   (no file)  is ready, gives signs of life, and ends on SIGTERM or SIGHUP
 *   refuse     ends with 2
 *   fail       ends with 1 before it is ready
 *   crash      is ready, then ends by SIGABRT
 *   hang       is ready, then says nothing
 *   mute       does not even say that it is ready
 *   stubborn   is ready, gives signs of life, and does not end on SIGTERM or SIGHUP
 *   leave      is ready, then ends with 0
 *   store      stores a descriptor with a text in it, then ends with 1
 *
 * Each start, end and inheritance is a line in RUN_DIR/trace.
 */
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/proc/store.h"

static const char *name, *run_dir = ".";
static volatile sig_atomic_t is_told_to_stop;

static void stop(int signal)
{
	is_told_to_stop = signal;
}

static void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void trace(const char *format, ...)
{
	char path[200], line[300];
	int length = snprintf(line, sizeof(line), "%s ", name);
	va_list arguments;
	int fd;

	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
	va_end(arguments);
	line[length++] = '\n';
	snprintf(path, sizeof(path), "%s/trace", run_dir);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)length) < 0)
		exit(3);
	close(fd);
}

/* What to do, once or always; "" without a file. */
static void read_part(char ret_part[16])
{
	char path[200], often[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.does", run_dir, name);
	file = fopen(path, "re");
	ret_part[0] = '\0';
	if (!file)
		return;
	if (fscanf(file, "%15s %15s", often, ret_part) != 2)
		exit(3);
	fclose(file);
	if (strcmp(often, "once") == 0)
		unlink(path);
}

static void trace_inheritance(void)
{
	char text[64] = "";
	int fd;

	store_open();
	fd = store_take("memory");
	if (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0)
		trace("inherited %s", text);
	if (store_take("dropped") >= 0)
		trace("inherited what was dropped");
	store_close();
}

static void store_some(void)
{
	int fd = memfd_create("understudy", MFD_CLOEXEC);

	if (fd < 0 || dprintf(fd, "from-%d", getpid()) < 0)
		exit(3);
	if (store_put("dropped", fd) < 0 || store_put("memory", fd) < 0)
		exit(3);
	store_drop("dropped");
}

static void live(bool gives_signs, bool ends)
{
	while (!is_told_to_stop || !ends) {
		if (gives_signs)
			sd_notify(0, "WATCHDOG=1");
		usleep(20000);
	}
	trace("stopped by %d", (int)is_told_to_stop);
}

static int play(const char *part)
{
	if (strcmp(part, "refuse") == 0)
		return 2;
	if (strcmp(part, "fail") == 0)
		return 1;
	if (strcmp(part, "mute") == 0)
		live(false, true);
	if (strcmp(part, "store") == 0) {
		store_some();
		return 1;
	}
	sd_notify(0, "READY=1\nSTATUS=on stage");
	if (strcmp(part, "crash") == 0)
		abort();
	if (strcmp(part, "leave") == 0)
		return 0;
	live(strcmp(part, "hang") != 0, strcmp(part, "hang") != 0 && strcmp(part, "stubborn") != 0);
	return 0;
}

int main(int argc, char **argv)
{
	char part[16];

	name = strchr(basename(argv[0]), '-');
	name = name ? name + 1 : "understudy";
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--run-dir") == 0)
			run_dir = argv[i + 1];
		if (strcmp(argv[i], "--name") == 0)
			name = argv[i + 1];
	}
	signal(SIGTERM, stop);
	signal(SIGHUP, stop);
	trace("started %d", getpid());
	trace_inheritance();
	read_part(part);
	return play(part);
}
