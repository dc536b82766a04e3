/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket's first message has one descriptor, the memfd; all others up to FDS_OF_A_MESSAGE of
 * the items' descriptors, in order. The memfd has a head, and then for each item its entry, its
 * bytes, and padding to eight.
 */
#include "common/proc/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/base/error.h"
#include "common/proc/store.h"

#define FDS_OF_A_MESSAGE 128
#define SEALS            (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define MAGIC            "nvmetdPC"
#define LAYOUT           1u

struct head {
	char magic[8];
	uint32_t layout;
	uint32_t n_fds;
	uint64_t bytes; /* of all, this head included */
};

struct entry {
	uint32_t length;
	uint32_t has_fd;
};

struct parcel {
	struct head head;
	int memfd;
	/* being filled: both ends, and descriptors that are not sent yet */
	int out, in;
	int waiting[FDS_OF_A_MESSAGE];
	unsigned n_waiting;
	/* being emptied */
	const uint8_t *memory;
	size_t at;
	int *fds;
	unsigned n_taken;
};

static size_t padded(size_t length)
{
	return (length + 7) & ~(size_t)7;
}

struct parcel *parcel_free(struct parcel *parcel)
{
	if (!parcel)
		return NULL;
	cleanup_close(&parcel->memfd);
	cleanup_close(&parcel->out);
	cleanup_close(&parcel->in);
	if (parcel->memory)
		munmap((void *)(uintptr_t)parcel->memory, parcel->head.bytes);
	for (unsigned i = parcel->n_taken; parcel->fds && i < parcel->head.n_fds; i++)
		cleanup_close(&parcel->fds[i]);
	free(parcel->fds);
	free(parcel);
	return NULL;
}

static struct parcel *allocate(void)
{
	struct parcel *parcel = calloc(1, sizeof(*parcel));

	if (parcel)
		parcel->memfd = parcel->out = parcel->in = -1;
	return parcel;
}

/* ------------------------------------------------------------------ filling */

