/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded: the allocator's functions, which hand on to the next ones, or fail. */
#include "tests/support/scarcity.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* dlsym() allocates before there is anything to hand on to. */
static _Alignas(16) char early[8192];
static size_t early_used;

static struct scarcity *scarcity;
static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t n, size_t size);
static void *(*next_realloc)(void *memory, size_t size);
static int (*next_memalign)(void **ret, size_t alignment, size_t size);
static void *(*next_aligned)(size_t alignment, size_t size);
static void (*next_free)(void *memory);
static bool is_looking;

static void look_up(void)
{
	if (next_free || is_looking)
		return;
	is_looking = true;
	next_malloc = dlsym(RTLD_NEXT, "malloc");
	next_calloc = dlsym(RTLD_NEXT, "calloc");
	next_realloc = dlsym(RTLD_NEXT, "realloc");
	next_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	next_aligned = dlsym(RTLD_NEXT, "aligned_alloc");
	next_free = dlsym(RTLD_NEXT, "free");
	is_looking = false;
}

static void *take_early(size_t size)
{
	size_t at = early_used;

	early_used += (size + 15) & ~(size_t)15;
	return early_used <= sizeof(early) ? early + at : NULL;
}

static bool is_early(const void *memory)
{
	return (const char *)memory >= early && (const char *)memory < early + sizeof(early);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv(SCARCITY_FILE), *program = getenv(SCARCITY_PROGRAM);
	int fd;

	look_up();
	if (!path || !program || strcmp(program, program_invocation_short_name) != 0)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	scarcity = mmap(NULL, sizeof(*scarcity), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (scarcity == MAP_FAILED)
		scarcity = NULL;
	else
		atomic_fetch_add(&scarcity->runs, 1);
}

/* Those that say to their callers that there is no memory. */
static bool may_fail(const void *caller)
{
	static const char *const libraries[] = {"libsqlite3", "libjansson", "libprotobuf-c"};
	Dl_info info;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return false;
	if (strstr(info.dli_fname, program_invocation_short_name))
		return true;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (strstr(info.dli_fname, libraries[i]))
			return true;
	return false;
}

static bool fails(const void *caller)
{
	uint64_t random;
	unsigned call, one_in;

	if (!scarcity || !may_fail(caller))
		return false;
	call = atomic_fetch_add(&scarcity->calls, 1) + 1;
	one_in = atomic_load(&scarcity->one_in);
	random = (call + 1) * UINT64_C(0x9e3779b97f4a7c15);
	random ^= random >> 29;
	random *= UINT64_C(0xbf58476d1ce4e5b9);
	random ^= random >> 32;
	if (call != atomic_load(&scarcity->nth) && !(one_in && random % one_in == 0))
		return false;
	atomic_fetch_add(&scarcity->failed, 1);
	errno = ENOMEM;
	return true;
}

#define CALLER __builtin_return_address(0)

EXPORT void *malloc(size_t size)
{
	look_up();
	if (!next_malloc)
		return take_early(size);
	return fails(CALLER) ? NULL : next_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
	look_up();
	if (!next_calloc)
		return take_early(n * size);
	return fails(CALLER) ? NULL : next_calloc(n, size);
}

EXPORT void *realloc(void *memory, size_t size)
{
	look_up();
	return fails(CALLER) ? NULL : next_realloc(memory, size);
}

EXPORT void *reallocarray(void *memory, size_t n, size_t size)
{
	look_up();
	if (size && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return fails(CALLER) ? NULL : next_realloc(memory, n * size);
}

EXPORT int posix_memalign(void **ret, size_t alignment, size_t size)
{
	look_up();
	return fails(CALLER) ? ENOMEM : next_memalign(ret, alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	look_up();
	return fails(CALLER) ? NULL : next_aligned(alignment, size);
}

EXPORT void free(void *memory)
{
	look_up();
	if (next_free && !is_early(memory))
		next_free(memory);
}
