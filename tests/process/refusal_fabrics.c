/* SPDX-License-Identifier: BSD-2-Clause */
/* Fabrics commands that cannot be carried out, and admin commands that are wrong whatever they ask
 * for: status, Do Not Retry, and what the Error Information log tells of each. */
#include <stdio.h>
#include <string.h>

#include "tests/process/refused.h"
#include "tests/support/shows.h"

#define WAIT_MS        5000u
#define AT_FUSE        1
#define AT_PSDT        (1 | REFUSED_BIT(6))
#define AT_FCTYPE      4
#define AT_SGL_ADDRESS 24
#define AT_SGL_LENGTH  32
#define AT_SGL_TYPE    39
#define AT_ATTRIB      40
#define AT_RECFMT      40
#define AT_OFST        44
#define ANY_RESULT     UINT32_MAX /* a CNTLID */

/* What they are answered with. */
enum {
	COMMAND_SEQUENCE = DNR(NVME_SC_COMMAND_SEQUENCE),
	CONNECT_FORMAT = DNR(NVME_SC_CONNECT_FORMAT),
	CONNECT_PARAMETERS = DNR(NVME_SC_CONNECT_INVALID_PARAMETERS),
	INVALID_FIELD = DNR(NVME_SC_INVALID_FIELD),
	INVALID_QUEUE_TYPE = DNR(NVME_SC_INVALID_QUEUE_TYPE),
	SGL_LENGTH = DNR(NVME_SC_SGL_DATA_LENGTH),
	SGL_OFFSET = DNR(NVME_SC_SGL_OFFSET),
	SGL_TYPE = DNR(NVME_SC_SGL_TYPE),
};

static uint8_t data[16384];

static void given_a_set(void)
{
	scene_start(NULL);
}

static void expect_good_queues(void)
{
	scene_expect_ready();
	expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	scene_disconnect();
}

static struct host_request fabrics(uint8_t fctype)
{
	struct host_request request = {.command = {.opcode = NVME_FABRICS}};

	request.command.nsid.b[0] = fctype;
	return request;
}

static struct host_request property(uint8_t fctype, uint8_t attrib, uint32_t offset)
{
	struct host_request request = fabrics(fctype);
	struct nvme_property_command wire;

	memcpy(&wire, &request.command, sizeof(wire));
	wire.attrib = attrib;
	wire.ofst = le32_of(offset);
	memcpy(&request.command, &wire, sizeof(wire));
	return request;
}

static struct host_request get(uint8_t attrib, uint32_t offset)
{
	return property(NVME_FABRICS_PROPERTY_GET, attrib, offset);
}

static struct host_request set(uint8_t attrib, uint32_t offset)
{
	return property(NVME_FABRICS_PROPERTY_SET, attrib, offset);
}

/* Byte 1 as it is given, and a descriptor that is zeroed. */
static struct host_request flagged(struct host_request request, uint8_t flags)
{
	request.command.flags = flags;
	request.keep_sgl = true;
	return request;
}

/* ------------------------------------------------------------------ types, flags */

START_TEST(a_type_that_is_not_there_is_an_invalid_field)
{
	char what[32];

	scene_connect();
	for (unsigned type = 0; type < 256; type++) {
		bool is_ours = type == NVME_FABRICS_PROPERTY_SET || type == NVME_FABRICS_CONNECT ||
		               type == NVME_FABRICS_PROPERTY_GET || type == NVME_FABRICS_DISCONNECT;

		snprintf(what, sizeof(what), "type %02xh", type);
		if (!is_ours)
			refused_admin(what, fabrics((uint8_t)type), INVALID_FIELD, AT_FCTYPE);
	}
	expect_good_queues();
	shows("Base 2.1 §4.1.2",
	      "FCTYPE that is reserved, or of a command that is not there: Invalid Field, DNR, at "
	      "FCTYPE");
	shows("Base 2.1 §6.1",
	      "Authentication Receive (and Send, §6.2): Invalid Field, DNR, at FCTYPE; Connect "
	      "asks for none");
}
END_TEST

