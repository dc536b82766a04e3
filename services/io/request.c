/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/request.h"

#include <string.h>

#include "common/nvme/protection.h"
#include "common/shm/memory.h"
#include "common/shm/region.h"

#define KNOWN_FLAGS                                                                                \
	(LINK_FUA | LINK_DEALLOC | LINK_INDIRECT | LINK_TRACED | LINK_METADATA | LINK_PASS_GUARD | \
	 LINK_PASS_REFERENCE)

static int refuse(struct nvme_status *ret_status, struct nvme_status status)
{
	*ret_status = status;
	return REQUEST_E_REFUSED;
}

static int break_link(const char **ret_reason, const char *reason)
{
	*ret_reason = reason;
	return REQUEST_E_BROKEN;
}

/* ------------------------------------------------------------------ data in the arena */

static bool is_inside(const struct region *arena, uint64_t offset, uint64_t length)
{
	return length <= arena->size && offset <= arena->size - length;
}

/* The segments, copied to where the transport cannot change them: NULL if they cannot be. */
static const struct link_segment *copy_segments(const struct link_request *wanted,
                                                const struct region *arena,
                                                struct link_segment *many, const char **ret_reason)
{
	const struct link_segment *table = &wanted->segments[0];
	uint64_t bytes = (uint64_t)wanted->segment_count * sizeof(*many);

	if (!(wanted->flags & LINK_INDIRECT)) {
		if (wanted->segment_count <= LINK_SEGMENTS_INLINE)
			return wanted->segments;
		*ret_reason = "more segments than fit a slot";
		return NULL;
	}
	if (wanted->segment_count > LINK_SEGMENTS_MAX)
		*ret_reason = "more segments than there may be";
	else if (table->region != 0 || table->length < bytes ||
	         !is_inside(arena, table->offset, bytes))
		*ret_reason = "a table of segments outside of the arena";
	else if (memory_copy(many, (const char *)arena->memory + table->offset, bytes))
		*ret_reason = "a table of segments in memory that is not there";
	else
		return many;
	return NULL;
}

/* Fills the pieces; their sum is at most the arena's size. */
static int find_pieces(struct request *request, const struct region *arena, uint64_t *ret_bytes,
                       const char **ret_reason)
{
	struct link_segment many[LINK_SEGMENTS_MAX];
	const struct link_segment *segments;
	uint64_t bytes = 0;

	segments = copy_segments(&request->wanted, arena, many, ret_reason);
	if (!segments)
		return REQUEST_E_BROKEN;
	request->n_pieces = request->wanted.segment_count;
	request->pieces = request->n_pieces <= LINK_SEGMENTS_INLINE ? request->few
	                                                            : request->scratch->pieces;
	for (uint32_t i = 0; i < request->n_pieces; i++) {
		const struct link_segment *segment = &segments[i];

		if (segment->region != 0 || segment->length == 0 ||
		    !is_inside(arena, segment->offset, segment->length))
			return break_link(ret_reason, "a segment outside of the arena");
		if (segment->offset % LINK_ALIGNMENT != 0)
			return break_link(ret_reason, "a segment that is not aligned");
		request->pieces[i] = (struct iovec){.iov_base = (char *)arena->memory +
		                                                segment->offset,
		                                    .iov_len = segment->length};
		bytes += segment->length;
	}
	if (bytes > arena->size)
		return break_link(ret_reason, "more data than the arena holds");
	*ret_bytes = bytes;
	return 0;
}

/* ------------------------------------------------------------------ blocks */

static bool has_blocks(const struct target *target, uint64_t first, uint64_t count)
{
	return count <= target->blocks && first <= target->blocks - count;
}

static int find_blocks(struct request *request, struct nvme_status *ret_status)
{
	const struct target *target = request->target;
	const struct link_request *wanted = &request->wanted;

	if (!has_blocks(target, wanted->first_block, wanted->block_count))
		return refuse(ret_status, status_dnr(NVME_SC_LBA_RANGE));
	request->offset = wanted->first_block << target->block_shift;
	request->length = (uint64_t)wanted->block_count << target->block_shift;
	return 0;
}

