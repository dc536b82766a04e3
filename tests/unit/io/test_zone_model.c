/* SPDX-License-Identifier: BSD-2-Clause */
/* The state machine of zones in a long run of anything, against a model that is too simple to be
 * wrong. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/io/zone_machine.h"
#include "tests/unit/io/zone_transition.h"

#define OPEN_MAX   2
#define ACTIVE_MAX 4

static void given_zones(void)
{
	machine_make(OPEN_MAX, ACTIVE_MAX);
}

/* ------------------------------------------------------------------ the model */

/* States and pointers, and the order in which zones became implicitly open; all else is counted
 * anew each time. */
static struct {
	unsigned state[ZONES];
	uint64_t written[ZONES];
	unsigned long age[ZONES];
	unsigned long now;
} model;

static unsigned count_states(unsigned a, unsigned b, unsigned c)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < ZONES; i++)
		n += model.state[i] == a || model.state[i] == b || model.state[i] == c;
	return n;
}

static bool model_closes_one(void)
{
	int oldest = -1;

	for (int i = 0; i < ZONES; i++)
		if (model.state[i] == NVME_ZONE_IMPLICITLY_OPEN &&
		    (oldest < 0 || model.age[i] < model.age[oldest]))
			oldest = i;
	if (oldest >= 0)
		model.state[oldest] = NVME_ZONE_CLOSED;
	return oldest >= 0;
}

static unsigned model_opens(uint32_t index, unsigned to)
{
	unsigned open = count_states(2, 3, 0), active = count_states(2, 3, 4);

	if (model.state[index] == NVME_ZONE_EMPTY && active == ACTIVE_MAX)
		return NVME_SC_ZONES_ACTIVE;
	if (model.state[index] != 2 && model.state[index] != 3 && open == OPEN_MAX &&
	    !model_closes_one())
		return NVME_SC_ZONES_OPEN;
	model.state[index] = to;
	model.age[index] = model.now++;
	return 0;
}

static unsigned model_writes(uint32_t index, uint64_t offset, uint64_t count)
{
	unsigned r = 0;

	if (model.state[index] == NVME_ZONE_FULL)
		return NVME_SC_ZONE_FULL;
	if (offset + count > BLOCKS)
		return NVME_SC_ZONE_BOUNDARY;
	if (offset != model.written[index])
		return NVME_SC_ZONE_INVALID_WRITE;
	if (offset + count > CAPACITY)
		return NVME_SC_ZONE_BOUNDARY;
	if (model.state[index] != NVME_ZONE_EXPLICITLY_OPEN)
		r = model_opens(index, NVME_ZONE_IMPLICITLY_OPEN);
	if (r)
		return r;
	model.written[index] += count;
	if (model.written[index] == CAPACITY)
		model.state[index] = NVME_ZONE_FULL;
	return 0;
}

static unsigned model_acts(uint32_t index, unsigned action)
{
	unsigned from = model.state[index];
	unsigned to = 0;

	for (unsigned i = 0; i < TRANSITIONS; i++)
		if (transitions[i].from == from)
			to = transitions[i].to[action];
	if (!to)
		return NVME_SC_ZONE_TRANSITION;
	if (action == NVME_ZONE_OPEN)
		return from == to ? 0 : model_opens(index, to);
	model.state[index] = to;
	if (action == NVME_ZONE_RESET)
		model.written[index] = 0;
	return 0;
}

static bool is_as_the_model(void)
{
	bool same = zones.n_open == count_states(2, 3, 0) &&
	            zones.n_active == count_states(2, 3, 4) && zones.n_open <= OPEN_MAX &&
	            zones.n_active <= ACTIVE_MAX;

	for (uint32_t i = 0; same && i < ZONES; i++)
		same = state_of(i) == model.state[i] && zones.zones[i].written == model.written[i];
	return same;
}

START_TEST(are_as_a_simple_model_has_them)
{
	unsigned seed = 1;

	memset(&model, 0, sizeof(model));
	for (uint32_t i = 0; i < ZONES; i++)
		model.state[i] = NVME_ZONE_EMPTY;
	for (unsigned step = 0; step < 10000; step++) {
		uint32_t index = (uint32_t)rand_r(&seed) % ZONES;
		unsigned what = (unsigned)rand_r(&seed) % 8;
		uint64_t count = 1 + (unsigned)rand_r(&seed) % 6;
		uint64_t offset = rand_r(&seed) % 4 == 0 ? (unsigned)rand_r(&seed) % BLOCKS
		                                         : model.written[index];
		unsigned action = 1 + (unsigned)rand_r(&seed) % 5;

		if (what < 5 && offset < BLOCKS)
			ck_assert_uint_eq(write_at(index, offset, count),
			                  model_writes(index, offset, count));
		else
			ck_assert_uint_eq(act(index, (enum nvme_zone_send_action)action),
			                  model_acts(index, action));
		ck_assert_msg(is_as_the_model(), "another state after step %u", step);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zones of any kind");

	describe(suite, "zones", given_zones, machine_forget, are_as_a_simple_model_has_them);
	return run(suite);
}
