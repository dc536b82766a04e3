/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/shm/memory.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "common/base/error.h"

/* Two hosts may read and write the same blocks at the same time, as on any disk: what they get
 * is theirs to settle, and no race of ours. */
#ifdef __SANITIZE_THREAD__
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

/* Its own handler, which calls ours, has all signals blocked, so the mask must be restored. */
#define SAVES_MASK 1

static void begin(void)
{
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}

static void end(void)
{
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}
#else
#define SAVES_MASK 0

static inline void begin(void)
{
}

static inline void end(void)
{
}
#endif

/* Where this thread goes on when a page is refused; NULL: it is not copying. */
static _Thread_local sigjmp_buf *volatile landing;

static void refused(int signal_number)
{
	if (landing) {
		begin(); /* ThreadSanitizer ends it itself where a handler begins */
		siglongjmp(*landing, 1);
	}
	signal(signal_number, SIG_DFL); /* not ours: the access is tried again, and ends us */
}

int memory_guard(void)
{
	/* NODEFER: siglongjmp() restores no signal mask, as that would be a system call a copy. */
	struct sigaction action = {.sa_handler = refused, .sa_flags = SA_NODEFER};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? error_origin(-errno) : 0;
}

/* from: NULL for zeroes */
static int store(void *to, const void *from, size_t length)
{
	sigjmp_buf here;

	begin();
	if (sigsetjmp(here, SAVES_MASK)) {
		landing = NULL;
		end();
		return -EFAULT;
	}
	landing = &here;
	if (from)
		memcpy(to, from, length);
	else
		memset(to, 0, length);
	landing = NULL;
	end();
	return 0;
}

int memory_visit(void (*act)(void *context), void *context)
{
	sigjmp_buf here;

	begin();
	if (sigsetjmp(here, SAVES_MASK)) {
		landing = NULL;
		end();
		return -EFAULT;
	}
	landing = &here;
	act(context);
	landing = NULL;
	end();
	return 0;
}

int memory_copy(void *to, const void *from, size_t length)
{
	return store(to, from, length);
}

int memory_zero(void *to, size_t length)
{
	return store(to, NULL, length);
}
