/* SPDX-License-Identifier: BSD-2-Clause */
/* A sibling that is broken is refused, and nobody else notices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "party.h"
#include "tests/support/spec.h"

static struct guest guest;
static void *context;
static void *broken;

static void *dealer(const char *routing_id)
{
	const int linger = 0, timeout_ms = 5000;
	void *socket = zmq_socket(context, ZMQ_DEALER);
	char address[128];

	ck_assert_ptr_nonnull(socket);
	snprintf(address, sizeof(address), "ipc://%s", party.path);
	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	if (routing_id)
		zmq_setsockopt(socket, ZMQ_ROUTING_ID, routing_id, strlen(routing_id));
	ck_assert_int_eq(zmq_connect(socket, address), 0);
	return socket;
}

static void given_a_server_with_a_good_client(void)
{
	party_begin();
	host_start(1);
	guest_open(&guest, "good");
	until(guest.arrived == 1);
	context = zmq_ctx_new();
	broken = dealer(NULL);
}

static void end_all(void)
{
	zmq_close(broken);
	zmq_ctx_term(context);
	guest_close(&guest);
	party_end();
}

static void the_good_one_is_served(void)
{
	guest.answers = 0;
	ck_assert(guest_asks(&guest, 1));
	until(guest.answers == 1);
	ck_assert_uint_eq(guest.left, 0);
}

static envelope *receive(void *socket)
{
	envelope *message = NULL;
	zmq_msg_t frame;

	zmq_msg_init(&frame);
	ck_assert_int_ge(zmq_msg_recv(&frame, socket, 0), 0);
	ck_assert_int_eq(envelope_decode(&message, zmq_msg_data(&frame), zmq_msg_size(&frame)), 0);
	zmq_msg_close(&frame);
	return message;
}

static void expect_refusal(void *socket, const char *reason)
{
	_cleanup_(envelope_freep) envelope *message = receive(socket);

	ck_assert_int_eq(message->body_case, NVMETD__ENVELOPE__BODY_REFUSAL);
	ck_assert_str_eq(message->refusal->reason, reason);
}

static void say_hello(void *socket, uint32_t version, const char *name)
{
	Nvmetd__Hello hello = NVMETD__HELLO__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	uint8_t bytes[256];
	size_t length;

	hello.name = (char *)name;
	message.version = version;
	message.request_id = 1;
	message.body_case = NVMETD__ENVELOPE__BODY_HELLO;
	message.hello = &hello;
	length = protobuf_c_message_pack(&message.base, bytes);
	ck_assert_int_ge(zmq_send(socket, bytes, length, 0), 0);
}

START_TEST(bytes_without_sense_are_refused)
{
	zmq_send(broken, "\xff\xff\xff", 3, 0);
	expect_refusal(broken, "the message is malformed");
	the_good_one_is_served();
}
END_TEST

START_TEST(nothing_at_all_is_refused)
{
	zmq_send(broken, "", 0, 0);
	expect_refusal(broken, "the message has another protocol version: restart what is older");
	the_good_one_is_served();
}
END_TEST

START_TEST(another_protocol_version_is_refused)
{
	say_hello(broken, 2, "io-0");
	expect_refusal(broken, "the message has another protocol version: restart what is older");
}
END_TEST

START_TEST(names_that_are_none_are_refused)
{
	static const char *const names[] = {
		"",
		"TCP",
		"a b",
		"../x",
		"a-name-of-thirty-two-characters-",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		say_hello(broken, ENVELOPE_VERSION, names[i]);
		expect_refusal(broken, "a name is one to 31 of [a-z0-9-]");
	}
}
END_TEST

START_TEST(a_second_hello_is_refused)
{
	say_hello(broken, ENVELOPE_VERSION, "io-0");
	envelope_free(receive(broken));
	say_hello(broken, ENVELOPE_VERSION, "io-1");
	expect_refusal(broken, "Hello was said before on this connection");
}
END_TEST

START_TEST(a_message_of_two_frames_is_passed_over)
{
	zmq_send(broken, "one", 3, ZMQ_SNDMORE);
	zmq_send(broken, "two", 3, 0);
	say_hello(broken, ENVELOPE_VERSION, "io-0");
	envelope *message = receive(broken);
	ck_assert_int_eq(message->body_case, NVMETD__ENVELOPE__BODY_WELCOME);
	envelope_free(message);
}
END_TEST

START_TEST(a_message_beyond_the_largest_size_is_not_taken)
{
	uint8_t *bytes = calloc(1, ENVELOPE_MAX + 1);

	ck_assert_ptr_nonnull(bytes);
	zmq_send(broken, bytes, ENVELOPE_MAX + 1, 0);
	free(bytes);
	the_good_one_is_served();
	say_hello(broken, ENVELOPE_VERSION, "io-0"); /* libzmq has connected anew */
	envelope_free(receive(broken));
}
END_TEST

START_TEST(a_peer_that_names_its_connection_itself_is_not_heard)
{
	const int timeout_ms = 300;
	void *named = dealer("me");
	char byte;

	zmq_setsockopt(named, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	say_hello(named, ENVELOPE_VERSION, "io-0");
	ck_assert_int_lt(zmq_recv(named, &byte, 1, 0), 0);
	zmq_close(named);
	the_good_one_is_served();
}
END_TEST

START_TEST(peers_beyond_the_limit_are_refused)
{
	void *sockets[256];

	for (int i = 0; i < 256; i++) {
		char name[16];
		envelope *message;

		snprintf(name, sizeof(name), "io-%d", i);
		sockets[i] = dealer(NULL);
		say_hello(sockets[i], ENVELOPE_VERSION, name);
		message = receive(sockets[i]);
		/* With the good one that makes 256. */
		ck_assert_int_eq(message->body_case,
		                 i < 255 ? NVMETD__ENVELOPE__BODY_WELCOME
		                         : NVMETD__ENVELOPE__BODY_REFUSAL);
		envelope_free(message);
	}
	the_good_one_is_served();
	for (int i = 0; i < 256; i++)
		zmq_close(sockets[i]);
}
END_TEST

/* libzmq would give up the process when accept() finds no descriptor left. */
START_TEST(a_flood_of_connections_is_ended_then_the_good_one_comes_again)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[2048], n = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", party.path);
	for (; n < 2048; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[n] < 0 ||
		    connect(fds[n], (const struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	ck_assert_int_lt(n, 2048);
	ck_assert_int_gt(n, 1000);
	until(guest.left == 1);
	for (int i = 0; i <= n; i++)
		close(fds[i]);
	until(guest.arrived == 2);
	guest.left = 0;
	the_good_one_is_served();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broken sibling");

	describe(suite,
	         "a sibling that is broken",
	         given_a_server_with_a_good_client,
	         end_all,
	         bytes_without_sense_are_refused,
	         nothing_at_all_is_refused,
	         another_protocol_version_is_refused,
	         names_that_are_none_are_refused,
	         a_second_hello_is_refused,
	         a_message_of_two_frames_is_passed_over,
	         a_message_beyond_the_largest_size_is_not_taken,
	         a_peer_that_names_its_connection_itself_is_not_heard,
	         peers_beyond_the_limit_are_refused,
	         a_flood_of_connections_is_ended_then_the_good_one_comes_again);

	return run(suite);
}
