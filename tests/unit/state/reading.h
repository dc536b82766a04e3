/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/config.h"

/* Reading a configuration file named "f", for the tests of it. */

extern struct report report;
extern struct config config;

int parse_text(const char *text);
void forget_file(void);
void expect_good(const char *text);

/* Exactly one error, which says this. */
void expect_refused(const char *text, const char *wanted);

#define REFUSES(name, text, wanted)                                                                \
	START_TEST(name)                                                                           \
	{                                                                                          \
		expect_refused(text, wanted);                                                      \
	}                                                                                          \
	END_TEST
