/* SPDX-License-Identifier: BSD-2-Clause */
/* Single objects are made, changed and taken away while a host is connected. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define TEXT_BYTES 65536
#define NAMESPACES (1u << 8) /* of Asynchronous Event Configuration */
#define END_MS     20000u
#define OF         "/subsystems/" HARNESS_NQN
#define NEW_NQN    "nqn.2001-01.com.example:new"
#define NEW_HOST   "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-000000000009"

static char text[TEXT_BYTES];
static struct host_request event;

static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].hosts[0] = HARNESS_HOSTNQN;
	scene_start(&exports);
}

/* ------------------------------------------------------------------ nvmetctl */

#define ctl(...) harness_ctl(scene.harness, text, TEXT_BYTES, __VA_ARGS__, NULL)

#define done(...)                                                                                  \
	do {                                                                                       \
		if (ctl(__VA_ARGS__) != 0)                                                         \
			ck_abort_msg("refused: %s", text);                                         \
	} while (0)

static const char *script(const char *lines)
{
	FILE *file = fopen(harness_path(scene.harness, "script"), "we");

	ck_assert_ptr_nonnull(file);
	fputs(lines, file);
	fclose(file);
	return harness_path(scene.harness, "script");
}

static void save(char ret_text[static TEXT_BYTES])
{
	ck_assert_int_eq(harness_ctl(scene.harness, ret_text, TEXT_BYTES, "save", NULL), 0);
}

static char before[TEXT_BYTES];

static void expect_unchanged(void)
{
	static char after[TEXT_BYTES];

	save(after);
	ck_assert_str_eq(before, after);
}

static void expect_said(int code, int wanted, const char *words)
{
	if (code != wanted || !strstr(text, words))
		ck_abort_msg(
			"exit status %d, not %d, or not \"%s\": %s", code, wanted, words, text);
}

/* ------------------------------------------------------------------ the host */

static void ask_for_event(void)
{
	event = host_event_request();
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &event));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
}

static void connect_and_listen(void)
{
	scene_connect();
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, NAMESPACES));
	ask_for_event();
}

/* The event says that a namespace has changed, and the log which one. */
static void expect_event_of(uint32_t nsid)
{
	uint8_t log[4096];

	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &event, END_MS));
	ck_assert_uint_eq(le32_get(event.completion.dw0) >> 16, NVME_LOG_CHANGED_NAMESPACES);
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_CHANGED_NAMESPACES,
	                       false,
	                       0,
	                       log,
	                       sizeof(log)));
	ck_assert_uint_eq(log[0] | (uint32_t)log[1] << 8, nsid);
	ask_for_event();
}

static void expect_end(void)
{
	connection_must(&scene.controller.admin.connection,
	                host_connection_await_end(&scene.controller.admin.connection, END_MS));
	scene_disconnect();
}

static bool can_connect(const char *nqn)
{
	struct host_controller controller = HOST_CONTROLLER_NULL;
	struct host_options options = scene.options;
	bool good;

	if (nqn)
		options.subnqn = nqn;
	good = host_controller_connect(&controller, &options) == 0;
	host_controller_close(&controller);
	return good;
}

START_TEST(a_namespace_comes_with_an_event)
{
	connect_and_listen();
	done("create", OF "/namespaces/5");
	done(OF "/namespaces/5", "set", "device", "path=ram:1M");
	done("enable", OF "/namespaces/5");
	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, 5, &scene.spaces[5]));
	scene_write(5, 0, 8, 3);
	scene_read_back(5, 0, 8, 3);
	expect_event_of(5);
	scene_disconnect();
	shows("Base 2.1 §5.1.2.1",
	      "a namespace that nvmetctl creates is a Namespace Attribute Changed event for hosts "
	      "that are connected");
}
END_TEST

START_TEST(a_namespace_goes_with_an_event)
{
	uint8_t data[4096];

	connect_and_listen();
	done(OF "/namespaces", "delete", "5");
	expect_event_of(5);
	expect_status(scene_io(NVME_IO_READ, 5, 0, 1, data), DNR(NVME_SC_INVALID_NAMESPACE));
	scene_write(1, 0, 8, 4);
	scene_read_back(1, 0, 8, 4);
	scene_disconnect();
}
END_TEST

