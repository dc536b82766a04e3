/* SPDX-License-Identifier: BSD-2-Clause */
/* Reservation commands, as checked structs; who may read and write beside a reservation. */
#include "common/nvme/reservation.h"

#include "tests/support/shows.h"
#include "tests/support/spec.h"

#define DNR     NVME_STATUS_DNR
#define INVALID (NVME_SC_INVALID_FIELD | DNR)

static const uint8_t data[16] = {1, 0, 0, 0, 0, 0, 0, 0x80, 2, 0, 0, 0, 0, 0, 0, 0x40};
static struct decoded_reservation decoded;
static uint16_t location;

static unsigned decode_of(uint8_t opcode, uint32_t cdw10, uint32_t cdw11, size_t length)
{
	const struct nvme_command command = {
		.opcode = opcode, .cdw10 = le32_of(cdw10), .cdw11 = le32_of(cdw11)};

	location = 0xffff;
	return reservation_decode(&command, data, length, &decoded, &location).value;
}

static unsigned decode(uint8_t opcode, uint32_t cdw10)
{
	return decode_of(opcode, cdw10, 0, sizeof(data));
}

#define expect(value, wanted) ck_assert_uint_eq((value), (wanted))

START_TEST(register_has_two_keys)
{
	for (unsigned action = 0; action < 3; action++) {
		expect(decode(NVME_IO_RESERVATION_REGISTER, action), 0);
		expect(decoded.action, RESERVATION_REGISTER + action);
		expect(decoded.key, UINT64_C(0x8000000000000001));
		expect(decoded.new_key, UINT64_C(0x4000000000000002));
		ck_assert(!decoded.ignores_key);
		expect(decoded.persist, RESERVATION_PERSIST_AS_IT_IS);
	}
}
END_TEST

START_TEST(register_may_ignore_the_key_or_change_what_persists)
{
	expect(decode(NVME_IO_RESERVATION_REGISTER, 2u << 30 | 1u << 3 | 1), 0);
	ck_assert(decoded.ignores_key);
	expect(decoded.persist, RESERVATION_PERSIST_NO);
	expect(decode(NVME_IO_RESERVATION_REGISTER, 3u << 30), 0);
	expect(decoded.persist, RESERVATION_PERSIST_YES);
}
END_TEST

START_TEST(register_is_refused_with_what_is_reserved)
{
	for (unsigned action = 3; action < 8; action++) {
		expect(decode(NVME_IO_RESERVATION_REGISTER, action), INVALID);
		expect(location, 40);
	}
	expect(decode(NVME_IO_RESERVATION_REGISTER, 1u << 30), INVALID);
	expect(location, 43);
}
END_TEST

START_TEST(acquire_has_a_type)
{
	for (unsigned type = 1; type <= 6; type++) {
		expect(decode(NVME_IO_RESERVATION_ACQUIRE, type << 8), 0);
		expect(decoded.action, RESERVATION_ACQUIRE);
		expect(decoded.type, type);
		expect(decode(NVME_IO_RESERVATION_ACQUIRE, type << 8 | 1), 0);
		expect(decoded.action, RESERVATION_PREEMPT);
		expect(decode(NVME_IO_RESERVATION_ACQUIRE, type << 8 | 2), 0);
		expect(decoded.action, RESERVATION_PREEMPT);
	}
}
END_TEST

START_TEST(acquire_is_refused_with_what_is_reserved)
{
	expect(decode(NVME_IO_RESERVATION_ACQUIRE, 0), INVALID);
	expect(location, 41);
	expect(decode(NVME_IO_RESERVATION_ACQUIRE, 7 << 8), INVALID);
	expect(location, 41);
	expect(decode(NVME_IO_RESERVATION_ACQUIRE, 1 << 8 | 3), INVALID);
	expect(location, 40);
	expect(decode(NVME_IO_RESERVATION_ACQUIRE, 1 << 8 | 1 << 3), INVALID);
	expect(location, 40);
}
END_TEST

