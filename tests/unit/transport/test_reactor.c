/* SPDX-License-Identifier: BSD-2-Clause */
/* A reactor that cannot have a link to a worker tries again by itself; what it goes by is its
 * newest view. */
#include "common/transport/reactor.h"

#include <errno.h>

#include "common/transport/io.h"
#include "common/transport/request.h"
#include "common/transport/transport.h"
#include "tests/support/spec.h"

static struct transport transport = {.n_reactors = 1};
static struct reactor *reactor;
static unsigned failures; /* still to come */
static const struct view *before;

/* The linker puts the second in place of worker_link_new() (see CMakeLists.txt). */
int __real_worker_link_new(struct worker_link **ret_link, const struct worker_link_owner *owner,
                           const struct view_worker *worker);
int __wrap_worker_link_new(struct worker_link **ret_link, const struct worker_link_owner *owner,
                           const struct view_worker *worker);

int __wrap_worker_link_new(struct worker_link **ret_link, const struct worker_link_owner *owner,
                           const struct view_worker *worker)
{
	if (failures == 0)
		return __real_worker_link_new(ret_link, owner, worker);
	failures--;
	return -ENOMEM;
}

static void given_a_reactor(void)
{
	const struct loop_options options = {0};

	transport.service.name = "tcp";
	ck_assert_int_eq(loop_new(&transport.service.loop, &options), 0);
	ck_assert_int_eq(mailbox_init(&transport.mailbox, transport.service.loop), 0);
	list_init(&transport.views);
	before = NULL;
	ck_assert_int_eq(reactor_new(&reactor, &transport, 0, 4u << 20), 0);
	transport.reactors[0] = reactor;
}

static void forget_it(void)
{
	struct list *first;

	reactor = reactor_free(reactor);
	while ((first = list_take_first(&transport.views)))
		view_drop(container_of(first, struct view, link));
	mailbox_deinit(&transport.mailbox);
	transport.service.loop = loop_free(transport.service.loop);
}

/* Of one subsystem with so many namespaces, whose handles are their numbers. */
static void show_a_view(unsigned n_namespaces)
{
	Nvmetd__TransportView message = NVMETD__TRANSPORT_VIEW__INIT;
	Nvmetd__WorkerAddress worker = NVMETD__WORKER_ADDRESS__INIT, *workers = &worker;
	Nvmetd__SubsystemView subsystem = NVMETD__SUBSYSTEM_VIEW__INIT, *subsystems = &subsystem;
	Nvmetd__NamespaceView spaces[2], *namespaces[2] = {&spaces[0], &spaces[1]};
	uint8_t token[VIEW_TOKEN_SIZE] = {1};
	const char *reason;
	struct view *view;

	worker.name = "io-0";
	worker.path = "/nowhere/io-0.sock";
	worker.token.data = token;
	worker.token.len = sizeof(token);
	message.revision = 1;
	message.workers = &workers;
	message.n_workers = 1;
	for (unsigned i = 0; i < n_namespaces; i++) {
		nvmetd__namespace_view__init(&spaces[i]);
		spaces[i].nsid = spaces[i].handle = i + 1;
		spaces[i].ana_group = 1;
	}
	subsystem.namespaces = namespaces;
	subsystem.n_namespaces = n_namespaces;
	message.subsystems = &subsystems;
	message.n_subsystems = 1;
	ck_assert_int_eq(view_new(&view, &message, before, 1, 1, &reason), 0);
	before = view;
	list_append(&transport.views, &view->link);
	reactor_show(reactor, view);
}

static void show_a_view_with_a_worker(void)
{
	show_a_view(0);
}

static void rounds_until_there_is_a_link(void)
{
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;

	while (!reactor->workers.links[0] && clock_now_ns() < end_ns)
		ck_assert_int_eq(loop_round(reactor->loop, 10), 0);
	ck_assert_ptr_nonnull(reactor->workers.links[0]);
}

START_TEST(has_a_link_to_each_worker)
{
	failures = 0;
	show_a_view_with_a_worker();
	rounds_until_there_is_a_link();
}
END_TEST

START_TEST(tries_again_to_have_one)
{
	failures = 3;
	show_a_view_with_a_worker();
	rounds_until_there_is_a_link();
	ck_assert_uint_eq(failures, 0);
}
END_TEST

/* Of a worker that is gone, with memory that something may still be at. */
START_TEST(abandons_what_is_lost_when_its_namespace_is_not_in_the_view)
{
	struct queue queue = {.reactor = reactor, .share = &reactor->room.unborn};
	struct request request = {.length = 4096, .wanted = {.handle = 2}};

	show_a_view(2);
	rounds_until_there_is_a_link();
	request_init(&request, &queue, 0);
	ck_assert(room_take(&reactor->room, &request));
	ck_assert(!io_abandon(&request));
	ck_assert(!io_abandon(&request));
	show_a_view(1);
	ck_assert_int_eq(loop_round(reactor->loop, 0), 0);
	ck_assert(io_abandon(&request));
	ck_assert_ptr_null(request.data);
}
END_TEST

static unsigned n_lost;

static void regain(struct request *request, bool is_lost)
{
	(void)request;
	n_lost += is_lost;
}

/* Its memory was lent to the wire, which is not to have it again. */
START_TEST(abandons_what_was_brought_and_is_lost)
{
	const struct wire wire = {.regain = regain};
	struct queue queue = {.reactor = reactor, .wire = &wire, .share = &reactor->room.unborn};
	struct request request = {.length = 4096, .wanted = {.handle = 2}};
	uint8_t data[1];

	show_a_view(2);
	rounds_until_there_is_a_link();
	request_init(&request, &queue, 0);
	request_bring(&request, data, 0);
	ck_assert(!io_abandon(&request));
	ck_assert_uint_eq(n_lost, 0);
	ck_assert_ptr_eq(request.data, data);
	show_a_view(1);
	ck_assert_int_eq(loop_round(reactor->loop, 0), 0);
	ck_assert(io_abandon(&request));
	ck_assert_uint_eq(n_lost, 1);
	ck_assert_ptr_null(request.data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reactor");

	describe(suite,
	         "a reactor",
	         given_a_reactor,
	         forget_it,
	         has_a_link_to_each_worker,
	         tries_again_to_have_one,
	         abandons_what_is_lost_when_its_namespace_is_not_in_the_view,
	         abandons_what_was_brought_and_is_lost);
	return run(suite);
}
