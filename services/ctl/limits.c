/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/limits.h"

#include <jansson.h>

#include "common/nvme/limits.h"
#include "services/ctl/table.h"

static long long value_of(const json_t *limits, const struct limit *limit)
{
	const json_t *value = json_object_get(limits, limit->name);
	long long number;
	char end;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_string(value) && sscanf(json_string_value(value), "%lld%c", &number, &end) == 1)
		return number;
	return limit->standard;
}

bool limits_print(FILE *out, const char *text)
{
	json_t *root = json_loads(text, 0, NULL);
	struct table table;

	if (!json_is_object(root)) {
		json_decref(root);
		return false;
	}
	table_begin(&table, "LIMIT|VALUE|DEFAULT|FROM|TO|UNIT|WHAT");
	for (size_t i = 0; i < limits_count; i++) {
		const struct limit *limit = &limits_table[i];

		table_add(&table, "%s", limit->name);
		table_add(&table, "%lld", value_of(json_object_get(root, "limits"), limit));
		table_add(&table, "%u", limit->standard);
		table_add(&table, "%u", limit->least);
		table_add(&table, "%u", limit->most);
		table_add(&table, "%s", limit->unit);
		table_add(&table, "%s", limit->what);
	}
	table_print(&table, out, 0);
	json_decref(root);
	return true;
}
