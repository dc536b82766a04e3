/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/tree.h"

#include <jansson.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/log.h"

#define NAME_MAX_BYTES 1024
#define LISTS_MAX      32 /* of an object */
#define INDENT_MAX     (2 * TREE_DEPTH + 1)

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

/* What an object in a list is called by, in the order of preference. */
static const char *const name_keys[] = {"portid", "nsid", "grpid", "name", "traddr", "nqn"};

static void print_text(FILE *out, const char *text)
{
	char safe[NAME_MAX_BYTES];

	fputs(log_safe(safe, sizeof(safe), text, strlen(text)), out);
}

static bool is_secret(const char *key)
{
	return strcmp(key, "key") == 0 || strcmp(key, "ctrl_key") == 0;
}

void tree_print_value(FILE *out, const char *key, const json_t *value)
{
	if (json_is_string(value) && is_secret(key))
		fputs(json_string_length(value) > 0 ? "(set)" : "", out);
	else if (json_is_string(value))
		print_text(out, json_string_value(value));
	else if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%g", json_real_value(value));
	else
		fputs(json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null", out);
}

static const char *name_key_of(const json_t *object)
{
	for (size_t i = 0; i < sizeof(name_keys) / sizeof(name_keys[0]); i++) {
		if (json_object_get(object, name_keys[i]))
			return name_keys[i];
	}
	return NULL;
}

/* Those of a group are said with it: "addr.traddr=::1". Returns how many were printed. */
static unsigned print_attributes(FILE *out, const json_t *object, const char *group,
                                 const char *passed_over, unsigned printed)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (json_is_array(value) || (passed_over && strcmp(key, passed_over) == 0))
			continue;
		if (json_is_object(value)) {
			if (!group)
				printed = print_attributes(out, value, key, NULL, printed);
			continue;
		}
		fputs(printed++ == 0 ? " [" : ", ", out);
		if (group) {
			print_text(out, group);
			fputc('.', out);
		}
		print_text(out, key);
		fputc('=', out);
		tree_print_value(out, key, value);
	}
	return printed;
}

static void print_node(FILE *out, const json_t *node, const char *indent, unsigned depth, int left);

/* The lists of an object, those in its groups as well. */
struct lists {
	struct {
		const char *key;
		const json_t *list;
	} at[LISTS_MAX];
	unsigned count;
};

static void find_lists(struct lists *lists, const json_t *object, bool is_group)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (json_is_object(value) && !is_group)
			find_lists(lists, value, true);
		if (!json_is_array(value) || lists->count == LISTS_MAX)
			continue;
		lists->at[lists->count].key = key;
		lists->at[lists->count++].list = value;
	}
}

static void print_items(FILE *out, const json_t *list, const char *below, unsigned depth, int left)
{
	size_t i;
	json_t *item;

	if (left == 0)
		return;
	json_array_foreach(list, i, item)
	{
		char item_below[INDENT_MAX + 5];
		bool last_item = i + 1 == json_array_size(list);

		fprintf(out, "%so- ", below);
		snprintf(item_below, sizeof(item_below), "%s%s", below, last_item ? "  " : "| ");
		print_node(out, item, item_below, depth + 1, left - 1);
	}
}

static void print_list(FILE *out, const char *key, const json_t *list, const char *indent,
                       bool last, unsigned depth, int left)
{
	char below[INDENT_MAX + 3];

	fprintf(out, "%so- ", indent);
	print_text(out, key);
	fprintf(out, " (%zu)\n", json_array_size(list));
	snprintf(below, sizeof(below), "%s%s", indent, last ? "  " : "| ");
	print_items(out, list, below, depth, left);
}

static void print_lists(FILE *out, const json_t *object, const char *indent, unsigned depth,
                        int left)
{
	struct lists lists = {.count = 0};

	if (depth > TREE_DEPTH / 2 || left == 0)
		return;
	find_lists(&lists, object, false);
	for (unsigned i = 0; i < lists.count; i++)
		print_list(out,
		           lists.at[i].key,
		           lists.at[i].list,
		           indent,
		           i + 1 == lists.count,
		           depth,
		           left - 1);
}

static void print_node(FILE *out, const json_t *node, const char *indent, unsigned depth, int left)
{
	const char *name = json_is_object(node) ? name_key_of(node) : NULL;

	tree_print_value(out, "", name ? json_object_get(node, name) : node);
	if (json_is_object(node) && print_attributes(out, node, NULL, name, 0) > 0)
		fputc(']', out);
	fputc('\n', out);
	if (json_is_object(node))
		print_lists(out, node, indent, depth, left);
}

bool tree_print(FILE *out, const char *text)
{
	_cleanup_(cleanup_json) json_t *root = json_loads(text, 0, NULL);

	return json_is_object(root) && tree_print_node(out, "/", text, -1);
}

bool tree_print_node(FILE *out, const char *name, const char *text, int depth)
{
	_cleanup_(cleanup_json) json_t *node = json_loads(text, JSON_DECODE_ANY, NULL);
	const char *key = name_key_of(node);

	if (!node)
		return false;
	fputs("o- ", out);
	print_text(out, name);
	if (json_is_array(node))
		fprintf(out, " (%zu)\n", json_array_size(node));
	else
		fputs(print_attributes(out, node, NULL, key, 0) > 0 ? "]\n" : "\n", out);
	if (json_is_array(node))
		print_items(out, node, "  ", 0, depth);
	print_lists(out, node, "  ", 0, depth);
	return true;
}
