/* SPDX-License-Identifier: BSD-2-Clause */
/* How devices are, in log 02h, and in events. */
#include <string.h>

#include "services/state/event.h"
#include "services/state/health.h"
#include "services/state/reconcile.h"
#include "tests/unit/state/stage.h"

#define RAE (1u << 15)

enum { SMART = NVME_LOG_SMART | (512 / 4 - 1) << 16 };

static void given_a_controller(void)
{
	stage_open();
	stage_ready();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
}

/* The worker says this of the device below a namespace; NULL: nothing. */
static void report_device(uint32_t nsid, Nvmetd__BackingHealth *said)
{
	const struct config_namespace *namespace = stage_namespace(STAGE_SUBSYSTEM, nsid);
	Nvmetd__WorkerReport report = NVMETD__WORKER_REPORT__INIT;
	Nvmetd__BackingReport backing = NVMETD__BACKING_REPORT__INIT, *list = &backing;

	backing.handle = namespace->backing->handle;
	backing.ready = true;
	backing.blocks = namespace->backing->blocks;
	backing.block_shift = namespace->backing->block_shift;
	backing.health = said;
	report.namespaces = &list;
	report.n_namespaces = 1;
	reconcile_report(&stage.state, state_add_worker(&stage.state, "io-0"), &report);
}

static Nvmetd__BackingHealth device(uint64_t number)
{
	Nvmetd__BackingHealth said = NVMETD__BACKING_HEALTH__INIT;

	said.device = number;
	said.spare = 100;
	return said;
}

static void warn_of(uint32_t nsid, uint32_t warning)
{
	Nvmetd__BackingHealth said = device(nsid);

	said.critical_warning = warning;
	report_device(nsid, &said);
}

static void heat(uint32_t kelvin)
{
	Nvmetd__BackingHealth said = device(1);

	said.temperature = kelvin;
	report_device(1, &said);
}

static const struct nvme_log_smart *get(uint32_t flags)
{
	expect_status(stage_admin(NVME_ADMIN_GET_LOG_PAGE, NVME_NSID_ALL, SMART | flags, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 512);
	return (const struct nvme_log_smart *)stage.reply.data;
}

static void set(uint32_t fid, uint32_t value)
{
	expect_status(stage_admin(NVME_ADMIN_SET_FEATURES, 0, fid, value), 0);
}

/* ------------------------------------------------------------------ the log */

START_TEST(is_good_where_nobody_knows)
{
	ck_assert_uint_eq(get(0)->critical_warning, 0);
	ck_assert_uint_eq(get(0)->available_spare, 100);
	ck_assert_uint_eq(le16_get(get(0)->temperature), 0);
}
END_TEST

START_TEST(is_that_of_the_worst_device)
{
	Nvmetd__BackingHealth first = device(1), second = device(2);

	first.temperature = 310;
	first.spare = 40;
	first.spare_threshold = 35;
	first.used = 10;
	first.media_errors = 3;
	second.temperature = 320;
	second.spare = 30;
	second.spare_threshold = 10;
	second.used = 300;
	second.media_errors = 4;
	report_device(1, &first);
	report_device(2, &second);
	ck_assert_uint_eq(le16_get(get(0)->temperature), 320);
	ck_assert_uint_eq(get(0)->available_spare, 40); /* it is nearer to its threshold */
	ck_assert_uint_eq(get(0)->spare_threshold, 35);
	ck_assert_uint_eq(get(0)->percentage_used, 255);
	ck_assert_uint_eq(le64_get(get(0)->media_errors[0]), 7);
}
END_TEST

START_TEST(counts_errors_of_one_device_once)
{
	Nvmetd__BackingHealth both = device(1);

	both.media_errors = 5;
	report_device(1, &both);
	report_device(2, &both);
	ck_assert_uint_eq(le64_get(get(0)->media_errors[0]), 5);
	both.device = 2;
	both.media_errors = UINT64_MAX;
	report_device(2, &both);
	ck_assert_uint_eq(le64_get(get(0)->media_errors[0]), UINT64_MAX);
}
END_TEST

START_TEST(is_read_only_if_all_media_are)
{
	warn_of(1, NVME_WARNING_READ_ONLY);
	ck_assert_uint_eq(get(0)->critical_warning, NVME_WARNING_RELIABILITY);
	warn_of(2, NVME_WARNING_READ_ONLY);
	ck_assert_uint_eq(get(0)->critical_warning, NVME_WARNING_READ_ONLY);
}
END_TEST

START_TEST(warns_of_the_temperatures_that_the_host_has_set)
{
	heat(330);
	ck_assert_uint_eq(get(0)->critical_warning, 0);
	set(NVME_FEATURE_TEMPERATURE_THRESHOLD, 330);
	ck_assert_uint_eq(get(0)->critical_warning, NVME_WARNING_TEMPERATURE);
	set(NVME_FEATURE_TEMPERATURE_THRESHOLD, 331);
	ck_assert_uint_eq(get(0)->critical_warning, 0);
	set(NVME_FEATURE_TEMPERATURE_THRESHOLD, 1u << 20 | 330); /* under */
	ck_assert_uint_eq(get(0)->critical_warning, NVME_WARNING_TEMPERATURE);
}
END_TEST

START_TEST(of_devices_that_its_host_does_not_see_is_not_told)
{
	char *masked = stage_edit(
		stage_config,
		"{\"nsid\": 1, \"enable\": 1, \"device\": {\"path\": \"ram:1M\",\n"
		"     \"uuid\"",
		"{\"nsid\": 1, \"enable\": 1, \"auto_visible\": 0, \"device\": "
		"{\"path\": \"ram:1M\",\n     \"uuid\"");

	warn_of(1, NVME_WARNING_SPARE);
	ck_assert_uint_eq(get(0)->critical_warning, NVME_WARNING_SPARE);
	stage_restore(masked);
	free(masked);
	ck_assert_uint_eq(get(0)->critical_warning, 0);
}
END_TEST

/* ------------------------------------------------------------------ events */

static uint32_t told(void)
{
	uint32_t result = 0;

	return event_take(stage.session, &result) ? result : 0;
}

START_TEST(is_an_event_where_its_host_wants_one)
{
	warn_of(1, NVME_WARNING_SPARE);
	ck_assert_uint_eq(told(), 0);
	set(NVME_FEATURE_ASYNC_EVENT_CONFIG, NVME_WARNING_SPARE);
	ck_assert_uint_eq(told(), 0x020201);
}
END_TEST

START_TEST(says_in_its_event_what_kind_it_is)
{
	static const struct {
		uint8_t warning;
		uint32_t result;
	} cases[] = {
		{NVME_WARNING_SPARE,       0x020201},
		{NVME_WARNING_TEMPERATURE, 0x020101},
		{NVME_WARNING_RELIABILITY, 0x020001},
		{NVME_WARNING_BACKUP,      0x020001},
	};

	set(NVME_FEATURE_ASYNC_EVENT_CONFIG, 0xff);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		warn_of(1, cases[i].warning);
		ck_assert_uint_eq(told(), cases[i].result);
		warn_of(1, 0);
		get(0);
	}
}
END_TEST

