/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/bench/stamp.h"

#define TRIES     32u
#define BLOCK_MAX 65536u
#define WORD      sizeof(uint64_t)

int space_init(struct space *space, struct findings *findings, const char *name, uint32_t nsid,
               uint32_t block_bytes, uint64_t blocks, uint64_t seed)
{
	*space = (struct space){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.findings = findings,
		.name = name,
		.nsid = nsid,
		.block_bytes = block_bytes,
		.blocks = blocks,
		.seed = seed,
		.claimed = calloc(blocks, sizeof(bool)),
	};
	return space->claimed ? history_init(&space->history, blocks) : -ENOMEM;
}

void space_deinit(struct space *space)
{
	history_deinit(&space->history);
	free(space->claimed);
	space->claimed = NULL;
}

static struct stamp stamp_of(const struct space *space, uint64_t block, uint64_t version)
{
	return (struct stamp){
		.nsid = space->nsid,
		.lba = space->first_lba + block,
		.sequence = version,
		.seed = space->seed,
	};
}

/* ------------------------------------------------------------------ writes */

/* From the first on, as many as can be had. */
static uint32_t claim(struct space *space, uint64_t first, uint32_t most)
{
	uint64_t now_ns = clock_now_ns();
	uint32_t n = 0;

	while (n < most && first + n < space->blocks && !space->claimed[first + n] &&
	       history_has_room(&space->history, first + n, now_ns))
		space->claimed[first + n++] = true;
	return n;
}

bool space_claim_next(struct space *space, uint32_t most, struct space_extent *ret_extent)
{
	uint32_t n;

	pthread_mutex_lock(&space->lock);
	n = claim(space, space->filled, most);
	*ret_extent = (struct space_extent){.first = space->filled, .blocks = n};
	space->filled += n;
	pthread_mutex_unlock(&space->lock);
	return n;
}

bool space_claim_any(struct space *space, struct dice *dice, uint32_t most,
                     struct space_extent *ret_extent)
{
	uint32_t n = 0;

	pthread_mutex_lock(&space->lock);
	for (unsigned i = 0; !n && i < TRIES; i++) {
		ret_extent->first = dice_below(dice, space->blocks);
		n = claim(space, ret_extent->first, most);
	}
	ret_extent->blocks = n;
	pthread_mutex_unlock(&space->lock);
	return n;
}

void space_write_begins(struct space *space, struct space_extent *extent, unsigned writer,
                        void *data)
{
	pthread_mutex_lock(&space->lock);
	extent->version = space->last_version + 1;
	space->last_version += extent->blocks;
	extent->version = extent->version << 8 | (writer & 0xff);
	extent->begin_ns = clock_now_ns();
	for (uint32_t i = 0; i < extent->blocks; i++)
		history_write_begins(&space->history,
		                     extent->first + i,
		                     extent->version + ((uint64_t)i << 8),
		                     extent->begin_ns);
	space->writes += extent->blocks;
	pthread_mutex_unlock(&space->lock);
	for (uint32_t i = 0; i < extent->blocks; i++) {
		struct stamp stamp = stamp_of(
			space, extent->first + i, extent->version + ((uint64_t)i << 8));

		stamp_write(&stamp,
		            (uint8_t *)data + (size_t)i * space->block_bytes,
		            space->block_bytes);
	}
}

void space_write_ends(struct space *space, const struct space_extent *extent, bool is_good)
{
	uint64_t now_ns;

	pthread_mutex_lock(&space->lock);
	now_ns = clock_now_ns();
	for (uint32_t i = 0; i < extent->blocks; i++) {
		history_write_ends(&space->history,
		                   extent->first + i,
		                   extent->version + ((uint64_t)i << 8),
		                   is_good,
		                   now_ns);
		space->claimed[extent->first + i] = false;
	}
	pthread_mutex_unlock(&space->lock);
}

/* ------------------------------------------------------------------ what a block is */

/* Each word of a block that is read while it is written must be of one of its versions. */
static bool is_made_of_known_parts(const struct space *space, uint64_t at, const uint8_t *data)
{
	const struct history_block *block = &space->history.blocks[at];
	uint8_t is_known[BLOCK_MAX / WORD] = {0};
	uint8_t wanted[BLOCK_MAX];

	for (unsigned i = 0; i < block->n; i++) {
		struct stamp stamp = stamp_of(space, at, block->window[i].version);

		stamp_write(&stamp, wanted, space->block_bytes);
		for (size_t word = 0; word < space->block_bytes / WORD; word++)
			is_known[word] |= memcmp(wanted + word * WORD, data + word * WORD, WORD) ==
			                  0;
	}
	for (size_t word = 0; word < space->block_bytes / WORD; word++)
		if (!is_known[word])
			return false;
	return true;
}

