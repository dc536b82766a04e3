/* SPDX-License-Identifier: BSD-2-Clause */
/* What `nvmetctl status` makes of a state service's answer. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/ctl/status.h"
#include "tests/support/spec.h"

/* A set with one port, one subsystem of one namespace, and one host with two queues. */
static struct {
	Nvmetd__CtlStatusReply reply;
	Nvmetd__ProcessStatus state, tcp, io;
	Nvmetd__TransportStatus transport;
	Nvmetd__WorkerStatus worker;
	Nvmetd__BackingStatus backing;
	Nvmetd__ControllerStatus controller;
	Nvmetd__QueueStatus queues[2];
	Nvmetd__Counters counters;
	Nvmetd__LinkStatus link;
	Nvmetd__PortStatus port;
	Nvmetd__SubsystemStatus subsystem;
	Nvmetd__NamespaceStatus ns;
	Nvmetd__Session session;

	Nvmetd__ProcessStatus *processes[3];
	Nvmetd__BackingStatus *backings[1];
	Nvmetd__ControllerStatus *controllers[1];
	Nvmetd__QueueStatus *queue_list[2];
	Nvmetd__LinkStatus *links[1];
	Nvmetd__ArenaStatus arena[2];
	Nvmetd__ArenaStatus *arenas[2];
	Nvmetd__PortStatus *ports[1];
	Nvmetd__SubsystemStatus *subsystems[1];
	Nvmetd__NamespaceStatus *namespaces[1];
	Nvmetd__Session *sessions[1];
} set;

static char *printed;
static size_t printed_length;
static json_t *root;

static void given_processes(void)
{
	nvmetd__process_status__init(&set.state);
	nvmetd__process_status__init(&set.tcp);
	nvmetd__process_status__init(&set.io);
	set.state.name = (char *)"state";
	set.state.answered = 1;
	set.tcp.name = (char *)"tcp";
	set.tcp.pid = 42;
	set.tcp.threads = 2;
	set.tcp.revision = 7;
	set.tcp.up_seconds = 3 * 3600 + 120;
	set.tcp.answered = 1;
	set.tcp.transport = &set.transport;
	set.io.name = (char *)"io-0";
	set.io.answered = 0;
	set.io.worker = &set.worker;
	set.processes[0] = &set.state;
	set.processes[1] = &set.tcp;
	set.processes[2] = &set.io;
}

static void given_a_transport_with_a_controller(void)
{
	nvmetd__transport_status__init(&set.transport);
	nvmetd__controller_status__init(&set.controller);
	nvmetd__counters__init(&set.counters);
	nvmetd__link_status__init(&set.link);
	for (int i = 0; i < 2; i++) {
		nvmetd__queue_status__init(&set.queues[i]);
		set.queues[i].qid = (uint32_t)i;
		set.queues[i].in_flight = (uint32_t)i + 1;
		set.queue_list[i] = &set.queues[i];
	}
	set.counters.reads = 1000;
	set.counters.read_bytes = 4096000;
	set.controller.subsystem = 3;
	set.controller.cntlid = 5;
	set.controller.state = (char *)"enabled";
	set.controller.queues = set.queue_list;
	set.controller.n_queues = 2;
	set.controller.counters = &set.counters;
	set.controllers[0] = &set.controller;
	set.link.worker = (char *)"io-0";
	set.link.state = (char *)"connecting";
	set.link.in_flight = 9;
	set.links[0] = &set.link;
	set.transport.controllers = set.controllers;
	set.transport.n_controllers = 1;
	set.transport.links = set.links;
	set.transport.n_links = 1;
	for (int i = 0; i < 2; i++) {
		nvmetd__arena_status__init(&set.arena[i]);
		set.arena[i].thread = (uint32_t)i;
		set.arena[i].bytes = 16u << 20;
		set.arena[i].bytes_used = i * (8u << 20);
		set.arenas[i] = &set.arena[i];
	}
	set.transport.arenas = set.arenas;
	set.transport.n_arenas = 2;
}

static void given_a_namespace(void)
{
	nvmetd__worker_status__init(&set.worker);
	nvmetd__backing_status__init(&set.backing);
	set.backing.handle = 11;
	set.backing.in_flight = 4;
	set.backings[0] = &set.backing;
	set.worker.namespaces = set.backings;
	set.worker.n_namespaces = 1;
	nvmetd__namespace_status__init(&set.ns);
	set.ns.nsid = 1;
	set.ns.handle = 11;
	set.ns.path = (char *)"/data/disk.img";
	set.ns.enabled = 1;
	set.ns.ready = 1;
	set.ns.block_shift = 12;
	set.ns.blocks = 262144;
	set.namespaces[0] = &set.ns;
}

