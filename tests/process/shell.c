/* SPDX-License-Identifier: BSD-2-Clause */
/* nvmetctl's shell, at a terminal, and with lines that come from elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

#define WAIT_MS    20000u
#define TEXT_BYTES 65536
#define UP         "\x1b[A"
#define CTRL_C     "\x03"
#define CTRL_D     "\x04"
#define CTRL_U     "\x15"

static struct {
	int fd;
	pid_t pid;
	char text[TEXT_BYTES]; /* what it has written since the last thing that was awaited */
	size_t length;
} shell = {.fd = -1};

static char text[TEXT_BYTES];

/* ------------------------------------------------------------------ a terminal */

static void become_shell(void)
{
	char path[512], run[192], home[192];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/nvmetctl", NVMETD_BIN_DIR);
	snprintf(run, sizeof(run), "%s", harness_path(scene.harness, "run"));
	snprintf(home, sizeof(home), "%s", harness_path(scene.harness, ""));
	setenv("HOME", home, 1);
	setenv("TERM", "xterm", 1);
	execl(path, "nvmetctl", "--run-dir", run, NULL);
	_exit(127);
}

static bool read_some(unsigned timeout_ms)
{
	struct pollfd poller = {.fd = shell.fd, .events = POLLIN};
	ssize_t n;

	if (poll(&poller, 1, (int)timeout_ms) <= 0)
		return true;
	ck_assert_uint_lt(shell.length + 1, TEXT_BYTES);
	n = read(shell.fd, shell.text + shell.length, TEXT_BYTES - shell.length - 1);
	if (n > 0)
		shell.length += (size_t)n;
	shell.text[shell.length] = '\0';
	return n > 0;
}

static void await(const char *words)
{
	uint64_t deadline_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	char *at;

	while (!(at = strstr(shell.text, words)))
		if (!read_some(100) || clock_now_ns() >= deadline_ns)
			ck_abort_msg("not \"%s\": %s", words, shell.text);
	at += strlen(words);
	shell.length -= (size_t)(at - shell.text);
	memmove(shell.text, at, shell.length + 1);
}

/* The editor shows its prompt a little before keys are keys. */
static void await_keys(void)
{
	uint64_t deadline_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	struct termios mode;

	for (;;) {
		ck_assert_int_eq(tcgetattr(shell.fd, &mode), 0);
		if (!(mode.c_lflag & ICANON))
			return;
		ck_assert_uint_lt(clock_now_ns(), deadline_ns);
		read_some(1);
	}
}

static void type(const char *words)
{
	await_keys();
	ck_assert_int_eq(write(shell.fd, words, strlen(words)), (ssize_t)strlen(words));
}

static void open_shell(void)
{
	struct winsize size = {.ws_row = 50, .ws_col = 250};

	shell.length = 0;
	shell.text[0] = '\0';
	shell.pid = forkpty(&shell.fd, NULL, NULL, &size);
	ck_assert_int_ge(shell.pid, 0);
	if (shell.pid == 0)
		become_shell();
	await("/> ");
}

