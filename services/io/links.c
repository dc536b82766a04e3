/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection's states, and what ends each:
 *
 *   AWAIT_HELLO        the hello comes, the other side closes, or a second passes
 *   AWAIT_VIEW         the worker's first view comes, the other side closes, or a second passes
 *   AWAIT_PREDECESSORS the links that it follows are gone, or the other side closes
 *   SERVING            the other side closes, breaks its ring, or has no grant any more
 *   DRAINING           the I/O thread has let go of the lane: nothing is in flight. A device
 *                      that does not answer may hold that up, but not those that come after
 *
 * One that is DRAINING has no socket any more.
 */
#include "services/io/links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/ipc/listener.h"
#include "services/io/link_ask.h"
#include "services/io/link_hello.h"
#include "services/io/namespace.h"

#define HELLO_NS    NS_PER_S
#define BACKLOG     64
/* How long to leave links in the kernel's queue when descriptors or memory are short */
#define SHORTAGE_NS (200 * NS_PER_MS)
#define MAY_CONNECT (S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP)

enum connection_state { AWAIT_HELLO, AWAIT_VIEW, AWAIT_PREDECESSORS, SERVING, DRAINING };

struct connection {
	struct links *links;
	struct list link;
	enum connection_state state;
	struct loop_source socket;
	struct loop_timer deadline;
	struct link_hello hello;
	struct lane *lane; /* NULL: no hello yet */
	unsigned thread;
	bool is_stuck;   /* what it has in flight is with devices that do not answer */
	uint64_t number; /* the order in which they came */
};

struct links {
	struct links_options options;
	struct loop_source listener;
	struct loop_timer shortage;
	struct listener_file file; /* of the listener */
	struct list connections;
	uint32_t count;
	uint32_t n_serving;
	uint64_t last_number;
	struct log_limit refusals;
	struct log_limit gifts;
};

static void welcome_those_who_wait(struct links *links);

static struct connection *connection_at(struct list *link)
{
	return container_of(link, struct connection, link);
}

/* ------------------------------------------------------------------ the end of a connection */

static void close_socket(struct connection *connection)
{
	int fd = connection->socket.fd;

	loop_timer_clear(&connection->deadline);
	loop_remove(&connection->socket);
	cleanup_close(&fd);
}

static void free_connection(struct connection *connection)
{
	close_socket(connection);
	list_remove(&connection->link);
	connection->links->count--;
	lane_free(connection->lane);
	free(connection);
}

static const char *name_of(const struct connection *connection, char *buffer, size_t size)
{
	char safe[80];

	if (!connection->lane)
		return "a new link";
	log_safe(safe,
	         sizeof(safe),
	         connection->lane->transport,
	         sizeof(connection->lane->transport));
	snprintf(buffer, size, "link of %s reactor %u", safe, connection->lane->reactor);
	return buffer;
}

static void end(struct connection *connection, enum log_level level, const char *reason)
{
	struct links *links = connection->links;
	char name[128];

	if (connection->state == DRAINING)
		return;
	if (connection->lane)
		log_line(level, "%s: ended: %s", name_of(connection, name, sizeof(name)), reason);
	if (connection->state != SERVING) {
		free_connection(connection);
		return;
	}
	close_socket(connection);
	connection->state = DRAINING;
	links->n_serving--;
	io_thread_close_lane(links->options.threads[connection->thread], connection->lane);
}

static void refuse(struct connection *connection, const char *reason)
{
	if (log_allowed(&connection->links->refusals, 5, 10000))
		log_warn("a link was refused: %s", reason);
	link_welcome_send(connection->socket.fd, reason, 0);
	free_connection(connection);
}

/* ------------------------------------------------------------------ letters */

void links_lane_broken(struct lane *lane)
{
	end(lane->owner, LOG_LEVEL_WARN, lane->broken_reason);
}

void links_lane_gone(struct lane *lane)
{
	struct connection *connection = lane->owner;
	struct links *links = connection->links;

	free_connection(connection);
	welcome_those_who_wait(links);
}

void links_lane_stuck(struct lane *lane)
{
	struct connection *connection = lane->owner;

	connection->is_stuck = true;
	welcome_those_who_wait(connection->links);
}

/* ------------------------------------------------------------------ predecessors */

/* `later` may not be served before `earlier` is gone: it is the same reactor's, whose copies
 * of what is in flight come again; or the transport's successor's. */
static bool follows(const struct connection *later, const struct connection *earlier)
{
	const struct lane *mine = later->lane, *other = earlier->lane;

	return mine && other && earlier->number < later->number &&
	       strcmp(mine->transport, other->transport) == 0 &&
	       (mine->instance != other->instance || mine->reactor == other->reactor);
}

static bool has_predecessor(const struct connection *connection)
{
	list_for_each (link, &connection->links->connections)
		if (follows(connection, connection_at(link)) && !connection_at(link)->is_stuck)
			return true;
	return false;
}

