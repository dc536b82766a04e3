/* SPDX-License-Identifier: BSD-2-Clause */
/* A host that breaks the framing is told what was wrong and where (TCP 1.1 §3.6.2.5), and is
 * disconnected; others do not notice. */
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/villain.h"
#include "tests/support/shows.h"

static void given_a_set(void)
{
	scene_start(NULL);
}

static struct tcp_icreq icreq(void)
{
	const struct host_wishes none = {0};

	return host_icreq(&none);
}

static void expect_icreq_refused(const struct tcp_icreq *request, enum tcp_fes fes, uint32_t fei)
{
	villain_connect_silent();
	villain_send(&villain_connection, request, sizeof(*request));
	villain_expect_term(&villain_connection, fes, fei);
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

	villain_connect_silent();
	villain_send(&villain_connection, &capsule, sizeof(capsule));
	villain_expect_term(&villain_connection, TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(a_second_icreq_is_out_of_sequence)
{
	const struct host_wishes none = {0};
	struct tcp_icreq request = icreq();

	villain_connect(&none);
	villain_send(&villain_connection, &request, sizeof(request));
	villain_expect_term(&villain_connection, TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(a_pdu_that_only_controllers_send_is_refused)
{
	const struct host_wishes none = {0};
	struct tcp_r2t r2t = {
		.header = {.type = TCP_PDU_R2T, .hlen = 24, .plen = le32_of(24)}
        };

	villain_connect(&none);
	villain_send(&villain_connection, &r2t, sizeof(r2t));
	villain_expect_term(&villain_connection, TCP_FES_INVALID_HEADER_FIELD, 0);
}
END_TEST

START_TEST(a_term_request_ends_the_connection_without_an_answer)
{
	const struct host_wishes none = {0};
	struct tcp_term term = {
		.header = {.type = TCP_PDU_H2C_TERM, .hlen = 24, .plen = le32_of(24)},
		.fes = le16_of(TCP_FES_PDU_SEQUENCE),
	};

	villain_connect(&none);
	villain_send(&villain_connection, &term, sizeof(term));
	connection_must(&villain_connection,
	                host_connection_await_end(&villain_connection, VILLAIN_WAIT_MS));
	ck_assert(!villain_connection.term.received);
	host_connection_close(&villain_connection);
	villain_others_do_not_notice();
	shows("TCP 1.1 §3.6.2.4", "H2CTermReq: the connection ends, without an answer");
}
END_TEST

/* ------------------------------------------------------------------ a queue */

START_TEST(a_capsule_of_another_hlen_is_refused)
{
	struct tcp_capsule_command capsule;

	villain_connect_queue(false, false);
	capsule = villain_capsule(1, 512, 0x5a);
	capsule.header.hlen = 24;
	villain_send(&villain_queue.connection, &capsule, sizeof(capsule));
	villain_expect_term(&villain_queue.connection, TCP_FES_INVALID_HEADER_FIELD, 2);
}
END_TEST

START_TEST(a_capsule_shorter_than_its_header_is_refused)
{
	struct tcp_capsule_command capsule;

	villain_connect_queue(false, false);
	capsule = villain_capsule(1, 512, 0x5a);
	capsule.header.plen = le32_of(71);
	villain_send(&villain_queue.connection, &capsule, sizeof(capsule));
	villain_expect_term(&villain_queue.connection, TCP_FES_INVALID_HEADER_FIELD, 4);
}
END_TEST

START_TEST(a_capsule_of_four_gibibytes_is_refused)
{
	struct tcp_capsule_command capsule;

	villain_connect_queue(false, false);
	capsule = villain_capsule(1, 512, 0x01);
	capsule.header.pdo = 72;
	capsule.header.plen = le32_of(UINT32_MAX);
	villain_send(&villain_queue.connection, &capsule, sizeof(capsule));
	villain_expect_term(&villain_queue.connection, TCP_FES_INVALID_HEADER_FIELD, 4);
	shows("TCP 1.1 §3.3.1",
	      "a capsule with more data than IOCCSZ: C2HTermReq, Invalid PDU Header Field, at "
	      "PLEN");
}
END_TEST

START_TEST(a_capsule_whose_data_begins_in_its_header_is_refused)
{
	struct tcp_capsule_command capsule;
	uint8_t data[512] = {0};

	villain_connect_queue(false, false);
	capsule = villain_capsule(1, 512, 0x01);
	capsule.header.pdo = 8;
	capsule.header.plen = le32_of(72 + 512);
	villain_send(&villain_queue.connection, &capsule, sizeof(capsule));
	villain_send(&villain_queue.connection, data, sizeof(data));
	villain_expect_term(&villain_queue.connection, TCP_FES_INVALID_HEADER_FIELD, 3);
}
END_TEST

START_TEST(a_digest_flag_that_was_not_agreed_is_refused)
{
	struct tcp_capsule_command capsule;

	villain_connect_queue(false, false);
	capsule = villain_capsule(1, 512, 0x5a);
	capsule.header.flags = TCP_PDU_HDGSTF;
	capsule.header.plen = le32_of(76);
	villain_send(&villain_queue.connection, &capsule, sizeof(capsule));
	villain_send(&villain_queue.connection, "\1\2\3\4", 4);
	villain_expect_term(&villain_queue.connection, TCP_FES_INVALID_HEADER_FIELD, 1);
}
END_TEST

START_TEST(a_wrong_header_digest_is_told_with_the_digest_received)
{
	struct tcp_capsule_command capsule;
	const uint32_t wrong = 0x12345678;

	villain_connect_queue(true, false);
	capsule = villain_capsule(1, 512, 0x5a);
	capsule.header.flags = TCP_PDU_HDGSTF;
	capsule.header.plen = le32_of(76);
	villain_send(&villain_queue.connection, &capsule, sizeof(capsule));
	villain_send(&villain_queue.connection, &wrong, sizeof(wrong));
	villain_expect_term(&villain_queue.connection, TCP_FES_HEADER_DIGEST, wrong);
	shows("TCP 1.1 §3.5",
	      "a wrong header digest: C2HTermReq, Header Digest Error, FEI is the digest received");
}
END_TEST

/* ------------------------------------------------------------------ data digests */

static void expect_transient(bool transfer)
{
	struct host_request request;
	uint8_t data[4096];

	villain_connect_queue(false, true);
	scene_fill(data, sizeof(data), 1);
	request = host_io(&scene.spaces[1], NVME_IO_WRITE, 0, 8, data);
	request.transfer = transfer;
	request.spoil_data_digest = true;
	ck_assert_int_eq(host_queue_execute(&villain_queue, &request, VILLAIN_WAIT_MS),
	                 HOST_E_STATUS);
	expect_status(request.status, NVME_SC_TRANSIENT_TRANSPORT);
	request.spoil_data_digest = false;
	queue_must(&villain_queue, host_queue_execute(&villain_queue, &request, VILLAIN_WAIT_MS));
	villain_close();
	villain_others_do_not_notice();
}

START_TEST(a_wrong_data_digest_in_a_capsule_fails_that_command_only)
{
	expect_transient(false);
	shows("TCP 1.1 §3.5",
	      "a wrong data digest in a capsule: Transient Transport Error without DNR; the "
	      "connection lives on");
}
END_TEST

START_TEST(a_wrong_data_digest_in_h2cdata_fails_that_command_only)
{
	expect_transient(true);
	shows("TCP 1.1 §3.5",
	      "a wrong data digest in H2CData: Transient Transport Error without DNR, when all has "
	      "come");
}
END_TEST

/* ------------------------------------------------------------------ H2CData */

static void expect_data_refused(const struct tcp_data *data, enum tcp_fes fes, uint32_t fei)
{
	uint8_t bytes[2 * VILLAIN_TRANSFER_BYTES] = {0};

	villain_send(&villain_queue.connection, data, sizeof(*data));
	/* the target may have had enough before it has taken all of it */
	(void)host_connection_send(&villain_queue.connection,
	                           bytes,
	                           le32_get(data->header.plen) - sizeof(*data),
	                           VILLAIN_WAIT_MS);
	villain_expect_term(&villain_queue.connection, fes, fei);
}

START_TEST(h2cdata_with_a_wrong_ttag_is_refused)
{
	struct tcp_data data = villain_begin_transfer();

	data.ttag = le16_of((uint16_t)(le16_get(data.ttag) + 1));
	expect_data_refused(&data, TCP_FES_INVALID_HEADER_FIELD, 10);
}
END_TEST

START_TEST(h2cdata_for_another_command_is_refused)
{
	struct tcp_data data = villain_begin_transfer();

	data.cccid = le16_of(8);
	expect_data_refused(&data, TCP_FES_INVALID_HEADER_FIELD, 8);
}
END_TEST

START_TEST(h2cdata_past_what_was_asked_for_is_out_of_range)
{
	struct tcp_data data = villain_begin_transfer();

	data.datao = le32_of(4096);
	expect_data_refused(&data, TCP_FES_DATA_OUT_OF_RANGE, 0);
}
END_TEST

START_TEST(h2cdata_longer_than_asked_for_is_out_of_range)
{
	struct tcp_data data = villain_begin_transfer();

	data.datal = le32_of(2 * VILLAIN_TRANSFER_BYTES);
	data.header.plen = le32_of(24 + 2 * VILLAIN_TRANSFER_BYTES);
	expect_data_refused(&data, TCP_FES_DATA_OUT_OF_RANGE, 0);
}
END_TEST

START_TEST(h2cdata_that_leaves_a_gap_is_out_of_sequence)
{
	struct tcp_data data = villain_begin_transfer();

	data.datao = le32_of(4096);
	data.datal = le32_of(4096);
	data.header.plen = le32_of(24 + 4096);
	expect_data_refused(&data, TCP_FES_PDU_SEQUENCE, 0);
	shows("TCP 1.1 §3.3.2.2", "H2CData that is not contiguous: C2HTermReq, PDU Sequence Error");
}
END_TEST

START_TEST(h2cdata_that_calls_itself_last_too_early_is_refused)
{
	struct tcp_data data = villain_begin_transfer();

	data.datal = le32_of(4096);
	data.header.plen = le32_of(24 + 4096);
	expect_data_refused(&data, TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(h2cdata_whose_lengths_differ_is_refused)
{
	struct tcp_data data = villain_begin_transfer();

	data.datal = le32_of(VILLAIN_TRANSFER_BYTES - 512);
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

	villain_connect_queue(false, false);
	expect_data_refused(&data, TCP_FES_INVALID_HEADER_FIELD, 10);
	shows("TCP 1.1 §3.3.2.2",
	      "H2CData without an R2T: C2HTermReq, Invalid PDU Header Field, at TTAG");
}
END_TEST

/* ------------------------------------------------------------------ time, and noise */

START_TEST(a_host_that_stays_silent_is_disconnected_after_10_seconds)
{
	uint64_t begin_ns;

	villain_connect_silent();
	begin_ns = clock_now_ns();
	connection_must(&villain_connection, host_connection_await_end(&villain_connection, 20000));
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 5 * NS_PER_S);
	host_connection_close(&villain_connection);
	villain_others_do_not_notice();
	shows("TCP 1.1 §3.1", "a host that sends no ICReq is disconnected after 10 s");
}
END_TEST

START_TEST(a_host_that_never_connects_a_queue_is_disconnected)
{
	const struct host_wishes none = {0};

	villain_connect(&none);
	connection_must(&villain_connection, host_connection_await_end(&villain_connection, 20000));
	host_connection_close(&villain_connection);
	villain_others_do_not_notice();
	shows("Base 2.1 §3.3.2.2", "a host that sends no Connect is disconnected after 10 s");
}
END_TEST

START_TEST(half_a_pdu_does_not_keep_others_waiting)
{
	struct tcp_capsule_command capsule;

	villain_connect_queue(false, false);
	capsule = villain_capsule(1, 512, 0x5a);
	villain_send(&villain_queue.connection, &capsule, 40);
	for (unsigned i = 0; i < 100; i++)
		scene_write(1, i, 1, i);
	villain_send(
		&villain_queue.connection, (const uint8_t *)&capsule + 40, sizeof(capsule) - 40);
	villain_close();
	villain_others_do_not_notice();
}
END_TEST

START_TEST(noise_on_a_hundred_connections_disturbs_nobody)
{
	uint8_t noise[512];

	scene_connect();
	for (unsigned i = 0; i < 100; i++) {
		struct host_connection connection;

		connection_must(&connection,
		                host_connection_open_silent(
					&connection, &scene.options.address, VILLAIN_WAIT_MS));
		scene_fill(noise, sizeof(noise), i);
		noise[0] = (uint8_t)(i % 16); /* a type that may be one */
		(void)host_connection_send(&connection, noise, sizeof(noise), VILLAIN_WAIT_MS);
		host_connection_close(&connection);
	}
	villain_others_do_not_notice();
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
			host_connection_open(
				&connection, &scene.options.address, &none, VILLAIN_WAIT_MS));
		scene_fill(noise, sizeof(noise), i);
		memcpy(noise, "\4\0\110\0\110\0\0\0", 8); /* a command capsule of 72 bytes */
		(void)host_connection_send(&connection, noise, sizeof(noise), VILLAIN_WAIT_MS);
		host_connection_close(&connection);
	}
	villain_others_do_not_notice();
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
