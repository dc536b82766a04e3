/* SPDX-License-Identifier: BSD-2-Clause */
/* Reservations as the state service keeps them: what is on the disk, who is told, what waits. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/nvme/reservation.h"
#include "services/state/reconcile.h"
#include "services/state/reservation.h"
#include "tests/support/shows.h"
#include "tests/unit/state/reserving.h"

/* ------------------------------------------------------------------ tests */

START_TEST(is_of_one_namespace)
{
	expect_status(enter(A, 1), 0);
	expect_status(acquire(A, 1, WE), 0);
	ck_assert_uint_eq(there(1), WE << 8 | 1);
	ck_assert_uint_eq(there(2), 0);
}
END_TEST

START_TEST(is_refused_where_it_is_not_enabled)
{
	reserving.sessions[A]->subsystem =
		target_find_subsystem_named(&stage.state.target, STAGE_PRIVATE)->number;
	expect_status(enter(A, 1), DNR(NVME_SC_INVALID_OPCODE));
}
END_TEST

START_TEST(is_refused_where_there_is_no_namespace)
{
	expect_status(enter(A, 5), DNR(NVME_SC_INVALID_NAMESPACE));
	ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
	expect_status(enter(A, NVME_NSID_ALL), DNR(NVME_SC_INVALID_NAMESPACE));
}
END_TEST

START_TEST(is_refused_to_a_host_without_identifier)
{
	memset(reserving.sessions[A]->host_id, 0, 16);
	expect_status(enter(A, 1), DNR(NVME_SC_HOST_ID_NOT_INITIALIZED));
	shows("Base 2.1 §8.1.22",
	      "Host Identifier Not Initialized where a host's identifier is 0, and CTRATT.RHII");
}
END_TEST

START_TEST(says_what_is_wrong_in_a_command)
{
	expect_status(ask(A, NVME_IO_RESERVATION_ACQUIRE, 1, 9 << 8, 0, 0), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 41 + 1);
}
END_TEST

START_TEST(is_still_there_after_a_restart)
{
	enter(A, 1);
	enter(B, 1);
	ask(B, NVME_IO_RESERVATION_REGISTER, 1, REPLACE, 2, 22);
	enter(C, 1);
	leave(C, 1);
	acquire(A, 1, WE_RO);
	reserving_reopen();
	ck_assert_uint_eq(there(1), WE_RO << 8 | 2);
	ck_assert_uint_eq(generation(1), 5);
	expect_status(preempt(A, 1, WE, 21), 0); /* B's new key is 22 */
	ck_assert_uint_eq(there(1), WE_RO << 8 | 1);
}
END_TEST

static uint64_t key_of(unsigned host)
{
	const struct reservation *reservation =
		stage_namespace(STAGE_SUBSYSTEM, 1)->backing->reservation;
	const struct registrant *found = reservation_find(reservation,
	                                                  reserving.sessions[host]->host_id);

	return found ? found->key : 0;
}

/* One at the end of the list, in the middle and in front: goes, is other, is new. */
START_TEST(is_kept_whichever_registrant_changes)
{
	enter(B, 1);
	enter(C, 1);
	enter(A, 1);
	expect_status(ask(B, NVME_IO_RESERVATION_REGISTER, 1, REPLACE, B + 1, 77), 0);
	leave(C, 1);
	reserving_reopen();
	ck_assert_uint_eq(key_of(A), A + 1);
	ck_assert_uint_eq(key_of(B), 77);
	ck_assert_uint_eq(key_of(C), 0);
	leave(A, 1);
	enter(C, 1);
	reserving_reopen();
	ck_assert_uint_eq(key_of(A), 0);
	ck_assert_uint_eq(key_of(B), 77);
	ck_assert_uint_eq(key_of(C), C + 1);
}
END_TEST

START_TEST(ends_with_the_power_unless_it_persists)
{
	ck_assert_int_eq(reservations_power_on(&stage.state, "monday"), 0);
	enter(A, 1);
	acquire(A, 1, WE);
	ask(B, NVME_IO_RESERVATION_REGISTER, 2, REGISTER | SET_PTPL, 0, 2);
	acquire(B, 2, WE);
	ck_assert_int_eq(reservations_power_on(&stage.state, "monday"), 0);
	ck_assert_uint_eq(there(1), WE << 8 | 1);
	ck_assert_int_eq(reservations_power_on(&stage.state, "tuesday"), 0);
	ck_assert_uint_eq(there(1), 0);
	ck_assert_uint_eq(there(2), WE << 8 | 1);
	reserving_reopen();
	ck_assert_uint_eq(there(1), 0);
	ck_assert(persists(2));
	shows("Base 2.1 §8.1.22",
	      "without PTPL registrations and reservations end when the machine starts anew, not "
	      "with any of our processes");
}
END_TEST

