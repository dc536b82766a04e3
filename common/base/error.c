/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/base/error.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

const char *error_words(int r)
{
	static _Thread_local char buffer[128];

	return strerror_r(r < 0 ? -r : r, buffer, sizeof(buffer));
}

int error_log_origin(int r, const char *file, int line, const char *function)
{
	log_debug("%s:%d %s(): failed: %s", file, line, function, error_words(r));
	return r;
}

int error_log_trace(int r, const char *file, int line, const char *function)
{
	log_debug("%s:%d %s(): passed on: %s", file, line, function, error_words(r));
	return r;
}

void error_must(const char *condition, const char *file, int line, const char *function)
{
	log_err("%s:%d %s(): this cannot be: %s does not hold", file, line, function, condition);
	abort();
}
