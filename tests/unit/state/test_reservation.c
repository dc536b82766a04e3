/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may register, reserve and take away, for each type and each command (Base 2.1 §8.1.22). */
#include "services/state/reservation.h"

#include <string.h>

#include "tests/support/spec.h"

#define DNR      NVME_STATUS_DNR
#define CONFLICT (NVME_SC_RESERVATION_CONFLICT | DNR)
#define INVALID  (NVME_SC_INVALID_FIELD | DNR)
#define NONE     NVME_RESERVATION_NONE

enum host { NOBODY, A, B, C, D };

/* Each host's key is its letter. */
enum { KEY_A = 0xaa, KEY_B = 0xbb, KEY_C = 0xcc, KEY_D = 0xdd };
static const uint64_t keys[] = {0, KEY_A, KEY_B, KEY_C, KEY_D};

static struct reservation *reservation;
static struct reservation_outcome outcome;

static const uint8_t *id_of(enum host host)
{
	static uint8_t id[16];

	memset(id, (int)host, sizeof(id));
	return id;
}

/* As the state service does: to a copy, which is taken if the answer is good. */
static unsigned apply(enum host host, struct decoded_reservation asked)
{
	struct reservation *next = reservation_copy(reservation);

	ck_assert_ptr_nonnull(next);
	outcome = reservation_apply(next, &asked, id_of(host));
	if (status_is_ok(outcome.status)) {
		reservation_free(reservation);
		reservation = next;
	} else {
		reservation_free(next);
	}
	return outcome.status.value;
}

/* With the host's key, or with another. */
#define DO(host, ...) apply((host), (struct decoded_reservation){.key = keys[host], __VA_ARGS__})

#define TRY(host, ...) apply((host), (struct decoded_reservation){__VA_ARGS__})

static unsigned enter(enum host host)
{
	return DO(host, .action = RESERVATION_REGISTER, .new_key = keys[host]);
}

static unsigned acquire(enum host host, unsigned type)
{
	return DO(host, .action = RESERVATION_ACQUIRE, .type = type);
}

static unsigned preempt(enum host host, unsigned type, uint64_t key)
{
	return DO(host, .action = RESERVATION_PREEMPT, .type = type, .new_key = key);
}

static unsigned release(enum host host, unsigned type)
{
	return DO(host, .action = RESERVATION_RELEASE, .type = type);
}

static unsigned leave(enum host host)
{
	return DO(host, .action = RESERVATION_UNREGISTER);
}

static bool is_registered(enum host host)
{
	return reservation_find(reservation, id_of(host)) != NULL;
}

static bool holds(enum host host)
{
	const struct registrant *registrant = reservation_find(reservation, id_of(host));

	return registrant && reservation_is_holder(reservation, registrant);
}

#define expect(value, wanted) ck_assert_uint_eq((value), (unsigned)(wanted))

static void given_nobody(void)
{
	reservation = reservation_copy(NULL);
	ck_assert_ptr_nonnull(reservation);
}

/* A, B and C are registered. */
static void given_registrants(void)
{
	given_nobody();
	expect(enter(C), 0);
	expect(enter(A), 0);
	expect(enter(B), 0);
}

static void forget_them(void)
{
	reservation = reservation_free(reservation);
}

/* A holds it, anew for each type. */
static void begin_with(unsigned type)
{
	forget_them();
	given_registrants();
	expect(acquire(A, type), 0);
}

#define for_each_type(type)                                                                        \
	for (unsigned type = NVME_RESERVATION_WRITE_EXCLUSIVE; type <= NVME_RESERVATION_TYPE_MAX;  \
	     (type)++)

static bool is_of_all(unsigned type)
{
	return reservation_is_of_all((enum nvme_reservation_type)type);
}

/* ------------------------------------------------------------------ Register */

START_TEST(registers_a_host_once)
{
	expect(enter(A), 0);
	expect(enter(A), 0);
	expect(reservation->n_registrants, 1);
	expect(DO(A, .action = RESERVATION_REGISTER, .new_key = 7), CONFLICT);
}
END_TEST

