/* SPDX-License-Identifier: BSD-2-Clause */
/* What a queue's host is called, and what is said of it. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/transport/port.h"

/* Lines about hosts, of all queues with one limit */
#define LINES    20
#define LINES_MS 10000

/* ------------------------------------------------------------------ addresses */

struct address {
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	bool is_ipv6;
};

static bool describe(const struct sockaddr *from, struct address *ret)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;

	if (!from || (from->sa_family != AF_INET && from->sa_family != AF_INET6))
		return false;
	ret->is_ipv6 = from->sa_family == AF_INET6;
	ret->port = ntohs(ret->is_ipv6 ? v6->sin6_port : v4->sin_port);
	if (ret->is_ipv6)
		return inet_ntop(AF_INET6, &v6->sin6_addr, ret->host, sizeof(ret->host));
	return inet_ntop(AF_INET, &v4->sin_addr, ret->host, sizeof(ret->host));
}

bool queue_name(struct queue *queue, const struct sockaddr *host, const struct sockaddr *local)
{
	struct address there, here;

	if (!describe(host, &there) || !describe(local, &here))
		return false;
	snprintf(queue->host_address,
	         sizeof(queue->host_address),
	         there.is_ipv6 ? "[%s]:%u" : "%s:%u",
	         there.host,
	         there.port);
	snprintf(queue->local_address, sizeof(queue->local_address), "%s", here.host);
	snprintf(queue->local_service, sizeof(queue->local_service), "%u", here.port);
	return true;
}

/* ------------------------------------------------------------------ lines */

void queue_warn(const struct queue *queue, struct log_limit *limit, const char *format, ...)
{
	char line[256];
	va_list arguments;

	if (!log_allowed(limit, LINES, LINES_MS))
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	log_warn("%s: %s", queue->host_address, line);
}

void queue_tell_end(const struct queue *queue, struct log_limit *limit, const char *reason)
{
	if (log_allowed(limit, LINES, LINES_MS))
		log_info("%s: connection ends: %s", queue->host_address, reason);
}
