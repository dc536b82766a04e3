/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/ceiling.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"

#define STORE_BYTES (UINT64_C(64) << 20)
#define SPIN_NS     (2 * NS_PER_MS) /* then the server sleeps */

/* ------------------------------------------------------------------ sizes */

static void take_sizes(struct ceiling *ceiling)
{
	const struct load *load = ceiling->load;
	const struct host_connection *connection = &load->queues[0].connection;
	uint32_t header = connection->header_digest ? TCP_DIGEST_SIZE : 0;
	uint32_t data = connection->data_digest ? TCP_DIGEST_SIZE : 0;
	uint32_t bytes = load->options->block_bytes;
	uint32_t pieces = (bytes + connection->maxh2cdata - 1) / connection->maxh2cdata;
	uint32_t command = sizeof(struct tcp_capsule_command) + header;
	uint32_t other = sizeof(struct tcp_data) + header; /* so have R2T and response */
	bool has_success = load->queues[0].successes > 0;

	ceiling->sizes = (struct stream_sizes){
		.head = {[STREAM_READ] = command,
	                 [STREAM_DATA] = other,
	                 [STREAM_WRITE] = command,
	                 [STREAM_TRANSFER] = command,
	                 [STREAM_R2T] = other,
	                 [STREAM_H2C_DATA] = other,
	                 [STREAM_RESPONSE] = other},
		.data = {[STREAM_DATA] = bytes,    [STREAM_WRITE] = bytes,                        [STREAM_H2C_DATA] = bytes                                                                         },
		.tail = {[STREAM_DATA] = data + (has_success ? 0 : other),
	                 [STREAM_WRITE] = data,
	                 [STREAM_H2C_DATA] = data + (pieces - 1) * (other + data)},
	};
}

static bool is_transfer(const struct ceiling *ceiling)
{
	const struct load *load = ceiling->load;

	return load->options->transfer ||
	       load->options->block_bytes > load->queues[0].in_capsule_bytes;
}

static uint32_t size_of(const struct ceiling *ceiling, enum stream_kind kind)
{
	return ceiling->sizes.head[kind] + ceiling->sizes.data[kind] + ceiling->sizes.tail[kind];
}

double ceiling_bytes_per_io(const struct ceiling *ceiling, double read_share)
{
	uint32_t of_read = size_of(ceiling, STREAM_READ) + size_of(ceiling, STREAM_DATA);
	uint32_t of_write = size_of(ceiling, STREAM_RESPONSE);

	if (is_transfer(ceiling))
		of_write += size_of(ceiling, STREAM_TRANSFER) + size_of(ceiling, STREAM_R2T) +
		            size_of(ceiling, STREAM_H2C_DATA);
	else
		of_write += size_of(ceiling, STREAM_WRITE);
	return read_share * of_read + (1 - read_share) * of_write;
}

/* ------------------------------------------------------------------ both sides */

static uint64_t random_next(struct ceiling *ceiling)
{
	ceiling->random ^= ceiling->random << 13;
	ceiling->random ^= ceiling->random >> 7;
	ceiling->random ^= ceiling->random << 17;
	return ceiling->random;
}

static int look_at_all(struct ceiling *ceiling, stream_got_fn *got, size_t *ret_bytes)
{
	int r = 0;

	*ret_bytes = 0;
	for (unsigned i = 0; !r && i < ceiling->load->options->connections; i++) {
		size_t bytes;

		r = stream_look(&ceiling->streams[i], got, ceiling, &bytes);
		if (!r)
			r = stream_flush(&ceiling->streams[i]);
		*ret_bytes += bytes;
	}
	return r;
}

/* ------------------------------------------------------------------ the server */