static void given_a_subsystem_with_a_host(void)
{
	nvmetd__session__init(&set.session);
	set.session.subsystem = 3;
	set.session.cntlid = 5;
	set.session.port_id = 1;
	set.session.host_nqn = (char *)"nqn.host\x1b[31m";
	set.session.host_address = (char *)"127.0.0.1:50000";
	set.sessions[0] = &set.session;
	nvmetd__subsystem_status__init(&set.subsystem);
	set.subsystem.subsystem = 3;
	set.subsystem.nqn = (char *)"nqn.sub";
	set.subsystem.namespaces = set.namespaces;
	set.subsystem.n_namespaces = 1;
	set.subsystem.sessions = set.sessions;
	set.subsystem.n_sessions = 1;
	set.subsystems[0] = &set.subsystem;
}

static void given_a_set(void)
{
	given_processes();
	given_a_transport_with_a_controller();
	given_a_namespace();
	given_a_subsystem_with_a_host();
	nvmetd__port_status__init(&set.port);
	set.port.port_id = 1;
	set.port.trtype = (char *)"tcp";
	set.port.adrfam = (char *)"ipv4";
	set.port.traddr = (char *)"127.0.0.1";
	set.port.trsvcid = (char *)"4420";
	set.port.listening = 1;
	set.ports[0] = &set.port;
	nvmetd__ctl_status_reply__init(&set.reply);
	set.reply.revision = 7;
	set.reply.processes = set.processes;
	set.reply.n_processes = 3;
	set.reply.ports = set.ports;
	set.reply.n_ports = 1;
	set.reply.subsystems = set.subsystems;
	set.reply.n_subsystems = 1;
}

static void forget(void)
{
	free(printed);
	printed = NULL;
	json_decref(root);
	root = NULL;
}

static const char *text(void)
{
	FILE *out = open_memstream(&printed, &printed_length);

	ck_assert_ptr_nonnull(out);
	status_print_text(out, &set.reply);
	fclose(out);
	return printed;
}

static const json_t *json(void)
{
	FILE *out = open_memstream(&printed, &printed_length);

	ck_assert_ptr_nonnull(out);
	ck_assert(status_print_json(out, &set.reply));
	fclose(out);
	root = json_loads(printed, 0, NULL);
	ck_assert_ptr_nonnull(root);
	return root;
}

static unsigned missing(void)
{
	FILE *out = open_memstream(&printed, &printed_length);
	unsigned count;

	ck_assert_ptr_nonnull(out);
	count = status_print_missing(out, &set.reply);
	fclose(out);
	return count;
}

static const json_t *item(const json_t *from, const char *list)
{
	const json_t *found = json_array_get(json_object_get(from, list), 0);

	ck_assert_msg(found, "nothing in '%s'", list);
	return found;
}

static long long number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_integer(value), "no number '%s'", key);
	return json_integer_value(value);
}

static bool says(const char *words)
{
	return strstr(printed, words) != NULL;
}

START_TEST(has_a_line_for_each_process_that_says_what_it_does)
{
	text();
	ck_assert(says("3h 2min"));
	ck_assert(says("1 controllers, 0 connections, 1 links to workers, 8 MiB of 32 MiB for data "
	               "in use"));
	ck_assert(says("does not answer"));
}
END_TEST

START_TEST(names_a_link_that_is_not_up)
{
	text();
	ck_assert(says("tcp thread 0 to io-0: connecting, 9 requests wait"));
}
END_TEST

START_TEST(says_when_an_io_grant_is_not_in_use)
{
	set.ns.ready = 1;
	set.ns.io_grant = 1;
	text();
	ck_assert(says("ready, io grant not in use"));
}
END_TEST

START_TEST(says_when_it_is_write_protected)
{
	set.ns.ready = 1;
	set.ns.io_grant = 1;
	set.ns.write_protected = 1;
	text();
	ck_assert(says("ready, write protected, io grant not in use"));
}
END_TEST

static Nvmetd__BackingZones zones = NVMETD__BACKING_ZONES__INIT;

START_TEST(says_when_it_has_zones)
{
	set.ns.ready = 1;
	set.ns.zones = &zones;
	text();
	ck_assert(says("ready, zoned"));
}
END_TEST

START_TEST(says_when_its_zones_are_write_protected)
{
	set.ns.ready = 1;
	set.ns.write_protected = 1;
	set.ns.zones = &zones;
	text();
	ck_assert(says("ready, zoned, write protected"));
}
END_TEST

START_TEST(says_what_its_zones_are_like)
{
	const json_t *found;

	zones.capacity = 77;
	set.ns.zones = &zones;
	found = item(item(json(), "subsystems"), "namespaces");
	ck_assert_int_eq(number(json_object_get(found, "zones"), "capacity"), 77);
}
END_TEST

START_TEST(says_when_an_io_grant_is_in_use)
{
	set.ns.ready = 1;
	set.ns.io_grant = 1;
	set.ns.io_grant_threads = 2;
	text();
	ck_assert(says("ready, io grant in use"));
}
END_TEST

