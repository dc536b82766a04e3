/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/discovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/trtype.h"

#define ADMIN_QUEUE_SIZE_MIN 32 /* Base 2.1 §6.3: ASQSZ */

/* ASCII fields of the log are padded with blanks; names end in zeroes (Figure 289). */
static void put_padded(char *field, size_t size, const char *text)
{
	memset(field, ' ', size);
	memcpy(field, text, strnlen(text, size));
}

static void put_name(char *field, size_t size, const char *text)
{
	size_t length = strlen(text); /* strnlen() of a constant is too much for gcc's warnings */

	memcpy(field, text, length < size ? length : size - 1);
}

static bool is_wildcard(const char *traddr)
{
	return strcmp(traddr, "0.0.0.0") == 0 || strcmp(traddr, "::") == 0;
}

static void put_address(struct nvme_discovery_entry *entry, const struct config_address *address,
                        const char *traddr, uint32_t port_id)
{
	const struct trtype *type = trtype_find(address->trtype);
	int adrfam = config_adrfam_code(address->adrfam), treq = config_treq_code(address->treq);

	if (type) {
		entry->trtype = type->code;
		memcpy(entry->tsas, type->tsas, sizeof(type->tsas));
	}
	entry->adrfam = (uint8_t)(adrfam < 0 ? 0 : adrfam);
	entry->treq = (uint8_t)((treq < 0 ? 0 : treq) | NVME_TREQ_DISABLE_SQFLOW);
	entry->portid = le16_of((uint16_t)port_id);
	entry->cntlid = le16_of(NVME_CNTLID_DYNAMIC);
	entry->asqsz = le16_of(ADMIN_QUEUE_SIZE_MIN);
	put_padded(entry->trsvcid, sizeof(entry->trsvcid), address->trsvcid);
	put_padded(entry->traddr, sizeof(entry->traddr), traddr);
}

static void put_port(struct nvme_discovery_entry *entry, const struct config_port *port,
                     const struct session *session, const char *nqn,
                     enum nvme_discovery_subtype subtype)
{
	const char *traddr = is_wildcard(port->address.traddr) ? session->local_address
	                                                       : port->address.traddr;

	entry->subtype = (uint8_t)subtype;
	put_address(entry, &port->address, traddr, port->port_id);
	put_name(entry->subnqn, sizeof(entry->subnqn), nqn);
	if (subtype == NVME_SUBTYPE_CURRENT)
		entry->eflags = le16_of(NVME_EFLAGS_EPCSD);
}

static void put_referral(struct nvme_discovery_entry *entry, const struct config_referral *referral)
{
	entry->subtype = NVME_SUBTYPE_REFERRAL;
	put_address(entry, &referral->address, referral->address.traddr, referral->port_id);
	put_name(entry->subnqn, sizeof(entry->subnqn), NVME_DISCOVERY_NQN);
}

/* Fills the entries in. Returns how many; there is room for all of the port. */
static size_t put_entries(struct nvme_discovery_entry *entries, const struct config *config,
                          const struct config_port *port, const struct session *session)
{
	size_t count = 0;

	put_port(&entries[count++], port, session, config->discovery_nqn, NVME_SUBTYPE_CURRENT);
	for (size_t i = 0; i < port->n_links; i++) {
		const struct config_subsystem *subsystem = config_find_subsystem(
			config, port->links[i].nqn);

		if (subsystem && config_allows(subsystem, session->host_nqn))
			put_port(&entries[count++],
			         port,
			         session,
			         subsystem->nqn,
			         NVME_SUBTYPE_NVME);
	}
	for (size_t i = 0; i < port->n_referrals; i++)
		if (port->referrals[i].enable)
			put_referral(&entries[count++], &port->referrals[i]);
	return count;
}

int discovery_log_build(uint8_t **ret_log, size_t *ret_length, const struct config *config,
                        const struct session *session, uint64_t counter)
{
	const struct config_port *port = config_find_port(config, session->port_id);
	size_t room = port ? 1 + port->n_links + port->n_referrals : 0, count = 0;
	struct nvme_discovery_entry *entries = calloc(room + 1, sizeof(*entries));
	struct nvme_log_discovery *head = (struct nvme_log_discovery *)entries;

	if (!entries)
		return error_origin(-ENOMEM);
	if (port)
		count = put_entries(entries + 1, config, port, session);
	head->genctr = le64_of(counter);
	head->numrec = le64_of(count);
	*ret_log = (uint8_t *)entries;
	*ret_length = (count + 1) * sizeof(*entries);
	return 0;
}
