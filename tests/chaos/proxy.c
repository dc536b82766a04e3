/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/chaos/pipe.h"

#define CONNECTIONS 64u
#define WAIT_MS     100

struct connection {
	bool is_used;
	bool is_frozen; /* for good */
	struct pipe up; /* from the host to the target */
	struct pipe down;
};

struct proxy {
	pthread_mutex_t lock;
	struct proxy_weather weather;
	struct proxy_counts counts;
	bool ends, resets, freezes, resets_frozen, splits, thaws;

	pthread_t thread;
	int listener;
	int wake;
	struct sockaddr_storage target;
	socklen_t target_size;
	struct connection connections[CONNECTIONS];
	struct dice dice;
};

/* ------------------------------------------------------------------ connections */

static void reset(int fd)
{
	const struct linger linger = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void end_connection(struct connection *connection, bool is_reset)
{
	if (is_reset) {
		reset(connection->up.from);
		reset(connection->up.to);
	}
	close(connection->up.from);
	close(connection->up.to);
	pipe_deinit(&connection->up);
	pipe_deinit(&connection->down);
	*connection = (struct connection){0};
}

static struct connection *find_free(struct proxy *proxy)
{
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (!proxy->connections[i].is_used)
			return &proxy->connections[i];
	return NULL;
}

static int connect_to_target(const struct proxy *proxy)
{
	int fd = socket(proxy->target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&proxy->target, proxy->target_size) < 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void take_connection(struct proxy *proxy, bool is_refusing)
{
	int from = accept4(proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct connection *connection = find_free(proxy);
	int one = 1;
	int to;

	if (from < 0)
		return;
	to = is_refusing || !connection ? -1 : connect_to_target(proxy);
	if (to < 0) {
		reset(from);
		close(from);
		return;
	}
	setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection->is_used = true;
	proxy->counts.connections++;
	if (pipe_init(&connection->up, from, to) < 0 || pipe_init(&connection->down, to, from) < 0)
		end_connection(connection, true);
}

static bool is_connecting(const struct connection *connection)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	return getsockopt(connection->up.to, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
	       info.tcpi_state == TCP_SYN_SENT;
}

static void move(struct proxy *proxy, struct connection *connection,
                 const struct proxy_weather *weather, uint64_t now_ns)
{
	uint64_t *bytes = &proxy->counts.bytes;

	if (is_connecting(connection))
		return;
	if (pipe_move(&connection->up, weather, &proxy->dice, now_ns, bytes) != 0 ||
	    pipe_move(&connection->down, weather, &proxy->dice, now_ns, bytes) != 0)
		end_connection(connection, true);
	else if (connection->up.is_over && connection->down.is_over)
		end_connection(connection, false);
}

/* ------------------------------------------------------------------ the thread */

static void obey(struct proxy *proxy, struct proxy_weather *ret_weather, bool *ret_ends)
{
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &proxy->connections[i];

		if (!connection->is_used)
			continue;
		connection->is_frozen |= proxy->freezes || (proxy->splits && i % 2 == 0);
		connection->is_frozen &= !proxy->thaws;
		if (proxy->resets || (proxy->resets_frozen && connection->is_frozen) ||
		    (proxy->splits && i % 2)) {
			end_connection(connection, true);
			proxy->counts.resets++;
		}
	}
	proxy->resets = proxy->freezes = proxy->resets_frozen = proxy->splits = proxy->thaws =
		false;
	*ret_weather = proxy->weather;
	*ret_ends = proxy->ends;
}

static unsigned fill(const struct proxy *proxy, const struct proxy_weather *weather,
                     struct pollfd *fds, uint64_t now_ns, uint64_t *ret_due_ns)
{
	unsigned n = 0;

	*ret_due_ns = now_ns + WAIT_MS * NS_PER_MS;
	fds[n++] = (struct pollfd){.fd = proxy->wake, .events = POLLIN};
	if (weather->is_frozen)
		return n;
	fds[n++] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		const struct connection *connection = &proxy->connections[i];
		const struct pipe *up = &connection->up, *down = &connection->down;
		uint64_t due_ns;

		if (!connection->is_used || connection->is_frozen)
			continue;
		if (is_connecting(connection)) {
			fds[n++] = (struct pollfd){.fd = up->to, .events = POLLOUT};
			continue;
		}
		/* an end that has nothing to say any more would be ready at all times */
		short from = (short)(pipe_events_from(up) | pipe_events_to(down, now_ns));
		short to = (short)(pipe_events_from(down) | pipe_events_to(up, now_ns));

		fds[n++] = (struct pollfd){.fd = from ? up->from : -1, .events = from};
		fds[n++] = (struct pollfd){.fd = to ? up->to : -1, .events = to};
		due_ns = pipe_due_ns(up, now_ns);
		if (due_ns && due_ns < *ret_due_ns)
			*ret_due_ns = due_ns;
		due_ns = pipe_due_ns(down, now_ns);
		if (due_ns && due_ns < *ret_due_ns)
			*ret_due_ns = due_ns;
	}
	return n;
}

static void *run(void *context)
{
	struct pollfd fds[2 * CONNECTIONS + 2];
	struct proxy *proxy = context;
	struct proxy_weather weather;
	bool ends = false;

	while (!ends) {
		uint64_t now_ns = clock_now_ns(), due_ns;
		uint64_t word;
		unsigned n;

		pthread_mutex_lock(&proxy->lock);
		obey(proxy, &weather, &ends);
		if (!weather.is_frozen) {
			for (unsigned i = 0; i < CONNECTIONS; i++)
				if (proxy->connections[i].is_used &&
				    !proxy->connections[i].is_frozen)
					move(proxy, &proxy->connections[i], &weather, now_ns);
			take_connection(proxy, weather.is_refusing);
		}
		n = fill(proxy, &weather, fds, now_ns, &due_ns);
		pthread_mutex_unlock(&proxy->lock);
		(void)poll(fds, n, (int)((due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS));
		(void)!read(proxy->wake, &word, sizeof(word));
	}
	return NULL;
}

/* ------------------------------------------------------------------ for the others */

static void wake(struct proxy *proxy)
{
	uint64_t one = 1;

	(void)!write(proxy->wake, &one, sizeof(one));
}

void proxy_set(struct proxy *proxy, const struct proxy_weather *weather)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->weather = *weather;
	pthread_mutex_unlock(&proxy->lock);
	wake(proxy);
}

static void order(struct proxy *proxy, bool *what)
{
	pthread_mutex_lock(&proxy->lock);
	*what = true;
	pthread_mutex_unlock(&proxy->lock);
	wake(proxy);
}

void proxy_reset(struct proxy *proxy)
{
	order(proxy, &proxy->resets);
}

void proxy_freeze_connections(struct proxy *proxy)
{
	order(proxy, &proxy->freezes);
}

void proxy_reset_frozen(struct proxy *proxy)
{
	order(proxy, &proxy->resets_frozen);
}

void proxy_split(struct proxy *proxy)
{
	order(proxy, &proxy->splits);
}

void proxy_thaw(struct proxy *proxy)
{
	order(proxy, &proxy->thaws);
}

struct proxy_counts proxy_counts(struct proxy *proxy)
{
	struct proxy_counts counts;

	pthread_mutex_lock(&proxy->lock);
	counts = proxy->counts;
	pthread_mutex_unlock(&proxy->lock);
	return counts;
}

static int find_target(struct proxy *proxy, const char *traddr, const char *trsvcid)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	                         .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;

	if (getaddrinfo(traddr, trsvcid, &hints, &found) != 0)
		return -EINVAL;
	memcpy(&proxy->target, found->ai_addr, found->ai_addrlen);
	proxy->target_size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int listen_somewhere(struct proxy *proxy, uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	proxy->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (proxy->listener < 0 || proxy->wake < 0 ||
	    bind(proxy->listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(proxy->listener, CONNECTIONS) < 0 ||
	    getsockname(proxy->listener, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	*ret_port = ntohs(address.sin_port);
	return 0;
}

int proxy_new(struct proxy **ret_proxy, const char *traddr, const char *trsvcid, uint16_t *ret_port)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	int r;

	if (!proxy)
		return -ENOMEM;
	pthread_mutex_init(&proxy->lock, NULL);
	proxy->listener = proxy->wake = -1;
	r = find_target(proxy, traddr, trsvcid);
	if (!r)
		r = listen_somewhere(proxy, ret_port);
	if (!r)
		r = -pthread_create(&proxy->thread, NULL, run, proxy);
	if (r) {
		if (proxy->listener >= 0)
			close(proxy->listener);
		if (proxy->wake >= 0)
			close(proxy->wake);
		free(proxy);
		return r;
	}
	*ret_proxy = proxy;
	return 0;
}

struct proxy *proxy_free(struct proxy *proxy)
{
	if (!proxy)
		return NULL;
	order(proxy, &proxy->ends);
	pthread_join(proxy->thread, NULL);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (proxy->connections[i].is_used)
			end_connection(&proxy->connections[i], true);
	close(proxy->listener);
	close(proxy->wake);
	free(proxy);
	return NULL;
}
