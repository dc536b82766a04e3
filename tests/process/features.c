/* SPDX-License-Identifier: BSD-2-Clause */
/* Set Features and Get Features on the wire. */
#include <string.h>

#include "common/nvme/identify.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define BYTE(field)    offsetof(struct nvme_command, field)
#define SELECT(n)      ((uint32_t)(n) << 8)
#define SAVE           (1u << 31)
#define AEC_NS_CHANGED (1u << 8)
#define NO_NAMESPACE   1000u
#define IMPOSSIBLE     1025u

static const uint8_t of_controller[] = {
	NVME_FEATURE_ARBITRATION,
	NVME_FEATURE_POWER_MANAGEMENT,
	NVME_FEATURE_TEMPERATURE_THRESHOLD,
	NVME_FEATURE_VOLATILE_WRITE_CACHE,
	NVME_FEATURE_NUMBER_OF_QUEUES,
	NVME_FEATURE_WRITE_ATOMICITY,
	NVME_FEATURE_ASYNC_EVENT_CONFIG,
	NVME_FEATURE_KEEP_ALIVE_TIMER,
	NVME_FEATURE_HOST_BEHAVIOR,
	NVME_FEATURE_HOST_IDENTIFIER,
};

static uint8_t data[512];

static void given_a_set(void)
{
	scene_start(NULL);
}

/* The association, without I/O queues. */
static void connect_admin_queue(void)
{
	harness_connect_as(&scene.options, &scene.controller);
}

static struct host_request command(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
	return (struct host_request){
		.command = {.opcode = opcode,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(cdw10),
	                    .cdw11 = le32_of(cdw11)}
        };
}

static void set_refused(uint32_t nsid, uint32_t cdw10, uint32_t cdw11, unsigned code,
                        unsigned location)
{
	struct host_request request = command(NVME_ADMIN_SET_FEATURES, nsid, cdw10, cdw11);

	scene_refused(&request, DNR(code), location);
}

static void get_refused(uint32_t nsid, uint32_t cdw10, uint32_t cdw11, unsigned code,
                        unsigned location)
{
	struct host_request request = command(NVME_ADMIN_GET_FEATURES, nsid, cdw10, cdw11);

	scene_refused(&request, DNR(code), location);
}

static void set(uint32_t nsid, uint32_t fid, uint32_t value)
{
	struct host_request request = command(NVME_ADMIN_SET_FEATURES, nsid, fid, value);

	expect_good(scene_admin(&request));
}

static uint32_t get(uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
	struct host_request request = command(NVME_ADMIN_GET_FEATURES, nsid, cdw10, cdw11);

	expect_good(scene_admin(&request));
	return le32_get(request.completion.dw0);
}

static struct host_request with_data(struct host_request request, enum nvme_transfer direction,
                                     uint32_t length)
{
	request.direction = direction;
	request.data = data;
	request.length = length;
	return request;
}

/* ------------------------------------------------------------------ any feature */

