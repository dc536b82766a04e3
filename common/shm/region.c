/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages are asked for by madvise(), not by MFD_HUGETLB: on hugetlbfs a peer could punch a
 * hole into the file, use up the pages of the pool, and so make our next access fault. For the
 * same reason a peer's file is taken only if it lies on tmpfs.
 */
#include "common/shm/region.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/error.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* 0 if it does not fit. */
static size_t round_up_to_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return size > (SIZE_MAX >> 1) ? 0 : (size + page - 1) & ~(page - 1);
}

static int map(struct region *region)
{
	void *memory = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);

	if (memory == MAP_FAILED)
		return error_origin(-errno);
	region->memory = memory;
	return 0;
}

int region_create(struct region *ret_region, const char *name, size_t size, bool huge)
{
	_cleanup_(region_deinit) struct region region = REGION_NULL;
	int r;

	region.size = round_up_to_pages(size);
	if (region.size == 0)
		return error_origin(-EINVAL);
	region.fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (region.fd < 0)
		return error_origin(-errno);
	if (ftruncate(region.fd, (off_t)region.size) < 0)
		return error_origin(-errno);
	if (fcntl(region.fd, F_ADD_SEALS, SEALS) < 0)
		return error_origin(-errno);
	r = map(&region);
	if (r)
		return error_trace(r);
	if (huge)
		madvise(region.memory, region.size, MADV_HUGEPAGE); /* a wish: may fail */
	*ret_region = region;
	region = REGION_NULL;
	return 0;
}

static bool is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

/* Sealed as we do it; and not against writing, so that mapping it cannot be refused. */
static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS &&
	       !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
}

static bool is_on_tmpfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static bool has_size(int fd, size_t size)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (uint64_t)status.st_size == size;
}

int region_adopt(struct region *ret_region, int fd, size_t size)
{
	_cleanup_(region_deinit) struct region region = REGION_NULL;
	int r;

	region.fd = fd;
	region.size = round_up_to_pages(size);
	if (region.size == 0)
		return REGION_E_UNFIT;
	if (!is_writable(fd) || !is_sealed(fd) || !is_on_tmpfs(fd) || !has_size(fd, region.size))
		return REGION_E_UNFIT;
	r = map(&region);
	if (r)
		return error_trace(r);
	*ret_region = region;
	region = REGION_NULL;
	return 0;
}

void region_deinit(struct region *region)
{
	if (region->memory)
		munmap(region->memory, region->size);
	cleanup_close(&region->fd);
	*region = REGION_NULL;
}
