/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/reservations.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/barrier.h"
#include "services/state/change.h"
#include "services/state/reconcile.h"
#include "services/state/reservation.h"
#include "services/state/reservation_imprint.h"
#include "services/state/reservation_notice.h"
#include "services/state/reservation_records.h"

uint8_t reservations_capabilities(const struct config_namespace *namespace)
{
	return namespace->resv_enable ? NVME_RESCAP_ALL : 0;
}

/* A command on its way. */
struct change {
	struct state *state;
	const struct admin_request *request;
	const uint8_t *identity; /* NULL: it has none */
	const struct config_namespace *namespace;
	struct backing *backing;
	struct decoded_reservation asked;
};

/* ------------------------------------------------------------------ may it be carried out now? */

static size_t count_registrants(const struct target *target)
{
	size_t count = 0;

	list_for_each (at, (struct list *)&target->backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		count += backing->reservation ? backing->reservation->n_registrants : 0;
	}
	return count;
}

static bool is_too_much(const struct change *change, const struct reservation *next)
{
	const struct reservation *before = change->backing->reservation;

	return next->n_registrants > (before ? before->n_registrants : 0) &&
	       count_registrants(&change->state->target) >= RESERVATIONS_REGISTRANTS_MAX;
}

/* ------------------------------------------------------------------ carrying out */

static int keep(const struct change *change, const struct reservation *next)
{
	struct database *database = change->state->database;
	int r = database_begin(database);

	if (!r)
		r = reservation_records_put(
			database, change->backing->handle, change->backing->reservation, next);
	if (!r && change->identity)
		r = reservation_records_note(database, change->identity);
	if (!r)
		r = database_commit(database);
	if (r)
		database_rollback(database);
	return r;
}

static enum nvme_reservation_notice notice_for(const struct session *session,
                                               const struct reservation *before,
                                               const struct reservation *after,
                                               const struct reservation_outcome *outcome)
{
	if (reservation_find(after, session->host_id))
		return outcome->to_others;
	return reservation_find(before, session->host_id) ? outcome->to_removed
	                                                  : NVME_RESERVATION_NOTICE_NONE;
}

static void notify(const struct change *change, const struct reservation *before,
                   const struct reservation *after, const struct reservation_outcome *outcome)
{
	const struct session *own = change->request->session;

	list_for_each (at, &change->state->sessions) {
		struct session *session = container_of(at, struct session, link);
		enum nvme_reservation_notice notice;

		if (session->subsystem != own->subsystem ||
		    memcmp(session->host_id, own->host_id, sizeof(own->host_id)) == 0 ||
		    !namespace_is_seen(change->namespace, session))
			continue;
		notice = notice_for(session, before, after, outcome);
		if (notice != NVME_RESERVATION_NOTICE_NONE)
			reservation_notice_add(session, change->namespace->nsid, notice);
	}
}

static void take_imprint(const struct change *change,
                         uint8_t ret_imprint[static ADMIN_IMPRINT_SIZE])
{
	reservation_imprint(
		ret_imprint, change->backing, &change->asked, change->request->session->host_id);
}

/* What holds is not everywhere yet: the answer waits. */
static void conclude(const struct change *change, struct admin_reply *reply)
{
	const struct reservation *reservation = change->backing->reservation;

	reply->drains |= reservation &&
	                 !barrier_is_drained(change->state, reservation->revision, clock_now_ns());
	reply->has_imprint = reply->drains;
	if (reply->has_imprint)
		take_imprint(change, reply->imprint);
}

/* It was carried out already, and its host told to send it again (Command Interrupted). */
static bool conclude_again(const struct change *change, struct admin_reply *reply)
{
	struct database *database = change->state->database;
	struct admin_reply again = {.status = STATUS_OK};
	uint8_t imprint[ADMIN_IMPRINT_SIZE];

	take_imprint(change, imprint);
	if (!reservation_imprint_is_kept(database, imprint))
		return false;
	conclude(change, &again);
	if (!again.drains)
		reservation_imprint_forget(database, imprint);
	*reply = again;
	return true;
}

/* Where the rule is another one, transports are to have a view with it before the answer. */
static void install(const struct change *change, struct reservation *next,
                    const struct reservation_outcome *outcome, struct admin_reply *reply)
{
	struct state *state = change->state;
	_cleanup_(reservation_freep) struct reservation *before = change->backing->reservation;

	reply->drains = !reservation_is_same_rule(before, next);
	if (reply->drains)
		next->revision = state->target.revision;
	change->backing->reservation = next;
	notify(change, before, next, outcome);
	change_deliver(state);
	state_copy_soon(state);
}

