/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults of the disk. Sabotage is what no disk may do: it is there to see that the harness finds
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "tests/chaos/chaos.h"

#define BLOCK_MAX 65536u

enum { LOST, TORN, SWAPPED }; /* the amount */

#define BLOCKS 32u /* some of them will be read before they are written anew */

struct sabotage {
	uint64_t first;
	uint8_t bytes[BLOCKS][BLOCK_MAX];
};

/* ------------------------------------------------------------------ a bad disk */

static const struct space *find_disk(const struct chaos *chaos)
{
	for (unsigned i = 0; i < chaos->n_loads; i++)
		if (chaos->loads[i]->is_faulty)
			return &chaos->spaces[i];
	return NULL;
}

const char *fault_needs_disk(const struct chaos *chaos)
{
	return find_disk(chaos) ? NULL : "no load is behind fault:, or this nvmetd has none";
}

static int tell_disk(struct chaos *chaos, const char *verb, const char *rule)
{
	const char *arguments[] = {"fault", chaos->set.nqn, NULL, verb, rule, NULL};
	char nsid[16];

	snprintf(nsid, sizeof(nsid), "%u", find_disk(chaos)->nsid);
	arguments[2] = nsid;
	return set_ask_and_wait(&chaos->set, arguments);
}

int fault_disk_errors(struct chaos *chaos, struct occurrence *occurrence)
{
	char rule[64];

	snprintf(rule, sizeof(rule), "any error=EIO rate=%u%%", occurrence->amount);
	return tell_disk(chaos, "set", rule);
}

int fault_disk_delays(struct chaos *chaos, struct occurrence *occurrence)
{
	char rule[64];

	snprintf(rule, sizeof(rule), "any delay=1ms-%ums", occurrence->amount);
	return tell_disk(chaos, "set", rule);
}

int fault_disk_hangs(struct chaos *chaos, struct occurrence *occurrence)
{
	char rule[64];

	snprintf(rule, sizeof(rule), "any hang rate=%u%%", occurrence->amount);
	return tell_disk(chaos, "set", rule);
}

int fault_disk_shortens(struct chaos *chaos, struct occurrence *occurrence)
{
	char rule[64];

	snprintf(rule, sizeof(rule), "read,write short rate=%u%%", occurrence->amount);
	return tell_disk(chaos, "set", rule);
}

/* With the worker, or the state service, away it is tried again until they are there. */
bool fault_disk_is_repaired(struct chaos *chaos, struct occurrence *occurrence)
{
	if (clock_now_ns() < occurrence->begin_ns + occurrence->length_ms * NS_PER_MS)
		return false;
	return tell_disk(chaos, "clear", NULL) == 0;
}

/* ------------------------------------------------------------------ sabotage */

/* The first load on a file of our own; NULL: there is none. */
static struct space *find_space(struct chaos *chaos, const char **ret_path)
{
	for (unsigned i = 0; i < chaos->n_loads; i++)
		if (!strchr(chaos->loads[i]->backing, ':') && !chaos->loads[i]->is_faulty) {
			*ret_path = set_path(&chaos->set, chaos->loads[i]->backing);
			return &chaos->spaces[i];
		}
	return NULL;
}

const char *fault_needs_file(const struct chaos *chaos)
{
	const char *path;

	if (!chaos->set.is_own)
		return "this is for sets of our own only";
	return find_space((struct chaos *)(uintptr_t)chaos, &path) ? NULL : "no load is on a file";
}

static int at_block(struct space *space, const char *path, uint64_t block, void *bytes,
                    bool is_write)
{
	_cleanup_(cleanup_close) int fd = open(path, O_RDWR | O_CLOEXEC);
	off_t at = (off_t)(block * space->block_bytes);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = is_write ? pwrite(fd, bytes, space->block_bytes, at)
	             : pread(fd, bytes, space->block_bytes, at);
	return n == (ssize_t)space->block_bytes ? 0 : -EIO;
}

static int swap(struct space *space, const char *path, uint64_t one, uint64_t other)
{
	uint8_t a[BLOCK_MAX], b[BLOCK_MAX];
	int r = at_block(space, path, one, a, false);

	if (!r)
		r = at_block(space, path, other, b, false);
	if (!r)
		r = at_block(space, path, one, b, true);
	if (!r)
		r = at_block(space, path, other, a, true);
	return r;
}

static int swap_some(struct space *space, const char *path)
{
	int r = 0;

	for (unsigned i = 0; !r && i < BLOCKS; i++)
		r = swap(space, path, 2 * i, 2 * i + 1);
	return r;
}

int fault_sabotage(struct chaos *chaos, struct occurrence *occurrence)
{
	struct sabotage *sabotage;
	const char *path = NULL;
	struct space *space = find_space(chaos, &path);
	int r = 0;

	if (occurrence->amount == SWAPPED)
		return swap_some(space, path);
	sabotage = calloc(1, sizeof(*sabotage));
	if (!sabotage)
		return -ENOMEM;
	sabotage->first = occurrence->at_ms % (space->blocks - BLOCKS);
	for (unsigned i = 0; !r && i < BLOCKS; i++)
		r = at_block(space, path, sabotage->first + i, sabotage->bytes[i], false);
	if (r) {
		free(sabotage);
		return r;
	}
	occurrence->state = sabotage;
	return 0;
}

void fault_sabotage_end(struct chaos *chaos, struct occurrence *occurrence)
{
	struct sabotage *sabotage = occurrence->state;
	const char *path = NULL;
	struct space *space = find_space(chaos, &path);
	uint8_t now[BLOCK_MAX];

	for (unsigned i = 0; i < BLOCKS; i++) {
		if (at_block(space, path, sabotage->first + i, now, false) != 0)
			break;
		if (occurrence->amount == TORN)
			memcpy(sabotage->bytes[i], now, space->block_bytes / 2);
		(void)at_block(space, path, sabotage->first + i, sabotage->bytes[i], true);
	}
	free(sabotage);
	occurrence->state = NULL;
}
