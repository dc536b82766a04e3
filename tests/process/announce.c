/* SPDX-License-Identifier: BSD-2-Clause */
/* A target registers with a central discovery controller, and stays registered (TP8010). */
#include <poll.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/fake_cdc.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define DISCOVERY "nqn.2001-01.com.example:discovery"
#define OTHER     HARNESS_NQN ".other"

static struct fake_cdc cdc;
static char discovery[512];

static struct harness_exports exports_of(const char *more)
{
	struct harness_exports exports = harness_plain();

	snprintf(discovery,
	         sizeof(discovery),
	         "\"nqn\": \"%s\", \"cdcs\": [{\"traddr\": \"127.0.0.1\", \"trsvcid\": \"%s\"%s}]",
	         DISCOVERY,
	         cdc.trsvcid,
	         more);
	exports.discovery = discovery;
	exports.subsystems[0].namespaces[0].nsid = 0;
	return exports;
}

static void start(void)
{
	struct harness_exports exports;

	fake_cdc_open(&cdc);
	exports = exports_of("");
	scene.harness = harness_new(&exports);
	scene.harness->announce = "yes";
	harness_start(scene.harness, true);
}

static void stop(void)
{
	scene_stop();
	fake_cdc_close(&cdc);
}

static const char *port(void)
{
	return scene.harness->exports.ports[0].trsvcid;
}

static struct harness_exports with_another_subsystem(void)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[1] = (struct harness_subsystem){
		.nqn = OTHER, .namespaces = {{.nsid = 1, .path = "ram:1M"}}};
	return exports;
}

/* Until nvmetctl status says so. */
static void await_status(const char *words)
{
	uint64_t until_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	char text[8192];

	for (;;) {
		ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
		if (strstr(text, words))
			return;
		if (clock_now_ns() > until_ns)
			ck_abort_msg("status does not say \"%s\": %s", words, text);
		poll(NULL, 0, 50);
	}
}

/* ------------------------------------------------------------------ a good one */

static void given_a_cdc(void)
{
	start();
	fake_cdc_await_entries(&cdc, 2);
}

START_TEST(knows_each_way_to_each_subsystem)
{
	ck_assert(fake_cdc_has(&cdc, HARNESS_NQN, port()));
	ck_assert(fake_cdc_has(&cdc, DISCOVERY, port()));
	ck_assert_str_eq(cdc.seen->last.eid, DISCOVERY);
	await_status("registered: 2 of 2 ways to subsystems");
	shows("Base 2.1 §5.3.3",
	      "registers each subsystem of each port that listens, and the discovery service, as "
	      "extended entries of a direct discovery controller");
}
END_TEST

START_TEST(has_a_host_that_keeps_alive)
{
	ck_assert_uint_eq(cdc.seen->kato_ms, 15000);
	ck_assert_str_eq(cdc.seen->subnqn, NVME_DISCOVERY_NQN);
	fake_cdc_await(&cdc.seen->keep_alives, 1);
	ck_assert_uint_eq(atomic_load(&cdc.seen->connects), 1);
	shows("Base 2.1 §3.1.3.3",
	      "is a host of the CDC with a persistent connection: KATO 15 s, kept alive every 5 s");
}
END_TEST

START_TEST(is_told_of_differences_alone)
{
	struct harness_exports plain = scene.harness->exports, exports = with_another_subsystem();

	harness_restore(scene.harness, &exports);
	fake_cdc_await_entries(&cdc, 3);
	ck_assert(fake_cdc_has(&cdc, OTHER, port()));
	ck_assert_uint_eq(le64_get(cdc.seen->last.nument), 1);
	harness_restore(scene.harness, &plain);
	fake_cdc_await_entries(&cdc, 2);
	ck_assert(!fake_cdc_has(&cdc, OTHER, port()));
	ck_assert_uint_eq(le64_get(cdc.seen->last.nument), 1);
}
END_TEST

START_TEST(is_told_of_a_listener_that_comes)
{
	struct harness_exports exports = scene.harness->exports;

	exports.ports[1].traddr = "127.0.0.2";
	snprintf(exports.ports[1].trsvcid, sizeof(exports.ports[1].trsvcid), "%s", port());
	harness_restore(scene.harness, &exports);
	fake_cdc_await_entries(&cdc, 4);
	exports.ports[1].traddr = NULL;
	harness_restore(scene.harness, &exports);
	fake_cdc_await_entries(&cdc, 2);
}
END_TEST

/* What the one has lost meanwhile, the other must not tell. */
START_TEST(hears_nothing_of_the_death_of_the_state_service)
{
	struct harness_exports exports = with_another_subsystem();

	harness_kill(scene.harness, "state");
	harness_await_log(scene.harness, "announcer 'announce': is there", 2);
	harness_restore(scene.harness, &exports);
	fake_cdc_await_entries(&cdc, 3);
	ck_assert_uint_eq(atomic_load(&cdc.seen->deregisters), 0);
	ck_assert_uint_eq(atomic_load(&cdc.seen->registers), 2);
	ck_assert_uint_eq(atomic_load(&cdc.seen->connects), 1);
}
END_TEST

START_TEST(hears_nothing_of_the_death_of_the_transport)
{
	struct harness_exports exports = with_another_subsystem();

	harness_kill(scene.harness, "tcp");
	harness_await_log(scene.harness, "port 1: listening", 2);
	harness_restore(scene.harness, &exports);
	fake_cdc_await_entries(&cdc, 3);
	ck_assert_uint_eq(atomic_load(&cdc.seen->deregisters), 0);
	ck_assert_uint_eq(atomic_load(&cdc.seen->registers), 2);
}
END_TEST

