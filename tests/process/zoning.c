/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/zoning.h"

#include <stdlib.h>
#include <string.h>

void zoning_start(void)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *spaces = exports.subsystems[0].namespaces;

	memset(spaces, 0, sizeof(exports.subsystems[0].namespaces));
	spaces[0] = (struct harness_namespace){
		.nsid = ZONING_RAM,
		.path = "ram:8M",
		.block_bytes = 4096,
		.zones = "\"zone_size\": \"256K\", \"zone_capacity\": \"192K\", "
			 "\"zone_max_open\": 3, \"zone_max_active\": 4",
		.has_reservations = true,
	};
	spaces[1] = (struct harness_namespace){
		.nsid = ZONING_FILE,
		.path = "zones",
		.create_bytes = 16 << 20,
		.zones = "\"zone_size\": \"1M\"",
	};
	spaces[2] = (struct harness_namespace){
		.nsid = ZONING_FLAT, .path = "ram:8M", .block_bytes = 4096};
	scene_start(&exports);
}

void zoning_connect(void)
{
	scene_connect();
	expect_good(zoning_act_on_all(ZONING_RAM, NVME_ZONE_RESET));
	expect_good(zoning_act_on_all(ZONING_FILE, NVME_ZONE_RESET));
}

uint64_t zoning_lba(uint32_t nsid, uint32_t zone)
{
	return zone * scene.spaces[nsid].zone_blocks;
}

uint32_t zoning_count(uint32_t nsid)
{
	return (uint32_t)(scene.spaces[nsid].blocks / scene.spaces[nsid].zone_blocks);
}

static void *make_data(uint32_t nsid, uint32_t blocks, uint64_t seed)
{
	size_t bytes = (size_t)blocks * scene.spaces[nsid].block_bytes;
	void *data = malloc(bytes);

	ck_assert_ptr_nonnull(data);
	scene_fill(data, bytes, seed);
	return data;
}

struct nvme_status zoning_append(uint32_t nsid, uint32_t zone, uint32_t blocks, uint64_t seed,
                                 uint64_t *ret_lba)
{
	void *data = make_data(nsid, blocks, seed);
	struct host_request request = host_io(
		&scene.spaces[nsid], NVME_IO_ZONE_APPEND, zoning_lba(nsid, zone), blocks, data);
	struct nvme_status status = scene_execute(&request);

	free(data);
	*ret_lba = host_zone_appended(&request);
	return status;
}

struct nvme_status zoning_write(uint32_t nsid, uint64_t lba, uint32_t blocks, uint64_t seed)
{
	void *data = make_data(nsid, blocks, seed);
	struct nvme_status status = scene_io(NVME_IO_WRITE, nsid, lba, blocks, data);

	free(data);
	return status;
}

struct nvme_status zoning_act(uint32_t nsid, uint32_t zone, uint8_t action)
{
	struct host_request request = host_zone_send(
		&scene.spaces[nsid], zoning_lba(nsid, zone), action);

	return scene_execute(&request);
}

struct nvme_status zoning_act_on_all(uint32_t nsid, uint8_t action)
{
	struct host_request request = host_zone_send(&scene.spaces[nsid], HOST_ZONES_ALL, action);

	return scene_execute(&request);
}

struct nvme_zone_descriptor zoning_look(uint32_t nsid, uint32_t zone)
{
	struct {
		struct nvme_zone_report head;
		struct nvme_zone_descriptor zone;
	} report;
	struct host_request request = host_zone_receive(&scene.spaces[nsid],
	                                                zoning_lba(nsid, zone),
	                                                NVME_ZONES_ALL,
	                                                true,
	                                                &report,
	                                                sizeof(report));

	expect_good(scene_execute(&request));
	ck_assert_uint_eq(le64_get(report.head.nr_zones), 1);
	ck_assert_uint_eq(le64_get(report.zone.zslba), zoning_lba(nsid, zone));
	return report.zone;
}

void zoning_expect(uint32_t nsid, uint32_t zone, enum nvme_zone_state state, uint32_t written)
{
	struct nvme_zone_descriptor found = zoning_look(nsid, zone);
	uint64_t wp = le64_get(found.wp);

	ck_assert_msg(found.zs >> 4 == (uint8_t)state,
	              "zone %u: state %xh, expected %xh",
	              zone,
	              found.zs >> 4,
	              state);
	if (state == NVME_ZONE_FULL)
		ck_assert_uint_eq(written, 0);
	else
		ck_assert_uint_eq(wp, zoning_lba(nsid, zone) + written);
}