static void end_predecessors(struct connection *connection)
{
	list_for_each_safe (link, &connection->links->connections)
		if (follows(connection, connection_at(link)))
			end(connection_at(link), LOG_LEVEL_INFO, "the transport has made another");
}

static void serve(struct connection *connection)
{
	struct links *links = connection->links;
	char name[128];

	must(connection->lane); /* by its state */
	/* that of the same processor, where both were given the same list of them (cpus.h) */
	connection->thread = connection->lane->reactor % links->options.n_threads;
	if (!link_welcome_send(connection->socket.fd, NULL, connection->thread)) {
		end(connection, LOG_LEVEL_INFO, "it did not wait for its welcome");
		return;
	}
	connection->state = SERVING;
	links->n_serving++;
	log_info("%s: served by thread %u, arena of %zu MiB",
	         name_of(connection, name, sizeof(name)),
	         connection->thread,
	         connection->lane->arena.size >> 20);
	io_thread_give_lane(links->options.threads[connection->thread], connection->lane);
}

static void welcome_those_who_wait(struct links *links)
{
	list_for_each_safe (link, &links->connections) {
		struct connection *connection = connection_at(link);

		if (connection->state == AWAIT_PREDECESSORS && !has_predecessor(connection))
			serve(connection);
	}
}

/* ------------------------------------------------------------------ hello */

/* By the token. A worker that has just started knows none: who comes early waits for the view. */
static void admit(struct connection *connection)
{
	const struct namespaces *namespaces = connection->links->options.namespaces;
	const struct link_hello *hello = &connection->hello;

	if (namespaces_revision(namespaces) == 0)
		return;
	if (!namespaces_token_is_good(
		    namespaces, hello->lane->transport, hello->token, hello->token_size)) {
		refuse(connection, "its token is not known here (yet)");
		return;
	}
	loop_timer_clear(&connection->deadline);
	connection->state = AWAIT_PREDECESSORS;
	end_predecessors(connection);
}

/* To another worker, where the namespace goes. */
static void hand_over(struct connection *connection)
{
	const struct link_hello *hello = &connection->hello;
	struct link_gift gift = {.handle = hello->memory_of, .fd = -1};
	const struct namespace *namespace = namespaces_find_released(
		connection->links->options.namespaces,
		hello->memory_of,
		hello->token,
		hello->token_size,
		&gift.reason);
	bool is_sent;

	if (namespace)
		gift.fd = namespace->memory;
	is_sent = link_grant_send(connection->socket.fd, &gift);
	if (log_allowed(&connection->links->gifts, 20, 10000))
		log_line(namespace && is_sent ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		         "another worker asked for the memory of namespace %u: %s",
		         hello->memory_of,
		         !namespace ? gift.reason
		         : is_sent  ? "given, as it goes there"
		                    : "it could not be sent");
	free_connection(connection);
}

static void take_hello(struct connection *connection)
{
	struct links *links = connection->links;
	const char *reason = NULL;
	int r = link_hello_receive(connection->socket.fd, &connection->hello, &reason);

	if (r == LINK_HELLO_E_LATER)
		return;
	if (r == LINK_HELLO_E_CLOSED) {
		free_connection(connection);
		return;
	}
	if (r == LINK_HELLO_E_BAD) {
		refuse(connection, reason);
		return;
	}
	if (connection->hello.memory_of) {
		hand_over(connection);
		return;
	}
	connection->lane = connection->hello.lane;
	connection->lane->owner = connection;
	connection->state = AWAIT_VIEW;
	admit(connection); /* or it is gone */
	welcome_those_who_wait(links);
}

static void is_too_late(struct loop_timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, deadline);

	refuse(connection,
	       connection->state == AWAIT_HELLO ? "no hello came in a second"
	                                        : "nothing was granted to anybody yet");
}

/* ------------------------------------------------------------------ io grants */

static void answer(struct connection *connection, uint32_t handle)
{
	const struct namespaces *namespaces = connection->links->options.namespaces;
	struct link_gift gift = {.handle = handle, .fd = -1};
	const struct namespace *namespace = namespaces_find_given(
		namespaces, connection->lane->transport, handle, &gift.reason);
	char name[128];

	if (namespace) {
		gift.bytes = namespace->backing->bytes;
		gift.block_shift = namespace->backing->block_shift;
		gift.fd = namespace->backing->kind->give(namespace->backing);
	}
	if (!link_grant_send(connection->socket.fd, &gift))
		end(connection, LOG_LEVEL_WARN, "it does not take what it asked for");
	else if (log_allowed(&connection->links->gifts, 20, 10000))
		log_line(namespace ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		         "%s: asked for the memory of namespace %u: %s",
		         name_of(connection, name, sizeof(name)),
		         handle,
		         namespace ? "given, by its io grant" : gift.reason);
}