START_TEST(replaces_a_key_that_the_host_knows)
{
	enter(A);
	expect(DO(A, .action = RESERVATION_REPLACE, .new_key = 7), 0);
	expect(reservation_find(reservation, id_of(A))->key, 7);
	expect(DO(A, .action = RESERVATION_REPLACE, .new_key = 8), CONFLICT);
	expect(DO(A, .action = RESERVATION_REPLACE, .new_key = 8, .ignores_key = true), 0);
}
END_TEST

START_TEST(replaces_no_key_of_one_that_has_none)
{
	expect(DO(A, .action = RESERVATION_REPLACE, .new_key = 7), CONFLICT);
	expect(DO(A, .action = RESERVATION_REPLACE, .new_key = 7, .ignores_key = true), 0);
	ck_assert(is_registered(A));
}
END_TEST

START_TEST(unregisters_only_with_the_key)
{
	enter(A);
	expect(TRY(A, .action = RESERVATION_UNREGISTER, .key = 1), CONFLICT);
	expect(leave(B), CONFLICT);
	expect(leave(A), 0);
	expect(leave(A), CONFLICT);
	enter(A);
	expect(TRY(A, .action = RESERVATION_UNREGISTER, .key = 1, .ignores_key = true), 0);
}
END_TEST

START_TEST(keeps_who_persists)
{
	expect(DO(A,
	          .action = RESERVATION_REGISTER,
	          .new_key = KEY_A,
	          .persist = RESERVATION_PERSIST_YES),
	       0);
	ck_assert(reservation->persists);
	expect(DO(B, .action = RESERVATION_UNREGISTER, .persist = RESERVATION_PERSIST_NO),
	       CONFLICT);
	ck_assert(reservation->persists);
	enter(B);
	ck_assert(reservation->persists);
	expect(DO(B, .action = RESERVATION_UNREGISTER, .persist = RESERVATION_PERSIST_NO), 0);
	ck_assert(!reservation->persists);
}
END_TEST

START_TEST(has_room_for_many_but_not_for_any_number)
{
	for (unsigned i = 0; i < RESERVATION_REGISTRANTS_MAX; i++) {
		struct decoded_reservation asked = {.action = RESERVATION_REGISTER, .new_key = i};
		uint8_t id[16] = {(uint8_t)(i >> 8), (uint8_t)i};
		struct reservation *next = reservation_copy(reservation);

		expect(reservation_apply(next, &asked, id).status.value, 0);
		reservation_free(reservation);
		reservation = next;
	}
	expect(DO(A, .action = RESERVATION_REGISTER, .new_key = 1), NVME_SC_INTERNAL | DNR);
}
END_TEST

/* ------------------------------------------------------------------ Acquire */

START_TEST(is_held_by_whoever_comes_first)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(reservation->type, type);
		ck_assert(holds(A));
		ck_assert(holds(B) == is_of_all(type));
		expect(acquire(B, type), is_of_all(type) ? 0 : CONFLICT);
		expect(acquire(D, type), CONFLICT);
		expect(acquire(A, type), 0);
		expect(acquire(A, type % NVME_RESERVATION_TYPE_MAX + 1), CONFLICT);
		expect(TRY(A, .action = RESERVATION_ACQUIRE, .type = type, .key = 1), CONFLICT);
	}
}
END_TEST

/* ------------------------------------------------------------------ Release, Clear */

START_TEST(is_released_by_its_holder)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(release(A, type % NVME_RESERVATION_TYPE_MAX + 1), INVALID);
		expect(outcome.location, 41 + 1);
		expect(TRY(A, .action = RESERVATION_RELEASE, .type = type, .key = 1), CONFLICT);
		expect(release(D, type), CONFLICT);
		expect(release(A, type), 0);
		expect(reservation->type, NONE);
		expect(reservation->n_registrants, 3);
		expect(outcome.to_others,
		       reservation_is_shared(type) ? NVME_RESERVATION_RELEASED : 0);
		expect(release(A, type), 0);
	}
}
END_TEST

START_TEST(is_not_released_by_others_unless_all_hold_it)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(release(B, type), 0);
		expect(reservation->type, is_of_all(type) ? NONE : type);
	}
}
END_TEST

START_TEST(is_cleared_by_any_registrant)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(DO(D, .action = RESERVATION_CLEAR), CONFLICT);
		expect(TRY(B, .action = RESERVATION_CLEAR, .key = 1), CONFLICT);
		expect(DO(B, .action = RESERVATION_CLEAR), 0);
		expect(reservation->type, NONE);
		expect(reservation->n_registrants, 0);
		expect(outcome.to_removed, NVME_RESERVATION_PREEMPTED);
	}
}
END_TEST

