/* SPDX-License-Identifier: BSD-2-Clause */
/* Who hears of a change: those who see it, and nobody else. */
#include <string.h>

#include "common/base/clock.h"
#include "services/state/ana_change.h"
#include "services/state/barrier.h"
#include "services/state/change.h"
#include "services/state/event.h"
#include "services/state/reconcile.h"
#include "tests/unit/state/stage.h"

static struct session *open_host, *private_host, *second_port, *discovery, *other_discovery;

static void given_hosts(void)
{
	stage_open();
	stage_ready();
	open_host = stage_connect(STAGE_OTHER, 1, STAGE_SUBSYSTEM);
	private_host = stage_connect(STAGE_HOST, 1, STAGE_PRIVATE);
	second_port = stage_connect(STAGE_HOST, 2, STAGE_SUBSYSTEM);
	discovery = stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
	other_discovery = stage_connect(STAGE_OTHER, 1, NVME_DISCOVERY_NQN);
}

static void change(const char *part, const char *other)
{
	char *text = stage_edit(stage_config, part, other);

	stage_restore(text);
	free(text);
}

static void expect_changed(const struct session *session, uint32_t nsid)
{
	struct session_message packed;

	session_pack(&packed, session);
	ck_assert_uint_eq(packed.message.n_changed_namespaces, nsid != 0);
	if (nsid)
		ck_assert_uint_eq(packed.message.changed_namespaces[0], nsid);
}

