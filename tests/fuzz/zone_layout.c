/* SPDX-License-Identifier: BSD-2-Clause */
/* A store that says anything of its zones: the input is a label, and then entries of its table. The
 * sums are made good, or nothing would ever get past them. Whatever it is, what is taken fits into
 * the store, and the machine of zones keeps its limits with it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/crc.h>

#include "common/base/error.h"
#include "services/io/zone_layout.h"

#define STORE       (64ull << 20)
#define LABEL_BYTES 128
#define ENTRY_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_sum_good(unsigned char *bytes, size_t length)
{
	const struct le32 sum = le32_of(crc32_iscsi(bytes, (int)(length - 4), UINT32_MAX));

	memcpy(bytes + length - 4, &sum, 4);
}

static void check_layout(const struct zone_layout *layout)
{
	const struct zone_geometry *geometry = &layout->geometry;

	must(geometry->count > 0 && geometry->count <= ZONES_MAX);
	must((geometry->blocks & (geometry->blocks - 1)) == 0);
	must(geometry->blocks << layout->block_shift <= ZONE_BYTES_MAX);
	must(geometry->capacity > 0 && geometry->capacity <= geometry->blocks);
	must(layout->table + ((uint64_t)geometry->count << layout->unit_shift) <= layout->data);
	must(zone_layout_end(layout) <= STORE);
}

/* As many zones as the input has entries for; limits of two and three, whatever the label says. */
static void take_entries(const struct zone_layout *layout, const uint8_t *data, size_t size)
{
	struct zone_geometry geometry = layout->geometry;
	struct zones zones;

	geometry.open_max = 2;
	geometry.active_max = 3;
	must(zones_init(&zones, &geometry) == 0);
	for (uint32_t i = 0; i < geometry.count && size >= ENTRY_BYTES; i++) {
		unsigned char entry[ENTRY_BYTES];
		enum nvme_zone_state state;
		uint64_t written;

		memcpy(entry, data, ENTRY_BYTES);
		if (entry[ENTRY_BYTES - 1] != 0)
			make_sum_good(entry, ENTRY_BYTES);
		data += ENTRY_BYTES;
		size -= ENTRY_BYTES;
		if (zone_entry_read(entry, i, geometry.capacity, &state, &written))
			continue;
		must(written <= geometry.capacity);
		zones_set(&zones, i, state, written);
		must(zones.n_open <= 2);
		must(zones.n_active <= i + 1);
		if (zones_may_be_again(&zones, zones_first_block(&zones, i), 1))
			must(zones_find_run(&zones, zones_first_block(&zones, i), 1).is_written);
	}
	zones_deinit(&zones);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char label[ZONE_LABEL_BYTES];
	struct zone_layout layout;

	if (size < LABEL_BYTES)
		return 0;
	memset(label, 0, sizeof(label));
	memcpy(label, data, LABEL_BYTES);
	if (label[LABEL_BYTES - 1] != 0)
		make_sum_good(label, LABEL_BYTES);
	if (zone_label_read(&layout, label, STORE))
		return 0;
	check_layout(&layout);
	take_entries(&layout, data + LABEL_BYTES, size - LABEL_BYTES);
	return 0;
}
