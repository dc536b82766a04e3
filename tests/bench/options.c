/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

static const char help[] =
	"nvmetd-bench - load an NVMe/TCP namespace, and measure or verify it\n"
	"\n"
	"usage: nvmetd-bench --traddr ADDRESS --nqn NQN [OPTION]...\n"
	"\n"
	"WITH --verify OR WITHOUT --rw randread OR --rw read IT WRITES: data of the namespace is\n"
	"overwritten, from its first block.\n"
	"\n"
	"What to connect to\n"
	"  --traddr ADDRESS    IPv4 or IPv6 address of the target\n"
	"  --trsvcid PORT      its port (4420)\n"
	"  --nqn NQN           the subsystem\n"
	"  --nsid N            the namespace (1)\n"
	"  --hostnqn NQN       who we are\n"
	"  --hdgst, --ddgst    with header digests, with data digests\n"
	"  --disable-sqflow    without submission queue flow control\n"
	"  --kato SECONDS      keep-alive timeout (15; 0 is none)\n"
	"\n"
	"The load\n"
	"  --rw PATTERN        randread (default), randwrite, randrw, read, write, rw\n"
	"  --mix PERCENT       so much of it reads (randrw and rw: 50)\n"
	"  --bs BYTES          size of an I/O, with K or M (4096)\n"
	"  --qd N              I/Os in flight on each connection (1)\n"
	"  --connections N     I/O queues, each a TCP connection (1)\n"
	"  --lockstep          each connection sends --qd I/Os at once, waits for all of their\n"
	"                      answers, and then sends the next: the same batches in every run\n"
	"  --seconds N         how long (10)\n"
	"  --ios N             end after N I/Os instead (they are what is measured)\n"
	"  --warmup N          so long before it, not measured (0)\n"
	"  --region BYTES      use only the first BYTES, with K, M or G (all; with --verify 256M)\n"
	"  --r2t               ask for every write to be fetched, none in the capsule\n"
	"  --seed N            of the random numbers (from the clock)\n"
	"  --cpu N             run on this CPU (the last one if there are two or more; -1: any)\n"
	"\n"
	"Verification\n"
	"  --verify            write stamped blocks, check each read, and check all at the end\n"
	"  --reconnect[=SEC]   when the connection is lost, connect again for up to SEC (60)\n"
	"                      seconds, repeat what was in flight, and go on\n"
	"  --io-timeout SEC    an I/O that takes longer is a lost connection (30)\n"
	"\n"
	"Results\n"
	"  --ceiling           also measure, turn by turn with the load, what bare TCP does: the "
	"same\n"
	"                      bytes between two processes that do nothing else; we say how many\n"
	"                      per cent of it the target reaches\n"
	"  --target-cpu N      run the other side of that on this CPU: where the target runs\n"
	"  --json              one JSON object: iops mean_us p50_us p99_us p999_us errors\n"
	"                      ceiling_percent (null without --ceiling), and more\n"
	"  --help, --version\n"
	"\n"
	"Exit status: 0 all went well; 1 an I/O failed, a byte was wrong, or the connection was "
	"lost;\n"
	"2 the command line is wrong; 3 no connection to the target or namespace came about\n";

enum {
	TRADDR = 1,
	TRSVCID,
	NQN,
	NSID,
	HOSTNQN,
	HDGST,
	DDGST,
	SQFLOW,
	KATO,
	RW,
	MIX,
	BS,
	QD,
	CONNECTIONS,
	LOCKSTEP,
	SECONDS,
	IOS,
	WARMUP,
	REGION,
	R2T,
	SEED,
	CPU,
	VERIFY,
	RECONNECT,
	IO_TIMEOUT,
	CEILING,
	TARGET_CPU,
	JSON,
	HELP,
	VERSION
};