START_TEST(says_when_an_io_grant_is_being_revoked)
{
	set.ns.ready = 1;
	set.ns.io_grant_threads = 1;
	text();
	ck_assert(says("ready, io grant being revoked"));
}
END_TEST

START_TEST(joins_a_controller_with_its_queues)
{
	const json_t *controller = item(item(json(), "subsystems"), "controllers");

	ck_assert_int_eq(number(controller, "cntlid"), 5);
	ck_assert_int_eq(number(controller, "in_flight"), 3);
	ck_assert_uint_eq(json_array_size(json_object_get(controller, "queues")), 2);
	ck_assert_int_eq(number(json_object_get(controller, "counters"), "reads"), 1000);
	ck_assert_str_eq(json_string_value(json_object_get(controller, "process")), "tcp");
}
END_TEST

static const char *trtype_of_the_controller(void)
{
	const json_t *controller = item(item(json(), "subsystems"), "controllers");

	return json_string_value(json_object_get(controller, "trtype"));
}

START_TEST(says_what_transport_a_controller_came_in_on)
{
	set.port.trtype = (char *)"rdma";
	ck_assert_str_eq(trtype_of_the_controller(), "rdma");
}
END_TEST

START_TEST(says_no_transport_of_a_controller_whose_port_has_gone)
{
	set.session.port_id = 2;
	ck_assert_str_eq(trtype_of_the_controller(), "");
}
END_TEST

START_TEST(joins_a_namespace_with_what_its_worker_has_in_flight)
{
	const json_t *ns = item(item(json(), "subsystems"), "namespaces");

	ck_assert_int_eq(number(ns, "in_flight"), 4);
	ck_assert_int_eq(number(ns, "block_size"), 4096);
	ck_assert_int_eq(number(ns, "blocks"), 262144);
}
END_TEST

START_TEST(tells_what_each_thread_has_of_its_memory)
{
	const json_t *process = json_array_get(json_object_get(json(), "processes"), 1);
	const json_t *arena = json_array_get(json_object_get(process, "arenas"), 1);

	ck_assert_int_eq(number(arena, "thread"), 1);
	ck_assert_int_eq(number(arena, "bytes"), 16 << 20);
	ck_assert_int_eq(number(arena, "bytes_used"), 8 << 20);
}
END_TEST

START_TEST(says_sizes_in_words)
{
	text();
	ck_assert(says("1 GiB"));
	ck_assert(says("3.9 MiB"));
}
END_TEST

START_TEST(prints_what_a_host_called_itself_escaped)
{
	text();
	ck_assert(says("nqn.host\\x1b[31m"));
	ck_assert_ptr_null(strchr(printed, '\x1b'));
}
END_TEST

START_TEST(gives_json_also_for_a_name_that_is_not_utf_8)
{
	set.session.host_nqn = (char *)"nqn.\xff";
	ck_assert_str_eq(json_string_value(json_object_get(
				 item(item(json(), "subsystems"), "controllers"), "host_nqn")),
	                 "nqn.\\xff");
}
END_TEST

START_TEST(calls_a_controller_unknown_that_no_transport_tells_of)
{
	set.controller.cntlid = 6;
	ck_assert_str_eq(json_string_value(json_object_get(
				 item(item(json(), "subsystems"), "controllers"), "state")),
	                 "unknown");
}
END_TEST

START_TEST(takes_numbers_that_make_no_sense)
{
	set.ns.block_shift = 4000000000u;
	set.ns.blocks = UINT64_MAX;
	set.tcp.up_seconds = UINT64_MAX;
	text();
	free(printed);
	ck_assert_int_eq(number(item(item(json(), "subsystems"), "namespaces"), "block_size"), 0);
}
END_TEST

START_TEST(misses_nothing_when_all_is_there)
{
	ck_assert_uint_eq(missing(), 0);
	ck_assert_str_eq(printed, "");
}
END_TEST

START_TEST(misses_a_port_that_does_not_listen)
{
	set.port.listening = 0;
	set.port.reason = (char *)"Address already in use";
	ck_assert_uint_eq(missing(), 1);
	ck_assert_str_eq(
		printed,
		"warning: port 1 (tcp 127.0.0.1, 4420) does not listen yet: Address already "
		"in use\n");
}
END_TEST

START_TEST(misses_an_enabled_namespace_that_is_not_ready)
{
	set.ns.ready = 0;
	ck_assert_uint_eq(missing(), 1);
	ck_assert(says("namespace 1 of nqn.sub (/data/disk.img) is not ready yet"));
}
END_TEST

START_TEST(does_not_miss_a_namespace_that_is_not_enabled)
{
	set.ns.ready = 0;
	set.ns.enabled = 0;
	ck_assert_uint_eq(missing(), 0);
}
END_TEST

