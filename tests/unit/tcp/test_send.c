/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers whose data is not theirs: it may change, or go, as soon as another command is executed.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/shm/memory.h"
#include "services/tcp/connection.h"
#include "services/tcp/wire.h"
#include "tests/support/spec.h"
#include "tests/unit/tcp/core.h"
#include "tests/unit/tcp/host.h"

#define SMALL 4096u
#define LARGE CORE_DATA_MAX

static struct connection *connection(void)
{
	return container_of(core.queue, struct connection, queue);
}

static void given_a_lender(uint8_t dgst)
{
	ck_assert_int_eq(memory_guard(), 0);
	host_connects_with(dgst);
	core.lent = mmap(
		NULL, CORE_DATA_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(core.lent, MAP_FAILED);
	memcpy(core.lent, host_data, CORE_DATA_MAX);
}

static void given_a_connection(void)
{
	given_a_lender(0);
}

static void given_small_buffers(void)
{
	int small = 65536;

	given_a_lender(0);
	setsockopt(connection()->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(core.host, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
}

/* Where it is lent from, there is other data: another command was executed. */
static void others_write(void)
{
	memset(core.lent, 0xee, CORE_DATA_MAX);
}

/* The kernel cannot provide the pages from `offset` on. */
static void pages_are_refused(size_t offset)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_ptr_ne(mmap(core.lent + offset,
	                      CORE_DATA_MAX - offset,
	                      PROT_READ,
	                      MAP_SHARED | MAP_FIXED,
	                      fd,
	                      0),
	                 MAP_FAILED);
	close(fd);
}

/* A read has been executed, and is not sent yet if it is small. Its request. */
static struct request *answer_a_read(uint16_t cid, uint32_t length)
{
	struct request *request;

	host_sends_a_read(cid, length);
	core_run();
	request = core.executed[0];
	core_lend(request);
	core_answer(STATUS_OK);
	return request;
}

static void expect_header(uint16_t cid, uint32_t length)
{
	struct tcp_data pdu;

	host_receives(&pdu, sizeof(pdu));
	ck_assert_uint_eq(pdu.header.type, TCP_PDU_C2H_DATA);
	ck_assert_uint_eq(le16_get(pdu.cccid), cid);
	ck_assert_uint_eq(le32_get(pdu.datal), length);
}

static void expect_read(uint16_t cid, uint32_t length)
{
	static uint8_t received[CORE_DATA_MAX];

	expect_header(cid, length);
	host_receives(received, length);
	ck_assert_mem_eq(received, host_data, length);
	host_receives_a_response(cid, 0);
}

/* ------------------------------------------------------------------ sending */

START_TEST(is_sent_from_where_it_is)
{
	static uint8_t received[SMALL];

	answer_a_read(1, SMALL);
	core.lent[100] ^= 1;
	expect_header(1, SMALL);
	host_receives(received, SMALL);
	ck_assert_uint_eq(received[100], core.lent[100]);
	host_receives_a_response(1, 0);
}
END_TEST

START_TEST(waits_for_the_end_of_the_round_if_it_is_small)
{
	uint8_t byte;

	answer_a_read(1, SMALL);
	ck_assert_int_eq(recv(core.host, &byte, 1, MSG_DONTWAIT), -1);
	expect_read(1, SMALL);
}
END_TEST

START_TEST(is_sent_at_once_if_it_is_large)
{
	uint8_t byte;

	answer_a_read(1, LARGE);
	ck_assert_int_eq(recv(core.host, &byte, 1, MSG_DONTWAIT | MSG_PEEK), 1);
	expect_read(1, LARGE);
}
END_TEST

START_TEST(is_never_borrowed_when_a_digest_is_of_it)
{
	ck_assert(!core.queue->may_borrow);
}
END_TEST

START_TEST(may_be_borrowed_without_a_data_digest)
{
	ck_assert(core.queue->may_borrow);
}
END_TEST

static void given_a_connection_with_data_digests(void)
{
	given_a_lender(TCP_DGST_DATA);
}

static void given_a_connection_with_header_digests(void)
{
	given_a_lender(TCP_DGST_HEADER);
}

/* ------------------------------------------------------------------ a socket that is full */

START_TEST(is_kept_as_soon_as_a_part_is_sent)
{
	answer_a_read(1, LARGE);
	ck_assert_uint_gt(connection()->sent_bytes, 0);
	ck_assert_uint_eq(core_borrowed(), 0);
	others_write();
	expect_read(1, LARGE);
}
END_TEST

START_TEST(is_kept_when_the_round_is_over)
{
	answer_a_read(1, LARGE);
	answer_a_read(2, SMALL);
	ck_assert_uint_eq(core_borrowed(), 1);
	core_run();
	ck_assert_uint_eq(core_borrowed(), 0);
	others_write();
	expect_read(1, LARGE);
	expect_read(2, SMALL);
}
END_TEST

START_TEST(is_kept_beyond_the_bytes_of_a_round)
{
	host_sends_a_read(1, LARGE);
	host_sends_a_read(2, SMALL);
	core.at_once = true;
	core_run();
	ck_assert_uint_eq(core_borrowed(), 0);
	others_write();
	expect_read(1, LARGE);
	expect_read(2, SMALL);
}
END_TEST

/* ------------------------------------------------------------------ a lender that goes */

START_TEST(is_kept_when_the_core_says_so)
{
	struct request *request = answer_a_read(1, SMALL);

	tcp_wire.keep(request);
	ck_assert(!request->is_borrowed);
	others_write();
	pages_are_refused(0);
	expect_read(1, SMALL);
}
END_TEST

START_TEST(fails_if_it_cannot_be_kept)
{
	struct request *request = answer_a_read(1, SMALL);

	pages_are_refused(0);
	tcp_wire.keep(request);
	host_receives_a_response(1, NVME_SC_DATA_TRANSFER_ERROR);
}
END_TEST

/* ------------------------------------------------------------------ pages that are refused */

START_TEST(fails_if_its_page_is_refused)
{
	pages_are_refused(0);
	answer_a_read(1, SMALL);
	host_receives_a_response(1, NVME_SC_DATA_TRANSFER_ERROR);
	host_sends_a_flush(2);
	core_run();
	core_answer(STATUS_OK);
	host_receives_a_response(2, 0);
}
END_TEST

START_TEST(fails_alone)
{
	host_sends_a_read(1, SMALL);
	host_sends_a_read(2, 2 * SMALL);
	host_sends_a_read(3, SMALL);
	core.at_once = true;
	pages_are_refused(SMALL);
	core_run();
	expect_read(1, SMALL);
	host_receives_a_response(2, NVME_SC_DATA_TRANSFER_ERROR);
	expect_read(3, SMALL);
}
END_TEST

/* Its header, which says that the data comes, is sent. */
START_TEST(ends_the_connection_if_it_is_begun)
{
	pages_are_refused(LARGE / 2);
	answer_a_read(1, LARGE);
	ck_assert_uint_gt(connection()->sent_bytes, 0);
	ck_assert_int_eq(connection()->state, LIFE_READY);
	core_run();
	ck_assert(core.closed);
}
END_TEST

/* ------------------------------------------------------------------ a socket that breaks */

static void expect_the_end(void)
{
	core_run();
	ck_assert(core.closed);
	ck_assert_uint_eq(core_borrowed(), 0);
}

START_TEST(is_over_if_it_breaks_while_commands_are_taken)
{
	core.at_once = true;
	host_sends_a_read(1, LARGE);
	host_sends_a_read(2, SMALL);
	host_sends_a_read(3, LARGE);
	shutdown(connection()->fd, SHUT_WR);
	expect_the_end();
}
END_TEST

START_TEST(is_over_if_it_breaks_while_the_stash_is_taken)
{
	core.at_once = true;
	core.has_room = false;
	host_sends_a_write_in_capsule(1, SMALL);
	host_sends_a_read(2, LARGE);
	host_sends_a_read(3, LARGE);
	core_run();
	ck_assert_uint_gt(connection()->stash_bytes, 0);
	shutdown(connection()->fd, SHUT_WR);
	core.has_room = true;
	core_resume();
	expect_the_end();
}
END_TEST

START_TEST(is_over_if_it_breaks_while_data_comes)
{
	uint16_t ttag;

	core.at_once = true;
	host_sends_a_write(1, SMALL);
	ttag = le16_get(host_receives_r2t(1, SMALL).ttag);
	host_sends_a_read(2, LARGE);
	host_sends_data(1, ttag, 0, SMALL, TCP_PDU_LAST);
	host_sends_a_write(3, SMALL);
	shutdown(connection()->fd, SHUT_WR);
	expect_the_end();
}
END_TEST

START_TEST(is_over_if_the_host_resets_it)
{
	struct linger at_once = {.l_onoff = 1};

	core.at_once = true;
	host_sends_a_read(1, LARGE);
	host_sends_a_read(2, LARGE);
	ck_assert_int_eq(setsockopt(core.host, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
	                 0);
	close(core.host);
	core.host = -1;
	expect_the_end();
}
END_TEST

/* It is the end of the round that ends it: who executes a command need not expect that. */
START_TEST(stands_until_the_round_is_over)
{
	host_sends_a_read(1, LARGE);
	core_run();
	core_lend(core.executed[0]);
	shutdown(connection()->fd, SHUT_WR);
	core_answer(STATUS_OK);
	ck_assert_int_eq(connection()->state, LIFE_READY);
	ck_assert_uint_eq(core_borrowed(), 0);
	expect_the_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("borrowed data");

	describe(suite,
	         "of an answer",
	         given_a_connection,
	         host_is_forgotten,
	         is_sent_from_where_it_is,
	         waits_for_the_end_of_the_round_if_it_is_small,
	         is_sent_at_once_if_it_is_large,
	         is_kept_beyond_the_bytes_of_a_round);
	describe(suite,
	         "with data digests",
	         given_a_connection_with_data_digests,
	         host_is_forgotten,
	         is_never_borrowed_when_a_digest_is_of_it);
	describe(suite,
	         "with header digests",
	         given_a_connection_with_header_digests,
	         host_is_forgotten,
	         may_be_borrowed_without_a_data_digest);
	describe(suite,
	         "at a socket that is full",
	         given_small_buffers,
	         host_is_forgotten,
	         is_kept_as_soon_as_a_part_is_sent,
	         is_kept_when_the_round_is_over);
	describe(suite,
	         "that goes away",
	         given_a_connection,
	         host_is_forgotten,
	         is_kept_when_the_core_says_so,
	         fails_if_it_cannot_be_kept);
	describe(suite,
	         "with a page that is refused",
	         given_a_connection,
	         host_is_forgotten,
	         fails_if_its_page_is_refused,
	         fails_alone,
	         ends_the_connection_if_it_is_begun);
	describe(suite,
	         "at a socket that breaks",
	         given_a_connection,
	         host_is_forgotten,
	         is_over_if_it_breaks_while_commands_are_taken,
	         is_over_if_it_breaks_while_the_stash_is_taken,
	         is_over_if_it_breaks_while_data_comes,
	         is_over_if_the_host_resets_it,
	         stands_until_the_round_is_over);
	return run(suite);
}
