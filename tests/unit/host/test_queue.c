/* SPDX-License-Identifier: BSD-2-Clause */
/* The host finds what a target does wrong. The target here is a child process that takes ICReq and
 * one command, and answers with the bytes that a test has prepared. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/queue.h"
#include "tests/support/spec.h"

#define WAIT_MS 5000u
#define BYTES   512u /* of the read */

static struct host_queue queue = {.connection = {.fd = -1}};
static struct host_request request;
static struct host_wishes wishes;
static struct tcp_icresp icresp;
static uint8_t data[2 * BYTES];

/* What the target says after the command. */
static uint8_t answer[8192];
static size_t answer_length;
static pid_t target;

/* ------------------------------------------------------------------ the target */

static void add(const void *bytes, size_t length)
{
	ck_assert_uint_le(answer_length + length, sizeof(answer));
	memcpy(answer + answer_length, bytes, length);
	answer_length += length;
}

static struct tcp_capsule_response response(uint16_t cid)
{
	return (struct tcp_capsule_response){
		.header = {.type = TCP_PDU_CAPSULE_RESPONSE, .hlen = 24, .plen = le32_of(24)},
		.completion = {.cid = le16_of(cid)            },
	};
}

static struct tcp_data data_header(uint32_t offset, uint32_t length, uint8_t flags)
{
	return (struct tcp_data){
		.header = {.type = TCP_PDU_C2H_DATA,
	                   .flags = flags,
	                   .hlen = 24,
	                   .pdo = 24,
	                   .plen = le32_of(24 + length)},
		.datao = le32_of(offset),
		.datal = le32_of(length),
	};
}

static struct tcp_r2t r2t(uint32_t offset, uint32_t length)
{
	return (struct tcp_r2t){
		.header = {.type = TCP_PDU_R2T, .hlen = 24, .plen = le32_of(24)},
		.r2to = le32_of(offset),
		.r2tl = le32_of(length),
	};
}

static void take(int fd, size_t length)
{
	uint8_t bytes[4096];

	while (length) {
		ssize_t n = read(fd, bytes, length < sizeof(bytes) ? length : sizeof(bytes));

		if (n <= 0)
			_exit(0);
		length -= (size_t)n;
	}
}

static void be_a_target(int listener)
{
	uint8_t byte;
	int fd = accept(listener, NULL, NULL);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	take(fd, sizeof(struct tcp_icreq));
	if (write(fd, &icresp, sizeof(icresp)) < 0)
		_exit(1);
	take(fd, sizeof(struct tcp_capsule_command) + (wishes.header_digest ? 4 : 0));
	if (answer_length && write(fd, answer, answer_length) < 0)
		_exit(1);
	while (read(fd, &byte, 1) > 0)
		continue;
	_exit(0);
}

/* Listens, and forks the target; the queue is connected to it. */
static int connect_queue(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct host_address address = {.traddr = "127.0.0.1"};
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char port[8];
	int r;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	target = fork();
	ck_assert_int_ge(target, 0);
	if (target == 0)
		be_a_target(listener);
	close(listener);
	snprintf(port, sizeof(port), "%u", ntohs(at.sin_port));
	address.trsvcid = port;
	r = host_queue_open(&queue, &address, &wishes, 4, WAIT_MS);
	queue.sqflow_disabled = true;
	return r;
}

static void given_a_target(void)
{
	wishes = (struct host_wishes){0};
	icresp = (struct tcp_icresp){
		.header = {.type = TCP_PDU_ICRESP, .hlen = 128, .plen = le32_of(128)},
		.maxh2cdata = le32_of(65536),
	};
	answer_length = 0;
	request = (struct host_request){.command = {.opcode = NVME_IO_READ},
	                                .direction = NVME_TRANSFER_TO_HOST,
	                                .data = data,
	                                .length = BYTES};
}

static void forget_the_target(void)
{
	host_queue_close(&queue);
	if (target > 0) {
		kill(target, SIGKILL);
		waitpid(target, NULL, 0);
	}
}

static int execute(void)
{
	ck_assert_int_eq(connect_queue(), 0);
	return host_queue_execute(&queue, &request, WAIT_MS);
}

static void expect_broken(const char *why)
{
	ck_assert_int_eq(execute(), HOST_E_BROKEN);
	ck_assert_msg(strstr(queue.connection.error, why),
	              "no \"%s\" in \"%s\"",
	              why,
	              queue.connection.error);
}

/* ------------------------------------------------------------------ what is good */

START_TEST(takes_data_with_a_response)
{
	struct tcp_data header = data_header(0, BYTES, TCP_PDU_LAST);
	struct tcp_capsule_response end = response(0);
	uint8_t bytes[BYTES];

	memset(bytes, 0x5a, sizeof(bytes));
	add(&header, sizeof(header));
	add(bytes, sizeof(bytes));
	add(&end, sizeof(end));
	ck_assert_int_eq(execute(), 0);
	ck_assert_mem_eq(data, bytes, sizeof(bytes));
	ck_assert_uint_eq(request.received, BYTES);
}
END_TEST

