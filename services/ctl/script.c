/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "services/ctl/file.h"

static enum ctl_exit run_lines(struct session *session, char *text)
{
	enum ctl_exit r = CTL_GOOD;

	session->line = 0;
	while (r == CTL_GOOD && !session->is_over && text) {
		char *line = strsep(&text, "\n");

		session->line++;
		r = session_run_line(session, line);
		fflush(stdout); /* before what is said next on stderr */
	}
	return r;
}

static enum ctl_exit read_and_run(struct session *session, const char *path)
{
	_cleanup_(cleanup_free) char *text = NULL;
	int r = file_read(&text, path);

	if (r != 0) {
		fprintf(stderr, "%s: cannot be read: %s\n", path, file_words(r));
		return CTL_FAILED;
	}
	session->file = strcmp(path, "-") == 0 ? "<stdin>" : path;
	return run_lines(session, text);
}

enum ctl_exit script_run(struct session *session, const char *path)
{
	enum ctl_exit r = read_and_run(session, path);

	if (r == CTL_GOOD && session->in_transaction)
		return session_refuse(
			session, CTL_FAILED, "ends without commit: what was begun is not done");
	return r;
}

enum ctl_exit ctl_batch(const struct ctl *ctl, int argc, char **argv)
{
	struct session session;
	const char *path = NULL;
	bool check_only = false;
	enum ctl_exit r;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0)
			check_only = true;
		else if (!path)
			path = argv[i];
		else
			path = "";
	}
	if (!path || !*path) {
		fprintf(stderr, "nvmetctl: usage: nvmetctl batch [--dry-run] FILE\n");
		return CTL_USAGE;
	}
	session_init(&session, ctl);
	session.in_transaction = session.is_batch = true;
	r = read_and_run(&session, path);
	session.check_only = check_only;
	if (r == CTL_GOOD)
		r = session_commit(&session);
	else
		fprintf(stderr, "nothing is changed\n");
	session_deinit(&session);
	return r;
}
