/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/discovery_log.h"

#include <string.h>

#include "services/state/trtype.h"

#define ADMIN_QUEUE_SIZE_MIN 32 /* Base 2.1 §6.3: ASQSZ */

/* The part of the log that is wanted, while the log goes by. */
struct window {
	uint64_t at; /* of the next byte, in the log */
	uint64_t from;
	uint64_t to;
	uint8_t *data;
	bool extended;
	uint64_t records;
};

static void put(struct window *window, const void *bytes, size_t length)
{
	uint64_t begin = window->at, end = begin + length;

	window->at = end;
	if (begin < window->from)
		begin = window->from;
	if (end > window->to)
		end = window->to;
	if (begin < end)
		memcpy(window->data + (begin - window->from),
		       (const uint8_t *)bytes + (begin - (window->at - length)),
		       (size_t)(end - begin));
}

static bool is_wanted(const struct window *window, size_t length)
{
	return window->at < window->to && window->at + length > window->from;
}

/* ------------------------------------------------------------------ an entry */

/* ASCII fields of the log are padded with blanks; names end in zeroes (Figure 289). */
static void put_padded(char *field, size_t size, const char *text, size_t length)
{
	memset(field, ' ', size);
	memcpy(field, text, length < size ? length : size);
}

static void put_name(char *field, size_t size, const char *text)
{
	size_t length = strlen(text); /* strnlen() of a constant is too much for gcc's warnings */

	memcpy(field, text, length < size ? length : size - 1);
}

static void put_transport(struct nvme_discovery_entry *entry, const struct config_address *address)
{
	const struct trtype *type = trtype_find(address->trtype);
	int adrfam = config_adrfam_code(address->adrfam), treq = config_treq_code(address->treq);
	int sectype = config_sectype(address);

	if (type) {
		entry->trtype = type->code;
		memcpy(entry->tsas, type->tsas, sizeof(type->tsas));
	}
	if (sectype > 0)
		entry->tsas[0] = (uint8_t)sectype;
	entry->adrfam = (uint8_t)(adrfam < 0 ? 0 : adrfam);
	entry->treq = (uint8_t)(treq < 0 ? 0 : treq);
}

static void make_entry(struct nvme_discovery_entry *entry, const struct discovery_record *record)
{
	memset(entry, 0, sizeof(*entry));
	put_transport(entry, record->address);
	if (record->subtype != NVME_SUBTYPE_REFERRAL) /* what others can we do not know */
		entry->treq |= NVME_TREQ_DISABLE_SQFLOW;
	entry->subtype = (uint8_t)record->subtype;
	entry->portid = le16_of((uint16_t)record->port_id);
	entry->cntlid = le16_of(record->is_static ? NVME_CNTLID_STATIC_ANY : NVME_CNTLID_DYNAMIC);
	entry->asqsz = le16_of(ADMIN_QUEUE_SIZE_MIN);
	entry->eflags = le16_of(record->eflags);
	put_padded(entry->trsvcid,
	           sizeof(entry->trsvcid),
	           record->address->trsvcid,
	           strlen(record->address->trsvcid));
	put_name(entry->subnqn, sizeof(entry->subnqn), record->nqn);
	/* the link of an IPv6 address is called so here, and there by another name */
	put_padded(
		entry->traddr, sizeof(entry->traddr), record->traddr, strcspn(record->traddr, "%"));
}

/* ------------------------------------------------------------------ what is behind it */

static size_t label_bytes(const struct discovery_record *record)
{
	return (strlen(record->label) + 3) / 4 * 4;
}

static size_t tail_bytes(const struct discovery_record *record)
{
	size_t label = label_bytes(record);

	return sizeof(struct nvme_discovery_tail) +
	       (label ? sizeof(struct nvme_extended_attribute) + label : 0);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text & 0x80)
			return false;
	return true;
}

/* ASCII is padded with blanks, UTF-8 with zeroes (Base 2.1 §1.4.2). */
static void put_label(struct window *window, const struct discovery_record *record)
{
	char value[CONFIG_LABEL_MAX];
	size_t length = strlen(record->label), bytes = label_bytes(record);
	bool ascii = is_ascii(record->label);
	const struct nvme_extended_attribute head = {
		.exattype = le16_of(ascii ? NVME_EXATTYPE_ADMIN_LABEL
	                                  : NVME_EXATTYPE_ADMIN_LABEL_UTF8),
		.exatlen = le16_of((uint16_t)bytes),
	};

	memset(value, ascii ? ' ' : 0, sizeof(value));
	memcpy(value, record->label, length < sizeof(value) ? length : sizeof(value));
	put(window, &head, sizeof(head));
	put(window, value, bytes);
}

static void put_tail(struct window *window, const struct discovery_record *record)
{
	const struct nvme_discovery_tail tail = {
		.tel = le32_of(
			(uint32_t)(sizeof(struct nvme_discovery_entry) + tail_bytes(record))),
		.numexat = le16_of(record->label[0] ? 1 : 0),
	};

	put(window, &tail, sizeof(tail));
	if (record->label[0])
		put_label(window, record);
}

/* ------------------------------------------------------------------ the log */

static void put_record(void *context, const struct discovery_record *record)
{
	struct window *window = context;
	struct nvme_discovery_entry entry;
	size_t length = sizeof(entry) + (window->extended ? tail_bytes(record) : 0);

	window->records++;
	if (!is_wanted(window, length)) {
		window->at += length;
		return;
	}
	make_entry(&entry, record);
	put(window, &entry, sizeof(entry));
	if (window->extended)
		put_tail(window, record);
}

struct discovery_extent discovery_log_measure(const struct discovery_question *question)
{
	struct window window = {
		.at = sizeof(struct nvme_log_discovery),
		.extended = question->specific & NVME_LOG_DISCOVERY_EXTDLPE,
	};

	discovery_each(question, put_record, &window);
	return (struct discovery_extent){.records = window.records, .bytes = window.at};
}

void discovery_log_read(const struct discovery_question *question,
                        const struct discovery_extent *extent, uint64_t counter, uint64_t offset,
                        uint8_t *ret_data, size_t length)
{
	struct window window = {
		.from = offset,
		.to = offset + length,
		.data = ret_data,
		.extended = question->specific & NVME_LOG_DISCOVERY_EXTDLPE,
	};
	struct nvme_log_discovery head = {
		.genctr = le64_of(counter),
		.numrec = le64_of(extent->records),
		.dlpf = question->specific & discovery_options(question->config, question->session),
	};

	if (window.extended)
		head.tdlpl = le32_of((uint32_t)extent->bytes);
	memset(ret_data, 0, length);
	put(&window, &head, sizeof(head));
	discovery_each(question, put_record, &window);
}
