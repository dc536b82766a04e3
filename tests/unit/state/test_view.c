/* SPDX-License-Identifier: BSD-2-Clause */
/* What transports and workers are told: what there is, and when. */
#include <string.h>

#include "services/state/apply.h"
#include "services/state/reconcile.h"
#include "services/state/secret.h"
#include "services/state/view.h"
#include "tests/unit/state/stage.h"

static struct scratch scratch;
static const uint8_t token[16] = {1, 2, 3};
static const struct view_token worker = {"io-0", "/run/io-0.sock", token};
static const struct view_token tcp = {"tcp", NULL, token};

static void given_a_target(void)
{
	stage_open();
	stage_ready();
}

static void forget(void)
{
	scratch_deinit(&scratch);
	stage_close();
}

static const Nvmetd__TransportView *transport_view(const char *trtype)
{
	const Nvmetd__TransportView *view = view_of_transport(
		&scratch, &stage.state.target, trtype, &worker, 1);

	ck_assert_ptr_nonnull(view);
	return view;
}

static const Nvmetd__SubsystemView *subsystem_view(const char *nqn)
{
	const Nvmetd__TransportView *view = transport_view("tcp");

	for (size_t i = 0; i < view->n_subsystems; i++)
		if (strcmp(view->subsystems[i]->nqn, nqn) == 0)
			return view->subsystems[i];
	ck_abort_msg("%s is not in the view", nqn);
}

static const Nvmetd__WorkerView *worker_view(const char *name)
{
	const Nvmetd__WorkerView *view = view_of_worker(
		&scratch, &stage.state.target, name, &tcp, 1);

	ck_assert_ptr_nonnull(view);
	return view;
}

START_TEST(has_the_ports_that_have_subsystems)
{
	const Nvmetd__TransportView *view = transport_view("tcp");

	ck_assert_uint_eq(view->n_listeners, 2);
	ck_assert_uint_eq(view->listeners[1]->port_id, 2);
	ck_assert_str_eq(view->listeners[1]->traddr, "0.0.0.0");
	ck_assert_str_eq(view->listeners[1]->trsvcid, "4421");
	ck_assert_uint_eq(view->listeners[1]->in_capsule_bytes, 8192);
	ck_assert_uint_eq(view->listeners[1]->max_queue_size, 64);
}
END_TEST

START_TEST(has_no_ports_of_other_transports)
{
	ck_assert_uint_eq(transport_view("rdma")->n_listeners, 0);
}
END_TEST

START_TEST(of_rdma_has_its_ports_with_its_defaults)
{
	char *text = stage_edit(
		stage_config, "\"4420\", \"trtype\": \"tcp\"", "\"4420\", \"trtype\": \"rdma\"");
	const Nvmetd__TransportView *view;

	stage_restore(text);
	free(text);
	ck_assert_uint_eq(transport_view("tcp")->n_listeners, 1);
	view = transport_view("rdma");
	ck_assert_uint_eq(view->n_listeners, 1);
	ck_assert_uint_eq(view->listeners[0]->port_id, 1);
	ck_assert_uint_eq(view->listeners[0]->in_capsule_bytes, 4096);
	ck_assert_uint_eq(view->listeners[0]->max_queue_size, 128);
	ck_assert_uint_eq(view->n_subsystems, 3);
}
END_TEST

START_TEST(has_the_ana_states_of_each_port)
{
	const Nvmetd__TransportView *view = transport_view("tcp");

	for (size_t port = 0; port < 2; port++) {
		const Nvmetd__ListenerView *listener = view->listeners[port];

		ck_assert_uint_eq(listener->n_ana_groups, 2);
		ck_assert_uint_eq(listener->ana_groups[0]->state, NVME_ANA_OPTIMIZED);
		ck_assert_uint_eq(listener->ana_groups[1]->group, 2);
		ck_assert_uint_eq(listener->ana_groups[1]->state,
		                  port == 0 ? NVME_ANA_NON_OPTIMIZED : NVME_ANA_INACCESSIBLE);
	}
}
END_TEST

START_TEST(has_the_discovery_service)
{
	const Nvmetd__SubsystemView *view = subsystem_view(NVME_DISCOVERY_NQN);

	ck_assert(view->discovery);
	ck_assert_uint_eq(view->n_namespaces, 0);
	ck_assert_uint_eq(view->cap >> 43 & 1, 0);
}
END_TEST

START_TEST(has_properties_that_a_linux_host_wants)
{
	const Nvmetd__SubsystemView *view = subsystem_view(STAGE_SUBSYSTEM);

	ck_assert_uint_eq(view->vs, 0x20100);
	ck_assert_uint_eq(view->cap & 0xffff, 0);        /* MQES is the listener's */
	ck_assert_uint_eq(view->cap >> 16 & 1, 1);       /* CQR */
	ck_assert_uint_eq(view->cap >> 24 & 0xff, 15);   /* TO */
	ck_assert_uint_eq(view->cap >> 37 & 0xff, 0x41); /* CSS */
	ck_assert_uint_eq(view->cap >> 59 & 3, 1);       /* CRMS */
	ck_assert_uint_eq(view->cap >> 48 & 0xf, 0);     /* MPSMIN */
}
END_TEST

