/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/descriptors.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "services/tcp/connection.h"
#include "services/tcp/kept_socket.h"

/* Connections accepted in one round */
#define BATCH       16
/* How long to leave hosts in the kernel's queue when descriptors or memory are short */
#define SHORTAGE_NS (200 * NS_PER_MS)
/* Descriptors that hosts do not get: a reactor's link to a worker takes four, and a worker that
 * died is to be met again. */
#define RESERVE     (4 * DESCRIPTORS_RESERVE)

struct listener {
	struct transport *transport;
	struct kept_socket socket;
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

	if (!connection || transport_place(listener->transport,
	                                   connection,
	                                   listener->port_id,
	                                   connection->queue.host_address))
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

		if (fd >= 0 && descriptor_is_reserved(fd, RESERVE)) {
			close(fd);
			wait_out_shortage(listener, EMFILE);
			return;
		}
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

int listener_new(struct transport *transport, const struct listener_address *address,
                 struct listener **ret_listener, char *reason, size_t reason_size)
{
	_cleanup_(cleanup_free) struct listener *listener = calloc(1, sizeof(*listener));
	int r;

	if (!listener) {
		snprintf(reason, reason_size, "no memory");
		return -ENOMEM;
	}
	r = kept_socket_open(&listener->socket, address, reason, reason_size);
	if (r)
		return r;
	listener->transport = transport;
	listener->port_id = address->port_id;
	listener->source = LOOP_SOURCE(accept_some);
	listener->shortage = LOOP_TIMER(shortage_over);
	r = loop_add(transport_loop(transport), &listener->source, listener->socket.fd, EPOLLIN);
	if (r) {
		snprintf(reason, reason_size, "epoll: %s", error_words(r));
		kept_socket_close(&listener->socket);
		return r;
	}
	*ret_listener = take(&listener);
	return 0;
}

void listener_free(struct listener *listener)
{
	loop_timer_clear(&listener->shortage);
	loop_remove(&listener->source);
	kept_socket_close(&listener->socket);
	free(listener);
}