START_TEST(takes_data_with_success)
{
	struct tcp_data header = data_header(0, BYTES, TCP_PDU_LAST | TCP_PDU_SUCCESS);

	add(&header, sizeof(header));
	add(data, BYTES);
	ck_assert_int_eq(execute(), 0);
	ck_assert_uint_eq(queue.successes, 1);
}
END_TEST

START_TEST(takes_data_in_two_pieces)
{
	struct tcp_data first = data_header(0, 200, 0);
	struct tcp_data second = data_header(200, BYTES - 200, TCP_PDU_LAST | TCP_PDU_SUCCESS);

	add(&first, sizeof(first));
	add(data, 200);
	add(&second, sizeof(second));
	add(data, BYTES - 200);
	ck_assert_int_eq(execute(), 0);
}
END_TEST

START_TEST(takes_a_response_that_is_an_error)
{
	struct tcp_capsule_response end = response(0);

	end.completion.status = le16_of(NVME_SC_LBA_RANGE << 1);
	add(&end, sizeof(end));
	ck_assert_int_eq(execute(), HOST_E_STATUS);
	ck_assert_uint_eq(request.status.value, NVME_SC_LBA_RANGE);
}
END_TEST

START_TEST(knows_crc32c_as_rfc_3720_has_it)
{
	uint8_t zeroes[32] = {0};

	ck_assert_uint_eq(host_digest(zeroes, sizeof(zeroes)), 0x8a9136aa);
	ck_assert_uint_eq(host_digest("123456789", 9), 0xe3069283);
}
END_TEST

/* ------------------------------------------------------------------ what is wrong */

START_TEST(finds_a_response_to_no_command)
{
	struct tcp_capsule_response end = response(3);

	add(&end, sizeof(end));
	expect_broken("CID 0003h, which is not in flight");
}
END_TEST

START_TEST(finds_success_without_data)
{
	struct tcp_capsule_response end = response(0);

	add(&end, sizeof(end));
	expect_broken("0 of 512 bytes were sent");
}
END_TEST

START_TEST(finds_data_past_the_buffer)
{
	struct tcp_data header = data_header(0, 2 * BYTES, TCP_PDU_LAST);

	add(&header, sizeof(header));
	add(data, 2 * BYTES);
	expect_broken("offset 0, length 1024");
}
END_TEST

START_TEST(finds_data_out_of_order)
{
	struct tcp_data header = data_header(100, 100, 0);

	add(&header, sizeof(header));
	add(data, 100);
	expect_broken("offset 100");
}
END_TEST

START_TEST(finds_success_without_last)
{
	struct tcp_data header = data_header(0, BYTES, TCP_PDU_SUCCESS);

	add(&header, sizeof(header));
	add(data, BYTES);
	expect_broken("SUCCESS without LAST");
}
END_TEST

START_TEST(finds_success_where_there_is_flow_control)
{
	struct tcp_data header = data_header(0, BYTES, TCP_PDU_SUCCESS | TCP_PDU_LAST);

	add(&header, sizeof(header));
	add(data, BYTES);
	ck_assert_int_eq(connect_queue(), 0);
	queue.sqflow_disabled = false;
	ck_assert_int_eq(host_queue_execute(&queue, &request, WAIT_MS), HOST_E_BROKEN);
}
END_TEST

START_TEST(takes_success_with_flow_control_if_told_to)
{
	struct tcp_data header = data_header(0, BYTES, TCP_PDU_SUCCESS | TCP_PDU_LAST);

	wishes.any_success = true;
	add(&header, sizeof(header));
	add(data, BYTES);
	ck_assert_int_eq(connect_queue(), 0);
	queue.sqflow_disabled = false;
	ck_assert_int_eq(host_queue_execute(&queue, &request, WAIT_MS), 0);
}
END_TEST

START_TEST(finds_an_r2t_for_a_read)
{
	struct tcp_r2t pdu = r2t(0, BYTES);

	add(&pdu, sizeof(pdu));
	expect_broken("which sends no data");
}
END_TEST

static void given_a_write(void)
{
	request.command.opcode = NVME_IO_WRITE;
	request.direction = NVME_TRANSFER_TO_CONTROLLER;
	request.transfer = true;
}

START_TEST(finds_an_r2t_past_the_data)
{
	struct tcp_r2t pdu = r2t(0, BYTES + 4);

	given_a_write();
	add(&pdu, sizeof(pdu));
	expect_broken("offset 0, length 516");
}
END_TEST

START_TEST(finds_an_r2t_for_nothing)
{
	struct tcp_r2t pdu = r2t(0, 0);

	given_a_write();
	add(&pdu, sizeof(pdu));
	expect_broken("length 0");
}
END_TEST

START_TEST(finds_a_pdu_of_another_length)
{
	struct tcp_capsule_response end = response(0);

	end.header.plen = le32_of(28);
	add(&end, sizeof(end));
	add(data, 4);
	expect_broken("PLEN 28");
}
END_TEST

