/* SPDX-License-Identifier: BSD-2-Clause */
/* A set that was started serves what its configuration says, where it says. */
#include <string.h>

#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define UUID       "6f0c2c52-3f7e-4b3a-9a44-00000000abcd"
#define UUID_BYTES "\x6f\x0c\x2c\x52\x3f\x7e\x4b\x3a\x9a\x44\x00\x00\x00\x00\xab\xcd"

static struct harness_exports several(void)
{
	return (struct harness_exports){
		.ports = {{.traddr = "127.0.0.1"},
	                  {.traddr = "::1"},
	                  {.traddr = "0.0.0.0"},
	                  {.traddr = "::"}},
		.subsystems = {{.nqn = HARNESS_NQN,
	                        .serial = "SERIAL-OF-A-TEST",
	                        .namespaces = {{.nsid = 1,
	                                        .path = "disk",
	                                        .create_bytes = 64 << 20,
	                                        .uuid = UUID},
	                                       {.nsid = 2, .path = "ram:32M", .block_bytes = 4096},
	                                       {.nsid = 3, .path = "null:1T"},
	                                       {.nsid = 4, .path = "unused", .is_disabled = true}}},
                          {.nqn = HARNESS_NQN ".other",
	                        .namespaces = {{.nsid = 1, .path = "ram:1M"}}}},
	};
}

static void given_several_ports(void)
{
	struct harness_exports exports = several();

	scene_start(&exports);
}

static void expect_service_on(unsigned port)
{
	scene.options = harness_host(scene.harness, port, 0);
	scene_connect();
	scene_write(1, 0, 8, port + 1);
	scene_read_back(1, 0, 8, port + 1);
	scene_disconnect();
}

START_TEST(serves_an_ipv4_address)
{
	expect_service_on(0);
}
END_TEST

START_TEST(serves_an_ipv6_address)
{
	expect_service_on(1);
}
END_TEST

START_TEST(serves_the_ipv4_wildcard)
{
	expect_service_on(2);
}
END_TEST

START_TEST(serves_the_ipv6_wildcard)
{
	expect_service_on(3);
}
END_TEST

START_TEST(shows_a_file_with_its_size)
{
	scene_connect();
	ck_assert_uint_eq(scene.spaces[1].block_bytes, 512);
	ck_assert_uint_eq(scene.spaces[1].blocks, (64 << 20) / 512);
	scene_disconnect();
}
END_TEST

START_TEST(shows_the_uuid_that_was_configured)
{
	scene_connect();
	ck_assert_mem_eq(scene.spaces[1].uuid, UUID_BYTES, 16);
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.3",
	      "CNS 03h: a namespace's UUID is as configured, and stays what it was made");
}
END_TEST

START_TEST(gives_each_namespace_a_uuid_of_its_own)
{
	static const uint8_t none[16];

	scene_connect();
	ck_assert_mem_ne(scene.spaces[2].uuid, none, 16);
	ck_assert_mem_ne(scene.spaces[2].uuid, scene.spaces[3].uuid, 16);
	scene_disconnect();
}
END_TEST

START_TEST(shows_ram_in_blocks_of_4096)
{
	scene_connect();
	ck_assert_uint_eq(scene.spaces[2].block_bytes, 4096);
	ck_assert_uint_eq(scene.spaces[2].blocks, (32 << 20) / 4096);
	scene_disconnect();
}
END_TEST

START_TEST(shows_a_null_namespace_of_a_tebibyte)
{
	scene_connect();
	ck_assert_uint_eq(scene.spaces[3].blocks * scene.spaces[3].block_bytes, UINT64_C(1) << 40);
	scene_disconnect();
}
END_TEST

START_TEST(lists_the_namespaces_that_are_enabled)
{
	struct le32 list[1024];

	scene_connect();
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_ACTIVE_NAMESPACES, 0, 0, list));
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(le32_get(list[i]), i + 1);
	ck_assert_uint_eq(le32_get(list[3]), 0);
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.2", "CNS 02h: the NSIDs of active namespaces, ascending");
}
END_TEST

START_TEST(says_its_serial_number)
{
	scene_connect();
	ck_assert_str_eq(scene.controller.identity.serial, "SERIAL-OF-A-TEST");
	ck_assert_str_eq(scene.controller.identity.subnqn, HARNESS_NQN);
	scene_disconnect();
}
END_TEST

