/* SPDX-License-Identifier: BSD-2-Clause */
/* What a controller's host hears of reservations: log page 80h, its event, feature 82h. */
#include <stdlib.h>
#include <string.h>

#include "common/nvme/reservation.h"
#include "services/state/reservation_notice.h"
#include "tests/support/shows.h"
#include "tests/unit/state/reserving.h"

static void expect_notice(unsigned host, unsigned notice, uint64_t count, unsigned more)
{
	stage.session = reserving.sessions[host];
	expect_status(stage_admin(NVME_ADMIN_GET_LOG_PAGE, 0, 15u << 16 | 0x80, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 64);
	ck_assert_uint_eq(stage.reply.data[0], count);
	ck_assert_uint_eq(stage.reply.data[8], notice);
	ck_assert_uint_eq(stage.reply.data[9], more);
	ck_assert_uint_eq(stage.reply.data[12], count > 0);
}

static void enter_all(void)
{
	for (unsigned i = 0; i < HOSTS; i++)
		enter(i, 1);
}

START_TEST(tells_those_whose_registration_was_preempted)
{
	enter_all();
	preempt(A, 1, WE, B);
	expect_notice(A, 0, 0, 0);
	expect_notice(B, NVME_RESERVATION_REGISTRATION_PREEMPTED, 1, 0);
	expect_notice(B, 0, 0, 0);
	expect_notice(C, 0, 0, 0);
	shows("Base 2.1 §5.1.12.1.32",
	      "one notice a read, the oldest first, with a count of those that still wait");
}
END_TEST

START_TEST(tells_registrants_that_a_reservation_was_released)
{
	enter_all();
	acquire(A, 1, WE_RO);
	ask(A, NVME_IO_RESERVATION_RELEASE, 1, WE_RO << 8, A + 1, 0);
	expect_notice(A, 0, 0, 0);
	expect_notice(B, NVME_RESERVATION_RELEASED, 1, 0);
	expect_notice(C, NVME_RESERVATION_RELEASED, 1, 0);
}
END_TEST

START_TEST(tells_those_who_were_cleared)
{
	enter_all();
	ask(A, NVME_IO_RESERVATION_RELEASE, 1, CLEAR, A + 1, 0);
	expect_notice(B, NVME_RESERVATION_PREEMPTED, 1, 0);
	expect_notice(A, 0, 0, 0);
}
END_TEST

START_TEST(tells_all_controllers_of_a_host)
{
	struct session *second = stage_connect(STAGE_OTHER, 1, STAGE_SUBSYSTEM);

	memcpy(second->host_id, reserving.sessions[B]->host_id, 16);
	enter_all();
	preempt(A, 1, WE, B);
	ck_assert_uint_eq(second->n_notices, 1);
	ck_assert_uint_eq(reserving.sessions[B]->n_notices, 1);
}
END_TEST

START_TEST(tells_nothing_that_is_masked)
{
	enter_all();
	stage.session = reserving.sessions[B];
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 1, 0x82, 1u << 1), 0);
	ck_assert(stage.reply.session_changed);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 1, 0x82, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 2);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 2, 0x82, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 0);
	preempt(A, 1, WE, B);
	expect_notice(B, 0, 0, 0);
}
END_TEST

START_TEST(has_a_mask_for_all_namespaces)
{
	stage.session = reserving.sessions[B];
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, NVME_NSID_ALL, 0x82, 0xe), 0);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 2, 0x82, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 0xe);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, NVME_NSID_ALL, 0x82, 0), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 1, 0x82, 0x10), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 44 + 1);
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 5, 0x82, 0), DNR(0x002));
}
END_TEST

static unsigned next_event(unsigned host)
{
	stage.session = reserving.sessions[host];
	expect_status(stage_admin(NVME_ADMIN_ASYNC_EVENT, 0, 0, 0), 0);
	return stage.reply.parked ? 0 : stage.reply.result;
}

