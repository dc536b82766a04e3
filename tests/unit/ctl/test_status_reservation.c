/* SPDX-License-Identifier: BSD-2-Clause */
/* What `nvmetctl status` says of a namespace's reservation. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/ctl/status.h"
#include "tests/support/spec.h"

static struct {
	Nvmetd__CtlStatusReply reply;
	Nvmetd__SubsystemStatus subsystem;
	Nvmetd__NamespaceStatus ns;
	Nvmetd__ReservationStatus reservation;
	Nvmetd__RegistrantStatus registrant[2];
	Nvmetd__Session session;

	Nvmetd__SubsystemStatus *subsystems[1];
	Nvmetd__NamespaceStatus *namespaces[1];
	Nvmetd__RegistrantStatus *registrants[2];
	Nvmetd__Session *sessions[1];
} set;

static uint8_t ids[2][16];
static char buffer[STATUS_RESERVATION_WORDS];
static char *printed;
static size_t printed_length;

/* Of two registrants the second holds it; the first is connected. */
static void given_a_reserved_namespace(void)
{
	memset(ids[0], 0x11, sizeof(ids[0]));
	memset(ids[1], 0x22, sizeof(ids[1]));
	nvmetd__reservation_status__init(&set.reservation);
	for (unsigned i = 0; i < 2; i++) {
		nvmetd__registrant_status__init(&set.registrant[i]);
		set.registrant[i].host_id = (ProtobufCBinaryData){16, ids[i]};
		set.registrant[i].key = i == 0 ? 0x1a : UINT64_MAX;
		set.registrants[i] = &set.registrant[i];
	}
	set.reservation.type = 1;
	set.reservation.holder = set.registrant[1].host_id;
	set.reservation.generation = 7;
	set.reservation.registrants = set.registrants;
	set.reservation.n_registrants = 2;
	nvmetd__session__init(&set.session);
	set.session.host_nqn = (char *)"nqn.one";
	set.session.host_id = set.registrant[0].host_id;
	set.sessions[0] = &set.session;
	nvmetd__namespace_status__init(&set.ns);
	set.ns.nsid = 1;
	set.ns.enabled = set.ns.ready = 1;
	set.ns.reservation = &set.reservation;
	set.namespaces[0] = &set.ns;
	nvmetd__subsystem_status__init(&set.subsystem);
	set.subsystem.nqn = (char *)"nqn.sub";
	set.subsystem.namespaces = set.namespaces;
	set.subsystem.n_namespaces = 1;
	set.subsystem.sessions = set.sessions;
	set.subsystem.n_sessions = 1;
	set.subsystems[0] = &set.subsystem;
	nvmetd__ctl_status_reply__init(&set.reply);
	set.reply.subsystems = set.subsystems;
	set.reply.n_subsystems = 1;
}

static void forget(void)
{
	free(printed);
	printed = NULL;
}

static const char *words(void)
{
	return status_reservation_words(buffer, &set.subsystem, &set.ns);
}

START_TEST(says_the_holder_by_its_identifier_where_it_is_not_connected)
{
	ck_assert_str_eq(words(),
	                 ", reserved (write exclusive) by host identifier "
	                 "22222222222222222222222222222222, 2 registrants");
}
END_TEST

START_TEST(says_the_holder_by_its_name_where_it_is_connected)
{
	set.session.host_id = set.registrant[1].host_id;
	ck_assert_str_eq(words(), ", reserved (write exclusive) by nqn.one, 2 registrants");
}
END_TEST

START_TEST(names_nobody_where_all_registrants_hold_it)
{
	set.reservation.type = 5;
	set.reservation.holder = (ProtobufCBinaryData){0};
	ck_assert_str_eq(words(), ", reserved (write exclusive, all registrants), 2 registrants");
}
END_TEST

START_TEST(says_that_hosts_are_registered_only)
{
	set.reservation.type = 0;
	set.reservation.holder = (ProtobufCBinaryData){0};
	set.reservation.n_registrants = 1;
	ck_assert_str_eq(words(), ", not reserved, 1 registrant");
}
END_TEST

START_TEST(says_nothing_where_nobody_is_registered)
{
	set.reservation.type = 0;
	set.reservation.n_registrants = 0;
	ck_assert_str_eq(words(), "");
	set.ns.reservation = NULL;
	ck_assert_str_eq(words(), "");
}
END_TEST

START_TEST(takes_a_type_that_there_is_not)
{
	set.reservation.type = 77;
	ck_assert_ptr_nonnull(strstr(words(), "(unknown)"));
}
END_TEST

START_TEST(is_said_with_the_state_of_its_namespace)
{
	FILE *out = open_memstream(&printed, &printed_length);

	ck_assert_ptr_nonnull(out);
	status_print_text(out, &set.reply);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(printed, "ready, reserved (write exclusive) by host"));
}
END_TEST

/* ------------------------------------------------------------------ JSON */

static json_t *namespace_json(json_t **ret_root)
{
	FILE *out = open_memstream(&printed, &printed_length);
	json_t *subsystem;

	ck_assert_ptr_nonnull(out);
	ck_assert(status_print_json(out, &set.reply));
	fclose(out);
	*ret_root = json_loads(printed, 0, NULL);
	subsystem = json_array_get(json_object_get(*ret_root, "subsystems"), 0);
	return json_array_get(json_object_get(subsystem, "namespaces"), 0);
}

START_TEST(has_each_registrant_in_json)
{
	json_t *root;
	json_t *is = json_object_get(namespace_json(&root), "reservation");
	json_t *wanted = json_loads(
		"{\"type\": 1, \"type_words\": \"write exclusive\", \"generation\": 7,"
		" \"persists\": false, \"registrants\": ["
		" {\"host_id\": \"11111111111111111111111111111111\", \"key\": \"0x1a\","
		"  \"holds\": false},"
		" {\"host_id\": \"22222222222222222222222222222222\","
		"  \"key\": \"0xffffffffffffffff\", \"holds\": true}]}",
		0,
		NULL);

	ck_assert_ptr_nonnull(wanted);
	ck_assert_msg(json_equal(is, wanted), "%s", printed);
	json_decref(wanted);
	json_decref(root);
}
END_TEST

START_TEST(is_null_in_json_where_no_host_has_registered)
{
	json_t *root, *is;

	set.ns.reservation = NULL;
	is = json_object_get(namespace_json(&root), "reservation");
	ck_assert(json_is_null(is));
	json_decref(root);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("the status of a reservation");

	describe(suite,
	         "a reservation",
	         given_a_reserved_namespace,
	         forget,
	         says_the_holder_by_its_identifier_where_it_is_not_connected,
	         says_the_holder_by_its_name_where_it_is_connected,
	         names_nobody_where_all_registrants_hold_it,
	         says_that_hosts_are_registered_only,
	         says_nothing_where_nobody_is_registered,
	         takes_a_type_that_there_is_not,
	         is_said_with_the_state_of_its_namespace,
	         has_each_registrant_in_json,
	         is_null_in_json_where_no_host_has_registered);
	return run(suite);
}
