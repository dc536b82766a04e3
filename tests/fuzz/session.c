/* SPDX-License-Identifier: BSD-2-Clause */
/* A session as a transport may present it: taken, and then the same again when it is packed; what a
 * host does with it is within bounds. And an event of the journal, as a database may have it. */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/event.h"
#include "services/state/journal.h"
#include "services/state/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pack_again(const struct session *session)
{
	struct session_message packed;
	struct session *again;

	session_pack(&packed, session);
	must(session_unpack(&again, &packed.message) == 0);
	must(again->cntlid == session->cntlid && again->events == session->events &&
	     again->masked == session->masked && again->warned == session->warned);
	must(memcmp(again->changed, session->changed, sizeof(again->changed)) == 0);
	must(memcmp(&again->features, &session->features, sizeof(again->features)) == 0);
	must(again->context.from == session->context.from &&
	     again->context.to == session->context.to);
	session_free(again);
}

static void take_session(const uint8_t *data, size_t size)
{
	Nvmetd__Session *message = nvmetd__session__unpack(NULL, size, data);
	struct session *session;
	uint32_t result;

	if (!message)
		return;
	if (session_unpack(&session, message) == 0) {
		must(session->cntlid > 0 && session->cntlid <= NVME_CNTLID_MAX);
		must(session->context.from <= session->context.to);
		pack_again(session);
		session->async_event_config = UINT32_MAX;
		for (unsigned i = 0; event_take(session, &result); i++)
			must(i < SESSION_EVENTS);
		session_reset(session);
		must(session->events == 0 && !session->context.is_there);
		session_free(session);
	}
	nvmetd__session__free_unpacked(message, NULL);
}

static void take_event(const uint8_t *data, size_t size)
{
	struct subsystem *subsystem = subsystem_new();
	char *text = malloc(size + 1), again[JOURNAL_TEXT_SIZE];

	must(subsystem && text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (journal_read(subsystem, text) == 0) {
		must(subsystem->n_journal == 1);
		journal_write(container_of(subsystem->journal.next, struct journal_entry, link),
		              again);
		must(strlen(again) <= strlen(text) && strncmp(again, text, strlen(again)) == 0);
	}
	subsystem_free(subsystem);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'e')
		take_event(data + 1, size - 1);
	else
		take_session(data + 1, size - 1);
	return 0;
}