static void answer(void *context, struct stream *stream, enum stream_kind kind)
{
	struct ceiling *ceiling = context;
	uint64_t bytes = ceiling->load->options->block_bytes;
	uint64_t place = random_next(ceiling) % (STORE_BYTES / bytes ? STORE_BYTES / bytes : 1);

	switch (kind) {
	case STREAM_READ:
		stream_put(stream, STREAM_DATA, ceiling->data + place * bytes);
		break;
	case STREAM_TRANSFER:
		stream_put(stream, STREAM_R2T, NULL);
		break;
	case STREAM_WRITE:
	case STREAM_H2C_DATA:
		stream_put(stream, STREAM_RESPONSE, NULL);
		break;
	case STREAM_DATA:
	case STREAM_R2T:
	case STREAM_RESPONSE:
	case STREAM_KINDS:
		break;
	}
}

static void sleep_until_asked(struct ceiling *ceiling)
{
	unsigned n = ceiling->load->options->connections;
	struct pollfd fds[128];

	for (unsigned i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = ceiling->streams[i].fd, .events = POLLIN};
	poll(fds, n, 1000);
}

static void serve(struct ceiling *ceiling)
{
	uint64_t busy_ns = clock_now_ns();
	size_t bytes;

	while (look_at_all(ceiling, answer, &bytes) == 0) {
		uint64_t now = clock_now_ns();

		load_looked(bytes > 0, ceiling->load->does_yield, &ceiling->empty_looks);
		if (bytes)
			busy_ns = now;
		if (now - busy_ns > SPIN_NS)
			sleep_until_asked(ceiling);
	}
}

/* On its CPU; or on any but ours, as the scheduler would have it with two busy processes. */
static void place_server(const struct options *options)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	if (options->target_cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)options->target_cpu, &set);
	} else if (options->cpu >= 0 && CPU_COUNT(&set) > 1) {
		CPU_CLR((size_t)options->cpu, &set);
	}
	sched_setaffinity(0, sizeof(set), &set);
}

/* ------------------------------------------------------------------ the client */

static void begin(struct ceiling *ceiling, struct stream *stream)
{
	bool is_read = random_next(ceiling) % 100 < ceiling->load->options->read_percent;

	ceiling->n_out++;
	if (is_read)
		stream_put(stream, STREAM_READ, NULL);
	else if (is_transfer(ceiling))
		stream_put(stream, STREAM_TRANSFER, NULL);
	else
		stream_put(stream, STREAM_WRITE, ceiling->data);
}

static void go_on(void *context, struct stream *stream, enum stream_kind kind)
{
	struct ceiling *ceiling = context;

	if (kind == STREAM_R2T) {
		stream_put(stream, STREAM_H2C_DATA, ceiling->data);
		return;
	}
	ceiling->n_out--;
	if (ceiling->is_measuring)
		ceiling->done++;
	if (!ceiling->is_stopping)
		begin(ceiling, stream);
}

static int begin_all(struct ceiling *ceiling)
{
	const struct options *options = ceiling->load->options;
	int r = 0;

	for (unsigned i = 0; !r && i < options->connections; i++) {
		for (unsigned j = 0; j < options->depth; j++)
			begin(ceiling, &ceiling->streams[i]);
		r = stream_flush(&ceiling->streams[i]);
	}
	return r;
}

static int run_for(struct ceiling *ceiling, uint64_t duration_ns)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t now = start_ns;
	size_t bytes;
	int r;

	ceiling->done = 0;
	ceiling->is_stopping = false;
	ceiling->is_measuring = true;
	r = begin_all(ceiling);
	while (!r && now - start_ns < duration_ns) {
		r = look_at_all(ceiling, go_on, &bytes);
		load_looked(bytes > 0, ceiling->load->does_yield, &ceiling->empty_looks);
		now = clock_now_ns();
	}
	ceiling->is_measuring = false;
	ceiling->is_stopping = true;
	ceiling->measured_ns = now - start_ns;
	while (!r && ceiling->n_out) {
		r = look_at_all(ceiling, go_on, &bytes);
		load_looked(bytes > 0, ceiling->load->does_yield, &ceiling->empty_looks);
	}
	return r;
}

