/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/backing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/descriptors.h"
#include "common/base/error.h"
#include "common/base/size.h"
#include "common/nvme/store_path.h"
#include "services/io/zone_disk.h"

static const struct backing_kind *kind_of(const char *path)
{
	static const struct backing_kind *const with_scheme[] = {
		&backing_ram, &backing_null, &backing_fault, &backing_pi, &backing_zoned};

	for (size_t i = 0; i < sizeof(with_scheme) / sizeof(with_scheme[0]); i++)
		if (strncmp(path, with_scheme[i]->scheme, strlen(with_scheme[i]->scheme)) == 0)
			return with_scheme[i];
	return path[0] == '/' ? &backing_file : NULL;
}

int backing_open(struct backing **ret_backing, const struct backing_wish *wish, char *reason,
                 size_t reason_size)
{
	const struct backing_kind *kind = kind_of(wish->path);
	int r;

	if (!kind) {
		snprintf(reason,
		         reason_size,
		         "neither an absolute path, nor ram:SIZE, null:SIZE, fault:PATH, pi:PATH "
		         "or zoned:PATH");
		return BACKING_E_NOT_READY;
	}
	/* Links to the transports need some too, without which nothing is served at all. */
	if (kind != &backing_null && descriptors_are_scarce(DESCRIPTORS_RESERVE)) {
		snprintf(reason,
		         reason_size,
		         "no more files may be opened: %u are allowed: raise the hard limit "
		         "(LimitNOFILE=, ulimit -H -n)",
		         descriptors_allowed());
		return BACKING_E_NOT_READY;
	}
	if (kind == &backing_file && zone_disk_is(wish->path))
		kind = &backing_zone_disk;
	r = kind->open(ret_backing, wish, reason, reason_size);
	if (r)
		return r;
	(*ret_backing)->kind = kind;
	(*ret_backing)->references = 1;
	return 0;
}

struct backing *backing_share(struct backing *backing)
{
	backing->references++;
	return backing;
}

struct backing *backing_release(struct backing *backing)
{
	if (!backing)
		return NULL;
	must(backing->references > 0);
	if (--backing->references == 0)
		backing->kind->close(backing);
	return NULL;
}

void backing_forget(const char *path, uint32_t handle)
{
	const struct backing_kind *kind = kind_of(store_path(path));

	if (kind && kind->forget)
		kind->forget(handle);
}

int backing_memory(const struct backing *backing)
{
	return backing->kind->memory ? backing->kind->memory(backing) : -1;
}

int backing_watched(const struct backing *backing)
{
	return backing->kind->watched ? backing->kind->watched(backing) : -1;
}

int backing_take_memory(const char *path, uint32_t handle)
{
	const struct backing_kind *kind = kind_of(store_path(path));

	return kind && kind->take_memory ? kind->take_memory(handle) : -1;
}

bool backing_is(const struct backing *backing, const struct stat *found)
{
	return backing->kind->is && backing->kind->is(backing, found);
}

int64_t backing_measure(struct backing *backing)
{
	return backing->kind->measure ? backing->kind->measure(backing) : (int64_t)backing->bytes;
}

int backing_parse_size(const struct backing_wish *wish, const struct backing_kind *kind,
                       uint64_t *ret_bytes, char *reason, size_t reason_size)
{
	uint64_t bytes;

	if (size_parse(wish->path + strlen(kind->scheme), &bytes) || bytes > INT64_MAX) {
		snprintf(reason,
		         reason_size,
		         "its size is not understood: it is like %s1G",
		         kind->scheme);
		return BACKING_E_NOT_READY;
	}
	bytes &= ~UINT64_C(4095);
	if (bytes == 0) {
		snprintf(reason, reason_size, "its size is less than a block");
		return BACKING_E_NOT_READY;
	}
	*ret_bytes = bytes;
	return 0;
}

uint8_t backing_block_shift(uint32_t wanted, unsigned own, char *reason, size_t reason_size)
{
	if (wanted != 0 && wanted != 9 && wanted != 12) {
		snprintf(reason, reason_size, "blocks are of 512 or 4096 bytes, not 2^%u", wanted);
		return 0;
	}
	if (own > 12) {
		snprintf(reason,
		         reason_size,
		         "the device's own blocks, of %llu bytes, are larger than 4096",
		         1ull << own);
		return 0;
	}
	if (own > 9)
		own = 12;
	return (uint8_t)(wanted > own ? wanted : own > 9 ? own : 9);
}
