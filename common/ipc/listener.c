/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"

#define BACKLOG 128

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

/* A process that listens takes the connection, or has its queue full of others. */
static bool somebody_listens(const struct sockaddr_un *address)
{
	_cleanup_(cleanup_close) int fd = -1;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	       errno == EAGAIN;
}

static int clear_the_way(const struct sockaddr_un *address)
{
	struct stat file;

	if (lstat(address->sun_path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(file.st_mode)) {
		log_err("socket '%s': there is a file in its place, which is no socket",
		        address->sun_path);
		return -EEXIST;
	}
	if (somebody_listens(address)) {
		log_err("socket '%s': another process serves it", address->sun_path);
		return -EADDRINUSE;
	}
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* Until listen() nobody can connect: there is time to set the mode. */
static int bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	if (chmod(address->sun_path, mode) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

int listener_open(const char *path, mode_t mode, struct listener_file *ret_file)
{
	_cleanup_(cleanup_close) int fd = -1;
	struct sockaddr_un address;
	struct stat file;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_origin(-ENAMETOOLONG);
	address = address_of(path);
	r = clear_the_way(&address);
	if (r < 0)
		return error_origin(r);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_origin(-errno);
	r = bind_with_mode(fd, &address, mode);
	if (r < 0) {
		log_err("socket '%s': cannot be made: %s", path, error_words(r));
		return error_origin(r);
	}
	if (lstat(path, &file) < 0)
		return error_origin(-errno);
	*ret_file = (struct listener_file){file.st_dev, file.st_ino};
	return take_fd(&fd);
}

void listener_remove(const char *path, const struct listener_file *file)
{
	struct stat now;

	if (lstat(path, &now) == 0 && now.st_dev == file->device && now.st_ino == file->inode)
		unlink(path);
}
