/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/state/reserving.h"

#include <stdlib.h>
#include <string.h>

#include "common/nvme/reservation.h"

struct reserving reserving;

/* Namespaces 1 and 2 of the open subsystem; the one of the private subsystem has none. */
char *reserving_config(void)
{
	char *once = stage_edit(stage_config,
	                        "\"ram:1M\",\n     \"uuid\": "
	                        "\"6f0c2c52-3f7e-4b3a-9a44-000000000001\"}}",
	                        "\"ram:1M\"}, \"resv\": {\"enable\": \"1\"}}");
	char *twice = stage_edit(once,
	                         "\"ana_grpid\": 2,",
	                         "\"ana_grpid\": 2, \"resv\": "
	                         "{\"enable\": \"1\"},");

	free(once);
	return twice;
}

static void connect_hosts(void)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		reserving.sessions[i] = stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
		memset(reserving.sessions[i]->host_id,
		       0x10 + (int)i,
		       sizeof(reserving.sessions[i]->host_id));
	}
}

void reserving_open(void)
{
	char *config;

	stage_open();
	config = reserving_config();
	stage_restore(config);
	free(config);
	stage_ready();
	reserving.has_identity = false;
	connect_hosts();
}

/* ------------------------------------------------------------------ commands */

struct nvme_status ask(unsigned host, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint64_t key,
                       uint64_t new_key)
{
	struct le64 data[2] = {le64_of(key), le64_of(new_key)};
	Nvmetd__AdminRequest asked = NVMETD__ADMIN_REQUEST__INIT;
	const struct nvme_command command = {.opcode = opcode,
	                                     .nsid = le32_of(nsid),
	                                     .cdw10 = le32_of(cdw10),
	                                     .cdw11 = le32_of(1)};
	const struct admin_request request = {
		.state = &stage.state,
		.target = &stage.state.target,
		.session = reserving.sessions[host],
		.subsystem = target_find_config(&stage.state.target,
	                                        reserving.sessions[host]->subsystem),
		.command = &command,
	};

	asked.qid = 1;
	asked.data.data = (uint8_t *)data;
	asked.data.len = sizeof(data);
	if (reserving.has_identity) {
		asked.identity.data = reserving.identity;
		asked.identity.len = sizeof(reserving.identity);
	}
	admin_reply_deinit(&stage.reply);
	reservations_execute(&request, &asked, &stage.reply);
	return stage.reply.status;
}

struct nvme_status enter(unsigned host, uint32_t nsid)
{
	return ask(host, NVME_IO_RESERVATION_REGISTER, nsid, REGISTER, 0, host + 1);
}

struct nvme_status leave(unsigned host, uint32_t nsid)
{
	return ask(host, NVME_IO_RESERVATION_REGISTER, nsid, UNREGISTER, host + 1, 0);
}

struct nvme_status acquire(unsigned host, uint32_t nsid, unsigned type)
{
	return ask(host, NVME_IO_RESERVATION_ACQUIRE, nsid, type << 8, host + 1, 0);
}

struct nvme_status preempt(unsigned host, uint32_t nsid, unsigned type, unsigned other)
{
	return ask(
		host, NVME_IO_RESERVATION_ACQUIRE, nsid, type << 8 | PREEMPT, host + 1, other + 1);
}

/* ------------------------------------------------------------------ what is there */

unsigned there(uint32_t nsid)
{
	expect_status(ask(A, NVME_IO_RESERVATION_REPORT, nsid, 1023, 0, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 4096);
	return (unsigned)stage.reply.data[4] << 8 | stage.reply.data[5];
}

unsigned generation(uint32_t nsid)
{
	there(nsid);
	return stage.reply.data[0];
}

bool persists(uint32_t nsid)
{
	there(nsid);
	return stage.reply.data[9];
}

void reserving_reopen(void)
{
	stage_reopen();
	stage_ready();
	connect_hosts();
}
