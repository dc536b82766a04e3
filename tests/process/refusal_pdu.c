/* SPDX-License-Identifier: BSD-2-Clause */
/* PDUs with one field that cannot be: the Fatal Error Status and Information of the C2HTermReq that
 * ends the connection, and the PDU's header in it (TCP 1.1 §3.6.2.5). */
#include <string.h>

#include "tests/process/villain.h"
#include "tests/support/shows.h"

enum { AT_TYPE = 0, AT_FLAGS = 1, AT_HLEN = 2, AT_PDO = 3, AT_PLEN = 4 };

/* A good PDU with `bytes` of it at `at` as in `value`. */
struct edit {
	uint8_t at;
	uint8_t bytes;
	uint32_t value;
	enum tcp_fes fes;
	uint32_t fei;
};

#define FIELD TCP_FES_INVALID_HEADER_FIELD

static void given_a_set(void)
{
	scene_start(NULL);
}

static void apply(const struct edit *edit, void *pdu)
{
	struct le32 value = le32_of(edit->value);

	memcpy((uint8_t *)pdu + edit->at, &value, edit->bytes);
}

/* The header is sent, and comes back as far as it was looked at. */
static void expect_term(struct host_connection *connection, const void *pdu, size_t length,
                        const struct edit *edit)
{
	const struct host_term *term = &connection->term;
	int r;

	villain_send(connection, pdu, length);
	r = host_connection_await_end(connection, VILLAIN_WAIT_MS);
	if (r || !term->received || term->fes != edit->fes || term->fei != edit->fei)
		ck_abort_msg("%xh at byte %u: %s%s, FES %u, FEI %xh, expected FES %u, FEI %xh",
		             edit->value,
		             edit->at,
		             r ? connection->error : "it ended",
		             term->received ? "" : " without C2HTermReq",
		             term->fes,
		             term->fei,
		             (unsigned)edit->fes,
		             edit->fei);
	ck_assert_uint_ge(term->header_bytes, sizeof(struct tcp_pdu_header));
	ck_assert_uint_le(term->header_bytes, length);
	ck_assert_mem_eq(term->header, pdu, term->header_bytes);
	host_connection_close(connection);
	villain_close();
	villain_others_do_not_notice();
}

/* ------------------------------------------------------------------ ICReq */

static const struct host_wishes plain = {0};

static void refuse_icreq(const struct edit *edit)
{
	struct tcp_icreq pdu = host_icreq(&plain);

	villain_connect_silent();
	apply(edit, &pdu);
	expect_term(&villain_connection, &pdu, sizeof(pdu), edit);
}

START_TEST(icreq_with_a_field_that_cannot_be_is_refused)
{
	static const struct edit edits[] = {
		{AT_HLEN, 1, 0,          FIELD,                         AT_HLEN},
		{AT_HLEN, 1, 127,        FIELD,                         AT_HLEN},
		{AT_HLEN, 1, 129,        FIELD,                         AT_HLEN},
		{AT_PLEN, 4, 0,          FIELD,                         AT_PLEN},
		{AT_PLEN, 4, 127,        FIELD,                         AT_PLEN},
		{AT_PLEN, 4, 0xffffffff, FIELD,                         AT_PLEN},
		{8,       2, 1,          TCP_FES_UNSUPPORTED_PARAMETER, 8      },
		{8,       2, 0xffff,     TCP_FES_UNSUPPORTED_PARAMETER, 8      },
		{10,      1, 32,         FIELD,                         10     },
		{10,      1, 255,        FIELD,                         10     },
	};

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		refuse_icreq(&edits[i]);
	shows("TCP 1.1 §3.6.2.2",
	      "ICReq with a wrong HLEN, PLEN or HPDA: C2HTermReq, Invalid PDU Header Field, at the "
	      "field; "
	      "with another PFV: Unsupported Parameter, at PFV");
	shows("TCP 1.1 §3.6.2.5", "C2HTermReq has the PDU's header, as far as it was read");
}
END_TEST

