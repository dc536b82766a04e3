/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <uuid.h>

#include "common/nvme/fault_rule.h"
#include "services/state/config_part.h"

/* From JSON to structs: subsystems and namespaces. */

/* Hexadecimal digits, with dashes where the writer likes them. */
static bool parse_identifier(const char *text, uint8_t *ret_identifier, unsigned bytes)
{
	unsigned digits = 0;

	for (; *text; text++) {
		const char *all = "0123456789abcdef", *at;

		if (*text == '-')
			continue;
		at = strchr(all, *text | 0x20);
		if (!at || digits == 2 * bytes)
			return false;
		ret_identifier[digits / 2] = (uint8_t)(ret_identifier[digits / 2] << 4 |
		                                       (at - all));
		digits++;
	}
	return digits == 2 * bytes;
}

static void read_path(const struct json_object *device, struct config_namespace *namespace)
{
	char path[CONFIG_PATH_MAX + 1];

	if (!json_read_text(device, "path", path, sizeof(path)))
		return;
	if (path[0] == '\0' ||
	    strcmp(path, "(null)") == 0) /* what configfs shows if there is none */
		return;
	namespace->path = strdup(path);
	if (!namespace->path)
		config_out_of_memory(device);
}

/* What nvmet has, and this target refuses, or does without. */
static void read_others(const struct json_object *device)
{
	bool revalidate = false;
	char text[64];

	json_read_flag(
		device, "revalidate_size", &revalidate); /* sizes are looked at all the time */
	if (json_read_text(device, "p2pmem", text, sizeof(text)) && text[0] &&
	    strcmp(text, "0") != 0 && strcmp(text, "none") != 0)
		report_error(device->report,
		             PLACE_KEY(device->place, "p2pmem"),
		             "memory of a PCI device is not supported: data lies in the "
		             "transports' own memory, which the devices of RDMA are given");
}

static void read_device(const struct json_object *device, struct config_namespace *namespace)
{
	char text[64];
	int64_t block_size = 0;

	json_warn_unknown(device,
	                  KNOWN("path",
	                        "uuid",
	                        "nguid",
	                        "eui64",
	                        "buffered_io",
	                        "block_size",
	                        "zone_size",
	                        "zone_capacity",
	                        "zone_max_open",
	                        "zone_max_active",
	                        "io_grant",
	                        "worker",
	                        "p2pmem",
	                        "revalidate_size"));
	read_others(device);
	read_path(device, namespace);
	if (json_read_text(device, "uuid", text, sizeof(text))) {
		if (uuid_parse(text, namespace->uuid) != 0)
			report_error(device->report,
			             PLACE_KEY(device->place, "uuid"),
			             "is no UUID, as 12345678-1234-4234-8234-123456789abc is one");
		else
		namespace->has_uuid = !uuid_is_null(namespace->uuid);
	}
	if (json_read_text(device, "nguid", text, sizeof(text)) &&
	    !parse_identifier(text, namespace->nguid, sizeof(namespace->nguid)))
		report_error(device->report,
		             PLACE_KEY(device->place, "nguid"),
		             "is not of 16 bytes in hexadecimal");
	if (json_read_text(device, "eui64", text, sizeof(text)) &&
	    !parse_identifier(text, namespace->eui64, sizeof(namespace->eui64)))
		report_error(device->report,
		             PLACE_KEY(device->place, "eui64"),
		             "is not of 8 bytes in hexadecimal");
	json_read_flag(device, "buffered_io", &namespace->buffered_io);
	if (json_read_number(device, "block_size", 0, 4096, &block_size) && block_size != 0 &&
	    block_size != 512 && block_size != 4096)
		report_error(device->report,
		             PLACE_KEY(device->place, "block_size"),
		             "may be 512 or 4096");
	namespace->block_size = (uint32_t)block_size;
	config_read_zones(device, &namespace->zones);
	json_read_flag(device, "io_grant", &namespace->io_grant);
	config_read_worker_name(device, "worker", namespace->worker);
}

static void read_resv(const struct json_object *object, struct config_namespace *namespace)
{
	const struct json_place *place = PLACE_KEY(object->place, "resv");
	struct json_object resv;

	if (!json_read_object(object, "resv", place, &resv))
		return;
	json_warn_unknown(&resv, KNOWN("enable"));
	json_read_flag(&resv, "enable", &namespace->resv_enable);
	namespace->resv = json_deep_copy(resv.json);
}

