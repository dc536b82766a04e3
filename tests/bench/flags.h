/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <getopt.h>

/*
 * flags - the options that nvmetd-bench has, by name.
 *
 * Shape     the table of getopt_long(); what it returns is a flag
 * Promise   There are fewer than 64, so a set of them is a word. Those of a kind are next to each
 *           other, as options.c wants them.
 * Trust     none
 * Threads   any
 * Lifetime  static
 */
enum flag {
	FLAG_TRADDR = 1,
	FLAG_TRSVCID,
	FLAG_NQN,
	FLAG_NSID,
	FLAG_HOSTNQN,
	FLAG_HDGST,
	FLAG_DDGST,
	FLAG_SQFLOW,
	FLAG_KATO,
	FLAG_RW,
	FLAG_MIX,
	FLAG_BS,
	FLAG_QD,
	FLAG_CONNECTIONS,
	FLAG_LOCKSTEP,
	FLAG_SECONDS,
	FLAG_IOS,
	FLAG_WARMUP,
	FLAG_REGION,
	FLAG_R2T,
	FLAG_SEED,
	FLAG_CPU,
	FLAG_VERIFY,
	FLAG_RECONNECT,
	FLAG_IO_TIMEOUT,
	FLAG_CEILING,
	FLAG_TARGET_CPU,
	FLAG_JSON,
	FLAG_PAUSE_A,
	FLAG_PAUSE_B,
	FLAG_TREE,
	FLAG_SVG,
	FLAG_HELP,
	FLAG_VERSION
};

extern const struct option flags[];

/* Without its dashes. */
const char *flags_name(int flag);
