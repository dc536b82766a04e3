/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a file or block device: look what it is before it is opened (an open may block on a
 * FIFO, and rewind a tape), open it, look again at what was opened, fence it, find out whether
 * it can do direct I/O.
 *
 * The fence (docs/decisions/0001-fence-by-file-lock.md): flock() on the open file, which the
 * requests that the kernel carries on after the death of a process hold as well. Reading
 * namespaces share it. A block device is opened with O_EXCL besides, which keeps out mounts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/io/file.h"
#include "services/io/zone_disk.h"

#define PATH_SIZE 128

struct reason {
	char *text;
	size_t size;
};

#define not_ready(reason, ...)                                                                     \
	(snprintf((reason)->text, (reason)->size, __VA_ARGS__), BACKING_E_NOT_READY)

#define held(reason, ...) (snprintf((reason)->text, (reason)->size, __VA_ARGS__), BACKING_E_HELD)

/* ------------------------------------------------------------------ what it is */

static int check_type(const struct stat *found, const struct reason *reason)
{
	if (S_ISREG(found->st_mode) || S_ISBLK(found->st_mode))
		return 0;
	return not_ready(reason,
	                 "it is %s, not a file or block device",
	                 S_ISDIR(found->st_mode)    ? "a directory"
	                 : S_ISCHR(found->st_mode)  ? "a character device"
	                 : S_ISFIFO(found->st_mode) ? "a FIFO"
	                 : S_ISSOCK(found->st_mode) ? "a socket"
	                                            : "something else");
}

static int look(const char *path, bool *ret_is_device, const struct reason *reason)
{
	struct stat found;
	int r;

	if (stat(path, &found) < 0)
		return not_ready(reason, "%s", error_words(-errno));
	r = check_type(&found, reason);
	if (r)
		return r;
	*ret_is_device = S_ISBLK(found.st_mode);
	return 0;
}

/* The path in /sys of what is said of the device (0), or of the disk whose partition it is (1). */
static void put_queue_path(const struct file *file, int of, const char *name,
                           char path[static PATH_SIZE])
{
	static const char *const forms[] = {"/sys/dev/block/%u:%u/queue/%s",
	                                    "/sys/dev/block/%u:%u/../queue/%s"};

	/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): of the table above */
	snprintf(path, PATH_SIZE, forms[of], major(file->device), minor(file->device), name);
}

