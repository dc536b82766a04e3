/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <check.h>

#include "tests/host/controller.h"

/*
 * harness - a running set of nvmetd's processes, for tests.
 *
 * Shape     The launcher, started in a directory of its own with run/, state/, config.json, log and
 *           room for backing files. What to export is a struct; harness_write() makes
 *           nvmetcli's JSON of it. Ports are picked free.
 * Promise   Every wait has a deadline. What goes wrong ends the test (ck_abort) with words and
 *           with the end of the log. harness_stop() ends the set, by process id. The set dies
 *           with the test program.
 * Trust     ours
 * Threads   one
 * Lifetime  harness_stop() frees what the harness holds and removes the directory; when it
 *           is not called (a test was killed) both the directory and the log stay.
 */
#define HARNESS_NQN     "nqn.2001-01.com.example:test"
#define HARNESS_HOSTNQN "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-000000000001"
#define HARNESS_WAIT_MS 20000u

enum {
	HARNESS_PORTS = 4,
	HARNESS_SUBSYSTEMS = 4,
	HARNESS_NAMESPACES = 8,
	HARNESS_HOSTS = 4,
	HARNESS_GROUPS = 4
};

struct harness_namespace {
	uint32_t nsid;         /* 0: none */
	const char *path;      /* "ram:64M"; a relative one is below the harness's directory */
	bool has_faults;       /* "fault:" in front of it */
	bool has_protection;   /* "pi:" in front of that */
	const char *zones;     /* NULL: none; else "zoned:" in front of all, and this in device */
	const char *faults[4]; /* rules for it */
	uint64_t create_bytes; /* make this file, so large, before the start; 0: do not */
	uint32_t block_bytes;  /* 0: not said */
	const char *uuid;      /* NULL: not said */
	bool is_buffered;
	bool has_io_grant;
	bool has_reservations; /* resv.enable */
	bool is_disabled;
	bool is_missing;                  /* its file is not there: do not wait for it */
	const char *hosts[HARNESS_HOSTS]; /* that see it: do not wait for it; none: all, unless */
	bool is_masked;                   /* auto_visible is 0: neither */
	uint32_t ana_group;               /* 0: not said */
	const char *worker;               /* NULL: not said */
};

struct harness_subsystem {
	const char *nqn; /* NULL: none */
	const char *serial;
	const char *hosts[HARNESS_HOSTS]; /* none: any host */
	bool shows_protection;            /* attr.pi_enable */
	bool is_static;                   /* its controller_model, in attributes */
	const char *attributes;           /* more of attr: "\"key\": \"value\"" …; NULL: none */
	struct harness_namespace namespaces[HARNESS_NAMESPACES];
};

struct harness_port {
	const char *trtype;                     /* NULL: "tcp"; another one is not waited for */
	const char *traddr;                     /* NULL: none */
	char trsvcid[8];                        /* empty: a free one is picked */
	const char *in_capsule_bytes;           /* NULL: not said */
	bool shows_protection;                  /* param.pi_enable */
	const char *ana_states[HARNESS_GROUPS]; /* of groups 1, 2 …; NULL: not said */
};

/* Each port has all subsystems. */
struct harness_exports {
	const char *discovery; /* the members of root group "discovery", as JSON; NULL: none */
	struct harness_port ports[HARNESS_PORTS];
	struct harness_subsystem subsystems[HARNESS_SUBSYSTEMS];
	const char *limits; /* what is in the root's: "\"key\": value" …; NULL: nothing */
};

struct harness {
	char directory[64];
	pid_t launcher;
	unsigned threads;           /* of each process; NVMETD_TEST_THREADS, or 1 */
	uid_t run_as;               /* 0: as we are */
	const char *bin_dir;        /* of the programs; NULL: the build's */
	const char *spin_us;        /* as after --spin-us; NULL: not said */
	const char *trace;          /* as after --trace; NULL: not said */
	const char *device_timeout; /* as after --device-timeout; NULL: not said */
	const char *watchdog;       /* as after --watchdog; NULL: not said */
	const char *cpus;           /* as after --cpus; NULL: not said */
	const char *announce;       /* as after --announce; NULL: "no" */
	const char *rdma;           /* as after --rdma; NULL: "no", whatever the machine has */
	unsigned workers;           /* as after --io; 0: not said */
	unsigned files;             /* that each process may have open; 0: as we */
	struct harness_exports exports;
};

/* One namespace of 64 MiB in a file, NSID 1, one of RAM, NSID 2, with 4096-byte blocks; on
 * 127.0.0.1. */
struct harness_exports harness_plain(void);