START_TEST(pdus_before_icreq_are_out_of_sequence)
{
	static const struct edit edits[] = {
		{AT_TYPE, 1, TCP_PDU_CAPSULE_COMMAND,  TCP_FES_PDU_SEQUENCE, 0      },
		{AT_TYPE, 1, TCP_PDU_H2C_DATA,         TCP_FES_PDU_SEQUENCE, 0      },
		{AT_TYPE, 1, TCP_PDU_ICRESP,           FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_C2H_TERM,         FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_CAPSULE_RESPONSE, FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_C2H_DATA,         FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_R2T,              FIELD,                AT_TYPE},
		{AT_TYPE, 1, 0x0a,                     FIELD,                AT_TYPE},
		{AT_TYPE, 1, 0xff,                     FIELD,                AT_TYPE},
	};

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		refuse_icreq(&edits[i]);
	shows("TCP 1.1 §3.1",
	      "a command capsule or H2CData before ICReq: C2HTermReq, PDU Sequence Error");
}
END_TEST

/* ------------------------------------------------------------------ after it */

START_TEST(pdus_that_a_host_does_not_send_are_refused)
{
	static const struct edit edits[] = {
		{AT_TYPE, 1, TCP_PDU_ICREQ,            TCP_FES_PDU_SEQUENCE, 0      },
		{AT_TYPE, 1, TCP_PDU_ICRESP,           FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_C2H_TERM,         FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_CAPSULE_RESPONSE, FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_C2H_DATA,         FIELD,                AT_TYPE},
		{AT_TYPE, 1, 0x08,                     FIELD,                AT_TYPE},
		{AT_TYPE, 1, TCP_PDU_R2T,              FIELD,                AT_TYPE},
		{AT_TYPE, 1, 0x0a,                     FIELD,                AT_TYPE},
		{AT_TYPE, 1, 0x80,                     FIELD,                AT_TYPE},
		{AT_TYPE, 1, 0xff,                     FIELD,                AT_TYPE},
	};
	struct tcp_capsule_command pdu;

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		villain_connect(&plain);
		pdu = villain_capsule(1, 512, 0x5a);
		apply(&edits[i], &pdu);
		expect_term(&villain_connection, &pdu, sizeof(pdu), &edits[i]);
	}
	shows("TCP 1.1 §3.3",
	      "a PDU type that is reserved, or that only controllers send: C2HTermReq, Invalid PDU "
	      "Header "
	      "Field, at PDU-Type; a second ICReq: PDU Sequence Error");
}
END_TEST

START_TEST(a_term_request_that_cannot_be_ends_the_connection_without_an_answer)
{
	static const struct edit edits[] = {
		{AT_PLEN, 4, 23,         0, 0},
		{AT_PLEN, 4, 153,        0, 0},
		{AT_PLEN, 4, 0xffffffff, 0, 0},
		{AT_HLEN, 1, 8,          0, 0},
	};
	struct tcp_term term;

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		term = (struct tcp_term){
			.header = {.type = TCP_PDU_H2C_TERM, .hlen = 24, .plen = le32_of(24)},
			.fes = le16_of(TCP_FES_PDU_SEQUENCE),
		};
		villain_connect(&plain);
		apply(&edits[i], &term);
		villain_send(&villain_connection, &term, sizeof(term));
		connection_must(&villain_connection,
		                host_connection_await_end(&villain_connection, VILLAIN_WAIT_MS));
		ck_assert(!villain_connection.term.received);
		host_connection_close(&villain_connection);
		villain_others_do_not_notice();
	}
	shows("TCP 1.1 §3.5",
	      "H2CTermReq with PLEN below 24 or above 152: ignored, the connection ends at once");
}
END_TEST

/* ------------------------------------------------------------------ command capsules */

/* Data follows in the capsule, if `data_bytes` says so. */
static void refuse_capsule(const struct edit *edit, uint32_t data_bytes)
{
	struct tcp_capsule_command pdu;

	villain_connect_queue(false, false);
	pdu = villain_capsule(1, 512, data_bytes ? 0x01 : 0x5a);
	if (data_bytes)
		pdu.header.pdo = 72;
	pdu.header.plen = le32_of(72 + data_bytes);
	apply(edit, &pdu);
	expect_term(&villain_queue.connection, &pdu, sizeof(pdu), edit);
}