static void say_window(const struct space *space, uint64_t at, uint64_t now_ns, char *text,
                       size_t size)
{
	const struct history_block *block = &space->history.blocks[at];
	size_t length = 0;

	text[0] = 0;
	for (unsigned i = 0; i < block->n && length < size; i++) {
		const struct history_version *version = &block->window[i];
		bool is_answered = version->end_ns != HISTORY_NEVER;
		bool is_there = version->first_end_ns != HISTORY_NEVER;

		length += (size_t)snprintf(
			text + length,
			size - length,
			"%swrite %llu, of host %u: begun %.1f ms ago, %s %.1f ms ago, %s %.1f ms "
			"ago, last "
			"seen by "
			"an operation begun %.1f ms ago",
			i ? "; " : "",
			(unsigned long long)version->version,
			(unsigned)version->version & 0xff,
			(double)(now_ns - version->begin_ns) / 1e6,
			is_answered ? "answered" : "not answered",
			is_answered ? (double)(now_ns - version->end_ns) / 1e6 : 0,
			is_there ? "there since" : "not known to be there",
			is_there ? (double)(now_ns - version->first_end_ns) / 1e6 : 0,
			(double)(now_ns - version->last_begin_ns) / 1e6);
	}
}

static void find_fault(struct space *space, uint64_t at, const void *data, const char *reader,
                       const char *invariant, const char *what)
{
	const struct history_block *block = &space->history.blocks[at];
	uint64_t newest = block->n ? block->window[block->n - 1].version : 0;
	struct stamp stamp = stamp_of(space, at, newest);
	char text[400], window[700];

	stamp_explain(&stamp, data, space->block_bytes, text, sizeof(text));
	say_window(space, at, clock_now_ns(), window, sizeof(window));
	findings_add(space->findings,
	             invariant,
	             "%s, read by %s: %s: %s. Known of the block: %s",
	             space->name,
	             reader,
	             what,
	             text,
	             window);
}

/* The version that the block is, wholly; 0: none. */
static uint64_t version_of(const struct space *space, uint64_t at, const void *data)
{
	uint64_t version = stamp_sequence(data);
	struct stamp stamp = stamp_of(space, at, version);

	return stamp_check(&stamp, data, space->block_bytes) ? version : 0;
}

static void look_at(struct space *space, const struct space_extent *extent, uint64_t at,
                    const void *data, uint64_t now_ns, const char *reader)
{
	uint64_t version = version_of(space, at, data);
	uint64_t other = 0;
	enum history_verdict verdict;

	space->reads++;
	if (!version) {
		bool is_written = history_is_written_between(
			&space->history, at, extent->begin_ns, now_ns);

		history_read_fails(&space->history, at);
		if (is_written && is_made_of_known_parts(space, at, data))
			space->torn_beside_a_write++;
		else
			find_fault(
				space, at, data, reader, "bytes", "a block that nobody wrote so");
		return;
	}
	verdict = history_read_ends(&space->history, at, version, extent->begin_ns, now_ns, &other);
	if (verdict != HISTORY_GOOD)
		find_fault(space, at, data, reader, "linearizable", history_words(verdict));
}

/* ------------------------------------------------------------------ reads */

static void read_begins(struct space *space, uint64_t first, uint32_t blocks,
                        struct space_extent *ret_extent)
{
	if (blocks > space->blocks - first)
		blocks = (uint32_t)(space->blocks - first);
	*ret_extent = (struct space_extent){
		.first = first, .blocks = blocks, .begin_ns = clock_now_ns()};
	for (uint32_t i = 0; i < blocks; i++)
		history_read_begins(&space->history, first + i, ret_extent->begin_ns);
}

void space_read_begins(struct space *space, struct dice *dice, uint32_t most,
                       struct space_extent *ret_extent)
{
	pthread_mutex_lock(&space->lock);
	read_begins(space, dice_below(dice, space->blocks), most, ret_extent);
	pthread_mutex_unlock(&space->lock);
}

void space_look_at_all(struct space *space)
{
	pthread_mutex_lock(&space->lock);
	space->looked_at = 0;
	pthread_mutex_unlock(&space->lock);
}

bool space_read_next_begins(struct space *space, uint32_t most, struct space_extent *ret_extent)
{
	bool is_there;

	pthread_mutex_lock(&space->lock);
	is_there = space->looked_at < space->blocks;
	if (is_there) {
		read_begins(space, space->looked_at, most, ret_extent);
		space->looked_at += ret_extent->blocks;
	}
	pthread_mutex_unlock(&space->lock);
	return is_there;
}

void space_read_ends(struct space *space, const struct space_extent *extent, const void *data,
                     const char *reader)
{
	uint64_t now_ns;

	pthread_mutex_lock(&space->lock);
	now_ns = clock_now_ns();
	for (uint32_t i = 0; i < extent->blocks; i++)
		if (data)
			look_at(space,
			        extent,
			        extent->first + i,
			        (const uint8_t *)data + (size_t)i * space->block_bytes,
			        now_ns,
			        reader);
		else
			history_read_fails(&space->history, extent->first + i);
	pthread_mutex_unlock(&space->lock);
}
