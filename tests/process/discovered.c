/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/discovered.h"

#include <string.h>

struct discovered discovered;

void given_discovery(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1].traddr = "0.0.0.0";
	exports.ports[2].traddr = "::1";
	exports.subsystems[1] = (struct harness_subsystem){
		.nqn = PRIVATE,
		.hosts = {OTHER_HOST},
		.namespaces = {{.nsid = 1, .path = "ram:1M"}}};
	scene_start(&exports);
}

struct host_options discovery_on(unsigned port, const char *hostnqn)
{
	struct host_options options = harness_host(scene.harness, port, 0);

	options.subnqn = NVME_DISCOVERY_NQN;
	options.hostnqn = hostnqn;
	return options;
}

void discover_on(unsigned port, const char *hostnqn)
{
	scene.options = discovery_on(port, hostnqn);
	harness_connect_as(&scene.options, &scene.controller);
}

/* ------------------------------------------------------------------ the log */

void get_discovered_of(struct host_controller *controller)
{
	uint64_t count;

	memset(&discovered, 0, sizeof(discovered));
	host_must(controller,
	          host_get_log(controller, NVME_LOG_DISCOVERY, true, 0, &discovered, 1024));
	count = le64_get(discovered.head.numrec);
	ck_assert_uint_le(count, RECORDS_MAX);
	host_must(controller,
	          host_get_log(controller,
	                       NVME_LOG_DISCOVERY,
	                       false,
	                       0,
	                       &discovered,
	                       (uint32_t)(1024 + count * 1024)));
}

void get_discovered(void)
{
	get_discovered_of(&scene.controller);
}

struct nvme_status get_log_with(uint8_t lid, uint8_t specific, uint64_t offset, void *data,
                                uint32_t length)
{
	uint32_t numd_0based = length / 4 - 1;
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
	                    .nsid = le32_of(NVME_NSID_ALL),
	                    .cdw10 = le32_of(lid | (uint32_t)specific << 8 |
	                                     (numd_0based & 0xffff) << 16),
	                    .cdw11 = le32_of(numd_0based >> 16),
	                    .cdw12 = le32_of((uint32_t)offset),
	                    .cdw13 = le32_of((uint32_t)(offset >> 32))},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = data,
		.length = length,
	};

	return scene_admin(&request);
}

bool is_field(const char *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	return !strncmp(field, text, length) &&
	       (length == size || field[length] == 0 || field[length] == ' ');
}

const struct nvme_discovery_entry *find_discovered(const char *subnqn, const char *trsvcid)
{
	for (uint64_t i = 0; i < le64_get(discovered.head.numrec); i++) {
		const struct nvme_discovery_entry *record = &discovered.records[i];

		if (!strcmp(record->subnqn, subnqn) &&
		    is_field(record->trsvcid, sizeof(record->trsvcid), trsvcid))
			return record;
	}
	return NULL;
}

const char *service_of(unsigned port)
{
	return scene.harness->exports.ports[port].trsvcid;
}

void expect_location(uint16_t opcode, uint16_t byte)
{
	struct nvme_error_entry entry;

	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_ERROR, false, 0, &entry, sizeof(entry)));
	ck_assert_uint_ne(le64_get(entry.error_count), 0);
	ck_assert_uint_eq(entry.opcode, opcode);
	ck_assert_uint_eq(le16_get(entry.parameter_location), byte);
}

/* ------------------------------------------------------------------ the configuration */

json_t *get_configuration(void)
{
	json_error_t error;
	json_t *root;

	harness_write(scene.harness, "edited.json", &scene.harness->exports);
	root = json_load_file(harness_path(scene.harness, "edited.json"), 0, &error);
	ck_assert_msg(root != NULL, "%s", error.text);
	return root;
}

void restore_configuration(json_t *root)
{
	char path[192], text[4096];

	snprintf(path, sizeof(path), "%s", harness_path(scene.harness, "edited.json"));
	ck_assert_int_eq(json_dump_file(root, path, JSON_INDENT(1)), 0);
	json_decref(root);
	if (harness_ctl(scene.harness, text, sizeof(text), "restore", path, NULL) != 0)
		ck_abort_msg("nvmetctl restore: %s", text);
}

json_t *port_in(json_t *root, unsigned port)
{
	json_t *found = json_array_get(json_object_get(root, "ports"), port);

	ck_assert_ptr_nonnull(found);
	return found;
}