static void carry_out(const struct change *change, struct admin_reply *reply)
{
	_cleanup_(reservation_freep) struct reservation *next = reservation_copy(
		change->backing->reservation);
	struct reservation_outcome outcome;

	if (!next) {
		reply->status = status_of(NVME_SC_INTERNAL);
		return;
	}
	outcome = reservation_apply(next, &change->asked, change->request->session->host_id);
	if (!status_is_ok(outcome.status) && conclude_again(change, reply))
		return;
	reply->status = outcome.status;
	reply->error_location = outcome.location;
	if (!status_is_ok(reply->status))
		return;
	if (is_too_much(change, next)) {
		admin_refuse(reply, NVME_SC_INTERNAL);
		return;
	}
	if (!reservation_is_same(change->backing->reservation, next)) {
		if (keep(change, next) != 0) {
			reply->status = status_of(NVME_SC_INTERNAL);
			return;
		}
		install(change, take(&next), &outcome, reply);
	}
	conclude(change, reply);
}

/* A registrant that is connected is on its host's controllers, of which the first is named. There
 * may be thousands of both, and hosts ask as often as they like. */
static void name_controllers(const struct change *change, uint8_t *data, size_t length)
{
	struct nvme_registrant *registrant = (struct nvme_registrant *)(data + sizeof(*registrant));
	const struct reservation *reservation = change->backing->reservation;
	size_t room = length / sizeof(*registrant);

	list_for_each (at, &change->state->sessions) {
		const struct session *session = container_of(at, struct session, link);
		const struct registrant *found;
		size_t i;

		if (session->subsystem != change->request->session->subsystem)
			continue;
		found = reservation_find(reservation, session->host_id);
		if (!found)
			continue;
		i = (size_t)(found - reservation->registrants);
		if (i + 1 < room && le16_get(registrant[i].cntlid) == NVME_CNTLID_DYNAMIC)
			registrant[i].cntlid = le16_of(session->cntlid);
	}
}

static void report(const struct change *change, struct admin_reply *reply)
{
	uint32_t length = change->asked.length_bytes;
	uint8_t *data = admin_data(reply, length);

	if (!data)
		return;
	reservation_report(change->backing->reservation, data, length);
	name_controllers(change, data, length);
}

static void begin(const struct change *change, struct admin_reply *reply)
{
	int r = DATABASE_E_NONE;

	if (change->asked.action == RESERVATION_REPORT) {
		report(change, reply);
		return;
	}
	/* whoever may have sessions is to be told of what becomes of them */
	if (!reconcile_is_everybody_here(change->state)) {
		reply->ask_later = true;
		return;
	}
	if (change->identity)
		r = reservation_records_find(change->state->database, change->identity);
	if (r < 0)
		reply->status = status_of(NVME_SC_INTERNAL);
	else if (r == DATABASE_E_NONE)
		carry_out(change, reply);
	else /* it was carried out, but its answer was lost */
		conclude(change, reply);
}

/* CTRATT.RHII says so (§8.1.22). */
static bool has_host_id(const struct session *session)
{
	static const uint8_t none[sizeof(session->host_id)];

	return memcmp(session->host_id, none, sizeof(none)) != 0;
}

static const struct config_namespace *find_namespace(const struct admin_request *request,
                                                     struct admin_reply *reply)
{
	const struct config_namespace *namespace = subsystem_find_active(
		request->subsystem, request->session, le32_get(request->command->nsid));

	if (!namespace) {
		admin_refuse(reply, NVME_SC_INVALID_NAMESPACE);
		reply->error_location = COMMAND_BYTE(nsid) + 1;
	}
	return namespace;
}

void reservations_execute(const struct admin_request *request, const Nvmetd__AdminRequest *asked,
                          struct admin_reply *reply)
{
	struct change change = {.state = request->state, .request = request};
	uint16_t location = 0;

	*reply = (struct admin_reply){.status = STATUS_OK};
	if (!request->subsystem || !reservation_is_command(request->command->opcode)) {
		admin_refuse(reply, NVME_SC_INVALID_OPCODE);
		return;
	}
	change.namespace = find_namespace(request, reply);
	if (!change.namespace)
		return;
	if (!change.namespace->resv_enable) {
		admin_refuse(reply, NVME_SC_INVALID_OPCODE);
		reply->error_location = COMMAND_BYTE(opcode) + 1;
		return;
	}
	if (!has_host_id(request->session)) {
		admin_refuse(reply, NVME_SC_HOST_ID_NOT_INITIALIZED);
		return;
	}
	change.backing = change.namespace->backing;
	if (asked->identity.len == RESERVATION_IDENTITY_SIZE)
		change.identity = asked->identity.data;
	reply->status = reservation_decode(
		request->command, asked->data.data, asked->data.len, &change.asked, &location);
	if (status_is_ok(reply->status))
		begin(&change, reply);
	else
		reply->error_location = (uint16_t)(location + 1);
}