START_TEST(is_told_by_an_event_until_the_log_is_empty)
{
	enter_all();
	acquire(A, 1, WE_RO);
	preempt(A, 1, WE, A); /* the type changes */
	preempt(A, 1, WE, C);
	ck_assert_uint_eq(reserving.sessions[C]->n_notices, 2);
	ck_assert_uint_eq(next_event(C), 0x800006);
	ck_assert_uint_eq(next_event(C), 0);
	expect_notice(C, NVME_RESERVATION_RELEASED, 1, 1);
	ck_assert_uint_eq(next_event(C), 0x800006);
	expect_notice(C, NVME_RESERVATION_REGISTRATION_PREEMPTED, 2, 0);
	ck_assert_uint_eq(next_event(C), 0);
	shows("Base 2.1 §5.1.2", "Reservation Log Page Available: once for each notice that waits");
}
END_TEST

START_TEST(is_read_once_though_its_event_is_retained)
{
	enter_all();
	preempt(A, 1, WE, B);
	ck_assert_uint_eq(next_event(B), 0x800006);
	expect_status(stage_admin(NVME_ADMIN_GET_LOG_PAGE, 0, 15u << 16 | 1u << 15 | 0x80, 0), 0);
	ck_assert_uint_eq(stage.reply.data[8], NVME_RESERVATION_REGISTRATION_PREEMPTED);
	ck_assert_uint_eq(stage.session->n_notices, 0);
	ck_assert_uint_eq(stage.session->masked, SESSION_EVENT_RESERVATION);
	expect_notice(B, 0, 0, 0);
	ck_assert_uint_eq(stage.session->masked, 0);
}
END_TEST

START_TEST(is_forgotten_when_the_controller_is_reset)
{
	struct session *session = reserving.sessions[A];

	session->reservation_masks[0] = 1u << NVME_RESERVATION_PREEMPTED;
	reservation_notice_add(session, 1, NVME_RESERVATION_RELEASED);
	session_reset(session);
	expect_notice(A, 0, 0, 0);
	reservation_notice_add(session, 1, NVME_RESERVATION_PREEMPTED);
	expect_notice(A, NVME_RESERVATION_PREEMPTED, 1, 0);
}
END_TEST

START_TEST(counts_what_was_lost)
{
	const struct session *session = reserving.sessions[A];

	for (unsigned i = 0; i < SESSION_NOTICES_MAX + 5; i++)
		reservation_notice_add(reserving.sessions[A], 1, NVME_RESERVATION_RELEASED);
	ck_assert_uint_eq(session->notices[254].count, SESSION_NOTICES_MAX + 5);
	expect_notice(A, NVME_RESERVATION_RELEASED, 1, 254);
	reservation_notice_add(reserving.sessions[A], 1, NVME_RESERVATION_PREEMPTED);
	ck_assert_uint_eq(session->notices[253].count, SESSION_NOTICES_MAX + 5);
	ck_assert_uint_eq(session->notices[254].count, SESSION_NOTICES_MAX + 6);
}
END_TEST

START_TEST(goes_with_the_session)
{
	struct session_message *packed = calloc(1, sizeof(*packed));
	struct session *back = NULL;

	enter_all();
	preempt(A, 1, WE, B);
	reserving.sessions[B]->reservation_masks[6] = 4;
	session_pack(packed, reserving.sessions[B]);
	ck_assert_int_eq(session_unpack(&back, &packed->message), 0);
	ck_assert_uint_eq(back->n_notices, 1);
	ck_assert_uint_eq(back->notice_count, 1);
	ck_assert_uint_eq(back->notices[0].nsid, 1);
	ck_assert_uint_eq(back->notices[0].notice, NVME_RESERVATION_REGISTRATION_PREEMPTED);
	ck_assert_uint_eq(back->events, SESSION_EVENT_RESERVATION);
	ck_assert_mem_eq(back->reservation_masks, reserving.sessions[B]->reservation_masks, 1024);
	session_free(back);
	packed->notice[0].notice = 4;
	ck_assert_int_eq(session_unpack(&back, &packed->message), SESSION_E_MALFORMED);
	free(packed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reservation_notices");

	describe(suite,
	         "a notice",
	         reserving_open,
	         stage_close,
	         tells_those_whose_registration_was_preempted,
	         tells_registrants_that_a_reservation_was_released,
	         tells_those_who_were_cleared,
	         tells_all_controllers_of_a_host,
	         tells_nothing_that_is_masked,
	         has_a_mask_for_all_namespaces,
	         is_told_by_an_event_until_the_log_is_empty,
	         is_read_once_though_its_event_is_retained,
	         is_forgotten_when_the_controller_is_reset,
	         counts_what_was_lost,
	         goes_with_the_session);
	return run(suite);
}
