/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/launcher/stage.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/nvmetd-stage-XXXXXX";

void stage_open(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

void stage_close(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *stage_dir(void)
{
	return dir;
}

void stage_direct(const char *name, const char *does)
{
	char path[100];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.does", dir, name);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "%s\n", does);
	fclose(file);
}

/* Calls back for each whole line of the trace. */
static void read_trace(void (*on_line)(const char *line, int place, void *context), void *context)
{
	char path[100], line[300];
	int place = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/trace", dir);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file) && strchr(line, '\n'))
		on_line(line, place++, context);
	fclose(file);
}

struct search {
	const char *beginning;
	unsigned count;
	int first;
	int last;
	int number;
};

static void compare(const char *line, int place, void *context)
{
	struct search *search = context;
	const char *number;

	if (strncmp(line, search->beginning, strlen(search->beginning)) != 0)
		return;
	if (search->count++ == 0)
		search->first = place;
	search->last = place;
	number = strrchr(line, ' ');
	search->number = number ? atoi(number + 1) : 0;
}

static struct search find(const char *beginning)
{
	struct search search = {.beginning = beginning, .first = -1, .last = -1};

	read_trace(compare, &search);
	return search;
}

unsigned stage_count(const char *beginning)
{
	return find(beginning).count;
}

int stage_place(const char *beginning)
{
	return find(beginning).first;
}

int stage_last_place(const char *beginning)
{
	return find(beginning).last;
}

int stage_last_number(const char *beginning)
{
	return find(beginning).number;
}
