/* SPDX-License-Identifier: BSD-2-Clause */
/* As many objects as there may be: each of them works, and to take them takes time in proportion.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/scene.h"
#include "tests/process/usage.h"

enum {
	EACH = 1024,  /* namespaces of a subsystem */
	LARGE = 4,    /* subsystems that have so many */
	SMALL = 300,  /* subsystems without any */
	PORTS = 16,   /* that have all of the subsystems */
	HOSTS = 1000, /* that may use the first one, and nobody else */
	CROWD = 120,  /* controllers whose sessions are large: more than go into one message */
};

#define WAIT_MS 60000u
#define BLOCK   512u

static char text[1 << 20];
static uint8_t page[NVME_IDENTIFY_SIZE];
static double seconds_of_few, seconds_of_all;

/* ------------------------------------------------------------------ the file */

static void write_hosts(FILE *file, bool as_objects)
{
	for (unsigned i = 0; i < HOSTS; i++)
		fprintf(file,
		        as_objects ? "%s{\"nqn\": \"nqn.2014-08.org.example:host-%u\"}"
		                   : "%s\"nqn.2014-08.org.example:host-%u\"",
		        i ? ",\n" : "",
		        i);
}

static void write_namespaces(FILE *file, unsigned count, unsigned disabled)
{
	for (unsigned nsid = 1; nsid <= count; nsid++)
		fprintf(file,
		        "%s{\"nsid\": %u, \"enable\": %d, \"device\": {\"path\": \"null:1G\"}}",
		        nsid > 1 ? ",\n" : "",
		        nsid,
		        nsid != disabled);
}

static const char *name_of(unsigned subsystem)
{
	static char name[64];

	if (subsystem == 0)
		return HARNESS_NQN;
	snprintf(name, sizeof(name), "nqn.2001-01.com.example:scale-%u", subsystem);
	return name;
}

static void write_ports(FILE *file)
{
	for (unsigned port = 1; port <= PORTS; port++) {
		fprintf(file,
		        "%s{\"portid\": %u, \"addr\": {\"trtype\": \"tcp\", \"adrfam\": \"ipv4\", "
		        "\"traddr\": \"127.0.0.%u\", \"trsvcid\": \"%s\"}, \"subsystems\": [",
		        port > 1 ? ",\n" : "",
		        port,
		        port,
		        scene.harness->exports.ports[0].trsvcid);
		for (unsigned i = 0; i < LARGE + SMALL; i++)
			fprintf(file, "%s\"%s\"", i ? "," : "", name_of(i));
		fprintf(file, "]}");
	}
}

static void write_subsystems(FILE *file, unsigned large, unsigned disabled)
{
	for (unsigned i = 0; i < LARGE + SMALL; i++) {
		fprintf(file,
		        "%s{\"nqn\": \"%s\", \"attr\": {\"allow_any_host\": %d}, "
		        "\"allowed_hosts\": [",
		        i ? ",\n" : "",
		        name_of(i),
		        i != 0);
		if (i == 0)
			write_hosts(file, false);
		fprintf(file, "], \"namespaces\": [");
		write_namespaces(file, i < large ? EACH : 0, i == 0 ? disabled : 0);
		fprintf(file, "]}");
	}
}

/* disabled: one of the first subsystem; 0: none. */
static void restore(unsigned large, unsigned disabled)
{
	char path[128];
	FILE *file;
	int r;

	snprintf(path, sizeof(path), "%s", harness_path(scene.harness, "large.json"));
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "{\"hosts\": [");
	write_hosts(file, true);
	fprintf(file, "],\n\"ports\": [");
	write_ports(file);
	fprintf(file, "],\n\"subsystems\": [");
	write_subsystems(file, large, disabled);
	fprintf(file, "]}\n");
	ck_assert_int_eq(fclose(file), 0);
	r = harness_ctl(scene.harness, text, sizeof(text), "restore", path, NULL);
	ck_assert_msg(r == 0, "nvmetctl restore ended with %d: %.500s", r, text);
}

/* ------------------------------------------------------------------ the set */

/* Processor time, which does not depend on who else is busy. */
static double used_seconds(void)
{
	const struct usage usage = usage_of_set(scene.harness);

	return usage_busy_seconds(&usage);
}

static unsigned count_active(void)
{
	const struct nvme_namespace_list *list = (const struct nvme_namespace_list *)page;
	unsigned count = 0;

	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_ACTIVE_NAMESPACES, 0, 0, page));
	while (count < 1024 && le32_get(list->nsid[count]) != 0)
		count++;
	return count;
}

static void connect_as(unsigned host, unsigned subsystem)
{
	static char nqn[64];
	static char subnqn[64];
	uint16_t granted;

	snprintf(nqn, sizeof(nqn), "nqn.2014-08.org.example:host-%u", host);
	snprintf(subnqn, sizeof(subnqn), "%s", name_of(subsystem));
	scene.options.hostnqn = nqn;
	scene.options.subnqn = subnqn;
	harness_connect_as(&scene.options, &scene.controller);
	host_must(&scene.controller, host_controller_queues(&scene.controller, 1, &granted));
	host_must(&scene.controller,
	          host_controller_open_queue(&scene.controller, &scene.queue, 1, 32, 8));
}

static void await_active(unsigned count)
{
	uint64_t until_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;

	while (count_active() != count)
		ck_assert_msg(clock_now_ns() < until_ns, "%u namespaces", count_active());
}