START_TEST(are_none_that_it_does_not_have)
{
	static const uint8_t none[] = {0x00, 0x03, 0x08, 0x09, 0x0c, 0x0e, 0x10, 0x11, 0x17, 0xc0};

	connect_admin_queue();
	for (size_t i = 0; i < sizeof(none); i++) {
		set_refused(0, none[i], 0, NVME_SC_INVALID_FIELD, BYTE(cdw10));
		get_refused(0, none[i], 0, NVME_SC_INVALID_FIELD, BYTE(cdw10));
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1", "a feature that is not there: Invalid Field at FID, DNR");
}
END_TEST

START_TEST(cannot_be_saved)
{
	connect_admin_queue();
	for (size_t i = 0; i < sizeof(of_controller); i++)
		set_refused(0,
		            of_controller[i] | SAVE,
		            1,
		            NVME_SC_FEATURE_NOT_SAVEABLE,
		            BYTE(cdw10) + 3);
	set_refused(1,
	            NVME_FEATURE_ERROR_RECOVERY | SAVE,
	            1,
	            NVME_SC_FEATURE_NOT_SAVEABLE,
	            BYTE(cdw10) + 3);
	scene_disconnect();
	shows("Base 2.1 §5.1.25",
	      "SV: no feature can be saved: Feature Identifier Not Saveable, DNR");
}
END_TEST

START_TEST(have_values_of_now_and_defaults)
{
	connect_admin_queue();
	set(0, NVME_FEATURE_ASYNC_EVENT_CONFIG, AEC_NS_CHANGED);
	ck_assert_uint_eq(get(0, NVME_FEATURE_ASYNC_EVENT_CONFIG, 0), AEC_NS_CHANGED);
	ck_assert_uint_eq(get(0, NVME_FEATURE_ASYNC_EVENT_CONFIG | SELECT(1), 0), 0);
	ck_assert_uint_eq(get(0, NVME_FEATURE_ASYNC_EVENT_CONFIG | SELECT(2), 0), 0);
	get_refused(0,
	            NVME_FEATURE_ASYNC_EVENT_CONFIG | SELECT(4),
	            0,
	            NVME_SC_INVALID_FIELD,
	            BYTE(cdw10) + 1);
	scene_disconnect();
	shows("Base 2.1 §5.1.11",
	      "SEL: current and default values; saved is the default; reserved: Invalid Field at "
	      "SEL");
}
END_TEST

START_TEST(say_what_can_be_done_with_them)
{
	connect_admin_queue();
	ck_assert_uint_eq(get(0, NVME_FEATURE_ASYNC_EVENT_CONFIG | SELECT(3), 0), 4);
	ck_assert_uint_eq(get(0, NVME_FEATURE_VOLATILE_WRITE_CACHE | SELECT(3), 0), 0);
	ck_assert_uint_eq(get(1, NVME_FEATURE_ERROR_RECOVERY | SELECT(3), 0), 6);
	scene_disconnect();
	shows("Base 2.1 §5.1.11", "SEL 011b says what is changeable and what is of a namespace");
}
END_TEST

/* nvme-cli makes no room for data then, other hosts do. */
START_TEST(say_what_can_be_done_with_or_without_room_for_data)
{
	struct host_request request;

	connect_admin_queue();
	ck_assert_uint_eq(get(0, NVME_FEATURE_HOST_BEHAVIOR | SELECT(3), 0), 4);
	request = with_data(
		command(NVME_ADMIN_GET_FEATURES, 0, NVME_FEATURE_HOST_BEHAVIOR | SELECT(3), 0),
		NVME_TRANSFER_TO_HOST,
		sizeof(data));
	memset(data, 0xee, sizeof(data));
	expect_good(scene_admin(&request));
	ck_assert_uint_eq(le32_get(request.completion.dw0), 4);
	scene_expect_zeroes(data, sizeof(data));
	scene_disconnect();
}
END_TEST

START_TEST(of_the_controller_are_not_set_for_a_namespace)
{
	connect_admin_queue();
	for (size_t i = 0; i < sizeof(of_controller); i++) {
		set_refused(1, of_controller[i], 1, NVME_SC_FEATURE_NOT_NAMESPACE, BYTE(nsid));
		set_refused(IMPOSSIBLE, of_controller[i], 1, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
	}
	set(NVME_NSID_ALL, NVME_FEATURE_ASYNC_EVENT_CONFIG, AEC_NS_CHANGED);
	scene_disconnect();
	shows("Base 2.1 §5.1.25",
	      "a feature of the controller with an NSID: Feature Not Namespace Specific, DNR");
}
END_TEST

START_TEST(of_a_namespace_are_of_one_that_is_there)
{
	connect_admin_queue();
	set_refused(0, NVME_FEATURE_ERROR_RECOVERY, 1, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
	set_refused(
		IMPOSSIBLE, NVME_FEATURE_ERROR_RECOVERY, 1, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
	set_refused(
		NO_NAMESPACE, NVME_FEATURE_ERROR_RECOVERY, 1, NVME_SC_INVALID_FIELD, BYTE(nsid));
	get_refused(NVME_NSID_ALL,
	            NVME_FEATURE_ERROR_RECOVERY,
	            0,
	            NVME_SC_INVALID_NAMESPACE,
	            BYTE(nsid));
	scene_disconnect();
	shows("Base 2.1 §5.1.25",
	      "a feature of a namespace: NSID invalid: Invalid Namespace or Format; not active: "
	      "Invalid Field at NSID; FFFFFFFFh to Get Features: Invalid Namespace or Format");
}
END_TEST

/* ------------------------------------------------------------------ each */

START_TEST(keeps_how_to_arbitrate)
{
	connect_admin_queue();
	ck_assert_uint_eq(get(0, NVME_FEATURE_ARBITRATION, 0), 7);
	set(0, NVME_FEATURE_ARBITRATION, 0x03020104);
	ck_assert_uint_eq(get(0, NVME_FEATURE_ARBITRATION, 0), 0x03020104);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.1", "Arbitration is kept; queues are served round robin");
}
END_TEST

START_TEST(has_one_power_state)
{
	connect_admin_queue();
	ck_assert_uint_eq(get(0, NVME_FEATURE_POWER_MANAGEMENT, 0), 0);
	set(0, NVME_FEATURE_POWER_MANAGEMENT, 1u << 5);
	ck_assert_uint_eq(get(0, NVME_FEATURE_POWER_MANAGEMENT, 0), 1u << 5);
	set_refused(0, NVME_FEATURE_POWER_MANAGEMENT, 1, NVME_SC_INVALID_FIELD, BYTE(cdw11));
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.2", "one power state (NPSS 0): another is Invalid Field, DNR");
}
END_TEST

START_TEST(has_thresholds_of_the_composite_temperature)
{
	connect_admin_queue();
	set(0, NVME_FEATURE_TEMPERATURE_THRESHOLD, 350);
	set(0, NVME_FEATURE_TEMPERATURE_THRESHOLD, 1u << 20 | 270);
	ck_assert_uint_eq(get(0, NVME_FEATURE_TEMPERATURE_THRESHOLD, 0), 350);
	ck_assert_uint_eq(get(0, NVME_FEATURE_TEMPERATURE_THRESHOLD, 1u << 20) & 0xffff, 270);
	set_refused(0,
	            NVME_FEATURE_TEMPERATURE_THRESHOLD,
	            1u << 16 | 350,
	            NVME_SC_INVALID_FIELD,
	            BYTE(cdw11) + 2);
	set_refused(0,
	            NVME_FEATURE_TEMPERATURE_THRESHOLD,
	            2u << 20 | 350,
	            NVME_SC_INVALID_FIELD,
	            BYTE(cdw11) + 2);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.3",
	      "thresholds of the composite temperature; of sensors, which there are none: Invalid "
	      "Field at TMPSEL, DNR");
}
END_TEST

START_TEST(limits_errors_per_namespace)
{
	connect_admin_queue();
	set(2, NVME_FEATURE_ERROR_RECOVERY, 77);
	ck_assert_uint_eq(get(2, NVME_FEATURE_ERROR_RECOVERY, 0), 77);
	ck_assert_uint_eq(get(1, NVME_FEATURE_ERROR_RECOVERY, 0), 0);
	set(NVME_NSID_ALL, NVME_FEATURE_ERROR_RECOVERY, 78);
	ck_assert_uint_eq(get(1, NVME_FEATURE_ERROR_RECOVERY, 0), 78);
	set_refused(
		1, NVME_FEATURE_ERROR_RECOVERY, 1u << 16, NVME_SC_INVALID_FIELD, BYTE(cdw11) + 2);
	scene_disconnect();
	shows("NVM 1.1 §4.1.3.2",
	      "TLER is kept for each namespace; DULBE, which NSFEAT does not offer: Invalid Field");
}
END_TEST

START_TEST(keeps_its_write_cache)
{
	connect_admin_queue();
	ck_assert_uint_eq(get(0, NVME_FEATURE_VOLATILE_WRITE_CACHE, 0), 1);
	set_refused(0,
	            NVME_FEATURE_VOLATILE_WRITE_CACHE,
	            0,
	            NVME_SC_FEATURE_NOT_CHANGEABLE,
	            SCENE_NOWHERE);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.4",
	      "the write cache cannot be turned off: Feature Not Changeable");
}
END_TEST

START_TEST(grants_queues)
{
	connect_admin_queue();
	set_refused(
		0, NVME_FEATURE_NUMBER_OF_QUEUES, 0x0001ffff, NVME_SC_INVALID_FIELD, BYTE(cdw11));
	set_refused(0,
	            NVME_FEATURE_NUMBER_OF_QUEUES,
	            0xffff0001,
	            NVME_SC_INVALID_FIELD,
	            BYTE(cdw11) + 2);
	set(0, NVME_FEATURE_NUMBER_OF_QUEUES, 3u << 16 | 1);
	ck_assert_uint_eq(get(0, NVME_FEATURE_NUMBER_OF_QUEUES, 0), 3u << 16 | 3);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.2.1", "queues go in pairs; 65,536 of them: Invalid Field, DNR");
}
END_TEST

START_TEST(grants_no_queues_when_there_are_some)
{
	scene_connect();
	set_refused(0,
	            NVME_FEATURE_NUMBER_OF_QUEUES,
	            1u << 16 | 1,
	            NVME_SC_COMMAND_SEQUENCE,
	            SCENE_NOWHERE);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.2.1",
	      "Number of Queues with an I/O queue connected: Command Sequence Error, DNR");
}
END_TEST

START_TEST(offers_no_events_that_it_does_not_have)
{
	connect_admin_queue();
	set(0, NVME_FEATURE_ASYNC_EVENT_CONFIG, 0x9ff);
	for (unsigned bit = 9; bit < 32; bit++)
		if (bit != 11) /* ANA */
			set_refused(0,
			            NVME_FEATURE_ASYNC_EVENT_CONFIG,
			            1u << bit,
			            NVME_SC_INVALID_FIELD,
			            BYTE(cdw11));
	ck_assert_uint_eq(get(0, NVME_FEATURE_ASYNC_EVENT_CONFIG, 0), 0x9ff);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.5", "events that OAES does not offer: Invalid Field, DNR");
}
END_TEST

START_TEST(knows_what_its_host_can_cope_with)
{
	static const uint8_t wanted[512] = {1, 1, 0, 1};
	struct host_request request;

	connect_admin_queue();
	memcpy(data, wanted, sizeof(data));
	request = with_data(command(NVME_ADMIN_SET_FEATURES, 0, NVME_FEATURE_HOST_BEHAVIOR, 0),
	                    NVME_TRANSFER_TO_CONTROLLER,
	                    sizeof(data));
	expect_good(scene_admin(&request));
	memset(data, 0xee, sizeof(data));
	host_must(&scene.controller,
	          host_get_feature(
			  &scene.controller, NVME_FEATURE_HOST_BEHAVIOR, 0, data, sizeof(data)));
	ck_assert_mem_eq(data, wanted, sizeof(data));
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.14", "Host Behavior Support is kept: ACRE, ETDAS, HDISNS");
}
END_TEST

START_TEST(takes_no_part_of_what_its_host_can_cope_with)
{
	struct host_request request;

	connect_admin_queue();
	memset(data, 0, sizeof(data));
	data[0] = 2;
	request = with_data(command(NVME_ADMIN_SET_FEATURES, 0, NVME_FEATURE_HOST_BEHAVIOR, 0),
	                    NVME_TRANSFER_TO_CONTROLLER,
	                    sizeof(data));
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), SCENE_NOWHERE);
	request = with_data(command(NVME_ADMIN_SET_FEATURES, 0, NVME_FEATURE_HOST_BEHAVIOR, 0),
	                    NVME_TRANSFER_TO_CONTROLLER,
	                    256);
	scene_refused(&request, DNR(NVME_SC_SGL_DATA_LENGTH), BYTE(sgl.length));
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.14",
	      "Host Behavior Support: reserved values: Invalid Field; other than 512 bytes: Data "
	      "SGL "
	      "Length Invalid");
}
END_TEST

