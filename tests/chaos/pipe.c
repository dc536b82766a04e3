/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/clock.h"

#define PIECE 16384u /* with a limit of speed */

int pipe_init(struct pipe *pipe, int from, int to)
{
	*pipe = (struct pipe){.from = from, .to = to, .ring = malloc(PIPE_BYTES)};
	return pipe->ring ? 0 : -ENOMEM;
}

void pipe_deinit(struct pipe *pipe)
{
	free(pipe->ring);
	pipe->ring = NULL;
}

static unsigned last_mark(const struct pipe *pipe)
{
	return (pipe->first_mark + pipe->n_marks - 1) % PIPE_MARKS;
}

static void mark(struct pipe *pipe, uint64_t due_ns)
{
	unsigned at = last_mark(pipe);

	if (pipe->n_marks && due_ns < pipe->marks[at].due_ns)
		due_ns = pipe->marks[at].due_ns;
	/* what comes at the same time, or finds no room for a mark, goes with what came before */
	if (!pipe->n_marks || (due_ns != pipe->marks[at].due_ns && pipe->n_marks < PIPE_MARKS)) {
		pipe->n_marks++;
		at = last_mark(pipe);
	}
	pipe->marks[at].end = pipe->put;
	pipe->marks[at].due_ns = due_ns;
}

static int take(struct pipe *pipe, const struct proxy_weather *weather, struct dice *dice,
                uint64_t now_ns)
{
	uint64_t due_ns = now_ns + weather->delay_ms * NS_PER_MS;

	if (weather->jitter_ms)
		due_ns += dice_below(dice, weather->jitter_ms * NS_PER_MS);
	while (!pipe->has_end && pipe->put - pipe->got < PIPE_BYTES) {
		size_t at = pipe->put % PIPE_BYTES;
		size_t room = PIPE_BYTES - (pipe->put - pipe->got);
		size_t most = PIPE_BYTES - at < room ? PIPE_BYTES - at : room;
		ssize_t n = recv(pipe->from, pipe->ring + at, most, 0);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			pipe->has_end = true;
		pipe->put += (uint64_t)n;
		if (n)
			mark(pipe, due_ns);
	}
	return 0;
}

static uint64_t n_due(struct pipe *pipe, uint64_t now_ns)
{
	while (pipe->n_marks && pipe->marks[pipe->first_mark].end <= pipe->got) {
		pipe->first_mark = (pipe->first_mark + 1) % PIPE_MARKS;
		pipe->n_marks--;
	}
	for (unsigned i = pipe->n_marks; i-- > 0;) {
		unsigned at = (pipe->first_mark + i) % PIPE_MARKS;

		if (pipe->marks[at].due_ns <= now_ns)
			return pipe->marks[at].end - pipe->got;
	}
	return 0;
}

static int give(struct pipe *pipe, const struct proxy_weather *weather, uint64_t now_ns,
                uint64_t *bytes)
{
	uint64_t due = n_due(pipe, now_ns);

	while (due && now_ns >= pipe->free_ns) {
		size_t at = pipe->got % PIPE_BYTES;
		size_t most = PIPE_BYTES - at < due ? PIPE_BYTES - at : due;
		ssize_t n;

		if (weather->bytes_per_ms && most > PIECE)
			most = PIECE;
		n = send(pipe->to, pipe->ring + at, most, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		pipe->got += (uint64_t)n;
		due -= (uint64_t)n;
		*bytes += (uint64_t)n;
		if (weather->bytes_per_ms)
			pipe->free_ns = now_ns + (uint64_t)n * NS_PER_MS / weather->bytes_per_ms;
	}
	if (pipe->has_end && pipe->got == pipe->put && !pipe->is_over) {
		pipe->is_over = true;
		shutdown(pipe->to, SHUT_WR);
	}
	return 0;
}

int pipe_move(struct pipe *pipe, const struct proxy_weather *weather, struct dice *dice,
              uint64_t now_ns, uint64_t *bytes)
{
	int r = take(pipe, weather, dice, now_ns);
	int given;

	/* what came before a sender's reset goes on all the same, as on a network that delays it */
	if (r && r != -ECONNRESET)
		return r;
	if (r)
		pipe->has_end = true;
	given = give(pipe, weather, now_ns, bytes);
	return given;
}

short pipe_events_from(const struct pipe *pipe)
{
	return !pipe->has_end && pipe->put - pipe->got < PIPE_BYTES ? POLLIN : 0;
}

short pipe_events_to(const struct pipe *pipe, uint64_t now_ns)
{
	bool is_due = pipe->n_marks && pipe->marks[pipe->first_mark].due_ns <= now_ns;

	return is_due && pipe->got < pipe->put && now_ns >= pipe->free_ns ? POLLOUT : 0;
}

uint64_t pipe_due_ns(const struct pipe *pipe, uint64_t now_ns)
{
	uint64_t due_ns;

	if (!pipe->n_marks || pipe->got == pipe->put)
		return 0;
	due_ns = pipe->marks[pipe->first_mark].due_ns;
	if (due_ns < pipe->free_ns)
		due_ns = pipe->free_ns;
	return due_ns > now_ns ? due_ns : 0;
}
