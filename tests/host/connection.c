/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/host/connection.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"

#define STAGING_BYTES 262144u

static uint64_t deadline_in(unsigned timeout_ms)
{
	return clock_now_ns() + timeout_ms * NS_PER_MS;
}

int host_connection_says(struct host_connection *connection, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(connection->error, sizeof(connection->error), format, args);
	va_end(args);
	return r;
}

#ifdef __x86_64__
__attribute__((target("avx"))) static void clear_upper_halves(void)
{
	__builtin_ia32_vzeroupper();
}

/* ISA-L leaves them in use, which makes what follows slower. */
static void clean_up(void)
{
	if (__builtin_cpu_supports("avx"))
		clear_upper_halves();
}
#else
static void clean_up(void)
{
}
#endif

uint32_t host_digest_add(uint32_t state, const void *bytes, size_t length)
{
	/* ISA-L takes the bytes without const, and writes none of them */
	state = crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)length, state);
	clean_up();
	return state;
}

uint32_t host_digest(const void *bytes, size_t length)
{
	return ~host_digest_add(HOST_DIGEST_SEED, bytes, length);
}

int host_connection_wait(struct host_connection *connection, short events, uint64_t deadline_ns)
{
	struct pollfd fd = {.fd = connection->fd, .events = events};
	uint64_t now = clock_now_ns();
	int r;

	if (now >= deadline_ns)
		return HOST_E_DEADLINE;
	r = poll(&fd, 1, (int)((deadline_ns - now) / NS_PER_MS + 1));
	if (r < 0 && errno != EINTR)
		return host_connection_says(connection, -errno, "poll failed: %s", strerror(errno));
	return 0;
}

