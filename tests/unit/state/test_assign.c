/* SPDX-License-Identifier: BSD-2-Clause */
/* Which worker serves which namespace. */
#include <stdlib.h>
#include <string.h>

#include "services/state/assign.h"
#include "tests/unit/state/stage.h"

static struct ipc_peer peers[2];
static struct worker *first, *second;

static void given_two_workers(void)
{
	stage_open();
	first = state_add_worker(&stage.state, "io-0");
	second = state_add_worker(&stage.state, "io-1");
	first->peer = &peers[0];
	second->peer = &peers[1];
}

static unsigned count_of(const struct worker *worker)
{
	unsigned count = 0;

	list_for_each (at, &stage.state.target.backings)
		count += strcmp(container_of(at, struct backing, link)->worker, worker->name) == 0;
	return count;
}

static void assign_after(uint64_t ns)
{
	assign_workers(&stage.state, stage.state.born_ns + ns);
}

START_TEST(share_the_namespaces)
{
	assign_after(0);
	ck_assert_uint_eq(count_of(first) + count_of(second), 3);
	ck_assert_uint_ge(count_of(first), 1);
	ck_assert_uint_ge(count_of(second), 1);
}
END_TEST

START_TEST(get_none_while_they_are_away)
{
	first->peer = NULL;
	second->peer = NULL;
	assign_after(0);
	ck_assert_uint_eq(count_of(first) + count_of(second), 0);
	ck_assert(assign_is_waiting(&stage.state));
}
END_TEST

START_TEST(keep_what_they_have_when_another_one_comes)
{
	second->peer = NULL;
	assign_after(0);
	ck_assert_uint_eq(count_of(first), 3);
	second->peer = &peers[1];
	assign_after(2 * ASSIGN_PATIENCE_NS);
	ck_assert_uint_eq(count_of(first), 3);
}
END_TEST

START_TEST(keep_what_they_have_over_a_restart)
{
	unsigned before;

	assign_after(0);
	before = count_of(second);
	ck_assert_int_eq(state_save(&stage.state), 0);
	stage_reopen();
	second = state_add_worker(&stage.state, "io-1");
	ck_assert_uint_eq(count_of(second), before);
}
END_TEST

static const char *const paths_of_memory[] = {
	"ram:1G", "fault:ram:1G", "pi:ram:1G", "pi:fault:ram:1G", "zoned:ram:1G"};

#define N_PATHS ((int)(sizeof(paths_of_memory) / sizeof(paths_of_memory[0])))

START_TEST(get_what_another_one_that_never_came_had_but_not_its_memory)
{
	struct backing *null = stage_namespace(STAGE_SUBSYSTEM, 2)->backing;
	struct backing *ram = stage_namespace(STAGE_SUBSYSTEM, 1)->backing;

	free(ram->path);
	ram->path = strdup(paths_of_memory[_i]);
	ck_assert_ptr_nonnull(ram->path);
	list_for_each (at, &stage.state.target.backings) {
		struct backing *backing = container_of(at, struct backing, link);

		strcpy(backing->worker, "io-7");
		backing->known = true;
	}
	assign_after(ASSIGN_PATIENCE_NS - 1);
	ck_assert_str_eq(null->worker, "io-7");
	assign_after(ASSIGN_PATIENCE_NS);
	ck_assert_str_ne(null->worker, "io-7");
	ck_assert(null->unsaved);
	ck_assert_str_eq(ram->worker, "io-7");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("workers");
	TCase *each = tcase_create("each path of memory");

	describe(suite,
	         "two workers",
	         given_two_workers,
	         stage_close,
	         share_the_namespaces,
	         get_none_while_they_are_away,
	         keep_what_they_have_when_another_one_comes,
	         keep_what_they_have_over_a_restart);
	tcase_add_checked_fixture(each, given_two_workers, stage_close);
	tcase_add_loop_test(
		each, get_what_another_one_that_never_came_had_but_not_its_memory, 0, N_PATHS);
	suite_add_tcase(suite, each);
	return run(suite);
}