START_TEST(has_active_namespaces_in_order)
{
	const Nvmetd__SubsystemView *view = subsystem_view(STAGE_SUBSYSTEM);

	ck_assert_uint_eq(view->n_namespaces, 2);
	ck_assert_uint_eq(view->namespaces[0]->nsid, 1);
	ck_assert_uint_eq(view->namespaces[1]->nsid, 2);
	ck_assert_uint_eq(view->namespaces[1]->block_shift, 12);
	ck_assert_uint_eq(view->namespaces[1]->blocks, 1000);
	ck_assert_uint_eq(view->namespaces[1]->ana_group, 2);
	ck_assert(view->namespaces[1]->ready);
	ck_assert_str_eq(view->namespaces[1]->worker, "io-0");
}
END_TEST

START_TEST(has_no_namespace_before_its_size_is_known)
{
	((struct backing *)stage_namespace(STAGE_SUBSYSTEM, 1)->backing)->known = false;
	ck_assert_uint_eq(subsystem_view(STAGE_SUBSYSTEM)->n_namespaces, 1);
}
END_TEST

START_TEST(has_a_namespace_that_is_away_as_not_ready)
{
	struct worker *io = state_find_worker(&stage.state, "io-0");
	Nvmetd__WorkerReport report = NVMETD__WORKER_REPORT__INIT;
	Nvmetd__BackingReport said = NVMETD__BACKING_REPORT__INIT, *list = &said;

	said.handle = stage_namespace(STAGE_SUBSYSTEM, 1)->backing->handle;
	said.reason = "no such file";
	report.namespaces = &list;
	report.n_namespaces = 1;
	reconcile_report(&stage.state, io, &report);
	ck_assert(!subsystem_view(STAGE_SUBSYSTEM)->namespaces[0]->ready);
	ck_assert_uint_eq(subsystem_view(STAGE_SUBSYSTEM)->namespaces[0]->blocks, 1000);
}
END_TEST

START_TEST(has_workers_and_their_tokens)
{
	const Nvmetd__TransportView *view = transport_view("tcp");

	ck_assert_uint_eq(view->n_workers, 1);
	ck_assert_str_eq(view->workers[0]->path, "/run/io-0.sock");
	ck_assert_mem_eq(view->workers[0]->token.data, token, 16);
}
END_TEST

START_TEST(of_a_worker_has_what_it_serves)
{
	const Nvmetd__WorkerView *view = worker_view("io-0");

	ck_assert_uint_eq(view->n_namespaces, 3);
	ck_assert_str_eq(view->namespaces[0]->path, "null:8M");
	ck_assert_uint_eq(view->namespaces[0]->block_shift, 12);
	ck_assert_str_eq(view->namespaces[0]->label, STAGE_SUBSYSTEM ":2");
	ck_assert_uint_eq(view->namespaces[1]->block_shift, 0);
	ck_assert_uint_eq(worker_view("io-1")->n_namespaces, 0);
}
END_TEST

START_TEST(of_a_worker_grants_transports_its_namespaces)
{
	const Nvmetd__WorkerView *view = worker_view("io-0");

	ck_assert_uint_eq(view->n_grants, 1);
	ck_assert_str_eq(view->grants[0]->transport, "tcp");
	ck_assert_uint_eq(view->grants[0]->n_handles, 3);
}
END_TEST

START_TEST(of_a_worker_keeps_what_leaves_until_transports_have_drained)
{
	struct transport *transport = state_add_transport(&stage.state, "tcp");
	uint64_t revision;

	transport->gone_ns = clock_now_ns(); /* lost a moment ago; it may still have requests */
	ck_assert_int_eq(apply_clear(&stage.state, &revision), 0);
	ck_assert_uint_eq(transport_view("tcp")->n_subsystems, 1);
	ck_assert_uint_eq(worker_view("io-0")->n_namespaces, 3);
	state_remove_transport(&stage.state, transport);
	reconcile(&stage.state);
	ck_assert_uint_eq(worker_view("io-0")->n_namespaces, 0);
}
END_TEST

START_TEST(of_a_worker_keeps_what_leaves_no_longer_than_its_deadline)
{
	struct transport *transport = state_add_transport(&stage.state, "tcp");
	uint64_t revision;

	transport->gone_ns = clock_now_ns();
	ck_assert_int_eq(apply_clear(&stage.state, &revision), 0);
	list_for_each (at, &stage.state.target.backings)
		container_of(at, struct backing, link)->leaving_until_ns = 1;
	reconcile(&stage.state);
	ck_assert_uint_eq(worker_view("io-0")->n_namespaces, 0);
}
END_TEST