START_TEST(commands_of_the_admin_queue_are_an_invalid_field_on_an_io_queue)
{
	scene_connect();
	refused_io("Property Get", get(0, NVME_PROPERTY_CSTS), INVALID_FIELD, AT_FCTYPE, 0);
	refused_io("Property Set", set(0, NVME_PROPERTY_CC), INVALID_FIELD, AT_FCTYPE, 0);
	refused_io("Authentication Send",
	           fabrics(NVME_FABRICS_AUTH_SEND),
	           INVALID_FIELD,
	           AT_FCTYPE,
	           0);
	refused_io("a reserved type", fabrics(0x42), INVALID_FIELD, AT_FCTYPE, 0);
	expect_good_queues();
	shows("Base 2.1 §6", "Property Get or Set on an I/O queue: Invalid Field, DNR, at FCTYPE");
}
END_TEST

START_TEST(byte_1_may_be_what_the_specification_has_or_what_linux_has)
{
	static const uint8_t flags[] = {0x00, 0x40, 0x80};

	scene_connect();
	for (size_t i = 0; i < sizeof(flags); i++) {
		struct host_request request = flagged(get(0, NVME_PROPERTY_VS), flags[i]);

		expect_good(scene_admin(&request));
		ck_assert_uint_eq(le32_get(request.completion.dw0), scene.controller.vs);
	}
	refused_admin("PSDT 11b", flagged(get(0, NVME_PROPERTY_VS), 0xc0), INVALID_FIELD, AT_PSDT);
	refused_admin("FUSE 01b", flagged(get(0, NVME_PROPERTY_VS), 0x41), INVALID_FIELD, AT_FUSE);
	expect_good_queues();
	shows("Base 2.1 §4.1.2",
	      "PSDT of a Fabrics command may be 00b and 10b, and 01b, which Linux sends; 11b, or a "
	      "command that is "
	      "fused: Invalid Field, DNR, at the bit");
}
END_TEST

/* ------------------------------------------------------------------ properties */

START_TEST(a_property_that_is_not_there_is_an_invalid_field)
{
	static const uint32_t offsets[] = {0x01,  0x04,  0x0c,  0x10,   0x15,    0x18,      0x24,
	                                   0x28,  0x30,  0x38,  0x3c,   0x40,    0x44,      0x48,
	                                   0x50,  0x58,  0x5c,  0x60,   0x6c,    0xe00,     0xe04,
	                                   0xe08, 0xe14, 0xe18, 0x1000, 0x10000, 0xfffffffc};
	char what[32];

	scene_connect();
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		snprintf(what, sizeof(what), "offset %xh", offsets[i]);
		refused_admin(what, get(0, offsets[i]), INVALID_FIELD, AT_OFST);
		refused_admin(what, set(0, offsets[i]), INVALID_FIELD, AT_OFST);
	}
	expect_good_queues();
	shows("Base 2.1 §6.5",
	      "Property Get of an offset that is no property of ours: Invalid Field, DNR, at OFST");
	shows("Base 2.1 §6.6",
	      "Property Set of an offset that is no property of ours: Invalid Field, DNR, at OFST");
}
END_TEST

