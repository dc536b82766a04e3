/* SPDX-License-Identifier: BSD-2-Clause */
/* A view: what the state service says, checked; and nothing of what breaks its own rules. */
#include "common/transport/view.h"

#include <string.h>

#include "tests/support/spec.h"

#define NOW 1000u

static Nvmetd__TransportView message;
static Nvmetd__ListenerView listeners[2], *listener_pointers[] = {&listeners[0], &listeners[1]};
static Nvmetd__AnaGroupView group, *group_pointer = &group;
static Nvmetd__SubsystemView subsystems[2],
	*subsystem_pointers[] = {&subsystems[1], &subsystems[0]};
static Nvmetd__NamespaceView namespaces[2],
	*namespace_pointers[] = {&namespaces[0], &namespaces[1]};
static Nvmetd__WorkerAddress worker, *worker_pointer = &worker;
static uint8_t token[16];
static struct view *view;
static const char *reason;

static void describe_port(void)
{
	for (unsigned i = 0; i < 2; i++) {
		nvmetd__listener_view__init(&listeners[i]);
		listeners[i].port_id = i + 1;
		listeners[i].adrfam = "ipv4";
		listeners[i].traddr = "127.0.0.1";
		listeners[i].trsvcid = "4420";
		listeners[i].in_capsule_bytes = 16384;
		listeners[i].max_queue_size = 128;
	}
	nvmetd__ana_group_view__init(&group);
	group.group = 2;
	group.state = VIEW_ANA_CHANGE;
	listeners[0].ana_groups = &group_pointer;
	listeners[0].n_ana_groups = 1;
}

static void describe_subsystems(void)
{
	nvmetd__subsystem_view__init(&subsystems[0]);
	subsystems[0].subsystem = 7;
	subsystems[0].nqn = "nqn.2024-01.org.example:a";
	nvmetd__subsystem_view__init(&subsystems[1]);
	subsystems[1].subsystem = 9;
	subsystems[1].nqn = "nqn.2024-01.org.example:b";
	for (unsigned i = 0; i < 2; i++) {
		nvmetd__namespace_view__init(&namespaces[i]);
		namespaces[i].nsid = 1 + 4 * i;
		namespaces[i].handle = 100 + i;
		namespaces[i].worker = "io-0";
		namespaces[i].block_shift = 12;
		namespaces[i].blocks = 1000;
		namespaces[i].ana_group = 1;
		namespaces[i].ready = true;
	}
	subsystems[0].namespaces = namespace_pointers;
	subsystems[0].n_namespaces = 2;
}

static void given_a_message(void)
{
	nvmetd__transport_view__init(&message);
	message.revision = 5;
	describe_port();
	message.listeners = listener_pointers;
	message.n_listeners = 2;
	describe_subsystems();
	message.subsystems = subsystem_pointers;
	message.n_subsystems = 2;
	nvmetd__worker_address__init(&worker);
	worker.name = "io-0";
	worker.path = "/run/nvmetd/io-0.sock";
	worker.token.data = token;
	worker.token.len = sizeof(token);
	message.workers = &worker_pointer;
	message.n_workers = 1;
	view = NULL;
}

static void forget_the_view(void)
{
	view = view_drop(view);
}

static int make(const struct view *before, uint64_t now_ns)
{
	return view_new(&view, &message, before, now_ns, 2, &reason);
}

static void expect_unsound(const char *why)
{
	ck_assert_int_eq(make(NULL, NOW), VIEW_E_UNSOUND);
	ck_assert_str_eq(reason, why);
	ck_assert_ptr_null(view);
}

START_TEST(becomes_a_view)
{
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert_uint_eq(view->revision, 5);
	ck_assert_uint_eq(view->n_ports, 2);
	ck_assert_str_eq(view_port(view, 2)->trsvcid, "4420");
	ck_assert_ptr_null(view_port(view, 3));
}
END_TEST

START_TEST(has_its_subsystems_found_by_number)
{
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert_str_eq(view_subsystem(view, 7)->nqn, "nqn.2024-01.org.example:a");
	ck_assert_str_eq(view_subsystem(view, 9)->nqn, "nqn.2024-01.org.example:b");
	ck_assert_ptr_null(view_subsystem(view, 8));
}
END_TEST