static const struct option longs[] = {
	{"traddr",         required_argument, NULL, TRADDR     },
	{"trsvcid",        required_argument, NULL, TRSVCID    },
	{"nqn",            required_argument, NULL, NQN        },
	{"nsid",           required_argument, NULL, NSID       },
	{"hostnqn",        required_argument, NULL, HOSTNQN    },
	{"hdgst",          no_argument,       NULL, HDGST      },
	{"ddgst",          no_argument,       NULL, DDGST      },
	{"disable-sqflow", no_argument,       NULL, SQFLOW     },
	{"kato",           required_argument, NULL, KATO       },
	{"rw",             required_argument, NULL, RW         },
	{"mix",            required_argument, NULL, MIX        },
	{"bs",             required_argument, NULL, BS         },
	{"qd",             required_argument, NULL, QD         },
	{"connections",    required_argument, NULL, CONNECTIONS},
	{"lockstep",       no_argument,       NULL, LOCKSTEP   },
	{"seconds",        required_argument, NULL, SECONDS    },
	{"ios",            required_argument, NULL, IOS        },
	{"warmup",         required_argument, NULL, WARMUP     },
	{"region",         required_argument, NULL, REGION     },
	{"r2t",            no_argument,       NULL, R2T        },
	{"seed",           required_argument, NULL, SEED       },
	{"cpu",            required_argument, NULL, CPU        },
	{"verify",         no_argument,       NULL, VERIFY     },
	{"reconnect",      optional_argument, NULL, RECONNECT  },
	{"io-timeout",     required_argument, NULL, IO_TIMEOUT },
	{"ceiling",        no_argument,       NULL, CEILING    },
	{"target-cpu",     required_argument, NULL, TARGET_CPU },
	{"json",           no_argument,       NULL, JSON       },
	{"help",           no_argument,       NULL, HELP       },
	{"version",        no_argument,       NULL, VERSION    },
	{NULL,             0,                 NULL, 0          },
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "nvmetd-bench: %s: \"%s\"\nTry nvmetd-bench --help\n", what, value);
	return OPTIONS_E_USAGE;
}

/* A number with K, M, G, T if has_unit. False if it is none, or out of range. */
static bool number(const char *text, bool has_unit, uint64_t least, uint64_t most, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t value;
	unsigned shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || text[0] == '-')
		return false;
	if (has_unit && *end && (unit = strchr(units, *end)) != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (*end || value > UINT64_MAX >> shift || value << shift < least || value << shift > most)
		return false;
	*ret = value << shift;
	return true;
}

static bool number_of(const char *text, unsigned least, unsigned most, unsigned *ret)
{
	uint64_t value;

	if (!number(text, false, least, most, &value))
		return false;
	*ret = (unsigned)value;
	return true;
}

