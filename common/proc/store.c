/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/proc/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/proc/supervisor.h"

#define PATIENCE_MS 1000u

/* What the predecessor left: descriptor SD_LISTEN_FDS_START + i is called names[i], which is
 * NULL once it was taken. */
static char **names;
static int n_names;

static bool is_left; /* to the successor */

void store_open(void)
{
	store_close();
	n_names = sd_listen_fds_with_names(1, &names);
	if (n_names < 0) {
		log_warn("store: what was handed over cannot be read: %s", error_words(n_names));
		n_names = 0;
		names = NULL;
	}
}

void store_close(void)
{
	for (int i = 0; i < n_names; i++) {
		if (names[i])
			close(SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
	names = NULL;
	n_names = 0;
}

/* FDPOLL=0: systemd keeps a descriptor also when its other end is gone. */
int store_put(const char *name, int fd)
{
	char message[300];

	snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return supervisor_tell(message, fd, PATIENCE_MS);
}

bool store_drop(const char *name)
{
	char message[300];

	if (is_left)
		return false;
	snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	supervisor_tell(message, -1, PATIENCE_MS);
	return true;
}

static int take_at(int i)
{
	free(names[i]);
	names[i] = NULL;
	return SD_LISTEN_FDS_START + i;
}

int store_take(const char *name)
{
	for (int i = 0; i < n_names; i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return take_at(i);
	return -1;
}

int store_take_if(bool (*is_wanted)(const char *name, int fd))
{
	for (int i = 0; i < n_names; i++)
		if (names[i] && is_wanted(names[i], SD_LISTEN_FDS_START + i))
			return take_at(i);
	return -1;
}

void store_drop_rest(void)
{
	for (int i = 0; i < n_names; i++) {
		if (!names[i])
			continue;
		log_info("store: '%s' is not needed any more", names[i]);
		store_drop(names[i]);
	}
	store_close();
}

void store_leave(void)
{
	is_left = true;
}
