/* SPDX-License-Identifier: BSD-2-Clause */
/* What a configuration file may say: one case for each rule, with the line and the place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "services/state/config.h"
#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define H1 "nqn.2014-08.org.nvmexpress:uuid:11111111-1111-4111-8111-111111111111"

/* ------------------------------------------------------------------ hosts */

REFUSES(refuses_a_host_without_nqn, "{\"hosts\": [{}]}", "f:1: hosts[0]: has no \"nqn\"")
REFUSES(refuses_an_empty_nqn, "{\"hosts\": [{\"nqn\": \"\"}]}", "f:1: hosts[0].nqn: is empty")
REFUSES(refuses_an_nqn_with_a_blank, "{\"hosts\": [{\"nqn\": \"nqn.a b\"}]}",
        "f:1: hosts[0].nqn: holds a blank, a control character or a \"/\"")
REFUSES(refuses_an_nqn_that_is_no_text, "{\"hosts\": [{\"nqn\": {}}]}",
        "f:1: hosts[0].nqn: is no text")
REFUSES(refuses_a_host_twice, "{\"hosts\": [{\"nqn\": \"nqn.a\"},\n{\"nqn\": \"nqn.a\"}]}",
        "f:2: hosts[1].nqn: is that of hosts[0] too")
REFUSES(refuses_a_key_as_there_is_no_authentication,
        "{\"hosts\": [{\"nqn\": \"nqn.a\", \"dhchap\": {\"key\": \"DHHC-1:00:x:\"}}]}",
        "f:1: hosts[0].dhchap.key: authentication is not supported yet")

/* To export without the key that was meant would be worse. */
REFUSES(refuses_a_key_that_is_no_text,
        "{\"hosts\": [{\"nqn\": \"nqn.a\", \"dhchap\": {\"key\": [\"DHHC-1:00:x:\"]}}]}",
        "f:1: hosts[0].dhchap.key: is no text")

START_TEST(refuses_an_nqn_of_224_bytes)
{
	char text[400] = "{\"hosts\": [{\"nqn\": \"nqn.";

	memset(text + strlen(text), 'x', 220);
	strcat(text, "\"}]}");
	expect_refused(text, "f:1: hosts[0].nqn: is longer than 223 bytes");
}
END_TEST

START_TEST(takes_an_nqn_of_223_bytes)
{
	char text[400] = "{\"hosts\": [{\"nqn\": \"nqn.";

	memset(text + strlen(text), 'x', 219);
	strcat(text, "\"}]}");
	expect_good(text);
	ck_assert_uint_eq(strlen(config.hosts[0].nqn), 223);
}
END_TEST

START_TEST(warns_of_a_name_without_nqn_in_front)
{
	expect_good("{\"hosts\": [{\"nqn\": \"blktests-host\"}]}");
	ck_assert_uint_eq(report.warnings.count, 1);
}
END_TEST

START_TEST(takes_a_host_without_a_key)
{
	expect_good("{\"hosts\": [{\"nqn\": \"nqn.a\", \"dhchap\": {\"key\": \"\", \"hash\": "
	            "\"hmac(sha256)\"}}]}");
}
END_TEST

/* ------------------------------------------------------------------ ports */

#define SUB_A   "\"subsystems\": [{\"nqn\": \"nqn.a\"}]"
#define PORT(p) "{\"ports\": [\n{" p "}], " SUB_A "}"
#define ADDR(a) PORT("\"portid\": 1, \"addr\": {" a "}")

REFUSES(refuses_a_port_without_number, PORT("\"subsystems\": []"),
        "f:2: ports[0]: has no \"portid\"")
REFUSES(refuses_a_port_number_above_65535, PORT("\"portid\": 65536"),
        "f:2: ports[0].portid: is 65536, and may be 0 to 65535")
REFUSES(refuses_a_port_number_in_letters, PORT("\"portid\": \"one\""),
        "f:2: ports[0].portid: is no number, and may be 0 to 65535")
REFUSES(refuses_a_port_number_twice, PORT("\"portid\": 1}, {\"portid\": \"1\""),
        "f:2: ports[1].portid: is that of ports[0] too")
REFUSES(refuses_fibre_channel_for_now, ADDR("\"trtype\": \"fc\""),
        "f:2: ports[0].addr.trtype: \"fc\" is not supported yet")
