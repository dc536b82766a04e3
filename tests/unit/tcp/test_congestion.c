/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections have the congestion control that the operator names, if the kernel has it. */
#include "services/tcp/congestion.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/spec.h"

static int fd;
static char name[16];

static void given_a_socket(void)
{
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(fd, 0);
}

static void forget_the_socket(void)
{
	close(fd);
}

static const char *name_of(void)
{
	socklen_t size = sizeof(name);

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
	return name;
}

START_TEST(has_what_was_named) /* each kernel has reno */
{
	ck_assert(congestion_take(NULL, "reno"));
	ck_assert_int_eq(congestion_apply(fd), 0);
	ck_assert_str_eq(name_of(), "reno");
}
END_TEST

START_TEST(has_the_systems_where_nothing_is_named)
{
	char before[sizeof(name)];

	snprintf(before, sizeof(before), "%s", name_of());
	ck_assert_int_eq(congestion_apply(fd), 0);
	ck_assert_str_eq(name_of(), before);
}
END_TEST

START_TEST(is_not_what_no_kernel_has)
{
	ck_assert(!congestion_take(NULL, "nonsense"));
	ck_assert(!congestion_take(NULL, ""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("congestion");

	describe(suite,
	         "a socket",
	         given_a_socket,
	         forget_the_socket,
	         has_what_was_named,
	         has_the_systems_where_nothing_is_named,
	         is_not_what_no_kernel_has);
	return run(suite);
}