static bool read_queue_attribute(const struct file *file, const char *name, char *line, int size)
{
	for (int i = 0; i < 2; i++) {
		char path[PATH_SIZE];
		FILE *attribute;
		bool good;

		put_queue_path(file, i, name, path);
		attribute = fopen(path, "re");
		if (!attribute)
			continue;
		good = fgets(line, size, attribute) != NULL;
		fclose(attribute);
		if (good)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ opening */

static int open_flags(const struct file *file, const struct backing_wish *wish)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	flags |= wish->read_only ? O_RDONLY : O_RDWR;
	if (file->direct)
		flags |= O_DIRECT;
	if (file->is_device && !wish->read_only)
		flags |= O_EXCL;
	return flags;
}

/* O_NONBLOCK is for the opening only: io_uring would take it for "fail rather than wait". */
static int open_path(struct file *file, const struct backing_wish *wish,
                     const struct reason *reason)
{
	struct stat found;
	int flags, r;

	file->fd = open(wish->path, open_flags(file, wish));
	if (file->fd < 0 && errno == EINVAL && file->direct) {
		file->direct = false; /* the file system has no direct I/O */
		file->fd = open(wish->path, open_flags(file, wish));
	}
	if (file->fd < 0 && errno == EBUSY)
		return held(reason,
		            "the device is in use: it is mounted, or another process has it");
	if (file->fd < 0)
		return not_ready(reason, "%s", error_words(-errno));
	if (fstat(file->fd, &found) < 0)
		return not_ready(reason, "%s", error_words(-errno));
	r = check_type(&found, reason);
	if (r)
		return r;
	if (S_ISBLK(found.st_mode) != file->is_device)
		return not_ready(reason, "it was replaced while it was opened");
	file->device = file->is_device ? found.st_rdev : found.st_dev;
	file->inode = file->is_device ? 0 : found.st_ino;
	flags = fcntl(file->fd, F_GETFL);
	if (flags < 0 || fcntl(file->fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return not_ready(reason, "%s", error_words(-errno));
	return 0;
}

static int fence(const struct file *file, const struct backing_wish *wish,
                 const struct reason *reason)
{
	if (flock(file->fd, (wish->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return held(reason, "another process, or this worker's predecessor, still has it");
	return not_ready(reason, "it cannot be locked: %s", error_words(-errno));
}

/* ------------------------------------------------------------------ direct I/O */

enum direct_io { DIRECT_YES, DIRECT_NO, DIRECT_UNKNOWN };

/* What the kernel says (6.1), for buffers as LINK_ALIGNMENT promises them. */
static enum direct_io ask_for_direct(const struct file *file, unsigned block_size)
{
#ifdef STATX_DIOALIGN
	struct statx found;

	if (statx(file->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &found) < 0 ||
	    !(found.stx_mask & STATX_DIOALIGN))
		return DIRECT_UNKNOWN;
	return found.stx_dio_offset_align > 0 && found.stx_dio_offset_align <= block_size &&
	                       found.stx_dio_mem_align <= 512
	               ? DIRECT_YES
	               : DIRECT_NO;
#else
	(void)file;
	(void)block_size;
	return DIRECT_UNKNOWN;
#endif
}

/* Reads one block at an odd place into a buffer that is aligned to 512 only. */
static bool try_direct(const struct file *file, unsigned block_size)
{
	_cleanup_(cleanup_free) char *buffer = NULL;

	if (posix_memalign((void **)&buffer, 4096, 512 + 4096) != 0)
		return false;
	return pread(file->fd, buffer + 512, block_size, (off_t)block_size) >= 0;
}

static int settle_direct(struct file *file, const char *path, const struct reason *reason)
{
	unsigned block_size = 1u << file->backing.block_shift;
	enum direct_io direct;
	int flags;

	if (!file->direct)
		return 0;
	direct = ask_for_direct(file, block_size);
	if (direct == DIRECT_YES || (direct == DIRECT_UNKNOWN && try_direct(file, block_size)))
		return 0;
	flags = fcntl(file->fd, F_GETFL);
	if (flags < 0 || fcntl(file->fd, F_SETFL, flags & ~O_DIRECT) < 0)
		return not_ready(reason, "%s", error_words(-errno));
	file->direct = false;
	log_info("%s: no direct I/O with blocks of %u bytes: it goes through the page cache",
	         path,
	         block_size);
	return 0;
}

/* ------------------------------------------------------------------ size and abilities */

static int64_t measure(struct backing *backing)
{
	const struct file *file = (const struct file *)backing;
	struct stat found;
	uint64_t bytes;

	if (file->is_device)
		return ioctl(file->fd, BLKGETSIZE64, &bytes) < 0 ? -errno : (int64_t)bytes;
	return fstat(file->fd, &found) < 0 ? -errno : (int64_t)found.st_size;
}

static bool is(const struct backing *backing, const struct stat *found)
{
	const struct file *file = (const struct file *)backing;

	if (file->is_device)
		return S_ISBLK(found->st_mode) && found->st_rdev == file->device;
	return S_ISREG(found->st_mode) && found->st_dev == file->device &&
	       found->st_ino == file->inode;
}

static unsigned own_block_shift(const struct file *file)
{
	uint32_t granularity;
	int bytes = 512;

	if (!file->is_device)
		return 9;
	if (ioctl(file->fd, BLKSSZGET, &bytes) < 0 || bytes <= 0)
		bytes = 512;
	granularity = zone_device_granularity("/sys", file->device);
	if (granularity > (uint32_t)bytes)
		bytes = (int)granularity;
	return (unsigned)__builtin_ctz((unsigned)bytes);
}

static int settle_size(struct file *file, const struct backing_wish *wish,
                       const struct reason *reason)
{
	int64_t bytes = measure(&file->backing);

	file->backing.block_shift = backing_block_shift(
		wish->block_shift, own_block_shift(file), reason->text, reason->size);
	if (!file->backing.block_shift)
		return BACKING_E_NOT_READY;
	if (bytes < 0)
		return not_ready(reason, "its size cannot be had: %s", error_words((int)bytes));
	file->backing.bytes = (uint64_t)bytes;
	if (file->backing.bytes >> file->backing.block_shift == 0)
		return not_ready(reason, "its size is 0");
	return 0;
}

/* FUSE says that it can do without waiting, and then waits for its server (seen on 6.18): all
 * other requests of the I/O thread would wait with it. A FUSE server may also not answer this. */
static bool waits_when_asked_not_to(const struct file *file)
{
	struct statfs found;

	return fstatfs(file->fd, &found) < 0 || found.f_type == FUSE_SUPER_MAGIC;
}

static bool has_volatile_cache(const struct file *file)
{
	char line[32];

	/* Where the kernel sees no volatile cache, direct I/O is on the medium when it ends. */
	return !(file->is_device && file->direct &&
	         read_queue_attribute(file, "write_cache", line, sizeof(line)) &&
	         strncmp(line, "write through", 13) == 0);
}

/* Of a file: by a hole behind its end, which changes nothing. */
static bool can_deallocate(struct file *file, const struct backing_wish *wish)
{
	char line[32];

	if (wish->read_only)
		return false;
	if (file->is_device)
		return read_queue_attribute(file, "discard_max_bytes", line, sizeof(line)) &&
		       strtoull(line, NULL, 10) > 0;
	return fallocate(file->fd,
	                 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	                 (off_t)((file->backing.bytes + 4095) & ~UINT64_C(4095)),
	                 4096) == 0;
}

/* Each range of blocks that is accessed independently of others has a folder of its own; where
 * there are none, one actuator does it all. */
static uint16_t count_actuators(const struct file *file)
{
	char name[48], path[PATH_SIZE];
	unsigned ranges = 0;

	do {
		snprintf(name, sizeof(name), "independent_access_ranges/%u", ranges);
		put_queue_path(file, 0, name, path);
	} while (access(path, F_OK) == 0 && ++ranges < UINT16_MAX);
	return ranges > 0 ? (uint16_t)ranges : 1;
}

/* Of a file nothing is said, as nvmet does: its file system may have it anywhere. */
static uint16_t find_actuators(const struct file *file)
{
	char line[32];

	if (!file->is_device || !read_queue_attribute(file, "rotational", line, sizeof(line)) ||
	    line[0] != '1')
		return 0;
	return count_actuators(file);
}

static uint32_t read_bytes(const struct file *file, const char *name)
{
	char line[32];
	unsigned long bytes = read_queue_attribute(file, name, line, sizeof(line))
	                              ? strtoul(line, NULL, 10)
	                              : 0;

	return bytes <= UINT32_MAX ? (uint32_t)bytes : 0;
}

static struct backing_preference find_preference(const struct file *file)
{
	if (!file->is_device)
		return (struct backing_preference){0};
	return (struct backing_preference){
		.write = read_bytes(file, "minimum_io_size"),
		.discard = read_bytes(file, "discard_granularity"),
		.optimal = read_bytes(file, "optimal_io_size"),
	};
}

/* ------------------------------------------------------------------ the kind */

static void close_file(struct backing *backing)
{
	struct file *file = (struct file *)backing;

	zone_disk_free(file->zones);
	cleanup_close(&file->fd);
	free(file);
}

static void close_unfinished(struct file **file)
{
	if (*file)
		close_file(&(*file)->backing);
}

static int open_file(struct backing **ret_backing, const struct backing_wish *wish, char *text,
                     size_t text_size)
{
	_cleanup_(close_unfinished) struct file *file = calloc(1, sizeof(*file));
	const struct reason reason = {text, text_size};
	int r;

	if (!file)
		return not_ready(&reason, "no memory");
	file->fd = -1;
	file->direct = !wish->buffered;
	r = look(wish->path, &file->is_device, &reason);
	if (!r)
		r = open_path(file, wish, &reason);
	if (!r)
		r = fence(file, wish, &reason);
	if (!r)
		r = settle_size(file, wish, &reason);
	if (!r)
		r = settle_direct(file, wish->path, &reason);
	if (r)
		return r;
	file->blocks = waits_when_asked_not_to(file);
	file->backing.volatile_cache = has_volatile_cache(file);
	file->backing.deallocate = can_deallocate(file, wish);
	file->backing.actuators = find_actuators(file);
	file->backing.preference = find_preference(file);
	atomic_init(&file->no_punch_hole, !file->backing.deallocate);
	*ret_backing = &take(&file)->backing;
	return 0;
}

/* Bytes and length are fit for direct I/O, here and in save(). */
static int load(struct backing *backing, uint64_t offset, void *ret_bytes, size_t length)
{
	const struct file *file = (const struct file *)backing;

	while (length > 0) {
		ssize_t done = pread(file->fd, ret_bytes, length, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_origin(done < 0 ? -errno : -EIO);
		ret_bytes = (char *)ret_bytes + done;
		offset += (uint64_t)done;
		length -= (size_t)done;
	}
	return 0;
}

static int save(struct backing *backing, uint64_t offset, const void *bytes, size_t length)
{
	const struct file *file = (const struct file *)backing;

	while (length > 0) {
		ssize_t done = pwrite(file->fd, bytes, length, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_origin(done < 0 ? -errno : -EIO);
		bytes = (const char *)bytes + done;
		offset += (uint64_t)done;
		length -= (size_t)done;
	}
	return fdatasync(file->fd) < 0 ? error_origin(-errno) : 0;
}

static int watched(const struct backing *backing)
{
	const struct file *file = (const struct file *)backing;

	return file->is_device ? -1 : file->fd;
}

const struct backing_kind backing_file = {
	.open = open_file,
	.close = close_file,
	.measure = measure,
	.is = is,
	.watched = watched,
	.start = file_start,
	.cancel = file_cancel,
	.load = load,
	.save = save,
};