START_TEST(has_its_namespaces_found_by_number)
{
	const struct view_subsystem *subsystem;

	ck_assert_int_eq(make(NULL, NOW), 0);
	subsystem = view_subsystem(view, 7);
	ck_assert_uint_eq(view_namespace(subsystem, 1)->handle, 100);
	ck_assert_uint_eq(view_namespace(subsystem, 5)->handle, 101);
	ck_assert_ptr_null(view_namespace(subsystem, 0));
	ck_assert_ptr_null(view_namespace(subsystem, 2));
	ck_assert_ptr_null(view_namespace(subsystem, UINT32_MAX));
}
END_TEST

START_TEST(has_the_ana_states_of_a_port)
{
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert_uint_eq(view_port(view, 1)->ana[1], VIEW_ANA_OPTIMIZED);
	ck_assert_uint_eq(view_port(view, 1)->ana[2], VIEW_ANA_CHANGE);
	ck_assert_uint_eq(view_port(view, 1)->ana[3], VIEW_ANA_INACCESSIBLE);
}
END_TEST

START_TEST(does_not_have_a_namespace_ready_whose_worker_it_does_not_know)
{
	namespaces[0].worker = "io-1";
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert(!view_namespace(view_subsystem(view, 7), 1)->ready);
	ck_assert(view_namespace(view_subsystem(view, 7), 5)->ready);
}
END_TEST

START_TEST(may_be_empty)
{
	message.n_listeners = message.n_subsystems = message.n_workers = 0;
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert_ptr_null(view_subsystem(view, 7));
}
END_TEST

START_TEST(keeps_since_when_a_namespace_is_not_ready)
{
	struct view *before;

	namespaces[0].ready = false;
	ck_assert_int_eq(make(NULL, NOW), 0);
	before = view;
	ck_assert_int_eq(make(before, NOW + 10), 0);
	ck_assert_uint_eq(view_namespace(view_subsystem(view, 7), 1)->unready_since_ns, NOW);
	ck_assert_uint_eq(view->serial, before->serial + 1);
	view_drop(before);
}
END_TEST

START_TEST(keeps_the_size_of_a_namespace_that_is_not_ready_any_more)
{
	struct view *before;

	ck_assert_int_eq(make(NULL, NOW), 0);
	before = view;
	namespaces[0].ready = false;
	namespaces[0].blocks = 0;
	namespaces[0].block_shift = 0;
	ck_assert_int_eq(make(before, NOW + 10), 0);
	ck_assert_uint_eq(view_namespace(view_subsystem(view, 7), 1)->blocks, 1000);
	ck_assert_uint_eq(view_namespace(view_subsystem(view, 7), 1)->block_shift, 12);
	ck_assert_uint_eq(view_namespace(view_subsystem(view, 7), 1)->unready_since_ns, NOW + 10);
	view_drop(before);
}
END_TEST

#define REFUSES(name, lie, why)                                                                    \
	START_TEST(name)                                                                           \
	{                                                                                          \
		lie;                                                                               \
		expect_unsound(why);                                                               \
	}                                                                                          \
	END_TEST

REFUSES(has_each_port_once, listeners[1].port_id = 1, "a port is there twice")
REFUSES(has_each_subsystem_once, subsystems[1].subsystem = 7, "a subsystem is there twice")
REFUSES(has_namespaces_in_order, namespaces[1].nsid = 1,
        "a subsystem's namespaces are not in ascending order")
REFUSES(has_no_namespace_0, namespaces[0].nsid = 0, "a namespace's number is out of range")
REFUSES(has_no_tiny_blocks, namespaces[0].block_shift = 8,
        "a namespace's block size is out of range")
REFUSES(has_no_huge_blocks, namespaces[0].block_shift = 64,
        "a namespace's block size is out of range")
REFUSES(has_no_size_beyond_64_bits, namespaces[0].blocks = UINT64_MAX,
        "a namespace's size is out of range")
REFUSES(has_no_ana_group_129, namespaces[0].ana_group = 129,
        "a namespace's ANA group is out of range")
