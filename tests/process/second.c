/* SPDX-License-Identifier: BSD-2-Clause */
/* A second transport: its ports, and what hosts are told that come in on it. */
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/imitation.h"
#include "tests/support/shows.h"

#define RDMA_PORT 2u

static struct imitation rdma;
static char text[16384];

/* One subsystem on a port of TCP and on one of RDMA, at the same address and service. */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();
	struct harness *harness;

	exports.ports[1] = (struct harness_port){.trtype = "rdma", .traddr = "127.0.0.1"};
	harness = harness_new(&exports);
	strcpy(harness->exports.ports[1].trsvcid, harness->exports.ports[0].trsvcid);
	harness_start(harness, true);
	scene.harness = harness;
	scene.options = harness_host(harness, 0, 0);
}

static void get_status(const char *how)
{
	ck_assert_int_eq(
		harness_ctl(scene.harness, text, sizeof(text), "status", how, (char *)NULL), 0);
}

static void identify(struct imitation_controller controller, uint32_t cns, uint32_t nsid,
                     void *ret_page)
{
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_IDENTIFY, .nsid = le32_of(nsid), .cdw10 = le32_of(cns)};

	memcpy(ret_page,
	       imitation_admin(&rdma, controller, &command, NVME_IDENTIFY_SIZE),
	       NVME_IDENTIFY_SIZE);
}

/* ------------------------------------------------------------------ the real one */

/* On a machine without RDMA, or on one where no device has this address. */
static void given_a_set_with_rdma(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1] = (struct harness_port){.trtype = "rdma", .traddr = "127.0.0.1"};
	scene.harness = harness_new(&exports);
	scene.harness->rdma = "yes";
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

START_TEST(says_why_it_does_not_listen)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	do
		get_status(NULL);
	while (strstr(text, "nvmetd-rdma") && clock_now_ns() < deadline_ns);
	ck_assert_ptr_nonnull(strstr(text, "rdma/ipv4"));
	ck_assert_ptr_nonnull(strstr(text, "not listening: "));
	ck_assert_ptr_null(strstr(text, "nvmetd-rdma"));
}
END_TEST

START_TEST(is_restarted_as_planned)
{
	pid_t rdma_pid = harness_pid(scene.harness, "rdma", 0);
	pid_t tcp_pid = harness_pid(scene.harness, "tcp", 0);

	ck_assert_int_eq(
		harness_ctl(scene.harness, text, sizeof(text), "restart", "rdma", (char *)NULL), 0);
	ck_assert_int_ne(harness_pid(scene.harness, "rdma", rdma_pid), rdma_pid);
	ck_assert_int_eq(harness_pid(scene.harness, "tcp", 0), tcp_pid);
}
END_TEST

START_TEST(dies_unnoticed_by_hosts_of_the_other)
{
	scene_connect();
	harness_kill(scene.harness, "rdma");
	scene_write(1, 0, 8, 2);
	scene_read_back(1, 0, 8, 2);
	scene_expect_ready();
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ without it */

START_TEST(says_that_it_is_not_running)
{
	get_status(NULL);
	ck_assert_ptr_nonnull(strstr(text, "not listening: no nvmetd-rdma is running"));
}
END_TEST

START_TEST(says_so_in_json)
{
	get_status("--json");
	ck_assert_ptr_nonnull(strstr(text, "\"trtype\": \"rdma\""));
	ck_assert_ptr_nonnull(strstr(text, "\"reason\": \"no nvmetd-rdma is running\""));
}
END_TEST

START_TEST(serves_the_other)
{
	scene_connect();
	scene_write(1, 0, 8, 1);
	scene_read_back(1, 0, 8, 1);
	scene_disconnect();
}
END_TEST

START_TEST(saves_the_port_as_it_was)
{
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "save", (char *)NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"trtype\": \"rdma\""));
	ck_assert_ptr_nonnull(strstr(text, "\"max_queue_size\": \"-1\""));
}
END_TEST

/* ------------------------------------------------------------------ with it */

START_TEST(is_told_of_its_own_ports_alone)
{
	const Nvmetd__TransportView *view;

	imitation_open(&rdma);
	view = rdma.view->transport_view;
	ck_assert_uint_eq(view->n_listeners, 1);
	ck_assert_uint_eq(view->listeners[0]->port_id, RDMA_PORT);
	ck_assert_uint_eq(view->listeners[0]->in_capsule_bytes, 4096);
	ck_assert_uint_eq(view->listeners[0]->max_queue_size, 128);
	ck_assert_uint_eq(view->n_subsystems, 2);
	ck_assert_uint_eq(view->n_workers, 1);
	imitation_close(&rdma);
}
END_TEST

START_TEST(listens_when_it_says_so)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	imitation_open(&rdma);
	do
		get_status(NULL);
	while (strstr(text, "not listening") && clock_now_ns() < deadline_ns);
	ck_assert_ptr_null(strstr(text, "not listening"));
	imitation_close(&rdma);
}
END_TEST

START_TEST(tells_its_hosts_of_its_wire)
{
	struct nvme_identify_controller page;

	imitation_open(&rdma);
	identify(imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN), NVME_CNS_CONTROLLER, 0, &page);
	ck_assert_uint_eq(le32_get(page.sgls), 0x100005);
	ck_assert_uint_eq(page.msdbd, 16);
	ck_assert_uint_eq(le32_get(page.ioccsz), (64 + 4096) / 16);
	ck_assert_uint_eq(le16_get(page.icdoff), 0);
	ck_assert_uint_eq(le16_get(page.maxcmd), 128);
	imitation_close(&rdma);
}
END_TEST

