/* SPDX-License-Identifier: BSD-2-Clause */
/* The names under which a port is found by mDNS. */
#include "services/announce/mdns_name.h"

#include <string.h>

#include "tests/support/spec.h"

#define LONG_NAME "a-machine-with-a-name-that-somebody-has-thought-about-for-long.example.com"

static char service[MDNS_LABEL_SIZE];
static char host[MDNS_HOST_SIZE];

static void name(const char *machine, unsigned port_id, unsigned attempt)
{
	mdns_service_name(service, machine, port_id, attempt);
	mdns_host_name(host, machine, port_id, attempt);
}

START_TEST(say_machine_and_port)
{
	name("store.example.com", 7, 1);
	ck_assert_str_eq(service, "nvmetd on store, port 7");
	ck_assert_str_eq(host, "store-nvme-7.local");
}
END_TEST

START_TEST(have_a_number_where_the_first_ones_were_somebody_elses)
{
	name("store", 7, 3);
	ck_assert_str_eq(service, "nvmetd on store, port 7 #3");
	ck_assert_str_eq(host, "store-nvme-7-3.local");
}
END_TEST

START_TEST(fit_however_long_the_machines_is)
{
	name(LONG_NAME, 65535, 99);
	ck_assert_str_eq(service, "nvmetd on a-machine-with-a-name-that-someb, port 65535 #99");
	ck_assert_str_eq(host, "a-machine-with-a-name-that-someb-nvme-65535-99.local");
}
END_TEST

START_TEST(have_nothing_that_a_resolver_would_not_take)
{
	name("my_\xc3\xa4 store-", 1, 1);
	ck_assert_str_eq(host, "my----store-nvme-1.local");
}
END_TEST

START_TEST(are_there_where_the_machine_has_none)
{
	name("", 1, 1);
	ck_assert_str_eq(service, "nvmetd on host, port 1");
	ck_assert_str_eq(host, "host-nvme-1.local");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mdns_name");

	describe(suite,
	         "names",
	         NULL,
	         NULL,
	         say_machine_and_port,
	         have_a_number_where_the_first_ones_were_somebody_elses,
	         fit_however_long_the_machines_is,
	         have_nothing_that_a_resolver_would_not_take,
	         are_there_where_the_machine_has_none);
	return run(suite);
}
