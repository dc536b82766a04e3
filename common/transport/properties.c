/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/properties.h"

#include <stddef.h>
#include <string.h>

#define CAP_TO(cap)        ((uint32_t)((cap) >> 24) & 0xffu) /* units of 500 ms */
#define CAP_NSSRS          (UINT64_C(1) << 36)
#define CAP_CSS_NVM        (UINT64_C(1) << 37)
#define CAP_CSS_IOCSS      (UINT64_C(1) << 43)
#define CAP_CSS_ADMIN_ONLY (UINT64_C(1) << 44)
#define CAP_MPSMIN(cap)    ((uint32_t)((cap) >> 48) & 0xfu)
#define CAP_MPSMAX(cap)    ((uint32_t)((cap) >> 52) & 0xfu)

#define CC_CSS_NVM        0u
#define CC_CSS_IOCSS      6u
#define CC_CSS_ADMIN_ONLY 7u

#define ATTRIB_SIZE(attrib) ((attrib)&0x7u)
#define ATTRIB_4_BYTES      0u
#define ATTRIB_8_BYTES      1u

/* EN, CSS, MPS, AMS, SHN, IOSQES, IOCQES; CRIME is for those that are ready without their media. */
#define CC_WRITABLE     0x00fffff1u
#define CC_ONCE_ENABLED 0x00ffc001u /* without CSS, MPS and AMS (Base 2.1 §3.1.4.5) */

/* log2 of the sizes of the entries that fabrics has: 64 and 16 bytes */
#define IOSQES 6u
#define IOCQES 4u

static struct nvme_property_command property_of(const struct nvme_command *command)
{
	struct nvme_property_command property;

	memcpy(&property, command, sizeof(property));
	return property;
}

static struct nvme_status wrong(size_t location, uint16_t *ret_location)
{
	*ret_location = (uint16_t)location;
	return status_dnr(NVME_SC_INVALID_FIELD);
}

/* CRWMT: how long it may take to become ready, in units of 500 ms; CRIMT is 0, as it is never ready
 * before its media are. */
static uint32_t crto(const struct properties *properties)
{
	return CAP_TO(properties->cap);
}

struct nvme_status properties_get(const struct properties *properties,
                                  const struct nvme_command *command, uint64_t *ret_value,
                                  uint16_t *ret_location)
{
	struct nvme_property_command property = property_of(command);
	uint32_t offset = le32_get(property.ofst);
	unsigned wanted = offset == NVME_PROPERTY_CAP ? ATTRIB_8_BYTES : ATTRIB_4_BYTES;

	if (ATTRIB_SIZE(property.attrib) != wanted)
		return wrong(offsetof(struct nvme_property_command, attrib), ret_location);
	switch (offset) {
	case NVME_PROPERTY_CAP:
		*ret_value = properties->cap;
		return STATUS_OK;
	case NVME_PROPERTY_VS:
		*ret_value = properties->vs;
		return STATUS_OK;
	case NVME_PROPERTY_CC:
		*ret_value = properties->cc;
		return STATUS_OK;
	case NVME_PROPERTY_CSTS:
		*ret_value = properties->csts;
		return STATUS_OK;
	case NVME_PROPERTY_CRTO:
		*ret_value = crto(properties);
		return STATUS_OK;
	case NVME_PROPERTY_NSSR:
		if (!(properties->cap & CAP_NSSRS))
			break;
		*ret_value = 0;
		return STATUS_OK;
	}
	return wrong(offsetof(struct nvme_property_command, ofst), ret_location);
}

static bool has_command_set(uint64_t cap, uint32_t css)
{
	switch (css) {
	case CC_CSS_NVM:
		return cap & CAP_CSS_NVM;
	case CC_CSS_IOCSS:
		return cap & CAP_CSS_IOCSS;
	case CC_CSS_ADMIN_ONLY:
		return cap & CAP_CSS_ADMIN_ONLY;
	}
	return false;
}

static bool can_enable(const struct properties *properties, uint32_t cc)
{
	uint64_t cap = properties->cap;

	if (NVME_CC_MPS(cc) < CAP_MPSMIN(cap) || NVME_CC_MPS(cc) > CAP_MPSMAX(cap) ||
	    NVME_CC_AMS(cc) != 0)
		return false;
	if (properties->discovery)
		return true;
	return has_command_set(cap, NVME_CC_CSS(cc)) && NVME_CC_IOSQES(cc) == IOSQES &&
	       NVME_CC_IOCQES(cc) == IOCQES;
}

