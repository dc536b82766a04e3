/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/tcp/congestion.h"
#include "services/tcp/connection.h"

#define BACKLOG     4096 /* the kernel makes it net.core.somaxconn at most */
/* Connections accepted in one round */
#define BATCH       16
/* How long to leave hosts in the kernel's queue when descriptors or memory are short */
#define SHORTAGE_NS (200 * NS_PER_MS)

struct listener {
	struct transport *transport;
	struct loop_source source;
	struct loop_timer shortage;
	struct log_limit refusals;
	uint32_t port_id;
};

/* ------------------------------------------------------------------ accepting */

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void wait_out_shortage(struct listener *listener, int error)
{
	struct loop *loop = transport_loop(listener->transport);
	uint64_t due_ns = loop_now_ns(loop) + SHORTAGE_NS;

	if (log_allowed(&listener->refusals, 1, 10000))
		log_err("port %u: cannot accept connections, trying again: %s",
		        listener->port_id,
		        error_words(-error));
	if (loop_timer_set(loop, &listener->shortage, due_ns) == 0)
		loop_change(&listener->source, 0);
}

static void shortage_over(struct loop_timer *timer)
{
	struct listener *listener = container_of(timer, struct listener, shortage);

	loop_change(&listener->source, EPOLLIN);
}

static void take_in(struct listener *listener, int fd)
{
	struct connection *connection = connection_new(fd, listener->port_id);

	if (!connection ||
	    transport_place(listener->transport, connection, connection->queue.host_address))
		return;
	if (log_allowed(&listener->refusals, 5, 10000))
		log_warn("port %u: connection from %s refused: too many connections",
		         listener->port_id,
		         connection->queue.host_address);
	connection_free(connection);
}

static void accept_some(struct loop_source *source, uint32_t events)
{
	struct listener *listener = container_of(source, struct listener, source);

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take_in(listener, fd);
			continue;
		}
		if (is_shortage(errno))
			wait_out_shortage(listener, errno);
		/* EAGAIN: that was all. Others are the fate of one connection; epoll comes
		 * back for the next. */
		return;
	}
}

/* ------------------------------------------------------------------ listening */

static int resolve(const struct listener_address *address, struct addrinfo **ret, char *reason,
                   size_t reason_size)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	int r;

	if (strcmp(address->adrfam, "ipv4") == 0)
		hints.ai_family = AF_INET;
	else if (strcmp(address->adrfam, "ipv6") == 0)
		hints.ai_family = AF_INET6;
	else {
		snprintf(reason, reason_size, "adrfam is neither ipv4 nor ipv6");
		return -EAFNOSUPPORT;
	}
	r = getaddrinfo(address->traddr, address->trsvcid, &hints, ret);
	if (r) {
		snprintf(reason,
		         reason_size,
		         "not a numeric %s address and port: %s",
		         address->adrfam,
		         gai_strerror(r));
		return -EINVAL;
	}
	return 0;
}

static int failed(const char *what, char *reason, size_t reason_size)
{
	int r = -errno;

	snprintf(reason, reason_size, "%s: %s", what, error_words(r));
	return r;
}

/* An IPv6 wildcard leaves IPv4 to a listener of its own. */
static int open_socket(const struct addrinfo *at, int *ret_fd, char *reason, size_t reason_size)
{
	_cleanup_(cleanup_close) int fd = -1;
	const int on = 1;

	fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return failed("socket", reason, reason_size);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return failed("SO_REUSEADDR", reason, reason_size);
	if (at->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return failed("IPV6_V6ONLY", reason, reason_size);
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0)
		return failed("bind", reason, reason_size);
	if (congestion_apply(fd))
		return failed("TCP_CONGESTION", reason, reason_size);
	if (listen(fd, BACKLOG) < 0)
		return failed("listen", reason, reason_size);
	*ret_fd = take_fd(&fd);
	return 0;
}

int listener_new(struct transport *transport, const struct listener_address *address,
                 struct listener **ret_listener, char *reason, size_t reason_size)
{
	_cleanup_(cleanup_free) struct listener *listener = calloc(1, sizeof(*listener));
	_cleanup_(cleanup_close) int fd = -1;
	struct addrinfo *at;
	int r;

	if (!listener) {
		snprintf(reason, reason_size, "no memory");
		return -ENOMEM;
	}
	r = resolve(address, &at, reason, reason_size);
	if (r)
		return r;
	r = open_socket(at, &fd, reason, reason_size);
	freeaddrinfo(at);
	if (r)
		return r;
	listener->transport = transport;
	listener->port_id = address->port_id;
	listener->source = LOOP_SOURCE(accept_some);
	listener->shortage = LOOP_TIMER(shortage_over);
	r = loop_add(transport_loop(transport), &listener->source, fd, EPOLLIN);
	if (r) {
		snprintf(reason, reason_size, "epoll: %s", error_words(r));
		return r;
	}
	(void)take_fd(&fd);
	*ret_listener = take(&listener);
	return 0;
}

void listener_free(struct listener *listener)
{
	int fd = listener->source.fd;

	loop_timer_clear(&listener->shortage);
	loop_remove(&listener->source);
	close(fd);
	free(listener);
}