START_TEST(of_a_worker_keeps_what_leaves_over_a_restart)
{
	struct transport *transport = state_add_transport(&stage.state, "tcp");
	uint64_t revision;
	const uint8_t made[16] = {1};

	ck_assert_int_eq(database_put_token(stage.state.database, "tcp", 5, "io-0", made), 0);
	transport->gone_ns = clock_now_ns();
	ck_assert_int_eq(apply_clear(&stage.state, &revision), 0);
	stage_reopen();
	reconcile(&stage.state);
	ck_assert_uint_eq(worker_view("io-0")->n_namespaces, 3);
}
END_TEST

/* ------------------------------------------------------------------ io grants */

static void grant_memory(bool on)
{
	char *granted = stage_edit(
		stage_config, "{\"path\": \"ram:1M\",", "{\"path\": \"ram:1M\", \"io_grant\": 1,");

	stage_restore(on ? granted : stage_config);
	free(granted);
}

START_TEST(of_a_transport_says_what_is_granted)
{
	grant_memory(true);
	ck_assert(subsystem_view(STAGE_SUBSYSTEM)->namespaces[0]->granted);
	ck_assert(!subsystem_view(STAGE_SUBSYSTEM)->namespaces[1]->granted);
	ck_assert(!subsystem_view(STAGE_PRIVATE)->namespaces[0]->granted);
}
END_TEST

START_TEST(of_a_worker_says_what_may_be_handed_out)
{
	uint32_t handle = stage_namespace(STAGE_SUBSYSTEM, 1)->backing->handle;
	const Nvmetd__WorkerView *view;

	grant_memory(true);
	view = worker_view("io-0");
	ck_assert_uint_eq(view->n_namespaces, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(view->namespaces[i]->io_grant == (view->namespaces[i]->handle == handle));
}
END_TEST

/* It keeps its handle, so it keeps its content. */
START_TEST(of_a_grant_that_comes_has_the_same_namespace)
{
	uint32_t handle = stage_namespace(STAGE_SUBSYSTEM, 1)->backing->handle;

	grant_memory(true);
	ck_assert_uint_eq(stage_namespace(STAGE_SUBSYSTEM, 1)->backing->handle, handle);
	ck_assert_uint_eq(worker_view("io-0")->n_namespaces, 3);
}
END_TEST

START_TEST(of_a_grant_that_goes_has_none)
{
	const Nvmetd__WorkerView *view;

	grant_memory(true);
	grant_memory(false);
	ck_assert(!subsystem_view(STAGE_SUBSYSTEM)->namespaces[0]->granted);
	view = worker_view("io-0");
	for (size_t i = 0; i < 3; i++)
		ck_assert(!view->namespaces[i]->io_grant);
}
END_TEST

START_TEST(of_a_grant_is_the_same_over_a_restart)
{
	grant_memory(true);
	stage_reopen();
	ck_assert(subsystem_view(STAGE_SUBSYSTEM)->namespaces[0]->granted);
}
END_TEST

/* The secret of transport "tcp", of that instance, with worker "io-0". */
static void find_token(uint64_t instance, uint8_t ret_token[static 16])
{
	struct transport *transport = state_add_transport(&stage.state, "tcp");
	const uint8_t *bytes;

	transport->instance = instance;
	ck_assert_int_eq(
		secret_find(
			&stage.state, transport, state_add_worker(&stage.state, "io-0"), &bytes),
		0);
	memcpy(ret_token, bytes, 16);
	ck_assert_int_eq(state_save(&stage.state), 0);
}

START_TEST(of_tokens_is_the_same_for_one_instance)
{
	uint8_t first[16], second[16], other[16];

	find_token(5, first);
	stage_reopen();
	find_token(5, second);
	find_token(6, other);
	ck_assert_mem_eq(first, second, 16);
	ck_assert_mem_ne(first, other, 16);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a view");

	describe(suite,
	         "a transport's view",
	         given_a_target,
	         forget,
	         has_the_ports_that_have_subsystems,
	         has_no_ports_of_other_transports,
	         of_rdma_has_its_ports_with_its_defaults,
	         has_the_ana_states_of_each_port,
	         has_the_discovery_service,
	         has_properties_that_a_linux_host_wants,
	         has_active_namespaces_in_order,
	         has_no_namespace_before_its_size_is_known,
	         has_a_namespace_that_is_away_as_not_ready,
	         has_workers_and_their_tokens);
	describe(suite,
	         "a view",
	         given_a_target,
	         forget,
	         of_a_worker_has_what_it_serves,
	         of_a_worker_grants_transports_its_namespaces,
	         of_a_worker_keeps_what_leaves_until_transports_have_drained,
	         of_a_worker_keeps_what_leaves_no_longer_than_its_deadline,
	         of_a_worker_keeps_what_leaves_over_a_restart,
	         of_a_transport_says_what_is_granted,
	         of_a_worker_says_what_may_be_handed_out,
	         of_a_grant_that_comes_has_the_same_namespace,
	         of_a_grant_that_goes_has_none,
	         of_a_grant_is_the_same_over_a_restart,
	         of_tokens_is_the_same_for_one_instance);
	return run(suite);
}
