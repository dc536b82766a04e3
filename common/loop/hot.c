/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/loop/hot.h"

#include "common/loop/loop.h"

static bool has(const struct hot *hot, const struct loop_source *source)
{
	for (unsigned i = 0; i < hot->n; i++)
		if (hot->sources[i] == source)
			return true;
	return false;
}

static void rest(struct hot *hot)
{
	hot_clear(hot);
	hot->rest = HOT_REST;
}

void hot_note(struct hot *hot, struct loop_source *source, unsigned n_ready)
{
	if (!source->try || has(hot, source))
		return;
	if (n_ready > HOT_MAX || hot->n == HOT_MAX) {
		rest(hot);
		return;
	}
	if (hot->rest > 0) {
		hot->rest--;
		return;
	}
	hot->misses[hot->n] = 0;
	hot->sources[hot->n++] = source;
}

void hot_drop(struct hot *hot, const struct loop_source *source)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < hot->n; i++) {
		if (hot->sources[i] == source)
			continue;
		hot->misses[kept] = hot->misses[i];
		hot->sources[kept++] = hot->sources[i];
	}
	hot->n = kept;
}

void hot_clear(struct hot *hot)
{
	hot->n = 0;
}

bool hot_try(struct hot *hot)
{
	bool found = false;

	/* From the last to the first, since the one that is tried may be dropped by it. */
	for (unsigned i = hot->n; i-- > 0;) {
		struct loop_source *source;

		if (i >= hot->n)
			continue;
		source = hot->sources[i];
		if (source->try(source)) {
			found = true;
			if (i < hot->n && hot->sources[i] == source)
				hot->misses[i] = 0;
		} else if (i < hot->n && hot->sources[i] == source &&
		           ++hot->misses[i] >= HOT_MISSES) {
			hot_drop(hot, source);
		}
	}
	return found;
}
