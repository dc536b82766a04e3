/* SPDX-License-Identifier: BSD-2-Clause */
/* Data that does not come in the capsule, or comes with a digest. */
#include "services/tcp/connection.h"

#include <string.h>
#include <sys/socket.h>

#include "services/tcp/digest.h"
#include "tests/support/shows.h"
#include "tests/support/spec.h"
#include "tests/unit/tcp/core.h"
#include "tests/unit/tcp/host.h"

static struct connection *connection(void)
{
	return container_of(core.queue, struct connection, queue);
}

static void given_a_ready_connection(void)
{
	host_connects_with(0);
}

static void given_a_ready_connection_with_data_digests(void)
{
	host_connects_with(TCP_DGST_DATA);
}

/* ------------------------------------------------------------------ transfers */

START_TEST(asks_for_the_data_of_a_write)
{
	struct tcp_r2t r2t;
	uint16_t ttag;

	host_sends_a_write(1, 65536);
	r2t = host_receives_r2t(1, 65536);
	ttag = le16_get(r2t.ttag);
	host_sends_data(1, ttag, 0, 16384, 0);
	core_run();
	ck_assert_uint_eq(core.n_executed, 0);
	host_sends_data(1, ttag, 16384, 49152, TCP_PDU_LAST);
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	ck_assert_mem_eq(core.executed[0]->data, host_data, 65536);
}
END_TEST

START_TEST(takes_transfers_side_by_side)
{
	struct tcp_r2t first, second;

	host_sends_a_write(1, 8192);
	host_sends_a_write(2, 8192);
	first = host_receives_r2t(1, 8192);
	second = host_receives_r2t(2, 8192);
	host_sends_data(2, le16_get(second.ttag), 0, 4096, 0);
	host_sends_data(1, le16_get(first.ttag), 0, 8192, TCP_PDU_LAST);
	host_sends_data(2, le16_get(second.ttag), 4096, 4096, TCP_PDU_LAST);
	core_run();
	ck_assert_uint_eq(core.n_executed, 2);
	ck_assert_mem_eq(core.executed[0]->data, host_data, 8192);
	ck_assert_mem_eq(core.executed[1]->data, host_data, 8192);
}
END_TEST

START_TEST(goes_on_reading_where_a_transfer_has_no_room_yet)
{
	core.has_room = false;
	host_sends_a_write(1, 4096);
	host_sends_a_flush(2);
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	host_receives_nothing();
	core_fetch(core_find(1));
	host_receives_r2t(1, 4096);
}
END_TEST

START_TEST(refuses_data_that_nobody_asked_for)
{
	host_sends_data(1, 0, 0, 4096, TCP_PDU_LAST);
	host_receives_a_term_request(TCP_FES_INVALID_HEADER_FIELD, 10, 24);
}
END_TEST

START_TEST(refuses_data_for_a_transfer_that_is_over)
{
	struct tcp_r2t r2t;

	host_sends_a_write(1, 4096);
	r2t = host_receives_r2t(1, 4096);
	host_sends_data(1, le16_get(r2t.ttag), 0, 4096, TCP_PDU_LAST);
	host_sends_data(1, le16_get(r2t.ttag), 0, 4096, TCP_PDU_LAST);
	host_receives_a_term_request(TCP_FES_INVALID_HEADER_FIELD, 10, 24);
}
END_TEST

START_TEST(refuses_data_before_it_has_asked)
{
	core.has_room = false;
	host_sends_a_write(1, 4096);
	core_run();
	host_sends_data(1, core_find(1)->index, 0, 4096, TCP_PDU_LAST);
	host_receives_a_term_request(TCP_FES_INVALID_HEADER_FIELD, 10, 24);
}
END_TEST

START_TEST(is_over_when_the_data_does_not_come_in_60_s)
{
	host_sends_a_write(1, 4096);
	host_receives_r2t(1, 4096);
	core_run();
	tcp_request_of(core_find(1))->since_ms -= 60000;
	loop_timer_set(core.loop, &connection()->timer, clock_now_ns());
	core_run();
	ck_assert(core.closed);
	shows("TCP 1.1 §3.3.2.2",
	      "a host that does not answer an R2T is disconnected: after 10 s of silence, or 60 s");
}
END_TEST

static void expire(void)
{
	loop_timer_set(core.loop, &connection()->timer, clock_now_ns());
	core_run();
}

START_TEST(is_over_when_nothing_comes_for_10_s)
{
	struct tcp_r2t r2t;

	host_sends_a_write(1, 8192);
	r2t = host_receives_r2t(1, 8192);
	core_run();
	tcp_request_of(core_find(1))->since_ms -= 20000;
	host_sends_data(1, le16_get(r2t.ttag), 0, 4096, 0);
	core_run();
	expire();
	ck_assert(!core.closed);
	connection()->heard_ns -= 10 * NS_PER_S;
	expire();
	ck_assert(core.closed);
}
END_TEST

START_TEST(does_not_count_the_time_in_which_we_do_not_read)
{
	host_sends_a_write(1, 4096);
	host_receives_r2t(1, 4096);
	core.has_room = false;
	host_sends_a_write_in_capsule(2, 512);
	core_run();
	ck_assert(connection()->paused);
	tcp_request_of(core_find(1))->since_ms -= 70000;
	connection()->paused_ns -= 69 * NS_PER_S;
	connection()->heard_ns -= 69 * NS_PER_S;
	expire();
	ck_assert(!core.closed);
	core.has_room = true;
	core_resume();
	expire();
	ck_assert(!core.closed);
	ck_assert_uint_ge(transfer_oldest_ns(connection()), clock_now_ns() - 3 * NS_PER_S);
}
END_TEST

