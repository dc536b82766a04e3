/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/edit_frozen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/config_frozen.h"
#include "services/state/edit.h"

#define KEY_SIZE 1024

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

/* ------------------------------------------------------------------ what is done again */

/* What was undone so far, by key; json_t as a set. */
static bool has(const json_t *seen, const char *key)
{
	return json_object_get(seen, key);
}

static void key_of_list(char key[static KEY_SIZE], const Nvmetd__CtlOperation *operation)
{
	object_path_words(
		key, KEY_SIZE, operation->path, operation->n_path - (operation->n_path % 2 == 0));
}

static void key_of_attribute(char key[static KEY_SIZE], const Nvmetd__CtlOperation *operation,
                             const char *name)
{
	size_t used;

	object_path_words(key, KEY_SIZE, operation->path, operation->n_path);
	used = strlen(key);
	snprintf(key + used, KEY_SIZE - used, ": %s %.64s", operation->group, name);
}

/* The operation does again what one before it has undone. ret_failed: there is no memory. */
static bool is_again(json_t *seen, const Nvmetd__CtlOperation *operation, bool *ret_failed)
{
	char key[KEY_SIZE];
	bool again = false;

	if (operation->verb != NVMETD__CTL_VERB__CTL_SET) {
		key_of_list(key, operation);
		if (operation->verb == NVMETD__CTL_VERB__CTL_CREATE)
			return has(seen, key);
		*ret_failed |= json_object_set_new(seen, key, json_true()) != 0;
		return false;
	}
	for (size_t i = 0; i < operation->n_names; i++) {
		key_of_attribute(key, operation, operation->names[i]);
		again |= has(seen, key);
		*ret_failed |= json_object_set_new(seen, key, json_true()) != 0;
	}
	return again;
}

/* ------------------------------------------------------------------ the middle */

/* What cannot be done without what is left out is left out as well. */
static int operate(const struct object_tree *tree, const Nvmetd__CtlOperation *operation)
{
	struct report report = {.tree = tree};
	char *created;
	int r = edit_operate(tree, operation, &report, &created);

	free(created);
	report_deinit(&report);
	return r < 0 ? r : 0;
}

/* ret_count: how many operations were left out. */
static int go_to_the_middle(const struct object_tree *tree, const Nvmetd__CtlEdit *edit,
                            size_t *ret_count)
{
	_cleanup_(cleanup_json) json_t *seen = json_object();
	bool has_failed = !seen;
	int r = 0;

	*ret_count = 0;
	for (size_t i = 0; !r && !has_failed && i < edit->n_operations; i++) {
		if (is_again(seen, edit->operations[i], &has_failed))
			++*ret_count;
		else
			r = operate(tree, edit->operations[i]);
	}
	return has_failed ? error_origin(-ENOMEM) : r;
}

static int by_nsid(const void *left, const void *right)
{
	const struct config_namespace *const *a = left, *const *b = right;

	return ((*a)->nsid > (*b)->nsid) - ((*a)->nsid < (*b)->nsid);
}

/* As it is in a configuration that is in force. */
static int sort_namespaces(struct config *config)
{
	for (size_t i = 0; i < config->n_subsystems; i++) {
		struct config_subsystem *subsystem = &config->subsystems[i];

		subsystem->sorted = calloc(subsystem->n_namespaces + 1, sizeof(*subsystem->sorted));
		if (!subsystem->sorted)
			return error_origin(-ENOMEM);
		for (size_t j = 0; j < subsystem->n_namespaces; j++)
			subsystem->sorted[j] = &subsystem->namespaces[j];
		qsort(subsystem->sorted,
		      subsystem->n_namespaces,
		      sizeof(*subsystem->sorted),
		      by_nsid);
	}
	return 0;
}

/* What must hold at the end only need not hold here. */
static int check_halves(const struct config *before, const struct config *after,
                        const struct object_tree *middle, struct report *report)
{
	struct report forms = {.tree = middle};
	const struct object_tree *end = report->tree;
	struct config config = CONFIG_NULL;
	int r = config_read_forms(&config, middle->root, &forms);

	if (!r)
		r = sort_namespaces(&config);
	if (!r) {
		report->tree = middle;
		config_check_frozen(before, &config, report);
		report->tree = end;
		config_check_frozen(&config, after, report);
	}
	report_deinit(&forms);
	config_deinit(&config);
	return r;
}

int edit_check_frozen(const struct config *before, const struct config *after,
                      const Nvmetd__CtlEdit *edit, struct report *report)
{
	_cleanup_(cleanup_json) json_t *root = NULL;
	struct object_tree middle = {NULL, report->tree->shape};
	size_t count = 0;
	int r = 0;

	if (edit->n_operations > 1) {
		middle.root = root = config_save(before);
		r = root ? go_to_the_middle(&middle, edit, &count) : error_origin(-ENOMEM);
	}
	if (!r && count > 0)
		r = check_halves(before, after, &middle, report);
	if (r < 0)
		return r;
	if (r == CONFIG_E_WRONG || count == 0)
		config_check_frozen(before, after, report);
	return 0;
}