START_TEST(a_property_in_another_size_is_an_invalid_field)
{
	char what[32];

	scene_connect();
	refused_admin("CAP in 4 bytes", get(0, NVME_PROPERTY_CAP), INVALID_FIELD, AT_ATTRIB);
	refused_admin("VS in 8 bytes", get(1, NVME_PROPERTY_VS), INVALID_FIELD, AT_ATTRIB);
	refused_admin("CC in 8 bytes", get(1, NVME_PROPERTY_CC), INVALID_FIELD, AT_ATTRIB);
	refused_admin("CSTS in 8 bytes", get(1, NVME_PROPERTY_CSTS), INVALID_FIELD, AT_ATTRIB);
	refused_admin("CRTO in 8 bytes", get(1, NVME_PROPERTY_CRTO), INVALID_FIELD, AT_ATTRIB);
	refused_admin("CC set in 8 bytes", set(1, NVME_PROPERTY_CC), INVALID_FIELD, AT_ATTRIB);
	for (uint8_t size = 2; size < 8; size++) {
		snprintf(what, sizeof(what), "the reserved size %u", size);
		refused_admin(what, get(size, NVME_PROPERTY_CC), INVALID_FIELD, AT_ATTRIB);
		refused_admin(what, set(size, NVME_PROPERTY_CC), INVALID_FIELD, AT_ATTRIB);
	}
	expect_good_queues();
	shows("Base 2.1 §6.5",
	      "Property Get in another size than the property's: Invalid Field, DNR, at ATTRIB");
	shows("Base 2.1 §6.6",
	      "Property Set in another size than the property's: Invalid Field, DNR, at ATTRIB");
}
END_TEST

START_TEST(a_property_that_is_only_read_cannot_be_set)
{
	scene_connect();
	refused_admin("VS", set(0, NVME_PROPERTY_VS), INVALID_FIELD, AT_OFST);
	refused_admin("CSTS", set(0, NVME_PROPERTY_CSTS), INVALID_FIELD, AT_OFST);
	refused_admin("CRTO", set(0, NVME_PROPERTY_CRTO), INVALID_FIELD, AT_OFST);
	expect_good_queues();
	shows("Base 2.1 §6.6", "Property Set of VS, CSTS or CRTO: Invalid Field, DNR, at OFST");
}
END_TEST

/* ------------------------------------------------------------------ Disconnect */

static struct host_request disconnect(uint16_t recfmt)
{
	struct nvme_disconnect_command wire = {.opcode = NVME_FABRICS,
	                                       .fctype = NVME_FABRICS_DISCONNECT,
	                                       .recfmt = le16_of(recfmt)};
	struct host_request request = {.direction = NVME_TRANSFER_NONE};

	memcpy(&request.command, &wire, sizeof(wire));
	return request;
}

START_TEST(disconnect_is_for_io_queues_in_format_0)
{
	struct host_request request = flagged(disconnect(0), 0);

	scene_connect();
	refused_admin("on the admin queue", disconnect(0), INVALID_QUEUE_TYPE, REFUSED_NOWHERE);
	refused_io("in another format", disconnect(1), CONNECT_FORMAT, AT_RECFMT, 0);
	expect_good(scene_execute(&request));
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, WAIT_MS));
	scene_expect_ready();
	scene_disconnect();
	shows("Base 2.1 §6.4",
	      "Disconnect on the admin queue: Invalid Queue Type, DNR; with another RECFMT: "
	      "Incompatible Format, DNR, at "
	      "RECFMT; on an I/O queue that queue's connection ends after the answer, and the "
	      "association lives on");
}
END_TEST

/* ------------------------------------------------------------------ Connect */

static struct host_request connect_again(struct nvme_connect_data *bytes)
{
	struct host_connect connect = {.entries = 32,
	                               .cntlid = NVME_CNTLID_DYNAMIC,
	                               .subnqn = scene.options.subnqn,
	                               .hostnqn = scene.options.hostnqn};
	struct nvme_connect_command command;

	host_connect_fill(&connect, &command, bytes);
	return host_connect_request(&command, bytes);
}

START_TEST(a_second_connect_is_out_of_sequence_but_not_in_the_log)
{
	struct nvme_connect_data bytes;
	struct host_request request;
	uint64_t count;

	scene_connect();
	count = refused_count();
	request = connect_again(&bytes);
	expect_status(scene_admin(&request), COMMAND_SEQUENCE);
	ck_assert(!request.has_more);
	request = connect_again(&bytes);
	expect_status(scene_execute(&request), COMMAND_SEQUENCE);
	ck_assert_uint_eq(refused_count(), count);
	expect_good_queues();
	shows("Base 2.1 §6.3",
	      "a Connect on a queue that is connected: Command Sequence Error, DNR; a Connect that "
	      "fails is never in the "
	      "Error Information log");
}
END_TEST

