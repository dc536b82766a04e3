/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counts of a reactor's host addresses are a hash table with open addressing, never more than
 * half full: each entry has a connection at least.
 */
#include "common/transport/spread.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"

struct entry {
	uint32_t host; /* 0: nobody */
	uint16_t n;
	uint16_t n_io; /* of these: no admin queues */
};

struct share {
	uint32_t n;
	uint32_t n_io;
	struct entry *hosts;
};

struct spread {
	unsigned n_reactors;
	uint32_t room;
	uint32_t mask; /* of places in hosts */
	struct share shares[];
};

DEFINE_CLEANUP(struct spread *, spread_free)

struct spread *spread_new(unsigned n_reactors, uint32_t room)
{
	_cleanup_(spread_freep) struct spread *spread = NULL;
	uint32_t places = 2;

	must(room > 0 && room <= UINT16_MAX);
	while (places < 2 * room)
		places *= 2;
	spread = calloc(1, sizeof(*spread) + n_reactors * sizeof(spread->shares[0]));
	if (!spread)
		return NULL;
	spread->n_reactors = n_reactors;
	spread->room = room;
	spread->mask = places - 1;
	for (unsigned i = 0; i < n_reactors; i++) {
		spread->shares[i].hosts = calloc(places, sizeof(struct entry));
		if (!spread->shares[i].hosts)
			return NULL;
	}
	return take(&spread);
}

struct spread *spread_free(struct spread *spread)
{
	for (unsigned i = 0; spread && i < spread->n_reactors; i++)
		free(spread->shares[i].hosts);
	free(spread);
	return NULL;
}

/* FNV-1a; never 0. */
uint32_t spread_host(const char *host_address)
{
	const char *end = strrchr(host_address, ':');
	uint32_t hash = 2166136261u;

	for (const char *at = host_address; *at && at != end; at++)
		hash = (hash ^ (uint8_t)*at) * 16777619u;
	return hash ? hash : 1;
}

/* ------------------------------------------------------------------ the table */

static uint32_t home_of(const struct spread *spread, uint32_t host)
{
	return (host ^ host >> 16) & spread->mask;
}

/* Where it is, or would be. */
static struct entry *find(const struct spread *spread, const struct share *share, uint32_t host)
{
	uint32_t place = home_of(spread, host);

	while (share->hosts[place].host && share->hosts[place].host != host)
		place = (place + 1) & spread->mask;
	return &share->hosts[place];
}

/* Those behind it that were put off from its place, or from one before, move up. */
static void empty(struct spread *spread, struct share *share, struct entry *entry)
{
	uint32_t mask = spread->mask, hole = (uint32_t)(entry - share->hosts);

	for (uint32_t at = (hole + 1) & mask; share->hosts[at].host; at = (at + 1) & mask) {
		uint32_t home = home_of(spread, share->hosts[at].host);

		if (((at - home) & mask) < ((at - hole) & mask))
			continue; /* the hole is not on its way */
		share->hosts[hole] = share->hosts[at];
		hole = at;
	}
	share->hosts[hole] = (struct entry){0};
}

/* ------------------------------------------------------------------ the choice */

static bool has_room(const struct spread *spread, const struct share *share, uint32_t host,
                     int *ret_why)
{
	if (share->n >= spread->room) {
		*ret_why = SPREAD_E_FULL;
		return false;
	}
	if (find(spread, share, host)->n >= (spread->room + 1) / 2) {
		*ret_why = SPREAD_E_HOST;
		return false;
	}
	return true;
}

uint32_t spread_count(const struct spread *spread, uint32_t host)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < spread->n_reactors; i++)
		n += find(spread, &spread->shares[i], host)->n;
	return n;
}

static bool is_better(const struct spread *spread, const struct share *one,
                      const struct share *other, uint32_t host)
{
	uint16_t own = find(spread, one, host)->n_io, others = find(spread, other, host)->n_io;

	return own != others ? own < others : one->n_io < other->n_io;
}

static void add(struct spread *spread, struct share *share, uint32_t host)
{
	struct entry *entry = find(spread, share, host);

	entry->host = host;
	entry->n++;
	entry->n_io++;
	share->n++;
	share->n_io++;
}

bool spread_add(struct spread *spread, unsigned reactor, uint32_t host)
{
	int why;

	if (reactor >= spread->n_reactors ||
	    !has_room(spread, &spread->shares[reactor], host, &why))
		return false;
	add(spread, &spread->shares[reactor], host);
	return true;
}

int spread_pick(struct spread *spread, uint32_t host)
{
	struct share *best = NULL;
	int why = SPREAD_E_FULL;

	for (unsigned i = 0; i < spread->n_reactors; i++) {
		struct share *share = &spread->shares[i];

		if (has_room(spread, share, host, &why) &&
		    (!best || is_better(spread, share, best, host)))
			best = share;
	}
	if (!best)
		return why;
	add(spread, best, host);
	return (int)(best - spread->shares);
}

void spread_is_admin(struct spread *spread, unsigned reactor, uint32_t host)
{
	struct share *share = &spread->shares[reactor];

	share->n_io--;
	find(spread, share, host)->n_io--;
}

void spread_forget(struct spread *spread, unsigned reactor, uint32_t host, bool is_admin)
{
	struct share *share = &spread->shares[reactor];
	struct entry *entry = find(spread, share, host);

	must(entry->n > 0);
	if (!is_admin)
		spread_is_admin(spread, reactor, host);
	share->n--;
	if (--entry->n == 0)
		empty(spread, share, entry);
}