int ceiling_run(struct ceiling *ceiling, uint64_t ramp_ns, uint64_t duration_ns, double *ret_iops)
{
	int r = run_for(ceiling, ramp_ns);

	if (!r)
		r = run_for(ceiling, duration_ns);
	if (r)
		return r;
	*ret_iops = (double)ceiling->done * 1e9 / (double)ceiling->measured_ns;
	return 0;
}

/* ------------------------------------------------------------------ life */

static int listen_on_loopback(struct sockaddr_in *ret_address)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	*ret_address = address;
	return fd;
}

/* Connects to ourselves: the one end is ours, the other the server's. */
static int pair(int listener, const struct sockaddr_in *address, int *ret_ours, int *ret_theirs)
{
	int one = 1;
	int ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int theirs = -1;

	if (ours >= 0 && connect(ours, (const struct sockaddr *)address, sizeof(*address)) == 0)
		theirs = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (theirs < 0) {
		int r = -errno;

		if (ours >= 0)
			close(ours);
		return r;
	}
	setsockopt(ours, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(theirs, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*ret_ours = ours;
	*ret_theirs = theirs;
	return 0;
}

static int open_pairs(const struct options *options, int *ours, int *theirs)
{
	struct sockaddr_in address;
	int listener = listen_on_loopback(&address);
	int r = listener < 0 ? listener : 0;

	for (unsigned i = 0; !r && i < options->connections; i++)
		r = pair(listener, &address, &ours[i], &theirs[i]);
	if (listener >= 0)
		close(listener);
	return r;
}

static int make_streams(struct ceiling *ceiling, const int *fds)
{
	const struct options *options = ceiling->load->options;
	int r = 0;

	ceiling->streams = calloc(options->connections, sizeof(*ceiling->streams));
	if (!ceiling->streams)
		return -ENOMEM;
	for (unsigned i = 0; !r && i < options->connections; i++)
		r = stream_init(&ceiling->streams[i], fds[i], &ceiling->sizes, options->depth);
	return r;
}

static void run_server(struct ceiling *ceiling, const int *ours, const int *theirs)
{
	const struct options *options = ceiling->load->options;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < options->connections; i++) {
		close(ours[i]);
		close(ceiling->load->queues[i].connection.fd);
	}
	close(ceiling->load->controller.admin.connection.fd);
	place_server(options);
	if (make_streams(ceiling, theirs) == 0)
		serve(ceiling);
	_exit(0);
}

int ceiling_init(struct ceiling *ceiling, const struct load *load)
{
	unsigned n = load->options->connections;
	int ours[128], theirs[128];
	int r;

	*ceiling = (struct ceiling){.load = load, .random = load->options->seed | 1};
	take_sizes(ceiling);
	ceiling->data = mmap(NULL,
	                     STORE_BYTES,
	                     PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
	                     -1,
	                     0);
	if (ceiling->data == MAP_FAILED)
		return -errno;
	memset(ceiling->data, 1, STORE_BYTES);
	r = open_pairs(load->options, ours, theirs);
	if (r)
		return r;
	ceiling->server = fork();
	if (ceiling->server < 0)
		return -errno;
	if (ceiling->server == 0)
		run_server(ceiling, ours, theirs);
	for (unsigned i = 0; i < n; i++) {
		close(theirs[i]);
		fcntl(ours[i], F_SETFL, O_NONBLOCK);
	}
	return make_streams(ceiling, ours);
}

void ceiling_deinit(struct ceiling *ceiling)
{
	if (ceiling->server > 0) {
		kill(ceiling->server, SIGKILL);
		waitpid(ceiling->server, NULL, 0);
	}
	for (unsigned i = 0; ceiling->streams && i < ceiling->load->options->connections; i++)
		stream_deinit(&ceiling->streams[i]);
	free(ceiling->streams);
	if (ceiling->data && ceiling->data != MAP_FAILED)
		munmap(ceiling->data, STORE_BYTES);
	*ceiling = (struct ceiling){0};
}
