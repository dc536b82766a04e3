/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/state/edits.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

enum { WORDS_MAX = 16, OPERATIONS_MAX = 64 };

static char **texts_new(void)
{
	char **texts = calloc(WORDS_MAX, sizeof(*texts));

	ck_assert_ptr_nonnull(texts);
	return texts;
}

char **edits_path(const char *words, size_t *ret_count)
{
	char **path = texts_new(), *to = NULL;

	*ret_count = 0;
	for (; *words; words++) {
		if (*words == '/' && words[1]) {
			ck_assert_uint_lt(*ret_count, WORDS_MAX);
			to = path[(*ret_count)++] = calloc(1, strlen(words) + 1);
		} else if (*words != '/') {
			words += *words == '\\';
			*to++ = *words == '~' ? ' ' : *words;
		}
	}
	return path;
}

static void add_pair(Nvmetd__CtlOperation *operation, char *word)
{
	char *value = strchr(word, '=');

	ck_assert_ptr_nonnull(value);
	*value++ = '\0';
	for (char *at = value; *at; at++)
		*at = *at == '~' ? ' ' : *at;
	operation->names[operation->n_names++] = strdup(word);
	operation->values[operation->n_values++] = strdup(value);
}

static Nvmetd__CtlOperation *operation_new(char *line)
{
	Nvmetd__CtlOperation *operation = malloc(sizeof(*operation));
	char *rest = NULL, *verb = strtok_r(line, " ", &rest), *word;

	ck_assert_ptr_nonnull(operation);
	nvmetd__ctl_operation__init(operation);
	operation->verb = strcmp(verb, "create") == 0   ? NVMETD__CTL_VERB__CTL_CREATE
	                  : strcmp(verb, "delete") == 0 ? NVMETD__CTL_VERB__CTL_DELETE
	                                                : NVMETD__CTL_VERB__CTL_SET;
	operation->path = edits_path(strtok_r(NULL, " ", &rest), &operation->n_path);
	operation->names = texts_new();
	operation->values = texts_new();
	word = strtok_r(NULL, " ", &rest);
	if (word)
		operation->group = strdup(strcmp(word, "-") == 0 ? "" : word);
	while (word && (word = strtok_r(NULL, " ", &rest)))
		add_pair(operation, word);
	return operation;
}

Nvmetd__CtlEdit *edits_new(const char *lines)
{
	Nvmetd__CtlEdit *edit = malloc(sizeof(*edit));
	char *copy = strdup(lines), *rest = NULL;

	ck_assert_ptr_nonnull(edit);
	ck_assert_ptr_nonnull(copy);
	nvmetd__ctl_edit__init(edit);
	edit->operations = calloc(OPERATIONS_MAX, sizeof(*edit->operations));
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		edit->operations[edit->n_operations++] = operation_new(line);
	free(copy);
	return edit;
}

void edits_free(Nvmetd__CtlEdit *edit)
{
	nvmetd__ctl_edit__free_unpacked(edit, NULL);
}