START_TEST(a_namespace_that_goes_is_told_to_its_hosts)
{
	change("{\"nsid\": 2, \"enable\": 1", "{\"nsid\": 2, \"enable\": 0");
	ck_assert_uint_eq(open_host->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
	expect_changed(open_host, 2);
	expect_changed(second_port, 2);
	ck_assert_uint_eq(private_host->events, 0);
	ck_assert_uint_eq(discovery->events, 0);
}
END_TEST

START_TEST(a_namespace_that_comes_is_told_when_it_is_ready)
{
	change("{\"nsid\": 7, \"enable\": 0", "{\"nsid\": 7, \"enable\": 1");
	ck_assert_uint_eq(open_host->events, 0);
	stage_ready();
	ck_assert_uint_eq(open_host->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
	expect_changed(open_host, 7);
	ck_assert_uint_eq(private_host->events, 0);
}
END_TEST

START_TEST(a_namespace_that_grows_is_told)
{
	stage_ready_with(2000);
	ck_assert_uint_eq(open_host->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
	ck_assert_uint_eq(private_host->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
}
END_TEST

START_TEST(a_report_of_the_same_is_not_told)
{
	stage_ready();
	ck_assert_uint_eq(open_host->events, 0);
}
END_TEST

START_TEST(an_ana_state_is_told_on_its_port)
{
	change("\"non-optimized\"", "\"inaccessible\"");
	ck_assert_uint_eq(open_host->events, SESSION_EVENT_ANA);
	ck_assert_uint_eq(private_host->events, SESSION_EVENT_ANA);
	ck_assert_uint_eq(second_port->events, 0);
	expect_changed(open_host, 0);
}
END_TEST

/* Whoever presents the session: we have died in the middle, or it has lost us. */
START_TEST(an_ana_state_is_not_told_by_a_successor_before_it_has_drained)
{
	uint32_t result;

	open_host->async_event_config = NVME_OAES_ANA;
	event_raise(open_host, SESSION_EVENT_ANA);
	stage.state.born_ns = clock_now_ns();
	ana_change_adopt(&stage.state, open_host);
	ck_assert(!event_take(open_host, &result));
	ck_assert(open_host->events & SESSION_EVENT_ANA);
	barrier_finish(&stage.state, clock_now_ns());
	ck_assert(event_take(open_host, &result));
}
END_TEST

START_TEST(an_ana_state_is_not_told_to_one_that_comes_back_in_the_middle)
{
	uint32_t result;

	state_add_transport(&stage.state, "tcp")->gone_ns = clock_now_ns(); /* not drained */
	open_host->async_event_config = NVME_OAES_ANA;
	change("\"non-optimized\"", "\"inaccessible\"");
	stage.state.born_ns = 0;
	open_host->holds_ana = false; /* it is made anew when it is presented */
	ana_change_adopt(&stage.state, open_host);
	ck_assert(!event_take(open_host, &result));
}
END_TEST

START_TEST(an_ana_state_that_its_host_does_not_want_to_hear_of_begins_nothing)
{
	event_raise(open_host, SESSION_EVENT_ANA);
	stage.state.born_ns = clock_now_ns();
	ana_change_adopt(&stage.state, open_host);
	ck_assert(list_is_empty(&stage.state.ana_changes));
}
END_TEST

START_TEST(an_ana_state_of_long_ago_is_told_at_once)
{
	uint32_t result;

	open_host->async_event_config = NVME_OAES_ANA;
	event_raise(open_host, SESSION_EVENT_ANA);
	stage.state.born_ns = 0;
	ana_change_adopt(&stage.state, open_host);
	ck_assert(event_take(open_host, &result));
}
END_TEST

START_TEST(a_host_that_may_use_less_is_told_by_discovery)
{
	change("\"allowed_hosts\": [\"" STAGE_HOST "\"]", "\"allowed_hosts\": []");
	ck_assert_uint_eq(discovery->events, SESSION_EVENT_DISCOVERY);
	ck_assert_uint_eq(other_discovery->events, 0);
	ck_assert_uint_eq(other_discovery->discovery_counter, stage.state.target.discovery_counter);
}
END_TEST

START_TEST(what_discovery_does_not_show_is_not_told_by_it)
{
	change("\"a model\"", "\"another model\"");
	ck_assert_uint_eq(discovery->events, 0);
}
END_TEST

START_TEST(nothing_new_is_not_told)
{
	stage_restore(stage_config);
	ck_assert_uint_eq(open_host->events, 0);
	ck_assert_uint_eq(discovery->events, 0);
}
END_TEST

START_TEST(a_change_while_it_was_away_is_told_when_it_is_back)
{
	struct session *late = stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);

	list_remove(&late->link); /* its transport is away */
	change("{\"nsid\": 2, \"enable\": 1", "{\"nsid\": 2, \"enable\": 0");
	list_append(&stage.state.sessions, &late->link);
	change_catch_up(&stage.state, late);
	ck_assert_uint_eq(late->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
	ck_assert(late->changed_overflow);
}
END_TEST

START_TEST(a_change_before_a_restart_is_told_after_it)
{
	uint64_t revision = open_host->revision;
	struct session *back;

	change("{\"nsid\": 2, \"enable\": 1", "{\"nsid\": 2, \"enable\": 0");
	stage_reopen();
	back = stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	back->revision = revision;
	change_catch_up(&stage.state, back);
	ck_assert_uint_eq(back->events, SESSION_EVENT_NAMESPACE | SESSION_EVENT_ANA);
}
END_TEST

/* It is ended, so it is told nothing of the namespace that changed as well. The process that made
 * the change has died before it said so; the next one went on as if all were well. */
static void expect_end_after_restart(const char *part, const char *other)
{
	char *with_other = stage_edit(stage_config, part, other);
	char *with_both = stage_edit(
		with_other, "{\"nsid\": 2, \"enable\": 1", "{\"nsid\": 2, \"enable\": 0");
	uint64_t revision = open_host->revision;
	struct session *back;

	stage_restore(with_both);
	stage_reopen();
	back = stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	back->revision = revision;
	change_catch_up(&stage.state, back);
	ck_assert_uint_eq(back->events, 0);
	free(with_other);
	free(with_both);
}

/* A discovery session as its transport has it, which the next state service is given. */
static struct session *present_after_restart(const char *host_nqn, struct session *session)
{
	uint64_t revision = session->revision, counter = session->discovery_counter;
	uint64_t sum = session->discovery_sum;
	struct session *back;

	list_remove(&session->link); /* its transport is away */
	change("\"allowed_hosts\": [\"" STAGE_HOST "\"]", "\"allowed_hosts\": []");
	list_append(&stage.state.sessions, &session->link);
	stage_reopen();
	back = stage_connect(host_nqn, 1, NVME_DISCOVERY_NQN);
	back->revision = revision;
	back->discovery_counter = counter;
	back->discovery_sum = sum;
	change_catch_up(&stage.state, back);
	return back;
}

START_TEST(discovery_tells_after_a_restart_what_changed_before_it)
{
	ck_assert_uint_eq(present_after_restart(STAGE_HOST, discovery)->events,
	                  SESSION_EVENT_DISCOVERY);
}
END_TEST

START_TEST(discovery_tells_a_host_nothing_after_a_restart_that_is_not_for_it)
{
	ck_assert_uint_eq(present_after_restart(STAGE_OTHER, other_discovery)->events, 0);
}
END_TEST

/* Sessions of the release before had no sum. */
START_TEST(discovery_tells_one_that_cannot_be_compared)
{
	other_discovery->discovery_sum = 0;
	ck_assert_uint_eq(present_after_restart(STAGE_OTHER, other_discovery)->events,
	                  SESSION_EVENT_DISCOVERY);
}
END_TEST

START_TEST(a_referral_is_told_to_those_who_are_referred)
{
	struct session *there = stage_connect(STAGE_OTHER, 2, NVME_DISCOVERY_NQN);
	struct session *also = stage_connect(STAGE_HOST, 2, NVME_DISCOVERY_NQN);

	change("\"peer\", \"enable\": 1",
	       "\"peer\", \"enable\": 1, \"allowed_hosts\": [\"" STAGE_HOST "\"]");
	ck_assert_uint_eq(there->events, SESSION_EVENT_DISCOVERY);
	ck_assert_uint_eq(also->events, 0);
	ck_assert_uint_eq(discovery->events, 0);
}
END_TEST

START_TEST(attributes_that_changed_before_a_restart_end_it_after_it)
{
	expect_end_after_restart("\"serial\": \"S1\"", "\"serial\": \"S2\"");
}
END_TEST

START_TEST(an_address_that_changed_before_a_restart_ends_it_after_it)
{
	expect_end_after_restart("\"trsvcid\": \"4420\"", "\"trsvcid\": \"4429\"");
}
END_TEST

START_TEST(another_transport_of_its_port_ends_it_too)
{
	expect_end_after_restart("\"4420\", \"trtype\": \"tcp\"", "\"4420\", \"trtype\": \"rdma\"");
}
END_TEST

START_TEST(one_that_was_away_and_missed_nothing_is_told_nothing)
{
	uint64_t revision = open_host->revision;
	struct session *back;

	stage_reopen();
	back = stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	back->revision = revision;
	change_catch_up(&stage.state, back);
	ck_assert_uint_eq(back->events, 0);
	ck_assert(!back->changed_overflow);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a change");

	describe(suite,
	         "hosts",
	         given_hosts,
	         stage_close,
	         a_namespace_that_goes_is_told_to_its_hosts,
	         a_namespace_that_comes_is_told_when_it_is_ready,
	         a_namespace_that_grows_is_told,
	         a_report_of_the_same_is_not_told,
	         an_ana_state_is_told_on_its_port,
	         an_ana_state_is_not_told_by_a_successor_before_it_has_drained,
	         an_ana_state_is_not_told_to_one_that_comes_back_in_the_middle,
	         an_ana_state_that_its_host_does_not_want_to_hear_of_begins_nothing,
	         an_ana_state_of_long_ago_is_told_at_once,
	         a_host_that_may_use_less_is_told_by_discovery,
	         what_discovery_does_not_show_is_not_told_by_it,
	         nothing_new_is_not_told,
	         a_change_while_it_was_away_is_told_when_it_is_back,
	         a_change_before_a_restart_is_told_after_it,
	         discovery_tells_after_a_restart_what_changed_before_it,
	         discovery_tells_a_host_nothing_after_a_restart_that_is_not_for_it,
	         discovery_tells_one_that_cannot_be_compared,
	         a_referral_is_told_to_those_who_are_referred,
	         attributes_that_changed_before_a_restart_end_it_after_it,
	         an_address_that_changed_before_a_restart_ends_it_after_it,
	         another_transport_of_its_port_ends_it_too,
	         one_that_was_away_and_missed_nothing_is_told_nothing);
	return run(suite);
}