START_TEST(is_told_again_by_the_successor_of_one_that_was_killed)
{
	char hostnqn[NVME_NQN_SIZE];

	memcpy(hostnqn, cdc.seen->hostnqn, sizeof(hostnqn));
	harness_kill(scene.harness, "announce");
	fake_cdc_await(&cdc.seen->registers, 2);
	ck_assert_uint_eq(atomic_load(&cdc.seen->n_entries), 2);
	ck_assert_str_eq(cdc.seen->hostnqn, hostnqn);
}
END_TEST

START_TEST(is_told_again_in_a_planned_restart_without_taking_back)
{
	char text[1024];

	ck_assert_int_eq(
		harness_ctl(scene.harness, text, sizeof(text), "restart", "announce", NULL), 0);
	fake_cdc_await(&cdc.seen->registers, 2);
	ck_assert_uint_eq(atomic_load(&cdc.seen->deregisters), 0);
}
END_TEST

START_TEST(has_forgotten_all_when_the_set_has_ended)
{
	harness_end(scene.harness);
	ck_assert_uint_eq(atomic_load(&cdc.seen->n_entries), 0);
	shows("Base 2.1 §5.3.3", "deregisters all of it at an orderly stop");
}
END_TEST

START_TEST(has_forgotten_all_when_it_is_not_configured_any_more)
{
	struct harness_exports exports = scene.harness->exports;

	exports.discovery = NULL;
	harness_restore(scene.harness, &exports);
	fake_cdc_await_entries(&cdc, 0);
}
END_TEST

START_TEST(knows_the_host_by_the_name_that_is_configured)
{
	struct harness_exports exports = exports_of(
		", \"hostnqn\": \"nqn.2001-01.com.example:me\"");

	snprintf(exports.ports[0].trsvcid, sizeof(exports.ports[0].trsvcid), "%s", port());
	harness_restore(scene.harness, &exports);
	fake_cdc_await(&cdc.seen->connects, 2);
	fake_cdc_await(&cdc.seen->registers, 2);
	ck_assert_str_eq(cdc.seen->hostnqn, "nqn.2001-01.com.example:me");
	ck_assert_uint_eq(atomic_load(&cdc.seen->deregisters), 1);
	ck_assert_uint_eq(atomic_load(&cdc.seen->n_entries), 2);
}
END_TEST

START_TEST(is_connected_anew_when_it_has_dropped_us)
{
	fake_cdc_become(&cdc, FAKE_CDC_GOOD);
	fake_cdc_await(&cdc.seen->registers, 2);
	ck_assert_uint_eq(atomic_load(&cdc.seen->connects), 2);
}
END_TEST

/* ------------------------------------------------------------------ bad ones */

/* From its next connection on, which is another host's. */
static void meet(enum fake_cdc_manner manner, const char *words)
{
	struct harness_exports exports;
	char more[64];

	snprintf(more, sizeof(more), ", \"hostnqn\": \"nqn.2001-01.com.example:%d\"", manner);
	exports = exports_of(more);
	snprintf(exports.ports[0].trsvcid, sizeof(exports.ports[0].trsvcid), "%s", port());
	fake_cdc_become(&cdc, manner);
	harness_restore(scene.harness, &exports);
	await_status(words);
	fake_cdc_become(&cdc, FAKE_CDC_GOOD);
	await_status("registered: 2 of 2 ways to subsystems");
}

START_TEST(has_a_status_where_it_is_none)
{
	meet(FAKE_CDC_IS_NONE, "not announced: it is no central discovery controller");
}
END_TEST

START_TEST(has_a_status_where_it_refuses_the_host)
{
	meet(FAKE_CDC_REFUSES_CONNECT, "not announced: it refuses Connect: status 184h");
}
END_TEST

START_TEST(has_a_status_where_it_refuses_to_register)
{
	meet(FAKE_CDC_REFUSES_DIM,
	     "not announced: it refuses Discovery Information Management: status 002h");
}
END_TEST

START_TEST(has_a_status_where_it_sends_nonsense)
{
	meet(FAKE_CDC_SENDS_NONSENSE, "not announced: it sends what does not belong here");
}
END_TEST

START_TEST(has_a_status_where_it_is_silent)
{
	meet(FAKE_CDC_IS_SILENT, "not announced: it does not answer ICReq");
}
END_TEST

START_TEST(has_a_status_where_it_hangs_up)
{
	meet(FAKE_CDC_HANGS_UP, "not announced: it has closed the connection");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("announce");

	describe_running(suite,
	                 "a CDC",
	                 given_a_cdc,
	                 stop,
	                 knows_each_way_to_each_subsystem,
	                 has_a_host_that_keeps_alive,
	                 is_told_of_differences_alone,
	                 is_told_of_a_listener_that_comes);
	describe_alone(suite,
	               "a CDC of a target that changes",
	               given_a_cdc,
	               stop,
	               hears_nothing_of_the_death_of_the_state_service,
	               hears_nothing_of_the_death_of_the_transport,
	               is_told_again_by_the_successor_of_one_that_was_killed,
	               is_told_again_in_a_planned_restart_without_taking_back,
	               has_forgotten_all_when_the_set_has_ended,
	               has_forgotten_all_when_it_is_not_configured_any_more,
	               knows_the_host_by_the_name_that_is_configured,
	               is_connected_anew_when_it_has_dropped_us);
	describe_running(suite,
	                 "a CDC that misbehaves",
	                 given_a_cdc,
	                 stop,
	                 has_a_status_where_it_is_none,
	                 has_a_status_where_it_refuses_the_host,
	                 has_a_status_where_it_refuses_to_register,
	                 has_a_status_where_it_sends_nonsense,
	                 has_a_status_where_it_is_silent,
	                 has_a_status_where_it_hangs_up);
	return harness_run(suite);
}