/* A Connect of the admin queue, on a connection of its own. */
static void refuse_connect(uint8_t flags, struct nvme_sgl sgl, uint32_t length, unsigned status,
                           uint32_t result)
{
	static struct host_queue queue;
	struct nvme_connect_data *bytes = (struct nvme_connect_data *)data;
	struct host_request request;
	int r;

	queue = HOST_QUEUE_NULL;
	queue_must(
		&queue,
		host_queue_open(&queue, &scene.options.address, &scene.options.wishes, 8, WAIT_MS));
	memset(data, 0, sizeof(data));
	request = connect_again(bytes);
	request.keep_sgl = true;
	request.command.flags = flags;
	request.command.sgl = sgl;
	request.length = length;
	r = host_queue_execute(&queue, &request, WAIT_MS);
	if (r != HOST_E_STATUS)
		queue_must(&queue, r);
	expect_status(request.status, status);
	if (result != ANY_RESULT)
		ck_assert_uint_eq(le32_get(request.completion.dw0), result);
	host_queue_close(&queue);
}

static struct nvme_sgl in_capsule(uint32_t length, uint64_t offset)
{
	return (struct nvme_sgl){
		.address = le64_of(offset), .length = le32_of(length), .type = 0x01};
}

START_TEST(a_connect_that_is_fused_has_invalid_parameters)
{
	scene_connect();
	refuse_connect(0x41, in_capsule(1024, 0), 1024, CONNECT_PARAMETERS, 1);
	refuse_connect(0xc0, in_capsule(1024, 0), 1024, CONNECT_PARAMETERS, 1);
	refuse_connect(0x00, in_capsule(1024, 0), 1024, 0, ANY_RESULT);
	expect_good_queues();
	shows("Base 2.1 §6.3",
	      "a Connect is never answered with Invalid Field: where FUSE or PSDT is wrong it is "
	      "Connect Invalid Parameters, "
	      "DNR, dword 0 says byte 1 of the command");
}
END_TEST

START_TEST(a_connect_has_1024_bytes_of_data)
{
	struct nvme_sgl keyed = {.length = le32_of(1024), .type = 0x40};

	scene_connect();
	refuse_connect(0x40, in_capsule(1023, 0), 1023, SGL_LENGTH, 0);
	refuse_connect(0x40, in_capsule(1028, 0), 1028, SGL_LENGTH, 0);
	refuse_connect(0x40, in_capsule(1024, 4), 1024, SGL_OFFSET, 0);
	refuse_connect(0x40, in_capsule(1024, 0), 2048, SGL_LENGTH, 0);
	refuse_connect(0x40, keyed, 1024, SGL_TYPE, 0);
	expect_good_queues();
	shows("Base 2.1 §6.3",
	      "a Connect with more or less than 1024 bytes of data: Data SGL Length Invalid, DNR");
}
END_TEST

/* ------------------------------------------------------------------ any admin command */

static struct host_request identify(uint8_t type, uint64_t address, uint32_t length)
{
	return (struct host_request){
		.command = {.opcode = NVME_ADMIN_IDENTIFY,
	                    .flags = 0x40,
	                    .cdw10 = le32_of(NVME_CNS_CONTROLLER),
	                    .sgl = {.address = le64_of(address),
	                            .length = le32_of(length),
	                            .type = type}},
		.direction = type == 0x01 ? NVME_TRANSFER_TO_CONTROLLER : NVME_TRANSFER_TO_HOST,
		.data = data,
		.length = length,
		.keep_sgl = true,
	};
}

