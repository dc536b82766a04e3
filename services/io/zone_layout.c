/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/zone_layout.h"

#include <stdbool.h>
#include <string.h>

#include <isa-l/crc.h>

#define MAGIC       "NVMETDZN"
#define ENTRY_MAGIC "ZONE"
#define VERSION     1u

/* Zones begin at a multiple of it. */
#define ALIGNMENT (64ull << 10)

struct label {
	char magic[8];
	struct le32 version;
	struct le32 block_bytes;
	struct le32 unit_bytes;
	struct le32 count;
	struct le64 blocks;
	struct le64 capacity;
	struct le32 open_max;
	struct le32 active_max;
	struct le64 data;
	uint8_t reserved56[68];
	struct le32 sum; /* of all before it */
};
_Static_assert(sizeof(struct label) == 128, "what disks have");

struct entry {
	char magic[4];
	struct le32 index;
	struct le64 written;
	uint8_t state;
	uint8_t reserved17[43];
	struct le32 sum; /* of all before it */
};
_Static_assert(sizeof(struct entry) == 64, "what disks have");

static uint32_t sum_of(const void *bytes, size_t length)
{
	return crc32_iscsi((unsigned char *)bytes, (int)length, UINT32_MAX);
}

/* ------------------------------------------------------------------ the layout */

static bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

uint64_t zone_layout_end(const struct zone_layout *layout)
{
	return layout->data + layout->geometry.count * zone_layout_stride(layout);
}

