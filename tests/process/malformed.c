/* SPDX-License-Identifier: BSD-2-Clause */
/* A host that breaks the framing is told what was wrong and where (TCP 1.1 §3.6.2.3), and is
 * disconnected; others do not notice. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

#define WAIT_MS 5000u

/* The one that misbehaves. scene's own host is the one that must not notice. */
static struct host_connection villain = {.fd = -1};
static struct host_queue queue = {.connection = {.fd = -1}};
static struct host_controller villains = {.admin = {.connection = {.fd = -1}}};

static void given_a_set(void)
{
	scene_start(NULL);
}

/* ------------------------------------------------------------------ a connection */

static void connect_silent(void)
{
	scene_connect();
	connection_must(&villain,
	                host_connection_open_silent(&villain, &scene.options.address, WAIT_MS));
}

static void connect_initialized(const struct host_wishes *wishes)
{
	scene_connect();
	connection_must(&villain,
	                host_connection_open(&villain, &scene.options.address, wishes, WAIT_MS));
}

static void send_bytes(struct host_connection *connection, const void *bytes, size_t length)
{
	connection_must(connection, host_connection_send(connection, bytes, length, WAIT_MS));
}

static void others_do_not_notice(void)
{
	scene_write(1, 0, 64, 42);
	scene_read_back(1, 0, 64, 42);
	scene_expect_ready();
	scene_disconnect();
}

/* C2HTermReq with these, then the end. */
static void expect_term(struct host_connection *connection, enum tcp_fes fes, uint32_t fei)
{
	int r;

	r = host_connection_await_end(connection, WAIT_MS);
	if (r)
		ck_abort_msg("the connection did not end: %s", connection->error);
	ck_assert_msg(connection->term.received, "the connection ended without C2HTermReq");
	ck_assert_uint_eq(connection->term.fes, fes);
	ck_assert_uint_eq(connection->term.fei, fei);
	host_connection_close(connection);
	host_queue_close(&queue);
	host_controller_close(&villains);
	others_do_not_notice();
}

static struct tcp_icreq icreq(void)
{
	const struct host_wishes none = {0};

	return host_icreq(&none);
}

static void expect_icreq_refused(const struct tcp_icreq *request, enum tcp_fes fes, uint32_t fei)
{
	connect_silent();
	send_bytes(&villain, request, sizeof(*request));
	expect_term(&villain, fes, fei);
}

START_TEST(a_protocol_version_that_is_not_0_is_unsupported)
{
	struct tcp_icreq request = icreq();

	request.pfv = le16_of(1);
	expect_icreq_refused(&request, TCP_FES_UNSUPPORTED_PARAMETER, 8);
}
END_TEST

START_TEST(an_icreq_of_another_plen_is_refused)
{
	struct tcp_icreq request = icreq();

	request.header.plen = le32_of(129);
	expect_icreq_refused(&request, TCP_FES_INVALID_HEADER_FIELD, 4);
}
END_TEST

START_TEST(an_icreq_of_another_hlen_is_refused)
{
	struct tcp_icreq request = icreq();

	request.header.hlen = 72;
	expect_icreq_refused(&request, TCP_FES_INVALID_HEADER_FIELD, 2);
}
END_TEST

START_TEST(an_alignment_that_cannot_be_is_refused)
{
	struct tcp_icreq request = icreq();

	request.hpda = 32;
	expect_icreq_refused(&request, TCP_FES_INVALID_HEADER_FIELD, 10);
}
END_TEST

START_TEST(a_pdu_of_unknown_type_is_refused)
{
	struct tcp_icreq request = icreq();

	request.header.type = 0x0f;
	expect_icreq_refused(&request, TCP_FES_INVALID_HEADER_FIELD, 0);
}
END_TEST

