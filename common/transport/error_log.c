/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/error_log.h"

#include <stdbool.h>
#include <string.h>

#include "common/nvme/zns.h"
#include "common/nvme/zone_command.h"

void error_log_init(struct error_log *log, uint8_t trtype)
{
	memset(log, 0, sizeof(*log));
	log->trtype = trtype;
	pthread_mutex_init(&log->lock, NULL);
}

void error_log_deinit(struct error_log *log)
{
	pthread_mutex_destroy(&log->lock);
}

static bool names_blocks(const struct nvme_command *command)
{
	return command->opcode == NVME_IO_READ || command->opcode == NVME_IO_WRITE ||
	       command->opcode == NVME_IO_WRITE_ZEROES || zone_command_is(command->opcode);
}

void error_log_add(struct error_log *log, uint16_t qid, const struct nvme_command *command,
                   struct nvme_status status, uint16_t location)
{
	struct nvme_error_entry entry = {
		.sqid = le16_of(qid),
		.cid = command->cid,
		.status = le16_of((uint16_t)(status.value << 1)),
		.parameter_location = le16_of(location),
		.nsid = command->opcode == NVME_FABRICS ? le32_of(0) : command->nsid,
		.trtype = log->trtype,
		.csi = qid > 0 && zone_command_is(command->opcode) ? NVME_CSI_ZNS : NVME_CSI_NVM,
		.opcode = command->opcode,
		.version = NVME_ERROR_ENTRY_VERSION,
	};

	if (qid > 0 && names_blocks(command))
		entry.lba = le64_of((uint64_t)le32_get(command->cdw11) << 32 |
		                    le32_get(command->cdw10));
	pthread_mutex_lock(&log->lock);
	entry.error_count = le64_of(++log->count);
	log->entries[(log->count - 1) % ERROR_LOG_ENTRIES] = entry;
	pthread_mutex_unlock(&log->lock);
}

uint64_t error_log_count(struct error_log *log)
{
	uint64_t count;

	pthread_mutex_lock(&log->lock);
	count = log->count;
	pthread_mutex_unlock(&log->lock);
	return count;
}

unsigned error_log_copy(struct error_log *log, struct nvme_error_entry *ret_entries)
{
	unsigned n;

	pthread_mutex_lock(&log->lock);
	n = log->count < ERROR_LOG_ENTRIES ? (unsigned)log->count : ERROR_LOG_ENTRIES;
	for (unsigned i = 0; i < n; i++)
		ret_entries[i] = log->entries[(log->count - 1 - i) % ERROR_LOG_ENTRIES];
	pthread_mutex_unlock(&log->lock);
	return n;
}

void error_log_inherit(struct error_log *log, uint64_t count, const void *entries, size_t bytes)
{
	size_t n = bytes / sizeof(log->entries[0]);

	n = n < ERROR_LOG_ENTRIES ? n : ERROR_LOG_ENTRIES;
	n = n < count ? n : (size_t)count;
	log->count = count;
	for (size_t i = 0; i < n; i++)
		memcpy(&log->entries[(count - 1 - i) % ERROR_LOG_ENTRIES],
		       (const struct nvme_error_entry *)entries + i,
		       sizeof(log->entries[0]));
}
