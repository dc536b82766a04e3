/* SPDX-License-Identifier: BSD-2-Clause */
/* What transports are told of reservations: who has rights. */
#include <stdlib.h>
#include <string.h>

#include "services/state/reservation.h"
#include "services/state/view.h"
#include "tests/unit/state/reserving.h"

static struct scratch scratch;
static const uint8_t token[16];
static const struct view_token worker = {"io-0", "/run/io-0.sock", token};

static void given_three_registrants(void)
{
	reserving_open();
	for (unsigned host = 0; host < HOSTS; host++)
		expect_status(enter(host, 1), 0);
}

static void forget(void)
{
	scratch_deinit(&scratch);
	stage_close();
}

static Nvmetd__TransportView *view(void)
{
	Nvmetd__TransportView *made = view_of_transport(
		&scratch, &stage.state.target, "tcp", &worker, 1);

	ck_assert_ptr_nonnull(made);
	return made;
}

static const Nvmetd__NamespaceView *namespace_of(const Nvmetd__TransportView *from)
{
	for (size_t i = 0; i < from->n_subsystems; i++)
		if (strcmp(from->subsystems[i]->nqn, STAGE_SUBSYSTEM) == 0)
			return from->subsystems[i]->namespaces[0];
	ck_abort_msg("there is no such subsystem");
}

static void expect_host(const void *id, unsigned host)
{
	ck_assert_mem_eq(id, reserving.sessions[host]->host_id, 16);
}

START_TEST(has_nobody_where_it_is_not_held)
{
	ck_assert_uint_eq(namespace_of(view())->reservation_type, 0);
	ck_assert_uint_eq(namespace_of(view())->reservation_rights.len, 0);
}
END_TEST

START_TEST(has_the_holder_alone_where_registrants_have_no_rights)
{
	const Nvmetd__NamespaceView *namespace;

	expect_status(acquire(B, 1, WE), 0);
	namespace = namespace_of(view());
	ck_assert_uint_eq(namespace->reservation_rights.len, 16);
	expect_host(namespace->reservation_rights.data, B);
}
END_TEST

START_TEST(has_all_registrants_one_behind_the_other)
{
	const Nvmetd__NamespaceView *namespace;

	expect_status(acquire(B, 1, WE_RO), 0);
	namespace = namespace_of(view());
	ck_assert_uint_eq(namespace->n_reservation_hosts, 0);
	ck_assert_uint_eq(namespace->reservation_rights.len, 3 * 16);
	for (unsigned host = 0; host < HOSTS; host++)
		expect_host(namespace->reservation_rights.data + 16 * host, host);
}
END_TEST

START_TEST(has_them_one_by_one_for_an_earlier_release)
{
	const Nvmetd__NamespaceView *namespace;
	Nvmetd__TransportView *spread;

	expect_status(acquire(B, 1, WE_RO), 0);
	spread = view();
	reservations_spread_view(&scratch, spread);
	namespace = namespace_of(spread);
	ck_assert_uint_eq(namespace->reservation_rights.len, 0);
	ck_assert_uint_eq(namespace->n_reservation_hosts, 3);
	for (unsigned host = 0; host < HOSTS; host++) {
		ck_assert_uint_eq(namespace->reservation_hosts[host].len, 16);
		expect_host(namespace->reservation_hosts[host].data, host);
	}
}
END_TEST

/* ------------------------------------------------------------------ many */

static size_t n_allocated;

static void *allocate(void *data, size_t size)
{
	(void)data;
	n_allocated++;
	return malloc(size);
}

static void release(void *data, void *memory)
{
	(void)data;
	free(memory);
}

/* What it costs a transport to read the view. */
static size_t count_allocations(const Nvmetd__TransportView *from)
{
	ProtobufCAllocator allocator = {.alloc = allocate, .free = release};
	size_t length = nvmetd__transport_view__get_packed_size(from);
	uint8_t *bytes = malloc(length);
	Nvmetd__TransportView *read;

	ck_assert_ptr_nonnull(bytes);
	nvmetd__transport_view__pack(from, bytes);
	n_allocated = 0;
	read = nvmetd__transport_view__unpack(&allocator, length, bytes);
	ck_assert_ptr_nonnull(read);
	nvmetd__transport_view__free_unpacked(read, &allocator);
	free(bytes);
	return n_allocated;
}

static void register_many(void)
{
	struct session *session = reserving.sessions[A];

	for (uint32_t i = 1; i <= 500; i++) {
		memset(session->host_id, 0x77, sizeof(session->host_id));
		memcpy(session->host_id, &i, sizeof(i));
		expect_status(enter(A, 1), 0);
	}
}

/* Each Register sends the rights of all: with 24,000 registrants it took 0.4 s to take them apart
 * one by one. */
START_TEST(costs_no_more_memory_blocks_where_there_are_many)
{
	size_t with_three;

	expect_status(acquire(B, 1, WE_RO), 0);
	with_three = count_allocations(view());
	register_many();
	ck_assert_uint_eq(namespace_of(view())->reservation_rights.len, 503 * 16);
	ck_assert_uint_eq(count_allocations(view()), with_three);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a view of a reservation");

	describe(suite,
	         "a view",
	         given_three_registrants,
	         forget,
	         has_nobody_where_it_is_not_held,
	         has_the_holder_alone_where_registrants_have_no_rights,
	         has_all_registrants_one_behind_the_other,
	         has_them_one_by_one_for_an_earlier_release,
	         costs_no_more_memory_blocks_where_there_are_many);
	return run(suite);
}
