/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of single objects: all of them or none, and what is refused has changed nothing. */
#include <stdio.h>
#include <string.h>

#include "services/state/edit.h"
#include "tests/unit/state/edits.h"
#include "tests/unit/state/stage.h"

#define OPEN     "/subsystems/" STAGE_SUBSYSTEM
#define PRIVATE  "/subsystems/" STAGE_PRIVATE
#define NEW      "nqn.2001-01.com.example:new"
#define UNLINK   ": there is no such subsystem: unlink it, or create it"
#define NEW_HOST "nqn.2014-08.org.nvmexpress:uuid:33333333-3333-4333-8333-333333333333"

static struct report report;
static struct edit_result result;

static void given_a_configuration(void)
{
	stage_open();
}

static void forget(void)
{
	report_deinit(&report);
	edit_result_deinit(&result);
	stage_close();
}

static char *saved(void)
{
	char *text = config_text(&stage.state.target.config);

	ck_assert_ptr_nonnull(text);
	return text;
}

static int edit(const char *lines, bool check_only)
{
	Nvmetd__CtlEdit *message = edits_new(lines);
	int r;

	report_deinit(&report);
	report = (struct report){0};
	edit_result_deinit(&result);
	message->check_only = check_only;
	r = edit_apply(&stage.state, message, &report, &result);
	edits_free(message);
	return r;
}

static void expect_done(const char *lines)
{
	if (edit(lines, false) != 0)
		ck_abort_msg("%s: refused: %s", lines, report.errors.line[0]);
}

static json_t *attribute(const char *path, const char *group, const char *name)
{
	struct shape *shape = shape_new();
	json_t *root = config_save(&stage.state.target.config), *value;
	const struct object_tree tree = {root, shape};
	struct object object;
	size_t count;
	char **components = edits_path(path, &count);

	if (object_find(&tree, components, count, &object) != 0)
		ck_abort_msg("%s is not there", path);
	value = object.json;
	if (group[0])
		value = json_object_get(value, group);
	value = json_incref(name ? json_object_get(value, name) : value);
	for (size_t i = 0; i < count; i++)
		free(components[i]);
	free(components);
	shape_free(shape);
	json_decref(root);
	return value;
}

static void expect_value(const char *path, const char *group, const char *name, const char *wanted)
{
	json_t *value = attribute(path, group, name);
	char number[32] = "";

	if (json_is_integer(value))
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
	ck_assert_str_eq(json_is_string(value) ? json_string_value(value) : number, wanted);
	json_decref(value);
}

static bool is_there(const char *path)
{
	struct shape *shape = shape_new();
	json_t *root = config_save(&stage.state.target.config);
	const struct object_tree tree = {root, shape};
	struct object object;
	size_t count;
	char **components = edits_path(path, &count);
	int r = object_find(&tree, components, count, &object);

	for (size_t i = 0; i < count; i++)
		free(components[i]);
	free(components);
	shape_free(shape);
	json_decref(root);
	return r == 0;
}

/* ------------------------------------------------------------------ what is done */

static const struct {
	const char *path; /* of a new object */
	const char *before;
} made[] = {
	{"/hosts/" NEW_HOST,				  ""					     },
	{"/subsystems/" NEW,				  ""					     },
	{OPEN "/namespaces/3",				""					     },
	{OPEN "/namespaces/0x10",                             ""					     },
	{PRIVATE "/allowed_hosts/" STAGE_OTHER,               ""                                             },
	{"/ports/7",					  ""					     },
	{"/ports/7/subsystems/" STAGE_SUBSYSTEM,
         "create /ports/7\nset /ports/7 addr trtype=tcp traddr=127.0.0.9 trsvcid=4420\n"                     },
	{"/ports/1/referrals/there",                          ""					     },
	{"/ports/1/referrals/a\\/b",                          ""					     },
	{OPEN "/namespaces/1/allowed_hosts/" STAGE_OTHER,
         "set " OPEN "/namespaces/1 - auto_visible=0"							},
	{"/ports/2/referrals/peer/allowed_hosts/" STAGE_HOST, ""                                             },
	{OPEN "/namespaces/7/faults/read~error=EIO",
         "set " OPEN "/namespaces/7 device path=fault:ram:1M"                                                },
	{"/cdcs/192.0.2.1",				   "set / discovery nqn=nqn.2001-01.com.example:d"},
	{"/ports/1/ana_groups/17",                            ""					     },
};

