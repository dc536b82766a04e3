/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection over loopback; the test is the host on one side of it and the core on the other. */
#include "services/tcp/connection.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"
#include "tests/unit/tcp/core.h"
#include "tests/unit/tcp/host.h"

static void given_a_ready_connection(void)
{
	host_connects_with(0);
}

static struct connection *connection(void)
{
	return container_of(core.queue, struct connection, queue);
}

/* ------------------------------------------------------------------ before ICReq */

START_TEST(refuses_a_capsule_before_icreq)
{
	host_sends_a_flush(1);
	host_receives_a_term_request(TCP_FES_PDU_SEQUENCE, 0, 8);
	ck_assert_uint_eq(core.n_executed, 0);
}
END_TEST

START_TEST(refuses_an_icreq_of_another_format)
{
	struct tcp_icreq icreq = {
		.header = {.type = TCP_PDU_ICREQ, .hlen = 128, .plen = le32_of(128)},
		.pfv = le16_of(1),
	};

	host_sends(&icreq, sizeof(icreq));
	host_receives_a_term_request(TCP_FES_UNSUPPORTED_PARAMETER, 8, 128);
}
END_TEST

START_TEST(is_over_when_the_host_says_nothing_for_10_s)
{
	struct loop_timer *timer = &connection()->timer;

	core_run();
	ck_assert_uint_le(timer->due_ns, clock_now_ns() + 10 * NS_PER_S);
	ck_assert_uint_gt(timer->due_ns, clock_now_ns() + 8 * NS_PER_S);
	connection()->state_since_ns -= 10 * NS_PER_S;
	loop_timer_set(core.loop, timer, clock_now_ns());
	core_run();
	ck_assert(core.closed);
	host_sees_the_end();
}
END_TEST

START_TEST(is_over_when_the_host_hangs_up)
{
	shutdown(core.host, SHUT_WR);
	core_run();
	ck_assert(core.closed);
}
END_TEST

/* ------------------------------------------------------------------ commands */

START_TEST(answers_commands_in_the_order_of_their_completion)
{
	host_sends_a_flush(1);
	host_sends_a_flush(2);
	core_run();
	ck_assert_uint_eq(core.n_executed, 2);
	core_answer(STATUS_OK);
	core_answer(status_dnr(NVME_SC_INVALID_FIELD));
	host_receives_a_response(1, 0);
	host_receives_a_response(2, 0x4002);
}
END_TEST

START_TEST(sends_the_data_of_a_read_whole)
{
	static uint8_t received[CORE_DATA_MAX];
	struct tcp_data pdu;

	host_sends_a_read(1, CORE_DATA_MAX);
	core_run();
	memcpy(core.executed[0]->data, host_data, CORE_DATA_MAX);
	core_answer(STATUS_OK);
	host_receives(&pdu, sizeof(pdu));
	ck_assert_uint_eq(pdu.header.type, TCP_PDU_C2H_DATA);
	ck_assert_uint_eq(pdu.header.flags, TCP_PDU_LAST);
	ck_assert_uint_eq(le32_get(pdu.datal), CORE_DATA_MAX);
	host_receives(received, CORE_DATA_MAX);
	ck_assert_mem_eq(received, host_data, CORE_DATA_MAX);
	host_receives_a_response(1, 0);
}
END_TEST

START_TEST(omits_the_response_without_sq_flow_control)
{
	static uint8_t received[4096];
	struct tcp_data pdu;

	core.queue->sqflow_disabled = true;
	host_sends_a_read(1, sizeof(received));
	core_run();
	core_answer(STATUS_OK);
	host_receives(&pdu, sizeof(pdu));
	ck_assert_uint_eq(pdu.header.flags, TCP_PDU_LAST | TCP_PDU_SUCCESS);
	host_receives(received, sizeof(received));
	host_receives_nothing();
}
END_TEST

START_TEST(receives_data_in_the_capsule)
{
	host_sends_a_write_in_capsule(1, 4096);
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	ck_assert_mem_eq(core.executed[0]->data, host_data, 4096);
}
END_TEST