/* What is wrong is left out; then the whole is refused. */
static void read_fault(const struct json_object *object, const json_t *element, size_t index,
                       struct config_namespace *namespace)
{
	const struct json_place *place = PLACE_INDEX(PLACE_KEY(object->place, "faults"), index);
	const char *text = json_string_value(element);
	char reason[FAULT_REASON_SIZE];
	struct fault_rule rule;

	if (!text) {
		report_error(object->report, place, "is no text");
		return;
	}
	if (fault_rule_parse(text, &rule, reason) != 0) {
		report_error(object->report, place, "%s", reason);
		return;
	}
	namespace->faults[namespace->n_faults] = strdup(text);
	if (namespace->faults[namespace->n_faults])
	namespace->n_faults++;
	else config_out_of_memory(object);
}

static void read_faults(const struct json_object *object, struct config_namespace *namespace)
{
	const json_t *array;
	size_t count = json_read_array(object, "faults", FAULT_RULES_MAX, &array);

	if (count == 0)
		return;
	namespace->faults = calloc(count, sizeof(*namespace->faults));
	if (!namespace->faults) {
		config_out_of_memory(object);
		return;
	}
	for (size_t i = 0; i < count; i++)
		read_fault(object, json_array_get(array, i), i, namespace);
}

static int by_name(const void *left, const void *right)
{
	const struct config_link *a = left, *b = right;

	return strcmp(a->nqn, b->nqn);
}

/* Kept in order, as hosts are looked for in them. */
static void read_visibility(const struct json_object *object, struct config_namespace *namespace)
{
	struct config_link *hosts;
	size_t count;

	namespace->auto_visible = true;
	json_read_flag(object, "auto_visible", &namespace->auto_visible);
	if (config_read_links(object,
	                      "allowed_hosts",
	                      &namespace->allowed_hosts,
	                      &namespace->n_allowed_hosts) != 0) {
		config_out_of_memory(object);
		return;
	}
	hosts = namespace->allowed_hosts;
	count = namespace->n_allowed_hosts;
	if (count > 1)
		qsort(hosts, count, sizeof(*hosts), by_name);
	for (size_t i = 1; i < count; i++)
		if (hosts[i].nqn[0] && by_name(&hosts[i - 1], &hosts[i]) == 0)
			report_error(object->report,
			             PLACE_KEY(object->place, "allowed_hosts"),
			             "has \"%s\" twice",
			             hosts[i].nqn);
}

static void read_namespace(const struct json_object *object, void *ret_element)
{
	struct config_namespace *namespace = ret_element;
	const struct json_place *device_place = PLACE_KEY(object->place, "device");
	const struct json_place *ana_place = PLACE_KEY(object->place, "ana");
	struct json_object inner;
	int64_t nsid = 0, group = 1;

	json_warn_unknown(object,
	                  KNOWN("nsid",
	                        "enable",
	                        "ana_grpid",
	                        "ana",
	                        "device",
	                        "resv",
	                        "buffered_io",
	                        "faults",
	                        "auto_visible",
	                        "allowed_hosts"));
	config_require(object, "nsid");
	json_read_number(object, "nsid", 1, NVME_MAX_NAMESPACES, &nsid);
	namespace->nsid = (uint32_t)nsid;
	json_read_flag(object, "enable", &namespace->enable);
	json_read_flag(object, "buffered_io", &namespace->buffered_io);
	json_read_number(object, "ana_grpid", 1, NVME_MAX_ANA_GROUPS, &group);
	if (json_read_object(object, "ana", ana_place, &inner)) {
		json_warn_unknown(&inner, KNOWN("grpid"));
		json_read_number(&inner, "grpid", 1, NVME_MAX_ANA_GROUPS, &group);
	}
	namespace->ana_group = (uint32_t)group;
	if (json_read_object(object, "device", device_place, &inner))
		read_device(&inner, namespace);
	read_resv(object, namespace);
	read_faults(object, namespace);
	read_visibility(object, namespace);
}

/* The versions of the base specification that there are; each with the value that VS has. */
#define VERSIONS(X)                                                                                \
	X("1.2", 0x10200)                                                                          \
	X("1.2.1", 0x10201)                                                                        \
	X("1.3", 0x10300)                                                                          \
	X("1.4", 0x10400)                                                                          \
	X("2.0", 0x20000)                                                                          \
	X("2.1", 0x20100)                                                                          \
	X("2.2", 0x20200)                                                                          \
	X("2.3", 0x20300)

