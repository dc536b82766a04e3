/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/log.h"

#include <string.h>

#include "common/nvme/identify.h"
#include "common/nvme/zns.h"

static const uint8_t io_pages[] = {
	NVME_LOG_SUPPORTED,
	NVME_LOG_ERROR,
	NVME_LOG_SMART,
	NVME_LOG_FIRMWARE_SLOT,
	NVME_LOG_CHANGED_NAMESPACES,
	NVME_LOG_COMMAND_EFFECTS,
	NVME_LOG_ENDURANCE_GROUP,
	NVME_LOG_ANA,
	NVME_LOG_PERSISTENT_EVENT,
	NVME_LOG_FEATURES,
	NVME_LOG_MI,
	NVME_LOG_ROTATIONAL_MEDIA,
	NVME_LOG_RESERVATION,
};

static const uint8_t discovery_pages[] = {
	NVME_LOG_SUPPORTED,
	NVME_LOG_ERROR,
	NVME_LOG_FEATURES,
	NVME_LOG_DISCOVERY,
};

struct nvme_status get_log_decode(const struct nvme_command *command, uint32_t max_bytes,
                                  struct get_log *ret_asked, uint16_t *ret_location)
{
	uint32_t cdw10 = le32_get(command->cdw10), cdw11 = le32_get(command->cdw11);
	uint32_t cdw14 = le32_get(command->cdw14);
	uint64_t dwords = (((uint64_t)(cdw11 & 0xffff) << 16) | (cdw10 >> 16)) + 1;
	uint64_t offset = ((uint64_t)le32_get(command->cdw13) << 32) | le32_get(command->cdw12);

	*ret_location = 0;
	if (dwords * 4 > max_bytes)
		*ret_location = offsetof(struct nvme_command, cdw10) + 2; /* NUMDL */
	else if (offset & 3)
		*ret_location = offsetof(struct nvme_command, cdw12); /* LPOL */
	else if (cdw14 & (1u << 23)) /* OT: no page of ours is offset by index */
		*ret_location = offsetof(struct nvme_command, cdw14) + 2;
	if (*ret_location)
		return status_dnr(NVME_SC_INVALID_FIELD);
	*ret_asked = (struct get_log){
		.page = (uint8_t)cdw10,
		.specific = (uint8_t)((cdw10 >> 8) & 0x7f),
		.retain = (cdw10 & (1u << 15)) != 0,
		.csi = (uint8_t)(cdw14 >> 24),
		.identifier = (uint16_t)(cdw11 >> 16),
		.nsid = le32_get(command->nsid),
		.length_bytes = (uint32_t)(dwords * 4),
		.offset_bytes = offset,
	};
	return STATUS_OK;
}

bool log_is_supported(uint8_t page, bool discovery)
{
	const uint8_t *pages = discovery ? discovery_pages : io_pages;
	size_t n = discovery ? sizeof(discovery_pages) : sizeof(io_pages);

	for (size_t i = 0; i < n; i++)
		if (pages[i] == page)
			return true;
	return false;
}

void log_supported_build(struct nvme_log_supported *ret_log, bool discovery)
{
	memset(ret_log, 0, sizeof(*ret_log));
	for (unsigned page = 0; page < 256; page++)
		if (log_is_supported((uint8_t)page, discovery))
			ret_log->page[page] = le32_of(NVME_LOG_LSUPP);
}

/* In thousands of 512 bytes, rounded up; 0 only if there was none at all. */
static struct le64 data_units(uint64_t bytes)
{
	return le64_of(bytes / 512000 + (bytes % 512000 != 0));
}

struct log_health log_smart_read(const struct nvme_log_smart *log)
{
	bool is_huge = le64_get(log->media_errors[1]) != 0;

	return (struct log_health){
		.critical_warning = log->critical_warning & NVME_WARNING_ALL,
		.spare = log->available_spare,
		.spare_threshold = log->spare_threshold,
		.used = log->percentage_used,
		.temperature = le16_get(log->temperature),
		.media_errors = is_huge ? UINT64_MAX : le64_get(log->media_errors[0]),
	};
}

void log_smart_build(struct nvme_log_smart *ret_log, const struct log_counts *counts,
                     const struct log_health *health)
{
	memset(ret_log, 0, sizeof(*ret_log));
	ret_log->critical_warning = health->critical_warning;
	ret_log->temperature = le16_of(health->temperature);
	ret_log->available_spare = health->spare;
	ret_log->spare_threshold = health->spare_threshold;
	ret_log->percentage_used = health->used;
	ret_log->endurance_warning = health->endurance_warning;
	ret_log->media_errors[0] = le64_of(health->media_errors);
	ret_log->data_units_read[0] = data_units(counts->read_bytes);
	ret_log->data_units_written[0] = data_units(counts->write_bytes);
	ret_log->host_reads[0] = le64_of(counts->reads);
	ret_log->host_writes[0] = le64_of(counts->writes);
	ret_log->error_entries[0] = le64_of(counts->errors);
}