START_TEST(a_host_that_is_no_longer_allowed_is_disconnected)
{
	scene_connect();
	done("unlink", OF, HARNESS_HOSTNQN);
	expect_end();
	ck_assert(!can_connect(NULL));
	done("link", OF, HARNESS_HOSTNQN);
	ck_assert(can_connect(NULL));
}
END_TEST

START_TEST(a_host_that_is_allowed_disturbs_no_other)
{
	scene_connect();
	done("/hosts", "create", NEW_HOST);
	done(OF "/allowed_hosts", "create", NEW_HOST);
	done(OF "/allowed_hosts", "delete", NEW_HOST);
	done("/hosts", "delete", NEW_HOST);
	scene_expect_ready();
	scene_write(1, 0, 8, 5);
	scene_disconnect();
}
END_TEST

static void await_read(unsigned wanted)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;
	uint8_t data[4096];
	struct nvme_status status;

	while ((status = scene_io(NVME_IO_READ, 1, 0, 1, data)).value != wanted)
		if (clock_now_ns() >= deadline_ns)
			expect_status(status, wanted);
}

START_TEST(an_ana_state_changes)
{
	scene_connect();
	done("/ports/1/ana_groups/1", "set", "ana", "state=inaccessible");
	await_read(NVME_SC_ANA_INACCESSIBLE);
	done("/ports/1/ana_groups/1", "set", "ana", "state=optimized");
	await_read(0);
	scene_disconnect();
}
END_TEST

/* As the README has it: what a command has made is there when it has returned. */
START_TEST(a_subsystem_is_made_from_nothing)
{
	done("/subsystems", "create", NEW_NQN);
	done("/subsystems/" NEW_NQN, "set", "attr", "allow_any_host=1", "serial=MADE");
	done("/subsystems/" NEW_NQN "/namespaces", "create");
	ck_assert_str_eq(text, "1\n");
	done("/subsystems/" NEW_NQN "/namespaces/1", "set", "device", "path=ram:1M");
	done("/subsystems/" NEW_NQN "/namespaces/1", "enable");
	done("/ports/1/subsystems", "create", NEW_NQN);
	ck_assert(can_connect(NEW_NQN));
	done("unlink", "/ports/1", NEW_NQN);
	ck_assert(!can_connect(NEW_NQN));
	done("delete", "/subsystems/" NEW_NQN);
}
END_TEST

START_TEST(a_device_is_replaced_in_one_batch)
{
	connect_and_listen();
	done("batch",
	     script("disable " OF "/namespaces/2\n"
	            "set " OF "/namespaces/2 device path=ram:2M\n"
	            "enable " OF "/namespaces/2\n"));
	expect_event_of(2);
	host_must(&scene.controller,
	          host_namespace_identify(&scene.controller, 2, &scene.spaces[2]));
	ck_assert_uint_eq(scene.spaces[2].blocks * scene.spaces[2].block_bytes, 2u << 20);
	scene_disconnect();
}
END_TEST

START_TEST(a_warning_says_that_a_device_is_not_there)
{
	done("create", OF "/namespaces/6");
	done("set", OF "/namespaces/6", "device", "path=/nonexistent/disk");
	done("enable", OF "/namespaces/6");
	expect_said(0, 0, "/nonexistent/disk) is not ready yet");
	done("delete", OF "/namespaces/6");
}
END_TEST

/* ------------------------------------------------------------------ what is refused */

START_TEST(a_refusal_says_the_object_with_the_reason)
{
	save(before);
	expect_said(ctl("set", "/ports/1", "addr", "traddr=x"),
	            1,
	            "nvmetctl: /ports/1: addr traddr: is no address of ipv4, as adrfam has it\n");
	expect_said(ctl("create", "/ports/1"), 1, "nvmetctl: /ports/1: is there already\n");
	expect_said(ctl("/ports", "delete", "9"),
	            1,
	            "nvmetctl: /ports/9: there is no such object; there ");
	expect_said(ctl("delete", OF), 1, "there is no such subsystem: unlink it, or create it\n");
	expect_unchanged();
}
END_TEST

