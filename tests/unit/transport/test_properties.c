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
	ck_assert_uint_eq(value, 15); /* CRWMT as TO, no CRIMT */
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

START_TEST(is_ready_no_more_when_its_reset_is_over)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES)));
	ck_assert_int_eq(change, PROPERTIES_DISABLED);
	expect_csts(NVME_CSTS_RDY);
	ck_assert(properties_are_resetting(&properties));
	ck_assert(!properties_are_ready(&properties));
	properties_are_reset(&properties, true);
	expect_csts(0);
}
END_TEST

START_TEST(has_failed_when_its_reset_takes_too_long)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES)));
	properties_are_reset(&properties, false);
	expect_csts(NVME_CSTS_CFS);
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | NVME_CC_EN)));
	expect_csts(NVME_CSTS_RDY);
}
END_TEST

START_TEST(may_be_enabled_before_its_reset_is_over)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES)));
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | NVME_CC_EN)));
	ck_assert_int_eq(change, PROPERTIES_ENABLED);
	expect_csts(NVME_CSTS_RDY);
	ck_assert(properties_are_ready(&properties));
}
END_TEST

START_TEST(is_shut_down_when_that_is_over)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | CC_NORMAL | NVME_CC_EN)));
	ck_assert_int_eq(change, PROPERTIES_SHUT_DOWN);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_OCCURS);
	ck_assert(!properties_allow_io(&properties));
	properties_are_shut_down(&properties, true);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
	ck_assert(!properties_allow_io(&properties));
}
END_TEST

START_TEST(has_failed_when_its_shutdown_takes_too_long)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | CC_NORMAL | NVME_CC_EN)));
	properties_are_shut_down(&properties, false);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_OCCURS | NVME_CSTS_CFS);
}
END_TEST

START_TEST(knows_an_abrupt_shutdown)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | 2u << 14 | NVME_CC_EN)));
	ck_assert_int_eq(change, PROPERTIES_SHUT_DOWN_NOW);
}
END_TEST

START_TEST(is_shut_down_once)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | CC_NORMAL | NVME_CC_EN)));
	properties_are_shut_down(&properties, true);
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | 2u << 14 | NVME_CC_EN)));
	ck_assert_int_eq(change, PROPERTIES_SAME);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
}
END_TEST

/* MPS, AMS and CSS may be written while EN is 0. */
START_TEST(keeps_what_may_not_change_while_it_is_enabled)
{
	ck_assert(status_is_ok(
		WRITE_CC(5u << 16 | 4u << 20 | 1u << 7 | 1u << 11 | 6u << 4 | NVME_CC_EN)));
	ck_assert(status_is_ok(GET4(NVME_PROPERTY_CC)));
	ck_assert_uint_eq(value, 5u << 16 | 4u << 20 | NVME_CC_EN);
}
END_TEST

START_TEST(reads_as_zero_what_is_reserved_in_cc)
{
	ck_assert(status_is_ok(WRITE_CC(0)));
	properties_are_reset(&properties, true);
	ck_assert(status_is_ok(WRITE_CC(0xff00000e | CC_SIZES)));
	ck_assert(status_is_ok(GET4(NVME_PROPERTY_CC)));
	ck_assert_uint_eq(value, CC_SIZES);
}
END_TEST

#define NSSRS             (UINT64_C(1) << 36)
#define WRITE(offset, to) property(NVME_FABRICS_PROPERTY_SET, 0, offset, to)

START_TEST(cannot_have_its_subsystem_reset)
{
	expect_refused(WRITE(NVME_PROPERTY_NSSR, NVME_NSSR_MAGIC), 44);
	expect_refused(WRITE(NVME_PROPERTY_CSTS, NVME_CSTS_NSSRO), 44);
}
END_TEST

START_TEST(can_have_its_subsystem_reset_where_cap_says_so)
{
	properties.cap |= NSSRS;
	ck_assert(status_is_ok(GET4(NVME_PROPERTY_NSSR)));
	ck_assert_uint_eq(value, 0);
	ck_assert(status_is_ok(WRITE(NVME_PROPERTY_NSSR, NVME_NSSR_MAGIC)));
	ck_assert_int_eq(change, PROPERTIES_SUBSYSTEM_RESET);
}
END_TEST

START_TEST(has_nothing_reset_by_another_value_in_nssr)
{
	properties.cap |= NSSRS;
	ck_assert(status_is_ok(WRITE(NVME_PROPERTY_NSSR, NVME_NSSR_MAGIC + 1)));
	ck_assert_int_eq(change, PROPERTIES_SAME);
}
END_TEST

START_TEST(says_that_its_subsystem_was_reset_until_that_is_cleared)
{
	properties.cap |= NSSRS;
	properties_reset_subsystem(&properties);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_NSSRO);
	properties_are_reset(&properties, true);
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | NVME_CC_EN)));
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_NSSRO);
	ck_assert(status_is_ok(WRITE(NVME_PROPERTY_CSTS, ~UINT64_C(0))));
	expect_csts(NVME_CSTS_RDY);
}
END_TEST

START_TEST(can_be_reset_after_a_shutdown)
{
	ck_assert(status_is_ok(WRITE_CC(CC_SIZES | CC_NORMAL | NVME_CC_EN)));
	ck_assert(status_is_ok(WRITE_CC(0)));
	ck_assert_int_eq(change, PROPERTIES_DISABLED);
	properties_are_reset(&properties, true);
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
	         is_ready_no_more_when_its_reset_is_over,
	         has_failed_when_its_reset_takes_too_long,
	         may_be_enabled_before_its_reset_is_over,
	         is_shut_down_when_that_is_over,
	         has_failed_when_its_shutdown_takes_too_long,
	         knows_an_abrupt_shutdown,
	         is_shut_down_once,
	         keeps_what_may_not_change_while_it_is_enabled,
	         reads_as_zero_what_is_reserved_in_cc,
	         cannot_have_its_subsystem_reset,
	         can_have_its_subsystem_reset_where_cap_says_so,
	         has_nothing_reset_by_another_value_in_nssr,
	         says_that_its_subsystem_was_reset_until_that_is_cleared,
	         can_be_reset_after_a_shutdown,
	         stays_ready_when_enabled_again);
	return run(suite);
}