static int send_fds(struct parcel *parcel, const int *fds, unsigned n)
{
	union {
		char bytes[CMSG_SPACE(FDS_OF_A_MESSAGE * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, n * sizeof(int));
	return sendmsg(parcel->out, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1
	               ? 0
	               : error_origin(-errno);
}

int parcel_new(struct parcel **ret_parcel)
{
	_cleanup_(parcel_freep) struct parcel *parcel = allocate();
	int ends[2];

	if (!parcel)
		return error_origin(-ENOMEM);
	parcel->head = (struct head){
		.magic = MAGIC, .layout = LAYOUT, .bytes = sizeof(struct head)};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_origin(-errno);
	parcel->out = ends[0];
	parcel->in = ends[1];
	parcel->memfd = memfd_create("nvmetd-parcel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (parcel->memfd < 0)
		return error_origin(-errno);
	*ret_parcel = take(&parcel);
	return send_fds(*ret_parcel, &(*ret_parcel)->memfd, 1);
}

static int write_all(struct parcel *parcel, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	while (length > 0) {
		ssize_t n = pwrite(parcel->memfd, at, length, (off_t)parcel->head.bytes);

		if (n <= 0)
			return error_origin(n < 0 ? -errno : -EIO);
		at += n;
		length -= (size_t)n;
		parcel->head.bytes += (uint64_t)n;
	}
	return 0;
}

static int send_waiting(struct parcel *parcel)
{
	int r = parcel->n_waiting ? send_fds(parcel, parcel->waiting, parcel->n_waiting) : 0;

	parcel->n_waiting = 0;
	return r;
}

static int add_fd(struct parcel *parcel, int fd)
{
	int r = parcel->n_waiting == FDS_OF_A_MESSAGE ? send_waiting(parcel) : 0;

	if (r)
		return error_trace(r);
	parcel->waiting[parcel->n_waiting++] = fd;
	parcel->head.n_fds++;
	return 0;
}

int parcel_add(struct parcel *parcel, const void *bytes, size_t length, int fd)
{
	struct entry entry = {.length = (uint32_t)length, .has_fd = fd >= 0};
	static const uint8_t padding[8];
	int r = length > UINT32_MAX ? error_origin(-EFBIG) : 0;

	if (!r && fd >= 0)
		r = add_fd(parcel, fd);
	if (!r)
		r = write_all(parcel, &entry, sizeof(entry));
	if (!r)
		r = write_all(parcel, bytes, length);
	return r ? r : write_all(parcel, padding, padded(length) - length);
}

int parcel_leave(struct parcel *parcel, const char *name)
{
	int r = send_waiting(parcel);

	if (!r &&
	    pwrite(parcel->memfd, &parcel->head, sizeof(parcel->head), 0) != sizeof(parcel->head))
		r = error_origin(-errno);
	if (!r && fcntl(parcel->memfd, F_ADD_SEALS, SEALS) < 0)
		r = error_origin(-errno);
	return r ? r : store_put(name, parcel->in);
}

/* ------------------------------------------------------------------ emptying */

/* How many there were; a negative errno: none, or no more. */
static int receive_fds(int socket, int *ret_fds, unsigned most)
{
	union {
		char bytes[CMSG_SPACE(FDS_OF_A_MESSAGE * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(most * sizeof(int)),
	};
	struct cmsghdr *rights;
	size_t n;

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -ENOMSG;
	rights = CMSG_FIRSTHDR(&message);
	if (!rights || rights->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	n = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(ret_fds, CMSG_DATA(rights), n * sizeof(int));
	return (int)n;
}

static int map(struct parcel *parcel)
{
	struct stat status;
	void *memory;

	if (fstat(parcel->memfd, &status) < 0 ||
	    (fcntl(parcel->memfd, F_GET_SEALS) & SEALS) != SEALS ||
	    (size_t)status.st_size < sizeof(struct head))
		return PARCEL_E_UNSOUND;
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, parcel->memfd, 0);
	if (memory == MAP_FAILED)
		return error_origin(-errno);
	memcpy(&parcel->head, memory, sizeof(parcel->head));
	parcel->memory = memory;
	parcel->at = sizeof(struct head);
	if (parcel->head.bytes == (uint64_t)status.st_size &&
	    memcmp(parcel->head.magic, MAGIC, sizeof(parcel->head.magic)) == 0 &&
	    parcel->head.layout == LAYOUT)
		return 0;
	parcel->head.n_fds = 0;
	parcel->head.bytes = (uint64_t)status.st_size; /* that are mapped */
	return PARCEL_E_UNSOUND;
}

/* Descriptors that this process may not have are missing: then it is not whole. */
static int receive_all(struct parcel *parcel)
{
	unsigned n = 0, wanted = parcel->head.n_fds;

	parcel->fds = calloc(wanted + 1ul, sizeof(*parcel->fds));
	if (!parcel->fds)
		return error_origin(-ENOMEM);
	while (n < wanted) {
		unsigned most = wanted - n < FDS_OF_A_MESSAGE ? wanted - n : FDS_OF_A_MESSAGE;
		int r = receive_fds(parcel->in, parcel->fds + n, most);

		if (r <= 0)
			break;
		n += (unsigned)r;
	}
	parcel->head.n_fds = n;
	return n == wanted ? 0 : PARCEL_E_UNSOUND;
}

int parcel_take(struct parcel **ret_parcel, const char *name)
{
	_cleanup_(cleanup_close) int fd = store_take(name);
	_cleanup_(parcel_freep) struct parcel *parcel = NULL;
	int r;

	if (fd < 0)
		return PARCEL_E_NONE;
	store_drop(name);
	parcel = allocate();
	if (!parcel)
		return error_origin(-ENOMEM);
	parcel->in = take_fd(&fd);
	if (receive_fds(parcel->in, &parcel->memfd, 1) != 1)
		return PARCEL_E_UNSOUND;
	r = map(parcel);
	if (!r)
		r = receive_all(parcel);
	if (!r)
		*ret_parcel = take(&parcel);
	return r;
}

bool parcel_next(struct parcel *parcel, const uint8_t **ret_bytes, size_t *ret_length, int *ret_fd)
{
	size_t left = parcel->head.bytes - parcel->at;
	struct entry entry;

	if (left < sizeof(entry))
		return false;
	memcpy(&entry, parcel->memory + parcel->at, sizeof(entry));
	if (padded(entry.length) > left - sizeof(entry))
		return false;
	*ret_bytes = parcel->memory + parcel->at + sizeof(entry);
	*ret_length = entry.length;
	*ret_fd = entry.has_fd && parcel->n_taken < parcel->head.n_fds
	                  ? parcel->fds[parcel->n_taken++]
	                  : -1;
	parcel->at += sizeof(entry) + padded(entry.length);
	return true;
}