static void given_as_much_as_there_may_be(void)
{
	double before;

	scene_start(NULL);
	scene.options.timeout_ms = WAIT_MS;
	before = used_seconds();
	restore(1, 0);
	connect_as(0, 0);
	await_active(EACH);
	scene_disconnect();
	seconds_of_few = used_seconds() - before;
	before = used_seconds();
	restore(LARGE, 0);
	connect_as(0, LARGE - 1);
	await_active(EACH);
	scene_disconnect();
	seconds_of_all = used_seconds() - before;
	printf("# %d namespaces: %.2f s; three times as many more: %.2f s\n",
	       EACH,
	       seconds_of_few,
	       seconds_of_all);
	fflush(stdout);
}

/* ------------------------------------------------------------------ what holds */

/* Linear would be 4, as all that there is is looked at again, and what was there before is less
 * work; a square 16. */
START_TEST(takes_time_in_proportion)
{
	ck_assert_double_lt(seconds_of_all, 6 * seconds_of_few);
}
END_TEST

static struct nvme_status read_from(uint32_t nsid)
{
	static uint8_t block[BLOCK];
	const struct host_namespace space = {.nsid = nsid, .block_bytes = BLOCK};
	struct host_request request = host_io(&space, NVME_IO_READ, 0, 1, block);

	return scene_execute(&request);
}

START_TEST(has_1024_namespaces_in_each_of_4_subsystems)
{
	for (unsigned i = 0; i < LARGE; i++) {
		connect_as(i, i);
		ck_assert_uint_eq(count_active(), EACH);
		expect_good(read_from(1));
		expect_good(read_from(EACH));
		expect_status(read_from(EACH + 1), DNR(NVME_SC_INVALID_NAMESPACE));
		scene_disconnect();
	}
}
END_TEST

START_TEST(has_1000_hosts_and_refuses_all_others)
{
	struct host_controller stranger = HOST_CONTROLLER_NULL;

	connect_as(HOSTS - 1, 0);
	scene_disconnect();
	scene.options.hostnqn = "nqn.2014-08.org.example:host-1000";
	ck_assert_int_eq(host_controller_connect(&stranger, &scene.options), HOST_E_STATUS);
	expect_status(stranger.status, DNR(NVME_SC_CONNECT_INVALID_HOST));
	host_controller_close(&stranger);
}
END_TEST

START_TEST(has_all_subsystems_in_the_discovery_of_each_port)
{
	struct host_controller discovery;
	struct host_options options = scene.options;
	static struct nvme_log_discovery head;

	options.subnqn = NVME_DISCOVERY_NQN;
	options.hostnqn = "nqn.2014-08.org.example:host-7";
	harness_connect_as(&options, &discovery);
	host_must(&discovery,
	          host_get_log(&discovery, NVME_LOG_DISCOVERY, true, 0, &head, sizeof(head)));
	ck_assert_uint_eq(le64_get(head.numrec), LARGE + SMALL + 1);
	host_controller_close(&discovery);
}
END_TEST

START_TEST(tells_of_a_change_of_one)
{
	struct host_request event = host_event_request();
	struct le32 changed[NVME_LOG_CHANGED_SIZE / 4];

	connect_as(3, 0);
	host_must(&scene.controller,
	          host_set_feature(
			  &scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, NVME_OAES_NAMESPACE));
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &event));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
	restore(LARGE, 513);
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &event, WAIT_MS));
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_CHANGED_NAMESPACES,
	                       false,
	                       0,
	                       changed,
	                       sizeof(changed)));
	ck_assert_uint_eq(le32_get(changed[0]), 513);
	ck_assert_uint_eq(le32_get(changed[1]), 0);
	ck_assert_uint_eq(count_active(), EACH - 1);
	scene_disconnect();
}
END_TEST

START_TEST(is_there_again_after_a_death_of_the_state_service)
{
	harness_kill(scene.harness, "state");
	connect_as(5, 1);
	await_active(EACH);
	expect_good(read_from(EACH));
	scene_disconnect();
}
END_TEST

/* A host makes its sessions large by a limit of its own for each namespace: those of all
 * controllers are presented to the next state service in several messages. */
START_TEST(has_all_large_sessions_after_a_death_of_the_state_service)
{
	static struct host_controller crowd[CROWD];

	scene.options.hostnqn = "nqn.2014-08.org.example:host-5";
	scene.options.subnqn = name_of(1);
	for (unsigned i = 0; i < CROWD; i++) {
		struct host_request set = {
			.command = {.opcode = NVME_ADMIN_SET_FEATURES,
		                    .nsid = le32_of(NVME_NSID_ALL),
		                    .cdw10 = le32_of(NVME_FEATURE_ERROR_RECOVERY),
		                    .cdw11 = le32_of(60000 + i)}
                };

		harness_connect_as(&scene.options, &crowd[i]);
		host_must(&crowd[i], host_admin(&crowd[i], &set));
	}
	harness_kill(scene.harness, "state");
	for (unsigned i = 0; i < CROWD; i++) {
		struct host_request get = {
			.command = {.opcode = NVME_ADMIN_GET_FEATURES,
		                    .nsid = le32_of(EACH),
		                    .cdw10 = le32_of(NVME_FEATURE_ERROR_RECOVERY)}
                };

		host_must(&crowd[i], host_admin(&crowd[i], &get));
		ck_assert_uint_eq(le32_get(get.completion.dw0), 60000 + i);
		host_controller_close(&crowd[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scale");

	describe_running(suite,
	                 "a target of 4096 namespaces",
	                 given_as_much_as_there_may_be,
	                 scene_stop,
	                 takes_time_in_proportion,
	                 has_1024_namespaces_in_each_of_4_subsystems,
	                 has_1000_hosts_and_refuses_all_others,
	                 has_all_subsystems_in_the_discovery_of_each_port,
	                 tells_of_a_change_of_one,
	                 is_there_again_after_a_death_of_the_state_service,
	                 has_all_large_sessions_after_a_death_of_the_state_service);
	return harness_run(suite);
}
