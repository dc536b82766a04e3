/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/identify.h"

#include <string.h>

#include "common/nvme/protection.h"

/* ASCII fields are left-justified and padded with blanks (Base 2.1 §1.4.2). */
static void put_text(char *field, size_t size, const char *text)
{
	memset(field, ' ', size);
	memcpy(field, text, strnlen(text, size));
}

static void put_common(struct nvme_identify_controller *wire,
                       const struct identify_controller *from)
{
	put_text(wire->sn, sizeof(wire->sn), from->serial);
	put_text(wire->mn, sizeof(wire->mn), from->model);
	put_text(wire->fr, sizeof(wire->fr), from->firmware);
	memcpy(wire->subnqn, from->nqn, strnlen(from->nqn, sizeof(wire->subnqn) - 1));
	wire->vid = le16_of(from->vendor_id);
	wire->ssvid = le16_of(from->subsystem_vendor_id);
	wire->ieee[0] = (uint8_t)from->ieee_oui;
	wire->ieee[1] = (uint8_t)(from->ieee_oui >> 8);
	wire->ieee[2] = (uint8_t)(from->ieee_oui >> 16);
	wire->mdts = from->mdts;
	wire->cntlid = le16_of(from->cntlid);
	wire->ver = le32_of(from->version);
	wire->rtd3e = le32_of(from->shutdown_ms * 1000);
	for (unsigned i = 0; i < 3; i++)
		wire->crdt[i] = le16_of(from->retry_delays[i]);
	wire->fcatt = from->is_static ? NVME_FCATT_STATIC : 0;
	wire->ctratt = le32_of(NVME_CTRATT_HOSTID_128 | NVME_CTRATT_TBKAS);
	wire->acl_0based = NVME_ABORT_LIMIT - 1;
	wire->aerl_0based = NVME_AER_LIMIT - 1;
	wire->elpe_0based = NVME_ERROR_ENTRIES - 1;
	wire->kas = le16_of(NVME_KAS_UNITS);
	wire->maxcmd = le16_of((uint16_t)from->max_commands);
	wire->sgls = le32_of(from->sgls);
	wire->icdoff = le16_of(0);
	wire->msdbd = from->descriptors_max;
	wire->iorcsz = le32_of(1);
	wire->ioccsz = le32_of((64 + from->in_capsule_bytes) / 16);
}

static void put_discovery(struct nvme_identify_controller *wire)
{
	wire->cntrltype = 2;
	wire->oaes = le32_of(NVME_OAES_DISCOVERY);
	wire->lpa = NVME_LPA_EXTENDED_DATA;
}

static void put_io(struct nvme_identify_controller *wire)
{
	wire->ctratt = le32_of(le32_get(wire->ctratt) | NVME_CTRATT_EGS | NVME_CTRATT_RHII);
	wire->cntrltype = 1;
	wire->cmic = NVME_CMIC_MULTI_PORT | NVME_CMIC_MULTI_CONTROLLER | NVME_CMIC_ANA;
	wire->oaes = le32_of(NVME_OAES_NAMESPACE | NVME_OAES_ANA);
	wire->lpa = NVME_LPA_NAMESPACE_HEALTH | NVME_LPA_EFFECTS | NVME_LPA_EXTENDED_DATA |
	            NVME_LPA_PERSISTENT_EVENT | NVME_LPA_MISCELLANEOUS;
	wire->pels = le32_of(NVME_EVENT_LOG_SIZE);
	wire->frmw = 0x03; /* one firmware slot, read only */
	wire->endgidmax = le16_of(NVME_MAX_ENDURANCE_GROUPS);
	wire->anatt = 10;    /* seconds */
	wire->anacap = 0x1f; /* each of the five states may be seen */
	wire->anagrpmax = le32_of(NVME_MAX_ANA_GROUPS);
	wire->nanagrpid = le32_of(NVME_MAX_ANA_GROUPS);
	wire->sqes = 0x66; /* 64 bytes, and no other size */
	wire->cqes = 0x44; /* 16 bytes */
	wire->nn = le32_of(NVME_MAX_NAMESPACES);
	wire->mnan = le32_of(NVME_MAX_NAMESPACES);
	wire->oncs = le16_of(NVME_ONCS_DSM | NVME_ONCS_WRITE_ZEROES | NVME_ONCS_SAVE_SELECT |
	                     NVME_ONCS_RESERVATIONS);
	wire->ofcs = le16_of(NVME_OFCS_DISCONNECT);
	wire->nwpc = NVME_NWPC_WRITE_PROTECT;
	/* Present, always: a host that was told otherwise would drop its flushes, also those of
	 * a namespace that comes later. Bits 2:1 = 10b: Flush of all namespaces is not there. */
	wire->vwc = 0x05;
}