REFUSES(refuses_an_unknown_transport, ADDR("\"trtype\": \"avian\""),
        "f:2: ports[0].addr.trtype: is not known; may be \"tcp\" or \"rdma\"")
REFUSES(refuses_an_unknown_address_family, ADDR("\"adrfam\": \"ib\""),
        "f:2: ports[0].addr.adrfam: may be \"ipv4\" or \"ipv6\"")
REFUSES(refuses_an_address_that_is_none, ADDR("\"adrfam\": \"ipv4\", \"traddr\": \"10.0.0.256\""),
        "f:2: ports[0].addr.traddr: is no address of ipv4, as adrfam has it")
REFUSES(refuses_an_address_of_the_other_family,
        ADDR("\"adrfam\": \"ipv6\", \"traddr\": \"10.0.0.1\""),
        "f:2: ports[0].addr.traddr: is no address of ipv6, as adrfam has it")
REFUSES(refuses_service_0, ADDR("\"trsvcid\": \"0\""),
        "f:2: ports[0].addr.trsvcid: is no number of a port, 1 to 65535")
REFUSES(refuses_service_65536, ADDR("\"trsvcid\": 65536"),
        "f:2: ports[0].addr.trsvcid: is no number of a port, 1 to 65535")
REFUSES(refuses_a_secure_channel_for_now, ADDR("\"treq\": \"required\""),
        "f:2: ports[0].addr.treq: a secure channel is not supported yet")
REFUSES(refuses_an_unknown_treq, ADDR("\"treq\": \"maybe\""),
        "f:2: ports[0].addr.treq: may be \"not specified\", \"required\" or \"not required\"")
REFUSES(refuses_tls_for_now, ADDR("\"tsas\": \"tls1.3\""),
        "f:2: ports[0].addr.tsas: TLS is not supported yet")
REFUSES(refuses_a_listener_without_service,
        PORT("\"portid\": 1, \"subsystems\": [\"nqn.a\"], \"addr\": {\"trtype\": \"tcp\", "
             "\"traddr\": \"::1\"}"),
        "f:2: ports[0].addr.trsvcid: must be given, as the port has subsystems")
REFUSES(refuses_a_link_to_no_subsystem,
        PORT("\"portid\": 1, \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"::1\", \"trsvcid\": "
             "\"1\"}, \"subsystems\": [\"nqn.a\",\n\"nqn.b\"]"),
        "f:3: ports[0].subsystems[1]: there is no such subsystem: unlink it, or create it")
REFUSES(refuses_a_link_twice,
        PORT("\"portid\": 1, \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"::1\", \"trsvcid\": "
             "\"1\"}, \"subsystems\": [\"nqn.a\", \"nqn.a\"]"),
        "f:2: ports[0].subsystems[1]: is there twice")
REFUSES(refuses_an_address_twice,
        PORT("\"portid\": 1, \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"::1\", \"trsvcid\": "
             "\"1\"}, \"subsystems\": [\"nqn.a\"]}, {\"portid\": 2,\n\"addr\": {\"trtype\": "
             "\"tcp\", \"traddr\": \"::1\", \"trsvcid\": \"1\"}, \"subsystems\": [\"nqn.a\"]"),
        "f:3: ports[1].addr: is the address of ports[0] too")
REFUSES(refuses_an_unknown_ana_state,
        PORT("\"portid\": 1, \"ana_groups\": [{\"grpid\": 1, \"ana\": {\"state\": \"fine\"}}]"),
        "f:2: ports[0].ana_groups[0].ana.state: may be optimized, non-optimized, inaccessible, "
        "persistent-loss or change")
REFUSES(refuses_ana_group_129, PORT("\"portid\": 1, \"ana_groups\": [{\"grpid\": 129}]"),
        "f:2: ports[0].ana_groups[0].grpid: is 129, and may be 1 to 128")
REFUSES(refuses_an_ana_group_twice,
        PORT("\"portid\": 1, \"ana_groups\": [{\"grpid\": 2}, {\"grpid\": 2}]"),
        "f:2: ports[0].ana_groups[1]: group 2 is there twice")
REFUSES(refuses_a_queue_of_8, PORT("\"portid\": 1, \"param\": {\"max_queue_size\": \"8\"}"),
        "f:2: ports[0].param.max_queue_size: may be -1, or 16 to 1024")
