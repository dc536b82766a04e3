/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts of iWARP that ask for a connection, peer to peer, and never send the first message that
 * they owe then (RFC 6581 §9): the target's kernel keeps the connection half open. */
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/rdma/suites.h"

#define SILENT 2u /* as many as the target has threads */
#define SILENCE_NS                                                                                 \
	(12 * NS_PER_S) /* longer than the target waits for a connection to come about             \
	                 */
#define MPA_KEY "MPA ID Req Frame"

/* RFC 5044 §7.1, RFC 6581 §6: a request with enhanced connection data, and RDMA_CM_REQUEST. */
struct mpa_request {
	uint8_t key[16];
	uint8_t flags;
	uint8_t revision;
	uint8_t private_bytes[2]; /* big endian, of all that follows */
	uint8_t ird[2];
	uint8_t ord[2];
	struct rdma_cm_request_wire wire;
};
_Static_assert(offsetof(struct mpa_request, wire) == 24, "no padding");

static int silent[SILENT];

static struct mpa_request request_of(const struct wire_wishes *wishes)
{
	struct mpa_request request = {
		.flags = 0x10, /* S */
		.revision = 2,
		.private_bytes = {0,    4 + sizeof(request.wire)},
		.ird = {0x80, DEPTHS                  }, /* A: peer to peer */
		.ord = {0x80, DEPTHS                  }, /* C: the first message is an RDMA READ's */
		.wire = rdma_cm_write_request(&wishes->request),
	};

	memcpy(request.key, MPA_KEY, sizeof(request.key));
	return request;
}

static int connect_socket(void)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	                               .ai_socktype = SOCK_STREAM};
	struct addrinfo *address;
	int fd;

	ck_assert_int_eq(getaddrinfo(target.traddr, target.trsvcid, &hints, &address), 0);
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, address->ai_addr, address->ai_addrlen), 0);
	freeaddrinfo(address);
	return fd;
}

/* Up to the target's answer, after which it is the host's turn. */
static int fall_silent(void)
{
	struct wire_wishes wishes = wishes_of(0, SCENE_ENTRIES);
	struct mpa_request request = request_of(&wishes);
	int fd = connect_socket();
	struct pollfd answer = {.fd = fd, .events = POLLIN};
	uint8_t reply[sizeof(request)];

	ck_assert_int_eq(write(fd, &request, sizeof(request)), sizeof(request));
	ck_assert_int_eq(poll(&answer, 1, SCENE_WAIT_MS), 1);
	ck_assert_int_ge(read(fd, reply, sizeof(reply)), (int)offsetof(struct mpa_request, wire));
	ck_assert_int_eq(reply[offsetof(struct mpa_request, flags)] & 0x20, 0); /* R: rejected */
	return fd;
}

static void given_silent_hosts(void)
{
	given_a_good_host();
	for (unsigned i = 0; i < SILENT; i++)
		silent[i] = fall_silent();
}

static void all_leave(void)
{
	for (unsigned i = 0; i < SILENT; i++)
		close(silent[i]);
	good_host_leaves();
}

START_TEST(keep_no_other_from_being_served)
{
	uint64_t until_ns = clock_now_ns() + SILENCE_NS;

	while (clock_now_ns() < until_ns) {
		others_do_not_notice();
		usleep(500000);
	}
	others_do_not_notice();
}
END_TEST

START_TEST(keep_no_other_from_being_served_when_they_go)
{
	for (unsigned i = 0; i < SILENT; i++)
		shutdown(silent[i], SHUT_RDWR);
	others_do_not_notice();
}
END_TEST

Suite *silence_suite(void)
{
	Suite *suite = suite_create("silence");

	if (target.is_kernel || !target.is_iwarp)
		return suite;
	describe_slow(suite,
	              "hosts that fall silent",
	              60,
	              given_silent_hosts,
	              all_leave,
	              keep_no_other_from_being_served,
	              keep_no_other_from_being_served_when_they_go);
	return suite;
}