START_TEST(has_the_host_identifier_from_connect)
{
	struct host_request request;

	connect_admin_queue();
	request = with_data(command(NVME_ADMIN_SET_FEATURES, 0, NVME_FEATURE_HOST_IDENTIFIER, 1),
	                    NVME_TRANSFER_TO_CONTROLLER,
	                    16);
	scene_refused(&request, DNR(NVME_SC_COMMAND_SEQUENCE), SCENE_NOWHERE);
	host_must(&scene.controller,
	          host_get_feature(&scene.controller, NVME_FEATURE_HOST_IDENTIFIER, 1, data, 16));
	ck_assert_mem_eq(data, scene.options.hostid, 16);
	request = with_data(command(NVME_ADMIN_GET_FEATURES, 0, NVME_FEATURE_HOST_IDENTIFIER, 0),
	                    NVME_TRANSFER_TO_HOST,
	                    8);
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw11));
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.28",
	      "the Host Identifier is Connect's: Set is a Command Sequence Error, Get with EXHID 0 "
	      "Invalid Field, as it has 128 bits");
}
END_TEST

/* ------------------------------------------------------------------ reset */

/* Until CC.EN is written again. */
static void reset(void)
{
	host_must(&scene.controller,
	          host_property_set(&scene.controller, NVME_PROPERTY_CC, false, 0x460000));
	host_must(&scene.controller, host_controller_enable(&scene.controller));
}