/* ------------------------------------------------------------------ Unregister */

START_TEST(goes_with_its_holder)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(leave(A), 0);
		expect(reservation->type, is_of_all(type) ? type : NONE);
		expect(outcome.to_others,
		       reservation_is_shared(type) && !is_of_all(type) ? NVME_RESERVATION_RELEASED
		                                                       : 0);
	}
}
END_TEST

START_TEST(goes_with_the_last_of_those_who_all_hold_it)
{
	begin_with(NVME_RESERVATION_WRITE_EXCLUSIVE_ALL);
	leave(A);
	leave(B);
	ck_assert(holds(C));
	leave(C);
	expect(reservation->type, NONE);
}
END_TEST

START_TEST(stays_when_others_leave)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(leave(B), 0);
		expect(reservation->type, type);
		ck_assert(holds(A));
		expect(outcome.to_others, 0);
	}
}
END_TEST

/* ------------------------------------------------------------------ Preempt */

START_TEST(is_taken_from_its_holder)
{
	for_each_type(from) for_each_type(to)
	{
		begin_with(from);
		expect(preempt(B, to, is_of_all(from) ? 0 : KEY_A), 0);
		expect(reservation->type, to);
		ck_assert(holds(B));
		ck_assert(!is_registered(A));
		ck_assert(is_registered(C) == !is_of_all(from));
		expect(outcome.to_removed, NVME_RESERVATION_REGISTRATION_PREEMPTED);
		expect(outcome.to_others, from != to ? NVME_RESERVATION_RELEASED : 0);
	}
}
END_TEST

START_TEST(stays_where_another_is_preempted)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(preempt(B, type, KEY_C), 0);
		expect(reservation->type, type);
		ck_assert(holds(A));
		ck_assert(!is_registered(C));
		expect(outcome.to_removed, NVME_RESERVATION_REGISTRATION_PREEMPTED);
		expect(outcome.to_others, 0);
	}
}
END_TEST

START_TEST(changes_its_type_where_its_holder_preempts_itself)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(preempt(A, NVME_RESERVATION_EXCLUSIVE_ACCESS, is_of_all(type) ? 0 : KEY_A),
		       0);
		expect(reservation->type, NVME_RESERVATION_EXCLUSIVE_ACCESS);
		ck_assert(holds(A));
		ck_assert(is_registered(B) == !is_of_all(type));
	}
}
END_TEST

START_TEST(is_not_preempted_with_a_key_that_nobody_has)
{
	for_each_type(type)
	{
		begin_with(type);
		expect(preempt(B, type, KEY_D), CONFLICT);
		expect(preempt(D, type, KEY_A), CONFLICT);
		expect(TRY(B,
		           .action = RESERVATION_PREEMPT,
		           .type = type,
		           .key = 1,
		           .new_key = KEY_A),
		       CONFLICT);
		if (!is_of_all(type))
			expect(preempt(B, type, 0), INVALID);
	}
}
END_TEST

START_TEST(is_preempted_with_all_that_have_the_holders_key)
{
	begin_with(NVME_RESERVATION_WRITE_EXCLUSIVE);
	expect(DO(C, .action = RESERVATION_REPLACE, .new_key = KEY_A), 0);
	expect(preempt(B, NVME_RESERVATION_WRITE_EXCLUSIVE, KEY_A), 0);
	expect(reservation->n_registrants, 1);
	ck_assert(holds(B));
}
END_TEST

START_TEST(takes_away_registrations_where_nobody_holds_it)
{
	expect(preempt(A, NVME_RESERVATION_WRITE_EXCLUSIVE, KEY_B), 0);
	ck_assert(!is_registered(B));
	expect(reservation->type, NONE);
	expect(preempt(A, NVME_RESERVATION_WRITE_EXCLUSIVE, KEY_B), CONFLICT);
	expect(preempt(A, NVME_RESERVATION_WRITE_EXCLUSIVE, 0), CONFLICT);
}
END_TEST

/* ------------------------------------------------------------------ what is counted and told */