/* What somebody types who is new to it: what is wrong, where, and what to do about it. */
static const struct {
	int code;
	const char *words;
	char *arguments[7];
} mistakes[] = {
	{2, "'stauts' is not a command: did you mean \"status\"?",               {"stauts"}                                            },
	{2, "'creat' is not a command: did you mean \"create\"?",                {"/ports", "creat", "9"}                              },
	{2, "'frobnicate' is not a command: see nvmetctl --help",                {"frobnicate"}                                        },
	{2, "'nonsense' is not a command: see nvmetctl --help",                  {"help", "nonsense"}                                  },
	{2, "status: '--jsn' is not known: see nvmetctl help status",            {"status", "--jsn"}                                   },
	{2, "create: '--force' is not known: usage: create",                     {"create", "/ports", "--force"}                       },
	{2, "--timeout: '0' is not a number of seconds",                         {"--timeout", "0", "status"}                          },
	{1, "/subzystems: is not known: did you mean \"subsystems\"?",           {"ls", "/subzystems"}                                 },
	{1, "/ports/9: there is no such object; there is 1",                     {"ls", "/ports/9"}                                    },
	{1, "hosts: is not known: did you mean \"allowed_hosts\"?",              {"ls", OF "/alowed_hosts"}                            },
	{1, "there is no such object; there ",                                   {"delete", "/subsystems/nqn.none"}                    },
	{1,
         "there is no such object, nor any other: it must be created first",     {"set", "/ports/1/referrals/r", "addr", "traddr=::1"} },
	{1, "/ports/1: adr: is not known: did you mean \"addr\"?",               {"get", "/ports/1", "adr"}                            },
	{1, "tradr: is not known: did you mean \"traddr\"?",                     {"get", "/ports/1", "addr", "tradr"}                  },
	{1, "attr seral: is not known: did you mean \"serial\"?",                {"set", OF, "attr", "seral=x"}                        },
	{1, "as there is no such group: did you mean \"attr\"?",                 {"set", OF, "atr", "serial=x"}                        },
	{1,
         "serial: is not known: it is in the group attr: set attr serial=VALUE", {"set", OF, "serial=x"}                               },
	{1,
         "attr version: is no version of NVMe that may be said: these are 1.2 ", {"set", OF, "attr", "version=9.9"}                    },
	{1, "attr qid_max: is 1000, and may be 1 to 128",                        {"set", OF, "attr", "qid_max=1000"}                   },
	{1, "attr qid_max: is no number, and may be 1 to 128",                   {"set", OF, "attr", "qid_max=all"}                    },
	{1, "nsid: is no number, and may be 1 to ",                              {"create", OF "/namespaces/one"}                      },
	{1, "disable it first",						  {"set", OF "/namespaces/1", "device", "path=/dev/sdz"}},
	{1, "device uuid: is no UUID, as ",                                      {"set", OF "/namespaces/1", "device", "uuid=12"}      },
	{1, "may be \"tcp\" or \"rdma\"",                                        {"set", "/ports/1", "addr", "trtype=udp"}             },
	{1,
         "addr traddr: is no address of ipv4, as adrfam has it",                 {"set", "/ports/1", "addr", "traddr=300.1.1.1"}       },
	{1,
         "addr trsvcid: is no number of a port, 1 to 65535",                     {"set", "/ports/1", "addr", "trsvcid=http"}           },
	{1, "there is no such host in \"hosts\": add it there",                  {"link", OF, NEW_HOST}                                },
	{1, "there is no such subsystem: unlink it, or create it",               {"link", "/ports/1", NEW_NQN}                         },
	{2, "set: 'traddr' says no value: usage: set",                           {"set", "/ports/1", "addr", "traddr"}                 },
	{2, "`get` shows what there is to be set",                               {"set", "/ports/1", "addr"}                           },
	{1,
         "/ports: has no such attributes: it is a list",                         {"set", "/ports", "addr", "traddr=::1"}               },
	{1, "/: cannot be created: say what",                                    {"create"}                                            },
	{1,
         "there is no subsystem of this name: nvmetctl status shows",            {"fault", "nqn.none", "1"}                            },
	{1,
         "restart: 'nosuch' is no process that is there now; there are: state",  {"restart", "nosuch"}				 },
	{1, "/nonexistent: cannot be read: No such file",                        {"restore", "/nonexistent"}                           },
	{1, "is not saved: No such file",                                        {"save", "/nonexistent/x"}                            },
};

START_TEST(a_mistake_is_told_with_what_to_do_about_it)
{
	save(before);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		char *const *a = mistakes[i].arguments;

		expect_said(ctl(a[0], a[1], a[2], a[3], a[4], a[5]),
		            mistakes[i].code,
		            mistakes[i].words);
	}
	expect_unchanged();
}
END_TEST

