/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/retained.h"

#include <stdio.h>
#include <string.h>

#include "services/state/statement.h"

/* Features as a Session that has nothing else, in hexadecimal: it is what hands them on elsewhere
 * too. */
#define BYTES_MAX 8192
#define TEXT_SIZE (2 * BYTES_MAX + 1)
#define KEY_SIZE  64
#define PREFIX    "retained:"
#define BEYOND    "retained;" /* sorts behind all that begin with the prefix */

static void name(char ret_key[static KEY_SIZE], const struct session *session)
{
	snprintf(ret_key, KEY_SIZE, PREFIX "%u:%u", session->subsystem, session->cntlid);
}

/* The subsystem has a static controller of that number. */
static bool is_wanted(const struct config_subsystem *subsystem, unsigned cntlid)
{
	return subsystem && subsystem->is_static && cntlid >= subsystem->cntlid_min &&
	       cntlid <= subsystem->cntlid_max;
}

static void put_features(struct session_message *packed, const struct session *session)
{
	nvmetd__session__init(&packed->message);
	packed->message.async_event_config = session->async_event_config;
	session_features_pack(packed, &session->features);
}

static void take_features(struct session *session, const Nvmetd__Session *message)
{
	struct session_features features = SESSION_FEATURES_DEFAULT;

	if (!session_features_unpack(&features, message->features))
		return;
	session->async_event_config = message->async_event_config;
	session->features = features;
}

/* How many; 0: it is not what we have written. */
static size_t decode(const char *text, uint8_t ret_bytes[static BYTES_MAX])
{
	size_t length = strlen(text) / 2;
	unsigned value;

	for (size_t i = 0; i < length && i < BYTES_MAX; i++) {
		if (sscanf(text + 2 * i, "%2x", &value) != 1)
			return 0;
		ret_bytes[i] = (uint8_t)value;
	}
	return length <= BYTES_MAX ? length : 0;
}

void retained_give(struct database *database, struct session *session)
{
	char key[KEY_SIZE], text[TEXT_SIZE];
	uint8_t bytes[BYTES_MAX];
	Nvmetd__Session *message;

	name(key, session);
	if (!database || database_get_text(database, key, text, sizeof(text)) != 0)
		return;
	message = nvmetd__session__unpack(NULL, decode(text, bytes), bytes);
	if (!message)
		return;
	take_features(session, message);
	nvmetd__session__free_unpacked(message, NULL);
}

void retained_keep(struct database *database, const struct config_subsystem *subsystem,
                   const struct session *session)
{
	struct session_message packed;
	char key[KEY_SIZE], text[TEXT_SIZE] = "", kept[TEXT_SIZE] = "";
	uint8_t bytes[BYTES_MAX];
	size_t length;

	put_features(&packed, session);
	if (!database || !is_wanted(subsystem, session->cntlid) ||
	    nvmetd__session__get_packed_size(&packed.message) > BYTES_MAX)
		return;
	length = nvmetd__session__pack(&packed.message, bytes);
	for (size_t i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	name(key, session);
	/* most changes of a session are not of these, and each write costs a sync of the disk */
	if (database_get_text(database, key, kept, sizeof(kept)) == 0 && strcmp(kept, text) == 0)
		return;
	database_set_text(database, key, text);
}

/* ------------------------------------------------------------------ those that are no more */

static const struct config_subsystem *find_numbered(const struct config *config, unsigned number)
{
	for (size_t i = 0; i < config->n_subsystems; i++)
		if (config->subsystems[i].subsystem->number == number)
			return &config->subsystems[i];
	return NULL;
}

static bool is_key_wanted(const struct config *after, const char *key)
{
	unsigned number, cntlid;

	return sscanf(key, PREFIX "%u:%u", &number, &cntlid) == 2 &&
	       is_wanted(find_numbered(after, number), cntlid);
}

/* The first behind this one. DATABASE_E_NONE: there is none. */
static int next_key(struct database *database, char key[static KEY_SIZE])
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database,
	                          &statement,
	                          "SELECT min(key) FROM meta WHERE key > ?"
	                          " AND key < '" BEYOND "' HAVING min(key) IS NOT NULL",
	                          "t",
	                          key);

	if (!r)
		r = statement_step(database, statement);
	if (!r)
		statement_copy(statement, 0, key, KEY_SIZE);
	return r;
}

static int drop(struct database *database, const char *key)
{
	_cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
	int r = statement_prepare(database, &statement, "DELETE FROM meta WHERE key=?", "t", key);

	return r ? r : statement_finish(database, statement);
}

int retained_store(struct database *database, const struct config *after)
{
	char key[KEY_SIZE] = PREFIX;
	int r;

	while ((r = next_key(database, key)) == 0) {
		if (is_key_wanted(after, key))
			continue;
		r = drop(database, key);
		if (r)
			break;
	}
	return r == DATABASE_E_NONE ? 0 : r;
}
