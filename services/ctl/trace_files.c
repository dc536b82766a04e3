/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/trace_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"

static bool is_old(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && strcmp(name + length - 4, ".old") == 0;
}

static int is_trace(const struct dirent *entry)
{
	return strncmp(entry->d_name, "trace-", 6) == 0;
}

static int is_trace_of_the_living(const struct dirent *entry)
{
	return is_trace(entry) && !is_old(entry->d_name);
}

static void open_file(struct trace_files *files, const char *run_dir, const char *name,
                      bool to_wish)
{
	struct trace_file *file = &files->files[files->n];
	char path[4096], safe[256];
	int r;

	snprintf(path, sizeof(path), "%s/trace/%s", run_dir, name);
	r = trace_reader_open(&file->reader, path, to_wish);
	if (r == 0) {
		log_safe(file->name, sizeof(file->name), name, strlen(name));
		files->n++;
		return;
	}
	if (r == -ENOENT) /* gone since */
		return;
	fprintf(stderr,
	        "nvmetctl: %s: left out: %s\n",
	        log_safe(safe, sizeof(safe), name, strlen(name)),
	        r < 0 ? error_words(r) : "it is not a trace file of this version");
}

static void open_files(struct trace_files *files, const char *run_dir, bool to_wish)
{
	struct dirent **entries = NULL;
	char folder[4096];
	int n;

	snprintf(folder, sizeof(folder), "%s/trace", run_dir);
	n = scandir(folder, &entries, to_wish ? is_trace_of_the_living : is_trace, alphasort);
	for (int i = 0; i < n; i++) {
		if (files->n < TRACE_FILES_MAX)
			open_file(files, run_dir, entries[i]->d_name, to_wish);
		free(entries[i]);
	}
	free(entries);
}

bool trace_files_open(struct trace_files *files, const char *run_dir, bool to_wish)
{
	*files = (struct trace_files){0};
	files->files = calloc(TRACE_FILES_MAX, sizeof(*files->files));
	if (!files->files) {
		perror("nvmetctl");
		return false;
	}
	open_files(files, run_dir, to_wish);
	if (files->n > 0)
		return true;
	fprintf(stderr,
	        "nvmetctl: there is no trace file in '%s'\n"
	        "nvmetctl: see that nvmetd runs, that --run-dir is its run directory, and that "
	        "you may use it (root may)\n",
	        run_dir);
	trace_files_close(files);
	return false;
}

void trace_files_close(struct trace_files *files)
{
	for (unsigned i = 0; i < files->n; i++)
		trace_reader_close(&files->files[i].reader);
	free(files->files);
	*files = (struct trace_files){0};
}
