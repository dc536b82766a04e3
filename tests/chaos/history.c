/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

int history_init(struct history *history, uint64_t blocks)
{
	history->n = blocks;
	history->blocks = calloc(blocks, sizeof(*history->blocks));
	return history->blocks ? 0 : -ENOMEM;
}

void history_deinit(struct history *history)
{
	free(history->blocks);
	history->blocks = NULL;
}

/* ------------------------------------------------------------------ the window */

static struct history_version *find(struct history_block *block, uint64_t version)
{
	for (unsigned i = 0; i < block->n; i++)
		if (block->window[i].version == version)
			return &block->window[i];
	return NULL;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the version was there for the first time, if it ever was. */
static uint64_t first_end_if_done(const struct history_version *version)
{
	return least(version->first_end_ns, version->end_ns);
}

/* A read that begins at begin_ns or later cannot give `old` any more: something that began after it
 * was there was done before. */
static bool is_superseded(const struct history_block *block, unsigned old, uint64_t begin_ns)
{
	uint64_t first_end_ns = first_end_if_done(&block->window[old]);

	for (unsigned i = old + 1; i < block->n; i++)
		if (first_end_ns < block->window[i].last_begin_ns &&
		    block->window[i].first_end_ns < begin_ns)
			return true;
	return false;
}

static void drop_oldest(struct history_block *block)
{
	block->newest_gone = block->window[0].version;
	memmove(block->window, block->window + 1, (size_t)--block->n * sizeof(block->window[0]));
}

bool history_has_room(struct history *history, uint64_t at, uint64_t now_ns)
{
	struct history_block *block = &history->blocks[at];
	uint64_t begin_ns = block->readers ? block->readers_since_ns : now_ns;

	while (block->n == HISTORY_WINDOW && is_superseded(block, 0, begin_ns))
		drop_oldest(block);
	return block->n < HISTORY_WINDOW;
}

/* ------------------------------------------------------------------ writes */

void history_write_begins(struct history *history, uint64_t at, uint64_t version, uint64_t now_ns)
{
	struct history_block *block = &history->blocks[at];

	must(block->n < HISTORY_WINDOW);
	block->window[block->n++] = (struct history_version){
		.version = version,
		.begin_ns = now_ns,
		.end_ns = HISTORY_NEVER,
		.first_end_ns = HISTORY_NEVER,
		.last_begin_ns = now_ns,
	};
}

void history_write_ends(struct history *history, uint64_t at, uint64_t version, bool is_good,
                        uint64_t now_ns)
{
	struct history_version *written = find(&history->blocks[at], version);

	must(written != NULL);
	written->end_ns = now_ns;
	/* what was seen before it was answered is known to be done, also when it was answered badly
	 */
	if (is_good)
		written->first_end_ns = least(written->first_end_ns, now_ns);
}

bool history_is_written_between(const struct history *history, uint64_t at, uint64_t begin_ns,
                                uint64_t end_ns)
{
	const struct history_block *block = &history->blocks[at];

	for (unsigned i = 0; i < block->n; i++)
		if (block->window[i].begin_ns <= end_ns && block->window[i].end_ns >= begin_ns)
			return true;
	return false;
}

/* ------------------------------------------------------------------ reads */

void history_read_begins(struct history *history, uint64_t at, uint64_t now_ns)
{
	struct history_block *block = &history->blocks[at];

	/* the oldest may have ended since, and this one be the oldest: to stay with the time of one
	 * that began before it is safe */
	if (block->readers++ == 0)
		block->readers_since_ns = now_ns;
}

void history_read_fails(struct history *history, uint64_t at)
{
	history->blocks[at].readers--;
}

/* The two must each be before the other. */
static bool contradict(const struct history_version *v, const struct history_version *u)
{
	return v->first_end_ns < u->last_begin_ns && u->first_end_ns < v->last_begin_ns;
}

enum history_verdict history_read_ends(struct history *history, uint64_t at, uint64_t version,
                                       uint64_t begin_ns, uint64_t end_ns, uint64_t *ret_other)
{
	struct history_block *block = &history->blocks[at];
	struct history_version *read = find(block, version);

	block->readers--;
	if (!read)
		return version && version <= block->newest_gone ? HISTORY_E_GONE
		                                                : HISTORY_E_UNKNOWN;
	if (read->begin_ns > end_ns)
		return HISTORY_E_UNKNOWN;
	read->first_end_ns = least(first_end_if_done(read), end_ns);
	if (begin_ns > read->last_begin_ns)
		read->last_begin_ns = begin_ns;
	for (unsigned i = 0; i < block->n; i++)
		if (&block->window[i] != read && contradict(read, &block->window[i])) {
			*ret_other = block->window[i].version;
			return HISTORY_E_STALE;
		}
	return HISTORY_GOOD;
}

const char *history_words(enum history_verdict verdict)
{
	switch (verdict) {
	case HISTORY_GOOD:
		return "good";
	case HISTORY_E_UNKNOWN:
		return "a version that nobody has written";
	case HISTORY_E_GONE:
		return "a version that was overwritten long ago";
	case HISTORY_E_STALE:
		return "a version that was overwritten, or a newer one was lost";
	}
	return "?";
}
