/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/fault_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/io/namespace.h"

#define MIB (1u << 20)

struct player player, other;
char fault_rig_disk[128], fault_rig_path[160];

void fault_rig_begin(unsigned threads, const char *rule, const char *second_rule)
{
	const struct rig_namespace two[] = {
		{.handle = 1, .path = fault_rig_path, .faults = {rule, second_rule}},
		{.handle = 2,           .path = "ram:1M"                      },
	};

	rig_begin(threads);
	snprintf(fault_rig_disk, sizeof(fault_rig_disk), "%s", rig_file("disk", 4 * MIB));
	snprintf(fault_rig_path, sizeof(fault_rig_path), "fault:%s", fault_rig_disk);
	rig_serve(two, 2);
	until(rig_is_ready(1) && rig_is_ready(2));
	player_begin(&player);
	other = PLAYER_NULL;
}

void fault_rig_end(void)
{
	player_leave(&player);
	player_leave(&other);
	rig_end();
}

struct fault *fault_rig_fault(void)
{
	return fault_of(namespaces_find(rig.namespaces, 1)->backing);
}

void fault_rig_set(const char *rule)
{
	char *texts[] = {(char *)rule};
	char reason[FAULT_REASON_SIZE];

	ck_assert_int_eq(fault_set_rules(fault_rig_fault(), texts, rule ? 1 : 0, reason), 0);
}

struct fault_report fault_rig_report(void)
{
	struct fault_report described;

	fault_describe(fault_rig_fault(), &described);
	return described;
}

/* What is really in the file. */
unsigned char fault_rig_byte(uint64_t block)
{
	int fd = open(fault_rig_disk, O_RDONLY | O_CLOEXEC);
	unsigned char byte;

	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)(block * 512)), 1);
	close(fd);
	return byte;
}

void fault_rig_write(uint64_t first, uint32_t blocks, int byte, uint8_t flags)
{
	memset(player.arena.memory, byte, (size_t)blocks * 512);
	ck_assert_uint_eq(player_write(&player, 1, first, blocks, flags), 0);
}

void fault_rig_expect(uint64_t first, uint32_t blocks, int byte)
{
	const unsigned char *memory = player.arena.memory;

	ck_assert_uint_eq(player_read(&player, 1, first, blocks), 0);
	for (uint32_t i = 0; i < blocks * 512; i++)
		ck_assert_msg(memory[i] == byte,
		              "byte %u is %02x, and not %02x",
		              i,
		              memory[i],
		              (unsigned)byte);
}
