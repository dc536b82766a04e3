/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts find the ports of a target by mDNS, through a real avahi-daemon on a bus of its own, in a
 * network of its own (TP8009). */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define ADDRESS   "192.0.2.7"
#define DISCOVERY "nqn.2001-01.com.example:discovery"
#define BUS       "unix:path=/run/avahi-daemon/bus"
#define WAIT_NS   (20 * NS_PER_S)

static const char bus_config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\""
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>system</type><listen>" BUS "</listen><auth>EXTERNAL</auth>\n"
	"<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
	"<allow send_type=\"method_call\"/><allow send_requested_reply=\"true\"/>"
	"<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>"
	"<allow receive_type=\"error\"/><allow receive_type=\"signal\"/></policy></busconfig>\n";

static const char avahi_config[] = "[server]\nhost-name=machine\nuse-ipv6=no\n"
				   "allow-interfaces=veth0\nratelimit-burst=10000\n";

static pid_t bus, avahi;
static char own_name[64]; /* what the port 1 is called */

/* ------------------------------------------------------------------ the world around */

static pid_t start(char *const *argv)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!freopen("/run/avahi-daemon/log", "ae", stdout) ||
	    dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		_exit(98);
	execv(argv[0], argv);
	_exit(99);
}

static void end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static void start_avahi(void)
{
	avahi = start((char *[]){(char[]){"/usr/sbin/avahi-daemon"},
	                         (char[]){"--file=/run/avahi-daemon/conf"},
	                         (char[]){"--no-drop-root"},
	                         (char[]){"--no-chroot"},
	                         (char[]){"--no-rlimits"},
	                         NULL});
}

static bool write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

static void start_bus(void)
{
	struct stat status;
	uint64_t until_ns = clock_now_ns() + WAIT_NS;

	bus = start((char *[]){(char[]){"/usr/bin/dbus-daemon"},
	                       (char[]){"--config-file=/run/avahi-daemon/bus.conf"},
	                       (char[]){"--nofork"},
	                       (char[]){"--nopidfile"},
	                       NULL});
	while (stat("/run/avahi-daemon/bus", &status) < 0) {
		ck_assert_uint_lt(clock_now_ns(), until_ns);
		poll(NULL, 0, 10);
	}
}

/* Neither this machine's network nor its avahi-daemon has a part in this. */
static void make_world(void)
{
	static const char *const programs[] = {
		"/usr/sbin/avahi-daemon", "/usr/bin/avahi-browse", "/usr/bin/dbus-daemon"};

	if (geteuid() != 0)
		harness_skip("a network of its own takes root");
	for (unsigned i = 0; i < 3; i++)
		if (access(programs[i], X_OK) < 0)
			harness_skip("avahi-daemon, avahi-utils or dbus is not installed: "
			             "deploy/packages --for test");
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		harness_skip("a network of its own cannot be made here");
	mkdir("/run/avahi-daemon", 0755);
	if (mount("none", "/run/avahi-daemon", "tmpfs", 0, NULL) < 0 ||
	    system("ip link set lo up && ip link add veth0 type veth peer name veth1 && "
	           "ip addr add " ADDRESS "/24 dev veth0 && ip link set veth0 up && "
	           "ip link set veth1 up") != 0 ||
	    !write_file("/run/avahi-daemon/bus.conf", bus_config) ||
	    !write_file("/run/avahi-daemon/conf", avahi_config))
		harness_skip("a network of its own cannot be made here");
	setenv("DBUS_SYSTEM_BUS_ADDRESS", BUS, 1);
}

/* ------------------------------------------------------------------ what hosts find */

/* Whether a line of avahi-browse has all of these, NULL at the end. */
static bool has_line(const char *const *words)
{
	FILE *pipe = popen("timeout 5 avahi-browse -rpt _nvme-disc._tcp 2>&1", "re");
	char line[1024];
	bool found = false;

	ck_assert_ptr_nonnull(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		unsigned i = 0;

		while (words[i] && strstr(line, words[i]))
			i++;
		found |= !words[i];
	}
	pclose(pipe);
	return found;
}

static void await_line(bool wanted, const char *const *words)
{
	uint64_t until_ns = clock_now_ns() + WAIT_NS;

	while (has_line(words) != wanted) {
		if (clock_now_ns() > until_ns)
			ck_abort_msg("%s is %s", words[0], wanted ? "not found" : "still found");
		poll(NULL, 0, 50);
	}
}

#define expect_found(...) await_line(true, (const char *const[]){__VA_ARGS__, NULL})
#define expect_gone(...)  await_line(false, (const char *const[]){__VA_ARGS__, NULL})

static void await_status(const char *words)
{
	uint64_t until_ns = clock_now_ns() + WAIT_NS;
	char text[8192];

	for (;;) {
		ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
		if (strstr(text, words))
			return;
		if (clock_now_ns() > until_ns)
			ck_abort_msg("status does not say \"%s\": %s", words, text);
		poll(NULL, 0, 50);
	}
}

/* ------------------------------------------------------------------ the set */

static struct harness_exports exports_with_mdns(void)
{
	struct harness_exports exports = harness_plain();

	exports.discovery = "\"nqn\": \"" DISCOVERY "\", \"mdns\": 1";
	exports.subsystems[0].namespaces[0].nsid = 0;
	exports.ports[0].traddr = ADDRESS;
	return exports;
}

static void start_set(void)
{
	struct harness_exports exports = exports_with_mdns();

	scene.harness = harness_new(&exports);
	scene.harness->announce = "yes";
	harness_start(scene.harness, true);
}

static void given_a_set(void)
{
	start_bus();
	start_avahi();
	start_set();
	expect_found(own_name);
}