START_TEST(skips_data_that_does_not_fit_its_command)
{
	struct tcp_capsule_command pdu = host_capsule(
		NVME_IO_WRITE, 1, NVME_SGL_SUB_OFFSET, 512, 1024);

	host_sends(&pdu, sizeof(pdu));
	host_sends(host_data, 1024);
	host_sends_a_flush(2);
	core_run();
	ck_assert_uint_eq(core.n_executed, 2);
	ck_assert_int_eq(status_code(core.executed[0]->status), NVME_SC_SGL_DATA_LENGTH);
}
END_TEST

START_TEST(refuses_a_second_icreq)
{
	host_sends_icreq(0);
	host_receives_a_term_request(TCP_FES_PDU_SEQUENCE, 0, 8);
}
END_TEST

/* It said "there was something" for as long as the host did not close, and the loop span. */
START_TEST(has_nothing_to_try_while_it_waits_for_the_host_to_close)
{
	struct loop_source *source = &connection()->source;

	host_sends_icreq(0);
	host_receives_a_term_request(TCP_FES_PDU_SEQUENCE, 0, 8);
	ck_assert_int_eq(connection()->state, LIFE_LINGERING);
	ck_assert(!source->try(source));
	host_sends("?", 1);
	ck_assert(source->try(source));
	ck_assert(!source->try(source));
	shutdown(core.host, SHUT_WR);
	ck_assert(source->try(source));
	core_run();
	ck_assert(core.closed);
}
END_TEST

START_TEST(sends_what_is_answered_before_it_refuses)
{
	host_sends_a_flush(1);
	core_run();
	core_answer(STATUS_OK);
	host_sends("GET / HTTP/1.1", 14);
	host_receives_a_response(1, 0);
	host_receives_a_term_request(TCP_FES_INVALID_HEADER_FIELD, 0, 8);
}
END_TEST

START_TEST(closes_when_the_host_sends_a_term_request)
{
	struct tcp_term term = {
		.header = {.type = TCP_PDU_H2C_TERM, .hlen = 24, .plen = le32_of(24)},
		.fes = le16_of(1),
	};

	host_sends(&term, sizeof(term));
	core_run();
	ck_assert(core.closed);
}
END_TEST

START_TEST(forgets_the_answers_of_a_host_that_is_gone)
{
	host_sends_a_flush(1);
	host_sends_a_flush(2);
	core_run();
	shutdown(core.host, SHUT_RDWR);
	core_run();
	ck_assert(core.closed);
	ck_assert_uint_eq(core.n_executed, 2);
}
END_TEST

/* ------------------------------------------------------------------ back-pressure */

static void given_a_core_with_one_request(void)
{
	given_a_ready_connection();
	core.requests = 1;
}

START_TEST(stops_reading_when_requests_run_out)
{
	host_sends_a_flush(1);
	host_sends_a_flush(2);
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	ck_assert(connection()->paused);
	ck_assert_uint_eq(connection()->source.events & EPOLLIN, 0);
}
END_TEST

START_TEST(takes_what_was_stashed_in_order)
{
	uint8_t burst[3][sizeof(struct tcp_capsule_command)];

	for (uint16_t i = 0; i < 3; i++) {
		struct tcp_capsule_command pdu = host_capsule(NVME_IO_FLUSH, i, 0, 0, 0);

		memcpy(burst[i], &pdu, sizeof(pdu));
	}
	host_sends(burst, sizeof(burst));
	core_run();
	for (uint16_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(core.n_executed, 1);
		core_answer(STATUS_OK);
		host_receives_a_response(i, 0);
		core_resume();
		core_run();
	}
	ck_assert_ptr_null(connection()->stash);
}
END_TEST

START_TEST(takes_a_command_again_that_was_the_last_of_the_bytes)
{
	host_sends_a_flush(1);
	core_run();
	host_sends_a_flush(2);
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	core_answer(STATUS_OK);
	host_receives_a_response(1, 0);
	core_resume();
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	ck_assert_uint_eq(le16_get(core.executed[0]->command.cid), 2);
}
END_TEST

