/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/villain.h"

#include <string.h>

struct host_connection villain_connection = {.fd = -1};
struct host_queue villain_queue = {.connection = {.fd = -1}};
static struct host_controller controller = {.admin = {.connection = {.fd = -1}}};

/* ------------------------------------------------------------------ a connection */

void villain_connect_silent(void)
{
	scene_connect();
	connection_must(&villain_connection,
	                host_connection_open_silent(
				&villain_connection, &scene.options.address, VILLAIN_WAIT_MS));
}

void villain_connect(const struct host_wishes *wishes)
{
	scene_connect();
	connection_must(
		&villain_connection,
		host_connection_open(
			&villain_connection, &scene.options.address, wishes, VILLAIN_WAIT_MS));
}

void villain_send(struct host_connection *connection, const void *bytes, size_t length)
{
	connection_must(connection,
	                host_connection_send(connection, bytes, length, VILLAIN_WAIT_MS));
}

void villain_others_do_not_notice(void)
{
	scene_write(1, 0, 64, 42);
	scene_read_back(1, 0, 64, 42);
	scene_expect_ready();
	scene_disconnect();
}

void villain_close(void)
{
	host_queue_close(&villain_queue);
	host_controller_close(&controller);
}

void villain_expect_term(struct host_connection *connection, enum tcp_fes fes, uint32_t fei)
{
	int r;

	r = host_connection_await_end(connection, VILLAIN_WAIT_MS);
	if (r)
		ck_abort_msg("the connection did not end: %s", connection->error);
	ck_assert_msg(connection->term.received, "the connection ended without C2HTermReq");
	ck_assert_uint_eq(connection->term.fes, fes);
	ck_assert_uint_eq(connection->term.fei, fei);
	host_connection_close(connection);
	villain_close();
	villain_others_do_not_notice();
}

/* ------------------------------------------------------------------ a queue */

void villain_connect_queue(bool header_digest, bool data_digest)
{
	uint16_t granted;

	scene.options.wishes.header_digest = header_digest;
	scene.options.wishes.data_digest = data_digest;
	scene_connect();
	harness_connect_as(&scene.options, &controller);
	host_must(&controller, host_controller_queues(&controller, 1, &granted));
	host_must(&controller, host_controller_open_queue(&controller, &villain_queue, 1, 32, 8));
}

struct tcp_capsule_command villain_capsule(uint16_t cid, uint32_t bytes, uint8_t sgl_type)
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

struct tcp_data villain_begin_transfer(void)
{
	struct tcp_capsule_command capsule;
	struct host_pdu pdu;
	struct tcp_r2t r2t;

	villain_connect_queue(false, false);
	capsule = villain_capsule(7, VILLAIN_TRANSFER_BYTES, 0x5a);
	villain_send(&villain_queue.connection, &capsule, sizeof(capsule));
	connection_must(&villain_queue.connection,
	                host_connection_receive(&villain_queue.connection, &pdu, VILLAIN_WAIT_MS));
	ck_assert_uint_eq(pdu.type, TCP_PDU_R2T);
	ck_assert_uint_eq(pdu.length, sizeof(r2t));
	memcpy(&r2t, pdu.bytes, sizeof(r2t));
	ck_assert_uint_eq(le16_get(r2t.cccid), 7);
	ck_assert_uint_eq(le32_get(r2t.r2to), 0);
	ck_assert_uint_eq(le32_get(r2t.r2tl), VILLAIN_TRANSFER_BYTES);
	return (struct tcp_data){
		.header = {.type = TCP_PDU_H2C_DATA,
	                   .flags = TCP_PDU_LAST,
	                   .hlen = 24,
	                   .pdo = 24,
	                   .plen = le32_of(24 + VILLAIN_TRANSFER_BYTES)},
		.cccid = le16_of(7),
		.ttag = r2t.ttag,
		.datal = le32_of(VILLAIN_TRANSFER_BYTES),
	};
}