static int await_tcp(struct host_connection *connection, const struct host_address *address,
                     unsigned timeout_ms)
{
	uint64_t deadline_ns = deadline_in(timeout_ms);
	struct pollfd fd = {.fd = connection->fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int failure = 0;

	while (poll(&fd, 1, 10) == 0)
		if (clock_now_ns() >= deadline_ns)
			return host_connection_says(connection,
			                            HOST_E_DEADLINE,
			                            "no answer from %s port %s in %u ms",
			                            address->traddr,
			                            address->trsvcid,
			                            timeout_ms);
	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
	if (failure)
		return host_connection_says(connection,
		                            -failure,
		                            "cannot connect to %s port %s: %s",
		                            address->traddr,
		                            address->trsvcid,
		                            strerror(failure));
	return 0;
}

static int open_socket(struct host_connection *connection, const struct host_address *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	                         .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;
	int one = 1;
	int r;

	r = getaddrinfo(address->traddr, address->trsvcid, &hints, &found);
	if (r)
		return host_connection_says(connection,
		                            -EINVAL,
		                            "\"%s\" port \"%s\" is no numeric address: %s",
		                            address->traddr,
		                            address->trsvcid,
		                            gai_strerror(r));
	connection->fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	r = connection->fd < 0 ? -errno : 0;
	if (!r && connect(connection->fd, found->ai_addr, found->ai_addrlen) < 0)
		r = errno == EINPROGRESS ? 0 : -errno;
	if (!r)
		setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	freeaddrinfo(found);
	if (r)
		return host_connection_says(connection,
		                            r,
		                            "cannot connect to %s port %s: %s",
		                            address->traddr,
		                            address->trsvcid,
		                            strerror(-r));
	return 0;
}

int host_connection_open_silent(struct host_connection *connection,
                                const struct host_address *address, unsigned timeout_ms)
{
	int r;

	*connection = HOST_CONNECTION_NULL;
	connection->maxh2cdata = 4096;
	connection->staging = malloc(STAGING_BYTES);
	if (!connection->staging)
		return host_connection_says(connection, -ENOMEM, "no memory");
	r = open_socket(connection, address);
	if (!r)
		r = await_tcp(connection, address, timeout_ms);
	if (r)
		host_connection_close(connection);
	return r;
}

struct tcp_icreq host_icreq(const struct host_wishes *wishes)
{
	return (struct tcp_icreq){
		.header = {.type = TCP_PDU_ICREQ,
	                   .hlen = sizeof(struct tcp_icreq),
	                   .plen = le32_of(sizeof(struct tcp_icreq))},
		.hpda = wishes->hpda,
		.dgst = (uint8_t)((wishes->header_digest ? 1 : 0) | (wishes->data_digest ? 2 : 0)),
		.maxr2t_0based = le32_of(wishes->maxr2t_0based),
	};
}

/* What Linux demands of an ICResp (nvme_tcp_init_connection). */
int host_connection_await_icresp(struct host_connection *connection, unsigned timeout_ms)
{
	uint8_t wanted = host_icreq(&connection->wishes).dgst;
	struct tcp_icresp answer;
	struct host_pdu pdu;
	int r;

	r = host_connection_receive(connection, &pdu, timeout_ms);
	if (r)
		return r;
	if (pdu.type == TCP_PDU_C2H_TERM)
		return host_connection_terminated(connection, pdu.bytes, pdu.length);
	if (pdu.type != TCP_PDU_ICRESP || pdu.length != sizeof(answer))
		return host_connection_says(connection,
		                            HOST_E_BROKEN,
		                            "ICResp awaited, PDU of type %02xh, %u bytes came",
		                            pdu.type,
		                            pdu.length);
	memcpy(&answer, pdu.bytes, sizeof(answer));
	if (answer.header.hlen != sizeof(answer) || le16_get(answer.pfv) != 0)
		return host_connection_says(connection,
		                            HOST_E_BROKEN,
		                            "ICResp: HLEN %u, PFV %u",
		                            answer.header.hlen,
		                            le16_get(answer.pfv));
	if (answer.dgst != wanted)
		return host_connection_says(connection,
		                            HOST_E_BROKEN,
		                            "ICResp: digests %u, asked for were %u",
		                            answer.dgst,
		                            wanted);
	if (le32_get(answer.maxh2cdata) < 4096 || le32_get(answer.maxh2cdata) % 4)
		return host_connection_says(connection,
		                            HOST_E_BROKEN,
		                            "ICResp: MAXH2CDATA %u",
		                            le32_get(answer.maxh2cdata));
	if (answer.cpda > 31)
		return host_connection_says(
			connection, HOST_E_BROKEN, "ICResp: CPDA %u", answer.cpda);
	connection->header_digest = answer.dgst & 1;
	connection->data_digest = answer.dgst & 2;
	connection->cpda = answer.cpda;
	connection->maxh2cdata = le32_get(answer.maxh2cdata);
	return 0;
}

int host_connection_open(struct host_connection *connection, const struct host_address *address,
                         const struct host_wishes *wishes, unsigned timeout_ms)
{
	struct tcp_icreq request = host_icreq(wishes);
	int r;

	r = host_connection_open_silent(connection, address, timeout_ms);
	if (r)
		return r;
	connection->wishes = *wishes;
	r = host_connection_send(connection, &request, sizeof(request), timeout_ms);
	if (!r)
		r = host_connection_await_icresp(connection, timeout_ms);
	if (r)
		host_connection_close(connection);
	return r;
}

int host_connection_send(struct host_connection *connection, const void *bytes, size_t length,
                         unsigned timeout_ms)
{
	uint64_t deadline_ns = deadline_in(timeout_ms);
	const uint8_t *next = bytes;
	int r;

	while (length) {
		ssize_t sent = send(connection->fd, next, length, MSG_NOSIGNAL);

		if (sent > 0) {
			next += sent;
			length -= (size_t)sent;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return host_connection_says(
				connection, HOST_E_CLOSED, "the target ended the connection");
		if (errno != EAGAIN && errno != EINTR)
			return host_connection_says(
				connection, -errno, "cannot send: %s", strerror(errno));
		r = host_connection_wait(connection, POLLOUT, deadline_ns);
		if (r)
			return host_connection_says(
				connection, r, "the target takes no bytes for %u ms", timeout_ms);
	}
	return 0;
}

static int received(struct host_connection *connection, ssize_t n, size_t *ret_bytes)
{
	*ret_bytes = 0;
	if (n > 0) {
		*ret_bytes = (size_t)n;
		connection->bytes_received += (size_t)n;
	} else if (n == 0)
		return host_connection_says(
			connection, HOST_E_CLOSED, "the target ended the connection");
	else if (errno == ECONNRESET)
		return host_connection_says(
			connection, HOST_E_CLOSED, "the target reset the connection");
	else if (errno != EAGAIN && errno != EINTR)
		return host_connection_says(
			connection, -errno, "cannot receive: %s", strerror(errno));
	return 0;
}

int host_connection_fill(struct host_connection *connection, size_t *ret_bytes)
{
	size_t left = connection->tail - connection->head;
	size_t room;
	int r;

	if (connection->head) {
		memmove(connection->staging, connection->staging + connection->head, left);
		connection->head = 0;
		connection->tail = left;
	}
	room = STAGING_BYTES - left;
	r = received(
		connection, recv(connection->fd, connection->staging + left, room, 0), ret_bytes);
	connection->tail += *ret_bytes;
	connection->drained = *ret_bytes < room;
	return r;
}

int host_connection_receive_into(struct host_connection *connection, void *to, size_t size,
                                 size_t *ret_bytes)
{
	int r = received(connection, recv(connection->fd, to, size, 0), ret_bytes);

	connection->drained = *ret_bytes < size;
	return r;
}

static int await_staged(struct host_connection *connection, size_t length, uint64_t deadline_ns)
{
	size_t bytes;
	int r;

	while (connection->tail - connection->head < length) {
		r = host_connection_fill(connection, &bytes);
		if (!r && !bytes)
			r = host_connection_wait(connection, POLLIN, deadline_ns);
		if (r == HOST_E_DEADLINE)
			return host_connection_says(
				connection, r, "the target sent nothing in time");
		if (r)
			return r;
	}
	return 0;
}

int host_connection_receive(struct host_connection *connection, struct host_pdu *ret_pdu,
                            unsigned timeout_ms)
{
	uint64_t deadline_ns = deadline_in(timeout_ms);
	struct tcp_pdu_header header;
	uint32_t length;
	int r;

	r = await_staged(connection, sizeof(header), deadline_ns);
	if (r)
		return r;
	memcpy(&header, connection->staging + connection->head, sizeof(header));
	length = le32_get(header.plen);
	if (length < sizeof(header) || length > HOST_PDU_MAX)
		return host_connection_says(connection,
		                            HOST_E_BROKEN,
		                            "PDU of type %02xh, PLEN %u",
		                            header.type,
		                            length);
	r = await_staged(connection, length, deadline_ns);
	if (r)
		return r;
	memcpy(ret_pdu->bytes, connection->staging + connection->head, length);
	connection->head += length;
	ret_pdu->type = header.type;
	ret_pdu->length = length;
	return 0;
}

int host_connection_terminated(struct host_connection *connection, const uint8_t *pdu, size_t size)
{
	struct tcp_term term = {0};

	memcpy(&term, pdu, size < sizeof(term) ? size : sizeof(term));
	if (size < sizeof(term) || size > sizeof(term) + TCP_TERM_DATA_MAX ||
	    term.header.hlen != sizeof(term))
		return host_connection_says(connection,
		                            HOST_E_BROKEN,
		                            "malformed C2HTermReq: HLEN %u, %zu bytes",
		                            term.header.hlen,
		                            size);
	connection->term = (struct host_term){
		.received = true,
		.fes = le16_get(term.fes),
		.fei = le32_get(term.fei),
		.header_bytes = (uint32_t)(size - sizeof(term)),
	};
	memcpy(connection->term.header, pdu + sizeof(term), size - sizeof(term));
	return host_connection_says(connection,
	                            HOST_E_TERMINATED,
	                            "the target sent C2HTermReq: FES %u, FEI %u",
	                            connection->term.fes,
	                            connection->term.fei);
}

int host_connection_await_end(struct host_connection *connection, unsigned timeout_ms)
{
	uint64_t deadline_ns = deadline_in(timeout_ms);
	uint64_t now = clock_now_ns();
	struct host_pdu pdu;
	int r = 0;

	while (!r && now < deadline_ns) {
		r = host_connection_receive(
			connection, &pdu, (unsigned)((deadline_ns - now) / NS_PER_MS + 1));
		if (!r && pdu.type == TCP_PDU_C2H_TERM &&
		    host_connection_terminated(connection, pdu.bytes, pdu.length) !=
		            HOST_E_TERMINATED)
			return HOST_E_BROKEN;
		now = clock_now_ns();
	}
	if (!r)
		return host_connection_says(connection,
		                            HOST_E_DEADLINE,
		                            "the target did not end the connection in %u ms",
		                            timeout_ms);
	return r == HOST_E_CLOSED ? 0 : r;
}

void host_connection_close(struct host_connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	free(connection->staging);
	connection->fd = -1;
	connection->staging = NULL;
	connection->head = connection->tail = 0;
}
