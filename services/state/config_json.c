/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <uuid.h>

#include "common/base/error.h"
#include "services/state/json_read.h"

/*
 * From JSON to structs: types, lengths, ranges, forms. One function for each kind of object of
 * nvmetcli's file. The rules between objects are in config_check.c.
 */

#define KNOWN(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Called for the element at `index`; what it fills in is zeroed before. */
typedef void (*read_element_fn)(const struct json_object *object, void *ret_element);

/* Reads an array of objects into a new array. -ENOMEM leaves it empty. */
static int read_elements(const struct json_object *parent, const char *key, size_t element_size,
                         read_element_fn read_element, void **ret_elements, size_t *ret_count)
{
	const json_t *array;
	size_t count = json_read_array(parent, key, &array);
	char *elements;

	if (count == 0)
		return 0;
	elements = calloc(count, element_size);
	if (!elements)
		return error_origin(-ENOMEM);
	*ret_elements = elements;
	*ret_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct json_place *place = PLACE_INDEX(PLACE_KEY(parent->place, key), i);
		const json_t *value = json_array_get(array, i);
		struct json_object object = {value, place, parent->report};

		if (json_is_object(value))
			read_element(&object, elements + i * element_size);
		else
			report_error(parent->report, place, "is no object");
	}
	return 0;
}

static void out_of_memory(const struct json_object *object)
{
	report_error(object->report, object->place, "there is not enough memory for it");
}

static void require(const struct json_object *object, const char *key)
{
	if (!json_object_get(object->json, key))
		report_error(object->report, object->place, "has no \"%s\"", key);
}

static void read_nqn(const struct json_object *object, const char *key,
                     char ret_nqn[static NVME_NQN_SIZE])
{
	const char *objection;

	require(object, key);
	if (!json_read_text(object, key, ret_nqn, NVME_NQN_SIZE))
		return;
	objection = nqn_objection(ret_nqn);
	if (objection)
		report_error(object->report, PLACE_KEY(object->place, key), "%s", objection);
	else if (strncmp(ret_nqn, "nqn.", 4) != 0)
		report_warning(object->report,
		               PLACE_KEY(object->place, key),
		               "does not begin with \"nqn.\"; some hosts refuse that");
}

/* An array of names. */
static int read_links(const struct json_object *object, const char *key,
                      struct config_link **ret_links, size_t *ret_count)
{
	const json_t *array;
	size_t count = json_read_array(object, key, &array);
	struct config_link *links;

	if (count == 0)
		return 0;
	links = calloc(count, sizeof(*links));
	if (!links)
		return error_origin(-ENOMEM);
	*ret_links = links;
	*ret_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct json_place *place = PLACE_INDEX(PLACE_KEY(object->place, key), i);
		const char *name = json_string_value(json_array_get(array, i));

		if (!name || nqn_objection(name))
			report_error(object->report,
			             place,
			             "%s",
			             name ? nqn_objection(name) : "is no text");
		else
			memcpy(links[i].nqn, name, strlen(name) + 1);
	}
	return 0;
}

/* ------------------------------------------------------------------ hosts */

static void read_host(const struct json_object *object, void *ret_element)
{
	struct config_host *host = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "dhchap");
	struct json_object dhchap;
	const char *key;

	json_warn_unknown(object, KNOWN("nqn", "dhchap"));
	read_nqn(object, "nqn", host->nqn);
	if (!json_read_object(object, "dhchap", place, &dhchap))
		return;
	key = json_string_value(json_object_get(dhchap.json, "key"));
	if (key && *key) /* to export without the key that was asked for would be worse */
		report_error(object->report,
		             PLACE_KEY(place, "key"),
		             "authentication is not supported yet");
	host->dhchap = json_deep_copy(dhchap.json);
}

/* ------------------------------------------------------------------ ports */

static void read_address(const struct json_object *object, struct config_address *ret_address)
{
	json_read_text(object, "trtype", ret_address->trtype, sizeof(ret_address->trtype));
	json_read_text(object, "adrfam", ret_address->adrfam, sizeof(ret_address->adrfam));
	json_read_text(object, "traddr", ret_address->traddr, sizeof(ret_address->traddr));
	json_read_text(object, "trsvcid", ret_address->trsvcid, sizeof(ret_address->trsvcid));
	json_read_text(object, "treq", ret_address->treq, sizeof(ret_address->treq));
	json_read_text(object, "tsas", ret_address->tsas, sizeof(ret_address->tsas));
	if (ret_address->adrfam[0] == '\0' && ret_address->traddr[0] != '\0')
		strcpy(ret_address->adrfam, strchr(ret_address->traddr, ':') ? "ipv6" : "ipv4");
	if (ret_address->treq[0] == '\0')
		strcpy(ret_address->treq, "not specified");
}