void properties_are_reset(struct properties *properties, bool in_time)
{
	properties->csts &= NVME_CSTS_NSSRO;
	if (!in_time)
		properties->csts |= NVME_CSTS_CFS;
}

void properties_are_shut_down(struct properties *properties, bool in_time)
{
	if (in_time)
		properties->csts = (properties->csts & ~NVME_CSTS_SHST) | NVME_CSTS_SHST_COMPLETE;
	else
		properties->csts |= NVME_CSTS_CFS;
}

void properties_reset_subsystem(struct properties *properties)
{
	properties->cc = 0;
	properties->csts = (properties->csts & NVME_CSTS_RDY) | NVME_CSTS_NSSRO;
}

/* A host that does not wait until its reset is over may have what it asks for. */
static void enable(struct properties *properties)
{
	properties_are_reset(properties, true);
	properties->csts |= can_enable(properties, properties->cc) ? NVME_CSTS_RDY : NVME_CSTS_CFS;
}

static enum properties_change shut_down(struct properties *properties)
{
	properties->csts &= ~NVME_CSTS_SHST;
	if (properties->csts & NVME_CSTS_CFS) { /* there is nothing to be shut down */
		properties->csts |= NVME_CSTS_SHST_COMPLETE;
		return PROPERTIES_SAME;
	}
	properties->csts |= NVME_CSTS_SHST_OCCURS;
	return NVME_CC_SHN(properties->cc) == NVME_SHN_ABRUPT ? PROPERTIES_SHUT_DOWN_NOW
	                                                      : PROPERTIES_SHUT_DOWN;
}

/* Base 2.1 §3.1.4.5 CC, §3.5.1 initialization, §3.6.2 shutdown. A reset ends a shutdown. */
static enum properties_change write_cc(struct properties *properties, uint32_t cc)
{
	uint32_t old = properties->cc;

	if (old & cc & NVME_CC_EN)
		properties->cc = (cc & CC_ONCE_ENABLED) | (old & ~CC_ONCE_ENABLED);
	else
		properties->cc = cc & CC_WRITABLE;
	if ((cc & NVME_CC_EN) && !(old & NVME_CC_EN)) {
		enable(properties);
		return PROPERTIES_ENABLED;
	}
	if (!(cc & NVME_CC_EN) && (old & NVME_CC_EN)) {
		properties->csts &= ~NVME_CSTS_SHST;
		if (!(properties->csts & NVME_CSTS_RDY)) /* it had failed */
			properties_are_reset(properties, true);
		return PROPERTIES_DISABLED;
	}
	if (NVME_CC_SHN(cc) != 0 && NVME_CC_SHN(old) == 0)
		return shut_down(properties);
	return PROPERTIES_SAME;
}

static bool is_writable(const struct properties *properties, uint32_t offset)
{
	switch (offset) {
	case NVME_PROPERTY_CC:
		return true;
	case NVME_PROPERTY_CSTS:
	case NVME_PROPERTY_NSSR:
		return properties->cap & CAP_NSSRS;
	}
	return false;
}

struct nvme_status properties_set(struct properties *properties, const struct nvme_command *command,
                                  enum properties_change *ret_change, uint16_t *ret_location)
{
	struct nvme_property_command property = property_of(command);
	uint32_t value = (uint32_t)le64_get(property.value);

	if (ATTRIB_SIZE(property.attrib) != ATTRIB_4_BYTES)
		return wrong(offsetof(struct nvme_property_command, attrib), ret_location);
	if (!is_writable(properties, le32_get(property.ofst)))
		return wrong(offsetof(struct nvme_property_command, ofst), ret_location);
	*ret_change = PROPERTIES_SAME;
	switch (le32_get(property.ofst)) {
	case NVME_PROPERTY_CC:
		*ret_change = write_cc(properties, value);
		break;
	case NVME_PROPERTY_CSTS: /* the rest of it is read only */
		properties->csts &= ~(value & NVME_CSTS_NSSRO);
		break;
	case NVME_PROPERTY_NSSR: /* of another value nothing comes */
		if (value == NVME_NSSR_MAGIC)
			*ret_change = PROPERTIES_SUBSYSTEM_RESET;
		break;
	}
	return STATUS_OK;
}
