/* SPDX-License-Identifier: BSD-2-Clause */
/* A controller's registers (Base 2.1 §3.1.4), as a host reads and writes them over fabrics. */
#include "common/transport/properties.h"

#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

#define CAP (UINT64_C(1) << 37 | UINT64_C(15) << 24 | 127) /* NVM, TO 7.5 s, MQES 127 */

#define CC_SIZES  (6u << 16 | 4u << 20) /* IOSQES 64 bytes, IOCQES 16 bytes */
#define CC_NORMAL (1u << 14)            /* SHN: normal shutdown */

static struct properties properties;
static enum properties_change change;
static uint64_t value;
static uint16_t location;

static void given_a_new_controller(void)
{
	properties = (struct properties){.cap = CAP, .vs = 0x20100};
	change = PROPERTIES_SAME;
	location = 0xffff;
}

static struct nvme_status property(uint8_t type, uint8_t attrib, uint32_t offset, uint64_t to)
{
	struct nvme_property_command wire = {.opcode = NVME_FABRICS,
	                                     .flags = 0x40,
	                                     .fctype = type,
	                                     .attrib = attrib,
	                                     .ofst = le32_of(offset),
	                                     .value = le64_of(to)};
	struct nvme_command command;

	memcpy(&command, &wire, sizeof(command));
	if (type == NVME_FABRICS_PROPERTY_GET)
		return properties_get(&properties, &command, &value, &location);
	return properties_set(&properties, &command, &change, &location);
}

#define GET4(offset)   property(NVME_FABRICS_PROPERTY_GET, 0, offset, 0)
#define GET8(offset)   property(NVME_FABRICS_PROPERTY_GET, 1, offset, 0)
#define WRITE_CC(bits) property(NVME_FABRICS_PROPERTY_SET, 0, NVME_PROPERTY_CC, bits)

static void expect_refused(struct nvme_status status, uint16_t field)
{
	ck_assert_uint_eq(status.value, NVME_SC_INVALID_FIELD | NVME_STATUS_DNR);
	ck_assert_uint_eq(location, field);
}

static void expect_csts(uint32_t csts)
{
	ck_assert(status_is_ok(GET4(NVME_PROPERTY_CSTS)));
	ck_assert_uint_eq(value, csts);
}

static void given_an_enabled_controller(void)
{
	given_a_new_controller();
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | NVME_CC_EN)));
	change = PROPERTIES_SAME;
}

START_TEST(says_its_capabilities_in_eight_bytes)
{
	ck_assert(status_is_ok(GET8(NVME_PROPERTY_CAP)));
	ck_assert_uint_eq(value, CAP);
}
END_TEST

START_TEST(refuses_capabilities_in_four_bytes)
{
	expect_refused(GET4(NVME_PROPERTY_CAP), 40);
}
END_TEST

START_TEST(refuses_cc_in_eight_bytes)
{
	expect_refused(GET8(NVME_PROPERTY_CC), 40);
}
END_TEST

START_TEST(refuses_a_register_that_it_has_not)
{
	expect_refused(GET4(NVME_PROPERTY_NSSR), 44);
}
END_TEST

START_TEST(refuses_to_have_its_version_written)
{
	expect_refused(property(NVME_FABRICS_PROPERTY_SET, 0, NVME_PROPERTY_VS, 1), 44);
}
END_TEST

START_TEST(says_how_long_it_may_take_to_become_ready)
{
	ck_assert(status_is_ok(GET4(NVME_PROPERTY_CRTO)));
	ck_assert_uint_eq(value, 15u << 16 | 15u);
}
END_TEST

START_TEST(is_not_ready)
{
	expect_csts(0);
	ck_assert(!properties_are_ready(&properties));
}
END_TEST

START_TEST(may_have_cc_written_before_it_is_enabled)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES)));
	ck_assert_int_eq(change, PROPERTIES_SAME);
	expect_csts(0);
	ck_assert(status_is_ok(GET8(NVME_PROPERTY_CAP)));
	ck_assert_uint_eq(value, CAP);
	shows("Base 2.1 §3.5.2",
	      "CC may be written without EN before it is written with EN, as Linux does");
}
END_TEST

