/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/path.h"

#include <string.h>

#include "services/ctl/need.h"

void path_add(struct path *path, const char *name)
{
	path->component = need(
		realloc(path->component, (path->count + 1) * sizeof(*path->component)));
	path->component[path->count++] = need(strdup(name));
}

void path_leave(struct path *path)
{
	if (path->count > 0)
		free(path->component[--path->count]);
}

void path_deinit(struct path *path)
{
	while (path->count > 0)
		path_leave(path);
	free(path->component);
	*path = PATH_ROOT;
}

struct path path_copy(const struct path *path)
{
	struct path copy = PATH_ROOT;

	for (size_t i = 0; i < path->count; i++)
		path_add(&copy, path->component[i]);
	return copy;
}

static const char *take_component(const char *text, char *to)
{
	for (; *text && *text != '/'; text++) {
		if (*text == '\\' && (text[1] == '/' || text[1] == '\\'))
			text++;
		*to++ = *text;
	}
	*to = '\0';
	return text;
}

void path_enter(struct path *path, const char *text)
{
	char *name = need(malloc(strlen(text) + 1));

	if (*text == '/')
		path_deinit(path);
	while (*text) {
		if (*text == '/') {
			text++;
			continue;
		}
		text = take_component(text, name);
		if (strcmp(name, "..") == 0)
			path_leave(path);
		else if (strcmp(name, ".") != 0)
			path_add(path, name);
	}
	free(name);
}

char *path_escape(const char *name)
{
	char *text = need(malloc(2 * strlen(name) + 1)), *to = text;

	for (; *name; name++) {
		if (*name == '/' || *name == '\\')
			*to++ = '\\';
		*to++ = *name;
	}
	*to = '\0';
	return text;
}

char *path_text(const struct path *path)
{
	size_t size = 2;
	char *text, *to;

	for (size_t i = 0; i < path->count; i++)
		size += 1 + 2 * strlen(path->component[i]);
	to = text = need(malloc(size));
	memcpy(text, "/", 2);
	for (size_t i = 0; i < path->count; i++) {
		char *name = path_escape(path->component[i]);

		*to++ = '/';
		to = stpcpy(to, name);
		free(name);
	}
	return text;
}

bool path_is_one(const char *word)
{
	return word[0] == '/' || strcmp(word, ".") == 0 || strcmp(word, "..") == 0 ||
	       strncmp(word, "./", 2) == 0 || strncmp(word, "../", 3) == 0;
}
