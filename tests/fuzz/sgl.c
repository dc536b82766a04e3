/* SPDX-License-Identifier: BSD-2-Clause */
/* A host's descriptors on a queue with keys, and what its capsule brings behind them: whatever
 * comes in, what comes out with success lies in the capsule, and in the ranges that sgl.h promises.
 * What is read of a list is in memory of its own, which ends where the capsule does.
 *
 * Input: a byte for the number of blocks, one for the direction, 4 for what a capsule may bring,
 * the command, then what the capsule brings. */
#include "common/nvme/sgl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct head {
	uint8_t blocks_max, direction;
	struct le32 capsule_max;
	struct nvme_command command;
};

#define LIST_MAX ((uint32_t)sizeof(struct nvme_keyed_sgl) * SGL_BLOCKS_MAX)

static void check_listed(const struct sgl_rules *rules, const struct sgl_capsule *capsule,
                         const struct decoded_sgl *sgl)
{
	uint32_t length = 0;

	must(sgl->n_listed <= SGL_BLOCKS_MAX && sgl->n_listed <= rules->blocks_max);
	must(sgl->n_listed * sizeof(*capsule->list) <= capsule->bytes);
	for (uint32_t i = 0; i < sgl->n_listed; i++)
		length += sgl_block(&capsule->list[i]).length;
	must(length == sgl->length);
}

static void check(const struct nvme_command *command, const struct sgl_rules *rules,
                  const struct sgl_capsule *capsule, const struct decoded_sgl *sgl)
{
	must(sgl->length <= SGL_LENGTH_MAX || (sgl->in_capsule || rules->blocks_max == 0));
	if (sgl->in_capsule) {
		must(sgl->offset <= capsule->bytes && sgl->length <= capsule->bytes - sgl->offset);
		must((uint64_t)sgl->offset + sgl->length <= rules->capsule_max);
		must(sgl->n_listed == 0);
		return;
	}
	must(sgl->offset == 0);
	if (sgl->n_listed > 0)
		check_listed(rules, capsule, sgl);
	else if (rules->blocks_max > 0)
		must(sgl->length == sgl_block(sgl_only_block(command)).length);
}

static void decode(const struct head *head, const struct sgl_capsule *capsule)
{
	struct sgl_rules rules = {.blocks_max = head->blocks_max,
	                          .capsule_max = le32_get(head->capsule_max)};
	enum nvme_transfer direction = (enum nvme_transfer)(head->direction % NVME_TRANSFER_BOTH);
	struct decoded_sgl sgl;
	uint16_t location = 0;

	if (!status_is_ok(
		    sgl_decode(&head->command, &rules, capsule, direction, &sgl, &location))) {
		must(location < sizeof(head->command));
		return;
	}
	must(direction != NVME_TRANSFER_NONE || sgl.length == 0);
	must(direction == NVME_TRANSFER_TO_CONTROLLER || !sgl.in_capsule);
	check(&head->command, &rules, capsule, &sgl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head head;
	struct sgl_capsule capsule;
	size_t listed;
	void *list;

	if (size < sizeof(head) || size > sizeof(head) + (1u << 20))
		return 0;
	memcpy(&head, data, sizeof(head));
	capsule.bytes = (uint32_t)(size - sizeof(head));
	listed = capsule.bytes < LIST_MAX ? capsule.bytes : LIST_MAX;
	list = malloc(listed);
	if (!list)
		return 0;
	memcpy(list, data + sizeof(head), listed);
	capsule.list = list;
	decode(&head, &capsule);
	free(list);
	return 0;
}
