/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/ipc/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/ipc/context.h"
#include "common/ipc/socket.h"

#define PATIENCE_NS (2 * NS_PER_S)
#define RETRY_NS    (20 * NS_PER_MS)
#define ATTEMPT_NS  (100 * NS_PER_MS) /* the first; each next one twice as long */
#define LOOK_MS     100

static const char no_answer[] = "the state service did not answer in time";

/* A ZeroMQ socket does not say why it does not come to a connection; a plain one does. */
static int try_to_connect(const char *path)
{
	_cleanup_(cleanup_close) int fd = -1;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int wait_for_listener(const char *path, uint64_t deadline_ns)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};
	int r = try_to_connect(path);

	while ((r == -ENOENT || r == -ECONNREFUSED || r == -EAGAIN) &&
	       clock_now_ns() < deadline_ns) {
		nanosleep(&pause, NULL);
		r = try_to_connect(path);
	}
	return r;
}

static const char *why_unreachable(int r)
{
	if (r == -ENOENT)
		return "there is no such socket";
	if (r == -ECONNREFUSED)
		return "nobody listens at this socket";
	if (r == -EAGAIN)
		return "the state service does not accept connections";
	if (r == -EACCES || r == -EPERM)
		return "no permission to use this socket";
	if (r == -ENAMETOOLONG)
		return "the socket's path has more than 107 characters";
	return "the socket cannot be used";
}

static int timeout_ms(uint64_t deadline_ns, int most)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ms = now_ns < deadline_ns ? (deadline_ns - now_ns) / NS_PER_MS + 1 : 0;

	return left_ms < (uint64_t)most ? (int)left_ms : most;
}

static int events_of(void *dealer)
{
	int events = 0;
	size_t size = sizeof(events);

	zmq_getsockopt(dealer, ZMQ_EVENTS, &events, &size);
	return events;
}

static int send_when_connected(void *dealer, envelope *message, uint64_t deadline_ns)
{
	int r = ipc_dealer_send(dealer, message);

	while (r == -EAGAIN && clock_now_ns() < deadline_ns) {
		zmq_pollitem_t item = {.socket = dealer, .events = ZMQ_POLLOUT};

		zmq_poll(&item, 1, timeout_ms(deadline_ns, LOOK_MS));
		r = ipc_dealer_send(dealer, message);
	}
	return r;
}

static void answer_ping(void *dealer, uint64_t instance)
{
	Nvmetd__Pong pong = NVMETD__PONG__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	message.version = ENVELOPE_VERSION;
	message.instance = instance;
	message.body_case = NVMETD__ENVELOPE__BODY_PONG;
	message.pong = &pong;
	ipc_dealer_send(dealer, &message);
}

/* NULL: not an answer. */
static envelope *receive_answer(void *dealer, const envelope *question)
{
	envelope *message = NULL;
	zmq_msg_t frame;

	zmq_msg_init(&frame);
	if (zmq_msg_recv(&frame, dealer, ZMQ_DONTWAIT) >= 0)
		envelope_decode(&message, zmq_msg_data(&frame), zmq_msg_size(&frame));
	zmq_msg_close(&frame);
	if (!message)
		return NULL;
	if (message->body_case == NVMETD__ENVELOPE__BODY_PING)
		answer_ping(dealer, question->instance);
	if (message->request_id == question->request_id ||
	    message->body_case == NVMETD__ENVELOPE__BODY_REFUSAL)
		return message;
	return envelope_free(message);
}

static envelope *wait_for_answer(void *dealer, const envelope *question, uint64_t deadline_ns,
                                 const char **ret_reason)
{
	while (clock_now_ns() < deadline_ns) {
		zmq_pollitem_t item = {.socket = dealer, .events = ZMQ_POLLIN};
		envelope *answer;
		int events;

		zmq_poll(&item, 1, timeout_ms(deadline_ns, LOOK_MS));
		events = events_of(dealer);
		answer = events & ZMQ_POLLIN ? receive_answer(dealer, question) : NULL;
		if (answer)
			return answer;
		/* With one connection and nothing queued, this is its end. */
		if (!(events & (ZMQ_POLLIN | ZMQ_POLLOUT))) {
			*ret_reason = "the state service ended before it answered";
			return NULL;
		}
	}
	*ret_reason = no_answer;
	return NULL;
}

/* A connection that failed is not made again by ZeroMQ, and nothing says that it failed: the one
 * who listened may just have been replaced. What was not sent may be tried again. */
static int connect_and_send(void *context, const char *path, envelope *message,
                            uint64_t deadline_ns, void **ret_dealer)
{
	uint64_t attempt_ns = ATTEMPT_NS;

	for (;;) {
		uint64_t end_ns = clock_now_ns() + attempt_ns;
		void *dealer = ipc_dealer_open(context, path);
		int r;

		if (!dealer)
			return -ENOMEM;
		r = send_when_connected(
			dealer, message, end_ns < deadline_ns ? end_ns : deadline_ns);
		if (r == 0) {
			*ret_dealer = dealer;
			return 0;
		}
		zmq_close(dealer);
		if (r != -EAGAIN || clock_now_ns() >= deadline_ns)
			return r;
		attempt_ns *= 2;
		wait_for_listener(path, deadline_ns);
	}
}

static envelope *ask(void *context, const char *path, envelope *message, uint64_t deadline_ns,
                     const char **ret_reason)
{
	envelope *answer;
	void *dealer;
	int r = connect_and_send(context, path, message, deadline_ns, &dealer);

	if (r) {
		*ret_reason = r == -EMSGSIZE ? "the message is too long"
		              : r == -ENOMEM ? "out of resources"
		                             : no_answer;
		return NULL;
	}
	answer = wait_for_answer(dealer, message, deadline_ns, ret_reason);
	zmq_close(dealer);
	return answer;
}

envelope *ipc_ask(const char *path, envelope *message, unsigned timeout, const char **ret_reason)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t deadline_ns = now_ns + timeout * NS_PER_MS;
	uint64_t patience_ns = now_ns + PATIENCE_NS;
	envelope *answer;
	void *context;
	int r;

	r = wait_for_listener(path, patience_ns < deadline_ns ? patience_ns : deadline_ns);
	if (r < 0) {
		*ret_reason = why_unreachable(r);
		return NULL;
	}
	message->version = ENVELOPE_VERSION;
	message->request_id = 1;
	if (getrandom(&message->instance, sizeof(message->instance), GRND_NONBLOCK) < 0)
		message->instance = now_ns;
	context = ipc_context_hold();
	if (!context) {
		*ret_reason = "out of resources";
		return NULL;
	}
	answer = ask(context, path, message, deadline_ns, ret_reason);
	ipc_context_release();
	return answer;
}
