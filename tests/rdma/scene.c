/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/rdma/scene.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

struct target target;
struct host good;

#define HOSTNQN       "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-0000000000d1"
#define PAGE_BYTES    8192u
#define ADMIN_ENTRIES 32u
#define KATO_MS       120000u     /* longer than any test */
#define CC_SIZES      0x00460000u /* IOSQES 64, IOCQES 16 bytes */
#define QUEUES        8u
#define GOOD_BLOCK    60000u /* what is the good host's */

void wire_must_be(int r, const char *call, const char *error)
{
	if (r)
		ck_abort_msg("%s: %d: %s", call, r, error);
}

/* ------------------------------------------------------------------ queues */

struct wire_wishes wishes_of(uint16_t qid, uint32_t entries)
{
	return (struct wire_wishes){
		.traddr = target.traddr,
		.trsvcid = target.trsvcid,
		.request = {.qid = qid, .receives = (uint16_t)entries, .entries = entries},
		.ird = DEPTHS,
		.is_replenished = true,
		.timeout_ms = SCENE_WAIT_MS,
	};
}

void open_queue(struct wire_queue *queue, const struct wire_wishes *wishes)
{
	wire_must(queue, wire_queue_open(queue, wishes));
}

uint16_t reject_status(const struct wire_wishes *wishes)
{
	struct wire_queue queue;
	uint16_t status = 0;
	int r = wire_queue_open(&queue, wishes);

	if (r == WIRE_E_REJECTED)
		status = queue.reject_status;
	else
		wire_must(&queue, r);
	wire_queue_close(&queue);
	return status;
}

void send_capsule(struct wire_queue *queue, const struct capsule *capsule)
{
	wire_must(queue, wire_queue_send(queue, &capsule->command, capsule->length));
}

struct nvme_status execute(struct wire_queue *queue, const struct capsule *capsule,
                           struct wire_response *ret_response)
{
	struct wire_response response;

	send_capsule(queue, capsule);
	wire_must(
		queue,
		wire_queue_await(queue, le16_get(capsule->command.cid), &response, SCENE_WAIT_MS));
	ck_assert_uint_eq(response.bytes, sizeof(response.completion)); /* RDMA 1.1 §3.3.1 */
	if (ret_response)
		*ret_response = response;
	return (struct nvme_status){(uint16_t)(le16_get(response.completion.status) >> 1)};
}

void expect_status(struct nvme_status status, enum nvme_status_code code)
{
	ck_assert_msg(status_code(status) == code,
	              "%03xh (%s), and not %03xh",
	              status_code(status),
	              status_words(status),
	              code);
}

void expect_end(struct wire_queue *queue, const char *which)
{
	int r = wire_queue_await_end(queue, SCENE_WAIT_MS);

	ck_assert_msg(r == 0, "%s does not end: %s", which, queue->error);
	wire_queue_close(queue);
}

struct nvme_status connect_queue(struct wire_queue *queue, struct nvme_command command,
                                 uint16_t cntlid, uint16_t *ret_cntlid)
{
	struct wire_memory *memory = wire_memory_new(queue, NVME_CONNECT_DATA_SIZE);
	struct nvme_connect_data *data;
	struct wire_response response;
	struct nvme_status status;
	struct capsule capsule;

	ck_assert_msg(memory, "%s", queue->error);
	data = (struct nvme_connect_data *)memory->bytes;
	memset(data->hostid, 0xd1, sizeof(data->hostid));
	data->cntlid = le16_of(cntlid);
	snprintf(data->subnqn, sizeof(data->subnqn), "%s", target.subnqn);
	snprintf(data->hostnqn, sizeof(data->hostnqn), "%s", HOSTNQN);
	capsule = capsule_of(command, sgl_keyed(memory, 0, NVME_CONNECT_DATA_SIZE));
	status = execute(queue, &capsule, &response);
	if (ret_cntlid)
		*ret_cntlid = (uint16_t)le32_get(response.completion.dw0);
	return status;
}

/* ------------------------------------------------------------------ hosts */

static uint64_t property(struct host *host, uint32_t offset, bool is_64_bit)
{
	struct capsule capsule = capsule_of(command_property_get(offset, is_64_bit), sgl_none());
	struct wire_response response;

	expect_success(execute(&host->admin, &capsule, &response));
	return le32_get(response.completion.dw0) | (uint64_t)le32_get(response.completion.dw1)
	                                                   << 32;
}

static void enable(struct host *host)
{
	uint64_t deadline_ns = clock_now_ns() + SCENE_WAIT_MS * NS_PER_MS;
	struct capsule capsule = capsule_of(
		command_property_set(NVME_PROPERTY_CC, CC_SIZES | NVME_CC_EN), sgl_none());

	expect_success(execute(&host->admin, &capsule, NULL));
	while (!(property(host, NVME_PROPERTY_CSTS, false) & NVME_CSTS_RDY)) {
		ck_assert_msg(clock_now_ns() < deadline_ns, "CSTS.RDY stays 0");
		usleep(1000);
	}
}