START_TEST(a_capsule_before_icreq_is_out_of_sequence)
{
	struct tcp_capsule_command capsule = {
		.header = {.type = TCP_PDU_CAPSULE_COMMAND, .hlen = 72, .plen = le32_of(72)}
        };

	connect_silent();
	send_bytes(&villain, &capsule, sizeof(capsule));
	expect_term(&villain, TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(a_second_icreq_is_out_of_sequence)
{
	const struct host_wishes none = {0};
	struct tcp_icreq request = icreq();

	connect_initialized(&none);
	send_bytes(&villain, &request, sizeof(request));
	expect_term(&villain, TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(a_pdu_that_only_controllers_send_is_refused)
{
	const struct host_wishes none = {0};
	struct tcp_r2t r2t = {
		.header = {.type = TCP_PDU_R2T, .hlen = 24, .plen = le32_of(24)}
        };

	connect_initialized(&none);
	send_bytes(&villain, &r2t, sizeof(r2t));
	expect_term(&villain, TCP_FES_INVALID_HEADER_FIELD, 0);
}
END_TEST

START_TEST(a_term_request_ends_the_connection_without_an_answer)
{
	const struct host_wishes none = {0};
	struct tcp_term term = {
		.header = {.type = TCP_PDU_H2C_TERM, .hlen = 24, .plen = le32_of(24)},
		.fes = le16_of(TCP_FES_PDU_SEQUENCE),
	};

	connect_initialized(&none);
	send_bytes(&villain, &term, sizeof(term));
	connection_must(&villain, host_connection_await_end(&villain, WAIT_MS));
	ck_assert(!villain.term.received);
	host_connection_close(&villain);
	others_do_not_notice();
}
END_TEST

/* ------------------------------------------------------------------ a queue */

/* An I/O queue of a controller of its own; it is `queue`'s connection that misbehaves then. */
static void connect_queue(bool header_digest, bool data_digest)
{
	uint16_t granted;

	scene.options.wishes.header_digest = header_digest;
	scene.options.wishes.data_digest = data_digest;
	scene_connect();
	harness_connect_as(&scene.options, &villains);
	host_must(&villains, host_controller_queues(&villains, 1, &granted));
	host_must(&villains, host_controller_open_queue(&villains, &queue, 1, 32, 8));
}

static struct tcp_capsule_command write_capsule(uint16_t cid, uint32_t bytes, uint8_t sgl_type)
{
	struct host_request request = host_io(
		&scene.spaces[1], NVME_IO_WRITE, 0, bytes / 512, NULL);
	struct tcp_capsule_command capsule = {
		.header = {.type = TCP_PDU_CAPSULE_COMMAND, .hlen = 72, .plen = le32_of(72)},
		.command = request.command,
	};

	capsule.command.cid = le16_of(cid);
	capsule.command.flags = 0x40;
	capsule.command.sgl = (struct nvme_sgl){.length = le32_of(bytes), .type = sgl_type};
	return capsule;
}

START_TEST(a_capsule_of_another_hlen_is_refused)
{
	struct tcp_capsule_command capsule;

	connect_queue(false, false);
	capsule = write_capsule(1, 512, 0x5a);
	capsule.header.hlen = 24;
	send_bytes(&queue.connection, &capsule, sizeof(capsule));
	expect_term(&queue.connection, TCP_FES_INVALID_HEADER_FIELD, 2);
}
END_TEST

START_TEST(a_capsule_shorter_than_its_header_is_refused)
{
	struct tcp_capsule_command capsule;

	connect_queue(false, false);
	capsule = write_capsule(1, 512, 0x5a);
	capsule.header.plen = le32_of(71);
	send_bytes(&queue.connection, &capsule, sizeof(capsule));
	expect_term(&queue.connection, TCP_FES_INVALID_HEADER_FIELD, 4);
}
END_TEST

START_TEST(a_capsule_of_four_gibibytes_is_refused)
{
	struct tcp_capsule_command capsule;

	connect_queue(false, false);
	capsule = write_capsule(1, 512, 0x01);
	capsule.header.pdo = 72;
	capsule.header.plen = le32_of(UINT32_MAX);
	send_bytes(&queue.connection, &capsule, sizeof(capsule));
	expect_term(&queue.connection, TCP_FES_INVALID_HEADER_FIELD, 4);
}
END_TEST

START_TEST(a_capsule_whose_data_begins_in_its_header_is_refused)
{
	struct tcp_capsule_command capsule;
	uint8_t data[512] = {0};

	connect_queue(false, false);
	capsule = write_capsule(1, 512, 0x01);
	capsule.header.pdo = 8;
	capsule.header.plen = le32_of(72 + 512);
	send_bytes(&queue.connection, &capsule, sizeof(capsule));
	send_bytes(&queue.connection, data, sizeof(data));
	expect_term(&queue.connection, TCP_FES_INVALID_HEADER_FIELD, 3);
}
END_TEST

START_TEST(a_digest_flag_that_was_not_agreed_is_refused)
{
	struct tcp_capsule_command capsule;

	connect_queue(false, false);
	capsule = write_capsule(1, 512, 0x5a);
	capsule.header.flags = TCP_PDU_HDGSTF;
	capsule.header.plen = le32_of(76);
	send_bytes(&queue.connection, &capsule, sizeof(capsule));
	send_bytes(&queue.connection, "\1\2\3\4", 4);
	expect_term(&queue.connection, TCP_FES_INVALID_HEADER_FIELD, 1);
}
END_TEST

START_TEST(a_wrong_header_digest_is_told_with_the_digest_received)
{
	struct tcp_capsule_command capsule;
	const uint32_t wrong = 0x12345678;

	connect_queue(true, false);
	capsule = write_capsule(1, 512, 0x5a);
	capsule.header.flags = TCP_PDU_HDGSTF;
	capsule.header.plen = le32_of(76);
	send_bytes(&queue.connection, &capsule, sizeof(capsule));
	send_bytes(&queue.connection, &wrong, sizeof(wrong));
	expect_term(&queue.connection, TCP_FES_HEADER_DIGEST, wrong);
}
END_TEST

/* ------------------------------------------------------------------ data digests */

static void expect_transient(bool transfer)
{
	struct host_request request;
	uint8_t data[4096];

	connect_queue(false, true);
	scene_fill(data, sizeof(data), 1);
	request = host_io(&scene.spaces[1], NVME_IO_WRITE, 0, 8, data);
	request.transfer = transfer;
	request.spoil_data_digest = true;
	ck_assert_int_eq(host_queue_execute(&queue, &request, WAIT_MS), HOST_E_STATUS);
	expect_status(request.status, NVME_SC_TRANSIENT_TRANSPORT);
	request.spoil_data_digest = false;
	queue_must(&queue, host_queue_execute(&queue, &request, WAIT_MS));
	host_queue_close(&queue);
	host_controller_close(&villains);
	others_do_not_notice();
}

START_TEST(a_wrong_data_digest_in_a_capsule_fails_that_command_only)
{
	expect_transient(false);
}
END_TEST

START_TEST(a_wrong_data_digest_in_h2cdata_fails_that_command_only)
{
	expect_transient(true);
}
END_TEST

/* ------------------------------------------------------------------ H2CData */

#define TRANSFER_BYTES 8192u

/* Asks to write, and gets the R2T for it; the answer to it as it should be. */
static struct tcp_data begin_transfer(void)
{
	struct tcp_capsule_command capsule;
	struct host_pdu pdu;
	struct tcp_r2t r2t;

	connect_queue(false, false);
	capsule = write_capsule(7, TRANSFER_BYTES, 0x5a);
	send_bytes(&queue.connection, &capsule, sizeof(capsule));
	connection_must(&queue.connection,
	                host_connection_receive(&queue.connection, &pdu, WAIT_MS));
	ck_assert_uint_eq(pdu.type, TCP_PDU_R2T);
	ck_assert_uint_eq(pdu.length, sizeof(r2t));
	memcpy(&r2t, pdu.bytes, sizeof(r2t));
	ck_assert_uint_eq(le16_get(r2t.cccid), 7);
	ck_assert_uint_eq(le32_get(r2t.r2to), 0);
	ck_assert_uint_eq(le32_get(r2t.r2tl), TRANSFER_BYTES);
	return (struct tcp_data){
		.header = {.type = TCP_PDU_H2C_DATA,
	                   .flags = TCP_PDU_LAST,
	                   .hlen = 24,
	                   .pdo = 24,
	                   .plen = le32_of(24 + TRANSFER_BYTES)},
		.cccid = le16_of(7),
		.ttag = r2t.ttag,
		.datal = le32_of(TRANSFER_BYTES),
	};
}

static void expect_data_refused(const struct tcp_data *data, enum tcp_fes fes, uint32_t fei)
{
	uint8_t bytes[2 * TRANSFER_BYTES] = {0};

	send_bytes(&queue.connection, data, sizeof(*data));
	/* the target may have had enough before it has taken all of it */
	(void)host_connection_send(
		&queue.connection, bytes, le32_get(data->header.plen) - sizeof(*data), WAIT_MS);
	expect_term(&queue.connection, fes, fei);
}

START_TEST(h2cdata_with_a_wrong_ttag_is_refused)
{
	struct tcp_data data = begin_transfer();

	data.ttag = le16_of((uint16_t)(le16_get(data.ttag) + 1));
	expect_data_refused(&data, TCP_FES_INVALID_HEADER_FIELD, 10);
}
END_TEST

START_TEST(h2cdata_for_another_command_is_refused)
{
	struct tcp_data data = begin_transfer();

	data.cccid = le16_of(8);
	expect_data_refused(&data, TCP_FES_INVALID_HEADER_FIELD, 8);
}
END_TEST

START_TEST(h2cdata_past_what_was_asked_for_is_out_of_range)
{
	struct tcp_data data = begin_transfer();

	data.datao = le32_of(4096);
	expect_data_refused(&data, TCP_FES_DATA_OUT_OF_RANGE, 0);
}
END_TEST

START_TEST(h2cdata_longer_than_asked_for_is_out_of_range)
{
	struct tcp_data data = begin_transfer();

	data.datal = le32_of(2 * TRANSFER_BYTES);
	data.header.plen = le32_of(24 + 2 * TRANSFER_BYTES);
	expect_data_refused(&data, TCP_FES_DATA_OUT_OF_RANGE, 0);
}
END_TEST

START_TEST(h2cdata_that_leaves_a_gap_is_out_of_sequence)
{
	struct tcp_data data = begin_transfer();

	data.datao = le32_of(4096);
	data.datal = le32_of(4096);
	data.header.plen = le32_of(24 + 4096);
	expect_data_refused(&data, TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(h2cdata_that_calls_itself_last_too_early_is_refused)
{
	struct tcp_data data = begin_transfer();

	data.datal = le32_of(4096);
	data.header.plen = le32_of(24 + 4096);
	expect_data_refused(&data, TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(h2cdata_whose_lengths_differ_is_refused)
{
	struct tcp_data data = begin_transfer();

	data.datal = le32_of(TRANSFER_BYTES - 512);
	expect_data_refused(&data, TCP_FES_INVALID_HEADER_FIELD, 16);
}
END_TEST

START_TEST(h2cdata_that_nobody_asked_for_is_refused)
{
	struct tcp_data data = {
		.header = {.type = TCP_PDU_H2C_DATA,
	                   .flags = TCP_PDU_LAST,
	                   .hlen = 24,
	                   .pdo = 24,
	                   .plen = le32_of(24 + 512)},
		.datal = le32_of(512),
	};

	connect_queue(false, false);
	expect_data_refused(&data, TCP_FES_INVALID_HEADER_FIELD, 10);
}
END_TEST

/* ------------------------------------------------------------------ time, and noise */

START_TEST(a_host_that_stays_silent_is_disconnected_after_10_seconds)
{
	uint64_t begin_ns;

	connect_silent();
	begin_ns = clock_now_ns();
	connection_must(&villain, host_connection_await_end(&villain, 20000));
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 5 * NS_PER_S);
	host_connection_close(&villain);
	others_do_not_notice();
}
END_TEST

START_TEST(a_host_that_never_connects_a_queue_is_disconnected)
{
	const struct host_wishes none = {0};

	connect_initialized(&none);
	connection_must(&villain, host_connection_await_end(&villain, 20000));
	host_connection_close(&villain);
	others_do_not_notice();
}
END_TEST

START_TEST(half_a_pdu_does_not_keep_others_waiting)
{
	struct tcp_capsule_command capsule;

	connect_queue(false, false);
	capsule = write_capsule(1, 512, 0x5a);
	send_bytes(&queue.connection, &capsule, 40);
	for (unsigned i = 0; i < 100; i++)
		scene_write(1, i, 1, i);
	send_bytes(&queue.connection, (const uint8_t *)&capsule + 40, sizeof(capsule) - 40);
	host_queue_close(&queue);
	host_controller_close(&villains);
	others_do_not_notice();
}
END_TEST

START_TEST(noise_on_a_hundred_connections_disturbs_nobody)
{
	uint8_t noise[512];

	scene_connect();
	for (unsigned i = 0; i < 100; i++) {
		struct host_connection connection;

		connection_must(
			&connection,
			host_connection_open_silent(&connection, &scene.options.address, WAIT_MS));
		scene_fill(noise, sizeof(noise), i);
		noise[0] = (uint8_t)(i % 16); /* a type that may be one */
		(void)host_connection_send(&connection, noise, sizeof(noise), WAIT_MS);
		host_connection_close(&connection);
	}
	others_do_not_notice();
}
END_TEST

START_TEST(noise_after_icreq_on_a_hundred_connections_disturbs_nobody)
{
	const struct host_wishes none = {0};
	uint8_t noise[512];

	scene_connect();
	for (unsigned i = 0; i < 100; i++) {
		struct host_connection connection;

		connection_must(
			&connection,
			host_connection_open(&connection, &scene.options.address, &none, WAIT_MS));
		scene_fill(noise, sizeof(noise), i);
		memcpy(noise, "\4\0\110\0\110\0\0\0", 8); /* a command capsule of 72 bytes */
		(void)host_connection_send(&connection, noise, sizeof(noise), WAIT_MS);
		host_connection_close(&connection);
	}
	others_do_not_notice();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("malformed");

	describe_running(suite,
	                 "a new connection",
	                 given_a_set,
	                 scene_stop,
	                 a_protocol_version_that_is_not_0_is_unsupported,
	                 an_icreq_of_another_plen_is_refused,
	                 an_icreq_of_another_hlen_is_refused,
	                 an_alignment_that_cannot_be_is_refused,
	                 a_pdu_of_unknown_type_is_refused,
	                 a_capsule_before_icreq_is_out_of_sequence,
	                 a_second_icreq_is_out_of_sequence,
	                 a_pdu_that_only_controllers_send_is_refused,
	                 a_term_request_ends_the_connection_without_an_answer);
	describe_running(suite,
	                 "a connected queue",
	                 given_a_set,
	                 scene_stop,
	                 a_capsule_of_another_hlen_is_refused,
	                 a_capsule_shorter_than_its_header_is_refused,
	                 a_capsule_of_four_gibibytes_is_refused,
	                 a_capsule_whose_data_begins_in_its_header_is_refused,
	                 a_digest_flag_that_was_not_agreed_is_refused,
	                 a_wrong_header_digest_is_told_with_the_digest_received,
	                 a_wrong_data_digest_in_a_capsule_fails_that_command_only,
	                 a_wrong_data_digest_in_h2cdata_fails_that_command_only);
	describe_running(suite,
	                 "a transfer by R2T",
	                 given_a_set,
	                 scene_stop,
	                 h2cdata_with_a_wrong_ttag_is_refused,
	                 h2cdata_for_another_command_is_refused,
	                 h2cdata_past_what_was_asked_for_is_out_of_range,
	                 h2cdata_longer_than_asked_for_is_out_of_range,
	                 h2cdata_that_leaves_a_gap_is_out_of_sequence,
	                 h2cdata_that_calls_itself_last_too_early_is_refused,
	                 h2cdata_whose_lengths_differ_is_refused,
	                 h2cdata_that_nobody_asked_for_is_refused);
	describe_running(suite,
	                 "a host that is a nuisance",
	                 given_a_set,
	                 scene_stop,
	                 a_host_that_stays_silent_is_disconnected_after_10_seconds,
	                 a_host_that_never_connects_a_queue_is_disconnected,
	                 half_a_pdu_does_not_keep_others_waiting,
	                 noise_on_a_hundred_connections_disturbs_nobody,
	                 noise_after_icreq_on_a_hundred_connections_disturbs_nobody);
	return harness_run(suite);
}
