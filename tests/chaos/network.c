/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of the network: by the proxy, and by packets that are lost. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "tests/chaos/chaos.h"

#define SPLIT_DELAY_MS 40u

const char *fault_needs_proxy(const struct chaos *chaos)
{
	for (unsigned i = 0; i < chaos->n_loads; i++)
		if (chaos->loads[i]->is_by_proxy)
			return NULL;
	return "no load goes through the proxy";
}

static int heal(struct chaos *chaos)
{
	chaos->weather = (struct proxy_weather){0};
	proxy_set(chaos->proxy, &chaos->weather);
	return 0;
}

int fault_reset(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	proxy_reset(chaos->proxy);
	return 0;
}

int fault_shape(struct chaos *chaos, struct occurrence *occurrence)
{
	chaos->weather.delay_ms = chaos->weather.jitter_ms = occurrence->amount;
	proxy_set(chaos->proxy, &chaos->weather);
	return 0;
}

int fault_slow(struct chaos *chaos, struct occurrence *occurrence)
{
	chaos->weather.bytes_per_ms = occurrence->amount * 1024 / 1000 + 1;
	proxy_set(chaos->proxy, &chaos->weather);
	return 0;
}

int fault_freeze(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	chaos->weather.is_frozen = true;
	proxy_set(chaos->proxy, &chaos->weather);
	return 0;
}

int fault_half_open(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	proxy_freeze_connections(chaos->proxy);
	return 0;
}

int fault_cut(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	chaos->weather.is_refusing = true;
	proxy_set(chaos->proxy, &chaos->weather);
	proxy_reset(chaos->proxy);
	return 0;
}

/* So that there is something on its way when the half of it is lost. */
int fault_split(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	chaos->weather.delay_ms = SPLIT_DELAY_MS;
	proxy_set(chaos->proxy, &chaos->weather);
	return 0;
}

bool fault_split_is_over(struct chaos *chaos, struct occurrence *occurrence)
{
	bool is_split = chaos->weather.delay_ms == 0;

	if (!is_split && clock_now_ns() > occurrence->begin_ns + 2 * SPLIT_DELAY_MS * NS_PER_MS) {
		proxy_split(chaos->proxy);
		(void)heal(chaos);
	}
	return false;
}

void fault_thaw(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	(void)heal(chaos);
	proxy_thaw(chaos->proxy);
}

void fault_heal(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	(void)heal(chaos);
}

void fault_drop(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)heal(chaos);
	if (occurrence->fault->begin == fault_half_open)
		proxy_reset_frozen(chaos->proxy);
	else
		proxy_reset(chaos->proxy);
}

/* ------------------------------------------------------------------ lost packets */

static int run_nft(const char *commands)
{
	FILE *nft = popen("nft -f - 2>/dev/null", "we");
	int status;

	if (!nft)
		return -errno;
	fputs(commands, nft);
	status = pclose(nft);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EOPNOTSUPP;
}

const char *fault_needs_nft(const struct chaos *chaos)
{
	static int works = -1;

	if (!chaos->set.is_own)
		return "the network is not ours: only with a set of our own";
	if (!chaos->set.has_own_network)
		return "this needs root, for a network namespace";
	if (works < 0)
		works = run_nft("table inet nvmetd_chaos {}\ndelete table inet nvmetd_chaos\n") ==
		        0;
	return works ? NULL : "nft is not installed, or the kernel has no nf_tables";
}

int fault_lose(struct chaos *chaos, struct occurrence *occurrence)
{
	char commands[400];

	snprintf(commands,
	         sizeof(commands),
	         "table inet nvmetd_chaos {\n"
	         "  chain in {\n"
	         "    type filter hook input priority 0;\n"
	         "    tcp dport %s numgen random mod 100 < %u drop\n"
	         "    tcp sport %s numgen random mod 100 < %u drop\n"
	         "  }\n}\n",
	         chaos->set.trsvcid,
	         occurrence->amount,
	         chaos->set.trsvcid,
	         occurrence->amount);
	return run_nft(commands);
}

void fault_lose_no_more(struct chaos *chaos, struct occurrence *occurrence)
{
	(void)occurrence;
	if (run_nft("delete table inet nvmetd_chaos\n") != 0)
		findings_add(&chaos->findings, "harness", "lost packets cannot be ended");
}
