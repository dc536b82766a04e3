/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says becomes what a host is told, in one place. */
#include <errno.h>

#include "services/io/status_from_errno.h"
#include "tests/support/spec.h"

static void expect(int error, enum link_operation operation, unsigned status)
{
	struct nvme_status told = status_from_errno(error, operation);

	ck_assert_msg(told.value == status,
	              "errno %d in operation %d: %#x, not %#x",
	              error,
	              operation,
	              told.value,
	              status);
}

START_TEST(an_io_error_is_a_media_error_that_may_be_retried)
{
	expect(EIO, LINK_READ, 0x281);
	expect(EIO, LINK_WRITE, 0x280);
	expect(EIO, LINK_FLUSH, 0x280);
	expect(EIO, LINK_WRITE_ZEROES, 0x280);
	expect(EIO, LINK_DEALLOCATE, 0x280);
}
END_TEST

START_TEST(damaged_data_is_final)
{
	expect(EILSEQ, LINK_READ, 0x4281);
	expect(EBADMSG, LINK_READ, 0x4281);
	expect(EUCLEAN, LINK_WRITE, 0x4280);
}
END_TEST

START_TEST(no_space_is_capacity_exceeded_and_final)
{
	expect(ENOSPC, LINK_WRITE, 0x4081);
	expect(EDQUOT, LINK_WRITE, 0x4081);
	expect(EFBIG, LINK_WRITE, 0x4081);
	expect(ENOSPC, LINK_WRITE_ZEROES, 0x4081);
}
END_TEST

START_TEST(limits_of_a_device_with_zones_are_told_and_final)
{
	expect(ETOOMANYREFS, LINK_WRITE, 0x41be);
	expect(EOVERFLOW, LINK_WRITE, 0x41bd);
}
END_TEST

START_TEST(what_may_not_be_changed_is_write_protected)
{
	expect(EROFS, LINK_WRITE, 0x4020);
	expect(EPERM, LINK_WRITE_ZEROES, 0x4020);
	expect(EACCES, LINK_DEALLOCATE, 0x4020);
}
END_TEST

START_TEST(a_device_that_is_gone_is_a_path_error_without_dnr)
{
	expect(ENODEV, LINK_READ, 0x300);
	expect(ENXIO, LINK_WRITE, 0x300);
	expect(ESTALE, LINK_FLUSH, 0x300);
	expect(ETIMEDOUT, LINK_READ, 0x300);
}
END_TEST

START_TEST(what_is_short_just_now_is_to_be_retried)
{
	expect(ENOMEM, LINK_READ, 0x021);
	expect(EAGAIN, LINK_WRITE, 0x021);
	expect(EBUSY, LINK_FLUSH, 0x021);
	expect(ECANCELED, LINK_READ, 0x021);
}
END_TEST

START_TEST(what_cannot_be_done_at_all_is_an_invalid_opcode)
{
	expect(EOPNOTSUPP, LINK_WRITE_ZEROES, 0x4001);
	expect(ENOSYS, LINK_FLUSH, 0x4001);
}
END_TEST

START_TEST(memory_that_is_not_there_is_a_transfer_error)
{
	expect(EFAULT, LINK_READ, 0x004);
	expect(EFAULT, LINK_WRITE, 0x004);
}
END_TEST

START_TEST(every_other_errno_is_an_internal_error_and_none_is_success)
{
	expect(EINVAL, LINK_READ, 0x4006);
	expect(0, LINK_READ, 0x4006);
	for (int error = 1; error < 140; error++)
		for (int operation = LINK_READ; operation <= LINK_DEALLOCATE; operation++)
			ck_assert(!status_is_ok(
				status_from_errno(error, (enum link_operation)operation)));
}
END_TEST

START_TEST(the_end_of_the_store_is_final)
{
	ck_assert_uint_eq(status_from_end_of_store(LINK_READ).value, 0x4281);
	ck_assert_uint_eq(status_from_end_of_store(LINK_WRITE).value, 0x4280);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status");

	describe(suite,
	         "what the kernel said",
	         NULL,
	         NULL,
	         an_io_error_is_a_media_error_that_may_be_retried,
	         damaged_data_is_final,
	         no_space_is_capacity_exceeded_and_final,
	         limits_of_a_device_with_zones_are_told_and_final,
	         what_may_not_be_changed_is_write_protected,
	         a_device_that_is_gone_is_a_path_error_without_dnr,
	         what_is_short_just_now_is_to_be_retried,
	         what_cannot_be_done_at_all_is_an_invalid_opcode,
	         memory_that_is_not_there_is_a_transfer_error,
	         every_other_errno_is_an_internal_error_and_none_is_success,
	         the_end_of_the_store_is_final);
	return run(suite);
}