START_TEST(becomes_ready_when_enabled)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | NVME_CC_EN)));
	ck_assert_int_eq(change, PROPERTIES_ENABLED);
	expect_csts(NVME_CSTS_RDY);
	ck_assert(properties_are_ready(&properties));
}
END_TEST

static const struct {
	const char *what;
	uint32_t cc;
} impossible[] = {
	{"IOSQES of 32 bytes",             5u << 16 | 4u << 20 | NVME_CC_EN},
	{"IOCQES of 32 bytes",             6u << 16 | 5u << 20 | NVME_CC_EN},
	{"pages of 8 KiB",                 CC_SIZES | 1u << 7 | NVME_CC_EN },
	{"weighted round robin",           CC_SIZES | 1u << 11 | NVME_CC_EN},
	{"all command sets, not in CAP",   CC_SIZES | 6u << 4 | NVME_CC_EN },
	{"admin only, not in CAP",         CC_SIZES | 7u << 4 | NVME_CC_EN },
	{"a command set that is reserved", CC_SIZES | 1u << 4 | NVME_CC_EN },
};

START_TEST(fails_when_enabled_with_what_it_cannot_do)
{
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		given_a_new_controller();
		ck_assert(status_is_ok(WRITE_CC(impossible[i].cc)));
		ck_assert_msg(properties.csts == NVME_CSTS_CFS, "%s", impossible[i].what);
		ck_assert(!properties_are_ready(&properties));
	}
	shows("Base 2.1 §3.1.4.6",
	      "CC.EN with a page size, command set, arbitration or entry size that is not there: "
	      "CSTS.CFS, and not ready");
}
END_TEST

START_TEST(takes_all_command_sets_if_its_capabilities_say_so)
{
	properties.cap |= UINT64_C(1) << 43;
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | 6u << 4 | NVME_CC_EN)));
	expect_csts(NVME_CSTS_RDY);
}
END_TEST

START_TEST(does_not_care_for_entry_sizes_if_it_is_for_discovery)
{
	properties.discovery = true;
	ck_assert(status_is_ok(WRITE_CC(NVME_CC_EN)));
	expect_csts(NVME_CSTS_RDY);
}
END_TEST

START_TEST(is_reset_when_disabled)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES)));
	ck_assert_int_eq(change, PROPERTIES_DISABLED);
	expect_csts(0);
}
END_TEST

START_TEST(completes_a_shutdown_at_once)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | CC_NORMAL | NVME_CC_EN)));
	ck_assert_int_eq(change, PROPERTIES_SHUT_DOWN);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
	shows("Base 2.1 §3.6.2",
	      "a shutdown is complete at once: CSTS.SHST is 10b with the answer");
}
END_TEST

START_TEST(can_be_reset_after_a_shutdown)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | CC_NORMAL | NVME_CC_EN)));
	ck_assert(status_is_ok(WRITE_CC(0)));
	ck_assert_int_eq(change, PROPERTIES_DISABLED);
	expect_csts(0);
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | NVME_CC_EN)));
	expect_csts(NVME_CSTS_RDY);
}
END_TEST

START_TEST(stays_ready_when_enabled_again)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | NVME_CC_EN)));
	ck_assert_int_eq(change, PROPERTIES_SAME);
	expect_csts(NVME_CSTS_RDY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("properties");

	describe(suite,
	         "a new controller",
	         given_a_new_controller,
	         NULL,
	         says_its_capabilities_in_eight_bytes,
	         refuses_capabilities_in_four_bytes,
	         refuses_cc_in_eight_bytes,
	         refuses_a_register_that_it_has_not,
	         refuses_to_have_its_version_written,
	         says_how_long_it_may_take_to_become_ready,
	         is_not_ready,
	         may_have_cc_written_before_it_is_enabled,
	         becomes_ready_when_enabled,
	         fails_when_enabled_with_what_it_cannot_do,
	         takes_all_command_sets_if_its_capabilities_say_so,
	         does_not_care_for_entry_sizes_if_it_is_for_discovery);
	describe(suite,
	         "an enabled controller",
	         given_an_enabled_controller,
	         NULL,
	         is_reset_when_disabled,
	         completes_a_shutdown_at_once,
	         can_be_reset_after_a_shutdown,
	         stays_ready_when_enabled_again);
	return run(suite);
}
