/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/status.h"

#include <stdio.h>

#define WHERE_SIZE 320
#define WORDS_SIZE 320

struct lines {
	Nvmetd__AnnouncementStatus items[STATUS_LINES_MAX];
	Nvmetd__AnnouncementStatus *pointers[STATUS_LINES_MAX];
	char where[STATUS_LINES_MAX][WHERE_SIZE];
	char words[STATUS_LINES_MAX][WORDS_SIZE];
	size_t n;
};

/* NULL: no room */
static Nvmetd__AnnouncementStatus *add(struct lines *lines)
{
	Nvmetd__AnnouncementStatus *item;

	if (lines->n == STATUS_LINES_MAX)
		return NULL;
	item = &lines->items[lines->n];
	nvmetd__announcement_status__init(item);
	item->where = lines->where[lines->n];
	item->words = lines->words[lines->n];
	lines->pointers[lines->n++] = item;
	return item;
}

static void add_service(struct lines *lines, const struct mdns *mdns,
                        const struct mdns_service *service)
{
	Nvmetd__AnnouncementStatus *item = add(lines);
	const char *reason = service->reason;

	if (!item)
		return;
	item->good = service->step == MDNS_ANNOUNCED;
	snprintf(item->where, WHERE_SIZE, "mDNS, port %u", service->port_id);
	if (!*reason)
		reason = mdns->reason[0] ? mdns->reason : "being announced";
	if (item->good)
		snprintf(item->words,
		         WORDS_SIZE,
		         "\"%s\", %s, %s:%u",
		         service->name,
		         service->trtype,
		         service->traddr,
		         service->trsvcid);
	else
		snprintf(item->words, WORDS_SIZE, "%s", reason);
}

static void add_mdns(struct lines *lines, const struct mdns *mdns)
{
	Nvmetd__AnnouncementStatus *item;

	list_for_each (at, (struct list *)&mdns->services)
		add_service(lines, mdns, container_of(at, struct mdns_service, link));
	if (!mdns->view || !list_is_empty(&mdns->services))
		return;
	item = add(lines);
	if (!item)
		return;
	snprintf(item->where, WHERE_SIZE, "mDNS");
	snprintf(item->words, WORDS_SIZE, "no port listens");
}

static void add_registrar(struct lines *lines, const struct registrar *registrar)
{
	Nvmetd__AnnouncementStatus *item = add(lines);

	if (!item)
		return;
	snprintf(item->where, WHERE_SIZE, "CDC %s", registrar->name);
	item->good = registrar_says(registrar, item->words, WORDS_SIZE);
}

void status_send(struct ipc_client *client, uint64_t request_id, const struct mdns *mdns,
                 const struct list *registrars)
{
	static struct lines lines; /* one thread */
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__AnnounceStatus status = NVMETD__ANNOUNCE_STATUS__INIT;

	lines.n = 0;
	list_for_each (at, (struct list *)registrars)
		add_registrar(&lines, container_of(at, struct registrar, link));
	add_mdns(&lines, mdns);
	status.announcements = lines.pointers;
	status.n_announcements = lines.n;
	message.body_case = NVMETD__ENVELOPE__BODY_ANNOUNCE_STATUS;
	message.announce_status = &status;
	ipc_client_send(client, request_id, &message);
}
