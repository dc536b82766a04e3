/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/apply.h"
#include "services/state/edit_frozen.h"

#define PATH_WORDS 300

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

void edit_result_deinit(struct edit_result *result)
{
	for (size_t i = 0; i < result->n_created; i++)
		free(result->created[i]);
	free(result->created);
	*result = (struct edit_result){0};
}

/* ------------------------------------------------------------------ whose fault, whose concern */

static bool is_below(const char *path, size_t length, const char *other, size_t other_length)
{
	if (other_length == 1) /* the root: only itself */
		return length == 1;
	return length >= other_length && strncmp(path, other, other_length) == 0 &&
	       (length == other_length || path[other_length] == '/');
}

/* A line is "PATH: …". How much of their paths the operation and the line have in common, if one is
 * below the other; 0 if not. */
static size_t concerns(const char *line, const Nvmetd__CtlOperation *operation, bool around)
{
	char path[PATH_WORDS];
	const char *end = strstr(line, ": ");
	size_t line_length = end ? (size_t)(end - line) : strlen(line);
	size_t length = strlen(
		object_path_words(path, sizeof(path), operation->path, operation->n_path));

	if (is_below(line, line_length, path, length))
		return length;
	return around && is_below(path, length, line, line_length) ? line_length : 0;
}

/* The last one that was about the object of the first mistake, or about what is next to it. */
static unsigned find_culprit(const Nvmetd__CtlEdit *edit, const struct report *report)
{
	const char *line = report_kept(&report->errors) ? report->errors.line[0] : NULL;
	unsigned culprit = edit->n_operations == 1;
	size_t most = 1;

	for (size_t i = 0; line && i < edit->n_operations; i++) {
		size_t length = concerns(line, edit->operations[i], true);

		if (length < most)
			continue;
		most = length;
		culprit = (unsigned)i + 1;
	}
	return culprit;
}

static bool concerns_any(const char *line, const Nvmetd__CtlEdit *edit)
{
	for (size_t i = 0; i < edit->n_operations; i++)
		if (concerns(line, edit->operations[i], false))
			return true;
	return false;
}

/* What there was to be said of other objects has been said when they were made. */
static void keep_own_warnings(const Nvmetd__CtlEdit *edit, struct report *report)
{
	struct report_lines *lines = &report->warnings;
	unsigned kept = 0;

	for (unsigned i = 0; i < report_kept(lines); i++) {
		if (lines->line[i] && concerns_any(lines->line[i], edit))
			lines->line[kept++] = lines->line[i];
		else
			free(lines->line[i]);
	}
	lines->count = kept;
}

/* ------------------------------------------------------------------ the transaction */

static int operate(const struct object_tree *tree, const Nvmetd__CtlEdit *edit,
                   struct report *report, struct edit_result *result)
{
	if (edit->n_operations > EDIT_OPERATIONS_MAX) {
		report_error_of(
			report,
			"/",
			"%zu operations are too many for one transaction, which may have %d",
			edit->n_operations,
			EDIT_OPERATIONS_MAX);
		return EDIT_E_WRONG;
	}
	result->created = calloc(edit->n_operations + 1, sizeof(*result->created));
	if (!result->created)
		return error_origin(-ENOMEM);
	for (size_t i = 0; i < edit->n_operations; i++) {
		char *created;
		int r = edit_operate(tree, edit->operations[i], report, &created);

		if (created)
			result->created[result->n_created++] = created;
		if (!r)
			continue;
		result->operation = (unsigned)i + 1;
		return r;
	}
	return 0;
}

static int read_result(const struct object_tree *tree, const Nvmetd__CtlEdit *edit,
                       struct report *report, struct edit_result *result, struct config *ret_config)
{
	int r = operate(tree, edit, report, result);

	if (r)
		return r;
	r = config_read(ret_config, tree->root, report);
	keep_own_warnings(edit, report);
	if (r > 0)
		result->operation = find_culprit(edit, report);
	return r > 0 ? EDIT_E_WRONG : r;
}

static int refuse_while_held(struct report *report)
{
	report_error_of(report,
	                "/",
	                "the database is new, and others serve what an earlier one had: "
	                "restore a configuration, or nvmetctl acknowledge, first");
	return EDIT_E_WRONG;
}

static int check_frozen(const struct state *state, const Nvmetd__CtlEdit *edit,
                        const struct config *config, struct report *report,
                        struct edit_result *result)
{
	int r = edit_check_frozen(&state->target.config, config, edit, report);

	if (r || report_is_good(report))
		return r;
	result->operation = find_culprit(edit, report);
	return EDIT_E_WRONG;
}

int edit_apply(struct state *state, const Nvmetd__CtlEdit *edit, struct report *report,
               struct edit_result *ret_result)
{
	_cleanup_(cleanup_json) json_t *root = config_save(&state->target.config);
	_cleanup_(shape_freep) struct shape *shape = shape_new();
	const struct object_tree tree = {root, shape};
	struct config config = CONFIG_NULL;
	int r;

	*ret_result = (struct edit_result){.revision = state->target.revision};
	if (!root || !shape)
		return error_origin(-ENOMEM);
	report->tree = &tree;
	r = state->held && !edit->check_only
	            ? refuse_while_held(report)
	            : read_result(&tree, edit, report, ret_result, &config);
	if (!r)
		r = check_frozen(state, edit, &config, report, ret_result);
	report->tree = NULL; /* it ends here; the lines stay */
	if (!r && !edit->check_only)
		r = apply_config(state, &config, &ret_result->revision);
	config_deinit(&config);
	return r;
}
