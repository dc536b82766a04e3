/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request is carried out in steps: each prepares an entry for io_uring, and makes of its
 * result the next step. FILE_DONE ends it, with the status set meanwhile.
 *
 *   READ, WRITE    transfer … transfer                    (short ones are continued)
 *   FLUSH          sync
 *   WRITE_ZEROES   zero range | punch hole [| zero write … zero write], with FUA then sync
 *   DEALLOCATE     punch range … punch range              (advice: what cannot be is success)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdalign.h>

#include "services/io/file.h"
#include "services/io/request.h"
#include "services/io/status_from_errno.h"

/* EAGAIN and EINTR before a host is told to try again itself. */
#define TRIES_MAX 16

#define ZEROES_BYTES (256u << 10)

enum file_step {
	FILE_TRANSFER,
	FILE_ZERO_RANGE,
	FILE_PUNCH_HOLE,
	FILE_ZERO_WRITE,
	FILE_PUNCH_RANGE,
	FILE_SYNC,
	FILE_DONE,
};

struct file_work {
	struct file *file;
	struct request *request;
	struct nvme_status *status;
};

struct file_step_functions {
	void (*prepare)(const struct file *file, struct request *request,
	                struct io_uring_sqe *entry);
	/* The next step; result is not EAGAIN, EINTR. */
	enum file_step (*next)(const struct file_work *work, int result);
};

/* Never written to. */
static alignas(4096) unsigned char zeroes[ZEROES_BYTES];

static struct file *file_of(const struct request *request)
{
	return (struct file *)request->target->backing;
}

static enum link_operation operation_of(const struct request *request)
{
	return (enum link_operation)request->wanted.operation;
}

/* Only a cancel of ours has the kernel stop anything. */
static enum file_step fail(const struct file_work *work, int result)
{
	if (result == -ECANCELED) {
		*work->status = status_of(NVME_SC_ABORT_REQUESTED);
		return FILE_DONE;
	}
	*work->status = status_from_errno(-result, operation_of(work->request));
	return FILE_DONE;
}

/* ------------------------------------------------------------------ transfer */

static void prepare_transfer(const struct file *file, struct request *request,
                             struct io_uring_sqe *entry)
{
	const struct iovec *piece = request->pieces;
	bool writes = request->wanted.operation == LINK_WRITE;
	int buffer = file->direct ? request_buffer(request) : -1;

	if (request->n_pieces > 1 && writes)
		io_uring_prep_writev(entry, file->fd, piece, request->n_pieces, request->offset);
	else if (request->n_pieces > 1)
		io_uring_prep_readv(entry, file->fd, piece, request->n_pieces, request->offset);
	else if (writes && buffer >= 0)
		io_uring_prep_write_fixed(entry,
		                          file->fd,
		                          piece->iov_base,
		                          (unsigned)piece->iov_len,
		                          request->offset,
		                          buffer);
	else if (writes)
		io_uring_prep_write(entry,
		                    file->fd,
		                    piece->iov_base,
		                    (unsigned)piece->iov_len,
		                    request->offset);
	else if (buffer >= 0)
		io_uring_prep_read_fixed(entry,
		                         file->fd,
		                         piece->iov_base,
		                         (unsigned)piece->iov_len,
		                         request->offset,
		                         buffer);
	else
		io_uring_prep_read(entry,
		                   file->fd,
		                   piece->iov_base,
		                   (unsigned)piece->iov_len,
		                   request->offset);
	if (writes && (request->wanted.flags & LINK_FUA))
		entry->rw_flags = RWF_DSYNC;
}

/* What was moved, in whole units of direct I/O, so that the rest can be. */
static uint64_t progress(const struct request *request, int result)
{
	uint64_t bytes = (uint64_t)result;

	if (bytes > request->length)
		bytes = request->length;
	return bytes & ~(((uint64_t)1 << request->target->block_shift) - 1);
}

static enum file_step after_transfer(const struct file_work *work, int result)
{
	uint64_t bytes;

	if (result < 0)
		return fail(work, result);
	bytes = progress(work->request, result);
	if (bytes == 0) {
		*work->status = status_from_end_of_store(operation_of(work->request));
		return FILE_DONE;
	}
	request_advance(work->request, bytes);
	return work->request->length > 0 ? FILE_TRANSFER : FILE_DONE;
}

/* ------------------------------------------------------------------ zeroes */

static bool is_unsupported(int result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS;
}

static enum file_step zeroing_ends(const struct file_work *work)
{
	return work->request->wanted.flags & LINK_FUA ? FILE_SYNC : FILE_DONE;
}

/* The best way to zero that has not failed on this file system. A hole is made only where the
 * host allows it (NVM Command Set 1.1 §3.3.8, DEAC). */
static enum file_step best_zeroing(struct file *file, const struct request *request)
{
	bool may_deallocate = request->wanted.flags & LINK_DEALLOC;

	if (may_deallocate && !atomic_load_explicit(&file->no_punch_hole, memory_order_relaxed))
		return FILE_PUNCH_HOLE;
	if (!atomic_load_explicit(&file->no_zero_range, memory_order_relaxed))
		return FILE_ZERO_RANGE;
	return FILE_ZERO_WRITE;
}

static void prepare_zero_range(const struct file *file, struct request *request,
                               struct io_uring_sqe *entry)
{
	io_uring_prep_fallocate(entry,
	                        file->fd,
	                        FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	                        (off_t)request->offset,
	                        (off_t)request->length);
}

