/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/slow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THE_FILE  2 /* its node; the root is FUSE_ROOT_ID */
#define MAX_WRITE (128u << 10)
#define HELD_MAX  64

struct held {
	struct fuse_in_header header;
	uint64_t offset;
	uint32_t size;
	uint8_t *data; /* of a write */
};

/* What the test and the disk both see. */
struct shared {
	atomic_bool hold;
	atomic_int error;
	atomic_int fallocate_error;
	atomic_uint reads;
	atomic_uint writes;
	atomic_uint dsync_writes;
	atomic_uint syncs;
	atomic_uint fallocates;
	atomic_uint n_held;
	uint8_t content[SLOW_FILE_BYTES];
};

static struct shared *shared;
static int fuse = -1; /* the disk's */
static int bell = -1; /* an eventfd: the test has changed its mind */
static pid_t disk;
static enum slow_file_kind kind;
static char directory[64];
static char path[80];
static struct held held[HELD_MAX]; /* the disk's */

/* ------------------------------------------------------------------ answers */

static void answer(uint64_t unique, int error, const void *body, size_t length)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + length), .error = -error, .unique = unique};
	const struct iovec pieces[] = {
		{&header,      sizeof(header)},
                {(void *)body, length        }
        };

	if (writev(fuse, pieces, 2) < 0)
		return; /* the one who asked is gone */
}

static struct fuse_attr attributes_of(uint64_t node)
{
	bool is_file = node == THE_FILE;

	return (struct fuse_attr){
		.ino = node,
		.size = is_file ? SLOW_FILE_BYTES : 0,
		.blocks = is_file ? SLOW_FILE_BYTES / 512 : 0,
		.mode = is_file ? S_IFREG | 0600 : S_IFDIR | 0700,
		.nlink = 1,
		.blksize = 4096,
	};
}

static uint32_t size_to_move(const struct held *transfer)
{
	uint32_t size = transfer->size;

	if (transfer->offset >= SLOW_FILE_BYTES)
		return 0;
	if (size > SLOW_FILE_BYTES - transfer->offset)
		size = (uint32_t)(SLOW_FILE_BYTES - transfer->offset);
	return size;
}

static void answer_transfer(struct held *transfer)
{
	const struct fuse_write_out written = {.size = size_to_move(transfer)};
	uint8_t *content = shared->content + transfer->offset;
	int error = atomic_load(&shared->error);

	if (error) {
		answer(transfer->header.unique, error, NULL, 0);
	} else if (transfer->header.opcode == FUSE_WRITE) {
		if (written.size > 0)
			memcpy(content, transfer->data, written.size);
		answer(transfer->header.unique, 0, &written, sizeof(written));
	} else {
		answer(transfer->header.unique, 0, content, written.size);
	}
	free(transfer->data);
}

static void take_transfer(const struct fuse_in_header *header, const void *body)
{
	const struct fuse_read_in *in = body; /* fuse_write_in begins alike */
	struct held transfer = {.header = *header, .offset = in->offset, .size = in->size};

	if (header->opcode == FUSE_WRITE) {
		atomic_fetch_add(&shared->writes, 1);
		if (((const struct fuse_write_in *)body)->flags & O_DSYNC)
			atomic_fetch_add(&shared->dsync_writes, 1);
		transfer.data = malloc(in->size + 1u);
		memcpy(transfer.data, (const char *)body + sizeof(struct fuse_write_in), in->size);
	} else {
		atomic_fetch_add(&shared->reads, 1);
	}
	if (!atomic_load(&shared->hold) || atomic_load(&shared->n_held) == HELD_MAX) {
		answer_transfer(&transfer);
		return;
	}
	held[atomic_load(&shared->n_held)] = transfer;
	atomic_fetch_add(&shared->n_held, 1);
}

static void let_go_of_held(void)
{
	for (unsigned i = 0; i < atomic_load(&shared->n_held); i++)
		answer_transfer(&held[i]);
	atomic_store(&shared->n_held, 0);
}

/* ------------------------------------------------------------------ what the kernel asks */

static void answer_init(uint64_t unique, const struct fuse_init_in *in)
{
	uint32_t wanted = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES |
	                  (kind == SLOW_FILE_ASYNC ? FUSE_ASYNC_DIO : 0);
	const struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.flags = in->flags & wanted,
		.max_background = 512,
		.congestion_threshold = 512,
		.max_write = MAX_WRITE,
		.max_pages = MAX_WRITE / 4096,
	};

	answer(unique, 0, &out, sizeof(out));
}

static void answer_lookup(uint64_t unique)
{
	const struct fuse_entry_out out = {.nodeid = THE_FILE, .attr = attributes_of(THE_FILE)};

	answer(unique, 0, &out, sizeof(out));
}

static void answer_attributes(uint64_t unique, uint64_t node)
{
	const struct fuse_attr_out out = {.attr = attributes_of(node)};

	answer(unique, 0, &out, sizeof(out));
}

