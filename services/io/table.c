/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/table.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

struct table *table_new(uint32_t n_targets, uint32_t n_grants, uint32_t n_granted,
                        uint32_t n_threads)
{
	_cleanup_(table_freep) struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	/* one more of each, so that none asks for nothing */
	table->targets = calloc(n_targets + 1u, sizeof(*table->targets));
	table->grants = calloc(n_grants + 1u, sizeof(*table->grants));
	table->sorted = calloc(n_targets + 1u, sizeof(*table->sorted));
	table->holds = line_alloc((n_threads + 1u) * sizeof(*table->holds));
	if (!table->targets || !table->sorted || !table->grants || !table->holds)
		return NULL;
	table->grants[0].targets = calloc(n_granted + 1u, sizeof(const struct target *));
	if (!table->grants[0].targets)
		return NULL;
	list_init(&table->link);
	table->n_targets = n_targets;
	table->n_holds = n_threads;
	for (uint32_t i = 0; i < n_threads; i++)
		table->holds[i].table = table;
	return take(&table);
}

struct table *table_free(struct table *table)
{
	if (!table)
		return NULL;
	if (table->grants)
		free(table->grants[0].targets);
	free(table->grants);
	free(table->holds);
	free(table->sorted);
	free(table->targets);
	free(table);
	return NULL;
}

static int by_handle(const void *left, const void *right)
{
	uint32_t a = (*(const struct target *const *)left)->handle;
	uint32_t b = (*(const struct target *const *)right)->handle;

	return (a > b) - (a < b);
}

static void sort_targets(struct table *table)
{
	for (uint32_t i = 0; i < table->n_targets; i++)
		table->sorted[i] = &table->targets[i];
	qsort(table->sorted, table->n_targets, sizeof(*table->sorted), by_handle);
}

static int compare_handle(const void *handle, const void *target)
{
	uint32_t a = *(const uint32_t *)handle, b = (*(const struct target *const *)target)->handle;

	return (a > b) - (a < b);
}

static const struct target *find_target(const struct table *table, uint32_t handle)
{
	const struct target **found = bsearch(
		&handle, table->sorted, table->n_targets, sizeof(*table->sorted), compare_handle);

	return found ? *found : NULL;
}

void table_grant(struct table *table, const char *transport, const uint32_t *handles,
                 uint32_t n_handles)
{
	struct grant *grant = &table->grants[table->n_grants];

	if (table->n_grants == 0)
		sort_targets(table);
	else
		grant->targets = grant[-1].targets + grant[-1].n_targets;
	table->n_grants++;
	strncpy(grant->transport, transport, sizeof(grant->transport) - 1);
	for (uint32_t i = 0; i < n_handles; i++) {
		const struct target *target = find_target(table, handles[i]);

		if (target)
			grant->targets[grant->n_targets++] = target;
	}
	qsort(grant->targets, grant->n_targets, sizeof(const struct target *), by_handle);
}

const struct grant *table_find_grant(const struct table *table, const char *transport)
{
	for (uint32_t i = 0; i < table->n_grants; i++)
		if (strcmp(table->grants[i].transport, transport) == 0)
			return &table->grants[i];
	return NULL;
}

const struct target *grant_find(const struct grant *grant, uint32_t handle)
{
	uint32_t low = 0, high = grant->n_targets;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (grant->targets[middle]->handle == handle)
			return grant->targets[middle];
		if (grant->targets[middle]->handle < handle)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
