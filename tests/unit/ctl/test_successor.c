/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a successor does what its predecessor did is seen from what nvmetd said before and says
 * now. */
#include "services/ctl/successor.h"

#include "tests/support/spec.h"

/* A set with a worker and a transport, which has a link, a host with two queues, and a port; and
 * one namespace. */
struct set {
	Nvmetd__CtlStatusReply status;
	Nvmetd__ProcessStatus processes[2], *process_list[2];
	Nvmetd__WorkerStatus worker;
	Nvmetd__TransportStatus transport;
	Nvmetd__LinkStatus link, *link_list[1];
	Nvmetd__ControllerStatus controller, *controller_list[1];
	Nvmetd__QueueStatus queues[2], *queue_list[2];
	Nvmetd__PortStatus port, *port_list[1];
	Nvmetd__SubsystemStatus subsystem, *subsystem_list[1];
	Nvmetd__NamespaceStatus space, *space_list[1];
};

static struct set before, now;

static void fill_transport(struct set *set)
{
	nvmetd__transport_status__init(&set->transport);
	nvmetd__link_status__init(&set->link);
	nvmetd__controller_status__init(&set->controller);
	set->link.worker = (char *)"io-0";
	set->link.state = (char *)"up";
	set->controller.subsystem = 1;
	set->controller.cntlid = 7;
	for (unsigned i = 0; i < 2; i++) {
		nvmetd__queue_status__init(&set->queues[i]);
		set->queues[i].qid = i;
		set->queues[i].host_address = (char *)(i ? "192.0.2.1:5001" : "192.0.2.1:5000");
		set->queue_list[i] = &set->queues[i];
	}
	set->controller.n_queues = 2;
	set->controller.queues = set->queue_list;
	set->link_list[0] = &set->link;
	set->transport.n_links = 1;
	set->transport.links = set->link_list;
	set->controller_list[0] = &set->controller;
	set->transport.n_controllers = 1;
	set->transport.controllers = set->controller_list;
}

static void fill_processes(struct set *set, uint64_t instance)
{
	nvmetd__worker_status__init(&set->worker);
	for (unsigned i = 0; i < 2; i++) {
		nvmetd__process_status__init(&set->processes[i]);
		set->processes[i].instance = instance + i;
		set->processes[i].answered = true;
		set->process_list[i] = &set->processes[i];
	}
	set->processes[0].name = (char *)"io-0";
	set->processes[0].worker = &set->worker;
	set->processes[1].name = (char *)"tcp";
	set->processes[1].transport = &set->transport;
	set->status.n_processes = 2;
	set->status.processes = set->process_list;
}

static void fill(struct set *set, uint64_t instance)
{
	nvmetd__ctl_status_reply__init(&set->status);
	fill_transport(set);
	fill_processes(set, instance);
	nvmetd__port_status__init(&set->port);
	set->port.port_id = 1;
	set->port.listening = true;
	set->port_list[0] = &set->port;
	set->status.n_ports = 1;
	set->status.ports = set->port_list;
	nvmetd__namespace_status__init(&set->space);
	set->space.handle = 5;
	set->space.enabled = set->space.ready = true;
	set->space_list[0] = &set->space;
	nvmetd__subsystem_status__init(&set->subsystem);
	set->subsystem.n_namespaces = 1;
	set->subsystem.namespaces = set->space_list;
	set->subsystem_list[0] = &set->subsystem;
	set->status.n_subsystems = 1;
	set->status.subsystems = set->subsystem_list;
}

static void given_the_same_set_twice(void)
{
	fill(&before, 100);
	fill(&now, 200);
}

static bool works(void)
{
	return successor_works(&before.status, &now.status);
}

/* ------------------------------------------------------------------ is there */

START_TEST(is_there_as_another_instance)
{
	ck_assert(successor_is_there(&before.processes[1], &now.status));
}
END_TEST

START_TEST(is_not_there_while_it_is_the_same_instance)
{
	now.processes[1].instance = before.processes[1].instance;
	ck_assert(!successor_is_there(&before.processes[1], &now.status));
}
END_TEST

START_TEST(is_not_there_before_it_answers)
{
	now.processes[1].answered = false;
	ck_assert(!successor_is_there(&before.processes[1], &now.status));
}
END_TEST

/* ------------------------------------------------------------------ works */

START_TEST(works_when_all_is_as_it_was)
{
	ck_assert(works());
}
END_TEST

START_TEST(waits_for_the_other_processes)
{
	now.status.n_processes = 1;
	ck_assert(!works());
}
END_TEST

START_TEST(waits_for_links)
{
	now.link.state = (char *)"connecting";
	ck_assert(!works());
}
END_TEST

START_TEST(waits_for_ports_that_listened)
{
	now.port.listening = false;
	ck_assert(!works());
	before.port.listening = false;
	ck_assert(works());
}
END_TEST

START_TEST(waits_for_namespaces_that_were_ready)
{
	now.space.ready = false;
	ck_assert(!works());
	before.space.ready = false;
	ck_assert(works());
}
END_TEST

START_TEST(does_not_wait_for_what_was_taken_away_meanwhile)
{
	now.status.n_ports = now.status.n_subsystems = 0;
	ck_assert(works());
}
END_TEST

/* ------------------------------------------------------------------ connections */

START_TEST(has_kept_connections_of_the_same_address)
{
	ck_assert_uint_eq(successor_connections(&before.processes[1]), 2);
	ck_assert_uint_eq(successor_kept(&before.processes[1], &now.processes[1]), 2);
}
END_TEST

START_TEST(has_not_kept_one_that_was_made_anew)
{
	now.queues[1].host_address = (char *)"192.0.2.1:5002";
	ck_assert_uint_eq(successor_kept(&before.processes[1], &now.processes[1]), 1);
}
END_TEST

START_TEST(has_not_kept_those_of_another_controller)
{
	now.controller.cntlid = 8;
	ck_assert_uint_eq(successor_kept(&before.processes[1], &now.processes[1]), 0);
}
END_TEST

START_TEST(has_none_if_it_is_a_worker)
{
	ck_assert_uint_eq(successor_connections(&before.processes[0]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("successor");

	describe(suite,
	         "a successor",
	         given_the_same_set_twice,
	         NULL,
	         is_there_as_another_instance,
	         is_not_there_while_it_is_the_same_instance,
	         is_not_there_before_it_answers,
	         works_when_all_is_as_it_was,
	         waits_for_the_other_processes,
	         waits_for_links,
	         waits_for_ports_that_listened,
	         waits_for_namespaces_that_were_ready,
	         does_not_wait_for_what_was_taken_away_meanwhile,
	         has_kept_connections_of_the_same_address,
	         has_not_kept_one_that_was_made_anew,
	         has_not_kept_those_of_another_controller,
	         has_none_if_it_is_a_worker);
	return run(suite);
}
