/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/tcp/host.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"
#include "tests/unit/tcp/core.h"

uint8_t host_data[CORE_DATA_MAX];

void host_sends(const void *bytes, size_t length)
{
	ck_assert_int_eq(send(core.host, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* All bytes of `length`, which are there or come within 5 s. */
void host_receives(void *bytes, size_t length)
{
	uint64_t deadline_ns = clock_now_ns() + 5 * NS_PER_S;
	size_t have = 0;

	while (have < length && clock_now_ns() < deadline_ns) {
		ssize_t r = recv(core.host, (uint8_t *)bytes + have, length - have, MSG_DONTWAIT);

		if (r > 0)
			have += (size_t)r;
		else
			core_run();
	}
	ck_assert_uint_eq(have, length);
}

void host_receives_nothing(void)
{
	uint8_t byte;

	core_run();
	ck_assert_int_eq(recv(core.host, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

void host_sees_the_end(void)
{
	uint8_t byte;

	core_run();
	ck_assert_int_eq(recv(core.host, &byte, 1, MSG_DONTWAIT), 0);
}

void host_sends_icreq(uint8_t dgst)
{
	struct tcp_icreq icreq = {
		.header = {.type = TCP_PDU_ICREQ, .hlen = 128, .plen = le32_of(128)},
		.dgst = dgst,
	};

	host_sends(&icreq, sizeof(icreq));
}

struct tcp_capsule_command host_capsule(uint8_t opcode, uint16_t cid, uint8_t sgl_type,
                                        uint32_t length, uint32_t in_capsule)
{
	return (struct tcp_capsule_command){
		.header = {.type = TCP_PDU_CAPSULE_COMMAND,
	                   .hlen = 72,
	                   .pdo = in_capsule ? 72 : 0,
	                   .plen = le32_of(72 + in_capsule)},
		.command = {.opcode = opcode,
                           .cid = le16_of(cid),
                           .sgl = {.type = sgl_type, .length = le32_of(length)}       },
	};
}

void host_sends_a_flush(uint16_t cid)
{
	struct tcp_capsule_command pdu = host_capsule(NVME_IO_FLUSH, cid, 0, 0, 0);

	host_sends(&pdu, sizeof(pdu));
}

void host_sends_a_read(uint16_t cid, uint32_t length)
{
	struct tcp_capsule_command pdu = host_capsule(NVME_IO_READ, cid, 0x5a, length, 0);

	host_sends(&pdu, sizeof(pdu));
}

void host_sends_a_write(uint16_t cid, uint32_t length)
{
	struct tcp_capsule_command pdu = host_capsule(NVME_IO_WRITE, cid, 0x5a, length, 0);

	host_sends(&pdu, sizeof(pdu));
}

void host_sends_a_write_in_capsule(uint16_t cid, uint32_t length)
{
	struct tcp_capsule_command pdu = host_capsule(
		NVME_IO_WRITE, cid, NVME_SGL_SUB_OFFSET, length, length);

	host_sends(&pdu, sizeof(pdu));
	host_sends(host_data, length);
}

void host_sends_data(uint16_t cid, uint16_t ttag, uint32_t offset, uint32_t length, uint8_t flags)
{
	struct tcp_data pdu = {
		.header = {.type = TCP_PDU_H2C_DATA,
	                   .flags = flags,
	                   .hlen = 24,
	                   .pdo = 24,
	                   .plen = le32_of(24 + length)},
		.cccid = le16_of(cid),
		.ttag = le16_of(ttag),
		.datao = le32_of(offset),
		.datal = le32_of(length),
	};

	host_sends(&pdu, sizeof(pdu));
	host_sends(host_data + offset, length);
}

void host_receives_a_response(uint16_t cid, uint16_t status)
{
	struct tcp_capsule_response pdu;

	host_receives(&pdu, sizeof(pdu));
	ck_assert_uint_eq(pdu.header.type, TCP_PDU_CAPSULE_RESPONSE);
	ck_assert_uint_eq(le16_get(pdu.completion.cid), cid);
	ck_assert_uint_eq(le16_get(pdu.completion.status) >> 1, status);
}

struct tcp_r2t host_receives_r2t(uint16_t cid, uint32_t length)
{
	struct tcp_r2t pdu;

	host_receives(&pdu, sizeof(pdu));
	ck_assert_uint_eq(pdu.header.type, TCP_PDU_R2T);
	ck_assert_uint_eq(le16_get(pdu.cccid), cid);
	ck_assert_uint_eq(le32_get(pdu.r2to), 0);
	ck_assert_uint_eq(le32_get(pdu.r2tl), length);
	return pdu;
}

void host_receives_a_term_request(uint16_t fes, uint32_t fei, uint32_t header_bytes)
{
	uint8_t header[TCP_TERM_DATA_MAX];
	struct tcp_term pdu;

	host_receives(&pdu, sizeof(pdu));
	ck_assert_uint_eq(pdu.header.type, TCP_PDU_C2H_TERM);
	ck_assert_uint_eq(le16_get(pdu.fes), fes);
	ck_assert_uint_eq(le32_get(pdu.fei), fei);
	ck_assert_uint_eq(le32_get(pdu.header.plen), 24 + header_bytes);
	host_receives(header, header_bytes);
	host_sees_the_end();
}

void host_connects(void)
{
	core_init();
	for (size_t i = 0; i < sizeof(host_data); i++)
		host_data[i] = (uint8_t)(i * 31 + i / 4096);
}

void host_connects_with(uint8_t dgst)
{
	struct tcp_icresp icresp;

	host_connects();
	host_sends_icreq(dgst);
	host_receives(&icresp, sizeof(icresp));
	ck_assert_uint_eq(icresp.header.type, TCP_PDU_ICRESP);
	ck_assert_uint_eq(icresp.dgst, dgst);
	ck_assert_uint_eq(icresp.cpda, 0);
	ck_assert_uint_ge(le32_get(icresp.maxh2cdata), TCP_MAXH2CDATA_MIN);
}

void host_is_forgotten(void)
{
	while (core.n_executed > 0)
		core_answer(STATUS_OK);
	core_deinit();
}
