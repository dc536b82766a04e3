/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/support/steps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

/* What the tracer tells the test, in memory of both. */
struct told {
	volatile int refused; /* errno */
	volatile bool is_ready;
	volatile bool has_killed;
	volatile unsigned taken;
	char last[300];
};

struct steps {
	struct told *told;
	pid_t tracer;
};

/* ------------------------------------------------------------------ what is a step */

enum kind { ON_FD, ON_FILE, ON_NAME, MAKES_NAME };

static const struct call {
	unsigned long number;
	enum kind kind;
	const char *name;
} calls[] = {
	{SYS_write,     ON_FILE,    "write"    },
	{SYS_writev,    ON_FILE,    "writev"   },
	{SYS_pwrite64,  ON_FD,      "pwrite"   },
	{SYS_fsync,     ON_FD,      "fsync"    },
	{SYS_fdatasync, ON_FD,      "fdatasync"},
	{SYS_ftruncate, ON_FD,      "ftruncate"},
	{SYS_sendto,    ON_FD,      "send"     },
	{SYS_sendmsg,   ON_FD,      "sendmsg"  },
	{SYS_openat,    MAKES_NAME, "open"     },
	{SYS_unlinkat,  ON_NAME,    "unlinkat" },
	{SYS_renameat2, ON_NAME,    "renameat" },
	{SYS_linkat,    ON_NAME,    "linkat"   },
#ifdef SYS_unlink  /* not everywhere */
	{SYS_unlink,    ON_NAME,    "unlink"   },
	{SYS_rename,    ON_NAME,    "rename"   },
	{SYS_link,      ON_NAME,    "link"     },
#endif
};

static const struct call *find_call(unsigned long number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

/* What it is about, in words; false: it leaves nothing behind. */
static bool is_step(pid_t pid, const struct ptrace_syscall_info *info, char *ret_words, size_t size)
{
	const struct call *call = find_call(info->entry.nr);
	char link[64], target[200] = "";
	ssize_t n;

	if (!call || (call->kind == MAKES_NAME && !(info->entry.args[2] & O_CREAT)))
		return false;
	if (call->kind == ON_FD || call->kind == ON_FILE) {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, (int)info->entry.args[0]);
		n = readlink(link, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
	}
	if (call->kind == ON_FILE && (info->entry.args[0] <= 2 || target[0] != '/'))
		return false;
	snprintf(ret_words, size, "%s %s", call->name, target);
	return true;
}

/* ------------------------------------------------------------------ the tracer */

static int seize_thread(pid_t tid)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) < 0)
		return errno;
	return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 ? errno : 0;
}

static int seize(pid_t pid)
{
	char path[64];
	DIR *threads;
	const struct dirent *entry;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads)
		return errno;
	while (!r && (entry = readdir(threads)))
		if (entry->d_name[0] != '.')
			r = seize_thread((pid_t)strtol(entry->d_name, NULL, 10));
	closedir(threads);
	return r;
}

static void on_call(struct told *told, pid_t pid, pid_t tid, unsigned kill_at)
{
	struct ptrace_syscall_info info;
	char words[sizeof(told->last)];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || told->has_killed ||
	    !is_step(pid, &info, words, sizeof(words)))
		return;
	memcpy(told->last, words, sizeof(words));
	told->taken++;
	if (told->taken != kill_at)
		return;
	kill(pid, SIGKILL);
	told->has_killed = true;
}

/* The stops that ptrace(2) has for one that was seized. */
static void on_stop(struct told *told, pid_t pid, pid_t tid, int status, unsigned kill_at)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (signal == (SIGTRAP | 0x80))
		on_call(told, pid, tid, kill_at);
	if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		return;
	}
	if (event || signal == (SIGTRAP | 0x80))
		signal = 0;
	ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(intptr_t)signal);
}

static void trace(struct told *told, pid_t pid, unsigned kill_at)
{
	int status;
	pid_t tid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	told->refused = seize(pid);
	told->is_ready = true;
	while ((tid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			on_stop(told, pid, tid, status, kill_at);
	_exit(0);
}

/* ------------------------------------------------------------------ for the test */

/* Not ck_assert(): a program asks whether it may trace before there is a test. */
static void expect(bool good)
{
	if (good)
		return;
	perror("steps");
	exit(1);
}

struct steps *steps_begin(pid_t pid, unsigned kill_at, const char **ret_why)
{
	struct steps *steps = calloc(1, sizeof(*steps));
	int refused;

	expect(steps);
	steps->told = mmap(NULL,
	                   sizeof(*steps->told),
	                   PROT_READ | PROT_WRITE,
	                   MAP_SHARED | MAP_ANONYMOUS,
	                   -1,
	                   0);
	expect(steps->told != MAP_FAILED);
	steps->tracer = fork();
	expect(steps->tracer >= 0);
	if (steps->tracer == 0)
		trace(steps->told, pid, kill_at);
	while (!steps->told->is_ready && kill(steps->tracer, 0) == 0)
		usleep(500);
	refused = steps->told->refused;
	if (!refused)
		return steps;
	*ret_why = strerror(refused);
	steps_end(steps);
	return NULL;
}

bool steps_has_killed(const struct steps *steps)
{
	return steps->told->has_killed;
}

const char *steps_last(const struct steps *steps)
{
	return steps->told->last;
}

unsigned steps_end(struct steps *steps)
{
	unsigned taken = steps->told->taken;

	kill(steps->tracer, SIGKILL); /* which lets go of what it traced */
	waitpid(steps->tracer, NULL, 0);
	munmap(steps->told, sizeof(*steps->told));
	free(steps);
	return taken;
}
