/* SPDX-License-Identifier: BSD-2-Clause */
/* What only some hosts see of a subsystem, in a view. */
#include "common/transport/view.h"

#include "tests/support/spec.h"

#define SUBSYSTEM 7u
#define ANNA      "nqn.2024-01.org.example:anna"
#define BERTA     "nqn.2024-01.org.example:berta"
#define CLARA     "nqn.2024-01.org.example:clara"

static Nvmetd__TransportView message;
static Nvmetd__SubsystemView subsystem, *subsystem_pointer = &subsystem;
static Nvmetd__NamespaceView spaces[5], *pointers[5];
static Nvmetd__FaceView faces[2], *face_pointers[] = {&faces[0], &faces[1]};
static uint32_t of_anna[] = {0, 1}, of_berta[] = {1};
static struct view *view;
static const char *reason;

static void describe_namespace(unsigned index, uint32_t nsid)
{
	Nvmetd__NamespaceView *space = pointers[index] = &spaces[index];

	nvmetd__namespace_view__init(space);
	space->nsid = nsid;
	space->handle = 100 + nsid;
	space->block_shift = 9;
	space->blocks = 1000;
	space->ana_group = 1;
}

static void describe_face(Nvmetd__FaceView *face, const char *host, uint32_t *masked, size_t count)
{
	nvmetd__face_view__init(face);
	face->host_nqn = (char *)host;
	face->masked = masked;
	face->n_masked = count;
}

/* 1 and 3 for all; 2 for Anna, 5 for her and Berta. */
static void given_a_message(void)
{
	view = NULL;
	nvmetd__transport_view__init(&message);
	nvmetd__subsystem_view__init(&subsystem);
	describe_namespace(0, 1);
	describe_namespace(1, 3);
	describe_namespace(2, 2);
	describe_namespace(3, 5);
	subsystem.subsystem = SUBSYSTEM;
	subsystem.nqn = "nqn.2024-01.org.example:a";
	subsystem.namespaces = pointers;
	subsystem.n_namespaces = 2;
	subsystem.masked = pointers + 2;
	subsystem.n_masked = 2;
	of_anna[0] = 0;
	of_anna[1] = 1;
	describe_face(&faces[0], ANNA, of_anna, 2);
	describe_face(&faces[1], BERTA, of_berta, 1);
	subsystem.faces = face_pointers;
	subsystem.n_faces = 2;
	message.subsystems = &subsystem_pointer;
	message.n_subsystems = 1;
}

static void forget_the_view(void)
{
	view = view_drop(view);
}

static void make(void)
{
	ck_assert_int_eq(view_new(&view, &message, NULL, 1000, 1, &reason), 0);
}

static void expect_seen(const char *host, uint32_t nsid, bool is_seen)
{
	const struct view_subsystem *seen = view_subsystem_of(view, SUBSYSTEM, host);
	const struct view_namespace *space = view_namespace(seen, nsid);

	ck_assert_uint_eq(seen->number, SUBSYSTEM);
	ck_assert_msg(!space == !is_seen, "%s and namespace %u", host, nsid);
	if (space)
		ck_assert_uint_eq(space->handle, 100 + nsid);
}

START_TEST(is_seen_by_the_hosts_that_are_named)
{
	make();
	expect_seen(ANNA, 2, true);
	expect_seen(ANNA, 5, true);
	expect_seen(BERTA, 5, true);
}
END_TEST

START_TEST(is_not_seen_by_others)
{
	make();
	expect_seen(BERTA, 2, false);
	expect_seen(CLARA, 2, false);
	expect_seen(CLARA, 5, false);
}
END_TEST

START_TEST(hides_nothing_else)
{
	make();
	expect_seen(ANNA, 1, true);
	expect_seen(BERTA, 3, true);
	expect_seen(CLARA, 1, true);
	expect_seen(CLARA, 4, false);
}
END_TEST

START_TEST(keeps_its_size_while_it_is_not_ready)
{
	struct view *before;

	make();
	before = view;
	spaces[2].blocks = 0;
	spaces[2].block_shift = 0;
	ck_assert_int_eq(view_new(&view, &message, before, 2000, 1, &reason), 0);
	view_drop(before);
	ck_assert_uint_eq(view_namespace(view_subsystem_of(view, SUBSYSTEM, ANNA), 2)->blocks,
	                  1000);
}
END_TEST

START_TEST(is_one_that_the_worker_has_a_grant_for)
{
	make();
	ck_assert(view_has_handle(view, 102));
	ck_assert_uint_eq(view->n_namespaces, 4);
}
END_TEST

/* ------------------------------------------------------------------ unsound */

static void expect_unsound(const char *why)
{
	ck_assert_int_eq(view_new(&view, &message, NULL, 1000, 1, &reason), VIEW_E_UNSOUND);
	ck_assert_str_eq(reason, why);
}

START_TEST(is_there)
{
	of_anna[1] = 2;
	expect_unsound("a host sees a namespace that is not there");
}
END_TEST

START_TEST(is_in_order)
{
	of_anna[0] = 1;
	expect_unsound("what a host sees is not in ascending order");
}
END_TEST

START_TEST(is_of_hosts_in_order)
{
	faces[0].host_nqn = CLARA;
	expect_unsound("a subsystem's hosts are not in ascending order");
}
END_TEST

START_TEST(is_not_seen_by_all_as_well)
{
	spaces[2].nsid = 3;
	expect_unsound("a namespace is masked, and is not");
}
END_TEST

START_TEST(is_in_no_list_that_is_too_long)
{
	static uint32_t many[VIEW_GLIMPSES_MAX + 1];

	describe_face(&faces[1], BERTA, many, VIEW_GLIMPSES_MAX + 1);
	expect_unsound("there is more in it than a transport can hold");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view-masked");

	describe(suite,
	         "a masked namespace",
	         given_a_message,
	         forget_the_view,
	         is_seen_by_the_hosts_that_are_named,
	         is_not_seen_by_others,
	         hides_nothing_else,
	         keeps_its_size_while_it_is_not_ready,
	         is_one_that_the_worker_has_a_grant_for);
	describe(suite,
	         "what a host sees",
	         given_a_message,
	         forget_the_view,
	         is_there,
	         is_in_order,
	         is_of_hosts_in_order,
	         is_not_seen_by_all_as_well,
	         is_in_no_list_that_is_too_long);
	return run(suite);
}
