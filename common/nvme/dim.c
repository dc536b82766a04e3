/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/dim.h"

#include <string.h>

#include "common/base/error.h"
#include "common/nvme/log.h"

#define ADMIN_QUEUE_SIZE_MIN 32 /* Base 2.1 §6.3: ASQSZ */

/* ASCII fields are padded with blanks; names end in zeroes (§1.4.2). */
static void put_padded(char *field, size_t size, const char *text)
{
	memset(field, ' ', size);
	memcpy(field, text, strnlen(text, size));
}

static void put_name(char field[static NVME_NQN_SIZE], const char *text)
{
	size_t length = strlen(text);

	memcpy(field, text, length < NVME_NQN_SIZE ? length : NVME_NQN_SIZE - 1);
}

/* Figure 291, as the discovery log has it. */
static void put_tsas(uint8_t tsas[static 256], uint8_t trtype)
{
	if (trtype != NVME_TRTYPE_RDMA)
		return;
	tsas[0] = NVME_RDMA_QPTYPE_CONNECTED;
	tsas[1] = NVME_RDMA_PRTYPE_NONE;
	tsas[2] = NVME_RDMA_CMS_RDMA_CM;
}

static void put_entry(struct nvme_dim_entry *ret_wire, const struct dim_entry *entry)
{
	*ret_wire = (struct nvme_dim_entry){
		.trtype = entry->trtype,
		.adrfam = entry->adrfam,
		.subtype = entry->subtype,
		.treq = NVME_TREQ_DISABLE_SQFLOW,
		.portid = le16_of(entry->port_id),
		.cntlid = le16_of(NVME_CNTLID_DYNAMIC),
		.asqsz = le16_of(ADMIN_QUEUE_SIZE_MIN),
		.tel = le32_of(sizeof(*ret_wire)),
	};
	put_padded(ret_wire->trsvcid, sizeof(ret_wire->trsvcid), entry->trsvcid);
	put_padded(ret_wire->traddr, sizeof(ret_wire->traddr), entry->traddr);
	put_name(ret_wire->nqn, entry->nqn);
	put_tsas(ret_wire->tsas, entry->trtype);
}

size_t dim_build(struct dim_message *ret_message, const struct dim_entity *entity,
                 const struct dim_entry *const *entries, size_t n_entries)
{
	struct nvme_dim_data *head = &ret_message->head;
	size_t length = sizeof(*head) + n_entries * sizeof(struct nvme_dim_entry);

	must(n_entries <= DIM_ENTRIES);
	*head = (struct nvme_dim_data){
		.tdl = le32_of((uint32_t)length),
		.nument = le64_of(n_entries),
		.entfmt = le16_of(NVME_DIM_EXTENDED),
		.etype = le16_of(NVME_DIM_DDC),
		.ektype = le16_of(NVME_DIM_KEY),
	};
	put_name(head->eid, entity->nqn);
	put_padded(head->ename, sizeof(head->ename), entity->name);
	put_padded(head->ever, sizeof(head->ever), entity->version);
	for (size_t i = 0; i < n_entries; i++)
		put_entry(&ret_message->entries[i], entries[i]);
	return length;
}