static void restore_without(const char *part, const char *other)
{
	char *config = reserving_config(), *edited = stage_edit(config, part, other);

	stage_restore(edited);
	free(edited);
	free(config);
}

START_TEST(ends_with_its_namespace)
{
	char *config = reserving_config();

	enter(A, 1);
	restore_without("\"nsid\": 1, \"enable\": 1", "\"nsid\": 1, \"enable\": 0");
	stage_restore(config);
	free(config);
	stage_ready();
	ck_assert_uint_eq(there(1), 0);
	reserving_reopen();
	ck_assert_uint_eq(there(1), 0);
}
END_TEST

START_TEST(ends_when_it_is_not_enabled_any_more)
{
	char *config = reserving_config();

	enter(A, 2);
	restore_without("\"resv\": {\"enable\": \"1\"},", "\"resv\": {\"enable\": \"0\"},");
	expect_status(enter(A, 2), DNR(NVME_SC_INVALID_OPCODE));
	stage_restore(config);
	free(config);
	ck_assert_uint_eq(there(2), 0);
}
END_TEST

START_TEST(stays_through_other_changes)
{
	enter(A, 1);
	restore_without("\"qid_max\": \"8\"", "\"qid_max\": \"4\"");
	ck_assert_uint_eq(there(1), 1);
}
END_TEST

/* ------------------------------------------------------------------ asked again */

static void as(uint8_t number)
{
	memset(reserving.identity, number, sizeof(reserving.identity));
	reserving.has_identity = true;
}

START_TEST(is_carried_out_once)
{
	as(1);
	enter(A, 1);
	as(2);
	expect_status(leave(A, 1), 0);
	reserving_reopen();
	expect_status(leave(A, 1), 0);
	as(3);
	expect_status(leave(A, 1), CONFLICT);
}
END_TEST

START_TEST(is_carried_out_anew_if_it_was_refused)
{
	as(1);
	expect_status(leave(A, 1), CONFLICT);
	as(2);
	enter(A, 1);
	as(1);
	expect_status(leave(A, 1), 0);
}
END_TEST

/* ------------------------------------------------------------------ who waits for whom */

static struct ipc_peer peer;

static struct transport *add_transport(void)
{
	struct transport *transport = state_add_transport(&stage.state, "tcp");

	transport->peer = &peer;
	transport->presented = true;
	transport->drained = stage.state.target.revision + 1;
	return transport;
}

START_TEST(waits_until_what_was_before_has_drained)
{
	struct transport *transport = add_transport();

	enter(A, 1);
	ck_assert(!stage.reply.drains);
	stage.state.target.revision = transport->drained;
	acquire(A, 1, WE);
	ck_assert(stage.reply.drains);
	acquire(A, 1, WE);
	ck_assert(stage.reply.drains);
	transport->drained = stage.state.target.revision + 1;
	acquire(A, 1, WE);
	ck_assert(!stage.reply.drains);
	transport->peer = NULL;
}
END_TEST

START_TEST(waits_for_those_who_have_not_presented_their_sessions)
{
	struct transport *transport = add_transport();

	transport->presented = false;
	transport->arrived_ns = clock_now_ns();
	enter(A, 1);
	ck_assert(stage.reply.ask_later);
	ck_assert_uint_eq(there(1), 0);
	transport->peer = NULL;
	transport->gone_ns = clock_now_ns();
	enter(A, 1);
	ck_assert(stage.reply.ask_later);
	transport->gone_ns -= RECONCILE_OPEN_NS;
	expect_status(enter(A, 1), 0);
	ck_assert(!stage.reply.ask_later);
}
END_TEST

/* ------------------------------------------------------------------ feature 83h */

START_TEST(can_be_made_to_persist)
{
	stage.session = reserving.sessions[A];
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 1, 0x83, 1), 0);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 1, 0x83, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 1);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 1, 0x183, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 0);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 1, 0x383, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 6);
	ck_assert(!persists(2));
	reserving_reopen();
	ck_assert(persists(1));
}
END_TEST

START_TEST(can_be_made_to_persist_on_all_namespaces)
{
	enter(B, 1);
	stage.session = reserving.sessions[A];
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, NVME_NSID_ALL, 0x83, 1), 0);
	ck_assert(persists(1));
	ck_assert(persists(2));
	reserving_reopen();
	ck_assert(persists(2));
	ck_assert_uint_eq(there(1), 1);
	stage.session = reserving.sessions[A];
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, NVME_NSID_ALL, 0x83, 0), 0);
	ck_assert(!persists(1));
}
END_TEST

