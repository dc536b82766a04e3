/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/load.h"

#include <stdarg.h>
#include <string.h>

#include "tests/process/scene.h"

#define ARGUMENTS 40u
#define END_MS    50000u

pid_t load_start(const char *argument, ...)
{
	const char *arguments[ARGUMENTS] = {"nvmetd-bench",
	                                    "--traddr",
	                                    "127.0.0.1",
	                                    "--trsvcid",
	                                    scene.harness->exports.ports[0].trsvcid,
	                                    "--nqn",
	                                    HARNESS_NQN,
	                                    "--cpu",
	                                    "-1"};
	unsigned n = 9;
	va_list args;

	va_start(args, argument);
	for (; argument; argument = va_arg(args, const char *)) {
		ck_assert_uint_lt(n, ARGUMENTS - 1);
		arguments[n++] = argument;
	}
	va_end(args);
	return harness_spawn("nvmetd-bench",
	                     harness_path(scene.harness, "load"),
	                     (char *const *)(uintptr_t)arguments);
}

void load_expect_good_end(pid_t load)
{
	char text[8192];
	int status = harness_await(load, END_MS);

	harness_read(harness_path(scene.harness, "load"), text, sizeof(text));
	ck_assert_msg(status == 0, "nvmetd-bench ended with %d: %s", status, text);
	ck_assert_ptr_nonnull(strstr(text, " 0 wrong"));
}