static const char *line_of(const char *verb, const char *path)
{
	static char line[400];

	snprintf(line, sizeof(line), "%s %s", verb, path);
	return line;
}

START_TEST(makes_each_object_and_takes_it_away_again)
{
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		if (made[i].before[0])
			expect_done(made[i].before);
		ck_assert(!is_there(made[i].path));
		expect_done(line_of("create", made[i].path));
		ck_assert(is_there(made[i].path));
		ck_assert_uint_eq(result.n_created, 1);
		expect_done(line_of("delete", made[i].path));
		ck_assert(!is_there(made[i].path));
	}
}
END_TEST

START_TEST(says_the_path_of_what_was_made)
{
	expect_done("create /ports/1/referrals/a\\/b");
	ck_assert_str_eq(result.created[0], "/ports/1/referrals/a\\/b");
}
END_TEST

START_TEST(gives_numbers_that_are_free)
{
	expect_done("create " OPEN "/namespaces");
	ck_assert_str_eq(result.created[0], OPEN "/namespaces/3");
	expect_done("create /ports");
	ck_assert_str_eq(result.created[0], "/ports/3");
	expect_done("create /ports/1/ana_groups");
	ck_assert_str_eq(result.created[0], "/ports/1/ana_groups/3");
}
END_TEST

START_TEST(gives_a_subsystem_an_nqn_of_its_own)
{
	char first[300];

	expect_done("create /subsystems");
	snprintf(first, sizeof(first), "%s", result.created[0]);
	ck_assert_ptr_nonnull(strstr(first, "/subsystems/nqn.2014-08.org.nvmexpress:NVMf:uuid:"));
	ck_assert(is_there(first));
	expect_done("create /subsystems");
	ck_assert_str_ne(first, result.created[0]);
}
END_TEST

START_TEST(makes_objects_as_nvmet_makes_them)
{
	expect_done("create " OPEN "/namespaces/3\ncreate /ports/1/ana_groups/9\n"
	            "create /ports/1/referrals/r");
	expect_value(OPEN "/namespaces/3", "", "enable", "0");
	expect_value("/ports/1/ana_groups/9", "ana", "state", "inaccessible");
	expect_value("/ports/1/referrals/r", "", "enable", "0");
}
END_TEST

static const struct {
	const char *path, *group, *name, *value;
} set[] = {
	{OPEN,		      "attr",      "serial",           "SERIAL"                              },
	{OPEN,		      "attr",      "model",            "A model"                             },
	{OPEN,		      "attr",      "cntlid_max",       "700"                                 },
	{PRIVATE,		   "attr",      "version",          "1.4"                                 },
	{OPEN "/namespaces/7",      "device",    "path",             "null:4M"                             },
	{OPEN "/namespaces/7",      "device",    "uuid",             "12345678-1234-4234-8234-123456789abc"},
	{OPEN "/namespaces/1",      "",          "enable",           "0"                                   },
	{OPEN "/namespaces/1",      "ana",       "grpid",            "5"                                   },
	{"/ports/2",                "param",     "inline_data_size", "8192"                                },
	{"/ports/1/ana_groups/2",   "ana",       "state",            "inaccessible"                        },
	{"/",		       "discovery", "nqn",              "nqn.2001-01.com.example:discovery"   },
	{"/",		       "discovery", "filter",           "all"                                 },
	{"/ports/2",                "",          "discovery",        "1"                                   },
	{"/ports/2",                "",          "admin_label",      "rack"                                },
	{"/ports/2/referrals/peer", "",          "nqn",              "nqn.2001-01.com.example:peer"        },
	{OPEN,		      "",          "admin_label",      "rack"                                },
	{"/hosts/" STAGE_HOST,      "",          "observer",         "1"                                   },
	{"/hosts/" STAGE_HOST,      "dhchap",    "hash",             "hmac(sha512)"                        },
};

START_TEST(sets_attributes_of_each_object)
{
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		char line[400], value[64];

		snprintf(value, sizeof(value), "%s", set[i].value);
		for (char *at = value; *at; at++)
			*at = *at == ' ' ? '~' : *at;
		snprintf(line,
		         sizeof(line),
		         "set %s %s %s=%s",
		         set[i].path,
		         set[i].group[0] ? set[i].group : "-",
		         set[i].name,
		         value);
		expect_done(line);
		expect_value(set[i].path, set[i].group, set[i].name, set[i].value);
	}
}
END_TEST

