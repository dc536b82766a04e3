/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/kept_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/proc/store.h"
#include "services/tcp/congestion.h"

#define BACKLOG      4096 /* the kernel makes it net.core.somaxconn at most */
#define NAME_START   "listen-"
#define SYSTEMDS_MAX 64

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	struct sockaddr_storage room;
};

/* ------------------------------------------------------------------ addresses */

static int failed(const char *what, char *reason, size_t reason_size)
{
	int r = -errno;

	snprintf(reason, reason_size, "%s: %s", what, error_words(r));
	return r;
}

static int resolve(const struct listener_address *address, union address *ret_at, char *reason,
                   size_t reason_size)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	struct addrinfo *found;
	int r;

	if (strcmp(address->adrfam, "ipv4") == 0)
		hints.ai_family = AF_INET;
	else if (strcmp(address->adrfam, "ipv6") == 0)
		hints.ai_family = AF_INET6;
	else {
		snprintf(reason, reason_size, "adrfam is neither ipv4 nor ipv6");
		return -EAFNOSUPPORT;
	}
	r = getaddrinfo(address->traddr, address->trsvcid, &hints, &found);
	if (r) {
		snprintf(reason,
		         reason_size,
		         "not a numeric %s address and port: %s",
		         address->adrfam,
		         gai_strerror(r));
		return -EINVAL;
	}
	*ret_at = (union address){0};
	memcpy(ret_at, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static socklen_t length_of(const union address *at)
{
	return at->any.sa_family == AF_INET ? sizeof(at->ipv4) : sizeof(at->ipv6);
}

/* 63 characters at most, which is what the launcher keeps: an address that has an interface is
 * link-local and short. */
static void name_socket(char ret_name[KEPT_SOCKET_NAME_BYTES], const union address *at)
{
	bool is_ipv4 = at->any.sa_family == AF_INET;
	char text[INET6_ADDRSTRLEN] = "", interface[16] = "";

	if (is_ipv4)
		inet_ntop(AF_INET, &at->ipv4.sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &at->ipv6.sin6_addr, text, sizeof(text));
	for (char *at_colon = text; (at_colon = strchr(at_colon, ':'));)
		*at_colon = '.';
	if (!is_ipv4 && at->ipv6.sin6_scope_id > 0)
		snprintf(interface, sizeof(interface), "-if%u", at->ipv6.sin6_scope_id);
	snprintf(ret_name,
	         KEPT_SOCKET_NAME_BYTES,
	         NAME_START "%s-%s%s-%u",
	         is_ipv4 ? "ipv4" : "ipv6",
	         text,
	         interface,
	         ntohs(is_ipv4 ? at->ipv4.sin_port : at->ipv6.sin6_port));
}

static bool is_same(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->ipv4.sin_addr.s_addr == b->ipv4.sin_addr.s_addr &&
		       a->ipv4.sin_port == b->ipv4.sin_port;
	return a->any.sa_family == AF_INET6 &&
	       memcmp(&a->ipv6.sin6_addr, &b->ipv6.sin6_addr, sizeof(a->ipv6.sin6_addr)) == 0 &&
	       a->ipv6.sin6_port == b->ipv6.sin6_port &&
	       a->ipv6.sin6_scope_id == b->ipv6.sin6_scope_id;
}

/* ------------------------------------------------------------------ what is handed over */

static bool has_option(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 && value == wanted;
}

static bool is_listening(int fd)
{
	return has_option(fd, SO_PROTOCOL, IPPROTO_TCP) && has_option(fd, SO_ACCEPTCONN, 1);
}

static bool listens_at(int fd, const union address *at)
{
	union address bound = {0};
	socklen_t length = sizeof(bound);

	return is_listening(fd) && getsockname(fd, &bound.any, &length) == 0 && is_same(&bound, at);
}

/* Those of socket units are kept for the life of the process, since while systemd has them nobody
 * else can listen there; a listener has a copy. */
static int systemds[SYSTEMDS_MAX];
static unsigned n_systemds;

static bool is_systemds(const char *name, int fd)
{
	return strncmp(name, NAME_START, strlen(NAME_START)) != 0 && is_listening(fd);
}

static void gather_systemds(void)
{
	int fd;

	while (n_systemds < SYSTEMDS_MAX && (fd = store_take_if(is_systemds)) >= 0)
		systemds[n_systemds++] = fd;
}

static int copy_systemds(const union address *at)
{
	gather_systemds();
	for (unsigned i = 0; i < n_systemds; i++)
		if (listens_at(systemds[i], at))
			return fcntl(systemds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return -1;
}

static int take_kept(const char *name, const union address *at)
{
	_cleanup_(cleanup_close) int fd = store_take(name);

	if (fd < 0)
		return -1;
	if (listens_at(fd, at))
		return take_fd(&fd);
	log_warn("store: '%s' is not a socket that listens there: dropped", name);
	store_drop(name);
	return -1;
}

/* ------------------------------------------------------------------ making */

/* An IPv6 wildcard leaves IPv4 to a listener of its own. */
static int make(const union address *at, int *ret_fd, char *reason, size_t reason_size)
{
	_cleanup_(cleanup_close) int fd = -1;
	const int on = 1;

	fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return failed("socket", reason, reason_size);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return failed("SO_REUSEADDR", reason, reason_size);
	if (at->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return failed("IPV6_V6ONLY", reason, reason_size);
	if (bind(fd, &at->any, length_of(at)) < 0)
		return failed("bind", reason, reason_size);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Also one that listens already, which may have been started with other options. */
static int listen_on(int fd, char *reason, size_t reason_size)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return failed("O_NONBLOCK", reason, reason_size);
	if (congestion_apply(fd))
		return failed("TCP_CONGESTION", reason, reason_size);
	if (listen(fd, BACKLOG) < 0)
		return failed("listen", reason, reason_size);
	return 0;
}

static void keep(const struct kept_socket *socket)
{
	int r = store_put(socket->name, socket->fd);

	if (r)
		log_warn("%s: cannot be kept in the descriptor store: %s: hosts are refused while "
		         "this process is restarted",
		         socket->name,
		         error_words(r));
}

/* For the keeper's copy, too, which it may close later. */
static void stop_listening(const struct kept_socket *socket, int fd)
{
	if (store_drop(socket->name))
		shutdown(fd, SHUT_RDWR);
}

int kept_socket_open(struct kept_socket *ret_socket, const struct listener_address *address,
                     char *reason, size_t reason_size)
{
	struct kept_socket socket = {0};
	_cleanup_(cleanup_close) int fd = -1;
	bool is_kept;
	union address at;
	int r;

	r = resolve(address, &at, reason, reason_size);
	if (r)
		return r;
	name_socket(socket.name, &at);
	fd = take_kept(socket.name, &at);
	is_kept = fd >= 0;
	if (fd < 0)
		fd = copy_systemds(&at);
	socket.is_systemds = !is_kept && fd >= 0;
	if (fd < 0)
		r = make(&at, &fd, reason, reason_size);
	if (!r)
		r = listen_on(fd, reason, reason_size);
	if (r && is_kept)
		stop_listening(&socket, fd);
	if (r)
		return r;
	socket.fd = take_fd(&fd);
	if (!is_kept && !socket.is_systemds)
		keep(&socket);
	*ret_socket = socket;
	return 0;
}

void kept_socket_close(struct kept_socket *socket)
{
	if (!socket->is_systemds)
		stop_listening(socket, socket->fd);
	close(socket->fd);
	socket->fd = -1;
}