START_TEST(begins_with_what_is_the_matter_with_the_database)
{
	static Nvmetd__DatabaseStatus database = NVMETD__DATABASE_STATUS__INIT;

	set.reply.database = &database;
	database.notice = (char *)"it was replaced";
	database.trouble = (char *)"it is full";
	text();
	ck_assert_ptr_eq(strstr(printed, "WARNING: it was replaced; see that"), printed);
	ck_assert(says("nvmetctl acknowledge\n"));
	ck_assert(says("WARNING: it is full; changes are refused\n"));
}
END_TEST

START_TEST(says_nothing_of_a_database_that_is_well)
{
	static Nvmetd__DatabaseStatus database = NVMETD__DATABASE_STATUS__INIT;

	set.reply.database = &database;
	text();
	ck_assert(!says("WARNING"));
	forget();
	ck_assert_str_eq(
		json_string_value(json_object_get(json_object_get(json(), "database"), "notice")),
		"");
}
END_TEST

static Nvmetd__AnnouncementStatus announcements[2];
static Nvmetd__AnnouncementStatus *announcement_list[] = {&announcements[0], &announcements[1]};
static Nvmetd__AnnounceStatus announce;

/* In the place of the state service. */
static void given_an_announcer(void)
{
	given_a_set();
	nvmetd__announce_status__init(&announce);
	for (int i = 0; i < 2; i++)
		nvmetd__announcement_status__init(&announcements[i]);
	announcements[0].where = (char *)"mDNS, port 1";
	announcements[0].good = 1;
	announcements[0].words = (char *)"here";
	announcements[1].where = (char *)"CDC 192.0.2.1:8009";
	announcements[1].words = (char *)"it is silent";
	announce.announcements = announcement_list;
	announce.n_announcements = 2;
	set.state.name = (char *)"announce";
	set.state.announce = &announce;
}

START_TEST(says_what_is_announced_and_why_something_is_not)
{
	text();
	ck_assert(says("1 of 2 announcements made"));
	ck_assert(says("mDNS, port 1        here"));
	ck_assert(says("CDC 192.0.2.1:8009  not announced: it is silent"));
}
END_TEST

START_TEST(says_that_nothing_is_to_be_announced)
{
	announce.n_announcements = 0;
	text();
	ck_assert(says("announces nothing, as none is configured"));
	ck_assert(!says("ANNOUNCED BY"));
}
END_TEST

START_TEST(says_that_nobody_announces_what_is_to_be)
{
	set.reply.announce_trouble = (char *)"no nvmetd-announce is running";
	text();
	ck_assert(says("\nnot announced: no nvmetd-announce is running\n"));
}
END_TEST

START_TEST(gives_announcements_in_json_too)
{
	const json_t *first = item(item(json(), "processes"), "announcements");

	ck_assert_str_eq(json_string_value(json_object_get(first, "by")), "mDNS, port 1");
	ck_assert(json_is_true(json_object_get(first, "announced")));
	ck_assert_str_eq(json_string_value(json_object_get(first, "what")), "here");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status");

	describe(suite,
	         "the status of a set",
	         given_a_set,
	         forget,
	         has_a_line_for_each_process_that_says_what_it_does,
	         names_a_link_that_is_not_up,
	         says_when_an_io_grant_is_not_in_use,
	         says_when_it_is_write_protected,
	         says_when_it_has_zones,
	         says_when_its_zones_are_write_protected,
	         says_what_its_zones_are_like,
	         says_when_an_io_grant_is_in_use,
	         says_when_an_io_grant_is_being_revoked,
	         joins_a_controller_with_its_queues,
	         says_what_transport_a_controller_came_in_on,
	         says_no_transport_of_a_controller_whose_port_has_gone,
	         tells_what_each_thread_has_of_its_memory,
	         joins_a_namespace_with_what_its_worker_has_in_flight,
	         says_sizes_in_words,
	         prints_what_a_host_called_itself_escaped,
	         gives_json_also_for_a_name_that_is_not_utf_8,
	         calls_a_controller_unknown_that_no_transport_tells_of,
	         takes_numbers_that_make_no_sense,
	         misses_nothing_when_all_is_there,
	         misses_a_port_that_does_not_listen,
	         misses_an_enabled_namespace_that_is_not_ready,
	         does_not_miss_a_namespace_that_is_not_enabled,
	         begins_with_what_is_the_matter_with_the_database,
	         says_nothing_of_a_database_that_is_well);
	describe(suite,
	         "the status of a set with an announcer",
	         given_an_announcer,
	         forget,
	         says_what_is_announced_and_why_something_is_not,
	         says_that_nothing_is_to_be_announced,
	         says_that_nobody_announces_what_is_to_be,
	         gives_announcements_in_json_too);

	return run(suite);
}