static void read_ana_group(const struct json_object *object, void *ret_element)
{
	struct config_ana_group *group = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "ana");
	struct json_object ana;
	char state[32];
	int64_t number = 0;

	json_warn_unknown(object, KNOWN("grpid", "ana"));
	require(object, "grpid");
	json_read_number(object, "grpid", 1, NVME_MAX_ANA_GROUPS, &number);
	group->group = (uint32_t)number;
	group->state = number == 1 ? NVME_ANA_OPTIMIZED : NVME_ANA_INACCESSIBLE;
	if (!json_read_object(object, "ana", place, &ana))
		return;
	json_warn_unknown(&ana, KNOWN("state"));
	if (json_read_text(&ana, "state", state, sizeof(state)) &&
	    ana_state_of_name(state, &group->state) != 0)
		report_error(
			object->report,
			PLACE_KEY(place, "state"),
			"may be optimized, non-optimized, inaccessible, persistent-loss or change");
}

static void read_referral(const struct json_object *object, void *ret_element)
{
	struct config_referral *referral = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "addr");
	struct json_object address;
	char name[256] = "";
	int64_t port_id = 0;

	json_warn_unknown(object, KNOWN("name", "enable", "addr"));
	require(object, "name");
	json_read_text(object, "name", name, sizeof(name));
	referral->name = strdup(name);
	if (!referral->name)
		out_of_memory(object);
	json_read_flag(object, "enable", &referral->enable);
	if (!json_read_object(object, "addr", place, &address))
		return;
	json_warn_unknown(&address,
	                  KNOWN("trtype", "adrfam", "traddr", "trsvcid", "treq", "tsas", "portid"));
	read_address(&address, &referral->address);
	json_read_number(&address, "portid", 0, UINT16_MAX, &port_id);
	referral->port_id = (uint32_t)port_id;
}

static void read_parameters(const struct json_object *object, struct config_port *port)
{
	const struct json_place *place = PLACE_KEY(object->place, "param");
	struct json_object param;
	int64_t pi_enable = 0;

	if (!json_read_object(object, "param", place, &param))
		return;
	json_warn_unknown(&param, KNOWN("inline_data_size", "max_queue_size", "mdts", "pi_enable"));
	json_read_number(
		&param, "inline_data_size", -1, CONFIG_IN_CAPSULE_MAX, &port->inline_data_size);
	json_read_number(
		&param, "max_queue_size", -1, CONFIG_QUEUE_SIZE_MAX, &port->max_queue_size);
	if (port->max_queue_size != -1 && port->max_queue_size < CONFIG_QUEUE_SIZE_MIN)
		report_error(object->report,
		             PLACE_KEY(place, "max_queue_size"),
		             "may be -1, or %d to %d",
		             CONFIG_QUEUE_SIZE_MIN,
		             CONFIG_QUEUE_SIZE_MAX);
	json_read_number(&param, "mdts", -1, 255, &port->mdts);
	json_read_number(&param, "pi_enable", -1, 1, &pi_enable);
	if (pi_enable == 1)
		report_error(object->report,
		             PLACE_KEY(place, "pi_enable"),
		             "protection information is not supported yet");
}

/* Group 1 is in each port, named or not. */
static int add_group_1(struct config_port *port)
{
	struct config_ana_group *groups;

	for (size_t i = 0; i < port->n_groups; i++)
		if (port->groups[i].group == 1)
			return 0;
	groups = realloc(port->groups, (port->n_groups + 1) * sizeof(*groups));
	if (!groups)
		return error_origin(-ENOMEM);
	memmove(groups + 1, groups, port->n_groups * sizeof(*groups));
	groups[0] = (struct config_ana_group){1, NVME_ANA_OPTIMIZED};
	port->groups = groups;
	port->n_groups++;
	return 0;
}

static int by_group(const void *left, const void *right)
{
	const struct config_ana_group *a = left, *b = right;

	return (a->group > b->group) - (a->group < b->group);
}

