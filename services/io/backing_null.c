/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * null:SIZE - forgets what is written, and reads zeroes (never what lay in the arena before:
 * that was another command's data). For measuring everything but a device.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/shm/memory.h"
#include "services/io/backing.h"
#include "services/io/request.h"
#include "services/io/status_from_errno.h"

static int open_null(struct backing **ret_backing, const struct backing_wish *wish, char *reason,
                     size_t reason_size)
{
	_cleanup_(cleanup_free) struct backing *backing = calloc(1, sizeof(*backing));

	if (!backing) {
		snprintf(reason, reason_size, "no memory");
		return BACKING_E_NOT_READY;
	}
	if (backing_parse_size(wish, &backing_null, &backing->bytes, reason, reason_size))
		return BACKING_E_NOT_READY;
	backing->block_shift = backing_block_shift(wish->block_shift, 9, reason, reason_size);
	if (!backing->block_shift)
		return BACKING_E_NOT_READY;
	backing->deallocate = true;
	*ret_backing = take(&backing);
	return 0;
}

static void close_null(struct backing *backing)
{
	free(backing);
}

static int give(const struct backing *backing)
{
	(void)backing;
	return -1;
}

static void start(struct backing *backing, struct request *request)
{
	(void)backing;
	for (uint32_t i = 0; request->wanted.operation == LINK_READ && i < request->n_pieces; i++) {
		const struct iovec *piece = &request->pieces[i];
		int r = memory_zero(piece->iov_base, piece->iov_len);

		if (r) {
			request_finish(request, status_from_errno(-r, LINK_READ));
			return;
		}
	}
	request_finish(request, STATUS_OK);
}

const struct backing_kind backing_null = {
	.scheme = "null:",
	.open = open_null,
	.close = close_null,
	.give = give,
	.start = start,
};
