/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	         leaves_nothing_behind_when_it_cannot_be_saved);

	return run(suite);
}
