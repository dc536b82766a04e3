/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

#include "services/ctl/session.h"

/*
 * complete - what may come next in a line that is being typed.
 *
 * Shape     Candidates for the last word of the line, each as the whole word, unquoted.
 * Promise   They come from the state service (CtlLook): paths that are there, attributes that are
 *           known, values that are taken. In the order in which it has them, none twice.
 * Trust     names may hold anything; who prints them escapes them
 * Threads   one; asks the state service, and waits for its answer
 * Lifetime  complete_deinit()
 */
struct completion {
	char **candidate;
	size_t count;
	size_t begin; /* of the word in the line */
	char *word;   /* as far as it is there */
	bool is_path; /* which may go on */
};

void complete(struct completion *ret_completion, struct session *session, const char *line);
void complete_deinit(struct completion *completion);

/* How much all candidates have in common, in bytes. */
size_t complete_common(const struct completion *completion);

/* The only candidate ends the word: a blank may follow. */
bool complete_is_whole(const struct completion *completion);