/* A set that does not run, or that is not for this user. */
START_TEST(says_why_nvmetd_is_not_reached)
{
	char *const arguments[] = {"nvmetctl", "--run-dir", "/nonexistent", "status", NULL};

	expect_said(harness_program("nvmetctl", text, TEXT_BYTES, arguments, 10000),
	            3,
	            "'/nonexistent/ctl/ctl.sock': there is no such socket\n"
	            "nvmetctl: see that nvmetd runs, that --run-dir is its run directory");
}
END_TEST

START_TEST(a_wrong_command_is_not_tried)
{
	save(before);
	expect_said(ctl("creat", "/ports/9"), 2, "'creat' is not a command");
	expect_said(ctl("/ports", "creat", "9"), 2, "'creat' is not a command");
	expect_said(ctl("set", "/ports/1", "addr"), 2, "usage: set");
	expect_said(ctl("create", "/ports", "9", "10"), 2, "usage: create");
	expect_said(ctl("begin"), 2, "is for the shell");
	expect_said(ctl("create", "/ports", "--force"), 2, "create: '--force' is not known");
	expect_said(ctl("create", "--help"), 0, "Usage: create");
	expect_unchanged();
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
	save(before);
	done("create", "/ports/9", "--dry-run");
	expect_said(ctl("create", "/ports/1", "--dry-run"), 1, "is there already");
	done("batch", "--dry-run", script("create /ports/9\ndelete /ports/9\n"));
	expect_unchanged();
}
END_TEST

START_TEST(a_batch_is_done_whole_or_not_at_all)
{
	const char *path = script("# a comment\n"
	                          "create /ports/9\n"
	                          "\n"
	                          "set /ports/1 addr traddr=nowhere\n"
	                          "create /ports/10\n");

	save(before);
	expect_said(ctl("batch", path), 1, "script:4: /ports/1: addr traddr: is no address");
	expect_said(ctl("batch", script("create /ports/9\nls 'x\n")),
	            2,
	            "script:2: a quote is not closed");
	expect_said(ctl("batch", script("create /ports/9\ncommit\n")), 2, "script:2: ");
	expect_said(ctl("batch", "/nonexistent"), 1, "/nonexistent: cannot be read");
	expect_unchanged();
}
END_TEST

START_TEST(what_is_there_is_shown_by_path)
{
	done("get", "/ports/1", "addr", "traddr");
	ck_assert_str_eq(text, "traddr=127.0.0.1\n");
	done("get", OF "/namespaces/1", "enable");
	ck_assert_str_eq(text, "enable=1\n");
	done("ls", "/ports/1/subsystems");
	ck_assert_str_eq(text, "o- subsystems (1)\n  o- " HARNESS_NQN "\n");
	done("ls", "--json", "/ports/1/subsystems");
	ck_assert_str_eq(text, "[\n  \"" HARNESS_NQN "\"\n]\n");
	expect_said(ctl("ls", "/ports/9"), 1, "/ports/9: there is no such object");
	expect_said(ctl("get", "/ports/1", "adr"), 1, "/ports/1: adr: is not known");
}
END_TEST

START_TEST(a_configuration_is_not_replaced_unasked)
{
	char path[192];

	snprintf(path, sizeof(path), "%s", harness_path(scene.harness, "kept.json"));
	done("saveconfig", path);
	save(before);
	expect_said(ctl("restoreconfig", path), 1, "clear_existing");
	done("restoreconfig", path, "clear_existing");
	expect_unchanged();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edits");

	describe_running(suite,
	                 "a set with a host",
	                 given_a_set,
	                 scene_stop,
	                 a_namespace_comes_with_an_event,
	                 a_namespace_goes_with_an_event,
	                 a_host_that_is_no_longer_allowed_is_disconnected,
	                 a_host_that_is_allowed_disturbs_no_other,
	                 an_ana_state_changes,
	                 a_subsystem_is_made_from_nothing,
	                 a_device_is_replaced_in_one_batch,
	                 a_warning_says_that_a_device_is_not_there,
	                 a_refusal_says_the_object_with_the_reason,
	                 a_mistake_is_told_with_what_to_do_about_it,
	                 says_why_nvmetd_is_not_reached,
	                 a_wrong_command_is_not_tried,
	                 a_dry_run_changes_nothing,
	                 a_batch_is_done_whole_or_not_at_all,
	                 what_is_there_is_shown_by_path,
	                 a_configuration_is_not_replaced_unasked);
	return harness_run(suite);
}