static void given_a_set_without_avahi(void)
{
	start_bus();
	start_set();
}

static void forget(void)
{
	scene_stop();
	end(&avahi);
	end(&bus);
	unlink("/run/avahi-daemon/bus");
}

static const char *port(void)
{
	return scene.harness->exports.ports[0].trsvcid;
}

START_TEST(is_found_with_its_address_and_its_name)
{
	expect_found(own_name, "-nvme-1.local;" ADDRESS, port(), "\"p=tcp\"", "\"nqn=" DISCOVERY);
	await_status("\", tcp, " ADDRESS);
	shows("Base 2.1 §8.3.1",
	      "announces each port that listens as _nvme-disc._tcp with p= and nqn=, on the "
	      "address "
	      "that it listens on");
}
END_TEST

START_TEST(of_the_wildcard_is_found_under_the_name_of_the_machine)
{
	struct harness_exports plain = scene.harness->exports, exports = plain;

	exports.ports[1].traddr = "0.0.0.0";
	snprintf(exports.ports[1].trsvcid, sizeof(exports.ports[1].trsvcid), "14421");
	harness_restore(scene.harness, &exports);
	expect_found("port\\0322", "machine.local;" ADDRESS, "14421");
	harness_restore(scene.harness, &plain);
	expect_gone("port\\0322");
	expect_found(own_name);
}
END_TEST

START_TEST(is_found_no_more_where_it_is_not_configured)
{
	struct harness_exports plain = scene.harness->exports, exports = plain;

	exports.discovery = NULL;
	harness_restore(scene.harness, &exports);
	expect_gone(own_name);
	harness_restore(scene.harness, &plain);
	expect_found(own_name);
}
END_TEST

START_TEST(is_found_again_after_the_death_of_the_announcer)
{
	harness_kill(scene.harness, "announce");
	expect_found(own_name);
}
END_TEST

START_TEST(is_found_again_after_the_daemons_restart)
{
	end(&avahi);
	await_status("not announced: no avahi-daemon is running");
	start_avahi();
	expect_found(own_name);
}
END_TEST

/* avahi-daemon says nothing, and is not dead. Nothing else waits for it. */
START_TEST(keeps_a_set_alive_whose_avahi_daemon_hangs)
{
	struct harness_exports exports = scene.harness->exports;

	kill(avahi, SIGSTOP);
	exports.ports[1].traddr = "127.0.0.1";
	snprintf(exports.ports[1].trsvcid, sizeof(exports.ports[1].trsvcid), "14422");
	harness_restore(scene.harness, &exports);
	await_status("mDNS, port 2  not announced: avahi-daemon does not answer");
	ck_assert_uint_eq(harness_log_count(scene.harness, "announce: process"), 0);
	kill(avahi, SIGCONT);
	await_status("port 2\", tcp, 127.0.0.1");
}
END_TEST

START_TEST(is_found_no_more_when_the_set_has_ended)
{
	harness_end(scene.harness);
	expect_gone(own_name);
}
END_TEST

START_TEST(waits_until_there_is_one)
{
	await_status("not announced: no avahi-daemon is running");
	ck_assert_uint_eq(harness_log_count(scene.harness, "no avahi-daemon is running"), 1);
	start_avahi();
	expect_found(own_name);
}
END_TEST

START_TEST(gets_another_name_where_somebody_has_its_own)
{
	char name[64], command[160];
	pid_t other;

	gethostname(name, sizeof(name) - 1);
	snprintf(command, sizeof(command), "nvmetd on %.32s, port 1", name);
	start_avahi();
	expect_found(own_name);
	harness_end(scene.harness);
	other = start((char *[]){(char[]){"/usr/bin/avahi-publish"},
	                         (char[]){"-s"},
	                         command,
	                         (char[]){"_nvme-disc._tcp"},
	                         (char[]){"1"},
	                         NULL});
	expect_found(own_name, ";1;");
	harness_start(scene.harness, false);
	expect_found(own_name, "\\032\\0352;", port());
	end(&other);
}
END_TEST

START_TEST(says_that_there_is_no_bus)
{
	end(&bus);
	unlink("/run/avahi-daemon/bus");
	await_status("not announced: the system's D-Bus is not there");
	start_bus();
	start_avahi();
	expect_found(own_name);
}
END_TEST

/* As avahi-browse -p writes it. */
static void know_own_name(void)
{
	char machine[64] = "";

	gethostname(machine, sizeof(machine) - 1);
	machine[strcspn(machine, ".")] = '\0';
	snprintf(own_name, sizeof(own_name), "nvmetd\\032on\\032%.20s", machine);
}

int main(void)
{
	Suite *suite = suite_create("mdns");

	make_world();
	know_own_name();
	describe_running(suite,
	                 "a port",
	                 given_a_set,
	                 forget,
	                 is_found_with_its_address_and_its_name,
	                 of_the_wildcard_is_found_under_the_name_of_the_machine,
	                 is_found_no_more_where_it_is_not_configured,
	                 is_found_again_after_the_death_of_the_announcer);
	describe_alone(suite,
	               "a port of a set with an avahi-daemon",
	               given_a_set,
	               forget,
	               is_found_again_after_the_daemons_restart,
	               keeps_a_set_alive_whose_avahi_daemon_hangs,
	               is_found_no_more_when_the_set_has_ended);
	describe_alone(suite,
	               "a port of a set without an avahi-daemon",
	               given_a_set_without_avahi,
	               forget,
	               waits_until_there_is_one,
	               gets_another_name_where_somebody_has_its_own,
	               says_that_there_is_no_bus);
	return harness_run(suite);
}
