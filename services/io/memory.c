/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/memory.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "common/base/error.h"

/* Where this thread goes on when a page is refused; NULL: it is not copying. */
static _Thread_local sigjmp_buf *volatile landing;

static void refused(int signal_number)
{
	if (landing)
		siglongjmp(*landing, 1);
	signal(signal_number, SIG_DFL); /* not ours: the access is tried again, and ends us */
}

int memory_guard(void)
{
	/* NODEFER: siglongjmp() restores no signal mask, as that would be a system call a copy. */
	struct sigaction action = {.sa_handler = refused, .sa_flags = SA_NODEFER};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? error_origin(-errno) : 0;
}

int memory_copy(void *to, const void *from, size_t length)
{
	sigjmp_buf here;

	if (sigsetjmp(here, 0)) {
		landing = NULL;
		return -EFAULT;
	}
	landing = &here;
	memcpy(to, from, length);
	landing = NULL;
	return 0;
}

int memory_zero(void *to, size_t length)
{
	sigjmp_buf here;

	if (sigsetjmp(here, 0)) {
		landing = NULL;
		return -EFAULT;
	}
	landing = &here;
	memset(to, 0, length);
	landing = NULL;
	return 0;
}