REFUSES(refuses_in_capsule_data_above_1_mib,
        PORT("\"portid\": 1, \"param\": {\"inline_data_size\": 1048577}"),
        "f:2: ports[0].param.inline_data_size: is 1048577, and may be -1 to 1048576")
REFUSES(refuses_a_referral_without_name, PORT("\"portid\": 1, \"referrals\": [{}]"),
        "f:2: ports[0].referrals[0]: has no \"name\"")
REFUSES(refuses_a_referral_twice,
        PORT("\"portid\": 1, \"referrals\": [{\"name\": \"a\"}, {\"name\": \"a\"}]"),
        "f:2: ports[0].referrals[1].name: is there twice")
REFUSES(refuses_a_referral_to_nowhere,
        PORT("\"portid\": 1, \"referrals\": [{\"name\": \"a\", \"enable\": 1, \"addr\": "
             "{\"adrfam\": \"ipv4\", \"traddr\": \"192.0.2.1\", \"trsvcid\": \"8009\"}}]"),
        "f:2: ports[0].referrals[0].addr.trtype: may be tcp, rdma, fc or loop")

START_TEST(a_port_without_subsystems_needs_no_address)
{
	expect_good(PORT("\"portid\": 0"));
	ck_assert_uint_eq(config.ports[0].n_groups, 1);
	ck_assert_int_eq(config_ana_state(&config.ports[0], 1), NVME_ANA_OPTIMIZED);
	ck_assert_int_eq(config_ana_state(&config.ports[0], 2), NVME_ANA_INACCESSIBLE);
}
END_TEST

START_TEST(an_address_tells_its_family)
{
	expect_good(ADDR("\"traddr\": \"fe80::1%lo\""));
	ck_assert_str_eq(config.ports[0].address.adrfam, "ipv6");
}
END_TEST

START_TEST(parameters_of_minus_one_are_the_defaults)
{
	expect_good(PORT("\"portid\": 1, \"param\": {\"inline_data_size\": \"-1\", "
	                 "\"max_queue_size\": \"-1\", \"mdts\": \"-1\"}"));
	ck_assert_uint_eq(config_in_capsule_bytes(&config.ports[0]), 16384);
	ck_assert_uint_eq(config_queue_size(&config.ports[0]), 1024);
	ck_assert_uint_eq(config_mdts(&config.ports[0]), 8);
}
END_TEST

START_TEST(a_greater_mdts_is_cut)
{
	expect_good(PORT("\"portid\": 1, \"param\": {\"mdts\": \"0\"}}, {\"portid\": 2, \"param\": "
	                 "{\"mdts\": 5}"));
	ck_assert_uint_eq(config_mdts(&config.ports[0]), 8);
	ck_assert_uint_eq(config_mdts(&config.ports[1]), 5);
}
END_TEST

/* ------------------------------------------------------------------ subsystems */

#define SUB(s)                                                                                     \
	"{\"hosts\": [{\"nqn\": \"nqn.h\"}], \"subsystems\": [\n{\"nqn\": \"nqn.a\", " s "}]}"
#define ATTR(a) SUB("\"attr\": {" a "}")
#define AT      "f:2: subsystems[0]."

REFUSES(refuses_a_subsystem_twice, SUB("\"attr\": {}},\n{\"nqn\": \"nqn.a\""),
        "f:3: subsystems[1].nqn: is that of subsystems[0] too")
START_TEST(finds_each_subsystem_by_its_name)
{
	static const char *const names[] = {"nqn.m", "nqn.z", "nqn.a", "nqn.ma", "nqn.b"};

	expect_good("{\"subsystems\": [{\"nqn\": \"nqn.m\"}, {\"nqn\": \"nqn.z\"},"
	            " {\"nqn\": \"nqn.a\"}, {\"nqn\": \"nqn.ma\"}, {\"nqn\": \"nqn.b\"}]}");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_ptr_eq(config_find_subsystem(&config, names[i]), &config.subsystems[i]);
	ck_assert_ptr_null(config_find_subsystem(&config, "nqn.mb"));
}
END_TEST