static void read_port(const struct json_object *object, void *ret_element)
{
	struct config_port *port = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "addr");
	struct json_object address;
	int64_t port_id = 0;
	int r;

	*port = (struct config_port){.inline_data_size = -1, .max_queue_size = -1, .mdts = -1};
	json_warn_unknown(
		object, KNOWN("portid", "addr", "param", "subsystems", "ana_groups", "referrals"));
	require(object, "portid");
	json_read_number(object, "portid", 0, UINT16_MAX, &port_id);
	port->port_id = (uint32_t)port_id;
	if (json_read_object(object, "addr", place, &address)) {
		json_warn_unknown(&address,
		                  KNOWN("trtype", "adrfam", "traddr", "trsvcid", "treq", "tsas"));
		read_address(&address, &port->address);
	}
	read_parameters(object, port);
	r = read_links(object, "subsystems", &port->links, &port->n_links);
	if (!r)
		r = read_elements(object,
		                  "ana_groups",
		                  sizeof(*port->groups),
		                  read_ana_group,
		                  (void **)&port->groups,
		                  &port->n_groups);
	if (!r)
		r = add_group_1(port);
	if (!r)
		r = read_elements(object,
		                  "referrals",
		                  sizeof(*port->referrals),
		                  read_referral,
		                  (void **)&port->referrals,
		                  &port->n_referrals);
	if (r)
		out_of_memory(object);
	else
		qsort(port->groups, port->n_groups, sizeof(*port->groups), by_group);
}

/* ------------------------------------------------------------------ subsystems */

/* 32 hexadecimal digits, with dashes where the writer likes them. */
static bool parse_nguid(const char *text, uint8_t ret_nguid[static 16])
{
	unsigned digits = 0;

	for (; *text; text++) {
		const char *all = "0123456789abcdef", *at;

		if (*text == '-')
			continue;
		at = strchr(all, *text | 0x20);
		if (!at || digits == 32)
			return false;
		ret_nguid[digits / 2] = (uint8_t)(ret_nguid[digits / 2] << 4 | (at - all));
		digits++;
	}
	return digits == 32;
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
		out_of_memory(device);
}

static void read_device(const struct json_object *device, struct config_namespace *namespace)
{
	char text[64];
	int64_t block_size = 0;

	json_warn_unknown(device, KNOWN("path", "uuid", "nguid", "buffered_io", "block_size"));
	read_path(device, namespace);
	if (json_read_text(device, "uuid", text, sizeof(text))) {
		if (uuid_parse(text, namespace->uuid) != 0)
			report_error(
				device->report, PLACE_KEY(device->place, "uuid"), "is no UUID");
		else
		namespace->has_uuid = !uuid_is_null(namespace->uuid);
	}
	if (json_read_text(device, "nguid", text, sizeof(text)) &&
	    !parse_nguid(text, namespace->nguid))
		report_error(device->report,
		             PLACE_KEY(device->place, "nguid"),
		             "is not of 16 bytes in hexadecimal");
	json_read_flag(device, "buffered_io", &namespace->buffered_io);
	if (json_read_number(device, "block_size", 0, 4096, &block_size) && block_size != 0 &&
	    block_size != 512 && block_size != 4096)
		report_error(device->report,
		             PLACE_KEY(device->place, "block_size"),
		             "may be 512 or 4096");
	namespace->block_size = (uint32_t)block_size;
}

static void read_resv(const struct json_object *object, struct config_namespace *namespace)
{
	const struct json_place *place = PLACE_KEY(object->place, "resv");
	struct json_object resv;
	bool enable = false;

	if (!json_read_object(object, "resv", place, &resv))
		return;
	json_read_flag(&resv, "enable", &enable);
	if (enable)
		report_error(object->report,
		             PLACE_KEY(place, "enable"),
		             "reservations are not supported yet");
	namespace->resv = json_deep_copy(resv.json);
}

static void read_namespace(const struct json_object *object, void *ret_element)
{
	struct config_namespace *namespace = ret_element;
	const struct json_place *device_place = PLACE_KEY(object->place, "device");
	const struct json_place *ana_place = PLACE_KEY(object->place, "ana");
	struct json_object inner;
	int64_t nsid = 0, group = 1;

	json_warn_unknown(
		object,
		KNOWN("nsid", "enable", "ana_grpid", "ana", "device", "resv", "buffered_io"));
	require(object, "nsid");
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
}

/* "2.1", "1.4.0": as the VS property has it; 0 if it is none, or one before 1.2. */
static uint32_t parse_version(const char *text)
{
	unsigned major, minor, tertiary = 0;
	int used = 0, more = 0;

	if (sscanf(text, "%3u.%3u%n", &major, &minor, &used) != 2)
		return 0;
	if (text[used] == '.' && sscanf(text + used, ".%3u%n", &tertiary, &more) != 1)
		return 0;
	if (text[used + more] != '\0' || major > 255 || minor > 255 || tertiary > 255)
		return 0;
	return major > 1 || (major == 1 && minor >= 2) ? major << 16 | minor << 8 | tertiary : 0;
}

