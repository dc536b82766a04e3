/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/reservation.h"
#include "services/state/reservation_records.h"
#include "services/state/reservations.h"
#include "services/state/startup.h"

/* What of reservations is kept, and for how long. */

#define PTPL      0x1u
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_SIZE 64

/* ------------------------------------------------------------------ feature 83h */

static bool is_meant(const struct admin_request *request, const struct config_namespace *namespace)
{
	uint32_t nsid = le32_get(request->command->nsid);

	return namespace->resv_enable && (nsid == NVME_NSID_ALL || namespace->nsid == nsid) &&
	       namespace_is_seen(namespace, request->session);
}

static int write_one(struct state *state, const struct backing *backing, bool persists)
{
	const struct reservation *before = backing->reservation;
	struct reservation after = before ? *before : (struct reservation){0};

	if (after.persists == persists)
		return 0;
	after.persists = persists;
	return reservation_records_put(state->database, backing->handle, before, &after);
}

static int write_all(const struct admin_request *request, bool persists)
{
	const struct config_subsystem *subsystem = request->subsystem;
	struct state *state = request->state;
	int r = database_begin(state->database);

	for (size_t i = 0; !r && i < subsystem->n_namespaces; i++)
		if (is_meant(request, &subsystem->namespaces[i]))
			r = write_one(state, subsystem->namespaces[i].backing, persists);
	if (!r)
		r = database_commit(state->database);
	if (r)
		database_rollback(state->database);
	return r;
}

/* Before anything is written, so that nothing can fail afterwards. */
static int make_all(const struct admin_request *request)
{
	const struct config_subsystem *subsystem = request->subsystem;

	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		struct backing *backing = subsystem->namespaces[i].backing;

		if (!is_meant(request, &subsystem->namespaces[i]) || backing->reservation)
			continue;
		backing->reservation = reservation_copy(NULL);
		if (!backing->reservation)
			return error_origin(-ENOMEM);
	}
	return 0;
}

static void set_all(const struct admin_request *request, bool persists)
{
	const struct config_subsystem *subsystem = request->subsystem;

	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		if (is_meant(request, &subsystem->namespaces[i]))
			subsystem->namespaces[i].backing->reservation->persists = persists;
}

bool reservations_check(const struct admin_request *request, struct admin_reply *reply)
{
	uint32_t nsid = le32_get(request->command->nsid);
	const struct config_namespace *namespace = subsystem_find_active(
		request->subsystem, request->session, nsid);

	if (nsid == NVME_NSID_ALL || (namespace && namespace->resv_enable))
		return true;
	admin_refuse_byte(reply, COMMAND_BYTE(nsid));
	return false;
}

void reservations_set_persistence(const struct admin_request *request, uint32_t value,
                                  struct admin_reply *reply)
{
	if (!reservations_check(request, reply))
		return;
	if (value & ~PTPL) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	if (make_all(request) != 0 || write_all(request, value) != 0) {
		reply->status = status_of(NVME_SC_INTERNAL);
		return;
	}
	set_all(request, value);
	state_copy_soon(request->state);
}

void reservations_get_persistence(const struct admin_request *request, bool now,
                                  struct admin_reply *reply)
{
	const struct reservation *reservation;

	if (!reservations_check(request, reply))
		return;
	reservation = subsystem_find_active(request->subsystem,
	                                    request->session,
	                                    le32_get(request->command->nsid))
	                      ->backing->reservation;
	reply->result = now && reservation && reservation->persists ? PTPL : 0;
}

/* ------------------------------------------------------------------ the configuration */

static bool is_wanted(const struct config *config, const struct backing *backing)
{
	const struct config_subsystem *subsystem = config_find_subsystem(config, backing->nqn);

	for (size_t i = 0; subsystem && i < subsystem->n_namespaces; i++)
		if (subsystem->namespaces[i].backing == backing)
			return subsystem->namespaces[i].resv_enable;
	return false;
}

int reservations_store(struct state *state, const struct config *after)
{
	int r = 0;

	list_for_each (at, &state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		if (!r && backing->reservation && !is_wanted(after, backing))
			r = reservation_records_drop(state->database, backing->handle);
	}
	return r;
}

void reservations_install(struct state *state)
{
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		if (!backing->reservation || is_wanted(&state->target.config, backing))
			continue;
		log_info("namespace %s:%u: its reservations are gone: %s",
		         backing->nqn,
		         backing->nsid,
		         backing->use == BACKING_USED ? "resv.enable was taken away"
		                                      : "it was disabled, or is another one now");
		backing->reservation = reservation_free(backing->reservation);
	}
}

/* ------------------------------------------------------------------ at the start */

/* A registration that did not persist is of an earlier run of the machine. */
static int release_all(struct state *state)
{
	int r = 0;

	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		if (r || !backing->reservation || backing->reservation->persists)
			continue;
		r = reservation_records_drop(state->database, backing->handle);
		if (!r)
			backing->reservation = reservation_free(backing->reservation);
	}
	return r;
}

int reservations_power_on(struct state *state, const char *boot)
{
	char last[BOOT_SIZE] = "";
	int r = database_get_text(state->database, "boot", last, sizeof(last));

	if (r < 0 || strcmp(boot, last) == 0)
		return r < 0 ? r : 0;
	r = database_begin(state->database);
	if (!r && last[0])
		r = release_all(state);
	if (!r)
		r = database_set_text(state->database, "boot", boot);
	if (!r)
		r = database_commit(state->database);
	if (r)
		database_rollback(state->database);
	return r;
}

static int read_boot(char ret_boot[static BOOT_SIZE])
{
	_cleanup_(cleanup_free) char *text = NULL;
	int r = startup_read_file(BOOT_FILE, BOOT_SIZE, &text);

	if (r)
		return r;
	snprintf(ret_boot, BOOT_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}

int reservations_load(struct state *state)
{
	char boot[BOOT_SIZE];
	int r = reservation_records_load(state->database, &state->target);

	if (r)
		return r;
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		if (backing->reservation)
			backing->reservation->revision = state->target.revision;
	}
	reservations_install(state);
	if (read_boot(boot) != 0)
		log_warn("reservations: \"" BOOT_FILE "\" cannot be read: those that should end "
		         "with a loss of power stay");
	else if (reservations_power_on(state, boot) != 0)
		log_err("reservations: that the machine was started anew could not be written: "
		        "those that should have ended with that may come back");
	return 0;
}