START_TEST(takes_an_attribute_back_to_its_default)
{
	expect_done("set " OPEN " attr model=Mine cntlid_min=11");
	expect_done("set " OPEN " attr model= cntlid_min=");
	expect_value(OPEN, "attr", "model", CONFIG_DEFAULT_MODEL);
	expect_value(OPEN, "attr", "cntlid_min", "1");
}
END_TEST

/* nvmet's file has them in two places. */
START_TEST(sets_an_attribute_that_is_there_twice)
{
	expect_done("set " OPEN "/namespaces/1 - enable=0 ana_grpid=4 buffered_io=1");
	expect_value(OPEN "/namespaces/1", "", "ana_grpid", "4");
	expect_value(OPEN "/namespaces/1", "ana", "grpid", "4");
	expect_done("set " OPEN "/namespaces/1 ana grpid=\n"
	            "set " OPEN "/namespaces/1 - buffered_io=0");
	expect_value(OPEN "/namespaces/1", "", "ana_grpid", "1");
	ck_assert(!stage_namespace(STAGE_SUBSYSTEM, 1)->buffered_io);
}
END_TEST

START_TEST(changes_what_a_namespace_is_only_while_it_is_disabled)
{
	expect_done("set " OPEN "/namespaces/1 - enable=0");
	expect_done("set " OPEN "/namespaces/1 device path=ram:2M\n"
	            "set " OPEN "/namespaces/1 - enable=1");
	ck_assert_str_eq(stage_namespace(STAGE_SUBSYSTEM, 1)->path, "ram:2M");
}
END_TEST

/* What is undone and done again is free in between. */
START_TEST(disables_and_enables_what_it_changes)
{
	expect_done("set " OPEN "/namespaces/1 - enable=0\n"
	            "set " OPEN "/namespaces/1 device path=ram:2M\n"
	            "set " OPEN "/namespaces/1 - enable=1");
	ck_assert_str_eq(stage_namespace(STAGE_SUBSYSTEM, 1)->path, "ram:2M");
	ck_assert(stage_namespace(STAGE_SUBSYSTEM, 1)->enable);
}
END_TEST

START_TEST(unlinks_and_links_what_it_changes)
{
	expect_done("delete /ports/1/subsystems/" STAGE_SUBSYSTEM "\n"
	            "delete /ports/1/subsystems/" STAGE_PRIVATE "\n"
	            "set /ports/1 addr traddr=127.0.0.5\n"
	            "create /ports/1/subsystems/" STAGE_SUBSYSTEM);
	expect_value("/ports/1", "addr", "traddr", "127.0.0.5");
	ck_assert(is_there("/ports/1/subsystems/" STAGE_SUBSYSTEM));
}
END_TEST

START_TEST(deletes_and_makes_what_it_changes)
{
	target_find_subsystem_named(&stage.state.target, STAGE_PRIVATE)->identified = true;
	expect_done("delete /ports/1/subsystems/" STAGE_PRIVATE "\n"
	            "delete " PRIVATE "\n"
	            "create " PRIVATE "\n"
	            "set " PRIVATE " attr serial=OTHER\n"
	            "create /ports/1/subsystems/" STAGE_PRIVATE);
	expect_value(PRIVATE, "attr", "serial", "OTHER");
}
END_TEST

START_TEST(deletes_with_all_that_is_below)
{
	expect_done("delete /ports/1\ndelete /ports/2\ndelete " OPEN);
	ck_assert(!is_there(OPEN));
	ck_assert(is_there(PRIVATE));
}
END_TEST

/* Rules between objects hold at the end. */
START_TEST(does_many_as_one)
{
	expect_done("create /ports/9\n"
	            "create /subsystems/" NEW "\n"
	            "create /ports/9/subsystems/" NEW "\n"
	            "set /ports/9 addr trtype=tcp adrfam=ipv6 traddr=::1 trsvcid=4420\n"
	            "create /subsystems/" NEW "/namespaces/1\n"
	            "set /subsystems/" NEW "/namespaces/1 - enable=1\n"
	            "set /subsystems/" NEW "/namespaces/1 device path=null:1M\n");
	ck_assert_ptr_nonnull(stage_namespace(NEW, 1)->backing);
	ck_assert_uint_eq(result.n_created, 4);
}
END_TEST

