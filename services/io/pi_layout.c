/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/pi_layout.h"

#include <string.h>

#include <isa-l/crc.h>

#include "common/nvme/protection.h"

#define MAGIC   "NVMETDPI"
#define VERSION 1u

struct label {
	char magic[8];
	struct le32 version;
	struct le32 block_bytes;
	struct le64 blocks;
	struct le64 tuples;
	uint8_t reserved[28];
	struct be16 reserved60;
	struct be16 guard; /* of all before it */
};
_Static_assert(sizeof(struct label) == 64, "what disks have");

static uint64_t tuple_units(const struct pi_layout *layout)
{
	uint64_t a_unit = pi_blocks_a_unit(layout);

	return (layout->blocks + a_unit - 1) / a_unit;
}

/* Behind the last unit that is used, without the label. */
static uint64_t end_of(const struct pi_layout *layout)
{
	return layout->tuples + (tuple_units(layout) << layout->unit_shift);
}

static bool fits(const struct pi_layout *layout, uint64_t bytes)
{
	return end_of(layout) <= pi_label_offset(bytes);
}

uint64_t pi_label_offset(uint64_t bytes)
{
	uint64_t labels = bytes / PI_LABEL_BYTES;

	return labels > 0 ? (labels - 1) * PI_LABEL_BYTES : 0;
}

int pi_layout_of(struct pi_layout *ret_layout, uint64_t bytes, uint8_t block_shift,
                 uint8_t unit_shift)
{
	uint64_t room = pi_label_offset(bytes);
	struct pi_layout layout = {.block_shift = block_shift, .unit_shift = unit_shift};

	layout.blocks = room / (((uint64_t)1 << block_shift) + NVME_PROTECTION_SIZE);
	/* Once or twice, for the tuples' last unit. */
	for (; layout.blocks > 0; layout.blocks--) {
		layout.tuples = layout.blocks << block_shift;
		if (fits(&layout, bytes))
			break;
	}
	if (layout.blocks == 0)
		return PI_LAYOUT_E_SMALL;
	*ret_layout = layout;
	return 0;
}

void pi_label_write(void *ret_label, const struct pi_layout *layout)
{
	struct label label = {
		.magic = MAGIC,
		.version = le32_of(VERSION),
		.block_bytes = le32_of(1u << layout->block_shift),
		.blocks = le64_of(layout->blocks),
		.tuples = le64_of(layout->tuples),
	};

	label.guard = be16_of(crc16_t10dif(0, (uint8_t *)&label, offsetof(struct label, guard)));
	memset(ret_label, 0, PI_LABEL_BYTES);
	memcpy(ret_label, &label, sizeof(label));
}

int pi_label_read(struct pi_layout *ret_layout, const void *wire, uint64_t bytes,
                  uint8_t unit_shift)
{
	struct pi_layout layout = {.unit_shift = unit_shift};
	struct label label;

	memcpy(&label, wire, sizeof(label));
	if (memcmp(label.magic, MAGIC, sizeof(label.magic)) != 0 ||
	    be16_get(label.guard) !=
	            crc16_t10dif(0, (uint8_t *)&label, offsetof(struct label, guard)) ||
	    le32_get(label.version) != VERSION)
		return PI_LAYOUT_E_NONE;
	layout.block_shift = le32_get(label.block_bytes) == 4096 ? 12 : 9;
	layout.blocks = le64_get(label.blocks);
	layout.tuples = le64_get(label.tuples);
	if (le32_get(label.block_bytes) != 1u << layout.block_shift || layout.blocks == 0 ||
	    layout.blocks > bytes >> layout.block_shift ||
	    layout.tuples != layout.blocks << layout.block_shift || !fits(&layout, bytes))
		return PI_LAYOUT_E_END;
	*ret_layout = layout;
	return 0;
}

struct pi_units pi_units_of(const struct pi_layout *layout, uint64_t first, uint64_t count)
{
	uint64_t a_unit = pi_blocks_a_unit(layout);
	uint64_t end = first + count;

	/* Behind the last block there are no others. */
	return (struct pi_units){
		.first = first / a_unit,
		.end = (end + a_unit - 1) / a_unit,
		.before = (uint32_t)(first % a_unit) * NVME_PROTECTION_SIZE,
		.are_whole = first % a_unit == 0 && (end % a_unit == 0 || end == layout->blocks),
	};
}
