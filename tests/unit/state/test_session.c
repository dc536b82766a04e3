/* SPDX-License-Identifier: BSD-2-Clause */
/* A session goes to its transport and comes back the same; nonsense is refused. */
#include <string.h>

#include "common/nvme/log.h"
#include "services/state/session.h"
#include "tests/support/shows.h"
#include "tests/support/spec.h"

static struct session *session, *back;
static struct session_message packed;

static void given_a_session(void)
{
	session = session_new();
	session->subsystem = 3;
	session->cntlid = 17;
	strcpy(session->subsystem_nqn, "nqn.s");
	strcpy(session->host_nqn, "nqn.h");
	session->host_id[5] = 1;
	session->port_id = 2;
	strcpy(session->host_address, "192.0.2.7:50000");
	strcpy(session->local_address, "192.0.2.1");
	strcpy(session->local_service, "4420");
	session->kato_ms = 5000;
	session->io_queues = 4;
	session->async_event_config = 0x900;
	session->warned = NVME_WARNING_SPARE;
	session->events = SESSION_EVENT_ANA | SESSION_EVENT_SPARE;
	session->masked = SESSION_EVENT_NAMESPACE | SESSION_EVENT_DISCOVERY |
	                  SESSION_EVENT_TEMPERATURE;
	session_mark_changed(session, 1);
	session_mark_changed(session, 1024);
	session->features = (struct session_features){
		.arbitration = 0x01020303,
		.power_management = 0x40,
		.over_temperature = 350,
		.under_temperature = 270,
		.write_atomicity = 1,
		.host_behavior = {1, 0, 0, 1}
        };
	session->features.error_recovery[0] = 5;
	session->features.error_recovery[1023] = UINT16_MAX;
	session->revision = UINT64_MAX - 1;
	session->discovery_counter = 9;
	session->discovery_sum = UINT64_MAX - 7;
	session->persistent = true;
	session->admin_sqsize = 32;
	session_pack(&packed, session);
}

static void forget(void)
{
	session = session_free(session);
	back = session_free(back);
}

START_TEST(comes_back_the_same)
{
	ck_assert_int_eq(session_unpack(&back, &packed.message), 0);
	ck_assert_uint_eq(back->subsystem, 3);
	ck_assert_uint_eq(back->cntlid, 17);
	ck_assert_str_eq(back->subsystem_nqn, "nqn.s");
	ck_assert_str_eq(back->host_nqn, "nqn.h");
	ck_assert_mem_eq(back->host_id, session->host_id, 16);
	ck_assert_uint_eq(back->port_id, 2);
	ck_assert_str_eq(back->host_address, "192.0.2.7:50000");
	ck_assert_str_eq(back->local_address, "192.0.2.1");
	ck_assert_str_eq(back->local_service, "4420");
	ck_assert_uint_eq(back->kato_ms, 5000);
	ck_assert_uint_eq(back->io_queues, 4);
	ck_assert_uint_eq(back->async_event_config, 0x900);
	ck_assert_uint_eq(back->warned, NVME_WARNING_SPARE);
	ck_assert_uint_eq(back->events, session->events);
	ck_assert_uint_eq(back->masked, session->masked);
	ck_assert_mem_eq(back->changed, session->changed, sizeof(session->changed));
	ck_assert_mem_eq(&back->features, &session->features, sizeof(session->features));
	ck_assert_uint_eq(back->revision, UINT64_MAX - 1);
	ck_assert_uint_eq(back->discovery_counter, 9);
	ck_assert_uint_eq(back->discovery_sum, UINT64_MAX - 7);
	ck_assert(back->persistent);
	ck_assert_uint_eq(back->admin_sqsize, 32);
	shows("Base 2.1 §4.4",
	      "all of a controller's features, events and masks outlive the state service");
}
END_TEST

START_TEST(of_an_older_release_has_what_is_the_default)
{
	static const struct session_features defaults = SESSION_FEATURES_DEFAULT;

	packed.message.features = NULL;
	ck_assert_int_eq(session_unpack(&back, &packed.message), 0);
	ck_assert_mem_eq(&back->features, &defaults, sizeof(defaults));
}
END_TEST

START_TEST(with_features_that_cannot_be_is_refused)
{
	packed.features.host_behavior.len = SESSION_BEHAVIOR_SIZE + 1;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
	session_pack(&packed, session);
	packed.features.over_temperature = 0x10000;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
	session_pack(&packed, session);
	packed.error_recovery_nsids[0] = 0;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
	session_pack(&packed, session);
	packed.error_recovery_nsids[1] = 1025;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
	session_pack(&packed, session);
	packed.features.n_error_recovery_limits--;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
}
END_TEST

START_TEST(without_a_number_is_refused)
{
	packed.message.cntlid = 0;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
	packed.message.cntlid = 0x10011;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
}
END_TEST

START_TEST(with_a_short_host_identifier_is_refused)
{
	packed.message.host_id.len = 15;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
}
END_TEST

START_TEST(with_a_name_too_long_is_refused)
{
	char name[300];

	memset(name, 'a', sizeof(name));
	name[299] = '\0';
	packed.message.host_nqn = name;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
}
END_TEST

START_TEST(with_a_namespace_that_cannot_be_is_refused)
{
	packed.changed[0] = 1025;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
	packed.changed[0] = 0;
	ck_assert_int_eq(session_unpack(&back, &packed.message), SESSION_E_MALFORMED);
}
END_TEST

START_TEST(passes_over_events_that_are_not_known)
{
	packed.waiting[0]->log_page = 0x81;
	ck_assert_int_eq(session_unpack(&back, &packed.message), 0);
	ck_assert_uint_eq(back->events, SESSION_EVENT_SPARE);
}
END_TEST

START_TEST(is_described_to_people_without_what_its_host_has_set)
{
	Nvmetd__Session described;

	for (unsigned i = 0; i < NVME_MAX_NAMESPACES; i++)
		session->features.error_recovery[i] = UINT16_MAX;
	memset(session->changed, 0xff, sizeof(session->changed));
	session_describe(&described, session);
	ck_assert_uint_eq(described.cntlid, session->cntlid);
	ck_assert_str_eq(described.host_nqn, session->host_nqn);
	ck_assert_uint_eq(described.kato_ms, session->kato_ms);
	ck_assert_uint_lt(nvmetd__session__get_packed_size(&described), 1024);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");

	describe(suite,
	         "a session",
	         given_a_session,
	         forget,
	         comes_back_the_same,
	         of_an_older_release_has_what_is_the_default,
	         with_features_that_cannot_be_is_refused,
	         without_a_number_is_refused,
	         with_a_short_host_identifier_is_refused,
	         with_a_name_too_long_is_refused,
	         with_a_namespace_that_cannot_be_is_refused,
	         passes_over_events_that_are_not_known,
	         is_described_to_people_without_what_its_host_has_set);
	return run(suite);
}