START_TEST(says_what_linux_needs_to_use_it)
{
	const struct host_identity *identity = &scene.controller.identity;

	scene_connect();
	ck_assert_uint_eq(identity->transfer_max, 1 << 20);
	ck_assert_uint_eq(identity->in_capsule_bytes, 16384);
	ck_assert_uint_gt(identity->kas_100ms, 0);
	ck_assert_uint_gt(identity->maxcmd, 0);
	ck_assert_uint_eq(identity->vwc & 1, 1);
	ck_assert_uint_eq(identity->type, 1);
	ck_assert_uint_ne(identity->ctratt & 1u << 6, 0); /* TBKAS */
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.1",
	      "Identify Controller: MDTS 1 MiB, IOCCSZ of the port, KAS, MAXCMD, VWC, CNTRLTYPE, "
	      "CTRATT.TBKAS");
}
END_TEST

START_TEST(serves_a_second_subsystem_beside_it)
{
	struct host_controller other = HOST_CONTROLLER_NULL;
	struct host_options options = harness_host(scene.harness, 0, 1);
	struct host_namespace space;

	harness_connect_as(&options, &other);
	host_must(&other, host_namespace_identify(&other, 1, &space));
	ck_assert_uint_eq(space.blocks * space.block_bytes, 1 << 20);
	host_controller_close(&other);
}
END_TEST

START_TEST(gives_each_controller_a_number_of_its_own)
{
	struct host_controller other = HOST_CONTROLLER_NULL;

	scene_connect();
	harness_connect_as(&scene.options, &other);
	ck_assert_uint_ne(other.cntlid, scene.controller.cntlid);
	host_controller_close(&other);
	scene_disconnect();
	shows("Base 2.1 §3.1.2", "controllers of a subsystem have different CNTLIDs");
}
END_TEST

START_TEST(lets_a_host_come_again_after_a_shutdown)
{
	for (unsigned i = 0; i < 5; i++) {
		scene_connect();
		scene_write(1, i, 1, i);
		host_must(&scene.controller, host_controller_shutdown(&scene.controller));
		scene_disconnect();
	}
	scene_connect();
	scene_read_back(1, 4, 1, 4);
	scene_disconnect();
}
END_TEST

START_TEST(lets_a_host_disconnect_an_io_queue)
{
	scene_connect();
	queue_must(&scene.queue, host_disconnect(&scene.queue, 5000));
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, 5000));
	scene_expect_ready();
	scene_disconnect();
	shows("Base 2.1 §3.3.2.4",
	      "an I/O queue can be deleted alone (Disconnect), and OFCS says so");
}
END_TEST

START_TEST(lets_no_host_disconnect_the_admin_queue)
{
	uint8_t page[NVME_IDENTIFY_SIZE];

	scene_connect();
	ck_assert_int_eq(host_disconnect(&scene.controller.admin, 5000), HOST_E_STATUS);
	scene_expect_ready();
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page));
	ck_assert_uint_eq(page[1804], 1); /* OFCS: Disconnect, of an I/O queue, is there */
	scene_disconnect();
}
END_TEST

START_TEST(grants_as_many_io_queues_as_are_asked_for)
{
	struct host_queue queues[8];
	uint16_t granted;

	harness_connect_as(&scene.options, &scene.controller);
	host_must(&scene.controller, host_controller_queues(&scene.controller, 8, &granted));
	ck_assert_uint_ge(granted, 8);
	for (uint16_t i = 0; i < 8; i++)
		host_must(&scene.controller,
		          host_controller_open_queue(
				  &scene.controller, &queues[i], (uint16_t)(i + 1), 32, 8));
	for (unsigned i = 0; i < 8; i++)
		host_queue_close(&queues[i]);
	host_controller_close(&scene.controller);
	shows("Base 2.1 §5.1.25.2.1",
	      "Number of Queues grants pairs, as many as asked for, up to attr_qid_max");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("serve");

	describe_running(suite,
	                 "a set with several ports",
	                 given_several_ports,
	                 scene_stop,
	                 serves_an_ipv4_address,
	                 serves_an_ipv6_address,
	                 serves_the_ipv4_wildcard,
	                 serves_the_ipv6_wildcard,
	                 shows_a_file_with_its_size,
	                 shows_the_uuid_that_was_configured,
	                 gives_each_namespace_a_uuid_of_its_own,
	                 shows_ram_in_blocks_of_4096,
	                 shows_a_null_namespace_of_a_tebibyte,
	                 lists_the_namespaces_that_are_enabled,
	                 says_its_serial_number,
	                 says_what_linux_needs_to_use_it,
	                 serves_a_second_subsystem_beside_it,
	                 gives_each_controller_a_number_of_its_own,
	                 lets_a_host_come_again_after_a_shutdown,
	                 lets_a_host_disconnect_an_io_queue,
	                 lets_no_host_disconnect_the_admin_queue,
	                 grants_as_many_io_queues_as_are_asked_for);
	return harness_run(suite);
}