static const struct {
	const char *text;
	uint32_t vs;
} versions[] = {
#define X(text, vs) {text, vs},
	VERSIONS(X)
#undef X
};

static const char version_words[] = "is no version of NVMe that may be said: these are"
#define X(text, vs) " " text
	VERSIONS(X)
#undef X
	;

/* "2.1", "1.4.0": as the VS property has it; 0 if it is none. */
static uint32_t parse_version(const char *text)
{
	unsigned long part[3] = {0};
	unsigned parts = 0;
	char *end;

	do {
		if (!isdigit((unsigned char)*text))
			return 0;
		part[parts] = strtoul(text, &end, 10);
		if (part[parts] > 255)
			return 0;
		text = end + 1;
	} while (*end == '.' && ++parts < 3);
	if (*end != '\0' || parts == 0)
		return 0;
	return (uint32_t)(part[0] << 16 | part[1] << 8 | part[2]);
}

/* The last one that there is, not above it; 0: it is before the first. */
static uint32_t version_below(uint32_t vs)
{
	uint32_t found = 0;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].vs <= vs)
			found = versions[i].vs;
	return found;
}

static void read_version(const struct json_object *attr, struct config_subsystem *subsystem)
{
	const struct json_place *place = PLACE_KEY(attr->place, "version");
	uint32_t said, below;
	char text[16];

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		json_tell_value(attr, "version", versions[i].text);
	if (!json_read_text(attr, "version", text, sizeof(text)))
		return;
	said = parse_version(text);
	below = version_below(said);
	if (said == 0 || below == 0 || (said != below && !attr->report->mends)) {
		report_error(attr->report, place, "%s", version_words);
		return;
	}
	if (said != below)
		report_warning(attr->report,
		               place,
		               "is no version of NVMe; hosts are told the one before it");
	subsystem->version = below;
}

/* Identify has room for ASCII only (Base 2.1 §1.4.2). */
static void read_ascii(const struct json_object *attr, const char *key, char *ret_text, size_t size)
{
	if (!json_read_text(attr, key, ret_text, size))
		return;
	for (const char *at = ret_text; *at; at++) {
		if ((unsigned char)*at < 0x7f)
			continue;
		report_error(
			attr->report, PLACE_KEY(attr->place, key), "is not of ASCII characters");
		return;
	}
}

static uint32_t read_u32(const struct json_object *attr, const char *key, int64_t least,
                         int64_t most, uint32_t otherwise)
{
	int64_t number = otherwise;

	json_read_number(attr, key, least, most, &number);
	return (uint32_t)number;
}

/* Static controllers are there, each with what it retains. Their range has been read. */
static void read_model(const struct json_object *attr, struct config_subsystem *subsystem)
{
	int controllers = subsystem->cntlid_max - subsystem->cntlid_min + 1;
	char text[16];

	json_tell_value(attr, "controller_model", "dynamic");
	json_tell_value(attr, "controller_model", "static");
	if (!json_read_text(attr, "controller_model", text, sizeof(text)))
		return;
	subsystem->is_static = strcmp(text, "static") == 0;
	if (!subsystem->is_static && strcmp(text, "dynamic") != 0)
		report_error(attr->report,
		             PLACE_KEY(attr->place, "controller_model"),
		             "may be \"dynamic\" or \"static\"");
	else if (subsystem->is_static && controllers > CONFIG_STATIC_MAX)
		report_error(attr->report,
		             PLACE_KEY(attr->place, "controller_model"),
		             "is static, so that cntlid_min and cntlid_max say which controllers "
		             "there are: %d, and may be %d",
		             controllers,
		             CONFIG_STATIC_MAX);
}

static void read_duplicate(const struct json_object *attr, struct config_subsystem *subsystem)
{
	static const enum config_duplicate all[] = {
		CONFIG_DUPLICATE_ALLOW, CONFIG_DUPLICATE_REPLACE, CONFIG_DUPLICATE_REFUSE};
	char text[16];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		json_tell_value(attr, "duplicate_host", config_duplicate_name(all[i]));
	if (!json_read_text(attr, "duplicate_host", text, sizeof(text)))
		return;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(config_duplicate_name(all[i]), text) != 0)
			continue;
		subsystem->duplicate_host = all[i];
		return;
	}
	report_error(attr->report,
	             PLACE_KEY(attr->place, "duplicate_host"),
	             "may be \"allow\", \"replace\" or \"refuse\"");
}