static void prepare_punch_hole(const struct file *file, struct request *request,
                               struct io_uring_sqe *entry)
{
	io_uring_prep_fallocate(entry,
	                        file->fd,
	                        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	                        (off_t)request->offset,
	                        (off_t)request->length);
}

static enum file_step after_zero_range(const struct file_work *work, int result)
{
	if (is_unsupported(result)) {
		atomic_store_explicit(&work->file->no_zero_range, true, memory_order_relaxed);
		return best_zeroing(work->file, work->request);
	}
	return result < 0 ? fail(work, result) : zeroing_ends(work);
}

static enum file_step after_punch_hole(const struct file_work *work, int result)
{
	if (is_unsupported(result)) {
		atomic_store_explicit(&work->file->no_punch_hole, true, memory_order_relaxed);
		return best_zeroing(work->file, work->request);
	}
	return result < 0 ? fail(work, result) : zeroing_ends(work);
}

static void prepare_zero_write(const struct file *file, struct request *request,
                               struct io_uring_sqe *entry)
{
	uint64_t bytes = request->length < ZEROES_BYTES ? request->length : ZEROES_BYTES;

	io_uring_prep_write(entry, file->fd, zeroes, (unsigned)bytes, request->offset);
}

static enum file_step after_zero_write(const struct file_work *work, int result)
{
	enum file_step next = after_transfer(work, result);

	if (next == FILE_TRANSFER)
		return FILE_ZERO_WRITE;
	return status_is_ok(*work->status) ? zeroing_ends(work) : FILE_DONE;
}

/* ------------------------------------------------------------------ deallocate */

static void find_range(struct request *request)
{
	const struct nvme_dsm_range *range = &request->scratch->ranges[request->range];
	unsigned shift = request->target->block_shift;

	request->offset = le64_get(range->slba) << shift;
	request->length = (uint64_t)le32_get(range->blocks) << shift;
}

/* The next range that has blocks. */
static enum file_step find_next_range(struct request *request)
{
	for (; request->range < request->n_ranges; request->range++) {
		find_range(request);
		if (request->length > 0)
			return FILE_PUNCH_RANGE;
	}
	return FILE_DONE;
}

static enum file_step after_punch_range(const struct file_work *work, int result)
{
	if (is_unsupported(result)) {
		atomic_store_explicit(&work->file->no_punch_hole, true, memory_order_relaxed);
		return FILE_DONE;
	}
	if (result < 0)
		return fail(work, result);
	work->request->range++;
	return find_next_range(work->request);
}

/* ------------------------------------------------------------------ sync */

static void prepare_sync(const struct file *file, struct request *request,
                         struct io_uring_sqe *entry)
{
	(void)request;
	io_uring_prep_fsync(entry, file->fd, IORING_FSYNC_DATASYNC);
}

static enum file_step after_sync(const struct file_work *work, int result)
{
	return result < 0 ? fail(work, result) : FILE_DONE;
}

/* ------------------------------------------------------------------ the driver */

static const struct file_step_functions steps[] = {
	[FILE_TRANSFER] = {prepare_transfer,   after_transfer   },
	[FILE_ZERO_RANGE] = {prepare_zero_range, after_zero_range },
	[FILE_PUNCH_HOLE] = {prepare_punch_hole, after_punch_hole },
	[FILE_ZERO_WRITE] = {prepare_zero_write, after_zero_write },
	[FILE_PUNCH_RANGE] = {prepare_punch_hole, after_punch_range},
	[FILE_SYNC] = {prepare_sync,       after_sync       },
};

static enum file_step first_step(struct file *file, struct request *request)
{
	switch (operation_of(request)) {
	case LINK_READ:
	case LINK_WRITE:
		return FILE_TRANSFER;
	case LINK_FLUSH:
		return FILE_SYNC;
	case LINK_WRITE_ZEROES:
		return request->length > 0 ? best_zeroing(file, request) : FILE_DONE;
	case LINK_DEALLOCATE:
		if (atomic_load_explicit(&file->no_punch_hole, memory_order_relaxed))
			return FILE_DONE;
		return find_next_range(request);
	}
	return FILE_DONE;
}

static void prepare(struct uring_job *job, struct io_uring_sqe *entry)
{
	struct request *request = container_of(job, struct request, job);

	steps[request->step].prepare(file_of(request), request, entry);
	if (file_of(request)->blocks)
		io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
}

static void go_on(struct request *request, enum file_step step, struct nvme_status status)
{
	if (step == FILE_DONE) {
		request_finish(request, status);
		return;
	}
	request->step = (uint8_t)step;
	uring_start(request_uring(request), &request->job);
}

static void done(struct uring_job *job, int result)
{
	struct request *request = container_of(job, struct request, job);
	struct nvme_status status = STATUS_OK;
	struct file_work work = {file_of(request), request, &status};
	enum file_step step = request->step;

	if ((result != -EAGAIN && result != -EINTR) || request->tries++ >= TRIES_MAX)
		step = steps[step].next(&work, result);
	go_on(request, step, status);
}

/* Not where EAGAIN is answered with another try: the kernel's word for "cancelled" is another. */
void file_cancel(struct backing *backing, struct request *request)
{
	(void)backing;
	uring_cancel(request_uring(request), &request->job);
}

void file_start(struct backing *backing, struct request *request)
{
	request->job.prepare = prepare;
	request->job.done = done;
	go_on(request, first_step((struct file *)backing, request), STATUS_OK);
}