START_TEST(waits_for_room_for_data_in_the_capsule)
{
	core.has_room = false;
	host_sends_a_write_in_capsule(1, 4096);
	core_run();
	ck_assert_uint_eq(core.n_executed, 0);
	ck_assert(connection()->paused);
	core.has_room = true;
	core_resume();
	core_run();
	ck_assert_uint_eq(core.n_executed, 1);
	ck_assert_mem_eq(core.executed[0]->data, host_data, 4096);
}
END_TEST

START_TEST(may_end_while_it_waits_for_room)
{
	core.has_room = false;
	host_sends_a_write_in_capsule(1, 4096);
	core_run();
	core.queue->wire->terminate(core.queue, "test");
	host_sees_the_end();
}
END_TEST

/* ------------------------------------------------------------------ a slow host */

START_TEST(is_over_when_the_host_stops_within_a_pdu_for_30_s)
{
	host_sends("\x04", 1);
	core_run();
	ck_assert_uint_gt(connection()->pdu_since_ns, 0);
	connection()->pdu_since_ns -= 30 * NS_PER_S;
	loop_timer_set(core.loop, &connection()->timer, clock_now_ns());
	core_run();
	ck_assert(core.closed);
	shows("TCP 1.1 §3.5", "a host that stops within a PDU is disconnected after 30 s");
}
END_TEST

START_TEST(keeps_little_for_later_when_others_have_much)
{
	size_t *stashed = &connection()->lane->stashed_bytes;

	core.has_room = false;
	host_sends_a_write_in_capsule(0, 4096);
	for (uint16_t i = 1; i < 1000; i++)
		host_sends_a_flush(i);
	*stashed = LANE_STASH_MAX;
	core_run();
	ck_assert(connection()->paused);
	ck_assert_uint_gt(connection()->stash_bytes, 0);
	ck_assert_uint_le(connection()->stash_bytes, LANE_LITTLE_BYTES);
	ck_assert_uint_eq(*stashed, LANE_STASH_MAX + connection()->stash_bytes);
	shutdown(core.host, SHUT_RDWR);
	connection_event(connection(), LIFE_ON_HUNG_UP);
	ck_assert_uint_eq(*stashed, LANE_STASH_MAX);
	core_run();
}
END_TEST