static void set_some(void)
{
	set(0, NVME_FEATURE_ASYNC_EVENT_CONFIG, AEC_NS_CHANGED);
	set(0, NVME_FEATURE_NUMBER_OF_QUEUES, 0);
	set(0, NVME_FEATURE_ARBITRATION, 3);
	set(2, NVME_FEATURE_ERROR_RECOVERY, 9);
}

static void expect_defaults(void)
{
	ck_assert_uint_eq(get(0, NVME_FEATURE_ASYNC_EVENT_CONFIG, 0), 0);
	ck_assert_uint_ne(get(0, NVME_FEATURE_NUMBER_OF_QUEUES, 0), 0);
	ck_assert_uint_eq(get(0, NVME_FEATURE_ARBITRATION, 0), 7);
	ck_assert_uint_eq(get(2, NVME_FEATURE_ERROR_RECOVERY, 0), 0);
}

START_TEST(forgets_them_when_it_is_reset)
{
	connect_admin_queue();
	set_some();
	reset();
	expect_defaults();
	scene_disconnect();
	shows("Base 2.1 §3.7.2", "a Controller Level Reset sets features to their defaults");
}
END_TEST

START_TEST(keeps_them_through_the_death_of_the_state_service)
{
	connect_admin_queue();
	set_some();
	harness_kill(scene.harness, "state");
	ck_assert_uint_eq(get(0, NVME_FEATURE_ASYNC_EVENT_CONFIG, 0), AEC_NS_CHANGED);
	ck_assert_uint_eq(get(0, NVME_FEATURE_ARBITRATION, 0), 3);
	ck_assert_uint_eq(get(2, NVME_FEATURE_ERROR_RECOVERY, 0), 9);
	scene_disconnect();
}
END_TEST

