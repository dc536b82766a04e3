/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes are separate, and each holds only what is its own: read from /proc. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/process/scene.h"

static pid_t state, tcp, io;

static void given_a_set(void)
{
	scene_start(NULL);
	state = harness_pid(scene.harness, "state", 0);
	tcp = harness_pid(scene.harness, "tcp", 0);
	io = harness_pid(scene.harness, "io-0", 0);
}

/* Whether the process has the file open, whatever its name is by now. */
static bool has_open(pid_t pid, const char *path)
{
	char folder[64], name[PATH_MAX];
	const struct dirent *entry;
	struct stat wanted, found;
	bool has = false;
	DIR *fds;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	fds = opendir(folder);
	ck_assert_ptr_nonnull(fds);
	ck_assert_int_eq(stat(path, &wanted), 0);
	while ((entry = readdir(fds))) {
		snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		if (stat(name, &found) == 0 && found.st_ino == wanted.st_ino &&
		    found.st_dev == wanted.st_dev)
			has = true;
	}
	closedir(fds);
	return has;
}

static bool has_mapped(pid_t pid, const char *path)
{
	char name[64], line[PATH_MAX + 100];
	bool has = false;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "re");
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		has |= strstr(line, path) != NULL;
	fclose(maps);
	return has;
}

/* Whether a line of this table of sockets is about the inode. */
static bool table_has(pid_t pid, const char *table, unsigned long inode, char *ret_line,
                      size_t line_size)
{
	char name[64], word[32];
	bool has = false;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/net/%s", pid, table);
	snprintf(word, sizeof(word), " %lu ", inode);
	file = fopen(name, "re");
	if (!file)
		return false;
	while (!has && fgets(ret_line, (int)line_size, file)) {
		ret_line[strcspn(ret_line, "\n")] = ' ';
		has = strstr(ret_line, word) != NULL;
	}
	fclose(file);
	return has;
}

struct sockets {
	unsigned ours;    /* UNIX, without a name or below our run directory */
	unsigned others;  /* UNIX, elsewhere */
	unsigned network; /* whatever is not UNIX */
};

static void count_socket(pid_t pid, unsigned long inode, struct sockets *sockets)
{
	char line[PATH_MAX];
	const char *path;

	if (!table_has(pid, "unix", inode, line, sizeof(line))) {
		sockets->network++;
		return;
	}
	path = strchr(line, '/');
	if (path && strncmp(path, scene.harness->directory, strlen(scene.harness->directory)) != 0)
		sockets->others++;
	else
		sockets->ours++;
}

static struct sockets sockets_of(pid_t pid)
{
	char folder[64], name[PATH_MAX], target[128];
	struct sockets sockets = {0};
	const struct dirent *entry;
	unsigned long inode;
	DIR *fds;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	fds = opendir(folder);
	ck_assert_ptr_nonnull(fds);
	while ((entry = readdir(fds))) {
		ssize_t n;

		snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		n = readlink(name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (sscanf(target, "socket:[%lu]", &inode) == 1)
			count_socket(pid, inode, &sockets);
	}
	closedir(fds);
	return sockets;
}

static void serve_something(void)
{
	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
}

START_TEST(are_processes_of_their_own)
{
	ck_assert_int_ne(state, tcp);
	ck_assert_int_ne(tcp, io);
	ck_assert_int_ne(state, io);
}
END_TEST

START_TEST(are_programs_of_their_own)
{
	const pid_t pids[] = {state, tcp, io};
	struct stat programs[3];
	char name[64];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "/proc/%d/exe", pids[i]);
		ck_assert_int_eq(stat(name, &programs[i]), 0);
	}
	ck_assert(programs[0].st_ino != programs[1].st_ino);
	ck_assert(programs[1].st_ino != programs[2].st_ino);
	ck_assert(programs[0].st_ino != programs[2].st_ino);
}
END_TEST

START_TEST(only_io_has_the_backing_file_open)
{
	const char *disk = harness_path(scene.harness, "disk");

	serve_something();
	ck_assert(has_open(io, disk));
	ck_assert(!has_open(tcp, disk));
	ck_assert(!has_open(state, disk));
	ck_assert(!has_mapped(tcp, disk));
	ck_assert(!has_mapped(state, disk));
	scene_disconnect();
}
END_TEST

START_TEST(io_has_no_sockets_but_unix_ones_of_its_own)
{
	struct sockets sockets;

	serve_something();
	sockets = sockets_of(io);
	ck_assert_uint_eq(sockets.network, 0);
	ck_assert_uint_eq(sockets.others, 0);
	ck_assert_uint_gt(sockets.ours, 0);
	scene_disconnect();
}
END_TEST

START_TEST(state_has_no_sockets_but_unix_ones)
{
	ck_assert_uint_eq(sockets_of(state).network, 0);
}
END_TEST

START_TEST(tcp_has_the_hosts_sockets)
{
	serve_something();
	/* the listener, the admin queue, the I/O queue */
	ck_assert_uint_ge(sockets_of(tcp).network, 3);
	scene_disconnect();
}
END_TEST

START_TEST(only_state_has_the_database_open)
{
	char database[PATH_MAX];

	snprintf(database, sizeof(database), "%s/state/state.db", scene.harness->directory);
	ck_assert(has_open(state, database));
	ck_assert(!has_open(tcp, database));
	ck_assert(!has_open(io, database));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("separate");

	describe_running(suite,
	                 "state, tcp and io",
	                 given_a_set,
	                 scene_stop,
	                 are_processes_of_their_own,
	                 are_programs_of_their_own,
	                 only_io_has_the_backing_file_open,
	                 io_has_no_sockets_but_unix_ones_of_its_own,
	                 state_has_no_sockets_but_unix_ones,
	                 tcp_has_the_hosts_sockets,
	                 only_state_has_the_database_open);
	return harness_run(suite);
}
