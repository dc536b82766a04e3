/* SPDX-License-Identifier: BSD-2-Clause */
/* nvmetd-tcp is restarted as planned, at any moment: its hosts keep their connections, and see
 * nothing but a delay. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define DEPTH      32u
#define PATIENT_MS 25000u
#define BYTES      65536u

static struct host_request requests[DEPTH];
static uint8_t data[DEPTH][BYTES];

static void given_a_set(void)
{
	scene_start(NULL);
	scene.options.timeout_ms = PATIENT_MS;
}

static void given_a_set_and_digests(void)
{
	given_a_set();
	scene.options.wishes.header_digest = scene.options.wishes.data_digest = true;
}

/* Until the successor is ready: before, it would not hear the next SIGHUP. */
static void restart(void)
{
	unsigned n = harness_log_count(scene.harness, "tcp: ready");

	ck_assert_int_eq(kill(harness_pid(scene.harness, "tcp", 0), SIGHUP), 0);
	harness_await_log(scene.harness, "tcp: ready", n + 1);
}

/* ------------------------------------------------------------------ commands */

static void submit_all(uint8_t opcode, uint32_t nsid, uint64_t seed)
{
	uint32_t blocks = BYTES / scene.spaces[nsid].block_bytes;

	for (unsigned i = 0; i < DEPTH; i++) {
		if (opcode == NVME_IO_WRITE)
			scene_fill(data[i], BYTES, seed + i);
		else
			memset(data[i], 0, BYTES);
		requests[i] = host_io(
			&scene.spaces[nsid], opcode, (uint64_t)i * blocks, blocks, data[i]);
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
	}
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
}

static void await_all(void)
{
	for (unsigned i = 0; i < DEPTH; i++)
		queue_must(&scene.queue, host_queue_await(&scene.queue, &requests[i], PATIENT_MS));
}

START_TEST(connections_that_rest_are_kept)
{
	scene_connect();
	scene_write(1, 0, 64, 1);
	for (unsigned i = 0; i < 3; i++) {
		restart();
		scene_read_back(1, 0, 64, 1);
		scene_write(1, 64, 64, i);
		scene_read_back(1, 64, 64, i);
		scene_expect_ready();
	}
	scene_disconnect();
}
END_TEST

static void keep_what_is_in_flight(uint32_t nsid)
{
	scene_connect();
	for (uint64_t round = 0; round < 3; round++) {
		submit_all(NVME_IO_WRITE, nsid, 100 * round);
		restart();
		await_all();
		submit_all(NVME_IO_READ, nsid, 0);
		restart();
		await_all();
		for (unsigned i = 0; i < DEPTH; i++)
			scene_expect(data[i], BYTES, 100 * round + i);
	}
	scene_disconnect();
}

START_TEST(commands_in_flight_on_a_file_are_answered)
{
	keep_what_is_in_flight(1);
}
END_TEST

START_TEST(commands_in_flight_in_ram_are_answered)
{
	keep_what_is_in_flight(2);
}
END_TEST