static void take_ask(struct connection *connection)
{
	uint32_t handle;

	switch (link_ask_receive(connection->socket.fd, &handle)) {
	case 0:
		answer(connection, handle);
		return;
	case LINK_ASK_E_LATER:
		return;
	case LINK_ASK_E_CLOSED:
		end(connection, LOG_LEVEL_INFO, "the transport has closed it");
		return;
	default:
		end(connection, LOG_LEVEL_WARN, "the transport said what is not understood");
	}
}

/* After the hello only asking is allowed, and only on a link that is served. */
static void socket_is_ready(struct loop_source *source, uint32_t events)
{
	struct connection *connection = container_of(source, struct connection, socket);

	if (connection->state == AWAIT_HELLO)
		take_hello(connection);
	else if (connection->state == SERVING && !(events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)))
		take_ask(connection);
	else
		end(connection,
		    LOG_LEVEL_INFO,
		    events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR) ? "the transport has closed it"
		                                                : "the transport said too much");
}

/* ------------------------------------------------------------------ accepting */

static int add(struct links *links, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (!connection)
		return error_origin(-ENOMEM);
	connection->links = links;
	connection->socket = LOOP_SOURCE(socket_is_ready);
	connection->deadline = LOOP_TIMER(is_too_late);
	connection->number = ++links->last_number;
	r = loop_timer_set(links->options.loop, &connection->deadline, clock_now_ns() + HELLO_NS);
	if (!r)
		r = loop_add(links->options.loop, &connection->socket, fd, EPOLLIN | EPOLLRDHUP);
	if (r) {
		loop_timer_clear(&connection->deadline);
		free(connection);
		return error_trace(r);
	}
	list_append(&links->connections, &connection->link);
	links->count++;
	return 0;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void wait_out_shortage(struct links *links, int error)
{
	if (log_allowed(&links->refusals, 5, 10000))
		log_err("links cannot be accepted, trying again: %s", error_words(error));
	if (loop_timer_set(links->options.loop, &links->shortage, clock_now_ns() + SHORTAGE_NS) ==
	    0)
		loop_change(&links->listener, 0);
}

static void shortage_over(struct loop_timer *timer)
{
	loop_change(&container_of(timer, struct links, shortage)->listener, EPOLLIN);
}

static void accept_one(struct loop_source *source, uint32_t events)
{
	struct links *links = container_of(source, struct links, listener);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0 && is_shortage(errno))
		wait_out_shortage(links, errno);
	if (fd < 0)
		return;
	if (links->count >= LINKS_MAX) {
		if (log_allowed(&links->refusals, 5, 10000))
			log_warn("a link was refused: there are %u already", links->count);
		close(fd);
	} else if (add(links, fd)) {
		close(fd);
	}
}

static int bind_socket(int fd, const char *path, struct listener_file *ret_file)
{
	struct stat file;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return error_origin(-ENAMETOOLONG);
	memcpy(address.sun_path, path, strlen(path));
	if (unlink(path) < 0 && errno != ENOENT) /* of a predecessor */
		return error_origin(-errno);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_origin(-errno);
	if (chmod(path, MAY_CONNECT) < 0 || lstat(path, &file) < 0)
		return error_origin(-errno);
	*ret_file = (struct listener_file){file.st_dev, file.st_ino};
	return listen(fd, BACKLOG) < 0 ? error_origin(-errno) : 0;
}

int links_new(struct links **ret_links, const struct links_options *options)
{
	_cleanup_(links_freep) struct links *links = calloc(1, sizeof(*links));
	int fd, r;

	if (!links)
		return error_origin(-ENOMEM);
	links->options = *options;
	list_init(&links->connections);
	links->listener = LOOP_SOURCE(accept_one);
	links->shortage = LOOP_TIMER(shortage_over);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_origin(-errno);
	r = bind_socket(fd, options->path, &links->file);
	if (!r)
		r = loop_add(options->loop, &links->listener, fd, EPOLLIN);
	if (r) {
		log_err("%s: cannot be listened on: %s", options->path, error_words(r));
		close(fd);
		return r;
	}
	*ret_links = take(&links);
	return 0;
}

void links_stop(struct links *links)
{
	int fd = links->listener.fd;

	if (!links->listener.loop)
		return;
	loop_timer_clear(&links->shortage);
	listener_remove(links->options.path, &links->file);
	loop_remove(&links->listener);
	cleanup_close(&fd);
}

struct links *links_free(struct links *links)
{
	if (!links)
		return NULL;
	links_stop(links);
	list_for_each_safe (link, &links->connections)
		free_connection(connection_at(link));
	free(links);
	return NULL;
}

/* ------------------------------------------------------------------ the rest */

void links_check_grants(struct links *links)
{
	list_for_each_safe (link, &links->connections) {
		struct connection *connection = connection_at(link);

		if (connection->state == AWAIT_VIEW)
			admit(connection);
		else if (connection->lane && !namespaces_has_grant(links->options.namespaces,
		                                                   connection->lane->transport))
			end(connection, LOG_LEVEL_INFO, "nothing is granted to it any more");
	}
	welcome_those_who_wait(links);
}

uint32_t links_count(const struct links *links)
{
	return links->n_serving;
}
