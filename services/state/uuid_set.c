/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/uuid_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

int uuid_set_init(struct uuid_set *ret_set, size_t most)
{
	size_t size = 16;

	while (size < 2 * most)
		size *= 2;
	ret_set->slots = calloc(size, sizeof(*ret_set->slots));
	ret_set->size = size;
	return ret_set->slots ? 0 : error_origin(-ENOMEM);
}

void uuid_set_deinit(struct uuid_set *set)
{
	free(set->slots);
	*set = UUID_SET_NULL;
}

/* Where it is, or would be. */
static const uint8_t **find(const struct uuid_set *set, const uint8_t uuid[static 16])
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	size_t at;

	for (size_t i = 0; i < 16; i++)
		sum = (sum ^ uuid[i]) * UINT64_C(0x100000001b3);
	at = sum & (set->size - 1);
	while (set->slots[at] && memcmp(set->slots[at], uuid, 16) != 0)
		at = (at + 1) & (set->size - 1);
	return &set->slots[at];
}

void uuid_set_add(struct uuid_set *set, const uint8_t uuid[static 16])
{
	*find(set, uuid) = uuid;
}

bool uuid_set_has(const struct uuid_set *set, const uint8_t uuid[static 16])
{
	return *find(set, uuid) != NULL;
}
