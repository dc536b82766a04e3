/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/context.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/descriptors.h"
#include "common/base/log.h"
#include "common/ipc/accept.h"

/* What libzmq opens for a context with a socket, which is seven, and two for who comes between. */
#define CONTEXT_DESCRIPTORS 9u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *context;
static unsigned holders;
static pid_t owner;

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* no more than a precaution */
}

/* libzmq starts its threads with the first socket, not with the context. */
static int start_threads(void *fresh)
{
	void *first;

	if (zmq_ctx_set(fresh, ZMQ_IO_THREADS, 1) < 0)
		return -1;
	first = zmq_socket(fresh, ZMQ_PAIR);
	if (!first)
		return -1;
	zmq_close(first);
	return 0;
}

static void *make_context(void)
{
	sigset_t all, before;
	void *fresh;
	int error;

	if (!accept_guard())
		log_debug("control plane: libzmq accepts connections by itself");
	raise_descriptor_limit();
	if (!descriptors_are_free(CONTEXT_DESCRIPTORS)) { /* libzmq would end the process */
		errno = EMFILE;
		return NULL;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	fresh = zmq_ctx_new();
	if (fresh && start_threads(fresh) < 0) {
		error = errno;
		zmq_ctx_term(fresh);
		errno = error;
		fresh = NULL;
	}
	error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return fresh;
}

void *ipc_context_hold(void)
{
	void *held;

	pthread_mutex_lock(&lock);
	if (owner != getpid()) {
		context = NULL; /* the parent's: its threads are not here */
		holders = 0;
		owner = getpid();
	}
	if (!context)
		context = make_context();
	held = context;
	if (held)
		holders++;
	pthread_mutex_unlock(&lock);
	return held;
}

void ipc_context_release(void)
{
	pthread_mutex_lock(&lock);
	if (--holders == 0) {
		while (zmq_ctx_term(context) < 0 && errno == EINTR)
			;
		context = NULL;
	}
	pthread_mutex_unlock(&lock);
}