START_TEST(that_changes_nothing_is_no_change)
{
	uint64_t revision = stage.state.target.revision;

	expect_done("set " OPEN " attr cntlid_min=0xa");
	ck_assert_uint_eq(stage.state.target.revision, revision);
	ck_assert_uint_eq(result.revision, revision);
}
END_TEST

START_TEST(leaves_what_it_is_not_about_undisturbed)
{
	struct backing *backing = stage_namespace(STAGE_SUBSYSTEM, 1)->backing;

	stage_ready();
	expect_done("create /subsystems/" NEW);
	ck_assert_ptr_eq(stage_namespace(STAGE_SUBSYSTEM, 1)->backing, backing);
	ck_assert(backing->ready);
}
END_TEST

START_TEST(warns_of_what_it_is_about_only)
{
	expect_done("create /hosts/odd-name");
	ck_assert_uint_eq(report.warnings.count, 1);
	ck_assert_ptr_nonnull(strstr(report.warnings.line[0], "/hosts/odd-name: nqn: "));
	expect_done("create /hosts/" NEW_HOST);
	ck_assert_uint_eq(report.warnings.count, 0);
}
END_TEST

START_TEST(that_is_only_checked_is_not_done)
{
	char *before = saved(), *after;

	ck_assert_int_eq(edit("create /subsystems/" NEW, true), 0);
	after = saved();
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(edit("create " OPEN, true), EDIT_E_WRONG);
	free(before);
	free(after);
}
END_TEST

/* ------------------------------------------------------------------ what is refused */

