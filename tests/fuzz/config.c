/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration file of anybody's making: what is taken is saved, taken again, and the same. */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static char *take_and_save(const char *text, size_t size)
{
	struct report report = {.file = "fuzz", .text = text};
	struct config config = CONFIG_NULL;
	char *saved = NULL;
	int r = config_parse(&config, text, size, &report);

	must(r == 0 || report.errors.count > 0);
	if (r == 0)
		saved = config_text(&config);
	config_deinit(&config);
	report_deinit(&report);
	return saved;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), *once = take_and_save(text, size), *twice;

	if (once) {
		twice = take_and_save(once, strlen(once));
		must(twice && strcmp(once, twice) == 0);
		free(twice);
	}
	free(once);
	free(text);
	return 0;
}
