/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/socket.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <zmq.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/ipc/context.h"

/* A transport that meets a new state service asks for all its parked admin commands at once. */
#define QUEUE_MESSAGES 16384

#define ROUND_MESSAGES 64
#define HANDSHAKE_MS   5000

static int set_number(void *zmq, int option, int value)
{
	return zmq_setsockopt(zmq, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_limits(void *zmq)
{
	int64_t size = ENVELOPE_MAX;
	int r;

	if (zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &size, sizeof(size)) < 0)
		return -errno;
	r = set_number(zmq, ZMQ_LINGER, 0);
	if (r == 0)
		r = set_number(zmq, ZMQ_SNDHWM, QUEUE_MESSAGES);
	if (r == 0)
		r = set_number(zmq, ZMQ_RCVHWM, QUEUE_MESSAGES);
	if (r == 0)
		r = set_number(zmq, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
	return r;
}

/* One DEALER is one connection: what is queued for it never reaches another one. */
static int set_dealer(void *zmq)
{
	int r;

	r = set_number(zmq, ZMQ_IMMEDIATE, 1);
	if (r == 0)
		r = set_number(zmq, ZMQ_RECONNECT_IVL, -1);
	return r;
}

static bool is_readable(void *zmq)
{
	int events = 0;
	size_t size = sizeof(events);

	return zmq_getsockopt(zmq, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

/* After whatever may have swallowed the descriptor's edge. */
static void look_again(struct ipc_socket *socket)
{
	if (!is_readable(socket->zmq) && !is_readable(socket->monitor))
		return;
	if (loop_timer_set(socket->loop, &socket->again, loop_now_ns(socket->loop)) < 0)
		log_err("control plane: no timer: messages may be late");
}

/* The frames that are left of a message are passed over. True if there were any. */
static bool pass_over(void *zmq)
{
	bool passed = false;
	int more = 0;
	size_t size = sizeof(more);

	while (zmq_getsockopt(zmq, ZMQ_RCVMORE, &more, &size) == 0 && more) {
		passed = true;
		if (zmq_recv(zmq, NULL, 0, ZMQ_DONTWAIT) < 0)
			break;
	}
	return passed;
}

/* False if there is no message. A connection's name is the ROUTER's own choice, five bytes; a
 * peer that brought one of its own is not one of ours. */
static bool receive_route(struct ipc_socket *socket, struct ipc_route *ret_route, bool *ret_good)
{
	uint8_t name[256];
	int length = zmq_recv(socket->zmq, name, sizeof(name), ZMQ_DONTWAIT);

	if (length < 0)
		return false;
	*ret_good = length == sizeof(ret_route->bytes) && name[0] == 0;
	if (*ret_good)
		memcpy(ret_route->bytes, name, sizeof(ret_route->bytes));
	return true;
}

static bool receive_one(struct ipc_socket *socket)
{
	struct ipc_route route;
	zmq_msg_t frame;
	bool good = true;

	if (socket->is_router && !receive_route(socket, &route, &good))
		return false;
	zmq_msg_init(&frame);
	if (zmq_msg_recv(&frame, socket->zmq, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&frame);
		return false;
	}
	if (!pass_over(socket->zmq) && good)
		socket->received(socket,
		                 socket->is_router ? &route : NULL,
		                 zmq_msg_data(&frame),
		                 zmq_msg_size(&frame));
	zmq_msg_close(&frame);
	return true;
}

static void receive_round(struct ipc_socket *socket)
{
	for (unsigned i = 0; i < ROUND_MESSAGES; i++) {
		if (!receive_one(socket))
			break;
	}
}

/* Two frames: number of the event (16 bits) with its value (32 bits), and the address. */
static bool receive_event(struct ipc_socket *socket)
{
	uint8_t bytes[6];
	uint16_t event;
	int length = zmq_recv(socket->monitor, bytes, sizeof(bytes), ZMQ_DONTWAIT);

	if (length < 0)
		return false;
	pass_over(socket->monitor);
	if (length != sizeof(bytes))
		return true;
	memcpy(&event, bytes, sizeof(event));
	if (event == ZMQ_EVENT_ACCEPTED)
		socket->connections++;
	else if (event == ZMQ_EVENT_DISCONNECTED && socket->connections > 0)
		socket->connections--;
	if (event == ZMQ_EVENT_ACCEPTED || event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
		socket->changed(socket, IPC_CHANGE_UP);
	else
		socket->changed(socket, IPC_CHANGE_DOWN);
	return true;
}

/* Messages first: what a connection said before its end is heard before its end. */
static void work(struct ipc_socket *socket)
{
	receive_round(socket);
	for (unsigned i = 0; i < ROUND_MESSAGES; i++) {
		if (!receive_event(socket))
			break;
	}
	look_again(socket);
}

static void on_message_edge(struct loop_source *source, uint32_t events)
{
	(void)events;
	work(container_of(source, struct ipc_socket, source));
}

static void on_monitor_edge(struct loop_source *source, uint32_t events)
{
	(void)events;
	work(container_of(source, struct ipc_socket, monitor_source));
}

static void on_again(struct loop_timer *timer)
{
	work(container_of(timer, struct ipc_socket, again));
}

static int watch(struct ipc_socket *socket, struct loop_source *source, void *zmq)
{
	int fd = -1;
	size_t size = sizeof(fd);

	if (zmq_getsockopt(zmq, ZMQ_FD, &fd, &size) < 0)
		return -errno;
	return loop_add(socket->loop, source, fd, EPOLLIN);
}

static int open_monitor(struct ipc_socket *socket, void *context, int events)
{
	static atomic_uint number;
	char address[64];
	int r;

	snprintf(address, sizeof(address), "inproc://monitor-%u", atomic_fetch_add(&number, 1));
	socket->monitor = zmq_socket(context, ZMQ_PAIR);
	if (!socket->monitor)
		return -errno;
	r = set_number(socket->monitor, ZMQ_LINGER, 0);
	if (r == 0 && zmq_socket_monitor(socket->zmq, address, events) < 0)
		r = -errno;
	if (r == 0 && zmq_connect(socket->monitor, address) < 0)
		r = -errno;
	return r;
}

static int open_socket(struct ipc_socket *socket, struct loop *loop, int type, int events)
{
	void *context = ipc_context_hold();
	int r;

	if (!context)
		return -errno;
	socket->loop = loop;
	socket->source = LOOP_SOURCE(on_message_edge);
	socket->monitor_source = LOOP_SOURCE(on_monitor_edge);
	socket->again = LOOP_TIMER(on_again);
	socket->is_router = type == ZMQ_ROUTER;
	socket->monitor = NULL;
	socket->zmq = zmq_socket(context, type);
	if (!socket->zmq) {
		r = -errno;
		ipc_context_release();
		return r;
	}
	r = set_limits(socket->zmq);
	if (r == 0)
		r = open_monitor(socket, context, events);
	if (r == 0)
		r = watch(socket, &socket->source, socket->zmq);
	if (r == 0)
		r = watch(socket, &socket->monitor_source, socket->monitor);
	return r;
}

static int meet(struct ipc_socket *socket, int (*call)(void *, const char *), const char *path)
{
	char address[sizeof("ipc://") + sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int r = ipc_path_check(path);

	if (r < 0)
		return r;
	snprintf(address, sizeof(address), "ipc://%s", path);
	return call(socket->zmq, address) < 0 ? -errno : 0;
}

int ipc_socket_open_router(struct ipc_socket *socket, struct loop *loop)
{
	int r = open_socket(socket, loop, ZMQ_ROUTER, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);

	/* A message to a connection that is gone, or full, is an error that we hear of. */
	if (r == 0)
		r = set_number(socket->zmq, ZMQ_ROUTER_MANDATORY, 1);
	if (r < 0)
		ipc_socket_close(socket);
	return r < 0 ? error_origin(r) : 0;
}

int ipc_socket_listen(struct ipc_socket *socket, int listener, const char *path)
{
	int r = set_number(socket->zmq, ZMQ_USE_FD, listener);

	if (r == 0)
		r = meet(socket, zmq_bind, path);
	look_again(socket);
	return r < 0 ? error_origin(r) : 0;
}

void ipc_socket_deafen(struct ipc_socket *socket, const char *path)
{
	meet(socket, zmq_unbind, path); /* if it is not bound: the better */
	socket->connections = 0;
	look_again(socket);
}

int ipc_socket_connect(struct ipc_socket *socket, struct loop *loop, const char *path)
{
	int r = open_socket(socket,
	                    loop,
	                    ZMQ_DEALER,
	                    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
	                            ZMQ_EVENT_CLOSED);

	if (r == 0)
		r = set_dealer(socket->zmq);
	if (r == 0)
		r = meet(socket, zmq_connect, path);
	if (r < 0) {
		ipc_socket_close(socket);
		return error_origin(r);
	}
	look_again(socket);
	return 0;
}

void ipc_socket_close(struct ipc_socket *socket)
{
	if (!socket->zmq)
		return;
	loop_remove(&socket->source);
	loop_remove(&socket->monitor_source);
	loop_timer_clear(&socket->again);
	/* While its queue is full, libzmq's thread waits, and holds the lock that the end needs. */
	while (socket->monitor && zmq_recv(socket->monitor, NULL, 0, ZMQ_DONTWAIT) >= 0)
		;
	zmq_socket_monitor(socket->zmq, NULL, 0);
	if (socket->monitor)
		zmq_close(socket->monitor);
	zmq_close(socket->zmq);
	socket->monitor = NULL;
	socket->zmq = NULL;
	ipc_context_release();
}

static int pack(zmq_msg_t *ret_frame, const envelope *message)
{
	size_t size = protobuf_c_message_get_packed_size(&message->base);

	if (size > ENVELOPE_MAX)
		return -EMSGSIZE;
	if (zmq_msg_init_size(ret_frame, size) < 0)
		return -errno;
	protobuf_c_message_pack(&message->base, zmq_msg_data(ret_frame));
	return 0;
}

int ipc_dealer_send(void *dealer, const envelope *message)
{
	zmq_msg_t frame;
	int r = pack(&frame, message);

	if (r < 0)
		return r;
	if (zmq_msg_send(&frame, dealer, ZMQ_DONTWAIT) >= 0)
		return 0;
	r = -errno;
	zmq_msg_close(&frame);
	return r;
}

/* The message is made first: once its route is said, it has to follow. */
static int router_send(void *router, const struct ipc_route *to, const envelope *message)
{
	zmq_msg_t frame;
	int r = pack(&frame, message);

	if (r < 0)
		return r;
	if (zmq_send(router, to->bytes, sizeof(to->bytes), ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
	    zmq_msg_send(&frame, router, ZMQ_DONTWAIT) >= 0)
		return 0;
	r = -errno;
	zmq_msg_close(&frame);
	return r;
}

int ipc_socket_send(struct ipc_socket *socket, const struct ipc_route *to, const envelope *message)
{
	int r;

	/* Takes in what libzmq's thread has to say first: that the connection stands, or does not.
	 */
	is_readable(socket->zmq);
	r = to ? router_send(socket->zmq, to, message) : ipc_dealer_send(socket->zmq, message);
	look_again(socket);
	return r;
}

void *ipc_dealer_open(void *context, const char *path)
{
	struct ipc_socket dealer = {.zmq = zmq_socket(context, ZMQ_DEALER)};
	int r;

	if (!dealer.zmq)
		return NULL;
	r = set_limits(dealer.zmq);
	if (r == 0)
		r = set_dealer(dealer.zmq);
	if (r == 0)
		r = meet(&dealer, zmq_connect, path);
	if (r == 0)
		return dealer.zmq;
	zmq_close(dealer.zmq);
	errno = -r;
	return NULL;
}

int ipc_path_check(const char *path)
{
	size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	size_t length = strlen(path);

	if (length <= longest)
		return 0;
	log_err("socket '%s': its path has %zu characters, and may have %zu: choose a shorter run "
	        "directory",
	        path,
	        length,
	        longest);
	return -ENAMETOOLONG;
}
