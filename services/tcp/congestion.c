/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/congestion.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/cleanup.h"

static const char *wanted; /* NULL: the system's */

static int set(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0
	               ? -errno
	               : 0;
}

bool congestion_take(void *context, const char *value)
{
	_cleanup_(cleanup_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)context;
	if (fd < 0 || value[0] == '\0' || set(fd, value))
		return false;
	wanted = value;
	return true;
}

int congestion_apply(int fd)
{
	return wanted ? set(fd, wanted) : 0;
}
