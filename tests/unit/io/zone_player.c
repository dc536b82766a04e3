/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/zone_player.h"

#include <stdio.h>
#include <string.h>

#include "services/io/backing.h"
#include "services/io/fault.h"
#include "services/io/namespace.h"

struct player player, other;

static char path[256], disk[160];
static struct rig_namespace served;

/* ------------------------------------------------------------------ the rig */

static void serve(void)
{
	rig_serve(&served, 1);
	until(rig_is_ready(1));
}

static void settle(void)
{
	struct zoned *zoned = zp_zoned();

	pthread_mutex_lock(&zoned->lock);
	zoned->zones.is_settling = false;
	pthread_mutex_unlock(&zoned->lock);
}

void zp_let_settling_end(void)
{
	struct zoned *zoned = zp_zoned();

	pthread_mutex_lock(&zoned->lock);
	zoned->settled_ns = 0;
	pthread_mutex_unlock(&zoned->lock);
}

bool zp_is_in_doubt(uint32_t index)
{
	struct zoned *zoned = zp_zoned();
	bool is_in_doubt;

	pthread_mutex_lock(&zoned->lock);
	is_in_doubt = zoned->zones.zones[index].in_doubt;
	pthread_mutex_unlock(&zoned->lock);
	return is_in_doubt;
}

void zp_begin(unsigned threads, const char *scheme, const char *below, const char *rule)
{
	rig_begin(threads);
	snprintf(disk, sizeof(disk), "%s", below ? below : rig_file("disk", ZP_BYTES));
	snprintf(path, sizeof(path), "zoned:%s%s", scheme, disk);
	served = (struct rig_namespace){
		.handle = 1,
		.path = path,
		.zone_bytes = ZP_BLOCKS * 512,
		.zone_capacity = ZP_CAPACITY * 512,
		.zones_open_max = 2,
		.zones_active_max = 4,
		.faults = {rule},
	};
	serve();
	player_begin(&player);
	other = PLAYER_NULL;
	settle();
}

void zp_end(void)
{
	player_leave(&player);
	player_leave(&other);
	rig_end();
}

void zp_wait_until_served(void)
{
	until(zp_report(0, 64, NVME_ZONES_ALL, 0) != NVME_SC_NAMESPACE_NOT_READY);
}

void zp_open_again(bool settles)
{
	rig_serve(NULL, 0);
	serve();
	zp_wait_until_served();
	if (!settles)
		settle();
}

const char *zp_disk(void)
{
	return disk;
}

struct zoned *zp_zoned(void)
{
	struct backing *backing = namespaces_find(rig.namespaces, 1)->backing;

	ck_assert_ptr_nonnull(backing);
	return zoned_of(backing);
}

/* ------------------------------------------------------------------ faults */

static void set_rules(char *const *texts, size_t n)
{
	char why[FAULT_REASON_SIZE];

	ck_assert_int_eq(fault_set_rules(fault_of(&zp_zoned()->backing), texts, n, why), 0);
}

static void set_rule_at(const char *form, uint64_t offset)
{
	char text[128];

	/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): of the test */
	snprintf(text, sizeof(text), form, (unsigned long long)(offset / 512));
	set_rules((char *const[]){text}, 1);
}

void zp_rule(const char *form, uint64_t block)
{
	set_rule_at(form, zoned_offset(zp_zoned(), block));
}

void zp_rule_of_entry(const char *form, uint32_t index)
{
	const struct zoned *zoned = zp_zoned();

	set_rule_at(form, zoned->table + ((uint64_t)index << zoned->unit_shift));
}

void zp_no_rule(void)
{
	set_rules(NULL, 0);
}

/* ------------------------------------------------------------------ writing */

static void fill(struct player *by, uint64_t offset, uint32_t blocks, int byte)
{
	memset((char *)by->arena.memory + offset, byte, (size_t)blocks * 512);
}

