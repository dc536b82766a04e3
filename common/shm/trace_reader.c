/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Record n is over-written by record n + TRACE_SLOTS, which its writer begins once it has said
 * "written: n + TRACE_SLOTS". So a copy of it is whole if, read after it, "written" is less.
 */
#include "common/shm/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"

#define SLOTS_AT_ONCE 64u

struct slot {
	uint64_t sequence;
	struct trace_record record;
};
_Static_assert(sizeof(struct slot) == TRACE_SLOT_BYTES, "the layout is shared");

/* All of it, or a negative errno. */
static int read_at(int fd, void *ret_bytes, size_t bytes, size_t offset)
{
	ssize_t r = pread(fd, ret_bytes, bytes, (off_t)offset);

	if (r < 0)
		return -errno;
	return (size_t)r == bytes ? 0 : -ENODATA;
}

int trace_reader_written(const struct trace_reader *reader, uint64_t *ret_written)
{
	return read_at(reader->fd,
	               ret_written,
	               sizeof(*ret_written),
	               offsetof(struct trace_head, written));
}

int trace_reader_missed(const struct trace_reader *reader, uint64_t *ret_missed)
{
	return read_at(
		reader->fd, ret_missed, sizeof(*ret_missed), offsetof(struct trace_head, missed));
}

/* ------------------------------------------------------------------ the file */

static bool is_sound(const struct trace_head *head)
{
	return memcmp(head->magic, TRACE_MAGIC, sizeof(head->magic)) == 0 &&
	       head->version == TRACE_VERSION && head->slot_bytes == TRACE_SLOT_BYTES &&
	       head->slots == TRACE_SLOTS;
}

static bool is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

int trace_reader_adopt(struct trace_reader *ret_reader, int fd)
{
	_cleanup_(cleanup_close) int owned = fd;
	struct trace_head head;
	uint64_t written;

	if (!is_file(fd) || read_at(fd, &head, sizeof(head), 0) || !is_sound(&head))
		return TRACE_READER_E_UNFIT;
	written = head.written;
	*ret_reader = (struct trace_reader){
		.fd = take_fd(&owned),
		.origin = head.origin,
		.next = written < TRACE_SLOTS ? 0 : written - TRACE_SLOTS + 1,
	};
	ret_reader->origin.name[sizeof(ret_reader->origin.name) - 1] = '\0';
	return 0;
}

/* Without waiting for anybody, whatever lies at the path. */
int trace_reader_open(struct trace_reader *ret_reader, const char *path, bool may_wish)
{
	int mode = may_wish ? O_RDWR : O_RDONLY;
	int fd = open(path, mode | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : trace_reader_adopt(ret_reader, fd);
}

void trace_reader_close(struct trace_reader *reader)
{
	cleanup_close(&reader->fd);
	*reader = TRACE_READER_NULL;
}

/* ------------------------------------------------------------------ records */

int trace_reader_skip(struct trace_reader *reader)
{
	return trace_reader_written(reader, &reader->next);
}

/* Passes over what is overwritten by now. */
static void catch_up(struct trace_reader *reader, uint64_t written)
{
	uint64_t oldest = written < TRACE_SLOTS ? 0 : written - TRACE_SLOTS + 1;

	if (reader->next >= oldest)
		return;
	reader->lost += oldest - reader->next;
	reader->next = oldest;
}

/* As many slots as follow each other in the file. */
static unsigned slots_to_read(const struct trace_reader *reader, uint64_t written, unsigned most)
{
	unsigned n = TRACE_SLOTS - (unsigned)(reader->next % TRACE_SLOTS);

	if (n > written - reader->next)
		n = (unsigned)(written - reader->next);
	if (n > SLOTS_AT_ONCE)
		n = SLOTS_AT_ONCE;
	return n > most ? most : n;
}

/* Those that are whole go to ret_records. */
static int take_some(struct trace_reader *reader, uint64_t written,
                     struct trace_record *ret_records, unsigned most)
{
	struct slot slots[SLOTS_AT_ONCE];
	unsigned n = slots_to_read(reader, written, most), n_good = 0;
	uint64_t first = reader->next;
	int r = read_at(reader->fd,
	                slots,
	                n * sizeof(slots[0]),
	                TRACE_HEAD_BYTES + (size_t)(first % TRACE_SLOTS) * sizeof(slots[0]));

	if (!r)
		r = trace_reader_written(reader, &written);
	if (r)
		return r;
	for (unsigned i = 0; i < n; i++) {
		bool is_whole = written - (first + i) < TRACE_SLOTS;

		if (is_whole && slots[i].sequence == first + i + 1)
			ret_records[n_good++] = slots[i].record;
		else
			reader->lost++;
	}
	reader->next = first + n;
	return (int)n_good;
}

int trace_reader_take(struct trace_reader *reader, struct trace_record *ret_records, unsigned most)
{
	uint64_t written;
	unsigned n = 0;
	int r = trace_reader_written(reader, &written);

	if (r)
		return r;
	if (written < reader->next) /* no writer of ours does that */
		return 0;
	catch_up(reader, written);
	while (n < most && reader->next < written) {
		r = take_some(reader, written, ret_records + n, most - n);
		if (r < 0)
			return r;
		n += (unsigned)r;
	}
	return (int)n;
}

/* ------------------------------------------------------------------ wishes */

int trace_reader_wish(const struct trace_reader *reader, uint32_t every, uint64_t until_ns)
{
	struct {
		uint64_t until_ns;
		uint32_t every;
	} wish = {.until_ns = until_ns, .every = every};
	size_t bytes = sizeof(wish.until_ns) + sizeof(wish.every);
	ssize_t r = pwrite(reader->fd, &wish, bytes, offsetof(struct trace_head, wish_until_ns));

	if (r < 0)
		return -errno;
	return (size_t)r == bytes ? 0 : -EIO;
}