static const struct {
	const char *lines;
	const char *words;
	unsigned operation;
} refused[] = {
	{"set " OPEN "/namespaces/1 device path=ram:2M",
         OPEN "/namespaces/1: device path: cannot be changed",
         1																	     },
	{"set /ports/1 addr trsvcid=4499",						  "/ports/1: addr trsvcid: cannot be changed",              1},
	{"set " OPEN "/namespaces/1 - enable=1\nset /ports/2 param mdts=5",
         "/ports/2: param mdts: cannot be changed while the port listens",                                                                            2},
	{"create /",									"/: cannot be created: say what",                         1},
	{"create /foo",								     "/foo: is not known; there are ",                         1},
	{"create /foo/1",								   "/foo: is not known",                                     1},
	{"create /subsystems/x/y/z",							"/subsystems/x: there is no such object",                 1},
	{"create " OPEN "/passthru",							OPEN "/passthru: is not known",                           1},
	{"create " OPEN,								    OPEN ": is there already",                                1},
	{"create " OPEN "/namespaces/0x1",						  OPEN "/namespaces/0x1: is there already",                 1},
	{"create " OPEN "/namespaces/none",						 OPEN "/namespaces/none: nsid: is no number",              1},
	{"create " OPEN "/namespaces/0",						    OPEN "/namespaces/0: nsid: is 0, and may be 1 to 1024",   1},
	{"create /hosts",								   "/hosts: what is created there needs a name",             1},
	{"create /hosts/\x80",							      "/hosts/\\x80: has a name that is not UTF-8",             1},
	{"create /ports/70000",							     "/ports/70000: portid: is 70000, and may be 0 to 65535",  1},
	{"create /ports/1/ana_groups/129",
         "/ports/1/ana_groups/129: grpid: is 129, and may be 1 to 128",                                                                               1},
	{"create /ports/1/subsystems/" NEW,						 "/ports/1/subsystems/" NEW UNLINK,                        1},
	{"create /ports/5/subsystems/" NEW,						 "/ports/5: there is no such object; there are 1, 2",      1},
	{"create /ports/1/subsystems/" STAGE_SUBSYSTEM "/x/y",
         "/ports/1/subsystems/" STAGE_SUBSYSTEM "/x: is not known",
         1																	     },
	{"create " PRIVATE "/allowed_hosts/" NEW_HOST,
         PRIVATE "/allowed_hosts/" NEW_HOST ": there is no such host",
         1																	     },
	{"create " OPEN "/allowed_hosts/" STAGE_HOST,
         OPEN ": attr allow_any_host: may not be 1",
         1																	     },
	{"delete /",									"/: cannot be deleted, only what is in it",               1},
	{"delete /ports",								   "/ports: cannot be deleted, only what is in it",          1},
	{"delete /ports/5",								 "/ports/5: there is no such object",                      1},
	{"delete /ports/1/ana_groups/1",						    "/ports/1/ana_groups/1: is in every port",                1},
	{"delete " OPEN,								    "/ports/1/subsystems/" STAGE_SUBSYSTEM UNLINK,            1},
	{"delete /hosts/" STAGE_HOST,
         PRIVATE "/allowed_hosts/" STAGE_HOST ": there is no such host",
         1																	     },
	{"set /ports/1 addr traddr=nowhere",						"/ports/1: addr traddr: is no address of ipv4",           1},
	{"set /ports/1 addr tradr=::1",						     "/ports/1: addr tradr: is not known: did you",            1},
	{"set /ports/1 adr traddr=::1",						     "/ports/1: adr traddr: is not known, as there is",        1},
	{"set /ports/1 - traddr=::1",						       "/ports/1: traddr: is not known: it is in the",           1},
	{"set /ports/1 - addr=::1",							 "/ports/1: addr: is a group of attributes",               1},
	{"set /ports/1 - subsystems=x",
         "/ports/1: subsystems: is a list: see create and delete",                                                                                    1},
	{"set /ports/1 - portid=2",							 "/ports/1: portid: is what it is called by, which stays", 1},
	{"set /ports/1",								    "/ports/1: has no such attributes",                       1},
	{"set /ports addr traddr=::1",						      "/ports: has no such attributes: it is a list",           1},
	{"set /ports/8 addr traddr=::1",						    "/ports/8: there is no such object",                      1},
	{"set /ports/1 param mdts=1000",						    "/ports/1: param mdts: is 1000, and may be -1 to 255",    1},
	{"set /ports/2 addr traddr=127.0.0.1 trsvcid=4420",
         "/ports/2: addr: is the address of /ports/1 too",                                                                                            1},
	{"set /ports/1/ana_groups/1 ana state=fine",
         "/ports/1/ana_groups/1: ana state: may be optimized,",                                                                                       1},
	{"set / discovery foo=1",							   "/: discovery foo: is not known",                         1},
	{"set / discovery nqn=a~b",							 "/: discovery nqn: ",                                     1},
	{"set " OPEN " attr serial=\xc3\xa9",					       OPEN ": attr serial: is not of ASCII",                    1},
	{"set " OPEN " attr cntlid_min=9 cntlid_max=8",
         OPEN ": attr cntlid_min: is more than cntlid_max",
         1																	     },
	{"set " OPEN "/namespaces/7 - enable=2",
         OPEN "/namespaces/7: enable: is 2, and may be 0 to 1",
         1																	     },
	{"set " OPEN "/namespaces/7 resv foo=1",                                            OPEN "/namespaces/7: resv foo: is not known",             1},
	{"set /hosts/" STAGE_HOST " dhchap foo=1",
         "/hosts/" STAGE_HOST ": dhchap foo: is not known",
         1																	     },
	{"set / discovery cdcs=x",							  "/: discovery cdcs: is a list",                           1},
	{"create /cdcs/192.0.2.1\nset /cdcs/192.0.2.1 - trtype=fc",
         "/cdcs/192.0.2.1: trtype: may be",                                                                                                           2},
	{"create /discovery/x",							     "/discovery: is not known",                               1},
 /* one of its subsystems is still there */
	{"delete /ports/1/subsystems/" STAGE_PRIVATE "\nset /ports/1 addr traddr=127.0.0.5\n"
         "create /ports/1/subsystems/" STAGE_PRIVATE,
         "/ports/1: addr traddr: cannot be changed while the port listens",                                                                           3},
	{"set " OPEN "/namespaces/2 - enable=0\nset " OPEN "/namespaces/1 device path=ram:2M\n"
         "set " OPEN "/namespaces/2 - enable=1",
         OPEN "/namespaces/1: device path: cannot be changed while the namespace is enabled",
         2																	     },
 /* which of several */
	{"create /ports/9\ncreate " OPEN "/allowed_hosts/" STAGE_HOST "\ncreate /ports/10",
         OPEN ": attr allow_any_host: may not be 1",
         2																	     },
	{"create /ports/9\ncreate /ports/9\ncreate /ports/10",                              "/ports/9: is there already",                             2},
	{"create /ports/9\nset /ports/1 addr traddr=x\ncreate /ports/10",
         "/ports/1: addr traddr: is no address of ipv4",                                                                                              2},
	{"create /ports/9\nset /ports/9 addr trtype=tcp traddr=::1\n"
         "create /ports/9/subsystems/" STAGE_SUBSYSTEM "\ncreate /ports/10",
         "/ports/9: addr trsvcid: must be given, as the port has subsystems",                                                                         3},
	{"create /ports/9\ndelete " OPEN,						   "/ports/1/subsystems/" STAGE_SUBSYSTEM,                   0},
};

