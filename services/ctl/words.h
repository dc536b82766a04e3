/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * words - a line that somebody typed, as words.
 *
 * Shape     Blanks separate; '…' and "…" hold them together; a "\" before a blank, a quote or "#"
 *           takes its meaning away, any other stays, as in "\/" of a path. From a word that begins
 *           with "#" on, nothing counts.
 * Promise   Each word with where it begins in the line. A quote that is not closed ends with it.
 * Trust     anything without NUL
 * Threads   any
 * Lifetime  words_deinit()
 */
struct words {
	char **word;
	size_t *begin;
	size_t count;
	bool is_open;    /* the last one ends within a quote */
	bool is_between; /* the line does not end in a word */
	char *buffer;
};

void words_split(struct words *ret_words, const char *line);
void words_deinit(struct words *words);

/* The word so that words_split() gives it back. free() it. */
char *words_quote(const char *word);