START_TEST(is_told_again_only_after_its_log_was_read)
{
	set(NVME_FEATURE_ASYNC_EVENT_CONFIG, 0xff);
	warn_of(1, NVME_WARNING_SPARE);
	ck_assert_uint_ne(told(), 0);
	warn_of(1, NVME_WARNING_SPARE | NVME_WARNING_RELIABILITY);
	ck_assert_uint_eq(told(), 0); /* masked, of whatever kind */
	get(RAE);
	ck_assert_uint_eq(told(), 0);
	get(0);
	ck_assert_uint_eq(told(), 0); /* it was in the log */
	warn_of(1, 0);
	warn_of(1, NVME_WARNING_SPARE);
	ck_assert_uint_eq(told(), 0x020201);
}
END_TEST

START_TEST(is_told_once_as_long_as_it_lasts)
{
	set(NVME_FEATURE_ASYNC_EVENT_CONFIG, 0xff);
	warn_of(1, NVME_WARNING_SPARE);
	ck_assert_uint_ne(told(), 0);
	get(0);
	warn_of(1, NVME_WARNING_SPARE);
	ck_assert_uint_eq(told(), 0);
}
END_TEST

START_TEST(is_an_event_when_a_threshold_is_set_below_it)
{
	set(NVME_FEATURE_ASYNC_EVENT_CONFIG, NVME_WARNING_TEMPERATURE);
	heat(330);
	ck_assert_uint_eq(told(), 0);
	set(NVME_FEATURE_TEMPERATURE_THRESHOLD, 320);
	ck_assert(stage.session->untold);
	ck_assert_uint_eq(told(), 0x020101);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("health");

	describe(suite,
	         "health",
	         given_a_controller,
	         stage_close,
	         is_good_where_nobody_knows,
	         is_that_of_the_worst_device,
	         counts_errors_of_one_device_once,
	         is_read_only_if_all_media_are,
	         warns_of_the_temperatures_that_the_host_has_set,
	         of_devices_that_its_host_does_not_see_is_not_told);
	describe(suite,
	         "a warning",
	         given_a_controller,
	         stage_close,
	         is_an_event_where_its_host_wants_one,
	         says_in_its_event_what_kind_it_is,
	         is_told_again_only_after_its_log_was_read,
	         is_told_once_as_long_as_it_lasts,
	         is_an_event_when_a_threshold_is_set_below_it);
	return run(suite);
}
