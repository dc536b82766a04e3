/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/limits.h"

#include <string.h>

const struct limit limits_table[] = {
#define X(name, unit, standard, least, most, what)                                                 \
	{#name, (unit), (standard), (least), (most), (what), offsetof(struct limits, name)},
	LIMITS(X)
#undef X
};

const size_t limits_count = sizeof(limits_table) / sizeof(limits_table[0]);

bool limit_is_good(const struct limit *limit, uint64_t value)
{
	return value >= limit->least && value <= limit->most;
}

uint32_t limit_get(const struct limits *limits, const struct limit *limit)
{
	uint32_t value;

	memcpy(&value, (const char *)limits + limit->offset, sizeof(value));
	return value;
}

void limit_set(struct limits *limits, const struct limit *limit, uint32_t value)
{
	memcpy((char *)limits + limit->offset, &value, sizeof(value));
}

void limits_mend(struct limits *limits)
{
	for (size_t i = 0; i < limits_count; i++)
		if (!limit_is_good(&limits_table[i], limit_get(limits, &limits_table[i])))
			limit_set(limits, &limits_table[i], limits_table[i].standard);
}
