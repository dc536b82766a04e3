/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As KVM's halt polling does it. On a virtual machine, waking a sleeping core takes 120 to
 * 260 us, and an empty look 0.1 us: a spin that is ended by work is always the better choice.
 */
#include "common/loop/spin.h"

#include <stdbool.h>

#include "common/base/clock.h"

#define STEP_NS (2 * NS_PER_US)

/* What being woken may take by itself: a sleep not longer than this and the longest spin was
 * ended by work that the spin might have met. */
#define WAKE_NS (200 * NS_PER_US)

#define REST_MIN_NS (50 * NS_PER_MS)
#define REST_MAX_NS NS_PER_S
#define IN_A_ROW_NS (20 * NS_PER_MS)

struct spin spin_of(uint64_t max_ns)
{
	return (struct spin){.max_ns = max_ns, .budget_ns = max_ns / 2};
}

uint64_t spin_budget_ns(const struct spin *spin, uint64_t now_ns)
{
	return now_ns < spin->rest_until_ns ? 0 : spin->budget_ns;
}

void spin_found(struct spin *spin)
{
	spin->budget_ns = 2 * spin->budget_ns + STEP_NS;
	if (spin->budget_ns > spin->max_ns)
		spin->budget_ns = spin->max_ns;
}

void spin_found_nothing(struct spin *spin)
{
	spin->budget_ns /= 2;
	if (spin->budget_ns < STEP_NS)
		spin->budget_ns = 0;
}

void spin_slept(struct spin *spin, uint64_t slept_ns)
{
	if (slept_ns <= spin->max_ns + WAKE_NS)
		spin_found(spin);
}

/* Once may be the hypervisor, or a passer-by. A rest that follows the last one soon is twice as
 * long, since a trial costs some slices. */
void spin_robbed(struct spin *spin, uint64_t now_ns)
{
	bool is_again = spin->robbed_ns && now_ns < spin->robbed_ns + IN_A_ROW_NS;
	bool is_soon = spin->rest_ns && now_ns < spin->rest_until_ns + spin->rest_ns;

	spin->robbed_ns = now_ns;
	if (!is_again && !is_soon)
		return;
	spin->rest_ns = is_soon ? 2 * spin->rest_ns : REST_MIN_NS;
	if (spin->rest_ns > REST_MAX_NS)
		spin->rest_ns = REST_MAX_NS;
	spin->rest_until_ns = now_ns + spin->rest_ns;
}
