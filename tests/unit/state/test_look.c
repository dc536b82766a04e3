/* SPDX-License-Identifier: BSD-2-Clause */
/* What is at a path, and what may be there. */
#include <stdio.h>
#include <string.h>

#include "services/state/look.h"
#include "tests/unit/state/edits.h"
#include "tests/unit/state/stage.h"

#define OPEN "/subsystems/" STAGE_SUBSYSTEM

static struct look look;

static void given_a_configuration(void)
{
	stage_open();
}

static void forget(void)
{
	look_deinit(&look);
	stage_close();
}

static void look_at_path(const char *path)
{
	Nvmetd__CtlLook question = NVMETD__CTL_LOOK__INIT;

	look_deinit(&look);
	question.path = edits_path(path, &question.n_path);
	question.with_text = true;
	ck_assert_int_eq(look_at(&look, &stage.state.target.config, &question), 0);
	for (size_t i = 0; i < question.n_path; i++)
		free(question.path[i]);
	free(question.path);
}

/* Those that are wanted, in this order; there may be others between them. */
static void expect_words(char **words, size_t count, const char *wanted)
{
	char copy[1024], *rest = copy, *word;
	size_t at = 0;

	snprintf(copy, sizeof(copy), "%s", wanted);
	while ((word = strsep(&rest, " "))) {
		while (at < count && strcmp(words[at], word) != 0)
			at++;
		ck_assert_msg(at < count, "no \"%s\" in its place", word);
	}
}

static const Nvmetd__CtlAttribute *find_attribute(const char *group, const char *name)
{
	for (size_t i = 0; i < look.reply.n_attributes; i++)
		if (strcmp(look.reply.attributes[i]->group, group) == 0 &&
		    strcmp(look.reply.attributes[i]->name, name) == 0)
			return look.reply.attributes[i];
	ck_abort_msg("no %s %s", group, name);
}

static void expect_attributes(const char *path, const char *group, const char *wanted)
{
	char *names[64];
	size_t count = 0;

	look_at_path(path);
	ck_assert(look.reply.good);
	for (size_t i = 0; i < look.reply.n_attributes; i++)
		if (strcmp(look.reply.attributes[i]->group, group) == 0)
			names[count++] = look.reply.attributes[i]->name;
	expect_words(names, count, wanted);
}

START_TEST(shows_lists_of_objects)
{
	look_at_path("/");
	expect_words(look.reply.children, look.reply.n_children, "hosts ports subsystems");
	expect_words(look.reply.children, look.reply.n_children, "cdcs"); /* of a group */
	ck_assert(!look.reply.is_list);
	look_at_path(OPEN);
	ck_assert_ptr_nonnull(strstr(look.text, STAGE_SUBSYSTEM));
	look_at_path("/ports/1");
	expect_words(look.reply.children, look.reply.n_children, "subsystems ana_groups referrals");
}
END_TEST

START_TEST(shows_objects_of_lists)
{
	look_at_path("/ports");
	expect_words(look.reply.children, look.reply.n_children, "1 2");
	ck_assert(look.reply.is_list);
	look_at_path("/ports/1/subsystems");
	ck_assert(look.reply.is_list);
	expect_words(look.reply.children, look.reply.n_children, STAGE_SUBSYSTEM " " STAGE_PRIVATE);
}
END_TEST

START_TEST(shows_what_can_be_linked)
{
	look_at_path("/ports/2/subsystems");
	expect_words(
		look.reply.candidates, look.reply.n_candidates, STAGE_SUBSYSTEM " " STAGE_PRIVATE);
	look_at_path(OPEN "/allowed_hosts");
	expect_words(look.reply.candidates, look.reply.n_candidates, STAGE_HOST " " STAGE_OTHER);
	look_at_path("/ports");
	ck_assert_uint_eq(look.reply.n_candidates, 0);
}
END_TEST

START_TEST(has_the_attributes_that_are_read)
{
	expect_attributes("/", "discovery", "nqn");
	expect_attributes("/hosts/" STAGE_HOST, "dhchap", "key ctrl_key hash dhgroup");
	expect_attributes("/ports/1", "addr", "trtype adrfam traddr trsvcid treq tsas");
	look_at_path(OPEN "/namespaces/1");
	find_attribute("device", "path");
	find_attribute("resv", "enable");
	find_attribute("", "enable");
	look_at_path(OPEN);
	find_attribute("attr", "allow_any_host");
}
END_TEST

START_TEST(says_what_a_number_may_be)
{
	const Nvmetd__CtlAttribute *attribute;

	look_at_path("/ports/1");
	attribute = find_attribute("param", "mdts");
	ck_assert(attribute->is_number);
	ck_assert_int_eq(attribute->least, -1);
	ck_assert_int_eq(attribute->most, 255);
}
END_TEST

START_TEST(says_what_a_word_may_be)
{
	const Nvmetd__CtlAttribute *attribute;

	look_at_path("/ports/1/ana_groups/1");
	attribute = find_attribute("ana", "state");
	expect_words(attribute->values,
	             attribute->n_values,
	             "optimized non-optimized inaccessible persistent-loss change");
}
END_TEST

START_TEST(has_no_attribute_where_it_is_a_link)
{
	look_at_path("/ports/1/subsystems/" STAGE_SUBSYSTEM);
	ck_assert(look.reply.good);
	ck_assert_uint_eq(look.reply.n_attributes, 0);
	ck_assert_uint_eq(look.reply.n_children, 0);
}
END_TEST

static void expect_nothing(const char *path, const char *where, const char *why)
{
	look_at_path(path);
	ck_assert(!look.reply.good);
	ck_assert_str_eq(look.reply.path, where);
	ck_assert_str_eq(look.reply.reason, why);
}

START_TEST(says_where_the_path_ends)
{
	expect_nothing(
		"/x/y", "/x", "is not known; there are cdcs, hosts, ports, subsystems, workers");
	expect_nothing("/ports/9/addr", "/ports/9", "there is no such object; there are 1, 2");
	expect_nothing("/ports/1/addr",
	               "/ports/1/addr",
	               "is not known; there are subsystems, ana_groups, referrals");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a look");

	describe(suite,
	         "at a path that is there",
	         given_a_configuration,
	         forget,
	         shows_lists_of_objects,
	         shows_objects_of_lists,
	         shows_what_can_be_linked,
	         has_the_attributes_that_are_read,
	         says_what_a_number_may_be,
	         says_what_a_word_may_be,
	         has_no_attribute_where_it_is_a_link);
	describe(suite,
	         "at a path that is not",
	         given_a_configuration,
	         forget,
	         says_where_the_path_ends);
	return run(suite);
}
