/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/launcher/machine.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/cleanup.h"

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static bool has_entries(const char *path)
{
	_cleanup_(close_folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			return true;
	return false;
}

/* The first is there where the connection manager's module is loaded, the second where a device's
 * is: either may come before the other. */
bool machine_has_rdma(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dev/infiniband/rdma_cm", root);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "%s/sys/class/infiniband", root);
	return has_entries(path);
}

bool machine_has_program(const char *folder, const char *name)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s", folder, name);

	return length > 0 && (size_t)length < sizeof(path) && access(path, X_OK) == 0;
}