/* Room for so many zones' entries, before the zones. */
static uint64_t data_behind(const struct zone_layout *layout, uint64_t count)
{
	uint64_t end = layout->table + (count << layout->unit_shift);

	return (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int find_count(struct zone_layout *layout, uint64_t bytes)
{
	uint64_t stride = zone_layout_stride(layout);
	uint64_t count = bytes / (stride + (1ull << layout->unit_shift));

	while (count > 0 && (data_behind(layout, count) > bytes ||
	                     (bytes - data_behind(layout, count)) / stride < count))
		count--;
	if (count == 0)
		return ZONE_LAYOUT_E_SMALL;
	if (count > ZONES_MAX)
		return ZONE_LAYOUT_E_MANY;
	layout->geometry.count = (uint32_t)count;
	layout->data = data_behind(layout, count);
	return 0;
}

static int check_geometry(const struct zone_layout *layout)
{
	const struct zone_geometry *geometry = &layout->geometry;
	uint64_t most = ZONE_BYTES_MAX >> layout->block_shift;

	if (!is_power_of_two(geometry->blocks) || geometry->blocks > most ||
	    geometry->blocks << layout->block_shift < ZONE_BYTES_MIN)
		return ZONE_LAYOUT_E_SIZE;
	if (geometry->capacity == 0 || geometry->capacity > geometry->blocks)
		return ZONE_LAYOUT_E_CAPACITY;
	if (geometry->active_max && geometry->open_max > geometry->active_max)
		return ZONE_LAYOUT_E_LIMITS;
	return 0;
}

int zone_layout_of(struct zone_layout *ret_layout, const struct zone_plan *plan, uint64_t bytes,
                   uint8_t block_shift, uint8_t unit_shift)
{
	uint64_t zone_bytes = plan->zone_bytes ? plan->zone_bytes : ZONE_BYTES_DEFAULT;
	uint64_t capacity = plan->capacity ? plan->capacity : zone_bytes;
	struct zone_layout layout = {
		.geometry = {.blocks = zone_bytes >> block_shift,
	                     .capacity = capacity >> block_shift,
	                     .open_max = plan->open_max ? plan->open_max : plan->active_max,
	                     .active_max = plan->active_max},
		.block_shift = block_shift,
		.unit_shift = unit_shift,
		.table = ZONE_LABEL_BYTES,
	};
	int r;

	if (!is_power_of_two(zone_bytes) || zone_bytes < ZONE_BYTES_MIN)
		return ZONE_LAYOUT_E_SIZE;
	if (layout.geometry.capacity << block_shift != capacity)
		return ZONE_LAYOUT_E_CAPACITY;
	r = check_geometry(&layout);
	if (!r)
		r = find_count(&layout, bytes);
	if (!r)
		*ret_layout = layout;
	return r;
}

/* ------------------------------------------------------------------ the label */

void zone_label_write(void *ret_label, const struct zone_layout *layout)
{
	struct label label = {
		.magic = MAGIC,
		.version = le32_of(VERSION),
		.block_bytes = le32_of(1u << layout->block_shift),
		.unit_bytes = le32_of(1u << layout->unit_shift),
		.count = le32_of(layout->geometry.count),
		.blocks = le64_of(layout->geometry.blocks),
		.capacity = le64_of(layout->geometry.capacity),
		.open_max = le32_of(layout->geometry.open_max),
		.active_max = le32_of(layout->geometry.active_max),
		.data = le64_of(layout->data),
	};

	label.sum = le32_of(sum_of(&label, offsetof(struct label, sum)));
	memset(ret_label, 0, ZONE_LABEL_BYTES);
	memcpy(ret_label, &label, sizeof(label));
}

static bool is_sound(const struct label *label)
{
	return le32_get(label->sum) == sum_of(label, offsetof(struct label, sum)) &&
	       le32_get(label->version) == VERSION;
}

static bool is_unit(uint32_t bytes)
{
	return bytes == 512 || bytes == 4096;
}

static bool fits(const struct zone_layout *layout, uint64_t bytes)
{
	return layout->geometry.count > 0 && layout->geometry.count <= ZONES_MAX &&
	       layout->data == data_behind(layout, layout->geometry.count) &&
	       layout->data <= bytes &&
	       (bytes - layout->data) / zone_layout_stride(layout) >= layout->geometry.count;
}

int zone_label_read(struct zone_layout *ret_layout, const void *wire, uint64_t bytes)
{
	struct zone_layout layout = {.table = ZONE_LABEL_BYTES};
	struct label label;

	memcpy(&label, wire, sizeof(label));
	if (memcmp(label.magic, MAGIC, sizeof(label.magic)) != 0)
		return ZONE_LAYOUT_E_NONE;
	if (!is_sound(&label))
		return ZONE_LAYOUT_E_DAMAGED;
	if (!is_unit(le32_get(label.block_bytes)) || !is_unit(le32_get(label.unit_bytes)))
		return ZONE_LAYOUT_E_END;
	layout.block_shift = le32_get(label.block_bytes) == 4096 ? 12 : 9;
	layout.unit_shift = le32_get(label.unit_bytes) == 4096 ? 12 : 9;
	layout.data = le64_get(label.data);
	layout.geometry = (struct zone_geometry){
		.blocks = le64_get(label.blocks),
		.capacity = le64_get(label.capacity),
		.count = le32_get(label.count),
		.open_max = le32_get(label.open_max),
		.active_max = le32_get(label.active_max),
	};
	if (check_geometry(&layout) || !fits(&layout, bytes))
		return ZONE_LAYOUT_E_END;
	*ret_layout = layout;
	return 0;
}

/* ------------------------------------------------------------------ entries */

void zone_entry_write(void *ret_unit, size_t unit_bytes, uint32_t index, enum nvme_zone_state state,
                      uint64_t written)
{
	struct entry entry = {
		.magic = ENTRY_MAGIC,
		.index = le32_of(index),
		.written = le64_of(written),
		.state = (uint8_t)state,
	};

	entry.sum = le32_of(sum_of(&entry, offsetof(struct entry, sum)));
	memset(ret_unit, 0, unit_bytes);
	memcpy(ret_unit, &entry, sizeof(entry));
}

/* Its write pointer is one that a zone of this state can have. */
static bool can_be(enum nvme_zone_state state, uint64_t written, uint64_t capacity)
{
	switch (state) {
	case NVME_ZONE_EMPTY:
		return written == 0;
	case NVME_ZONE_IMPLICITLY_OPEN:
	case NVME_ZONE_EXPLICITLY_OPEN:
	case NVME_ZONE_CLOSED:
		return written < capacity;
	case NVME_ZONE_FULL:
	case NVME_ZONE_READ_ONLY:
	case NVME_ZONE_IS_OFFLINE:
		return written <= capacity;
	}
	return false;
}

static bool is_zero(const struct entry *entry)
{
	static const struct entry zero;

	return memcmp(entry, &zero, sizeof(zero)) == 0;
}

int zone_entry_read(const void *unit, uint32_t index, uint64_t capacity,
                    enum nvme_zone_state *ret_state, uint64_t *ret_written)
{
	struct entry entry;
	enum nvme_zone_state state = NVME_ZONE_EMPTY;

	memcpy(&entry, unit, sizeof(entry));
	if (!is_zero(&entry)) {
		state = (enum nvme_zone_state)entry.state;
		if (memcmp(entry.magic, ENTRY_MAGIC, sizeof(entry.magic)) != 0 ||
		    le32_get(entry.index) != index ||
		    le32_get(entry.sum) != sum_of(&entry, offsetof(struct entry, sum)) ||
		    !can_be(state, le64_get(entry.written), capacity))
			return ZONE_LAYOUT_E_DAMAGED;
	}
	*ret_state = state;
	*ret_written = le64_get(entry.written);
	return 0;
}
