/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/launcher/keeper.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Printable, and without the colon that separates names in LISTEN_FDNAMES. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f || name[i] == ':')
			return false;
	return length > 0 && length <= KEEPER_NAME_MAX;
}

static unsigned find(const struct keeper *keeper, const char *name)
{
	unsigned i = 0;

	while (i < keeper->n && strcmp(keeper->kept[i].name, name) != 0)
		i++;
	return i;
}

int keeper_put(struct keeper *keeper, const char *name, int fd)
{
	unsigned i;

	if (!is_name(name)) {
		close(fd);
		return KEEPER_E_NAME;
	}
	i = find(keeper, name);
	if (i < keeper->n) {
		close(keeper->kept[i].fd);
		keeper->kept[i].fd = fd;
		return 0;
	}
	if (keeper->n == KEEPER_MAX) {
		close(fd);
		return KEEPER_E_FULL;
	}
	keeper->kept[keeper->n].fd = fd;
	snprintf(keeper->kept[keeper->n].name, sizeof(keeper->kept[0].name), "%s", name);
	keeper->n++;
	return 0;
}

void keeper_drop(struct keeper *keeper, const char *name)
{
	unsigned i = find(keeper, name);

	if (i == keeper->n)
		return;
	close(keeper->kept[i].fd);
	keeper->n--;
	memmove(&keeper->kept[i], &keeper->kept[i + 1], (keeper->n - i) * sizeof(keeper->kept[0]));
}

void keeper_names(const struct keeper *keeper, char *ret_names)
{
	size_t used = 0;

	ret_names[0] = '\0';
	for (unsigned i = 0; i < keeper->n; i++)
		used += (size_t)snprintf(ret_names + used,
		                         KEEPER_NAMES_BYTES - used,
		                         "%s%s",
		                         i ? ":" : "",
		                         keeper->kept[i].name);
}

void keeper_deinit(struct keeper *keeper)
{
	for (unsigned i = 0; i < keeper->n; i++)
		close(keeper->kept[i].fd);
	keeper->n = 0;
}