static void read_attributes(const struct json_object *object, struct config_subsystem *subsystem)
{
	const struct json_place *place = PLACE_KEY(object->place, "attr");
	struct json_object attr;

	if (!json_read_object(object, "attr", place, &attr))
		return;
	json_warn_unknown(&attr,
	                  KNOWN("allow_any_host",
	                        "version",
	                        "serial",
	                        "model",
	                        "firmware",
	                        "ieee_oui",
	                        "vendor_id",
	                        "subsys_vendor_id",
	                        "cntlid_min",
	                        "cntlid_max",
	                        "qid_max",
	                        "pi_enable",
	                        "enable_nssr",
	                        "controller_model",
	                        "duplicate_host"));
	json_read_flag(&attr, "allow_any_host", &subsystem->allow_any_host);
	read_version(&attr, subsystem);
	read_ascii(&attr, "serial", subsystem->serial, sizeof(subsystem->serial));
	read_ascii(&attr, "model", subsystem->model, sizeof(subsystem->model));
	read_ascii(&attr, "firmware", subsystem->firmware, sizeof(subsystem->firmware));
	subsystem->ieee_oui = read_u32(&attr, "ieee_oui", 0, 0xffffff, 0);
	subsystem->vendor_id = (uint16_t)read_u32(&attr, "vendor_id", 0, UINT16_MAX, 0);
	subsystem->subsys_vendor_id = (uint16_t)read_u32(
		&attr, "subsys_vendor_id", 0, UINT16_MAX, 0);
	subsystem->cntlid_min = (uint16_t)read_u32(&attr, "cntlid_min", 1, NVME_CNTLID_MAX, 1);
	subsystem->cntlid_max = (uint16_t)read_u32(
		&attr, "cntlid_max", 1, NVME_CNTLID_MAX, NVME_CNTLID_MAX);
	subsystem->qid_max = (uint16_t)read_u32(
		&attr, "qid_max", 1, CONFIG_QID_MAX, CONFIG_QID_MAX);
	json_read_flag(&attr, "pi_enable", &subsystem->pi_enable);
	json_read_flag(&attr, "enable_nssr", &subsystem->enable_nssr);
	read_model(&attr, subsystem);
	read_duplicate(&attr, subsystem);
}

/* Kept as it came, as long as nothing of it is enabled. */
static void read_passthru(const struct json_object *object, struct config_subsystem *subsystem)
{
	const json_t *array, *element;
	size_t count = json_read_array(object, "passthru", CONFIG_PASSTHRU_MAX, &array);

	for (size_t i = 0; i < count; i++) {
		const struct json_place *place = PLACE_INDEX(PLACE_KEY(object->place, "passthru"),
		                                             i);
		struct json_object passthru = {
			element = json_array_get(array, i), place, object->report};
		bool enable = false;

		if (json_is_object(element))
			json_read_flag(&passthru, "enable", &enable);
		else
			report_error(object->report, place, "is no object");
		if (enable)
			report_error(object->report,
			             PLACE_KEY(place, "enable"),
			             "passthrough is not supported yet");
	}
	if (json_object_get(object->json, "passthru"))
		subsystem->passthru = json_deep_copy(json_object_get(object->json, "passthru"));
}

void config_read_subsystem(const struct json_object *object, void *ret_element)
{
	struct config_subsystem *subsystem = ret_element;
	int r;

	*subsystem = (struct config_subsystem){
		.version = 0x20100,
		.model = CONFIG_DEFAULT_MODEL,
		.firmware = NVMETD_VERSION,
		.cntlid_min = 1,
		.cntlid_max = NVME_CNTLID_MAX,
		.qid_max = CONFIG_QID_MAX,
	};
	json_warn_unknown(
		object,
		KNOWN("nqn", "attr", "allowed_hosts", "namespaces", "passthru", "admin_label"));
	config_read_nqn(object, "nqn", subsystem->nqn);
	json_read_text(
		object, "admin_label", subsystem->admin_label, sizeof(subsystem->admin_label));
	read_attributes(object, subsystem);
	read_passthru(object, subsystem);
	r = config_read_links(
		object, "allowed_hosts", &subsystem->allowed_hosts, &subsystem->n_allowed_hosts);
	if (!r)
		r = config_read_elements(object,
		                         "namespaces",
		                         NVME_MAX_NAMESPACES,
		                         sizeof(*subsystem->namespaces),
		                         read_namespace,
		                         (void **)&subsystem->namespaces,
		                         &subsystem->n_namespaces);
	if (r)
		config_out_of_memory(object);
}
