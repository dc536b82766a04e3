/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/zone_machine.h"

#include "tests/support/spec.h"

struct zones zones;

void machine_make(uint32_t open_max, uint32_t active_max)
{
	const struct zone_geometry geometry = {
		.blocks = BLOCKS,
		.capacity = CAPACITY,
		.count = ZONES,
		.open_max = open_max,
		.active_max = active_max,
	};

	ck_assert_int_eq(zones_init(&zones, &geometry), 0);
}

void machine_forget(void)
{
	zones_deinit(&zones);
}

unsigned code_of(struct nvme_status status)
{
	ck_assert(status_is_ok(status) || (status.value & NVME_STATUS_DNR));
	return (unsigned)status_code(status);
}

unsigned write_at(uint32_t index, uint64_t offset, uint64_t count)
{
	struct nvme_status status = zones_begin_write(
		&zones, zones_first_block(&zones, index) + offset, count);

	if (status_is_ok(status))
		zones_wrote(&zones, index, count, NULL);
	return code_of(status);
}

unsigned act(uint32_t index, enum nvme_zone_send_action action)
{
	bool changes = false;
	struct nvme_status status = zones_begin_action(&zones, index, action, &changes);

	if (status_is_ok(status) && changes)
		zones_did(&zones, index, action);
	return code_of(status);
}

unsigned state_of(uint32_t index)
{
	return zones.zones[index].state;
}
