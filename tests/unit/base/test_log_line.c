/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines for an operator, and what becomes of those that nobody takes. A line was written with a
 * write() that waited for ever once the pipe behind stderr was full. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "tests/support/spec.h"

enum { LINES = 2000, WRITERS = 4 };

#define PATIENCE_S 10 /* each line of them would wait 100 ms if all did */

static int reader = -1;

static void put_behind_stderr(int fds[2])
{
	reader = fds[0];
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	close(fds[1]);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	log_open("tested");
}

static void given_a_pipe(void)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	put_behind_stderr(fds);
}

static void given_a_socket(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	put_behind_stderr(fds);
}

static void given_a_full_disk(void)
{
	ck_assert_int_ge(dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDERR_FILENO), 0);
	log_open("tested");
}

static void given_nothing(void)
{
	close(STDERR_FILENO);
	log_open("tested");
}

static void write_lines(unsigned lines)
{
	for (unsigned i = 0; i < lines; i++)
		log_info("line %u", i);
}

static void expect_done_soon(void (*act)(void))
{
	uint64_t since_ns = clock_now_ns();

	alarm(PATIENCE_S);
	act();
	alarm(0);
	ck_assert_uint_lt(clock_now_ns() - since_ns, PATIENCE_S * NS_PER_S);
}

static void write_many(void)
{
	write_lines(LINES);
}

/* What can be read now: whole lines of the log, and the lost ones that they tell of. */
static void read_all(unsigned *ret_lines, unsigned *ret_lost)
{
	static char text[1 << 20];
	size_t length = 0;
	ssize_t n;

	while ((n = read(reader, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	*ret_lines = *ret_lost = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;) {
		unsigned lost;

		if (sscanf(line, "warn tested: log: %u lines are lost", &lost) == 1) {
			*ret_lost += lost;
			continue;
		}
		ck_assert_msg(strncmp(line, "info tested: ", 13) == 0, "a line is \"%s\"", line);
		++*ret_lines;
	}
}

START_TEST(gets_a_line)
{
	char line[64];
	ssize_t n;

	log_info("%s: %d", "thing", 7);
	n = read(reader, line, sizeof(line) - 1);
	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	ck_assert_str_eq(line, "info tested: thing: 7\n");
}
END_TEST

START_TEST(that_nobody_reads_holds_nobody_up)
{
	expect_done_soon(write_many);
}
END_TEST

START_TEST(that_is_read_again_tells_how_many_lines_are_lost)
{
	unsigned before, after, lost;

	write_many();
	read_all(&before, &lost);
	ck_assert_uint_gt(before, 0);
	ck_assert_uint_eq(lost, 0);
	log_info("again");
	read_all(&after, &lost);
	ck_assert_uint_eq(after, 1);
	ck_assert_uint_eq(before + lost, LINES);
}
END_TEST

static void write_from_many_processes(void)
{
	int status;

	for (unsigned i = 0; i < WRITERS; i++)
		if (fork() == 0) {
			alarm(PATIENCE_S);
			write_many();
			_exit(0);
		}
	for (unsigned i = 0; i < WRITERS; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
}

START_TEST(that_nobody_reads_holds_none_of_many_processes_up)
{
	expect_done_soon(write_from_many_processes);
}
END_TEST

START_TEST(whose_reader_has_gone_is_no_matter)
{
	signal(SIGPIPE, SIG_IGN); /* as every process of ours has it */
	close(reader);
	expect_done_soon(write_many);
}
END_TEST

START_TEST(is_no_matter)
{
	expect_done_soon(write_many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");

	describe(suite,
	         "a pipe",
	         given_a_pipe,
	         NULL,
	         gets_a_line,
	         that_nobody_reads_holds_nobody_up,
	         that_is_read_again_tells_how_many_lines_are_lost,
	         that_nobody_reads_holds_none_of_many_processes_up,
	         whose_reader_has_gone_is_no_matter);
	describe(suite,
	         "a socket",
	         given_a_socket,
	         NULL,
	         gets_a_line,
	         that_nobody_reads_holds_nobody_up,
	         that_is_read_again_tells_how_many_lines_are_lost,
	         that_nobody_reads_holds_none_of_many_processes_up,
	         whose_reader_has_gone_is_no_matter);
	describe(suite, "a full disk", given_a_full_disk, NULL, is_no_matter);
	describe(suite, "a closed stderr", given_nothing, NULL, is_no_matter);
	return run(suite);
}