REFUSES(has_no_state_of_ana_group_129, group.group = 129, "an ANA group's number is out of range")
REFUSES(has_no_ana_state_5, group.state = 5, "an ANA state is unknown")
REFUSES(has_no_token_of_another_length, worker.token.len = 15,
        "a worker's token is not of 16 bytes")
REFUSES(has_no_worker_without_a_name, worker.name = "", "a worker's name is empty or too long")
REFUSES(has_no_queue_of_one_entry, listeners[0].max_queue_size = 1,
        "a port's queue size is out of range")
REFUSES(has_no_queue_beyond_what_we_can, listeners[0].max_queue_size = 1025,
        "a port's queue size is out of range")
REFUSES(has_no_ragged_capsules, listeners[0].in_capsule_bytes = 100,
        "a port's in-capsule size is not possible")
REFUSES(has_no_more_than_a_transport_holds, message.n_subsystems = VIEW_SUBSYSTEMS_MAX + 1,
        "there is more in it than a transport can hold")

static const struct view_namespace *namespace_of(unsigned nsid)
{
	return view_namespace(view_subsystem(view, 7), nsid);
}

START_TEST(numbers_what_has_an_io_grant)
{
	namespaces[1].granted = true;
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert_uint_eq(view->n_grants, 1);
	ck_assert_uint_eq(namespace_of(1)->grant, 0);
	ck_assert_uint_eq(namespace_of(5)->grant, 1);
}
END_TEST

START_TEST(has_no_io_grant_of_nobody)
{
	namespaces[1].granted = true;
	namespaces[1].worker = "";
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert_uint_eq(view->n_grants, 0);
	ck_assert_uint_eq(namespace_of(5)->grant, 0);
}
END_TEST

START_TEST(numbers_no_more_io_grants_than_it_may)
{
	static Nvmetd__NamespaceView many[VIEW_GRANTS_MAX + 1];
	static Nvmetd__NamespaceView *pointers[VIEW_GRANTS_MAX + 1];

	for (unsigned i = 0; i < VIEW_GRANTS_MAX + 1; i++) {
		many[i] = namespaces[0];
		many[i].nsid = i + 1;
		many[i].granted = true;
		pointers[i] = &many[i];
	}
	subsystems[0].namespaces = pointers;
	subsystems[0].n_namespaces = VIEW_GRANTS_MAX + 1;
	ck_assert_int_eq(make(NULL, NOW), 0);
	ck_assert_uint_eq(view->n_grants, VIEW_GRANTS_MAX);
	ck_assert_uint_eq(namespace_of(VIEW_GRANTS_MAX)->grant, VIEW_GRANTS_MAX);
	ck_assert_uint_eq(namespace_of(VIEW_GRANTS_MAX + 1)->grant, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view");

	describe(suite,
	         "a sound message",
	         given_a_message,
	         forget_the_view,
	         becomes_a_view,
	         has_its_subsystems_found_by_number,
	         has_its_namespaces_found_by_number,
	         has_the_ana_states_of_a_port,
	         does_not_have_a_namespace_ready_whose_worker_it_does_not_know,
	         may_be_empty,
	         keeps_since_when_a_namespace_is_not_ready,
	         keeps_the_size_of_a_namespace_that_is_not_ready_any_more,
	         numbers_what_has_an_io_grant,
	         has_no_io_grant_of_nobody,
	         numbers_no_more_io_grants_than_it_may);
	describe(suite,
	         "a view that is taken",
	         given_a_message,
	         forget_the_view,
	         has_each_port_once,
	         has_each_subsystem_once,
	         has_namespaces_in_order,
	         has_no_namespace_0,
	         has_no_tiny_blocks,
	         has_no_huge_blocks,
	         has_no_size_beyond_64_bits,
	         has_no_ana_group_129,
	         has_no_state_of_ana_group_129,
	         has_no_ana_state_5,
	         has_no_token_of_another_length,
	         has_no_worker_without_a_name,
	         has_no_queue_of_one_entry,
	         has_no_queue_beyond_what_we_can,
	         has_no_ragged_capsules,
	         has_no_more_than_a_transport_holds);
	return run(suite);
}