START_TEST(counts_what_changes_who_is_registered)
{
	expect(reservation->generation, 3);
	acquire(A, NVME_RESERVATION_WRITE_EXCLUSIVE);
	release(A, NVME_RESERVATION_WRITE_EXCLUSIVE);
	expect(reservation->generation, 3);
	enter(A);
	expect(reservation->generation, 4);
	preempt(A, NVME_RESERVATION_WRITE_EXCLUSIVE, KEY_B);
	expect(reservation->generation, 5);
	preempt(A, NVME_RESERVATION_WRITE_EXCLUSIVE, KEY_B);
	expect(reservation->generation, 5);
	DO(C, .action = RESERVATION_CLEAR);
	expect(reservation->generation, 6);
}
END_TEST

START_TEST(reports_each_registrant)
{
	uint8_t data[64 * 5];
	const struct nvme_reservation_status *head = (const void *)data;
	const struct nvme_registrant *first = (const void *)(data + 64);

	acquire(B, NVME_RESERVATION_EXCLUSIVE_ACCESS_REGISTRANTS);
	memset(data, 0xee, sizeof(data));
	reservation_report(reservation, data, sizeof(data));
	expect(le32_get(head->gen), 3);
	expect(head->rtype, NVME_RESERVATION_EXCLUSIVE_ACCESS_REGISTRANTS);
	expect(le16_get(head->regstrnt), 3);
	expect(le16_get(first->cntlid), 0xffff);
	expect(first[0].rcsts, 0);
	expect(first[1].rcsts, 1);
	expect(le64_get(first[1].rkey), KEY_B);
	ck_assert_mem_eq(first[1].hostid, id_of(B), 16);
	expect(data[64 * 4], 0);
	expect(data[64 * 5 - 1], 0);
}
END_TEST

START_TEST(reports_as_much_as_there_is_room_for)
{
	uint8_t data[64 + 40];

	memset(data, 0xee, sizeof(data));
	reservation_report(reservation, data, 64 + 36);
	expect(data[5], 3);
	expect(data[64 + 16], A);
	expect(data[64 + 36], 0xee);
	reservation_report(NULL, data, 4);
	expect(data[0], 0);
	expect(data[5], 3);
}
END_TEST

START_TEST(says_when_the_same_hosts_may_do_the_same)
{
	struct reservation *before = reservation_copy(reservation);

	ck_assert(reservation_is_same_rule(NULL, reservation));
	enter(D);
	ck_assert(reservation_is_same_rule(before, reservation));
	ck_assert(!reservation_is_same(before, reservation));
	acquire(A, NVME_RESERVATION_WRITE_EXCLUSIVE);
	ck_assert(!reservation_is_same_rule(before, reservation));
	reservation_free(before);
	before = reservation_copy(reservation);
	leave(D);
	ck_assert(reservation_is_same_rule(before, reservation));
	reservation_free(before);
	preempt(A, NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS, KEY_A);
	before = reservation_copy(reservation);
	enter(D);
	ck_assert(!reservation_is_same_rule(before, reservation));
	reservation_free(before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reservation");

	describe(suite,
	         "a namespace without registrants",
	         given_nobody,
	         forget_them,
	         registers_a_host_once,
	         replaces_a_key_that_the_host_knows,
	         replaces_no_key_of_one_that_has_none,
	         unregisters_only_with_the_key,
	         keeps_who_persists,
	         has_room_for_many_but_not_for_any_number);
	describe(suite,
	         "a reservation",
	         given_registrants,
	         forget_them,
	         is_held_by_whoever_comes_first,
	         is_released_by_its_holder,
	         is_not_released_by_others_unless_all_hold_it,
	         is_cleared_by_any_registrant,
	         goes_with_its_holder,
	         goes_with_the_last_of_those_who_all_hold_it,
	         stays_when_others_leave,
	         is_taken_from_its_holder,
	         stays_where_another_is_preempted,
	         changes_its_type_where_its_holder_preempts_itself,
	         is_not_preempted_with_a_key_that_nobody_has,
	         is_preempted_with_all_that_have_the_holders_key);
	describe(suite,
	         "three registrants",
	         given_registrants,
	         forget_them,
	         takes_away_registrations_where_nobody_holds_it,
	         counts_what_changes_who_is_registered,
	         reports_each_registrant,
	         reports_as_much_as_there_is_room_for,
	         says_when_the_same_hosts_may_do_the_same);
	return run(suite);
}