void identify_controller_build(struct nvme_identify_controller *ret_wire,
                               const struct identify_controller *from)
{
	memset(ret_wire, 0, sizeof(*ret_wire));
	put_common(ret_wire, from);
	if (from->discovery)
		put_discovery(ret_wire);
	else
		put_io(ret_wire);
}

static void put_protection(struct nvme_identify_namespace *wire)
{
	wire->flbas = NVME_FLBAS_EXTENDED;
	wire->mc = NVME_MC_EXTENDED;
	wire->dpc = NVME_DPC_TYPE_1 | NVME_DPC_FIRST | NVME_DPC_LAST;
	wire->dps = NVME_DPS_TYPE_1;
	wire->lbaf[0].ms = le16_of(NVME_PROTECTION_SIZE);
}

/* NOWS is a multiple of NPWG. */
static void put_preference(struct nvme_identify_namespace *wire,
                           const struct identify_preference *preference)
{
	if (preference->write == 0 && preference->discard == 0 && preference->optimal == 0)
		return;
	wire->nsfeat |= NVME_NSFEAT_OPTPERF;
	wire->npwg_0based = le16_of(preference->write);
	wire->npwa_0based = wire->npwg_0based;
	wire->npdg_0based = le16_of(preference->discard);
	wire->npda_0based = wire->npdg_0based;
	wire->nows_0based = (preference->optimal + 1u) % (preference->write + 1u) == 0
	                            ? le16_of(preference->optimal)
	                            : wire->npwg_0based;
}

void identify_namespace_build(struct nvme_identify_namespace *ret_wire,
                              const struct identify_namespace *from)
{
	memset(ret_wire, 0, sizeof(*ret_wire));
	ret_wire->nsze = le64_of(from->blocks);
	ret_wire->ncap = le64_of(from->blocks);
	ret_wire->nuse = le64_of(from->blocks);
	ret_wire->nmic = 0x01; /* may be reached by several controllers */
	ret_wire->rescap = from->rescap;
	ret_wire->anagrpid = le32_of(from->ana_group);
	ret_wire->endgid = le16_of(from->endurance_group);
	ret_wire->nsattr = from->write_protected;
	memcpy(ret_wire->nguid, from->nguid, sizeof(ret_wire->nguid));
	memcpy(ret_wire->eui64, from->eui64, sizeof(ret_wire->eui64));
	ret_wire->lbaf[0].lbads = (uint8_t)from->block_shift;
	ret_wire->dlfeat = from->deallocate ? NVME_DLFEAT_ZEROES | NVME_DLFEAT_DEAC : 0;
	put_preference(ret_wire, &from->preference);
	if (from->protection)
		put_protection(ret_wire);
}

static uint8_t *put_descriptor(uint8_t *at, enum nvme_identifier_type type, const void *identifier,
                               uint8_t length)
{
	struct nvme_identifier_descriptor head = {.nidt = (uint8_t)type, .nidl = length};

	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), identifier, length);
	return at + sizeof(head) + length;
}

void identify_descriptors_build(uint8_t ret_wire[static NVME_IDENTIFY_SIZE],
                                const struct identify_namespace *from)
{
	static const uint8_t none[16];
	uint8_t *at = ret_wire;

	memset(ret_wire, 0, NVME_IDENTIFY_SIZE);
	if (memcmp(from->eui64, none, sizeof(from->eui64)) != 0)
		at = put_descriptor(at, NVME_NIDT_EUI64, from->eui64, sizeof(from->eui64));
	if (memcmp(from->nguid, none, sizeof(none)) != 0)
		at = put_descriptor(at, NVME_NIDT_NGUID, from->nguid, sizeof(from->nguid));
	if (memcmp(from->uuid, none, sizeof(none)) != 0)
		at = put_descriptor(at, NVME_NIDT_UUID, from->uuid, sizeof(from->uuid));
	put_descriptor(at, NVME_NIDT_CSI, &from->csi, sizeof(from->csi));
}

void identify_independent_build(struct nvme_independent_namespace *ret_wire,
                                const struct identify_namespace *from)
{
	memset(ret_wire, 0, sizeof(*ret_wire));
	ret_wire->nsfeat = from->volatile_cache ? 0 : NVME_NSFEAT_NO_WRITE_CACHE;
	if (from->rotational)
		ret_wire->nsfeat |= NVME_NSFEAT_ROTATIONAL;
	ret_wire->nmic = 0x01;
	ret_wire->rescap = from->rescap;
	ret_wire->anagrpid = le32_of(from->ana_group);
	ret_wire->endgid = le16_of(from->endurance_group);
	ret_wire->nsattr = from->write_protected;
	ret_wire->nstat = 0x01; /* ready: what is not there yet is no active namespace */
}