static void given_a_host_that_does_not_read(void)
{
	int small = 65536;

	given_a_ready_connection();
	setsockopt(connection()->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(core.host, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (uint16_t i = 0; i < 3; i++) {
		host_sends_a_read(i, CORE_DATA_MAX);
		core_run();
		core_answer(STATUS_OK);
	}
	core_run();
	ck_assert_uint_gt(connection()->stuck_since_ns, 0);
}

START_TEST(is_over_when_it_does_not_read_for_30_s)
{
	connection()->stuck_since_ns -= 30 * NS_PER_S;
	loop_timer_set(core.loop, &connection()->timer, clock_now_ns());
	core_run();
	ck_assert(core.closed);
}
END_TEST

START_TEST(is_over_when_it_reads_nothing_for_10_s)
{
	connection()->stuck_since_ns -= 10 * NS_PER_S;
	loop_timer_set(core.loop, &connection()->timer, clock_now_ns());
	core_run();
	ck_assert(!core.closed); /* it took something just now */
	connection()->took_ns -= 10 * NS_PER_S;
	loop_timer_set(core.loop, &connection()->timer, clock_now_ns());
	core_run();
	ck_assert(core.closed);
}
END_TEST

START_TEST(gets_all_when_it_reads_at_last)
{
	static uint8_t received[CORE_DATA_MAX];

	for (uint16_t i = 0; i < 3; i++) {
		struct tcp_data pdu;

		host_receives(&pdu, sizeof(pdu));
		ck_assert_uint_eq(le16_get(pdu.cccid), i);
		host_receives(received, sizeof(received));
		host_receives_a_response(i, 0);
	}
	core_run();
	ck_assert_uint_eq(connection()->stuck_since_ns, 0);
}
END_TEST

START_TEST(cannot_answer_an_r2t_that_was_not_sent)
{
	host_sends_a_write(9, 4096);
	core_run();
	host_sends_data(9, core_find(9)->index, 0, 4096, TCP_PDU_LAST);
	core_run();
	ck_assert_int_eq(connection()->state, LIFE_DRAINING);
	ck_assert_uint_eq(core.n_executed, 0);
}
END_TEST

START_TEST(gets_no_answer_behind_a_term_request)
{
	uint32_t queued;

	host_sends_a_flush(9);
	host_sends("GET / HTTP/1.1", 14);
	core_run();
	ck_assert_int_eq(connection()->state, LIFE_DRAINING);
	queued = core.queue->in_wire;
	core_answer(STATUS_OK);
	ck_assert_uint_eq(core.queue->in_wire, queued);
	shows("TCP 1.1 §3.5", "nothing is sent behind a C2HTermReq, and no PDU is taken any more");
}
END_TEST

/* ------------------------------------------------------------------ the end by the core */

START_TEST(sends_what_is_queued_before_the_core_ends_it)
{
	host_sends_a_flush(1);
	core_run();
	core_answer(STATUS_OK);
	core.queue->wire->terminate(core.queue, "test");
	host_receives_a_response(1, 0);
	host_sees_the_end();
	shutdown(core.host, SHUT_RDWR);
	core_run();
	ck_assert(core.closed);
}
END_TEST

START_TEST(does_not_wait_for_ever_for_the_host_to_close)
{
	core.queue->wire->terminate(core.queue, "test");
	host_sees_the_end();
	ck_assert(!core.closed);
	ck_assert_uint_le(connection()->timer.due_ns, clock_now_ns() + 2 * NS_PER_S);
	connection()->state_since_ns -= 2 * NS_PER_S;
	loop_timer_set(core.loop, &connection()->timer, clock_now_ns());
	core_run();
	ck_assert(core.closed);
	shows("TCP 1.1 §3.5",
	      "a host that does not end the connection after C2HTermReq is disconnected");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connection");

	describe(suite,
	         "before ICReq",
	         host_connects,
	         host_is_forgotten,
	         refuses_a_capsule_before_icreq,
	         refuses_an_icreq_of_another_format,
	         is_over_when_the_host_says_nothing_for_10_s,
	         is_over_when_the_host_hangs_up);
	describe(suite,
	         "a ready connection",
	         given_a_ready_connection,
	         host_is_forgotten,
	         answers_commands_in_the_order_of_their_completion,
	         sends_the_data_of_a_read_whole,
	         omits_the_response_without_sq_flow_control,
	         receives_data_in_the_capsule,
	         skips_data_that_does_not_fit_its_command,
	         refuses_a_second_icreq,
	         has_nothing_to_try_while_it_waits_for_the_host_to_close,
	         sends_what_is_answered_before_it_refuses,
	         closes_when_the_host_sends_a_term_request,
	         forgets_the_answers_of_a_host_that_is_gone);
	describe(suite,
	         "a core that runs out of something",
	         given_a_core_with_one_request,
	         host_is_forgotten,
	         stops_reading_when_requests_run_out,
	         takes_what_was_stashed_in_order,
	         takes_a_command_again_that_was_the_last_of_the_bytes,
	         waits_for_room_for_data_in_the_capsule,
	         may_end_while_it_waits_for_room,
	         keeps_little_for_later_when_others_have_much);
	describe(suite,
	         "a host that is slow to send",
	         given_a_ready_connection,
	         host_is_forgotten,
	         is_over_when_the_host_stops_within_a_pdu_for_30_s);
	describe(suite,
	         "a host that does not read",
	         given_a_host_that_does_not_read,
	         host_is_forgotten,
	         is_over_when_it_does_not_read_for_30_s,
	         is_over_when_it_reads_nothing_for_10_s,
	         gets_all_when_it_reads_at_last,
	         gets_no_answer_behind_a_term_request,
	         cannot_answer_an_r2t_that_was_not_sent);
	describe(suite,
	         "a connection that the core ends",
	         given_a_ready_connection,
	         host_is_forgotten,
	         sends_what_is_queued_before_the_core_ends_it,
	         does_not_wait_for_ever_for_the_host_to_close);
	return run(suite);
}
