/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a record are stored with release, behind the store of "written" that came before:
 * so whoever sees a word of record n sees "written" at n or further, and knows that the record
 * that was in this slot before (n - TRACE_SLOTS) is not whole any more.
 */
#include "common/shm/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/shm/trace_reader.h"

#define WORDS (TRACE_SLOT_BYTES / sizeof(uint64_t))

const char *trace_stage_word(enum trace_stage stage)
{
	static const char *const words[] = {
#define X(name, word, meaning) [TRACE_##name] = word,
		TRACE_STAGES(X)
#undef X
	};

	return words[stage];
}

const char *trace_stage_meaning(enum trace_stage stage)
{
	static const char *const meanings[] = {
#define X(name, word, meaning) [TRACE_##name] = meaning,
		TRACE_STAGES(X)
#undef X
	};

	return meanings[stage];
}

/* ------------------------------------------------------------------ the file */

static bool has_records(const char *path)
{
	struct trace_reader reader;
	uint64_t written = 0;

	if (trace_reader_open(&reader, path, false))
		return false;
	if (trace_reader_written(&reader, &written))
		written = 0;
	trace_reader_close(&reader);
	return written > 0;
}

/* A process that dies again and again without having done anything leaves the older one alone. */
static int put_predecessor_aside(const char *path)
{
	char old[4096];
	int length = snprintf(old, sizeof(old), "%s.old", path);

	if (length < 0 || (size_t)length >= sizeof(old))
		return error_origin(-ENAMETOOLONG);
	if (has_records(path) && rename(path, old) == 0)
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return error_origin(-errno);
	return 0;
}

static int make_file(const char *path)
{
	_cleanup_(cleanup_close) int fd = open(
		path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return error_origin(-errno);
	/* All of it now: a store into room that a full file system does not have would end us. */
	r = posix_fallocate(fd, 0, TRACE_FILE_BYTES);
	if (r) {
		unlink(path);
		return error_origin(-r);
	}
	return take_fd(&fd);
}

int trace_ring_create(struct trace_ring *ret_ring, const char *path,
                      const struct trace_origin *origin)
{
	_cleanup_(cleanup_close) int fd = -1;
	struct trace_head *head;
	void *memory;
	int r = put_predecessor_aside(path);

	if (r)
		return error_trace(r);
	fd = make_file(path);
	if (fd < 0)
		return error_trace(fd);
	memory = mmap(NULL, TRACE_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return error_origin(-errno);
	head = memory;
	head->version = TRACE_VERSION;
	head->slot_bytes = TRACE_SLOT_BYTES;
	head->slots = TRACE_SLOTS;
	head->origin = *origin;
	memcpy(head->magic, TRACE_MAGIC, sizeof(head->magic));
	*ret_ring = (struct trace_ring){.head = head};
	return 0;
}

void trace_ring_close(struct trace_ring *ring, const char *path)
{
	if (!ring->head)
		return;
	munmap(ring->head, TRACE_FILE_BYTES);
	if (ring->written == 0)
		unlink(path);
	*ring = (struct trace_ring){0};
}

/* ------------------------------------------------------------------ records */

void trace_ring_add(struct trace_ring *ring, const struct trace_record *record)
{
	size_t slot = ring->written % TRACE_SLOTS;
	_Atomic uint64_t *at = (_Atomic uint64_t *)(void *)((char *)ring->head + TRACE_HEAD_BYTES) +
	                       slot * WORDS;
	uint64_t words[WORDS] = {++ring->written};

	memcpy(&words[1], record, sizeof(*record));
	for (unsigned i = 0; i < WORDS; i++)
		atomic_store_explicit(&at[i], words[i], memory_order_release);
	atomic_store_explicit(&ring->head->written, ring->written, memory_order_release);
}

void trace_ring_miss(struct trace_ring *ring)
{
	uint64_t missed = atomic_load_explicit(&ring->head->missed, memory_order_relaxed);

	atomic_store_explicit(&ring->head->missed, missed + 1, memory_order_relaxed);
}