/* 0 only if there was nothing at all. */
static struct le64 billions(uint64_t bytes)
{
	return le64_of(bytes / 1000000000 + (bytes % 1000000000 != 0));
}

void log_endurance_build(struct nvme_log_endurance *ret_log, const struct log_counts *counts,
                         const struct log_health *health, uint64_t capacity_bytes, bool rotational)
{
	memset(ret_log, 0, sizeof(*ret_log));
	ret_log->egcw = health->critical_warning & NVME_WARNING_ENDURANCE;
	ret_log->egfeat = rotational ? NVME_EGFEAT_ROTATIONAL : 0;
	ret_log->avsp = health->spare;
	ret_log->avspt = health->spare_threshold;
	ret_log->pused = health->used;
	ret_log->dur[0] = billions(counts->read_bytes);
	ret_log->duw[0] = billions(counts->write_bytes);
	ret_log->hrc[0] = le64_of(counts->reads);
	ret_log->hwc[0] = le64_of(counts->writes);
	ret_log->mdie[0] = le64_of(health->media_errors);
	ret_log->neile[0] = le64_of(counts->errors);
	ret_log->tegcap[0] = le64_of(capacity_bytes);
}

void log_rotational_build(struct nvme_log_rotational *ret_log, uint16_t endgid, uint16_t actuators)
{
	memset(ret_log, 0, sizeof(*ret_log));
	ret_log->endgid = le16_of(endgid);
	ret_log->numa = le16_of(actuators);
}

void log_firmware_build(struct nvme_log_firmware *ret_log, const char *revision)
{
	memset(ret_log, 0, sizeof(*ret_log));
	ret_log->afi = 1;
	memset(ret_log->frs[0], ' ', sizeof(ret_log->frs[0]));
	memcpy(ret_log->frs[0], revision, strnlen(revision, sizeof(ret_log->frs[0])));
}

static void put_zone_effects(struct nvme_log_effects *log)
{
	log->io[NVME_IO_ZONE_APPEND] = log->io[NVME_IO_ZONE_MANAGEMENT_SEND] = le32_of(
		NVME_EFFECT_SUPPORTED | NVME_EFFECT_BLOCKS_CHANGED | NVME_SCOPE_NAMESPACE);
	log->io[NVME_IO_ZONE_MANAGEMENT_RECEIVE] = le32_of(NVME_EFFECT_SUPPORTED |
	                                                   NVME_SCOPE_NAMESPACE);
}

/* What they say and do is of the controller, but for some logs and features, which log 12h tells
 * apart. */
void log_effects_build(struct nvme_log_effects *ret_log, uint8_t csi)
{
	static const uint8_t admin[] = {
		NVME_ADMIN_GET_LOG_PAGE,
		NVME_ADMIN_IDENTIFY,
		NVME_ADMIN_ABORT,
		NVME_ADMIN_SET_FEATURES,
		NVME_ADMIN_GET_FEATURES,
		NVME_ADMIN_ASYNC_EVENT,
		NVME_ADMIN_KEEP_ALIVE,
	};
	static const uint8_t io[] = {
		NVME_IO_FLUSH,
		NVME_IO_WRITE,
		NVME_IO_READ,
		NVME_IO_WRITE_ZEROES,
		NVME_IO_DATASET_MANAGEMENT,
		NVME_IO_RESERVATION_REGISTER,
		NVME_IO_RESERVATION_REPORT,
		NVME_IO_RESERVATION_ACQUIRE,
		NVME_IO_RESERVATION_RELEASE,
	};
	static const uint8_t changing[] = {
		NVME_IO_WRITE,
		NVME_IO_WRITE_ZEROES,
		NVME_IO_DATASET_MANAGEMENT,
	};

	memset(ret_log, 0, sizeof(*ret_log));
	for (size_t i = 0; i < sizeof(admin); i++)
		ret_log->admin[admin[i]] = le32_of(NVME_EFFECT_SUPPORTED | NVME_SCOPE_CONTROLLER);
	/* write protection */
	ret_log->admin[NVME_ADMIN_SET_FEATURES] = le32_of(
		NVME_EFFECT_SUPPORTED | NVME_EFFECT_NAMESPACE | NVME_SCOPE_CONTROLLER);
	for (size_t i = 0; i < sizeof(io); i++)
		ret_log->io[io[i]] = le32_of(NVME_EFFECT_SUPPORTED | NVME_SCOPE_NAMESPACE);
	for (size_t i = 0; i < sizeof(changing); i++)
		ret_log->io[changing[i]] = le32_of(
			NVME_EFFECT_SUPPORTED | NVME_EFFECT_BLOCKS_CHANGED | NVME_SCOPE_NAMESPACE);
	if (csi == NVME_CSI_ZNS)
		put_zone_effects(ret_log);
}
