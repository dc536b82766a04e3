/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/apply.h"
#include "services/state/hold.h"
#include "services/state/reconcile.h"

#define CONFIG_FILE_MAX ((size_t)8 << 20)

/* ------------------------------------------------------------------ the file of --config */

static int read_all(int fd, char *text, size_t most, size_t *ret_length)
{
	size_t length = 0;

	while (length < most) {
		ssize_t n = read(fd, text + length, most - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_origin(-errno);
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

int startup_read_file(const char *path, size_t most, char **ret_text)
{
	_cleanup_(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(cleanup_free) char *text = NULL;
	size_t length = 0;
	int r;

	if (fd < 0)
		return error_origin(-errno);
	text = malloc(most + 1);
	if (!text)
		return error_origin(-ENOMEM);
	r = read_all(fd, text, most, &length);
	if (r)
		return r;
	if (length == most)
		return error_origin(-EFBIG);
	text[length] = '\0';
	*ret_text = realloc(take(&text), length + 1);
	return *ret_text ? 0 : error_origin(-ENOMEM);
}

/* The text behind as many blanks; NULL if there are not that many. */
static const char *skip_fields(const char *text, unsigned count)
{
	for (; text && count > 0; count--) {
		text = strchr(text, ' ');
		text = text ? text + 1 : NULL;
	}
	return text;
}

/* Where the start of the process stands in /proc/PID/stat (proc(5)), counted from the end of its
 * name, which may hold blanks itself. */
#define START_FIELD 20

/* When the supervisor started, in the kernel's ticks since boot: with its pid, this tells it from
 * any other. 0 if the kernel does not say. */
static uint64_t supervisor_start(pid_t pid)
{
	_cleanup_(cleanup_free) char *text = NULL;
	const char *start;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (startup_read_file(path, 4096, &text) != 0 || !text)
		return 0;
	start = skip_fields(strrchr(text, ')'), START_FIELD);
	return start ? strtoull(start, NULL, 10) : 0;
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static void name_start(char *ret_name, size_t size, const char *text)
{
	pid_t supervisor = getppid();

	snprintf(ret_name,
	         size,
	         "%d:%" PRIu64 ":%016" PRIx64,
	         supervisor,
	         supervisor_start(supervisor),
	         hash_of(text));
}

static void say(const struct report *report)
{
	for (unsigned i = 0; i < report_kept(&report->errors); i++)
		log_err("configuration: %s",
		        report->errors.line[i] ? report->errors.line[i] : report->file);
	for (unsigned i = 0; i < report_kept(&report->warnings); i++)
		if (report->warnings.line[i])
			log_warn("configuration: %s", report->warnings.line[i]);
}

static int apply(struct state *state, const char *path, const char *text)
{
	_cleanup_(report_deinit) struct report report = {.file = path, .text = text};
	uint64_t revision;
	int r = apply_text(state, text, &report, &revision);

	say(&report);
	return r > 0 ? STARTUP_E_CONFIG : r;
}

static int apply_file(struct state *state, const char *path)
{
	_cleanup_(cleanup_free) char *text = NULL;
	char start[64], last_start[64] = "";
	int r = startup_read_file(path, CONFIG_FILE_MAX, &text);

	if (r || !text) {
		log_err("configuration: \"%s\" cannot be read: %s", path, error_words(r));
		return STARTUP_E_CONFIG;
	}
	name_start(start, sizeof(start), text);
	r = database_get_text(state->database, "start", last_start, sizeof(last_start));
	if (r < 0)
		return r;
	if (strcmp(start, last_start) == 0) {
		log_info("configuration: \"%s\" was applied by this supervisor already", path);
		return 0;
	}
	r = apply(state, path, text);
	if (!r && database_set_text(state->database, "start", start) != 0)
		log_warn(
			"configuration: when nvmetd-state is started again, it applies \"%s\" once "
			"more",
			path);
	return r;
}

/* ------------------------------------------------------------------ all of it */

int startup(struct state *state, const char *state_dir, const char *config_path)
{
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s/state.db", state_dir) >= (int)sizeof(path))
		return error_origin(-ENAMETOOLONG);
	r = database_open(&state->database, path);
	if (!r)
		r = apply_load(state);
	if (!r)
		r = hold_load(state);
	if (!r)
		r = reconcile_remember(state);
	if (!r && config_path)
		r = apply_file(state, config_path);
	if (!r)
		state_copy_soon(state);
	return r;
}
