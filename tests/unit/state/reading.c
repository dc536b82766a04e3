/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/state/reading.h"

#include <check.h>
#include <string.h>

struct report report;
struct config config;

int parse_text(const char *text)
{
	report = (struct report){.file = "f", .text = text};
	return config_parse(&config, text, strlen(text), &report);
}

void forget_file(void)
{
	config_deinit(&config);
	report_deinit(&report);
}

void expect_good(const char *text)
{
	config = CONFIG_NULL;
	if (parse_text(text) != 0)
		ck_abort_msg("%s", report.errors.count ? report.errors.line[0] : "failed");
}

void expect_refused(const char *text, const char *wanted)
{
	config = CONFIG_NULL;
	ck_assert_int_eq(parse_text(text), CONFIG_E_WRONG);
	ck_assert_str_eq(report.errors.line[0], wanted);
	ck_assert_uint_eq(report.errors.count, 1);
}