START_TEST(links_ports_to_their_subsystems)
{
	expect_good("{\"subsystems\": [{\"nqn\": \"nqn.b\"}, {\"nqn\": \"nqn.a\"}], \"ports\": ["
	            "{\"portid\": 1}, {\"portid\": 2, \"subsystems\": [\"nqn.a\", \"nqn.b\"],"
	            " \"addr\": {\"trtype\": \"tcp\", \"traddr\": \"127.0.0.1\","
	            " \"trsvcid\": \"4420\"}}]}");
	ck_assert_ptr_eq(config.ports[1].linked[0], &config.subsystems[1]);
	ck_assert_ptr_eq(config.ports[1].linked[1], &config.subsystems[0]);
}
END_TEST

REFUSES(refuses_the_name_of_the_discovery_service,
        "{\"subsystems\": [{\"nqn\": \"nqn.2014-08.org.nvmexpress.discovery\"}]}",
        "f:1: subsystems[0].nqn: is that of the discovery service")
REFUSES(refuses_any_host_beside_listed_ones,
        SUB("\"allowed_hosts\": [\"nqn.h\"], \"attr\": {\"allow_any_host\": \"1\"}"),
        AT "attr.allow_any_host: may not be 1 where there are allowed_hosts: set it to 0, or take "
           "those out")
REFUSES(refuses_a_flag_of_2, ATTR("\"allow_any_host\": \"2\""),
        AT "attr.allow_any_host: is 2, and may be 0 to 1")
REFUSES(refuses_a_host_that_is_not_listed, SUB("\"allowed_hosts\": [\"nqn.x\"]"),
        AT
        "allowed_hosts[0]: there is no such host in \"hosts\": add it there, or take it out here")
REFUSES(refuses_an_allowed_host_twice, SUB("\"allowed_hosts\": [\"nqn.h\", \"nqn.h\"]"),
        AT "allowed_hosts[1]: is there twice")
REFUSES(refuses_a_serial_of_21_bytes, ATTR("\"serial\": \"123456789012345678901\""),
        AT "attr.serial: is longer than 20 bytes")
REFUSES(refuses_a_serial_that_is_not_ascii, ATTR("\"serial\": \"\xc3\xa4\""),
        AT "attr.serial: is not of ASCII characters")
REFUSES(refuses_a_serial_with_a_control_character, ATTR("\"serial\": \"a\\tb\""),
        AT "attr.serial: holds a control character")
REFUSES(refuses_a_model_of_41_bytes,
        ATTR("\"model\": \"12345678901234567890123456789012345678901\""),
        AT "attr.model: is longer than 40 bytes")
REFUSES(refuses_a_firmware_of_9_bytes, ATTR("\"firmware\": \"123456789\""),
        AT "attr.firmware: is longer than 8 bytes")
REFUSES(refuses_an_oui_of_25_bits, ATTR("\"ieee_oui\": \"0x1000000\""),
        AT "attr.ieee_oui: is 16777216, and may be 0 to 16777215")
REFUSES(refuses_a_cntlid_of_0, ATTR("\"cntlid_min\": 0"),
        AT "attr.cntlid_min: is 0, and may be 1 to 65519")
REFUSES(refuses_a_cntlid_of_fff0, ATTR("\"cntlid_max\": 65520"),
        AT "attr.cntlid_max: is 65520, and may be 1 to 65519")
REFUSES(refuses_a_range_of_cntlids_the_wrong_way_round,
        ATTR("\"cntlid_min\": 5, \"cntlid_max\": 4"), AT "attr.cntlid_min: is more than cntlid_max")
REFUSES(refuses_a_qid_max_of_129, ATTR("\"qid_max\": 129"),
        AT "attr.qid_max: is 129, and may be 1 to 128")
REFUSES(refuses_passthrough_that_is_no_object, SUB("\"passthru\": [7]"),
        AT "passthru[0]: is no object")
REFUSES(refuses_passthrough, SUB("\"passthru\": [{\"enable\": 1}]"),
        AT "passthru[0].enable: passthrough is not supported yet")

START_TEST(what_is_not_given_is_as_in_nvmet)
{
	const struct config_subsystem *subsystem;

	expect_good(SUB("\"namespaces\": []"));
	subsystem = &config.subsystems[0];
	ck_assert(!subsystem->allow_any_host);
	ck_assert_uint_eq(subsystem->version, 0x20100);
	ck_assert_uint_eq(subsystem->cntlid_min, 1);
	ck_assert_uint_eq(subsystem->cntlid_max, 65519);
	ck_assert_uint_eq(subsystem->qid_max, 128);
	ck_assert_str_eq(subsystem->serial, "");
}
END_TEST