/* More than the sockets take: what is left of the answers goes along. */
START_TEST(answers_that_the_host_has_not_read_are_kept)
{
	static uint8_t large[4][1u << 20];
	uint32_t blocks;

	scene_connect();
	blocks = (1u << 20) / scene.spaces[1].block_bytes;
	for (unsigned i = 0; i < 4; i++) {
		scene_fill(large[i], sizeof(large[i]), i);
		expect_good(scene_io(NVME_IO_WRITE, 1, (uint64_t)i * blocks, blocks, large[i]));
		memset(large[i], 0, sizeof(large[i]));
		requests[i] = host_io(
			&scene.spaces[1], NVME_IO_READ, (uint64_t)i * blocks, blocks, large[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	for (unsigned i = 0; i < 3; i++)
		restart();
	for (unsigned i = 0; i < 4; i++) {
		queue_must(&scene.queue, host_queue_await(&scene.queue, &requests[i], PATIENT_MS));
		scene_expect(large[i], sizeof(large[i]), i);
	}
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ cut anywhere */

struct stream {
	uint8_t bytes[16384];
	size_t length;
};

static void put(struct stream *stream, const void *bytes, size_t length)
{
	memcpy(stream->bytes + stream->length, bytes, length);
	stream->length += length;
}

static void put_header(struct stream *stream, struct tcp_pdu_header *header, size_t bytes)
{
	struct le32 digest;

	header->flags |= (scene.queue.connection.header_digest ? TCP_PDU_HDGSTF : 0) |
	                 (scene.queue.connection.data_digest ? TCP_PDU_DDGSTF : 0);
	digest = le32_of(host_digest(header, bytes));
	put(stream, header, bytes);
	if (scene.queue.connection.header_digest)
		put(stream, &digest, sizeof(digest));
}

static void put_data(struct stream *stream, const void *bytes, size_t length)
{
	struct le32 digest = le32_of(host_digest(bytes, length));

	put(stream, bytes, length);
	if (scene.queue.connection.data_digest)
		put(stream, &digest, sizeof(digest));
}

static size_t digests(void)
{
	return (scene.queue.connection.header_digest ? 4u : 0) +
	       (scene.queue.connection.data_digest ? 4u : 0);
}

static struct nvme_command write_of(uint64_t lba, uint32_t blocks, uint16_t cid)
{
	struct host_request request = host_io(
		&scene.spaces[1], NVME_IO_WRITE, lba, blocks, data[0]);

	request.command.cid = le16_of(cid);
	return request.command;
}

/* Four blocks in the capsule. */
static void put_capsule(struct stream *stream, uint64_t lba, uint16_t cid)
{
	size_t bytes = 4 * scene.spaces[1].block_bytes;
	struct tcp_capsule_command capsule = {
		.header = {.type = TCP_PDU_CAPSULE_COMMAND, .hlen = sizeof(capsule)},
		.command = write_of(lba, 4, cid),
	};
	uint8_t *sgl = (uint8_t *)&capsule.command.sgl;

	memset(sgl, 0, 16);
	capsule.command.sgl.length = le32_of((uint32_t)bytes);
	sgl[15] = 0x01; /* data block, offset */
	capsule.command.flags = 0x40;
	capsule.header.pdo = (uint8_t)(sizeof(capsule) +
	                               (scene.queue.connection.header_digest ? 4 : 0));
	capsule.header.plen = le32_of((uint32_t)(sizeof(capsule) + bytes + digests()));
	put_header(stream, &capsule.header, sizeof(capsule));
	put_data(stream, data[0], bytes);
}

static void await_success(uint16_t cid)
{
	static struct host_pdu pdu;
	struct tcp_capsule_response response;

	connection_must(&scene.queue.connection,
	                host_connection_receive(&scene.queue.connection, &pdu, PATIENT_MS));
	ck_assert_uint_eq(pdu.type, TCP_PDU_CAPSULE_RESPONSE);
	memcpy(&response, pdu.bytes, sizeof(response));
	ck_assert_uint_eq(le16_get(response.completion.cid), cid);
	ck_assert_uint_eq(le16_get(response.completion.status) >> 1, 0);
}

static void send_cut(const struct stream *stream, size_t at)
{
	connection_must(
		&scene.queue.connection,
		host_connection_send(&scene.queue.connection, stream->bytes, at, PATIENT_MS));
	restart();
	connection_must(&scene.queue.connection,
	                host_connection_send(&scene.queue.connection,
	                                     stream->bytes + at,
	                                     stream->length - at,
	                                     PATIENT_MS));
}

/* What was sent with our own hands is not known to the queue: a new one reads it. */
static void expect_written(uint64_t lba, uint64_t seed)
{
	scene_disconnect();
	scene_connect();
	scene_read_back(1, lba, 4, seed);
	scene_disconnect();
}

static void cut_capsule(size_t at, uint64_t seed)
{
	struct stream stream = {.length = 0};

	scene_connect();
	scene_fill(data[0], 4 * scene.spaces[1].block_bytes, seed);
	put_capsule(&stream, 16, 0x77);
	if (at < stream.length) {
		send_cut(&stream, at);
		await_success(0x77);
		expect_written(16, seed);
	} else {
		scene_disconnect();
	}
}

/* In the common header, in the rest of it, in the digest, in the data, in its digest. */
START_TEST(a_command_may_be_cut_anywhere)
{
	static const size_t cuts[] = {1, 7, 8, 40, 71, 72, 74, 76, 80, 500, 2119, 2124, 2126};

	for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		cut_capsule(cuts[i], 100 + i);
}
END_TEST

/* Sends a command whose data is asked for. Returns the transfer tag. */
static uint16_t begin_transfer(uint32_t bytes, uint16_t cid)
{
	static struct host_pdu pdu;
	struct stream stream = {.length = 0};
	struct tcp_capsule_command capsule = {
		.header = {.type = TCP_PDU_CAPSULE_COMMAND, .hlen = sizeof(capsule)},
		.command = write_of(64, bytes / scene.spaces[1].block_bytes, cid),
	};
	uint8_t *sgl = (uint8_t *)&capsule.command.sgl;
	struct tcp_r2t r2t;

	memset(sgl, 0, 16);
	capsule.command.sgl.length = le32_of(bytes);
	sgl[15] = 0x5a; /* transport data block */
	capsule.command.flags = 0x40;
	capsule.header.plen = le32_of(
		(uint32_t)(sizeof(capsule) + (scene.queue.connection.header_digest ? 4 : 0)));
	put_header(&stream, &capsule.header, sizeof(capsule));
	/* no data, so no digest of it */
	stream.bytes[1] &= (uint8_t)~TCP_PDU_DDGSTF;
	if (scene.queue.connection.header_digest) {
		struct le32 digest = le32_of(host_digest(stream.bytes, sizeof(capsule)));

		memcpy(stream.bytes + sizeof(capsule), &digest, sizeof(digest));
	}
	connection_must(&scene.queue.connection,
	                host_connection_send(
				&scene.queue.connection, stream.bytes, stream.length, PATIENT_MS));
	connection_must(&scene.queue.connection,
	                host_connection_receive(&scene.queue.connection, &pdu, PATIENT_MS));
	ck_assert_uint_eq(pdu.type, TCP_PDU_R2T);
	memcpy(&r2t, pdu.bytes, sizeof(r2t));
	ck_assert_uint_eq(le32_get(r2t.r2tl), bytes);
	return le16_get(r2t.ttag);
}

static void put_piece(struct stream *stream, uint16_t cid, uint16_t ttag, uint32_t offset,
                      uint32_t bytes, bool is_last)
{
	struct tcp_data pdu = {
		.header = {.type = TCP_PDU_H2C_DATA,
	                   .hlen = sizeof(pdu),
	                   .flags = is_last ? TCP_PDU_LAST : 0,
	                   .pdo = (uint8_t)(sizeof(pdu) +
	                                    (scene.queue.connection.header_digest ? 4 : 0)),
	                   .plen = le32_of((uint32_t)(sizeof(pdu) + bytes + digests()))},
		.cccid = le16_of(cid),
		.ttag = le16_of(ttag),
		.datao = le32_of(offset),
		.datal = le32_of(bytes),
	};

	put_header(stream, &pdu.header, sizeof(pdu));
	put_data(stream, data[0] + offset, bytes);
}

/* In two pieces, of which one or the other is cut; or between them. */
START_TEST(the_data_of_a_command_may_be_cut_anywhere)
{
	static const size_t cuts[] = {0,
	                              3,
	                              8,
	                              23,
	                              25,
	                              28,
	                              40,
	                              2071,
	                              2074,
	                              2080,
	                              2082,
	                              2090,
	                              2103,
	                              2105,
	                              2112,
	                              3000,
	                              4145};
	const uint32_t bytes = 4096;

	for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct stream stream = {.length = 0};
		uint16_t ttag;

		scene_connect();
		scene_fill(data[0], bytes, 900 + i);
		ttag = begin_transfer(bytes, 0x99);
		put_piece(&stream, 0x99, ttag, 0, bytes / 2, false);
		put_piece(&stream, 0x99, ttag, bytes / 2, bytes / 2, true);
		send_cut(&stream, cuts[i] < stream.length ? cuts[i] : stream.length - 1);
		await_success(0x99);
		scene_disconnect();
		scene_connect();
		scene_read_back(1, 64, bytes / scene.spaces[1].block_bytes, 900 + i);
		scene_disconnect();
	}
}
END_TEST

/* Each PDU is whole when it comes: the next restart follows while the last is hardly over. */
START_TEST(a_restart_may_follow_a_restart)
{
	scene_connect();
	submit_all(NVME_IO_WRITE, 1, 7);
	for (unsigned i = 0; i < 6; i++)
		restart();
	await_all();
	submit_all(NVME_IO_READ, 1, 0);
	await_all();
	for (unsigned i = 0; i < DEPTH; i++)
		scene_expect(data[i], BYTES, 7 + i);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ what is not I/O */

START_TEST(an_event_request_is_kept)
{
	struct host_request event;

	scene_connect();
	scene_ask_for_event(&event);
	restart();
	scene_add_namespace(3);
	scene_expect_event(&event);
	scene_disconnect();
}
END_TEST

START_TEST(a_controller_is_the_same_afterwards)
{
	uint8_t before[512], after[512];
	uint16_t cntlid;

	scene_connect();
	cntlid = scene.controller.cntlid;
	scene_write(1, 0, 64, 1);
	host_must(&scene.controller,
	          host_get_log(&scene.controller, 0x02, false, 0, before, sizeof(before)));
	restart();
	host_must(&scene.controller,
	          host_get_log(&scene.controller, 0x02, false, 0, after, sizeof(after)));
	ck_assert_mem_eq(before + 32, after + 32, 64); /* what was read and written */
	host_must(&scene.controller, host_controller_identify(&scene.controller));
	ck_assert_uint_eq(scene.controller.identity.cntlid, cntlid);
	scene_disconnect();
	shows("Base 2.1 §3.1.2",
	      "an association outlives a planned restart of its transport, with properties and "
	      "features as they were");
}
END_TEST

START_TEST(a_connection_that_has_said_nothing_yet_is_kept)
{
	struct host_connection silent = HOST_CONNECTION_NULL;
	const struct host_wishes none = {0};
	struct tcp_icreq icreq = host_icreq(&none);

	connection_must(&silent,
	                host_connection_open_silent(&silent, &scene.options.address, PATIENT_MS));
	connection_must(&silent, host_connection_send(&silent, &icreq, 5, PATIENT_MS));
	restart();
	connection_must(
		&silent,
		host_connection_send(
			&silent, (const uint8_t *)&icreq + 5, sizeof(icreq) - 5, PATIENT_MS));
	connection_must(&silent, host_connection_await_icresp(&silent, PATIENT_MS));
	host_connection_close(&silent);
}
END_TEST

/* The Connect is with the state service, which does not answer, when the transport goes. */
START_TEST(a_connect_goes_on_with_the_successor)
{
	struct host_queue queue = HOST_QUEUE_NULL;
	struct host_connect connect = {
		.qid = 0,
		.entries = 32,
		.cntlid = 0xffff,
		.subnqn = HARNESS_NQN,
		.hostnqn = HARNESS_HOSTNQN,
	};
	struct nvme_connect_command command;
	struct nvme_connect_data connect_data;
	struct host_request request;
	pid_t state = harness_pid(scene.harness, "state", 0);

	memset(connect.hostid, 1, sizeof(connect.hostid));
	queue_must(&queue,
	           host_queue_open(
			   &queue, &scene.options.address, &scene.options.wishes, 32, PATIENT_MS));
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	host_connect_fill(&connect, &command, &connect_data);
	request = host_connect_request(&command, &connect_data);
	queue_must(&queue, host_queue_submit(&queue, &request));
	queue_must(&queue, host_queue_flush(&queue));
	restart();
	ck_assert_int_eq(kill(state, SIGCONT), 0);
	queue_must(&queue, host_queue_await(&queue, &request, PATIENT_MS));
	ck_assert_uint_eq(request.status.value, 0);
	host_queue_close(&queue);
}
END_TEST

START_TEST(keep_alive_goes_on)
{
	scene.options.kato_ms = 2000;
	scene_connect();
	for (unsigned i = 0; i < 4; i++) {
		restart();
		host_must(&scene.controller, host_keep_alive(&scene.controller));
		harness_pause(700);
	}
	host_must(&scene.controller, host_keep_alive(&scene.controller));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ under load */

static void restart_under_load(const char *nsid, const char *bytes, const char *queues)
{
	pid_t load = load_start_verified(
		nsid, "5", "--bs", bytes, "--qd", "16", "--connections", queues, NULL);

	for (unsigned i = 0; i < 8; i++) {
		harness_pause(400);
		restart();
	}
	load_expect_good_end(load);
}

START_TEST(verified_io_on_a_file_goes_on)
{
	restart_under_load("1", "8K", "2");
	shows("Base 2.1 §9.6",
	      "a planned restart of the transport is no communication loss: what is in flight is "
	      "answered");
}
END_TEST

START_TEST(verified_io_in_ram_goes_on)
{
	restart_under_load("2", "8K", "2");
}
END_TEST

START_TEST(verified_io_with_large_transfers_goes_on)
{
	restart_under_load("1", "256K", "3");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");

	describe_alone(suite,
	               "a planned restart",
	               given_a_set,
	               scene_stop,
	               connections_that_rest_are_kept,
	               commands_in_flight_on_a_file_are_answered,
	               commands_in_flight_in_ram_are_answered,
	               answers_that_the_host_has_not_read_are_kept,
	               a_restart_may_follow_a_restart,
	               a_command_may_be_cut_anywhere,
	               the_data_of_a_command_may_be_cut_anywhere,
	               an_event_request_is_kept,
	               a_controller_is_the_same_afterwards,
	               a_connection_that_has_said_nothing_yet_is_kept,
	               a_connect_goes_on_with_the_successor,
	               keep_alive_goes_on);
	describe_alone(suite,
	               "a planned restart, with digests",
	               given_a_set_and_digests,
	               scene_stop,
	               commands_in_flight_on_a_file_are_answered,
	               a_command_may_be_cut_anywhere,
	               the_data_of_a_command_may_be_cut_anywhere);
	describe_alone(suite,
	               "a planned restart under load",
	               given_a_set,
	               scene_stop,
	               verified_io_on_a_file_goes_on,
	               verified_io_in_ram_goes_on,
	               verified_io_with_large_transfers_goes_on);
	return harness_run(suite);
}
