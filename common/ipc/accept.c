/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/accept.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/descriptors.h"
#include "common/base/error.h"
#include "common/base/log.h"

/* The socket stays readable meanwhile: without it, libzmq's thread would only turn round. */
#define SHORTAGE_NS (20 * NS_PER_MS)

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static int number_of(int fd, int option)
{
	int number = -1;
	socklen_t size = sizeof(number);

	getsockopt(fd, SOL_SOCKET, option, &number, &size);
	return number;
}

static int call(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
	return (int)syscall(SYS_accept4, listener, address, length, flags);
}

/* One at a time: there is one thread of libzmq. */
static int wait_out(int error)
{
	static struct log_limit limit;
	const struct timespec pause = {.tv_nsec = SHORTAGE_NS};

	if (log_allowed(&limit, 1, 10000))
		log_err("control plane: cannot accept connections, trying again: %s; %u open files "
		        "are allowed",
		        error_words(error),
		        descriptors_allowed());
	nanosleep(&pause, NULL);
	errno = EAGAIN;
	return -1;
}

static int accept_within_reserve(int listener, int flags)
{
	int fd = call(listener, NULL, NULL, flags);

	if (fd < 0)
		return is_shortage(errno) ? wait_out(errno) : -1;
	if (!descriptor_is_reserved(fd, DESCRIPTORS_RESERVE))
		return fd;
	close(fd);
	return wait_out(EMFILE);
}

int accept4(int listener, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
	if (number_of(listener, SO_DOMAIN) == AF_UNIX &&
	    number_of(listener, SO_TYPE) == SOCK_STREAM)
		return accept_within_reserve(listener, flags);
	return call(listener, address.__sockaddr__, length, flags);
}

bool accept_guard(void)
{
	return dlsym(RTLD_DEFAULT, "accept4") == (void *)(uintptr_t)accept4;
}
