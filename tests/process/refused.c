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

/* The answer, and the entry of the log that it brought. */
struct refusal {
	struct nvme_status answered;
	uint64_t count; /* of entries before it */
	uint16_t qid;
	uint64_t lba;
};

static void check(const char *what, const struct host_request *request,
                  const struct refusal *refusal, unsigned status, uint16_t location)
{
	const struct nvme_command *command = &request->command;
	bool is_fabrics = command->opcode == NVME_FABRICS;
	struct nvme_error_entry entry;

	expect(what, "the status", refusal->answered.value, status);
	expect(what, "M", request->has_more, true);
	entry = newest();
	expect(what, "the log's Error Count", le64_get(entry.error_count), refusal->count + 1);
	expect(what, "the log's SQID", le16_get(entry.sqid), refusal->qid);
	expect(what, "the log's LBA", le64_get(entry.lba), refusal->lba);
	expect(what, "the log's CID", le16_get(entry.cid), le16_get(command->cid));
	expect(what,
	       "the log's NSID",
	       le32_get(entry.nsid),
	       is_fabrics ? 0 : le32_get(command->nsid));
	expect(what, "the log's TRTYPE", entry.trtype, NVME_TRTYPE_TCP);
	expect(what, "the log's opcode", entry.opcode, command->opcode);
	expect(what, "the log's status", le16_get(entry.status) >> 1, status);
	expect(what, "the log's location", le16_get(entry.parameter_location), location);
}

void refused_io(const char *what, struct host_request request, unsigned status, uint16_t location,
                uint64_t lba)
{
	struct refusal refusal = {.count = refused_count(), .qid = 1, .lba = lba};

	refusal.answered = scene_execute(&request);
	check(what, &request, &refusal, status, location);
}

void refused_admin(const char *what, struct host_request request, unsigned status,
                   uint16_t location)
{
	struct refusal refusal = {.count = refused_count()};

	refusal.answered = scene_admin(&request);
	check(what, &request, &refusal, status, location);
}

void refused_leave(uint32_t space)
{
	ck_assert_uint_eq(scene.spaces[space].blocks, UINT64_C(64 * 1024 * 1024) / 4096);
	scene_write(space, 8, 2, 77);
	scene_read_back(space, 8, 2, 77);
	scene_disconnect();
}
