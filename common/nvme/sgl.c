/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/sgl.h"

#include <stddef.h>
#include <string.h>

#define OFFSET_BLOCK    (NVME_SGL_DATA_BLOCK << 4 | NVME_SGL_SUB_OFFSET)
#define TRANSPORT_BLOCK (NVME_SGL_TRANSPORT << 4 | NVME_SGL_SUB_TRANSPORT)
#define KEYED_BLOCK     (NVME_SGL_KEYED_DATA_BLOCK << 4 | NVME_SGL_SUB_ADDRESS)
#define KEYED_ONCE      (NVME_SGL_KEYED_DATA_BLOCK << 4 | NVME_SGL_SUB_INVALIDATE)

#define LOCATION(field) ((uint16_t)offsetof(struct nvme_command, sgl.field))

struct finding {
	struct nvme_status status;
	uint16_t location;
};

static struct finding wrong(enum nvme_status_code code, uint16_t location)
{
	return (struct finding){.status = status_dnr(code), .location = location};
}

static const struct finding fine = {.status = {0}};

static bool is_keyed(uint8_t type)
{
	return type == KEYED_BLOCK || type == KEYED_ONCE;
}

struct sgl_block sgl_block(const struct nvme_keyed_sgl *keyed)
{
	return (struct sgl_block){
		.address = le64_get(keyed->address),
		.length = keyed->length[0] | (uint32_t)keyed->length[1] << 8 |
	                  (uint32_t)keyed->length[2] << 16,
		.key = keyed->key[0] | (uint32_t)keyed->key[1] << 8 |
	               (uint32_t)keyed->key[2] << 16 | (uint32_t)keyed->key[3] << 24,
		.invalidate = keyed->type == KEYED_ONCE,
	};
}

/* ------------------------------------------------------------------ in the capsule */

/* A capsule may be longer than its data where its length is not a field of its own. */
static bool fits_capsule(uint64_t offset, uint32_t length, uint32_t bytes, bool is_exact)
{
	return is_exact ? length == bytes : offset <= bytes && length <= bytes - offset;
}

static struct finding find_in_capsule(const struct nvme_command *command,
                                      const struct sgl_rules *rules, uint32_t capsule_bytes,
                                      enum nvme_transfer direction, struct decoded_sgl *sgl)
{
	uint32_t length = le32_get(command->sgl.length);
	uint64_t offset = le64_get(command->sgl.address);
	bool is_stream = rules->blocks_max == 0;

	if (direction != NVME_TRANSFER_TO_CONTROLLER)
		return wrong(NVME_SC_INVALID_FIELD, LOCATION(type));
	if (offset > (is_stream ? 0 : rules->capsule_max) || length > rules->capsule_max - offset)
		return wrong(NVME_SC_SGL_OFFSET, LOCATION(address));
	if (!fits_capsule(offset, length, capsule_bytes, is_stream))
		return wrong(NVME_SC_SGL_DATA_LENGTH, LOCATION(length));
	*sgl = (struct decoded_sgl){
		.length = length, .in_capsule = true, .offset = (uint32_t)offset};
	return fine;
}

/* ------------------------------------------------------------------ messages */

static struct finding find_by_transport(const struct nvme_command *command, uint32_t capsule_bytes,
                                        enum nvme_transfer direction, struct decoded_sgl *sgl)
{
	if (capsule_bytes != 0)
		return wrong(NVME_SC_INVALID_FIELD, LOCATION(type));
	if (direction == NVME_TRANSFER_NONE && le32_get(command->sgl.length) != 0)
		return wrong(NVME_SC_SGL_DATA_LENGTH, LOCATION(length));
	*sgl = (struct decoded_sgl){.length = le32_get(command->sgl.length)};
	return fine;
}

/* ------------------------------------------------------------------ the host's memory */

static struct finding find_one_block(const struct nvme_command *command,
                                     enum nvme_transfer direction, struct decoded_sgl *sgl)
{
	struct sgl_block block = sgl_block(sgl_only_block(command));