START_TEST(a_capsule_with_a_field_that_cannot_be_is_refused)
{
	static const struct edit bare[] = {
		{AT_FLAGS, 1, TCP_PDU_HDGSTF, FIELD, AT_FLAGS},
		{AT_FLAGS, 1, TCP_PDU_DDGSTF, FIELD, AT_FLAGS},
		{AT_HLEN,  1, 0,              FIELD, AT_HLEN },
		{AT_HLEN,  1, 71,             FIELD, AT_HLEN },
		{AT_HLEN,  1, 73,             FIELD, AT_HLEN },
		{AT_PLEN,  4, 0,              FIELD, AT_PLEN },
		{AT_PLEN,  4, 8,              FIELD, AT_PLEN },
		{AT_PLEN,  4, 71,             FIELD, AT_PLEN },
	};
	static const struct edit with_data[] = {
		{AT_FLAGS, 1, TCP_PDU_DDGSTF, FIELD, AT_FLAGS},
		{AT_PDO,   1, 0,              FIELD, AT_PDO  },
		{AT_PDO,   1, 68,             FIELD, AT_PDO  },
		{AT_PDO,   1, 74,             FIELD, AT_PDO  },
		{AT_PDO,   1, 252,            FIELD, AT_PDO  },
		{AT_PLEN,  4, 72 + (4 << 20), FIELD, AT_PLEN },
		{AT_PLEN,  4, 0xffffffff,     FIELD, AT_PLEN },
	};

	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		refuse_capsule(&bare[i], 0);
	for (size_t i = 0; i < sizeof(with_data) / sizeof(with_data[0]); i++)
		refuse_capsule(&with_data[i], 64);
	shows("TCP 1.1 §3.6.2.6",
	      "a command capsule with a wrong HLEN or PLEN, a PDO that is in the header, behind "
	      "the end, or no "
	      "multiple of 4, or a digest flag that was not agreed: C2HTermReq, Invalid PDU Header "
	      "Field, at "
	      "the field");
}
END_TEST

START_TEST(a_capsule_without_the_digests_agreed_is_refused)
{
	struct tcp_capsule_command pdu;
	static const struct edit no_header_digest = {AT_FLAGS, 1, 0, FIELD, AT_FLAGS};
	static const struct edit a_data_digest = {AT_FLAGS, 1, TCP_PDU_DDGSTF, FIELD, AT_FLAGS};
	static const struct edit no_data_digest = {AT_FLAGS, 1, 0, FIELD, AT_FLAGS};

	villain_connect_queue(true, false);
	pdu = villain_capsule(1, 512, 0x5a);
	expect_term(&villain_queue.connection, &pdu, sizeof(pdu), &no_header_digest);
	villain_connect_queue(false, true);
	pdu = villain_capsule(1, 512, 0x5a);
	apply(&a_data_digest, &pdu); /* of no data */
	expect_term(&villain_queue.connection, &pdu, sizeof(pdu), &a_data_digest);
	villain_connect_queue(false, true);
	pdu = villain_capsule(1, 512, 0x01);
	pdu.header.pdo = 72;
	pdu.header.plen = le32_of(72 + 512);
	expect_term(&villain_queue.connection, &pdu, sizeof(pdu), &no_data_digest);
	scene.options.wishes = plain;
	shows("TCP 1.1 §3.3.1.1",
	      "HDGSTF and DDGSTF must say what was agreed: else C2HTermReq, Invalid PDU Header "
	      "Field, at FLAGS");
}
END_TEST

/* ------------------------------------------------------------------ H2CData */