START_TEST(an_admin_commands_data_has_the_commands_length)
{
	struct host_request keep_alive = {.command = {.opcode = NVME_ADMIN_KEEP_ALIVE},
	                                  .direction = NVME_TRANSFER_TO_HOST,
	                                  .data = data,
	                                  .length = 512};
	struct host_request get_property = get(0, NVME_PROPERTY_CC);

	scene_connect();
	get_property.length = 8;
	refused_admin("Identify of less", identify(0x5a, 0, 4092), SGL_LENGTH, AT_SGL_LENGTH);
	refused_admin("Identify of more", identify(0x5a, 0, 8192), SGL_LENGTH, AT_SGL_LENGTH);
	refused_admin("Identify of nothing", identify(0x5a, 0, 0), SGL_LENGTH, AT_SGL_LENGTH);
	refused_admin("Keep Alive with data", keep_alive, SGL_LENGTH, AT_SGL_LENGTH);
	refused_admin("Property Get with data", get_property, SGL_LENGTH, AT_SGL_LENGTH);
	refused_admin(
		"Identify in the capsule", identify(0x01, 0, 4096), INVALID_FIELD, AT_SGL_TYPE);
	refused_admin("Identify by keys", identify(0x40, 0, 4096), SGL_TYPE, AT_SGL_TYPE);
	expect_good_queues();
	shows("Base 2.1 §4.3.2",
	      "an admin or Fabrics command whose SGL has another length than its data: Data SGL "
	      "Length Invalid, DNR, at "
	      "the descriptor's length");
}
END_TEST

START_TEST(an_admin_command_that_is_fused_is_an_invalid_field)
{
	struct host_request request = identify(0x5a, 0, 4096);

	scene_connect();
	request.command.flags = 0x41;
	refused_admin("fused", request, INVALID_FIELD, AT_FUSE);
	request.command.flags = 0x00;
	refused_admin("PRPs", request, INVALID_FIELD, AT_PSDT);
	request.command.flags = 0x80;
	refused_admin("metadata in an SGL", request, INVALID_FIELD, AT_PSDT);
	expect_good_queues();
	shows("Base 2.1 §4.1.1",
	      "an admin command that is fused, or without PSDT 01b: Invalid Field, DNR, at the "
	      "bit");
}
END_TEST

START_TEST(an_admin_command_before_the_controller_is_enabled_is_out_of_sequence)
{
	static struct host_controller controller;
	struct host_request request = identify(0x5a, 0, 4096);

	controller = HOST_CONTROLLER_NULL;
	scene_connect();
	host_must(&controller, host_controller_connect(&controller, &scene.options));
	ck_assert_int_eq(host_admin(&controller, &request), HOST_E_STATUS);
	expect_status(request.status, COMMAND_SEQUENCE);
	host_controller_close(&controller);
	expect_good_queues();
	shows("Base 2.1 §3.5.2",
	      "an admin command while CC.EN is 0: Command Sequence Error, DNR; Fabrics commands "
	      "are carried out");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal of fabrics commands");

	describe_running(suite,
	                 "a fabrics command",
	                 given_a_set,
	                 scene_stop,
	                 a_type_that_is_not_there_is_an_invalid_field,
	                 commands_of_the_admin_queue_are_an_invalid_field_on_an_io_queue,
	                 byte_1_may_be_what_the_specification_has_or_what_linux_has,
	                 a_property_that_is_not_there_is_an_invalid_field,
	                 a_property_in_another_size_is_an_invalid_field,
	                 a_property_that_is_only_read_cannot_be_set,
	                 disconnect_is_for_io_queues_in_format_0,
	                 a_second_connect_is_out_of_sequence_but_not_in_the_log,
	                 a_connect_that_is_fused_has_invalid_parameters,
	                 a_connect_has_1024_bytes_of_data);
	describe_running(suite,
	                 "an admin command",
	                 given_a_set,
	                 scene_stop,
	                 an_admin_commands_data_has_the_commands_length,
	                 an_admin_command_that_is_fused_is_an_invalid_field,
	                 an_admin_command_before_the_controller_is_enabled_is_out_of_sequence);
	return harness_run(suite);
}