START_TEST(numbers_are_taken_as_texts_or_as_numbers)
{
	expect_good(ATTR("\"vendor_id\": \"0x1af4\", \"subsys_vendor_id\": 6900, "
	                 "\"allow_any_host\": true, \"version\": \"1.2.1\""));
	ck_assert_uint_eq(config.subsystems[0].vendor_id, 0x1af4);
	ck_assert_uint_eq(config.subsystems[0].subsys_vendor_id, 6900);
	ck_assert_uint_eq(config.subsystems[0].version, 0x10201);
	ck_assert(config.subsystems[0].allow_any_host);
}
END_TEST

/* ------------------------------------------------------------------ namespaces */

#define NS(n)  SUB("\"namespaces\": [\n{" n "}]")
#define DEV(d) NS("\"nsid\": 1, \"enable\": 1, \"device\": {" d "}")
#define NAT    "f:3: subsystems[0].namespaces[0]."

REFUSES(refuses_a_namespace_without_number, NS("\"enable\": 0"),
        "f:3: subsystems[0].namespaces[0]: has no \"nsid\"")
REFUSES(refuses_nsid_0, NS("\"nsid\": 0"), NAT "nsid: is 0, and may be 1 to 1024")
REFUSES(refuses_nsid_1025, NS("\"nsid\": 1025"), NAT "nsid: is 1025, and may be 1 to 1024")
REFUSES(refuses_an_nsid_twice, NS("\"nsid\": 3}, {\"nsid\": 3"),
        "f:3: subsystems[0].namespaces[1].nsid: is that of namespaces[0] too")
REFUSES(refuses_a_uuid_that_is_none, DEV("\"path\": \"/a\", \"uuid\": \"12\""),
        NAT "device.uuid: is no UUID, as 12345678-1234-4234-8234-123456789abc is one")
REFUSES(refuses_an_nguid_of_15_bytes,
        DEV("\"path\": \"/a\", \"nguid\": \"00112233-4455-6677-8899-aabbccddee\""),
        NAT "device.nguid: is not of 16 bytes in hexadecimal")
REFUSES(refuses_an_eui64_of_7_bytes, DEV("\"path\": \"/a\", \"eui64\": \"00112233445566\""),
        NAT "device.eui64: is not of 8 bytes in hexadecimal")
REFUSES(refuses_memory_of_a_pci_device, DEV("\"path\": \"/a\", \"p2pmem\": \"auto\""),
        NAT "device.p2pmem: memory of a PCI device is not supported: data lies in the transports' "
            "own memory, which the devices of RDMA are given")
REFUSES(refuses_a_worker_of_no_name, DEV("\"path\": \"/a\", \"worker\": \"IO 0\""),
        NAT "device.worker: is no name of a worker: a-z, 0-9 and \"-\"")
REFUSES(refuses_an_enabled_namespace_without_path,
        DEV("\"uuid\": \"6f0c2c52-3f7e-4b3a-9a44-000000000001\""),
        NAT "device.path: must be given, as the namespace is enabled")
REFUSES(refuses_a_path_from_here, DEV("\"path\": \"disk\""),
        NAT "device.path: must begin with \"/\", \"ram:\", \"null:\", \"fault:\", \"pi:\" or "
            "\"zoned:\"")
REFUSES(refuses_ram_without_size, DEV("\"path\": \"ram:\""),
        NAT "device.path: the size must be a number and K, M, G, T or P")
REFUSES(refuses_null_of_no_bytes, DEV("\"path\": \"null:0\""),
        NAT "device.path: the size must be a multiple of 4096 bytes, and not 0")
REFUSES(refuses_ram_of_half_a_block, DEV("\"path\": \"ram:5000\""),
        NAT "device.path: the size must be a multiple of 4096 bytes, and not 0")
REFUSES(refuses_null_beyond_64_bits, DEV("\"path\": \"null:99999999P\""),
        NAT "device.path: the size is out of range")
REFUSES(refuses_blocks_of_1024, DEV("\"path\": \"/a\", \"block_size\": 1024"),
        NAT "device.block_size: may be 512 or 4096")
REFUSES(refuses_a_namespace_in_ana_group_0, NS("\"nsid\": 1, \"ana\": {\"grpid\": \"0\"}"),
        NAT "ana.grpid: is 0, and may be 1 to 128")