static void read_version(const struct json_object *attr, struct config_subsystem *subsystem)
{
	char text[16];

	if (!json_read_text(attr, "version", text, sizeof(text)))
		return;
	subsystem->version = parse_version(text);
	if (subsystem->version == 0)
		report_error(attr->report,
		             PLACE_KEY(attr->place, "version"),
		             "is no version of NVMe from 1.2 on");
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

static void read_attributes(const struct json_object *object, struct config_subsystem *subsystem)
{
	const struct json_place *place = PLACE_KEY(object->place, "attr");
	struct json_object attr;
	bool pi_enable = false;

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
	                        "pi_enable"));
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
	json_read_flag(&attr, "pi_enable", &pi_enable);
	if (pi_enable)
		report_error(object->report,
		             PLACE_KEY(place, "pi_enable"),
		             "protection information is not supported yet");
}

/* Kept as it came, as long as nothing of it is enabled. */
static void read_passthru(const struct json_object *object, struct config_subsystem *subsystem)
{
	const json_t *array, *element;
	size_t count = json_read_array(object, "passthru", &array);

	for (size_t i = 0; i < count; i++) {
		const struct json_place *place = PLACE_INDEX(PLACE_KEY(object->place, "passthru"),
		                                             i);
		struct json_object passthru = {
			element = json_array_get(array, i), place, object->report};
		bool enable = false;

		if (json_is_object(element))
			json_read_flag(&passthru, "enable", &enable);
		if (enable)
			report_error(object->report,
			             PLACE_KEY(place, "enable"),
			             "passthrough is not supported yet");
	}
	if (json_object_get(object->json, "passthru"))
		subsystem->passthru = json_deep_copy(json_object_get(object->json, "passthru"));
}

static void read_subsystem(const struct json_object *object, void *ret_element)
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
	json_warn_unknown(object, KNOWN("nqn", "attr", "allowed_hosts", "namespaces", "passthru"));
	read_nqn(object, "nqn", subsystem->nqn);
	read_attributes(object, subsystem);
	read_passthru(object, subsystem);
	r = read_links(
		object, "allowed_hosts", &subsystem->allowed_hosts, &subsystem->n_allowed_hosts);
	if (!r)
		r = read_elements(object,
		                  "namespaces",
		                  sizeof(*subsystem->namespaces),
		                  read_namespace,
		                  (void **)&subsystem->namespaces,
		                  &subsystem->n_namespaces);
	if (r)
		out_of_memory(object);
}

/* ------------------------------------------------------------------ the file */

static void read_discovery(const struct json_object *root, struct config *config)
{
	const struct json_place *place = PLACE_KEY(NULL, "discovery");
	struct json_object discovery;

	if (!json_read_object(root, "discovery", place, &discovery))
		return;
	json_warn_unknown(&discovery, KNOWN("nqn"));
	read_nqn(&discovery, "nqn", config->discovery_nqn);
}

int config_read(struct config *ret_config, const json_t *root, struct report *report)
{
	const struct json_object object = {root, NULL, report};
	struct config config = CONFIG_NULL;
	int r;

	if (!json_is_object(root)) {
		report_error(report, NULL, "is no object");
		return CONFIG_E_WRONG;
	}
	json_warn_unknown(&object, KNOWN("discovery", "hosts", "ports", "subsystems"));
	read_discovery(&object, &config);
	r = read_elements(&object,
	                  "hosts",
	                  sizeof(*config.hosts),
	                  read_host,
	                  (void **)&config.hosts,
	                  &config.n_hosts);
	if (!r)
		r = read_elements(&object,
		                  "subsystems",
		                  sizeof(*config.subsystems),
		                  read_subsystem,
		                  (void **)&config.subsystems,
		                  &config.n_subsystems);
	if (!r)
		r = read_elements(&object,
		                  "ports",
		                  sizeof(*config.ports),
		                  read_port,
		                  (void **)&config.ports,
		                  &config.n_ports);
	if (!r && report_is_good(report)) /* what has no good form has no good sense either */
		config_check(&config, report);
	if (!r && !report_is_good(report))
		r = CONFIG_E_WRONG;
	if (r) {
		config_deinit(&config);
		return r;
	}
	*ret_config = config;
	return 0;
}

int config_parse(struct config *ret_config, const char *text, size_t length, struct report *report)
{
	json_error_t error;
	json_t *root;
	int r;

	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return error_origin(-ENOMEM);
		report_error_at(report, error.line, error.text);
		return CONFIG_E_WRONG;
	}
	r = config_read(ret_config, root, report);
	json_decref(root);
	return r;
}
