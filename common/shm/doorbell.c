/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/shm/doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/error.h"

int doorbell_create(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? error_origin(-errno) : fd;
}

/* /proc names what kind of thing an anonymous descriptor is; no call does. */
static bool is_eventfd(int fd)
{
	static const char expected[] = "anon_inode:[eventfd]";
	char path[40], target[sizeof(expected) + 1];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target));
	return length == (ssize_t)strlen(expected) &&
	       memcmp(target, expected, strlen(expected)) == 0;
}

bool doorbell_is_sound(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !is_eventfd(fd))
		return false;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

void doorbell_ring(int fd)
{
	eventfd_write(fd, 1); /* EAGAIN: it rings already */
}

void doorbell_clear(int fd)
{
	eventfd_t rings;

	eventfd_read(fd, &rings);
}