START_TEST(leaves_hosts_of_tcp_with_theirs)
{
	struct nvme_identify_controller page;

	imitation_open(&rdma);
	scene_connect();
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, &page));
	ck_assert_uint_eq(le32_get(page.sgls), 0x100001);
	ck_assert_uint_eq(page.msdbd, 1);
	ck_assert_uint_eq(le16_get(page.maxcmd), 1024);
	scene_disconnect();
	imitation_close(&rdma);
}
END_TEST

START_TEST(gives_no_number_of_a_controller_twice)
{
	struct imitation_controller first, second;

	imitation_open(&rdma);
	first = imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN);
	scene_connect();
	second = imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN);
	ck_assert_uint_eq(first.subsystem, second.subsystem);
	ck_assert_uint_ne(first.cntlid, scene.controller.cntlid);
	ck_assert_uint_ne(second.cntlid, scene.controller.cntlid);
	ck_assert_uint_ne(first.cntlid, second.cntlid);
	scene_disconnect();
	imitation_close(&rdma);
	shows("Base 2.1 §3.1.2", "CNTLIDs of a subsystem are disjoint over transports");
}
END_TEST

START_TEST(has_the_same_namespaces_as_the_other)
{
	static uint8_t here[NVME_IDENTIFY_SIZE], there[NVME_IDENTIFY_SIZE];
	static const uint32_t cns[] = {NVME_CNS_NAMESPACE, NVME_CNS_NAMESPACE_DESCRIPTORS};

	imitation_open(&rdma);
	scene_connect();
	for (unsigned i = 0; i < 2; i++) {
		identify(imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN), cns[i], 1, here);
		host_must(&scene.controller, host_identify(&scene.controller, cns[i], 1, 0, there));
		ck_assert_mem_eq(here, there, sizeof(here));
	}
	scene_disconnect();
	imitation_close(&rdma);
	shows("Base 2.1 §2.4.1",
	      "a subsystem on several ports has the same namespaces there (NMIC: shared)");
}
END_TEST

START_TEST(is_found_by_discovery_through_it)
{
	const uint32_t bytes = 3 * sizeof(struct nvme_discovery_entry);
	const struct nvme_command command = {
		.opcode = NVME_ADMIN_GET_LOG_PAGE,
		.cdw10 = le32_of(NVME_LOG_DISCOVERY | (bytes / 4 - 1) << 16)};
	const struct nvme_discovery_entry *entry;

	imitation_open(&rdma);
	entry = (const struct nvme_discovery_entry *)imitation_admin(
		&rdma, imitation_connect(&rdma, RDMA_PORT, NVME_DISCOVERY_NQN), &command, bytes);
	ck_assert_str_eq(entry[2].subnqn, HARNESS_NQN);
	ck_assert_uint_eq(entry[2].trtype, NVME_TRTYPE_RDMA);
	ck_assert_uint_eq(le16_get(entry[2].portid), RDMA_PORT);
	ck_assert_uint_eq(entry[2].tsas[0], NVME_RDMA_QPTYPE_CONNECTED);
	ck_assert_uint_eq(entry[2].tsas[2], NVME_RDMA_CMS_RDMA_CM);
	imitation_close(&rdma);
}
END_TEST

/* As where a host aborts the request while the answer is on its way: it never saw the event. */
START_TEST(is_told_again_of_an_event_whose_request_it_has_cancelled)
{
	const struct nvme_command enable = {.opcode = NVME_ADMIN_SET_FEATURES,
	                                    .cdw10 = le32_of(NVME_FEATURE_ASYNC_EVENT_CONFIG),
	                                    .cdw11 = le32_of(NVME_OAES_NAMESPACE)};
	const struct nvme_command event = {.opcode = NVME_ADMIN_ASYNC_EVENT};
	struct imitation_controller controller;
	uint32_t told;

	imitation_open(&rdma);
	controller = imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN);
	imitation_admin(&rdma, controller, &enable, 0);
	imitation_begin(&rdma, controller, &event);
	scene_add_namespace(3);
	told = imitation_await(&rdma)->result;
	imitation_cancel(&rdma);
	imitation_begin(&rdma, controller, &event);
	ck_assert_uint_eq(imitation_await(&rdma)->result, told);
	ck_assert_uint_eq(told >> 16, NVME_LOG_CHANGED_NAMESPACES);
	imitation_close(&rdma);
	shows("Base 2.1 §5.1.2", "an event whose AER was aborted meanwhile is told to the next");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("second");

	describe_running(suite,
	                 "a set without the transport of a port",
	                 given_a_set,
	                 scene_stop,
	                 says_that_it_is_not_running,
	                 says_so_in_json,
	                 serves_the_other,
	                 saves_the_port_as_it_was);
	describe_running(suite,
	                 "a second transport",
	                 given_a_set,
	                 scene_stop,
	                 is_told_of_its_own_ports_alone,
	                 listens_when_it_says_so,
	                 tells_its_hosts_of_its_wire,
	                 leaves_hosts_of_tcp_with_theirs,
	                 gives_no_number_of_a_controller_twice,
	                 has_the_same_namespaces_as_the_other,
	                 is_found_by_discovery_through_it,
	                 is_told_again_of_an_event_whose_request_it_has_cancelled);
	describe_running(suite,
	                 "nvmetd-rdma",
	                 given_a_set_with_rdma,
	                 scene_stop,
	                 says_why_it_does_not_listen,
	                 is_restarted_as_planned,
	                 dies_unnoticed_by_hosts_of_the_other);
	return harness_run(suite);
}
