/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/entries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/nvme/log.h"

void entries_deinit(struct entries *entries)
{
	free(entries->items);
	free(entries->gone);
	*entries = (struct entries){0};
}

/* Entries are zeroed before they are filled in, so that bytes decide. */
static int in_order(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct dim_entry));
}

/* ------------------------------------------------------------------ what there is to be */

static uint8_t adrfam_of(const char *traddr)
{
	uint8_t parsed[sizeof(struct in6_addr)];
	char text[sizeof(((struct dim_entry *)NULL)->traddr)];

	if (inet_pton(AF_INET, traddr, parsed) == 1)
		return NVME_ADRFAM_IPV4;
	snprintf(text, sizeof(text), "%s", traddr);
	text[strcspn(text, "%")] = '\0';
	return inet_pton(AF_INET6, text, parsed) == 1 ? NVME_ADRFAM_IPV6 : 0;
}

static bool is_wildcard(const char *traddr)
{
	return strcmp(traddr, "0.0.0.0") == 0 || strcmp(traddr, "::") == 0;
}

/* The ways in over one port, but for the name; false if there is none for this CDC's hosts. */
static bool begin(struct dim_entry *ret_entry, const Nvmetd__AnnounceListener *listener,
                  const char *local_address)
{
	const char *traddr = listener->traddr;
	uint8_t adrfam = adrfam_of(traddr);

	*ret_entry = (struct dim_entry){.subtype = NVME_SUBTYPE_NVME};
	if (is_wildcard(traddr))
		traddr = local_address;
	if (adrfam == 0 || adrfam_of(traddr) != adrfam ||
	    strlen(traddr) >= sizeof(ret_entry->traddr))
		return false;
	ret_entry->adrfam = adrfam;
	ret_entry->trtype = strcmp(listener->trtype, "rdma") == 0 ? NVME_TRTYPE_RDMA
	                                                          : NVME_TRTYPE_TCP;
	ret_entry->port_id = (uint16_t)listener->port_id;
	memcpy(ret_entry->traddr, traddr, strlen(traddr));
	memcpy(ret_entry->trsvcid,
	       listener->trsvcid,
	       strnlen(listener->trsvcid, sizeof(ret_entry->trsvcid) - 1));
	return true;
}

static void add(struct entries *entries, const struct dim_entry *begun, const char *nqn)
{
	struct dim_entry *entry;

	if (entries->n == ENTRIES_MAX) {
		entries->n_left_out++;
		return;
	}
	entry = &entries->items[entries->n++].dim;
	*entry = *begun;
	memcpy(entry->nqn, nqn, strnlen(nqn, sizeof(entry->nqn) - 1));
}

static size_t count(const Nvmetd__AnnounceView *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->n_listeners && count < ENTRIES_MAX; i++)
		count += view->listeners[i]->n_subsystems + 1;
	return count < ENTRIES_MAX ? count : ENTRIES_MAX;
}

static void add_listener(struct entries *entries, const Nvmetd__AnnounceView *view,
                         const Nvmetd__AnnounceListener *listener, const char *local_address)
{
	struct dim_entry entry;

	if (!begin(&entry, listener, local_address)) {
		entries->n_left_out += listener->n_subsystems;
		return;
	}
	for (size_t i = 0; i < listener->n_subsystems; i++)
		add(entries, &entry, listener->subsystems[i]);
	entry.subtype = NVME_SUBTYPE_CURRENT; /* the discovery service that knows all of it */
	add(entries, &entry, view->discovery_nqn);
}

static int make(struct entries *ret_entries, const Nvmetd__AnnounceView *view,
                const char *local_address)
{
	struct entries entries = {.items = calloc(count(view) + 1, sizeof(struct entry))};

	if (!entries.items)
		return error_origin(-ENOMEM);
	for (size_t i = 0; i < view->n_listeners; i++)
		add_listener(&entries, view, view->listeners[i], local_address);
	qsort(entries.items, entries.n, sizeof(*entries.items), in_order);
	*ret_entries = entries;
	return 0;
}

/* ------------------------------------------------------------------ what there was */

static struct entry *find(struct entries *entries, const struct dim_entry *dim)
{
	if (entries->n == 0)
		return NULL;
	return bsearch(dim, entries->items, entries->n, sizeof(*entries->items), in_order);
}

/* What is registered and stays is marked as such; what goes is kept in `gone`. One that says
 * nothing while all of it changes again and again cannot make it grow: the rest is forgotten. */
static void carry_over(struct entries *after, struct entry *entry)
{
	struct entry *same = find(after, &entry->dim);

	if (!entry->is_registered)
		return;
	if (same) {
		same->is_registered = true;
		after->n_registered++;
	} else if (after->n_gone < ENTRIES_MAX) {
		after->gone[after->n_gone++] = entry->dim;
	}
}

/* It went and has come back before anybody was told. */
static void carry_over_gone(struct entries *after, const struct dim_entry *dim)
{
	struct entry back = {*dim, true};

	carry_over(after, &back);
}

static int replace(struct entries *entries, struct entries *after)
{
	size_t room = entries->n_registered + entries->n_gone;

	after->gone = calloc(room + 1, sizeof(*after->gone));
	if (!after->gone) {
		entries_deinit(after);
		return error_origin(-ENOMEM);
	}
	for (size_t i = 0; i < entries->n_gone; i++)
		carry_over_gone(after, &entries->gone[i]);
	for (size_t i = 0; i < entries->n; i++)
		carry_over(after, &entries->items[i]);
	entries_deinit(entries);
	*entries = *after;
	return 0;
}

int entries_renew(struct entries *entries, const Nvmetd__AnnounceView *view,
                  const char *local_address)
{
	struct entries after;
	int r = make(&after, view, local_address);

	return r ? r : replace(entries, &after);
}

int entries_clear(struct entries *entries)
{
	struct entries after = {0};

	return replace(entries, &after);
}

void entries_forget(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		entries->items[i].is_registered = false;
	entries->n_registered = 0;
	entries->next = 0;
}

/* ------------------------------------------------------------------ what is to be done */

size_t entries_next_gone(const struct entries *entries, const struct dim_entry **ret_entries)
{
	size_t count = entries->n_gone < DIM_ENTRIES ? entries->n_gone : DIM_ENTRIES;

	for (size_t i = 0; i < count; i++)
		ret_entries[i] = &entries->gone[entries->n_gone - 1 - i];
	return count;
}

void entries_gone_done(struct entries *entries, size_t count)
{
	must(count <= entries->n_gone);
	entries->n_gone -= count;
}

size_t entries_next_new(struct entries *entries, const struct dim_entry **ret_entries)
{
	size_t count = 0;

	while (entries->next < entries->n && entries->items[entries->next].is_registered)
		entries->next++;
	for (size_t i = entries->next; i < entries->n && count < DIM_ENTRIES; i++)
		if (!entries->items[i].is_registered)
			ret_entries[count++] = &entries->items[i].dim;
	return count;
}

void entries_new_done(struct entries *entries, size_t count)
{
	for (size_t i = entries->next; i < entries->n && count > 0; i++) {
		if (entries->items[i].is_registered)
			continue;
		entries->items[i].is_registered = true;
		entries->n_registered++;
		count--;
	}
}
