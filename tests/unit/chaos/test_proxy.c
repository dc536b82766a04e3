/* SPDX-License-Identifier: BSD-2-Clause */
/* A proxy does what networks do, and nothing else. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/chaos/proxy.h"
#include "tests/support/spec.h"

#define PATIENT_MS 10000

static struct proxy *proxy;
static int listener, host, target;

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static uint16_t listen_somewhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

/* A host and a target that are connected through it. */
static void given_a_proxy(void)
{
	char trsvcid[8];
	uint16_t port = 0;

	snprintf(trsvcid, sizeof(trsvcid), "%u", listen_somewhere());
	ck_assert_int_eq(proxy_new(&proxy, "127.0.0.1", trsvcid, &port), 0);
	host = connect_to(port);
	target = accept(listener, NULL, NULL);
	ck_assert_int_ge(target, 0);
}

static void forget(void)
{
	proxy = proxy_free(proxy);
	close(host);
	close(target);
	close(listener);
}

static bool has_more(int fd, int timeout_ms)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return poll(&readable, 1, timeout_ms) == 1;
}

static void expect_byte(int fd, char wanted)
{
	char got = 0;

	ck_assert(has_more(fd, PATIENT_MS));
	ck_assert_int_eq(recv(fd, &got, 1, 0), 1);
	ck_assert_int_eq(got, wanted);
}

static void expect_reset(int fd)
{
	char got;

	ck_assert(has_more(fd, PATIENT_MS));
	ck_assert_int_eq(recv(fd, &got, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}

START_TEST(passes_bytes_on_both_ways)
{
	ck_assert_int_eq(send(host, "a", 1, 0), 1);
	expect_byte(target, 'a');
	ck_assert_int_eq(send(target, "b", 1, 0), 1);
	expect_byte(host, 'b');
}
END_TEST

static void *send_much(void *context)
{
	static uint8_t bytes[65536];
	unsigned *left = context;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	for (; *left; --*left)
		for (size_t at = 0; at < sizeof(bytes);) {
			ssize_t n = send(host, bytes + at, sizeof(bytes) - at, MSG_NOSIGNAL);

			if (n <= 0)
				return NULL;
			at += (size_t)n;
		}
	return NULL;
}

START_TEST(passes_all_bytes_in_order)
{
	const struct proxy_weather weather = {.delay_ms = 2, .jitter_ms = 5};
	unsigned left = 32, n = left * 65536;
	uint8_t bytes[4096];
	pthread_t sender;
	bool is_right;

	proxy_set(proxy, &weather);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_much, &left), 0);
	for (unsigned at = 0; at < n;) {
		ssize_t got = recv(target, bytes, sizeof(bytes), 0);

		ck_assert_int_gt(got, 0);
		is_right = true;
		for (ssize_t i = 0; i < got; i++, at++)
			is_right &= bytes[i] == (uint8_t)(at % 65536 * 7 + (at % 65536 >> 8));
		ck_assert(is_right);
	}
	pthread_join(sender, NULL);
}
END_TEST

START_TEST(delays_as_long_as_it_is_told)
{
	const struct proxy_weather weather = {.delay_ms = 100};
	uint64_t begin_ns;

	proxy_set(proxy, &weather);
	begin_ns = clock_now_ns();
	ck_assert_int_eq(send(host, "a", 1, 0), 1);
	expect_byte(target, 'a');
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 100 * NS_PER_MS);
}
END_TEST

START_TEST(passes_the_end_on)
{
	char got;

	shutdown(host, SHUT_WR);
	ck_assert(has_more(target, PATIENT_MS));
	ck_assert_int_eq(recv(target, &got, 1, 0), 0);
}
END_TEST

START_TEST(moves_nothing_while_it_is_frozen)
{
	struct proxy_weather weather = {.is_frozen = true};

	proxy_set(proxy, &weather);
	ck_assert_int_eq(send(host, "a", 1, 0), 1);
	ck_assert(!has_more(target, 50));
	weather.is_frozen = false;
	proxy_set(proxy, &weather);
	expect_byte(target, 'a');
}
END_TEST

START_TEST(delivers_what_was_frozen_after_its_host_has_closed)
{
	struct proxy_weather weather = {.is_frozen = true};

	proxy_set(proxy, &weather);
	ck_assert_int_eq(send(host, "a", 1, 0), 1);
	close(host);
	host = -1;
	weather.is_frozen = false;
	proxy_set(proxy, &weather);
	expect_byte(target, 'a');
}
END_TEST

START_TEST(resets_both_ends)
{
	proxy_reset(proxy);
	expect_reset(host);
	expect_reset(target);
}
END_TEST

START_TEST(forgets_connections_without_ending_them)
{
	proxy_freeze_connections(proxy);
	ck_assert_int_eq(send(host, "a", 1, 0), 1);
	ck_assert(!has_more(target, 50));
	proxy_reset_frozen(proxy);
	expect_reset(target);
}
END_TEST

START_TEST(takes_no_connections_while_it_is_told_so)
{
	const struct proxy_weather weather = {.is_refusing = true};
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int other;

	proxy_set(proxy, &weather);
	ck_assert_int_eq(getpeername(host, (struct sockaddr *)&address, &size), 0);
	other = connect_to(ntohs(address.sin_port));
	expect_reset(other);
	close(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy");

	describe(suite,
	         "a proxy",
	         given_a_proxy,
	         forget,
	         passes_bytes_on_both_ways,
	         passes_all_bytes_in_order,
	         delays_as_long_as_it_is_told,
	         passes_the_end_on,
	         moves_nothing_while_it_is_frozen,
	         delivers_what_was_frozen_after_its_host_has_closed,
	         resets_both_ends,
	         forgets_connections_without_ending_them,
	         takes_no_connections_while_it_is_told_so);
	return run(suite);
}