START_TEST(h2cdata_with_a_field_that_cannot_be_is_refused)
{
	static const struct edit edits[] = {
		{AT_FLAGS, 1, TCP_PDU_LAST | TCP_PDU_HDGSTF, FIELD,                     AT_FLAGS},
		{AT_FLAGS, 1, TCP_PDU_LAST | TCP_PDU_DDGSTF, FIELD,                     AT_FLAGS},
		{AT_FLAGS, 1, 0,                             TCP_FES_PDU_SEQUENCE,      0       },
		{AT_HLEN,  1, 23,                            FIELD,                     AT_HLEN },
		{AT_HLEN,  1, 72,                            FIELD,                     AT_HLEN },
		{AT_PDO,   1, 20,                            FIELD,                     AT_PDO  },
		{AT_PDO,   1, 26,                            FIELD,                     AT_PDO  },
		{AT_PLEN,  4, 23,                            FIELD,                     AT_PLEN },
		{AT_PLEN,  4, 24,                            FIELD,                     AT_PLEN },
		{AT_PLEN,  4, 24 + (1 << 20) + 4,            TCP_FES_DATA_LIMIT,        0       },
		{8,        2, 8,			     FIELD,                     8       },
		{10,       2, 0xffff,                        FIELD,                     10      },
		{12,       4, 4,			     TCP_FES_DATA_OUT_OF_RANGE, 0       },
		{12,       4, 0xfffffffc,                    TCP_FES_DATA_OUT_OF_RANGE, 0       },
		{16,       4, VILLAIN_TRANSFER_BYTES - 4,    FIELD,                     16      },
		{16,       4, 0xffffffff,                    FIELD,                     16      },
	};
	struct tcp_data pdu;

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		pdu = villain_begin_transfer();
		apply(&edits[i], &pdu);
		expect_term(&villain_queue.connection, &pdu, sizeof(pdu), &edits[i]);
	}
	shows("TCP 1.1 §3.6.2.8",
	      "H2CData with a wrong HLEN, PDO, PLEN, flag, CCCID, TTAG or DATAL: C2HTermReq, "
	      "Invalid PDU Header "
	      "Field, at the field");
	shows("TCP 1.1 §3.3.2.2",
	      "H2CData of more than MAXH2CDATA: Data Transfer Limit Exceeded; outside of its R2T: "
	      "Data Transfer Out of "
	      "Range; LAST_PDU not where the R2T is satisfied: PDU Sequence Error");
}
END_TEST

START_TEST(h2cdata_after_the_last_is_for_an_unknown_tag)
{
	static const struct edit edit = {10, 2, 0, FIELD, 10};
	uint8_t data[VILLAIN_TRANSFER_BYTES] = {0};
	struct tcp_data pdu = villain_begin_transfer();
	struct host_pdu answer;

	villain_send(&villain_queue.connection, &pdu, sizeof(pdu));
	villain_send(&villain_queue.connection, data, sizeof(data));
	connection_must(
		&villain_queue.connection,
		host_connection_receive(&villain_queue.connection, &answer, VILLAIN_WAIT_MS));
	ck_assert_uint_eq(answer.type, TCP_PDU_CAPSULE_RESPONSE);
	expect_term(&villain_queue.connection, &pdu, sizeof(pdu), &edit);
	shows("TCP 1.1 §3.3.2.2",
	      "H2CData with a TTAG of which all data has come: C2HTermReq, Invalid PDU Header "
	      "Field, at TTAG");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal of PDUs");

	describe_running(suite,
	                 "a new connection",
	                 given_a_set,
	                 scene_stop,
	                 icreq_with_a_field_that_cannot_be_is_refused,
	                 pdus_before_icreq_are_out_of_sequence,
	                 pdus_that_a_host_does_not_send_are_refused,
	                 a_term_request_that_cannot_be_ends_the_connection_without_an_answer);
	describe_running(suite,
	                 "a connected queue",
	                 given_a_set,
	                 scene_stop,
	                 a_capsule_with_a_field_that_cannot_be_is_refused,
	                 a_capsule_without_the_digests_agreed_is_refused,
	                 h2cdata_with_a_field_that_cannot_be_is_refused,
	                 h2cdata_after_the_last_is_for_an_unknown_tag);
	return harness_run(suite);
}
