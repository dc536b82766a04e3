/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"

static int read_all(int fd, char *buffer, size_t size, size_t *ret_length)
{
	size_t length = 0;

	while (length < size) {
		ssize_t r = read(fd, buffer + length, size - length);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		length += (size_t)r;
	}
	*ret_length = length;
	return 0;
}

int file_read(char **ret_text, const char *path)
{
	_cleanup_(cleanup_close) int fd = -1;
	_cleanup_(cleanup_free) char *text = malloc(FILE_TEXT_MAX + 1);
	size_t length = 0;
	int r;

	if (!text)
		return -ENOMEM;
	fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = read_all(fd, text, FILE_TEXT_MAX + 1, &length);
	if (r < 0)
		return r;
	if (length > FILE_TEXT_MAX)
		return FILE_E_TOO_LONG;
	if (memchr(text, '\0', length))
		return FILE_E_BINARY;
	text[length] = '\0';
	*ret_text = take(&text);
	return 0;
}

static int write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		ssize_t r = write(fd, text, length);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		text += r;
		length -= (size_t)r;
	}
	return 0;
}

/* Then the new name itself is durable. */
static int sync_folder_of(const char *path)
{
	_cleanup_(cleanup_close) int fd = -1;
	_cleanup_(cleanup_free) char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int replace(const char *path, const char *text)
{
	_cleanup_(cleanup_close) int fd = -1;
	_cleanup_(cleanup_free) char *temporary = NULL;
	int r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return sync_folder_of(path);
}

/* A device, a FIFO: there is nothing to replace, nor to sync. */
static int write_into(const char *path, const char *text)
{
	_cleanup_(cleanup_close) int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : write_all(fd, text);
}

int file_save(const char *path, const char *text)
{
	_cleanup_(cleanup_free) char *target = NULL;
	struct stat status;

	if (stat(path, &status) < 0) {
		if (errno != ENOENT)
			return -errno;
		return lstat(path, &status) == 0 ? FILE_E_DANGLING : replace(path, text);
	}
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (S_ISSOCK(status.st_mode))
		return FILE_E_SOCKET;
	if (!S_ISREG(status.st_mode))
		return write_into(path, text);
	target = realpath(path, NULL);
	return target ? replace(target, text) : -errno;
}

const char *file_words(int r)
{
	if (r == FILE_E_TOO_LONG)
		return "longer than 8 MiB";
	if (r == FILE_E_BINARY)
		return "not a text: it has a NUL byte";
	if (r == FILE_E_SOCKET)
		return "it is a socket";
	if (r == FILE_E_DANGLING)
		return "it is a symbolic link to what is not there";
	return error_words(r);
}
