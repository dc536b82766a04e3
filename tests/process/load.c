/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/load.h"

#include <stdarg.h>
#include <string.h>

#include "tests/process/scene.h"

#define ARGUMENTS 40u
#define END_MS    50000u

struct line {
	const char *arguments[ARGUMENTS]; /* NULL behind the last */
	unsigned n;
};

static void add(struct line *line, const char *argument)
{
	ck_assert_uint_lt(line->n, ARGUMENTS - 1);
	line->arguments[line->n++] = argument;
}

static struct line begin(void)
{
	return (struct line){
		.arguments = {"nvmetd-bench",
	                      "--traddr", "127.0.0.1",
	                      "--trsvcid", scene.harness->exports.ports[0].trsvcid,
	                      "--nqn", HARNESS_NQN,
	                      "--cpu", "-1"},
		.n = 9,
	};
}

static pid_t start(struct line *line, const char *argument, va_list args)
{
	for (; argument; argument = va_arg(args, const char *))
		add(line, argument);
	return harness_spawn("nvmetd-bench",
	                     harness_path(scene.harness, "load"),
	                     (char *const *)(uintptr_t)line->arguments);
}

pid_t load_start(const char *argument, ...)
{
	struct line line = begin();
	va_list args;
	pid_t pid;

	va_start(args, argument);
	pid = start(&line, argument, args);
	va_end(args);
	return pid;
}

pid_t load_start_verified(const char *nsid, const char *seconds, ...)
{
	const char *const mix[] = {"--rw",
	                           "randrw",
	                           "--bs",
	                           "8K",
	                           "--qd",
	                           "32",
	                           "--region",
	                           "16M",
	                           "--nsid",
	                           nsid,
	                           "--seconds",
	                           seconds,
	                           "--verify"};
	struct line line = begin();
	va_list args;
	pid_t pid;

	for (unsigned i = 0; i < sizeof(mix) / sizeof(mix[0]); i++)
		add(&line, mix[i]);
	va_start(args, seconds);
	pid = start(&line, va_arg(args, const char *), args);
	va_end(args);
	return pid;
}

void load_expect_good_end(pid_t load)
{
	char text[8192];
	int status = harness_await(load, END_MS);

	harness_read(harness_path(scene.harness, "load"), text, sizeof(text));
	ck_assert_msg(status == 0, "nvmetd-bench ended with %d: %s", status, text);
	ck_assert_ptr_nonnull(strstr(text, " 0 wrong"));
}