START_TEST(release_needs_one_key)
{
	expect(decode_of(NVME_IO_RESERVATION_RELEASE, 2 << 8, 0, 8), 0);
	expect(decoded.action, RESERVATION_RELEASE);
	expect(decoded.type, 2);
	expect(decode(NVME_IO_RESERVATION_RELEASE, 1), 0);
	expect(decoded.action, RESERVATION_CLEAR);
	expect(decode(NVME_IO_RESERVATION_RELEASE, 2), INVALID);
	expect(decode(NVME_IO_RESERVATION_RELEASE, 1 << 3), INVALID);
}
END_TEST

START_TEST(keys_must_be_there)
{
	expect(decode_of(NVME_IO_RESERVATION_REGISTER, 0, 0, 8), NVME_SC_SGL_DATA_LENGTH | DNR);
	expect(decode_of(NVME_IO_RESERVATION_ACQUIRE, 1 << 8, 0, 15),
	       NVME_SC_SGL_DATA_LENGTH | DNR);
	expect(decode_of(NVME_IO_RESERVATION_RELEASE, 0, 0, 4), NVME_SC_SGL_DATA_LENGTH | DNR);
}
END_TEST

START_TEST(report_has_a_length)
{
	expect(decode_of(NVME_IO_RESERVATION_REPORT, 1023, 1, 0), 0);
	expect(decoded.action, RESERVATION_REPORT);
	expect(decoded.length_bytes, 4096);
	expect(decode_of(NVME_IO_RESERVATION_REPORT, 1 << 18, 1, 0), INVALID);
	expect(location, 40);
	expect(decode_of(NVME_IO_RESERVATION_REPORT, UINT32_MAX, 1, 0), INVALID);
}
END_TEST

START_TEST(report_is_of_long_host_identifiers)
{
	expect(decode_of(NVME_IO_RESERVATION_REPORT, 1023, 0, 0),
	       NVME_SC_HOST_ID_INCONSISTENT | DNR);
	expect(location, 44);
}
END_TEST

/* ------------------------------------------------------------------ the table */

#define R RESERVATION_MAY_READ
#define W RESERVATION_MAY_WRITE

START_TEST(those_without_rights_may_at_most_read)
{
	static const unsigned rights[] = {R | W, R, 0, R, 0, R, 0};

	for (unsigned type = 0; type <= NVME_RESERVATION_TYPE_MAX; type++) {
		expect(reservation_rights(type, false), rights[type]);
		expect(reservation_rights(type, true), R | W);
	}
	shows("Base 2.1 §8.1.22",
	      "Read needs the right to read, all other I/O commands that to write");
}
END_TEST

START_TEST(registrants_share_the_rights_of_types_3_to_6)
{
	for (unsigned type = 0; type <= NVME_RESERVATION_TYPE_MAX; type++)
		ck_assert(reservation_is_shared(type) == (type >= 3));
}
END_TEST

START_TEST(flush_counts_as_a_write)
{
	expect(reservation_need(NVME_IO_READ), R);
	expect(reservation_need(NVME_IO_WRITE), W);
	expect(reservation_need(NVME_IO_FLUSH), W);
	expect(reservation_need(NVME_IO_WRITE_ZEROES), W);
	expect(reservation_need(NVME_IO_DATASET_MANAGEMENT), W);
	expect(reservation_need(NVME_IO_ZONE_APPEND), W);
	expect(reservation_need(NVME_IO_ZONE_MANAGEMENT_SEND), W);
	expect(reservation_need(NVME_IO_ZONE_MANAGEMENT_RECEIVE), R);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reservation");

	describe(suite,
	         "a reservation command",
	         NULL,
	         NULL,
	         register_has_two_keys,
	         register_may_ignore_the_key_or_change_what_persists,
	         register_is_refused_with_what_is_reserved,
	         acquire_has_a_type,
	         acquire_is_refused_with_what_is_reserved,
	         release_needs_one_key,
	         keys_must_be_there,
	         report_has_a_length,
	         report_is_of_long_host_identifiers);
	describe(suite,
	         "beside a reservation",
	         NULL,
	         NULL,
	         those_without_rights_may_at_most_read,
	         registrants_share_the_rights_of_types_3_to_6,
	         flush_counts_as_a_write);
	return run(suite);
}
