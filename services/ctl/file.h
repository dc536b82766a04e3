/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

/*
 * file - a text file, read whole or replaced whole.
 *
 * Shape     at most FILE_TEXT_MAX bytes, no NUL among them
 * Promise   A file that is saved is either the old one or the new one, also after a power
 *           loss; the new one has mode 0600, since keys may be in it. A symbolic link stays, and
 *           what it leads to is replaced. What is no file (a device, a FIFO) is written into.
 * Trust     the file may be anything: a directory, endless, binary
 * Threads   any
 * Lifetime  the text is the caller's
 * Returns   0, a negative errno, or
 */
enum file_error {
	FILE_E_TOO_LONG = 1,
	FILE_E_BINARY,   /* it has a NUL */
	FILE_E_SOCKET,   /* nothing can be saved to it */
	FILE_E_DANGLING, /* a symbolic link that leads nowhere */
};

#define FILE_TEXT_MAX (8u << 20)

/* "-" is the standard input. */
int file_read(char **ret_text, const char *path);
int file_save(const char *path, const char *text);

/* What a result of the two means. */
const char *file_words(int r);
