/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/ctl/tree.h"
#include "tests/support/spec.h"

static char *shown;
static size_t shown_length;

static bool show(const char *text)
{
	FILE *out = open_memstream(&shown, &shown_length);
	bool good;

	ck_assert_ptr_nonnull(out);
	good = tree_print(out, text);
	fclose(out);
	return good;
}

static void forget(void)
{
	free(shown);
	shown = NULL;
}

START_TEST(shows_objects_by_name_with_their_attributes_above_their_lists)
{
	ck_assert(show("{\"hosts\": [{\"nqn\": \"nqn.a\"}],"
	               " \"ports\": [{\"portid\": 1, \"addr\": {\"traddr\": \"::1\"},"
	               "              \"subsystems\": [\"nqn.s\"]}],"
	               " \"subsystems\": [{\"nqn\": \"nqn.s\", \"attr\": {\"serial\": \"7\"},"
	               "   \"namespaces\": [{\"nsid\": 3, \"enable\": 1}]}]}"));
	ck_assert_str_eq(shown,
	                 "o- /\n"
	                 "  o- hosts (1)\n"
	                 "  | o- nqn.a\n"
	                 "  o- ports (1)\n"
	                 "  | o- 1 [addr.traddr=::1]\n"
	                 "  |   o- subsystems (1)\n"
	                 "  |     o- nqn.s\n"
	                 "  o- subsystems (1)\n"
	                 "    o- nqn.s [attr.serial=7]\n"
	                 "      o- namespaces (1)\n"
	                 "        o- 3 [enable=1]\n");
}
END_TEST

static void show_node(const char *name, const char *text, int depth)
{
	FILE *out;

	free(shown);
	out = open_memstream(&shown, &shown_length);
	ck_assert_ptr_nonnull(out);
	ck_assert(tree_print_node(out, name, text, depth));
	fclose(out);
}

START_TEST(shows_a_part_as_deep_as_is_wanted)
{
	static const char list[] = "[{\"portid\": 1, \"subsystems\": [\"nqn.s\"]}]";

	show_node("ports", list, 0);
	ck_assert_str_eq(shown, "o- ports (1)\n");
	show_node("ports", list, 1);
	ck_assert_str_eq(shown, "o- ports (1)\n  o- 1\n");
	show_node("ports", list, 2);
	ck_assert_str_eq(shown, "o- ports (1)\n  o- 1\n    o- subsystems (1)\n");
	show_node("ports", list, -1);
	ck_assert_str_eq(shown, "o- ports (1)\n  o- 1\n    o- subsystems (1)\n      o- nqn.s\n");
	show_node("nqn.s", "\"nqn.s\"", -1);
	ck_assert_str_eq(shown, "o- nqn.s\n");
}
END_TEST

START_TEST(shows_lists_of_groups)
{
	ck_assert(show("{\"discovery\": {\"cdcs\": [{\"nqn\": \"nqn.c\", \"traddr\": \"::1\"}],"
	               " \"mdns\": \"1\"}, \"hosts\": []}"));
	ck_assert_str_eq(shown,
	                 "o- / [discovery.mdns=1]\n"
	                 "  o- cdcs (1)\n"
	                 "  | o- ::1 [nqn=nqn.c]\n"
	                 "  o- hosts (0)\n");
}
END_TEST

START_TEST(shows_no_key)
{
	ck_assert(show("{\"hosts\": [{\"nqn\": \"nqn.a\","
	               " \"dhchap\": {\"key\": \"DHHC-1:00:secret\", \"ctrl_key\": \"\"}}]}"));
	ck_assert_ptr_null(strstr(shown, "secret"));
	ck_assert_ptr_nonnull(strstr(shown, "[dhchap.key=(set), dhchap.ctrl_key=]"));
}
END_TEST

START_TEST(shows_what_would_move_the_cursor_escaped)
{
	ck_assert(show("{\"hosts\": [{\"nqn\": \"a\\u001b[2J\"}]}"));
	ck_assert_ptr_null(strchr(shown, '\x1b'));
	ck_assert_ptr_nonnull(strstr(shown, "a\\x1b[2J"));
}
END_TEST

START_TEST(ends_at_a_depth)
{
	char text[4096] = "";

	for (int i = 0; i < 40; i++)
		strcat(text, "{\"a\": [");
	for (int i = 0; i < 40; i++)
		strcat(text, "]}");
	ck_assert(show(text));
}
END_TEST

START_TEST(is_not_shown_when_it_is_no_object)
{
	ck_assert(!show("[]"));
	forget();
	ck_assert(!show("{"));
	forget();
	ck_assert(!show(""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree");

	describe(suite,
	         "a configuration",
	         NULL,
	         forget,
	         shows_objects_by_name_with_their_attributes_above_their_lists,
	         shows_a_part_as_deep_as_is_wanted,
	         shows_lists_of_groups,
	         shows_no_key,
	         shows_what_would_move_the_cursor_escaped,
	         ends_at_a_depth,
	         is_not_shown_when_it_is_no_object);

	return run(suite);
}