/* With tuples the data may be cut anywhere: it does not go to a device as it is. */
__attribute__((cold)) static int check_mixed(const struct request *request, uint64_t bytes,
                                             struct nvme_status *ret_status)
{
	uint64_t tuples = (uint64_t)request->wanted.block_count * NVME_PROTECTION_SIZE;

	if (request->target->backing->kind != &backing_pi || bytes == 0 ||
	    bytes != request->length + tuples)
		return refuse(ret_status, status_dnr(NVME_SC_SGL_DATA_LENGTH));
	return 0;
}

static int check_transfer(struct request *request, const struct region *arena,
                          struct nvme_status *ret_status, const char **ret_reason)
{
	uint64_t bytes;
	int r = find_pieces(request, arena, &bytes, ret_reason);

	if (r)
		return r;
	r = find_blocks(request, ret_status);
	if (r)
		return r;
	if (__builtin_expect(request->wanted.flags & LINK_METADATA, 0))
		return check_mixed(request, bytes, ret_status);
	/* The transport may go by a view in which the blocks had another size. */
	if (bytes != request->length || bytes == 0)
		return refuse(ret_status, status_dnr(NVME_SC_SGL_DATA_LENGTH));
	for (uint32_t i = 0; i < request->n_pieces; i++)
		if (request->pieces[i].iov_len % LINK_ALIGNMENT != 0)
			return break_link(ret_reason, "a segment that is not aligned");
	return 0;
}

/* ------------------------------------------------------------------ ranges to deallocate */

/* The pieces' bytes in a row; they hold at least `bytes`. */
static int gather(void *to, const struct request *request, size_t bytes)
{
	for (uint32_t i = 0; bytes > 0; i++) {
		const struct iovec *piece = &request->pieces[i];
		size_t length = piece->iov_len < bytes ? piece->iov_len : bytes;
		int r = memory_copy(to, piece->iov_base, length);

		if (r)
			return r;
		to = (char *)to + length;
		bytes -= length;
	}
	return 0;
}

static int check_ranges(struct request *request, const struct region *arena,
                        struct nvme_status *ret_status, const char **ret_reason)
{
	struct nvme_dsm_range ranges[LINK_SEGMENTS_MAX];
	uint32_t n = request->wanted.block_count;
	uint64_t bytes;
	int r = find_pieces(request, arena, &bytes, ret_reason);

	if (r)
		return r;
	if (n == 0 || n > LINK_SEGMENTS_MAX)
		return break_link(ret_reason, "a number of ranges that cannot be");
	if (bytes < n * sizeof(ranges[0]))
		return refuse(ret_status, status_dnr(NVME_SC_SGL_DATA_LENGTH));
	if (gather(ranges, request, n * sizeof(ranges[0])))
		return refuse(ret_status, status_of(NVME_SC_DATA_TRANSFER_ERROR));
	for (uint32_t i = 0; i < n; i++)
		if (!has_blocks(
			    request->target, le64_get(ranges[i].slba), le32_get(ranges[i].blocks)))
			return refuse(ret_status, status_dnr(NVME_SC_LBA_RANGE));
	memcpy(request->scratch->ranges, ranges, n * sizeof(ranges[0]));
	request->n_pieces = 0; /* they lay where the ranges lie now */
	request->n_ranges = (uint16_t)n;
	return 0;
}

/* ------------------------------------------------------------------ zones */

static int check_append(struct request *request, const struct region *arena,
                        struct nvme_status *ret_status, const char **ret_reason)
{
	uint64_t bytes;
	int r = find_pieces(request, arena, &bytes, ret_reason);

	if (r)
		return r;
	request->length = (uint64_t)request->wanted.block_count << request->target->block_shift;
	if (bytes != request->length || bytes == 0)
		return refuse(ret_status, status_dnr(NVME_SC_SGL_DATA_LENGTH));
	for (uint32_t i = 0; i < request->n_pieces; i++)
		if (request->pieces[i].iov_len % LINK_ALIGNMENT != 0)
			return break_link(ret_reason, "a segment that is not aligned");
	return 0;
}

static int check_receive(struct request *request, const struct region *arena,
                         const char **ret_reason)
{
	uint64_t bytes;
	int r = find_pieces(request, arena, &bytes, ret_reason);

	if (r)
		return r;
	if (bytes == 0 || bytes % 4 != 0)
		return break_link(ret_reason, "a report of zones that is not of whole dwords");
	request->length = bytes;
	return 0;
}