static bool pattern(struct options *options, const char *word)
{
	static const struct {
		const char *word;
		unsigned read_percent;
		bool is_sequential;
	} patterns[] = {
		{"randread",  100, false},
		{"randwrite", 0,   false},
		{"randrw",    50,  false},
		{"read",      100, true },
		{"write",     0,   true },
		{"rw",        50,  true },
	};

	for (unsigned i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (!strcmp(patterns[i].word, word)) {
			options->read_percent = patterns[i].read_percent;
			options->is_sequential = patterns[i].is_sequential;
			return true;
		}
	return false;
}

static bool cpu(const char *text, int *ret)
{
	unsigned value;

	if (!strcmp(text, "-1")) {
		*ret = -1;
		return true;
	}
	if (!number_of(text, 0, CPU_SETSIZE - 1, &value))
		return false;
	*ret = (int)value;
	return true;
}

static bool take_target(struct options *options, int which, const char *value)
{
	unsigned seconds;

	switch (which) {
	case TRADDR:
		options->host.address.traddr = value;
		return true;
	case TRSVCID:
		options->host.address.trsvcid = value;
		return true;
	case NQN:
		options->host.subnqn = value;
		return strlen(value) <= NVME_NQN_MAX;
	case HOSTNQN:
		options->host.hostnqn = value;
		return strlen(value) <= NVME_NQN_MAX;
	case NSID:
		return number_of(value, 1, NVME_NSID_ALL - 1, &options->nsid);
	case HDGST:
		options->host.wishes.header_digest = true;
		return true;
	case DDGST:
		options->host.wishes.data_digest = true;
		return true;
	case SQFLOW:
		options->host.disable_sqflow = true;
		return true;
	case KATO:
		if (!number_of(value, 0, 3600, &seconds))
			return false;
		options->host.kato_ms = seconds * 1000;
		return true;
	}
	return false;
}

static bool take_load(struct options *options, int which, const char *value)
{
	uint64_t bytes;

	switch (which) {
	case RW:
		return pattern(options, value);
	case MIX:
		return number_of(value, 0, 100, &options->read_percent);
	case BS:
		if (!number(value, true, 512, 64 << 20, &bytes))
			return false;
		options->block_bytes = (uint32_t)bytes;
		return true;
	case QD:
		return number_of(value, 1, 1024, &options->depth);
	case CONNECTIONS:
		return number_of(value, 1, 128, &options->connections);
	case LOCKSTEP:
		options->lockstep = true;
		return true;
	case IOS:
		return number(value, true, 1, UINT64_MAX, &options->ios);
	case SECONDS:
		return number_of(value, 1, 1000000, &options->seconds);
	case WARMUP:
		return number_of(value, 0, 3600, &options->warmup_seconds);
	case REGION:
		return number(value, true, 512, UINT64_MAX, &options->region_bytes);
	case R2T:
		options->transfer = true;
		return true;
	case SEED:
		return number(value, false, 0, UINT64_MAX, &options->seed);
	case CPU:
		return cpu(value, &options->cpu);
	case TARGET_CPU:
		return cpu(value, &options->target_cpu);
	}
	return false;
}

static bool take_switch(struct options *options, int which, const char *value)
{
	switch (which) {
	case VERIFY:
		options->verify = true;
		return true;
	case RECONNECT:
		options->reconnect_seconds = 60;
		return !value || number_of(value, 1, 3600, &options->reconnect_seconds);
	case IO_TIMEOUT:
		return number_of(value, 1, 3600, &options->io_timeout_seconds);
	case CEILING:
		options->ceiling = true;
		return true;
	case JSON:
		options->json = true;
		return true;
	}
	return false;
}

static bool take(struct options *options, int which, const char *value)
{
	if (which <= KATO)
		return take_target(options, which, value);
	if (which <= CPU || which == TARGET_CPU)
		return take_load(options, which, value);
	return take_switch(options, which, value);
}

static const char *name_of(int which)
{
	for (const struct option *option = longs; option->name; option++)
		if (option->val == which)
			return option->name;
	return "";
}

/* The last CPU that we may use, if there are two. */
static int default_cpu(void)
{
	cpu_set_t set;
	int last = -1;

	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < 2)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &set))
			last = i;
	return last;
}

static int check(const struct options *options)
{
	if (!options->host.address.traddr)
		return usage("an option is missing", "--traddr");
	if (!options->host.subnqn)
		return usage("an option is missing", "--nqn");
	if (options->block_bytes % 512)
		return usage("--bs is no multiple of 512", "");
	if (options->ceiling && options->reconnect_seconds)
		return usage("--ceiling compares undisturbed loads, so not with", "--reconnect");
	if (options->ceiling && options->lockstep)
		return usage("--ceiling keeps --qd I/Os in flight, so not with", "--lockstep");
	if (options->ceiling && options->ios)
		return usage("--ceiling takes turns of some time, so not with", "--ios");
	return 0;
}

int options_parse(struct options *ret_options, int argc, char **argv)
{
	struct options options = {
		.host = {.address = {.trsvcid = "4420"},
	                 .hostnqn = "nqn.2014-08.org.nvmexpress:uuid:6e766d65-7464-4265-8e63-"
	                            "680000000001", .hostid = "nvmetd-bench-id",
	                 .kato_ms = 15000,
	                 .timeout_ms = 10000},
		.nsid = 1,
		.block_bytes = 4096,
		.depth = 1,
		.read_percent = 100,
		.connections = 1,
		.seconds = 10,
		.io_timeout_seconds = 30,
		.cpu = default_cpu(),
		.target_cpu = -1,
		.seed = clock_now_ns(),
	};
	char given[64];
	int which;

	while ((which = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (which == '?')
			return OPTIONS_E_USAGE;
		if (which == HELP || which == VERSION) {
			fputs(which == HELP ? help : "nvmetd-bench " NVMETD_VERSION "\n", stdout);
			return OPTIONS_E_DONE;
		}
		snprintf(given, sizeof(given), "--%s cannot be", name_of(which));
		if (!take(&options, which, optarg))
			return usage(given, optarg);
	}
	if (optind < argc)
		return usage("not understood", argv[optind]);
	if (options.verify && !options.region_bytes)
		options.region_bytes = 256 << 20;
	*ret_options = options;
	return check(&options);
}