START_TEST(asks_for_nothing_behind_a_term_request)
{
	core.has_room = false;
	host_sends_a_write(1, 4096);
	core_run();
	host_sends_data(1, 0, 0, 4096, TCP_PDU_LAST);
	core_run();
	core_fetch(core_find(1));
	host_receives_a_term_request(TCP_FES_INVALID_HEADER_FIELD, 10, 24);
}
END_TEST

START_TEST(is_over_when_its_data_lies_behind_too_many_commands)
{
	core.requests = 2;
	for (uint16_t i = 1; i <= 3; i++)
		host_sends_a_write(i, 4096);
	host_receives_r2t(1, 4096);
	host_receives_r2t(2, 4096);
	host_sees_the_end();
}
END_TEST

START_TEST(goes_on_while_another_command_may_become_free)
{
	core.requests = 2;
	host_sends_a_flush(1);
	host_sends_a_write(2, 4096);
	host_sends_a_flush(3);
	host_receives_r2t(2, 4096);
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	ck_assert(!core.queue->closing);
	core_answer(STATUS_OK);
	core_run();
	core_resume();
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
}
END_TEST

START_TEST(finishes_a_transfer_when_the_host_hangs_up)
{
	host_sends_a_write(1, 4096);
	host_receives_r2t(1, 4096);
	host_sends("\x06\x04\x18", 3);
	core_run();
	shutdown(core.host, SHUT_RDWR);
	core_run();
	ck_assert(core.closed);
}
END_TEST

/* ------------------------------------------------------------------ data digests */

static void host_sends_a_write_with_digest(uint16_t cid, uint32_t wrong)
{
	struct tcp_capsule_command pdu = host_capsule(
		NVME_IO_WRITE, cid, NVME_SGL_SUB_OFFSET, 512, 512);
	struct le32 digest = le32_of(le32_get(digest_of(host_data, 512)) ^ wrong);

	pdu.header.flags = TCP_PDU_DDGSTF;
	pdu.header.plen = le32_of(72 + 512 + 4);
	host_sends(&pdu, sizeof(pdu));
	host_sends(host_data, 512);
	host_sends(&digest, sizeof(digest));
}

START_TEST(fails_a_command_whose_data_is_wrong)
{
	host_sends_a_write_with_digest(1, 1);
	host_receives_a_response(1, NVME_SC_TRANSIENT_TRANSPORT);
	ck_assert_uint_eq(core.n_executed, 0);
}
END_TEST

START_TEST(lives_on_after_wrong_data)
{
	host_sends_a_write_with_digest(1, 1);
	host_sends_a_write_with_digest(2, 0);
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	ck_assert_uint_eq(le16_get(core.executed[0]->command.cid), 2);
}
END_TEST

static void host_sends_data_with_digest(uint16_t ttag, uint32_t offset, uint8_t flags,
                                        uint32_t wrong)
{
	struct tcp_data pdu = {
		.header = {.type = TCP_PDU_H2C_DATA,
	                   .flags = flags | TCP_PDU_DDGSTF,
	                   .hlen = 24,
	                   .pdo = 24,
	                   .plen = le32_of(24 + 512 + 4)},
		.cccid = le16_of(1),
		.ttag = le16_of(ttag),
		.datao = le32_of(offset),
		.datal = le32_of(512),
	};
	struct le32 digest = le32_of(le32_get(digest_of(host_data, 512)) ^ wrong);

	host_sends(&pdu, sizeof(pdu));
	host_sends(host_data, 512);
	host_sends(&digest, sizeof(digest));
}

START_TEST(fails_a_transfer_when_all_of_it_has_come)
{
	struct tcp_r2t r2t;
	uint16_t ttag;

	host_sends_a_write(1, 1024);
	r2t = host_receives_r2t(1, 1024);
	ttag = le16_get(r2t.ttag);
	host_sends_data_with_digest(ttag, 0, 0, 1);
	host_receives_nothing();
	host_sends_data_with_digest(ttag, 512, TCP_PDU_LAST, 0);
	host_receives_a_response(1, NVME_SC_TRANSIENT_TRANSPORT);
	ck_assert_uint_eq(core.n_executed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transfer");

	describe(suite,
	         "a transfer",
	         given_a_ready_connection,
	         host_is_forgotten,
	         asks_for_the_data_of_a_write,
	         takes_transfers_side_by_side,
	         goes_on_reading_where_a_transfer_has_no_room_yet,
	         refuses_data_that_nobody_asked_for,
	         refuses_data_for_a_transfer_that_is_over,
	         refuses_data_before_it_has_asked,
	         is_over_when_the_data_does_not_come_in_60_s,
	         is_over_when_nothing_comes_for_10_s,
	         does_not_count_the_time_in_which_we_do_not_read,
	         asks_for_nothing_behind_a_term_request,
	         is_over_when_its_data_lies_behind_too_many_commands,
	         goes_on_while_another_command_may_become_free,
	         finishes_a_transfer_when_the_host_hangs_up);
	describe(suite,
	         "a connection with data digests",
	         given_a_ready_connection_with_data_digests,
	         host_is_forgotten,
	         fails_a_command_whose_data_is_wrong,
	         lives_on_after_wrong_data,
	         fails_a_transfer_when_all_of_it_has_come);
	return run(suite);
}