static void answer_open(uint64_t unique)
{
	const struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};

	answer(unique, 0, &out, sizeof(out));
}

static void take_question(const struct fuse_in_header *header, const void *body)
{
	switch (header->opcode) {
	case FUSE_INIT:
		answer_init(header->unique, body);
		return;
	case FUSE_LOOKUP:
		answer_lookup(header->unique);
		return;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer_attributes(header->unique, header->nodeid);
		return;
	case FUSE_OPEN:
		answer_open(header->unique);
		return;
	case FUSE_READ:
	case FUSE_WRITE:
		take_transfer(header, body);
		return;
	case FUSE_FSYNC:
		atomic_fetch_add(&shared->syncs, 1);
		answer(header->unique, 0, NULL, 0);
		return;
	case FUSE_FALLOCATE:
		atomic_fetch_add(&shared->fallocates, 1);
		answer(header->unique, atomic_load(&shared->fallocate_error), NULL, 0);
		return;
	case FUSE_RELEASE:
	case FUSE_FLUSH:
		answer(header->unique, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: /* a slow disk cannot be interrupted */
		return;
	default:
		answer(header->unique, ENOSYS, NULL, 0);
	}
}

/* False: unmounted. */
static bool hear(void)
{
	static _Alignas(8) uint8_t buffer[MAX_WRITE + 8192];
	ssize_t length = read(fuse, buffer, sizeof(buffer));

	if (length < 0)
		return errno == EINTR || errno == ENOENT || errno == EAGAIN;
	if ((size_t)length >= sizeof(struct fuse_in_header))
		take_question((const struct fuse_in_header *)buffer,
		              buffer + sizeof(struct fuse_in_header));
	return true;
}

static void be_the_disk(void)
{
	struct pollfd ready[] = {
		{.fd = fuse, .events = POLLIN},
                {.fd = bell, .events = POLLIN}
        };
	eventfd_t rings;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		if (poll(ready, 2, -1) < 0)
			continue;
		if (ready[1].revents)
			eventfd_read(bell, &rings);
		if (!atomic_load(&shared->hold))
			let_go_of_held();
	} while (!ready[0].revents || hear());
	_exit(0);
}

/* ------------------------------------------------------------------ life */

static bool mount_it(const char **ret_why)
{
	char options[96];

	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	*ret_why = "no /dev/fuse";
	if (fuse < 0)
		return false;
	snprintf(directory, sizeof(directory), "/tmp/unit-io-slow-XXXXXX");
	*ret_why = "no directory below /tmp";
	if (!mkdtemp(directory))
		return false;
	snprintf(path, sizeof(path), "%s/disk", directory);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40700,user_id=0,group_id=0", fuse);
	*ret_why = "no right to mount";
	/* seen by this process and its children only, and gone with them */
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	if (mount("slow", directory, "fuse.slow", MS_NOSUID | MS_NODEV, options) == 0)
		return true;
	rmdir(directory);
	return false;
}

bool slow_file_begin(enum slow_file_kind wanted, const char **ret_why)
{
	bool mounted = mount_it(ret_why);

	kind = wanted; /* the disk asks later */
	if (mounted) {
		bell = eventfd(0, EFD_CLOEXEC);
		shared = mmap(NULL,
		              sizeof(*shared),
		              PROT_READ | PROT_WRITE,
		              MAP_SHARED | MAP_ANONYMOUS,
		              -1,
		              0);
		atomic_store(&shared->fallocate_error, ENOSYS);
		disk = fork();
		if (disk == 0)
			be_the_disk();
	}
	if (fuse >= 0)
		close(fuse); /* the disk's alone: its death is the file system's */
	fuse = -1;
	return mounted;
}

void slow_file_end(void)
{
	slow_file_hold(false);
	umount2(directory, MNT_DETACH);
	kill(disk, SIGKILL);
	waitpid(disk, NULL, 0);
	munmap(shared, sizeof(*shared));
	close(bell);
	rmdir(directory);
}

const char *slow_file_path(void)
{
	return path;
}

/* ------------------------------------------------------------------ what the test says */

void slow_file_hold(bool hold)
{
	atomic_store(&shared->hold, hold);
	eventfd_write(bell, 1);
}

unsigned slow_file_held(void)
{
	return atomic_load(&shared->n_held);
}

void slow_file_fail(int error)
{
	atomic_store(&shared->error, error);
}

void slow_file_fail_fallocate(int error)
{
	atomic_store(&shared->fallocate_error, error);
}

struct slow_file_counts slow_file_counts(void)
{
	return (struct slow_file_counts){
		.reads = atomic_load(&shared->reads),
		.writes = atomic_load(&shared->writes),
		.dsync_writes = atomic_load(&shared->dsync_writes),
		.syncs = atomic_load(&shared->syncs),
		.fallocates = atomic_load(&shared->fallocates),
	};
}

uint8_t slow_file_byte(uint32_t place)
{
	return shared->content[place];
}