#define TWO(a, b)                                                                                  \
	"{\"subsystems\": [{\"nqn\": \"nqn.a\", \"namespaces\": [{\"nsid\": 1, \"enable\": 1, "    \
	"\"device\": {" a "}}]},\n{\"nqn\": \"nqn.b\", \"namespaces\": [{\"nsid\": 5, "            \
	"\"enable\": 1, \"device\": {" b "}}]}]}"

REFUSES(refuses_a_uuid_twice,
        TWO("\"path\": \"/a\", \"uuid\": \"6f0c2c52-3f7e-4b3a-9a44-000000000001\"",
            "\"path\": \"/b\", \"uuid\": \"6f0c2c52-3F7E-4b3a-9a44-000000000001\""),
        "f:2: subsystems[1].namespaces[0].device.uuid: is that of subsystems[0].namespaces[0] too")
REFUSES(refuses_a_file_twice, TWO("\"path\": \"/a\"", "\"path\": \"/a\""),
        "f:2: subsystems[1].namespaces[0].device.path: is that of subsystems[0].namespaces[0] too")

START_TEST(two_may_have_ram_of_one_size)
{
	expect_good(TWO("\"path\": \"ram:1G\"", "\"path\": \"ram:1G\""));
}
END_TEST

START_TEST(a_namespace_is_not_enabled_unless_it_says_so)
{
	expect_good(NS("\"nsid\": 1, \"device\": {\"path\": \"(null)\"}"));
	ck_assert(!config.subsystems[0].namespaces[0].enable);
	ck_assert_ptr_null(config.subsystems[0].namespaces[0].path);
	ck_assert_uint_eq(report.warnings.count, 1);
}
END_TEST

START_TEST(the_ana_group_is_taken_from_either_key)
{
	expect_good(
		NS("\"nsid\": 1, \"ana_grpid\": 3}, {\"nsid\": 2, \"ana\": {\"grpid\": \"4\"}"));
	ck_assert_uint_eq(config.subsystems[0].namespaces[0].ana_group, 3);
	ck_assert_uint_eq(config.subsystems[0].namespaces[1].ana_group, 4);
}
END_TEST

REFUSES(refuses_an_io_grant_of_a_file, DEV("\"path\": \"/dev/sda\",\n\"io_grant\": 1"),
        "f:4: subsystems[0].namespaces[0].device.io_grant: may be 1 only where path is \"ram:\" or "
        "\"null:\": a transport that held a file or device would keep its lock from the worker's "
        "successor")
REFUSES(refuses_an_io_grant_of_2, DEV("\"path\": \"ram:1M\", \"io_grant\": 2"),
        "f:3: subsystems[0].namespaces[0].device.io_grant: is 2, and may be 0 to 1")

START_TEST(buffered_io_is_taken_from_either_place)
{
	expect_good(NS("\"nsid\": 1, \"buffered_io\": \"1\"}, {\"nsid\": 2, \"device\": "
	               "{\"buffered_io\": 1}"));
	ck_assert(config.subsystems[0].namespaces[0].buffered_io);
	ck_assert(config.subsystems[0].namespaces[1].buffered_io);
}
END_TEST

START_TEST(an_io_grant_is_taken_for_memory)
{
	expect_good(DEV("\"path\": \"ram:1M\", \"io_grant\": 1"));
	ck_assert(config.subsystems[0].namespaces[0].io_grant);
}
END_TEST

START_TEST(an_io_grant_is_taken_for_nothing)
{
	expect_good(DEV("\"path\": \"null:1M\", \"io_grant\": \"1\""));
	ck_assert(config.subsystems[0].namespaces[0].io_grant);
}
END_TEST

START_TEST(there_is_no_io_grant_if_none_is_asked_for)
{
	expect_good(DEV("\"path\": \"ram:1M\""));
	ck_assert(!config.subsystems[0].namespaces[0].io_grant);
}
END_TEST

START_TEST(an_io_grant_of_0_is_taken_for_a_file)
{
	expect_good(DEV("\"path\": \"/a\", \"io_grant\": 0"));
}
END_TEST

/* ------------------------------------------------------------------ faults */

#define FAULTS(path, faults)                                                                       \
	NS("\"nsid\": 1, \"device\": {\"path\": \"" path "\"},\n\"faults\": " faults)