START_TEST(forgets_them_when_it_is_reset_while_the_state_service_is_away)
{
	connect_admin_queue();
	set_some();
	harness_kill(scene.harness, "state");
	reset();
	expect_defaults();
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("features");

	describe_running(suite,
	                 "features",
	                 given_a_set,
	                 scene_stop,
	                 are_none_that_it_does_not_have,
	                 cannot_be_saved,
	                 have_values_of_now_and_defaults,
	                 say_what_can_be_done_with_them,
	                 say_what_can_be_done_with_or_without_room_for_data,
	                 of_the_controller_are_not_set_for_a_namespace,
	                 of_a_namespace_are_of_one_that_is_there);
	describe_running(suite,
	                 "a controller with features",
	                 given_a_set,
	                 scene_stop,
	                 keeps_how_to_arbitrate,
	                 has_one_power_state,
	                 has_thresholds_of_the_composite_temperature,
	                 limits_errors_per_namespace,
	                 keeps_its_write_cache,
	                 grants_queues,
	                 grants_no_queues_when_there_are_some,
	                 offers_no_events_that_it_does_not_have,
	                 knows_what_its_host_can_cope_with,
	                 takes_no_part_of_what_its_host_can_cope_with,
	                 has_the_host_identifier_from_connect,
	                 forgets_them_when_it_is_reset);
	describe_alone(suite,
	               "a controller with features whose state service dies",
	               given_a_set,
	               scene_stop,
	               keeps_them_through_the_death_of_the_state_service,
	               forgets_them_when_it_is_reset_while_the_state_service_is_away);
	return harness_run(suite);
}
