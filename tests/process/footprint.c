/* SPDX-License-Identifier: BSD-2-Clause */
/* What the set costs while one host is connected and idle: CPU and memory, read from /proc; and how
 * soon it listens. The figures are printed. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/process/usage.h"

#define WINDOW_S    3
#define ATTEMPTS    5 /* other programs may disturb one */
#define CPU_PERCENT 1.0
#define PSS_KIB     (64u << 10)
#define STARTS      5
#define LISTENS_MS  500.0 /* five times the goal */

static struct usage usage;

static void given_a_set(void)
{
	scene_start(NULL);
	usage = usage_of_set(scene.harness);
}

START_TEST(takes_less_than_one_per_cent_of_a_core)
{
	double percent = 100;

	scene.options.kato_ms = 60000;
	scene_connect();
	scene_write(1, 0, 64, 1);
	for (unsigned i = 0; i < ATTEMPTS && percent >= CPU_PERCENT; i++)
		percent = usage_cpu_percent(&usage, WINDOW_S);
	printf("# idle with one host: %.2f %% of a core\n", percent);
	fflush(stdout);
	ck_assert_msg(percent < CPU_PERCENT, "%.2f %% of a core", percent);
	scene_disconnect();
}
END_TEST

START_TEST(takes_less_than_64_mebibytes)
{
	unsigned sum;

	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	sum = usage_sum_kib(&usage);
	printf("# with one host: %.1f MiB (%s)\n", sum / 1024.0, usage_words(&usage));
	fflush(stdout);
	if (!USAGE_IS_SANITIZED)
		ck_assert_uint_lt(sum, PSS_KIB);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ the start */

static bool is_listening(const struct harness *harness)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
		.sin_port = htons((uint16_t)atoi(harness->exports.ports[0].trsvcid)),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	ck_assert_int_ge(fd, 0);
	is = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return is;
}

/* From the start of the launcher, of a set that has never run, until a connection is accepted. */
static double milliseconds_until_it_listens(void)
{
	const struct timespec pause = {.tv_nsec = 200000};
	const struct harness_exports plain = harness_plain();
	struct harness *harness = harness_new(&plain);
	uint64_t since_ns = clock_now_ns(), took_ns;

	harness_launch(harness, true);
	while (!is_listening(harness) && clock_now_ns() < since_ns + 10 * NS_PER_S)
		nanosleep(&pause, NULL);
	took_ns = clock_now_ns() - since_ns;
	harness_await_service(harness);
	harness_stop(harness);
	return (double)took_ns / NS_PER_MS;
}

START_TEST(listens_in_time)
{
	double least = 1e9, most = 0;

	for (unsigned i = 0; i < STARTS; i++) {
		double ms = milliseconds_until_it_listens();

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	printf("# from the start until it listens: %.1f to %.1f ms\n", least, most);
	fflush(stdout);
	if (!USAGE_IS_SANITIZED)
		ck_assert_double_lt(least, LISTENS_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("footprint");

	describe_running(suite,
	                 "a set with one idle host",
	                 given_a_set,
	                 scene_stop,
	                 takes_less_than_one_per_cent_of_a_core,
	                 takes_less_than_64_mebibytes);
	describe_alone(suite, "a set that starts", NULL, NULL, listens_in_time);
	return harness_run(suite);
}
