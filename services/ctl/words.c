/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/words.h"

#include <stdlib.h>
#include <string.h>

#include "services/ctl/need.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_special(char c)
{
	return is_blank(c) || c == '"' || c == '\'' || c == '#';
}

/* Copies one word; returns what follows it in the line. */
static const char *take_word(struct words *words, const char *at, char **to)
{
	char quote = '\0';

	for (; *at && (quote || !is_blank(*at)); at++) {
		bool escapes = *at == '\\' &&
		               (quote == '"' ? at[1] == '"' : !quote && is_special(at[1]) && at[1]);

		if (escapes)
			*(*to)++ = *++at;
		else if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? '\0' : *at;
		else
			*(*to)++ = *at;
	}
	*(*to)++ = '\0';
	words->is_open = quote != '\0';
	return at;
}

void words_split(struct words *ret_words, const char *line)
{
	const size_t length = strlen(line);
	const char *at = line;
	char *to;

	*ret_words = (struct words){
		.word = need(calloc(length / 2 + 2, sizeof(char *))),
		.begin = need(calloc(length / 2 + 2, sizeof(size_t))),
		.buffer = need(malloc(2 * length + 2)),
	};
	to = ret_words->buffer;
	ret_words->is_between = true;
	for (;;) {
		while (is_blank(*at))
			at++;
		if (*at == '\0' || *at == '#')
			return;
		ret_words->begin[ret_words->count] = (size_t)(at - line);
		ret_words->word[ret_words->count++] = to;
		at = take_word(ret_words, at, &to);
		ret_words->is_between = *at != '\0';
	}
}

void words_deinit(struct words *words)
{
	free(words->word);
	free(words->begin);
	free(words->buffer);
	*words = (struct words){0};
}

char *words_quote(const char *word)
{
	char *text = need(malloc(2 * strlen(word) + 3)), *to = text;

	if (!*word)
		return strcpy(text, "''");
	for (; *word; word++) {
		if (is_special(*word))
			*to++ = '\\';
		*to++ = *word;
	}
	*to = '\0';
	return text;
}