START_TEST(persists_only_where_it_is_enabled)
{
	stage.session = reserving.sessions[A];
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 5, 0x83, 1), DNR(0x002));
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 1, 0x83, 2), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 44 + 1);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, NVME_NSID_ALL, 0x83, 0), DNR(0x002));
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 1, 1u << 31 | 0x83, 1), DNR(0x10d));
	stage_connect(STAGE_HOST, 1, STAGE_PRIVATE);
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 1, 0x83, 1), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
}
END_TEST

/* ------------------------------------------------------------------ Identify */

START_TEST(is_named_in_identify)
{
	stage.session = reserving.sessions[A];
	expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 1, 0x00, 0), 0);
	ck_assert_uint_eq(stage.reply.data[31], 0xff);
	expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 1, 0x08, 0), 0);
	ck_assert_uint_eq(stage.reply.data[2], 0xff);
	stage_connect(STAGE_HOST, 1, STAGE_PRIVATE);
	expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 1, 0x00, 0), 0);
	ck_assert_uint_eq(stage.reply.data[31], 0);
}
END_TEST

/* ------------------------------------------------------------------ as many as there may be */

enum { CROWD = 1024, REPORTS = 60 };

static void number(uint8_t *host_id, unsigned n)
{
	memset(host_id, 0, 16);
	host_id[0] = (uint8_t)(n >> 8);
	host_id[1] = (uint8_t)n;
	host_id[15] = 1;
}

static struct reservation *reserved(void)
{
	list_for_each (at, &stage.state.target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		if (backing->reservation)
			return backing->reservation;
	}
	ck_abort_msg("there is none");
}

/* Of the registrants the last CROWD are connected. */
static void given_a_crowd(void)
{
	struct reservation *reservation = reserved();

	free(reservation->registrants);
	reservation->n_registrants = RESERVATION_REGISTRANTS_MAX;
	reservation->registrants = calloc(RESERVATION_REGISTRANTS_MAX + 1,
	                                  sizeof(*reservation->registrants));
	ck_assert_ptr_nonnull(reservation->registrants);
	for (unsigned i = 0; i < RESERVATION_REGISTRANTS_MAX; i++)
		number(reservation->registrants[i].host_id, i);
	for (unsigned i = 0; i < CROWD; i++)
		number(stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM)->host_id,
		       RESERVATION_REGISTRANTS_MAX - CROWD + i);
}

static unsigned cntlid_of(unsigned registrant)
{
	const struct nvme_registrant *list = (const void *)stage.reply.data;

	return le16_get(list[1 + registrant].cntlid);
}

/* Any host may ask, as often as its queues have entries: the state service has others, too. */
START_TEST(is_reported_quickly_also_of_many)
{
	const uint32_t dwords_0based = (RESERVATION_REGISTRANTS_MAX + 1) * 64 / 4 - 1;
	clock_t began;

	enter(A, 1);
	given_a_crowd();
	began = clock();
	for (unsigned i = 0; i < REPORTS; i++)
		expect_status(ask(B, NVME_IO_RESERVATION_REPORT, 1, dwords_0based, 0, 0), 0);
	ck_assert_double_lt((double)(clock() - began) / CLOCKS_PER_SEC, 1.5);
	ck_assert_uint_eq(cntlid_of(0), NVME_CNTLID_DYNAMIC);
	ck_assert_uint_eq(cntlid_of(RESERVATION_REGISTRANTS_MAX - 1), stage.session->cntlid);
	ck_assert_uint_eq(cntlid_of(RESERVATION_REGISTRANTS_MAX - 2), stage.session->cntlid - 1u);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reservations");

	describe(suite,
	         "a reservation",
	         reserving_open,
	         stage_close,
	         is_of_one_namespace,
	         is_refused_where_it_is_not_enabled,
	         is_refused_where_there_is_no_namespace,
	         is_refused_to_a_host_without_identifier,
	         says_what_is_wrong_in_a_command,
	         is_still_there_after_a_restart,
	         is_kept_whichever_registrant_changes,
	         ends_with_the_power_unless_it_persists,
	         ends_with_its_namespace,
	         ends_when_it_is_not_enabled_any_more,
	         stays_through_other_changes,
	         can_be_made_to_persist,
	         can_be_made_to_persist_on_all_namespaces,
	         persists_only_where_it_is_enabled,
	         is_named_in_identify,
	         is_reported_quickly_also_of_many);
	describe(suite,
	         "a command",
	         reserving_open,
	         stage_close,
	         is_carried_out_once,
	         is_carried_out_anew_if_it_was_refused,
	         waits_until_what_was_before_has_drained,
	         waits_for_those_who_have_not_presented_their_sessions);
	return run(suite);
}