REFUSES(refuses_faults_of_a_plain_path, FAULTS("ram:1M", "[\"any hang\"]"),
        "f:4: subsystems[0].namespaces[0].faults: may be given only where device.path begins with "
        "\"fault:\", \"pi:fault:\" or \"zoned:fault:\"")
REFUSES(refuses_a_fault_that_is_no_text, FAULTS("fault:ram:1M", "[7]"),
        "f:4: subsystems[0].namespaces[0].faults[0]: is no text")
REFUSES(refuses_faults_that_are_no_array, FAULTS("fault:ram:1M", "\"any hang\""),
        "f:4: subsystems[0].namespaces[0].faults: is no array")
REFUSES(refuses_a_fault_that_is_not_understood,
        FAULTS("fault:ram:1M", "[\"any hang\",\n\"read burn\"]"),
        "f:5: subsystems[0].namespaces[0].faults[1]: \"burn\" is not error=, delay=, short, hang "
        "or "
        "lose")
REFUSES(refuses_seventeen_faults,
        FAULTS("fault:ram:1M", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"),
        "f:4: subsystems[0].namespaces[0].faults: there are 17, and may be 16")
REFUSES(refuses_faults_on_faults, DEV("\"path\": \"fault:fault:ram:1M\""),
        "f:3: subsystems[0].namespaces[0].device.path: must go on with \"/\", \"ram:\" or "
        "\"null:\" after \"fault:\", \"pi:\" or \"pi:fault:\"")
REFUSES(refuses_faults_on_nothing, DEV("\"path\": \"fault:\""),
        "f:3: subsystems[0].namespaces[0].device.path: must go on with \"/\", \"ram:\" or "
        "\"null:\" after \"fault:\", \"pi:\" or \"pi:fault:\"")
REFUSES(refuses_an_io_grant_with_faults, DEV("\"path\": \"fault:ram:1M\", \"io_grant\": 1"),
        "f:3: subsystems[0].namespaces[0].device.io_grant: may not be 1 where path begins with "
        "\"fault:\": a transport that has the memory would pass by the faults")
REFUSES(refuses_a_file_with_and_without_faults,
        NS("\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"/a\"}},\n{\"nsid\": 2, "
           "\"enable\": 1, \"device\": {\"path\": \"fault:/a\"}"),
        "f:4: subsystems[0].namespaces[1].device.path: is that of subsystems[0].namespaces[0] too")

START_TEST(faults_are_taken_in_their_order)
{
	expect_good(FAULTS("fault:/dev/sda", "[\"any delay=1ms\", \"read error=EIO rate=1%\"]"));
	ck_assert_uint_eq(config.subsystems[0].namespaces[0].n_faults, 2);
	ck_assert_str_eq(config.subsystems[0].namespaces[0].faults[0], "any delay=1ms");
	ck_assert_str_eq(config.subsystems[0].namespaces[0].faults[1], "read error=EIO rate=1%");
}
END_TEST

START_TEST(there_may_be_no_faults)
{
	expect_good(FAULTS("fault:null:1M", "[]"));
	ck_assert_uint_eq(config.subsystems[0].namespaces[0].n_faults, 0);
}
END_TEST

START_TEST(a_uuid_of_zeroes_is_none)
{
	expect_good(DEV("\"path\": \"/a\", \"uuid\": \"00000000-0000-0000-0000-000000000000\""));
	ck_assert(!config.subsystems[0].namespaces[0].has_uuid);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");

	log_set_level("err");
	describe(suite,
	         "hosts",
	         NULL,
	         forget_file,
	         refuses_a_host_without_nqn,
	         refuses_an_empty_nqn,
	         refuses_an_nqn_with_a_blank,
	         refuses_an_nqn_that_is_no_text,
	         refuses_a_host_twice,
	         refuses_a_key_as_there_is_no_authentication,
	         refuses_an_nqn_of_224_bytes,
	         takes_an_nqn_of_223_bytes,
	         warns_of_a_name_without_nqn_in_front,
	         takes_a_host_without_a_key,
	         refuses_a_key_that_is_no_text);
	describe(suite,
	         "ports",
	         NULL,
	         forget_file,
	         refuses_a_port_without_number,
	         refuses_a_port_number_above_65535,
	         refuses_a_port_number_in_letters,
	         refuses_a_port_number_twice,
	         refuses_fibre_channel_for_now,
	         refuses_an_unknown_transport,
	         refuses_an_unknown_address_family,
	         refuses_an_address_that_is_none,
	         refuses_an_address_of_the_other_family,
	         refuses_service_0,
	         refuses_service_65536,
	         refuses_a_secure_channel_for_now,
	         refuses_an_unknown_treq,
	         refuses_tls_for_now,
	         refuses_a_listener_without_service,
	         refuses_a_link_to_no_subsystem,
	         refuses_a_link_twice,
	         refuses_an_address_twice,
	         refuses_an_unknown_ana_state,
	         refuses_ana_group_129,
	         refuses_an_ana_group_twice,
	         refuses_a_queue_of_8,
	         refuses_in_capsule_data_above_1_mib,
	         refuses_a_referral_without_name,
	         refuses_a_referral_twice,
	         refuses_a_referral_to_nowhere,
	         a_port_without_subsystems_needs_no_address,
	         an_address_tells_its_family,
	         parameters_of_minus_one_are_the_defaults,
	         a_greater_mdts_is_cut);
	describe(suite,
	         "subsystems",
	         NULL,
	         forget_file,
	         refuses_a_subsystem_twice,
	         refuses_the_name_of_the_discovery_service,
	         finds_each_subsystem_by_its_name,
	         links_ports_to_their_subsystems,
	         refuses_any_host_beside_listed_ones,
	         refuses_a_flag_of_2,
	         refuses_a_host_that_is_not_listed,
	         refuses_an_allowed_host_twice,
	         refuses_a_serial_of_21_bytes,
	         refuses_a_serial_that_is_not_ascii,
	         refuses_a_serial_with_a_control_character,
	         refuses_a_model_of_41_bytes,
	         refuses_a_firmware_of_9_bytes,
	         refuses_an_oui_of_25_bits,
	         refuses_a_cntlid_of_0,
	         refuses_a_cntlid_of_fff0,
	         refuses_a_range_of_cntlids_the_wrong_way_round,
	         refuses_a_qid_max_of_129,
	         refuses_passthrough_that_is_no_object,
	         refuses_passthrough,
	         what_is_not_given_is_as_in_nvmet,
	         numbers_are_taken_as_texts_or_as_numbers);
	describe(suite,
	         "namespaces",
	         NULL,
	         forget_file,
	         refuses_a_namespace_without_number,
	         refuses_nsid_0,
	         refuses_nsid_1025,
	         refuses_an_nsid_twice,
	         refuses_a_uuid_that_is_none,
	         refuses_an_nguid_of_15_bytes,
	         refuses_an_eui64_of_7_bytes,
	         refuses_memory_of_a_pci_device,
	         refuses_a_worker_of_no_name,
	         refuses_an_enabled_namespace_without_path,
	         refuses_a_path_from_here,
	         refuses_ram_without_size,
	         refuses_null_of_no_bytes,
	         refuses_ram_of_half_a_block,
	         refuses_null_beyond_64_bits,
	         refuses_blocks_of_1024,
	         refuses_a_namespace_in_ana_group_0,
	         refuses_a_uuid_twice,
	         refuses_a_file_twice,
	         two_may_have_ram_of_one_size,
	         a_namespace_is_not_enabled_unless_it_says_so,
	         the_ana_group_is_taken_from_either_key,
	         buffered_io_is_taken_from_either_place,
	         refuses_an_io_grant_of_a_file,
	         refuses_an_io_grant_of_2,
	         an_io_grant_is_taken_for_memory,
	         an_io_grant_is_taken_for_nothing,
	         there_is_no_io_grant_if_none_is_asked_for,
	         an_io_grant_of_0_is_taken_for_a_file,
	         a_uuid_of_zeroes_is_none);
	describe(suite,
	         "faults",
	         NULL,
	         forget_file,
	         refuses_faults_of_a_plain_path,
	         refuses_a_fault_that_is_no_text,
	         refuses_faults_that_are_no_array,
	         refuses_a_fault_that_is_not_understood,
	         refuses_seventeen_faults,
	         refuses_faults_on_faults,
	         refuses_faults_on_nothing,
	         refuses_an_io_grant_with_faults,
	         refuses_a_file_with_and_without_faults,
	         faults_are_taken_in_their_order,
	         there_may_be_no_faults);
	return run(suite);
}
