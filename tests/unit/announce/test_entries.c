/* SPDX-License-Identifier: BSD-2-Clause */
/* What a CDC is told: only what has changed, in commands of a bounded size. */
#include "services/announce/entries.h"

#include <stdio.h>
#include <string.h>

#include "common/nvme/log.h"
#include "tests/support/spec.h"

#define LOCAL "192.0.2.9"
#define MANY  5000

static Nvmetd__AnnounceView view;
static Nvmetd__AnnounceListener listeners[3];
static Nvmetd__AnnounceListener *listener_list[3] = {&listeners[0], &listeners[1], &listeners[2]};
static char *names[] = {(char *)"nqn.a", (char *)"nqn.b"};
static struct entries entries;
static const struct dim_entry *chosen[DIM_ENTRIES];

static void put_listener(unsigned i, const char *trtype, const char *traddr)
{
	nvmetd__announce_listener__init(&listeners[i]);
	listeners[i].port_id = i + 1;
	listeners[i].trtype = (char *)trtype;
	listeners[i].traddr = (char *)traddr;
	listeners[i].trsvcid = (char *)"4420";
	listeners[i].subsystems = names;
	listeners[i].n_subsystems = 2;
}

static void given_a_view(void)
{
	nvmetd__announce_view__init(&view);
	view.discovery_nqn = (char *)"nqn.disc";
	view.listeners = listener_list;
	view.n_listeners = 1;
	put_listener(0, "tcp", "192.0.2.7");
	put_listener(1, "rdma", "192.0.2.8");
	put_listener(2, "tcp", "0.0.0.0");
}

static void forget(void)
{
	entries_deinit(&entries);
}

static void renew(void)
{
	ck_assert_int_eq(entries_renew(&entries, &view, LOCAL), 0);
}

/* All that are new: how many commands it takes. */
static unsigned register_all(void)
{
	unsigned commands = 0;
	size_t n;

	while ((n = entries_next_new(&entries, chosen)) > 0) {
		entries_new_done(&entries, n);
		commands++;
	}
	return commands;
}

static const struct dim_entry *find(uint16_t port_id, const char *nqn)
{
	for (size_t i = 0; i < entries.n; i++)
		if (entries.items[i].dim.port_id == port_id &&
		    strcmp(entries.items[i].dim.nqn, nqn) == 0)
			return &entries.items[i].dim;
	return NULL;
}

START_TEST(has_each_subsystem_of_each_port_beside_the_discovery_service)
{
	view.n_listeners = 2;
	renew();
	ck_assert_uint_eq(entries.n, 6);
	ck_assert_uint_eq(find(1, "nqn.a")->trtype, NVME_TRTYPE_TCP);
	ck_assert_uint_eq(find(1, "nqn.a")->subtype, NVME_SUBTYPE_NVME);
	ck_assert_uint_eq(find(1, "nqn.a")->adrfam, NVME_ADRFAM_IPV4);
	ck_assert_str_eq(find(1, "nqn.a")->traddr, "192.0.2.7");
	ck_assert_str_eq(find(1, "nqn.a")->trsvcid, "4420");
	ck_assert_uint_eq(find(2, "nqn.b")->trtype, NVME_TRTYPE_RDMA);
	ck_assert_uint_eq(find(2, "nqn.disc")->subtype, NVME_SUBTYPE_CURRENT);
}
END_TEST

START_TEST(has_the_address_of_the_connection_for_a_wildcard)
{
	view.n_listeners = 3;
	renew();
	ck_assert_str_eq(find(3, "nqn.a")->traddr, LOCAL);
}
END_TEST

START_TEST(leaves_out_a_wildcard_of_the_other_family)
{
	view.n_listeners = 3;
	ck_assert_int_eq(entries_renew(&entries, &view, "2001:db8::1"), 0);
	ck_assert_ptr_null(find(3, "nqn.a"));
	ck_assert_uint_eq(entries.n_left_out, 2);
}
END_TEST

START_TEST(leaves_out_what_is_no_address)
{
	put_listener(0, "tcp", "nowhere");
	renew();
	ck_assert_uint_eq(entries.n, 0);
	ck_assert_uint_eq(entries.n_left_out, 2);
}
END_TEST

START_TEST(is_registered_once)
{
	renew();
	ck_assert_uint_eq(register_all(), 1);
	ck_assert_uint_eq(entries.n_registered, 3);
	renew();
	ck_assert_uint_eq(entries_next_new(&entries, chosen), 0);
	ck_assert_uint_eq(entries_next_gone(&entries, chosen), 0);
}
END_TEST

START_TEST(is_registered_anew_on_a_new_connection)
{
	renew();
	register_all();
	entries_forget(&entries);
	ck_assert_uint_eq(entries_next_new(&entries, chosen), 3);
}
END_TEST

START_TEST(says_what_has_gone_only)
{
	renew();
	register_all();
	listeners[0].n_subsystems = 1;
	renew();
	ck_assert_uint_eq(entries_next_new(&entries, chosen), 0);
	ck_assert_uint_eq(entries_next_gone(&entries, chosen), 1);
	ck_assert_str_eq(chosen[0]->nqn, "nqn.b");
	entries_gone_done(&entries, 1);
	ck_assert_uint_eq(entries_next_gone(&entries, chosen), 0);
}
END_TEST

START_TEST(says_nothing_of_what_was_never_registered)
{
	renew();
	listeners[0].n_subsystems = 1;
	renew();
	ck_assert_uint_eq(entries_next_gone(&entries, chosen), 0);
}
END_TEST

START_TEST(says_nothing_of_what_has_come_back_before_it_was_taken_away)
{
	renew();
	register_all();
	listeners[0].n_subsystems = 1;
	renew();
	listeners[0].n_subsystems = 2;
	renew();
	ck_assert_uint_eq(entries_next_gone(&entries, chosen), 0);
	ck_assert_uint_eq(entries_next_new(&entries, chosen), 0);
}
END_TEST

START_TEST(takes_all_back_at_the_end)
{
	renew();
	register_all();
	ck_assert_int_eq(entries_clear(&entries), 0);
	ck_assert_uint_eq(entries_next_gone(&entries, chosen), 3);
	ck_assert_uint_eq(entries_next_new(&entries, chosen), 0);
}
END_TEST

static char *many_names[MANY];
static char many_texts[MANY][16];

START_TEST(has_so_many_at_most)
{
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(many_texts[i], sizeof(many_texts[i]), "nqn.%u", i);
		many_names[i] = many_texts[i];
	}
	listeners[0].subsystems = many_names;
	listeners[0].n_subsystems = MANY;
	renew();
	ck_assert_uint_eq(entries.n, ENTRIES_MAX);
	ck_assert_uint_eq(entries.n_left_out, MANY + 1 - ENTRIES_MAX);
	ck_assert_uint_eq(register_all(), (ENTRIES_MAX + DIM_ENTRIES - 1) / DIM_ENTRIES);
	ck_assert_uint_eq(entries.n_registered, ENTRIES_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("entries");

	describe(suite,
	         "a target",
	         given_a_view,
	         forget,
	         has_each_subsystem_of_each_port_beside_the_discovery_service,
	         has_the_address_of_the_connection_for_a_wildcard,
	         leaves_out_a_wildcard_of_the_other_family,
	         leaves_out_what_is_no_address,
	         is_registered_once,
	         is_registered_anew_on_a_new_connection,
	         says_what_has_gone_only,
	         says_nothing_of_what_was_never_registered,
	         says_nothing_of_what_has_come_back_before_it_was_taken_away,
	         takes_all_back_at_the_end,
	         has_so_many_at_most);
	return run(suite);
}