/* For hosts that are silent on purpose, and between two looks at a condition. */
void harness_pause(unsigned ms);

/* Makes the directory and the files, and picks the ports. */
struct harness *harness_new(const struct harness_exports *exports);
/* Starts the launcher, with config.json if has_config, and waits until it serves: until each
 * enabled namespace of each subsystem can be identified on each port. */
void harness_start(struct harness *harness, bool has_config);
/* Only starts it. */
void harness_launch(struct harness *harness, bool has_config);
void harness_await_service(struct harness *harness);
/* Ends the launcher, and sees that all of its processes have gone. */
void harness_end(struct harness *harness);
/* The launcher was killed: reaps it. */
void harness_forget(struct harness *harness);
/* harness_end(), and removes all. Takes NULL. */
void harness_stop(struct harness *harness);

/* The pid of a process of the set: "state", "tcp", "io-0". Waits until there is one that is not
 * `but_not`. */
pid_t harness_pid(struct harness *harness, const char *name, pid_t but_not);
/* kill -9, and waits until a successor is there. */
pid_t harness_kill(struct harness *harness, const char *name);

/* Runs a program of the build with these arguments after "--run-dir DIR" (nvmetctl only), NULL
 * at the end. Returns its exit status; what it wrote on both outputs, in ret_text. */
int harness_ctl(struct harness *harness, char *ret_text, size_t text_size, ...)
	__attribute__((sentinel));
/* Any program of the build. */
int harness_program(const char *program, char *ret_text, size_t text_size, char *const *arguments,
                    unsigned timeout_ms);

/* The same without waiting: its pid, and where its output goes. The program ends with ours. */
pid_t harness_spawn(const char *program, const char *output_path, char *const *arguments);
/* Waits for the end of what was spawned: its exit status. */
int harness_await(pid_t pid, unsigned timeout_ms);
/* Ends it, whatever it does. */
void harness_end_program(pid_t pid);
/* What a file holds, cut to fit. */
void harness_read(const char *path, char *ret_text, size_t text_size);

/* Writes `exports` as nvmetcli's JSON to NAME in the directory. */
void harness_write(struct harness *harness, const char *name,
                   const struct harness_exports *exports);
/* harness_write() to a file and nvmetctl restore of it, which must succeed. */
void harness_restore(struct harness *harness, const struct harness_exports *exports);

/* A path below the directory; valid until the call after next. */
const char *harness_path(const struct harness *harness, const char *name);
/* How often the set's log has this text. */
unsigned harness_log_count(const struct harness *harness, const char *text);
/* Waits until it has it so often. */
void harness_await_log(const struct harness *harness, const char *text, unsigned times);

/* How to reach subsystem `s` on port `p`. */
struct host_options harness_host(const struct harness *harness, unsigned port, unsigned subsystem);
/* The controller, come up as Linux does it. */
void harness_connect(const struct harness *harness, struct host_controller *ret_controller);
void harness_connect_as(const struct host_options *options, struct host_controller *ret_controller);

/* As describe() of spec.h; but given() and forget() are called once, for all tests of the
 * situation, and a test may take a minute. */
#define describe_running(suite, situation, given, forget, ...)                                     \
	harness_describe((suite),                                                                  \
	                 (situation),                                                              \
	                 (given),                                                                  \
	                 (forget),                                                                 \
	                 (const TTest *const[]){__VA_ARGS__, NULL})
/* The same, where each test has a set of its own. */
#define describe_alone(suite, situation, given, forget, ...)                                       \
	harness_describe_alone((suite),                                                            \
	                       (situation),                                                        \
	                       (given),                                                            \
	                       (forget),                                                           \
	                       (const TTest *const[]){__VA_ARGS__, NULL})
void harness_describe(Suite *suite, const char *situation, SFun given, SFun forget,
                      const TTest *const *tests);
void harness_describe_alone(Suite *suite, const char *situation, SFun given, SFun forget,
                            const TTest *const *tests);

/* Skips the whole program: exit 77 with the reason. */
void harness_skip(const char *reason) __attribute__((noreturn));
/* As run() of spec.h; when a test failed, the logs of all sets that were started follow on
 * stderr. */
int harness_run(Suite *suite);

/* Fails the test unless the call of tests/host returned 0. */
#define host_must(controller, call)                                                                \
	harness_host_must((call), #call, host_controller_error(controller))
#define queue_must(queue, call)           harness_host_must((call), #call, (queue)->connection.error)
#define connection_must(connection, call) harness_host_must((call), #call, (connection)->error)
void harness_host_must(int r, const char *call, const char *error);