START_TEST(finds_a_pdu_of_another_header_length)
{
	struct tcp_capsule_response end = response(0);

	end.header.hlen = 72;
	add(&end, sizeof(end));
	expect_broken("HLEN 72");
}
END_TEST

START_TEST(finds_a_pdu_of_unknown_type)
{
	struct tcp_capsule_response end = response(0);

	end.header.type = 0x0b;
	add(&end, sizeof(end));
	expect_broken("unknown type 0bh");
}
END_TEST

START_TEST(finds_a_digest_that_was_not_agreed)
{
	struct tcp_capsule_response end = response(0);

	end.header.flags = TCP_PDU_HDGSTF;
	add(&end, sizeof(end));
	expect_broken("flags 01h");
}
END_TEST

START_TEST(finds_a_wrong_header_digest)
{
	struct tcp_capsule_response end = response(0);

	wishes.header_digest = true;
	icresp.dgst = 1;
	end.header.flags = TCP_PDU_HDGSTF;
	end.header.plen = le32_of(28);
	add(&end, sizeof(end));
	add("\1\2\3\4", 4);
	expect_broken("wrong header digest");
}
END_TEST

START_TEST(fails_only_the_command_for_a_wrong_data_digest)
{
	struct tcp_data header = data_header(0, BYTES, TCP_PDU_LAST | TCP_PDU_DDGSTF);
	struct tcp_capsule_response end = response(0);

	wishes.data_digest = true;
	icresp.dgst = 2;
	header.header.plen = le32_of(24 + BYTES + 4);
	add(&header, sizeof(header));
	add(data, BYTES);
	add("\1\2\3\4", 4);
	add(&end, sizeof(end));
	ck_assert_int_eq(execute(), HOST_E_STATUS);
	ck_assert(request.digest_error);
	ck_assert_uint_eq(request.status.value, NVME_SC_DATA_TRANSFER_ERROR);
}
END_TEST

START_TEST(tells_of_a_term_request)
{
	struct tcp_term term = {
		.header = {.type = TCP_PDU_C2H_TERM, .hlen = 24, .plen = le32_of(24)},
		.fes = le16_of(TCP_FES_INVALID_HEADER_FIELD),
		.fei = le32_of(10),
	};

	add(&term, sizeof(term));
	ck_assert_int_eq(execute(), HOST_E_TERMINATED);
	ck_assert_uint_eq(queue.connection.term.fes, TCP_FES_INVALID_HEADER_FIELD);
	ck_assert_uint_eq(queue.connection.term.fei, 10);
}
END_TEST

START_TEST(waits_no_longer_than_it_is_told)
{
	ck_assert_int_eq(connect_queue(), 0);
	ck_assert_int_eq(host_queue_execute(&queue, &request, 50), HOST_E_DEADLINE);
}
END_TEST

START_TEST(tells_that_the_target_has_gone)
{
	ck_assert_int_eq(connect_queue(), 0);
	kill(target, SIGKILL);
	ck_assert_int_eq(host_queue_execute(&queue, &request, WAIT_MS), HOST_E_CLOSED);
}
END_TEST

/* ------------------------------------------------------------------ ICResp */

START_TEST(finds_digests_that_were_not_asked_for)
{
	icresp.dgst = 1;
	ck_assert_int_eq(connect_queue(), HOST_E_BROKEN);
}
END_TEST

START_TEST(finds_a_maxh2cdata_that_is_too_small)
{
	icresp.maxh2cdata = le32_of(2048);
	ck_assert_int_eq(connect_queue(), HOST_E_BROKEN);
}
END_TEST

START_TEST(finds_another_protocol_version)
{
	icresp.pfv = le16_of(1);
	ck_assert_int_eq(connect_queue(), HOST_E_BROKEN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");

	describe(suite,
	         "a host whose target behaves",
	         given_a_target,
	         forget_the_target,
	         takes_data_with_a_response,
	         takes_data_with_success,
	         takes_data_in_two_pieces,
	         takes_a_response_that_is_an_error,
	         knows_crc32c_as_rfc_3720_has_it);
	describe(suite,
	         "a host whose target does not",
	         given_a_target,
	         forget_the_target,
	         finds_a_response_to_no_command,
	         finds_success_without_data,
	         finds_data_past_the_buffer,
	         finds_data_out_of_order,
	         finds_success_without_last,
	         finds_success_where_there_is_flow_control,
	         takes_success_with_flow_control_if_told_to,
	         finds_an_r2t_for_a_read,
	         finds_an_r2t_past_the_data,
	         finds_an_r2t_for_nothing,
	         finds_a_pdu_of_another_length,
	         finds_a_pdu_of_another_header_length,
	         finds_a_pdu_of_unknown_type,
	         finds_a_digest_that_was_not_agreed,
	         finds_a_wrong_header_digest,
	         fails_only_the_command_for_a_wrong_data_digest,
	         tells_of_a_term_request,
	         waits_no_longer_than_it_is_told,
	         tells_that_the_target_has_gone,
	         finds_digests_that_were_not_asked_for,
	         finds_a_maxh2cdata_that_is_too_small,
	         finds_another_protocol_version);
	return run(suite);
}