struct link_request zp_writing(struct player *by, uint64_t first, uint32_t blocks, int byte,
                               uint64_t arena_offset)
{
	struct link_request request = player_writing(by, 1, first, blocks);

	request.segments[0].offset = arena_offset;
	fill(by, arena_offset, blocks, byte);
	return request;
}

unsigned zp_write(uint64_t first, uint32_t blocks, int byte)
{
	return player_do(&player, zp_writing(&player, first, blocks, byte, 0));
}

struct link_request zp_appending(struct player *by, uint64_t zone, uint32_t blocks, int byte,
                                 uint64_t arena_offset)
{
	struct link_request request = zp_writing(by, zone * ZP_BLOCKS, blocks, byte, arena_offset);

	request.operation = LINK_ZONE_APPEND;
	return request;
}

unsigned zp_append(uint64_t zone, uint32_t blocks, int byte, uint64_t *ret_block)
{
	struct link_completion completion;

	player_put(&player, zp_appending(&player, zone, blocks, byte, 0));
	until(player_take(&player, &completion));
	*ret_block = (uint64_t)completion.result_high << 32 | completion.result;
	return completion.status;
}

/* ------------------------------------------------------------------ management */

unsigned zp_send(uint64_t zone, enum nvme_zone_send_action action)
{
	return player_do(&player,
	                 (struct link_request){.operation = LINK_ZONE_SEND,
	                                       .handle = 1,
	                                       .first_block = zone * ZP_BLOCKS,
	                                       .application_tag = LINK_ZONE(action, 0)});
}

unsigned zp_send_all(enum nvme_zone_send_action action)
{
	return player_do(&player,
	                 (struct link_request){.operation = LINK_ZONE_SEND,
	                                       .handle = 1,
	                                       .first_block = UINT64_MAX, /* means nothing */
	                                       .application_tag = LINK_ZONE(action, 0),
	                                       .application_mask = LINK_ZONE_ALL});
}

unsigned zp_report(uint64_t first, uint32_t bytes, enum nvme_zone_filter filter, uint8_t flags)
{
	memset(player.arena.memory, 0xee, bytes + 512);
	return player_do(&player,
	                 (struct link_request){
				 .operation = LINK_ZONE_RECEIVE,
				 .handle = 1,
				 .first_block = first,
				 .application_tag = LINK_ZONE(NVME_ZONE_REPORT, filter),
				 .application_mask = flags,
				 .segment_count = 1,
				 .segments = {{.offset = 0, .length = bytes}},
			 });
}

/* ------------------------------------------------------------------ what is there */

struct nvme_zone_descriptor zp_zone(uint32_t index)
{
	struct nvme_zone_descriptor zone;

	ck_assert_uint_eq(zp_report((uint64_t)index * ZP_BLOCKS, 128, NVME_ZONES_ALL, 0), 0);
	memcpy(&zone, (char *)player.arena.memory + sizeof(struct nvme_zone_report), sizeof(zone));
	ck_assert_uint_eq(le64_get(zone.zslba), (uint64_t)index * ZP_BLOCKS);
	return zone;
}

void zp_expect(uint32_t index, enum nvme_zone_state state, uint64_t written)
{
	const struct nvme_zone_descriptor zone = zp_zone(index);
	uint64_t wp = le64_get(zone.wp);

	ck_assert_uint_eq(zone.zs >> 4, state);
	ck_assert_uint_eq(wp == UINT64_MAX ? wp : wp - (uint64_t)index * ZP_BLOCKS, written);
}

void zp_expect_data(uint64_t first, uint32_t blocks, int byte)
{
	const unsigned char *memory = player.arena.memory;

	ck_assert_uint_eq(player_read(&player, 1, first, blocks), 0);
	for (uint32_t i = 0; i < blocks * 512; i++)
		ck_assert_msg(memory[i] == byte,
		              "byte %u from block %llu on is %02x",
		              i,
		              (unsigned long long)first,
		              memory[i]);
}