	if (direction == NVME_TRANSFER_NONE && block.length != 0)
		return wrong(NVME_SC_SGL_DATA_LENGTH, LOCATION(length));
	*sgl = (struct decoded_sgl){.length = block.length};
	return fine;
}

/* Base 2.1 §4.3.2, the error conditions: a segment in the last segment is another one than a
 * descriptor that is not supported. */
static struct finding not_keyed(const struct nvme_keyed_sgl *listed)
{
	unsigned type = listed->type >> 4;

	if (type == NVME_SGL_SEGMENT || type == NVME_SGL_LAST_SEGMENT)
		return wrong(NVME_SC_INVALID_SGL_SEGMENT, LOCATION(type));
	return wrong(NVME_SC_SGL_TYPE, LOCATION(type));
}

static struct finding add_up(const struct nvme_keyed_sgl *list, uint32_t n,
                             enum nvme_transfer direction, struct decoded_sgl *sgl)
{
	uint32_t length = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!is_keyed(list[i].type))
			return not_keyed(&list[i]);
		length += sgl_block(&list[i]).length;
	}
	if (length > SGL_LENGTH_MAX || (direction == NVME_TRANSFER_NONE && length != 0))
		return wrong(NVME_SC_SGL_DATA_LENGTH, LOCATION(length));
	*sgl = (struct decoded_sgl){.length = length, .n_listed = n};
	return fine;
}

/* The list is where the capsule's data begins. */
static struct finding find_listed(const struct nvme_command *command, const struct sgl_rules *rules,
                                  const struct sgl_capsule *capsule, enum nvme_transfer direction,
                                  struct decoded_sgl *sgl)
{
	uint32_t bytes = le32_get(command->sgl.length), n = bytes / sizeof(*capsule->list);

	if (le64_get(command->sgl.address) != 0)
		return wrong(NVME_SC_SGL_OFFSET, LOCATION(address));
	if (n == 0 || bytes % sizeof(*capsule->list) != 0 || bytes > capsule->bytes)
		return wrong(NVME_SC_INVALID_SGL_SEGMENT, LOCATION(length));
	if (n > rules->blocks_max || n > SGL_BLOCKS_MAX)
		return wrong(NVME_SC_SGL_COUNT_INVALID, LOCATION(length));
	return add_up(capsule->list, n, direction, sgl);
}

/* A command without data may leave its descriptor zeroed; one with data finds it too short. */
static bool is_null(const struct nvme_sgl *sgl)
{
	static const struct nvme_sgl null;

	return memcmp(sgl, &null, sizeof(null)) == 0;
}

static struct finding find(const struct nvme_command *command, const struct sgl_rules *rules,
                           const struct sgl_capsule *capsule, enum nvme_transfer direction,
                           struct decoded_sgl *sgl)
{
	uint8_t type = command->sgl.type;

	if (type == 0 && is_null(&command->sgl) && (capsule->bytes == 0 || rules->blocks_max > 0)) {
		*sgl = (struct decoded_sgl){.length = 0};
		return fine;
	}
	if (type == OFFSET_BLOCK)
		return find_in_capsule(command, rules, capsule->bytes, direction, sgl);
	if (type == TRANSPORT_BLOCK && rules->blocks_max == 0)
		return find_by_transport(command, capsule->bytes, direction, sgl);
	if (is_keyed(type) && rules->blocks_max > 0)
		return find_one_block(command, direction, sgl);
	if (sgl_is_segment(command) && rules->blocks_max > 1)
		return find_listed(command, rules, capsule, direction, sgl);
	return wrong(NVME_SC_SGL_TYPE, LOCATION(type));
}

struct nvme_status sgl_decode(const struct nvme_command *command, const struct sgl_rules *rules,
                              const struct sgl_capsule *capsule, enum nvme_transfer direction,
                              struct decoded_sgl *ret_sgl, uint16_t *ret_location)
{
	struct finding finding = find(command, rules, capsule, direction, ret_sgl);

	if (!status_is_ok(finding.status))
		*ret_location = finding.location;
	return finding.status;
}
