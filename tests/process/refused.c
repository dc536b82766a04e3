/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/refused.h"

#include "common/nvme/log.h"

static struct nvme_error_entry newest(void)
{
	struct nvme_error_entry entry;

	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_ERROR, false, 0, &entry, sizeof(entry)));
	return entry;
}

uint64_t refused_count(void)
{
	struct nvme_error_entry entry = newest();

	return le64_get(entry.error_count);
}

static void expect(const char *what, const char *field, uint64_t found, uint64_t wanted)
{
	if (found != wanted)
		ck_abort_msg("%s: %s is %llxh, expected %llxh",
		             what,
		             field,
		             (unsigned long long)found,
		             (unsigned long long)wanted);
}

/* The entry of the log but for status and location. */
static void check_command(const char *what, const struct nvme_error_entry *entry,
                          const struct nvme_command *command)
{
	bool is_fabrics = command->opcode == NVME_FABRICS;

	expect(what, "the log's CID", le16_get(entry->cid), le16_get(command->cid));
	expect(what,
	       "the log's NSID",
	       le32_get(entry->nsid),
	       is_fabrics ? 0 : le32_get(command->nsid));
	expect(what, "the log's TRTYPE", entry->trtype, NVME_TRTYPE_TCP);
	expect(what, "the log's opcode", entry->opcode, command->opcode);
}

static void check_reason(const char *what, const struct nvme_error_entry *entry, unsigned status,
                         uint16_t location)
{
	expect(what, "the log's status", le16_get(entry->status) >> 1, status);
	expect(what, "the log's location", le16_get(entry->parameter_location), location);
}

void refused_io(const char *what, struct host_request request, unsigned status, uint16_t location,
                uint64_t lba)
{
	uint64_t count = refused_count();
	struct nvme_error_entry entry;

	expect(what, "the status", scene_execute(&request).value, status);
	expect(what, "M", request.has_more, true);
	entry = newest();
	expect(what, "the log's Error Count", le64_get(entry.error_count), count + 1);
	expect(what, "the log's SQID", le16_get(entry.sqid), 1);
	expect(what, "the log's LBA", le64_get(entry.lba), lba);
	check_command(what, &entry, &request.command);
	check_reason(what, &entry, status, location);
}

void refused_admin(const char *what, struct host_request request, unsigned status,
                   uint16_t location)
{
	uint64_t count = refused_count();
	struct nvme_error_entry entry;

	expect(what, "the status", scene_admin(&request).value, status);
	expect(what, "M", request.has_more, true);
	entry = newest();
	expect(what, "the log's Error Count", le64_get(entry.error_count), count + 1);
	expect(what, "the log's SQID", le16_get(entry.sqid), 0);
	expect(what, "the log's LBA", le64_get(entry.lba), 0);
	check_command(what, &entry, &request.command);
	check_reason(what, &entry, status, location);
}
