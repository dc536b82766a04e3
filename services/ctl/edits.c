/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "services/ctl/need.h"
#include "services/ctl/settle.h"

Nvmetd__CtlOperation *edits_add(struct edits *edits, Nvmetd__CtlVerb verb, const struct path *path,
                                unsigned line)
{
	Nvmetd__CtlOperation *operation = need(malloc(sizeof(*operation)));
	struct path copy = path_copy(path);
	size_t count = edits->count + 1;

	nvmetd__ctl_operation__init(operation);
	operation->verb = verb;
	operation->path = copy.component;
	operation->n_path = copy.count;
	edits->operation = need(realloc(edits->operation, count * sizeof(*edits->operation)));
	edits->line = need(realloc(edits->line, count * sizeof(*edits->line)));
	edits->line[edits->count] = line;
	edits->operation[edits->count++] = operation;
	return operation;
}

static void add_text(char ***texts, size_t *count, const char *text)
{
	*texts = need(realloc(*texts, (*count + 1) * sizeof(**texts)));
	(*texts)[(*count)++] = need(strdup(text));
}

void edits_set(Nvmetd__CtlOperation *operation, const char *name, const char *value)
{
	add_text(&operation->names, &operation->n_names, name);
	add_text(&operation->values, &operation->n_values, value);
}

void edits_cut(struct edits *edits, size_t count)
{
	while (edits->count > count)
		nvmetd__ctl_operation__free_unpacked(edits->operation[--edits->count], NULL);
}

void edits_deinit(struct edits *edits)
{
	edits_cut(edits, 0);
	free(edits->operation);
	free(edits->line);
	*edits = (struct edits){0};
}

/* ------------------------------------------------------------------ sending */

static enum ctl_exit say_refused(const struct edits *edits, const Nvmetd__CtlReply *reply,
                                 const struct edits_options *options)
{
	unsigned which = reply->operation;
	char *prefix = NULL;
	enum ctl_exit r;

	if (options->file && which > 0 && which <= edits->count)
		need(asprintf(&prefix, "%s:%u: ", options->file, edits->line[which - 1]) < 0
		             ? NULL
		             : prefix);
	else if (options->file)
		need(asprintf(&prefix, "%s: ", options->file) < 0 ? NULL : prefix);
	r = ctl_say_reply(reply, prefix ? prefix : options->prefix);
	free(prefix);
	return r;
}

/* Those that the state service gave: the last component of each. */
static void print_names(const struct edits *edits, const Nvmetd__CtlReply *reply)
{
	size_t at = 0;

	for (size_t i = 0; i < edits->count && at < reply->n_created; i++) {
		const Nvmetd__CtlOperation *operation = edits->operation[i];
		char safe[512], *name;

		if (operation->verb != NVMETD__CTL_VERB__CTL_CREATE)
			continue;
		name = strrchr(reply->created[at++], '/');
		if (operation->n_path % 2 == 1 && name)
			puts(log_safe(safe, sizeof(safe), name + 1, strlen(name + 1)));
	}
}

enum ctl_exit edits_send(const struct edits *edits, const struct ctl *ctl,
                         const struct edits_options *options)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	Nvmetd__CtlEdit body = NVMETD__CTL_EDIT__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	enum ctl_exit r;

	if (edits->count == 0)
		return CTL_GOOD;
	body.operations = edits->operation;
	body.n_operations = edits->count;
	body.check_only = options->check_only;
	question.body_case = NVMETD__ENVELOPE__BODY_CTL_EDIT;
	question.ctl_edit = &body;
	r = ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_REPLY, &answer);
	if (r != CTL_GOOD)
		return r;
	if (!answer->ctl_reply->good)
		return say_refused(edits, answer->ctl_reply, options);
	r = ctl_say_reply(answer->ctl_reply, "warning: ");
	if (options->check_only)
		return r;
	print_names(edits, answer->ctl_reply);
	settle(ctl, &body);
	return r;
}