/* The machine of the zones looks at all else. */
__attribute__((cold, noinline)) static int check_zones(struct request *request,
                                                       const struct region *arena,
                                                       struct nvme_status *ret_status,
                                                       const char **ret_reason)
{
	const struct link_request *wanted = &request->wanted;
	bool is_of_all = wanted->operation == LINK_ZONE_SEND &&
	                 (wanted->application_mask & LINK_ZONE_ALL);

	/* The transport may go by a view in which the device was another one. */
	if (!request->target->backing->zones)
		return refuse(ret_status, status_dnr(NVME_SC_INVALID_OPCODE));
	if (!is_of_all && wanted->first_block >= request->target->blocks)
		return refuse(ret_status, status_dnr(NVME_SC_LBA_RANGE));
	if (wanted->operation == LINK_ZONE_APPEND)
		return check_append(request, arena, ret_status, ret_reason);
	if (wanted->block_count != 0)
		return break_link(ret_reason, "blocks where there are none");
	return wanted->operation == LINK_ZONE_RECEIVE ? check_receive(request, arena, ret_reason)
	                                              : 0;
}

/* ------------------------------------------------------------------ all of it */

static int find_target(struct request *request, const struct grant *grant,
                       struct nvme_status *ret_status)
{
	const struct target *target = grant ? grant_find(grant, request->wanted.handle) : NULL;

	/* Not granted, or not yet: the transport may have a newer view than we. It does not pass
	 * this answer on, but puts the request again for a while (worker_link.h). */
	if (!target || !target->backing)
		return refuse(ret_status, status_of(NVME_SC_NAMESPACE_NOT_READY));
	request->target = target;
	return 0;
}

__attribute__((cold, noinline)) static int check_rare_operation(const struct link_request *wanted,
                                                                const char **ret_reason)
{
	if (request_is_word(wanted))
		return REQUEST_E_WORD;
	if (wanted->operation < LINK_ZONE_APPEND || wanted->operation > LINK_ZONE_RECEIVE)
		return break_link(ret_reason, "an unknown operation");
	if (wanted->flags & ~(LINK_FUA | LINK_INDIRECT | LINK_TRACED))
		return break_link(ret_reason, "an unknown flag");
	return 0;
}

int request_check(struct request *request, const struct grant *grant, const struct region *arena,
                  struct nvme_status *ret_status, const char **ret_reason)
{
	const struct link_request *wanted = &request->wanted;
	int r;

	request->target = NULL;
	request->n_pieces = 0;
	request->n_ranges = 0;
	request->range = 0;
	request->tries = 0;
	request->offset = 0;
	request->length = 0;
	if (wanted->operation < LINK_READ || wanted->operation > LINK_DEALLOCATE) {
		r = check_rare_operation(wanted, ret_reason);
		if (r)
			return r;
	}
	if (wanted->flags & ~KNOWN_FLAGS)
		return break_link(ret_reason, "an unknown flag");
	r = find_target(request, grant, ret_status);
	if (r)
		return r;
	if (wanted->operation != LINK_READ && wanted->operation != LINK_FLUSH &&
	    request->target->read_only && wanted->operation != LINK_ZONE_RECEIVE)
		return refuse(ret_status, status_dnr(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	switch ((enum link_operation)wanted->operation) {
	case LINK_READ:
	case LINK_WRITE:
		return check_transfer(request, arena, ret_status, ret_reason);
	case LINK_FLUSH:
		return 0;
	case LINK_WRITE_ZEROES:
		return find_blocks(request, ret_status);
	case LINK_DEALLOCATE:
		return check_ranges(request, arena, ret_status, ret_reason);
	}
	return check_zones(request, arena, ret_status, ret_reason);
}

void request_advance(struct request *request, uint64_t bytes)
{
	request->offset += bytes;
	request->length -= bytes;
	while (request->n_pieces > 0 && bytes >= request->pieces->iov_len) {
		bytes -= request->pieces->iov_len;
		request->pieces++;
		request->n_pieces--;
	}
	if (request->n_pieces > 0) {
		request->pieces->iov_base = (char *)request->pieces->iov_base + bytes;
		request->pieces->iov_len -= bytes;
	}
}
