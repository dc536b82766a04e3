/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/journal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/base/error.h"
#include "services/state/session.h"

static struct journal_entry *entry_at(struct list *link)
{
	return container_of(link, struct journal_entry, link);
}

uint64_t journal_now(void)
{
	struct timespec now;
	uint64_t ms;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return (ms & NVME_TIMESTAMP_MAX) | NVME_TIMESTAMP_HOST;
}

/* ------------------------------------------------------------------ entries */

static struct journal_entry *entry_new(uint64_t number, size_t length)
{
	struct journal_entry *entry = calloc(1, sizeof(*entry) + length);

	if (!entry)
		return NULL;
	list_init(&entry->link);
	entry->number = number;
	entry->length = length;
	return entry;
}

static void drop_oldest(struct subsystem *subsystem)
{
	free(entry_at(list_take_first(&subsystem->journal)));
	subsystem->n_journal--;
}

static void add(struct subsystem *subsystem, struct journal_entry *entry)
{
	if (subsystem->n_journal == JOURNAL_ENTRIES)
		drop_oldest(subsystem);
	list_append(&subsystem->journal, &entry->link);
	subsystem->n_journal++;
	subsystem->journal_next = entry->number + 1;
}

static struct nvme_event_head head_of(enum nvme_event_type type, const struct session *session,
                                      size_t length)
{
	return (struct nvme_event_head){
		.type = (uint8_t)type,
		.revision = 1,
		.ehl = NVME_EVENT_EHL,
		.ehai = session ? NVME_EVENT_AT_PORT : NVME_EVENT_AT_NONE,
		.cntlid = le16_of(session ? session->cntlid : NVME_EVENT_NO_CNTLID),
		.timestamp = le64_of(journal_now()),
		.portid = le16_of(session ? (uint16_t)session->port_id : 0),
		.el = le16_of((uint16_t)length),
	};
}

void journal_record(struct subsystem *subsystem, enum nvme_event_type type,
                    const struct session *session, const void *data, size_t length)
{
	struct nvme_event_head head = head_of(type, session, length);
	struct journal_entry *entry;

	must(length <= JOURNAL_EVENT_MAX - sizeof(head));
	entry = entry_new(subsystem->journal_next, sizeof(head) + length);
	if (!entry)
		return;
	memcpy(entry->wire, &head, sizeof(head));
	memcpy(entry->wire + sizeof(head), data, length);
	entry->unsaved = true;
	add(subsystem, entry);
}

void journal_free(struct subsystem *subsystem)
{
	while (subsystem->n_journal > 0)
		drop_oldest(subsystem);
}

/* What is new is at the end. */
bool journal_is_unsaved(const struct subsystem *subsystem)
{
	return subsystem->power_cycles != subsystem->power_cycles_saved ||
	       (subsystem->n_journal > 0 && entry_at(subsystem->journal.previous)->unsaved);
}

void journal_saved(struct subsystem *subsystem)
{
	subsystem->power_cycles_saved = subsystem->power_cycles;
	for (struct list *at = subsystem->journal.previous;
	     at != &subsystem->journal && entry_at(at)->unsaved;
	     at = at->previous)
		entry_at(at)->unsaved = false;
}

/* ------------------------------------------------------------------ texts */

static char *put_hex(char *at, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;

	for (size_t i = 0; i < length; i++) {
		*at++ = digits[from[i] >> 4];
		*at++ = digits[from[i] & 0xf];
	}
	*at = 0;
	return at;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: there are not so many bytes. */
static bool take_hex(const char *text, void *ret_bytes, size_t length)
{
	uint8_t *to = ret_bytes;

	for (size_t i = 0; i < length; i++) {
		int high = digit_of(text[2 * i]), low = high < 0 ? -1 : digit_of(text[2 * i + 1]);

		if (low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void journal_write(const struct journal_entry *entry, char ret_text[static JOURNAL_TEXT_SIZE])
{
	struct le64 number = le64_of(entry->number);

	put_hex(put_hex(ret_text, &number, sizeof(number)), entry->wire, entry->length);
}

/* They come in the order of their places, not of their numbers. */
static void insert(struct subsystem *subsystem, struct journal_entry *entry)
{
	struct list *next = &subsystem->journal;

	list_for_each (at, &subsystem->journal) {
		if (entry_at(at)->number < entry->number)
			continue;
		next = at;
		break;
	}
	list_append(next, &entry->link); /* before it */
	subsystem->n_journal++;
	if (entry->number >= subsystem->journal_next)
		subsystem->journal_next = entry->number + 1;
}

static bool is_event(const struct journal_entry *entry)
{
	struct nvme_event_head head;

	memcpy(&head, entry->wire, sizeof(head));
	return head.ehl == NVME_EVENT_EHL && le16_get(head.el) == entry->length - sizeof(head);
}

int journal_read(struct subsystem *subsystem, const char *text)
{
	size_t bytes = strlen(text) / 2;
	struct journal_entry *entry;
	struct le64 number;

	if (bytes < sizeof(number) + sizeof(struct nvme_event_head) ||
	    bytes > sizeof(number) + JOURNAL_EVENT_MAX || subsystem->n_journal >= JOURNAL_ENTRIES ||
	    !take_hex(text, &number, sizeof(number)))
		return error_origin(-EINVAL);
	entry = entry_new(le64_get(number), bytes - sizeof(number));
	if (!entry)
		return error_origin(-ENOMEM);
	if (!take_hex(text + 2 * sizeof(number), entry->wire, entry->length) || !is_event(entry) ||
	    entry->number == 0 || entry->number == UINT64_MAX) {
		free(entry);
		return error_origin(-EINVAL);
	}
	insert(subsystem, entry);
	return 0;
}

/* ------------------------------------------------------------------ reading */

static uint64_t first_of(const struct subsystem *subsystem)
{
	return subsystem->n_journal > 0 ? entry_at(subsystem->journal.next)->number
	                                : subsystem->journal_next;
}

/* Those that are not saved are the last. */
static uint64_t first_unsaved(const struct subsystem *subsystem)
{
	uint64_t number = subsystem->journal_next;

	for (struct list *at = subsystem->journal.previous;
	     at != &subsystem->journal && entry_at(at)->unsaved;
	     at = at->previous)
		number = entry_at(at)->number;
	return number;
}

struct journal_part journal_all(const struct subsystem *subsystem)
{
	return (struct journal_part){first_of(subsystem), first_unsaved(subsystem)};
}

bool journal_has(const struct subsystem *subsystem, struct journal_part part)
{
	return part.from >= first_of(subsystem) && part.to <= subsystem->journal_next;
}

static bool is_in(const struct journal_entry *entry, struct journal_part part)
{
	return entry->number >= part.from && entry->number < part.to;
}

size_t journal_bytes(const struct subsystem *subsystem, struct journal_part part)
{
	size_t bytes = 0;

	list_for_each (at, (struct list *)&subsystem->journal)
		if (is_in(entry_at(at), part))
			bytes += entry_at(at)->length;
	return bytes;
}

void journal_copy(const struct subsystem *subsystem, struct journal_part part, uint8_t *ret_bytes)
{
	uint8_t *end = ret_bytes + journal_bytes(subsystem, part);

	list_for_each (at, (struct list *)&subsystem->journal) {
		const struct journal_entry *entry = entry_at(at);

		if (!is_in(entry, part))
			continue;
		end -= entry->length;
		memcpy(end, entry->wire, entry->length);
	}
}
