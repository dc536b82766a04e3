/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "services/ctl/file.h"
#include "tests/support/spec.h"

static char folder[64];
static char path[96];

static void given_a_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/nvmetd-file-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/config.json", folder);
}

static void forget_the_folder(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0); /* and nothing else is in it */
}

static void given_a_file_of(size_t length, char byte)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < length; i++)
		putc(byte, file);
	fclose(file);
}

static void expect_text(const char *expected)
{
	char *text = NULL;

	ck_assert_int_eq(file_read(&text, path), 0);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(is_read_as_it_was_saved)
{
	ck_assert_int_eq(file_save(path, "{}\n"), 0);
	expect_text("{}\n");
}
END_TEST

START_TEST(is_for_its_owner_only)
{
	struct stat file;

	given_a_file_of(3, 'x');
	chmod(path, 0644);
	ck_assert_int_eq(file_save(path, "{}"), 0);
	ck_assert_int_eq(stat(path, &file), 0);
	ck_assert_uint_eq(file.st_mode & 07777, 0600);
	expect_text("{}");
}
END_TEST

START_TEST(is_too_long_with_one_byte_over_eight_mebibytes)
{
	char *text = NULL;

	given_a_file_of(FILE_TEXT_MAX + 1, ' ');
	ck_assert_int_eq(file_read(&text, path), FILE_E_TOO_LONG);
	ck_assert_ptr_null(text);
	ck_assert_int_eq(truncate(path, FILE_TEXT_MAX), 0);
	ck_assert_int_eq(file_read(&text, path), 0);
	ck_assert_uint_eq(strlen(text), FILE_TEXT_MAX);
	free(text);
}
END_TEST

START_TEST(is_no_text_with_a_nul)
{
	char *text = NULL;

	given_a_file_of(2, '\0');
	ck_assert_int_eq(file_read(&text, path), FILE_E_BINARY);
}
END_TEST

START_TEST(is_not_read_when_it_is_a_folder_or_not_there)
{
	char *text = NULL;

	ck_assert_int_eq(file_read(&text, folder), -EISDIR);
	ck_assert_int_eq(file_read(&text, path), -ENOENT);
}
END_TEST

START_TEST(leaves_nothing_behind_when_it_cannot_be_saved)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_lt(file_save(path, "{}"), 0);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* What a symbolic link leads to. */
static void given_a_link(char ret_other[static 96])
{
	snprintf(ret_other, 96, "%s/other.json", folder);
	ck_assert_int_eq(symlink("other.json", path), 0);
}

static mode_t type_of(const char *name)
{
	struct stat status;

	ck_assert_int_eq(lstat(name, &status), 0);
	return status.st_mode & S_IFMT;
}

START_TEST(is_saved_where_a_link_leads)
{
	char other[96];
	FILE *file;

	given_a_link(other);
	file = fopen(other, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(file_save(path, "{}\n"), 0);
	ck_assert_uint_eq(type_of(path), S_IFLNK);
	ck_assert_uint_eq(type_of(other), S_IFREG);
	expect_text("{}\n");
	unlink(other);
}
END_TEST

START_TEST(is_not_saved_through_a_link_that_leads_nowhere)
{
	char other[96];

	given_a_link(other);
	ck_assert_int_eq(file_save(path, "{}"), FILE_E_DANGLING);
	ck_assert_uint_eq(type_of(path), S_IFLNK);
}
END_TEST

START_TEST(goes_into_a_fifo)
{
	char got[8] = "";
	int fd;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC); /* also a reader */
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_save(path, "{}"), 0);
	ck_assert_int_eq(read(fd, got, sizeof(got)), 2);
	ck_assert_str_eq(got, "{}");
	ck_assert_uint_eq(type_of(path), S_IFIFO);
	close(fd);
}
END_TEST

/* Through a link, so that even a wrong file_save() of root spares the machine's own. */
START_TEST(is_not_saved_where_a_device_is_full)
{
	ck_assert_int_eq(symlink("/dev/full", path), 0);
	ck_assert_int_eq(file_save(path, "{}"), -ENOSPC);
	ck_assert_uint_eq(type_of(path), S_IFLNK);
	ck_assert_uint_eq(type_of("/dev/full"), S_IFCHR);
}
END_TEST

START_TEST(is_not_saved_to_a_socket)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(file_save(path, "{}"), FILE_E_SOCKET);
	ck_assert_uint_eq(type_of(path), S_IFSOCK);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file");

	describe(suite,
	         "a text file",
	         given_a_folder,
	         forget_the_folder,
	         is_read_as_it_was_saved,
	         is_for_its_owner_only,
	         is_too_long_with_one_byte_over_eight_mebibytes,
	         is_no_text_with_a_nul,
	         is_not_read_when_it_is_a_folder_or_not_there,
	         leaves_nothing_behind_when_it_cannot_be_saved,
	         is_saved_where_a_link_leads,
	         is_not_saved_through_a_link_that_leads_nowhere,
	         goes_into_a_fifo,
	         is_not_saved_where_a_device_is_full,
	         is_not_saved_to_a_socket);

	return run(suite);
}
