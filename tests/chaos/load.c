/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/load.h"

#include <string.h>

static const struct load_kind on_file = {
	.name = "file",
	.what = "one host with two queues on a file, directly",
	.backing = "file.img",
	.hosts = 1,
	.queues = 2,
	.depth = 8,
	.blocks = 16,
	.reads = 50,
	.flushes = 2,
};

static const struct load_kind on_ram = {
	.name = "ram",
	.what = "one host with two queues and digests on RAM, writes by R2T",
	.backing = "ram:16M",
	.block_bytes = 4096,
	.is_ram = true,
	.has_digests = true,
	.is_transferred = true,
	.hosts = 1,
	.queues = 2,
	.depth = 4,
	.blocks = 8,
	.reads = 50,
};

static const struct load_kind on_shared = {
	.name = "shared",
	.what = "two hosts that write the same blocks of a file in turns, through the proxy",
	.backing = "shared.img",
	.is_buffered = true,
	.is_by_proxy = true,
	.hosts = 2,
	.queues = 2,
	.depth = 8,
	.blocks = 8,
	.reads = 50,
	.flushes = 1,
};

static const struct load_kind on_grant = {
	.name = "grant",
	.what = "one host on RAM with an io grant, through the proxy",
	.backing = "ram:8M",
	.block_bytes = 4096,
	.has_io_grant = true,
	.is_ram = true,
	.is_by_proxy = true,
	.hosts = 1,
	.queues = 1,
	.depth = 8,
	.blocks = 4,
	.reads = 60,
};

static const struct load_kind on_disk = {
	.name = "disk",
	.what = "one host on a file behind fault:, which does what a bad disk does",
	.backing = "disk.img",
	.is_faulty = true,
	.hosts = 1,
	.queues = 2,
	.depth = 4,
	.blocks = 8,
	.reads = 50,
	.flushes = 2,
};

const struct load_kind *const load_kinds[] = {&on_file, &on_ram, &on_shared, &on_grant, &on_disk};
const unsigned n_load_kinds = sizeof(load_kinds) / sizeof(load_kinds[0]);

const struct load_kind *load_named(const char *name)
{
	for (unsigned i = 0; i < n_load_kinds; i++)
		if (strcmp(load_kinds[i]->name, name) == 0)
			return load_kinds[i];
	return NULL;
}