static void expect_refused(const char *lines, const char *words, unsigned operation)
{
	uint64_t revision = stage.state.target.revision;
	char *before = saved(), *after;
	int r = edit(lines, false);

	ck_assert_msg(r == EDIT_E_WRONG, "%s: %d", lines, r);
	ck_assert_msg(strncmp(report.errors.line[0], words, strlen(words)) == 0,
	              "%s: said \"%s\", not \"%s\"",
	              lines,
	              report.errors.line[0],
	              words);
	ck_assert_msg(result.operation == operation,
	              "%s: operation %u, not %u",
	              lines,
	              result.operation,
	              operation);
	ck_assert_uint_eq(stage.state.target.revision, revision);
	after = saved();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}

START_TEST(that_is_wrong_is_refused_with_object_attribute_reason)
{
	expect_refused(refused[_i].lines, refused[_i].words, refused[_i].operation);
}
END_TEST

START_TEST(that_is_refused_is_not_in_the_database_either)
{
	char *before = saved(), *after;

	ck_assert_int_eq(edit("create /ports/9\ncreate " OPEN, false), EDIT_E_WRONG);
	stage_reopen();
	after = saved();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(that_was_done_is_there_after_a_restart)
{
	char *before, *after;

	expect_done("create /ports/9\nset " OPEN " attr serial=AGAIN");
	before = saved();
	stage_reopen();
	after = saved();
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(that_makes_more_than_there_may_be_is_refused)
{
	char lines[16 * CONFIG_REFERRALS_MAX * 2 + 64] = "";

	for (unsigned i = 0; i < 62; i++)
		snprintf(lines + strlen(lines), 64, "create /ports/1/referrals/%u\n", i);
	expect_done(lines);
	lines[0] = '\0';
	for (unsigned i = 62; i < 62 * 2; i++)
		snprintf(lines + strlen(lines), 64, "create /ports/1/referrals/%u\n", i);
	expect_done(lines);
	lines[0] = '\0';
	for (unsigned i = 124; i <= CONFIG_REFERRALS_MAX; i++)
		snprintf(lines + strlen(lines), 64, "create /ports/1/referrals/%u\n", i);
	expect_refused(lines, "/ports/1/referrals/128: is one more than there may be", 5);
}
END_TEST

/* A change would end the hold, and with it all that is served. */
START_TEST(that_comes_during_a_hold_is_refused)
{
	stage.state.held = true;
	expect_refused("create /ports/9", "/: the database is new", 0);
	ck_assert(stage.state.held);
	stage.state.held = false;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("an edit");
	TCase *each = tcase_create("one that is wrong");

	describe(suite,
	         "one that is good",
	         given_a_configuration,
	         forget,
	         makes_each_object_and_takes_it_away_again,
	         says_the_path_of_what_was_made,
	         gives_numbers_that_are_free,
	         gives_a_subsystem_an_nqn_of_its_own,
	         makes_objects_as_nvmet_makes_them,
	         sets_attributes_of_each_object,
	         takes_an_attribute_back_to_its_default,
	         sets_an_attribute_that_is_there_twice,
	         changes_what_a_namespace_is_only_while_it_is_disabled,
	         disables_and_enables_what_it_changes,
	         unlinks_and_links_what_it_changes,
	         deletes_and_makes_what_it_changes,
	         deletes_with_all_that_is_below,
	         does_many_as_one,
	         that_changes_nothing_is_no_change,
	         leaves_what_it_is_not_about_undisturbed,
	         warns_of_what_it_is_about_only,
	         that_is_only_checked_is_not_done,
	         that_is_refused_is_not_in_the_database_either,
	         that_was_done_is_there_after_a_restart,
	         that_makes_more_than_there_may_be_is_refused,
	         that_comes_during_a_hold_is_refused);
	tcase_add_checked_fixture(each, given_a_configuration, forget);
	tcase_add_loop_test(each,
	                    that_is_wrong_is_refused_with_object_attribute_reason,
	                    0,
	                    sizeof(refused) / sizeof(refused[0]));
	suite_add_tcase(suite, each);
	return run(suite);
}