static uint32_t number(const uint8_t *page, size_t offset, size_t bytes)
{
	uint32_t value = 0;

	memcpy(&value, page + offset, bytes);
	return value;
}

/* Base 2.1 §5.1.13.2.1: MDTS, SGLS, IOCCSZ, MSDBD */
static void identify(struct host *host)
{
	struct capsule capsule = capsule_of(command_identify(NVME_CNS_CONTROLLER, 0),
	                                    sgl_keyed(host->page, 0, NVME_IDENTIFY_SIZE));
	const uint8_t *page = host->page->bytes;

	expect_success(execute(&host->admin, &capsule, NULL));
	host->transfer_max = page[77] ? 4096u << page[77] : UINT32_MAX;
	host->sgls = number(page, 536, 4);
	host->capsule_data_max = number(page, 1792, 4) * 16 - CAPSULE_COMMAND;
	host->blocks_max = page[1803];
}

static void ask_for_queues(struct host *host)
{
	struct capsule capsule = capsule_of(command_queues(QUEUES), sgl_none());

	expect_success(execute(&host->admin, &capsule, NULL));
}

void host_come_admin(struct host *host)
{
	struct wire_wishes wishes = wishes_of(0, ADMIN_ENTRIES);

	*host = (struct host){0};
	open_queue(&host->admin, &wishes);
	expect_success(connect_queue(&host->admin,
	                             command_connect(0, ADMIN_ENTRIES, KATO_MS),
	                             NVME_CNTLID_DYNAMIC,
	                             &host->cntlid));
	host->page = wire_memory_new(&host->admin, PAGE_BYTES);
	ck_assert_msg(host->page, "%s", host->admin.error);
	enable(host);
	identify(host);
	ask_for_queues(host);
}

void host_open_io(struct host *host, struct wire_queue *queue, uint16_t qid, uint32_t entries,
                  struct wire_memory **ret_data)
{
	struct wire_wishes wishes = wishes_of(qid, entries);

	wishes.request.cntlid = host->cntlid;
	open_queue(queue, &wishes);
	expect_success(connect_queue(queue, command_connect(qid, entries, 0), host->cntlid, NULL));
	*ret_data = wire_memory_new(queue, SCENE_DATA_BYTES);
	ck_assert_msg(*ret_data, "%s", queue->error);
}

void host_come_with(struct host *host, uint32_t entries)
{
	host_come_admin(host);
	host_open_io(host, &host->io, 1, entries, &host->data);
}

void host_come(struct host *host)
{
	host_come_with(host, SCENE_ENTRIES);
}

void host_leave(struct host *host)
{
	wire_queue_close(&host->io);
	wire_queue_close(&host->admin);
}

/* ------------------------------------------------------------------ data */

static uint64_t next_of(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void fill(uint8_t *bytes, size_t length, uint64_t seed)
{
	uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < length; i += sizeof(state)) {
		uint64_t word = next_of(&state);

		memcpy(bytes + i, &word, length - i < sizeof(word) ? length - i : sizeof(word));
	}
}

void expect_filled(const uint8_t *bytes, size_t length, uint64_t seed)
{
	uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < length; i += sizeof(state)) {
		uint64_t word = next_of(&state);
		size_t step = length - i < sizeof(word) ? length - i : sizeof(word);

		ck_assert_msg(memcmp(bytes + i, &word, step) == 0, "wrong data at byte %zu", i);
	}
}

void host_write(struct host *host, uint64_t first_block, uint32_t blocks, uint64_t seed)
{
	uint32_t length = blocks * SCENE_BLOCK;
	struct capsule capsule = capsule_of(
		command_io(NVME_IO_WRITE, SCENE_SPACE, first_block, blocks),
		sgl_keyed(host->data, 0, length));

	fill(host->data->bytes, length, seed);
	expect_success(execute(&host->io, &capsule, NULL));
}

void host_read(struct host *host, uint64_t first_block, uint32_t blocks, uint64_t seed)
{
	uint32_t length = blocks * SCENE_BLOCK;
	struct capsule capsule = capsule_of(
		command_io(NVME_IO_READ, SCENE_SPACE, first_block, blocks),
		sgl_keyed(host->data, 0, length));

	memset(host->data->bytes, 0, length);
	expect_success(execute(&host->io, &capsule, NULL));
	expect_filled(host->data->bytes, length, seed);
}

void given_a_good_host(void)
{
	host_come(&good);
	host_write(&good, GOOD_BLOCK, 16, 4711);
}

void others_do_not_notice(void)
{
	struct host other;

	host_read(&good, GOOD_BLOCK, 16, 4711);
	identify(&good);
	host_come(&other);
	host_read(&other, GOOD_BLOCK, 16, 4711);
	host_leave(&other);
}

void good_host_leaves(void)
{
	host_leave(&good);
}