static int await_end(void)
{
	uint64_t deadline_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	int status;

	while (waitpid(shell.pid, &status, WNOHANG) == 0) {
		read_some(20);
		ck_assert_msg(clock_now_ns() < deadline_ns, "it does not end: %s", shell.text);
	}
	close(shell.fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void close_shell(void)
{
	type(CTRL_U "exit\r");
	ck_assert_int_eq(await_end(), 0);
}

static void given_a_set(void)
{
	scene_start(NULL);
}

static const char *history_path(void)
{
	return harness_path(scene.harness, ".nvmetctl_history");
}

/* ------------------------------------------------------------------ at a terminal */

START_TEST(the_prompt_says_where_it_is)
{
	open_shell();
	type("cd /ports/1\r");
	await("/ports/1> ");
	type("cd ana_groups\r");
	await("/ports/1/ana_groups> ");
	type("..\r");
	await("/ports/1> ");
	type("cd /ports/9\r");
	await("/ports/9: there is no such object");
	await("/ports/1> ");
	type("pwd\r");
	await("/ports/1\r\n");
	close_shell();
}
END_TEST

START_TEST(tab_completes_paths)
{
	open_shell();
	type("cd /sub\t");
	await("systems/");
	type("\t");
	await(HARNESS_NQN);
	type("\t");
	await("/");
	type("\t\t");
	await("/namespaces/\r\n");
	type("namesp\t\r");
	await("/namespaces> ");
	close_shell();
}
END_TEST

START_TEST(tab_completes_commands)
{
	open_shell();
	type("ena\t");
	await("ble ");
	type(CTRL_U "/ports/1 se\t");
	await("t ");
	type(CTRL_U "re\t\t");
	await("restart");
	close_shell();
}
END_TEST

START_TEST(tab_completes_attributes)
{
	open_shell();
	type("set /ports/1 add\t");
	await("r ");
	type("tr\t\t");
	await("trsvcid=");
	type("t\t\t");
	await("trtype=tcp\r\ntrtype=rdma");
	type(CTRL_U "set /ports/1/ana_groups/1 ana state=opt\t");
	await("imized ");
	type(CTRL_U "set /ports/1 addr treq=n\t");
	await("ot\\ ");
	close_shell();
}
END_TEST

START_TEST(tab_completes_what_can_be_linked)
{
	open_shell();
	type("link /ports/1 nqn\t");
	await(HARNESS_NQN + 3);
	type(CTRL_U "delete /ports/1/subsystems/nqn\t");
	await(HARNESS_NQN + 3);
	type(CTRL_U "cd /ports/1/subsystems\r");
	await("subsystems> ");
	type("delete nqn\t");
	await(HARNESS_NQN + 3);
	close_shell();
}
END_TEST

START_TEST(a_mistake_does_not_end_it)
{
	open_shell();
	type("nonsense\r");
	await("'nonsense' is not a command: see help\r\n/> ");
	type("create /ports/1\r");
	await("/ports/1: is there already\r\n/> ");
	type("ls 'x\r");
	await("a quote is not closed\r\n/> ");
	type("set /ports/1 addr traddr=x\r");
	await("/ports/1: addr traddr: is no address of ipv4, as adrfam has it\r\n/> ");
	close_shell();
}
END_TEST

START_TEST(help_says_what_can_be_done_there)
{
	open_shell();
	type("cd /ports/1\r");
	await("/ports/1> ");
	type("help\r");
	await("set addr trtype= adrfam=");
	type("cd /ports\r");
	await("/ports> ");
	type("help\r");
	await("create [NAME]");
	close_shell();
}
END_TEST

START_TEST(ctrl_c_gives_up_a_line)
{
	open_shell();
	type("delete /hosts" CTRL_C);
	await("^C\r\n/> ");
	type("pwd\r");
	await("/\r\n/> ");
	close_shell();
}
END_TEST

START_TEST(ctrl_d_leaves)
{
	open_shell();
	type(CTRL_D);
	ck_assert_int_eq(await_end(), 0);
}
END_TEST

START_TEST(a_transaction_is_one_change)
{
	open_shell();
	type("begin\r");
	await("(begun)> ");
	type("create /ports/7\r");
	await("(begun)> ");
	type("cd /ports/7\r");
	await("/ports/7 (begun)> ");
	type("set addr traddr=x\r");
	await("(begun)> ");
	type("pending\r");
	await("2\r\n");
	type("commit\r");
	await("/ports/7: addr traddr: is no address of ipv4, as adrfam has it\r\n");
	await("/ports/7> ");
	type("ls /ports/7\r");
	await("/ports/7: there is no such object");
	close_shell();
}
END_TEST

START_TEST(other_commands_are_there)
{
	open_shell();
	type("status\r");
	await("io-0");
	type("save --nonsense --more\r");
	await("usage: nvmetctl save");
	close_shell();
}
END_TEST

/* ------------------------------------------------------------------ the history */

START_TEST(lines_are_kept_for_the_next_time)
{
	struct stat status;

	open_shell();
	type("get /ports/1 addr trsvcid\r");
	await("trsvcid=");
	close_shell();
	ck_assert_int_eq(stat(history_path(), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	open_shell();
	type(UP UP "\r");
	await("trsvcid=");
	close_shell();
}
END_TEST

START_TEST(keys_are_not_kept)
{
	open_shell();
	type("set /hosts/nobody dhchap key=SECRET\r");
	await("there is no such object");
	close_shell();
	harness_read(history_path(), text, sizeof(text));
	ck_assert_ptr_null(strstr(text, "SECRET"));
}
END_TEST

/* ------------------------------------------------------------------ not a terminal */

/* Exit status of nvmetctl with these lines as its standard input; what it says, in text. */
static int run_lines(const char *lines)
{
	int in[2], out[2], status;
	size_t length = 0;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		become_shell();
	}
	close(in[0]);
	close(out[1]);
	ck_assert_int_eq(write(in[1], lines, strlen(lines)), (ssize_t)strlen(lines));
	close(in[1]);
	while ((n = read(out[0], text + length, sizeof(text) - length - 1)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(lines_from_elsewhere_are_a_script)
{
	ck_assert_int_eq(run_lines("cd /ports\n# a comment\npwd\nls . 0\n"), 0);
	ck_assert_str_eq(text, "/ports\no- ports (1)\n");
}
END_TEST

START_TEST(names_begin_where_it_is)
{
	ck_assert_int_eq(run_lines("cd /subsystems/" HARNESS_NQN "\n"
	                           "create namespaces/9\n"
	                           "namespaces/9 set device path=ram:1M\n"
	                           "get namespaces/9 device path\n"
	                           "cd namespaces\n"
	                           "create 10\n"
	                           "delete 9\n"
	                           "delete 10\n"
	                           "cd ..\n"
	                           "pwd\n"),
	                 0);
	ck_assert_str_eq(text, "path=ram:1M\n/subsystems/" HARNESS_NQN "\n");
}
END_TEST

START_TEST(the_first_mistake_ends_a_script)
{
	ck_assert_int_eq(run_lines("pwd\n\ncreate /ports/1\npwd\n"), 1);
	ck_assert_str_eq(text, "/\n<stdin>:3: /ports/1: is there already\n");
	ck_assert_int_eq(run_lines("nonsense\n"), 2);
	ck_assert_int_eq(run_lines("begin\ncreate /ports/8\n"), 1);
	ck_assert_ptr_nonnull(strstr(text, "ends without commit"));
	ck_assert_int_eq(run_lines("ls /ports/8\n"), 1);
}
END_TEST

START_TEST(a_script_can_commit)
{
	ck_assert_int_eq(run_lines("begin\ncreate /ports/8\nset /ports/8 addr traddr=x\ncommit\n"),
	                 1);
	ck_assert_ptr_nonnull(strstr(text, "<stdin>:3: /ports/8: addr traddr: "));
	ck_assert_int_eq(run_lines("begin\ncreate /ports/8\ndelete /ports/8\ncommit\nexit\nx\n"),
	                 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a shell");

	describe_running(suite,
	                 "at a terminal",
	                 given_a_set,
	                 scene_stop,
	                 the_prompt_says_where_it_is,
	                 tab_completes_paths,
	                 tab_completes_commands,
	                 tab_completes_attributes,
	                 tab_completes_what_can_be_linked,
	                 a_mistake_does_not_end_it,
	                 help_says_what_can_be_done_there,
	                 ctrl_c_gives_up_a_line,
	                 ctrl_d_leaves,
	                 a_transaction_is_one_change,
	                 other_commands_are_there,
	                 lines_are_kept_for_the_next_time,
	                 keys_are_not_kept,
	                 lines_from_elsewhere_are_a_script,
	                 names_begin_where_it_is,
	                 the_first_mistake_ends_a_script,
	                 a_script_can_commit);
	return harness_run(suite);
}
