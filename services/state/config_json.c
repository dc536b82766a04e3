/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/hint.h"
#include "services/state/config_part.h"

/* From JSON to structs: the file, its hosts, and what the other parts share. */

int config_read_elements(const struct json_object *parent, const char *key, size_t most,
                         size_t element_size, read_element_fn read_element, void **ret_elements,
                         size_t *ret_count)
{
	const json_t *array;
	size_t count = json_read_array(parent, key, most, &array);
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

void config_out_of_memory(const struct json_object *object)
{
	report_out_of_memory(object->report, object->place);
}

void config_require(const struct json_object *object, const char *key)
{
	json_tell_name(object, key);
	if (!json_object_get(object->json, key))
		report_error(object->report, object->place, "has no \"%s\"", key);
}

void config_read_nqn(const struct json_object *object, const char *key,
                     char ret_nqn[static NVME_NQN_SIZE])
{
	const char *objection;

	config_require(object, key);
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

int config_read_links(const struct json_object *object, const char *key,
                      struct config_link **ret_links, size_t *ret_count)
{
	const json_t *array;
	size_t count = json_read_array(object, key, CONFIG_LINKS_MAX, &array);
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

void config_read_host(const struct json_object *object, void *ret_element)
{
	struct config_host *host = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "dhchap");
	struct json_object dhchap;
	char key[CONFIG_KEY_MAX + 1] = "";

	json_warn_unknown(object, KNOWN("nqn", "dhchap", "observer"));
	config_read_nqn(object, "nqn", host->nqn);
	json_read_flag(object, "observer", &host->observer);
	if (!json_read_object(object, "dhchap", place, &dhchap))
		return;
	json_warn_unknown(&dhchap, KNOWN("key", "ctrl_key", "hash", "dhgroup"));
	json_read_text(&dhchap, "key", key, sizeof(key));
	if (key[0]) /* to export without the key that was asked for would be worse */
		report_error(object->report,
		             PLACE_KEY(place, "key"),
		             "authentication is not supported yet");
	host->dhchap = json_deep_copy(dhchap.json);
}

/* ------------------------------------------------------------------ workers */

void config_read_worker_name(const struct json_object *object, const char *key,
                             char ret_name[static CONFIG_WORKER_SIZE])
{
	if (!json_read_text(object, key, ret_name, CONFIG_WORKER_SIZE))
		return;
	if (ret_name[strspn(ret_name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
		report_error(object->report,
		             PLACE_KEY(object->place, key),
		             "is no name of a worker: a-z, 0-9 and \"-\"");
}

void config_read_worker(const struct json_object *object, void *ret_element)
{
	struct config_worker *worker = ret_element;

	worker->enable = true;
	json_warn_unknown(object, KNOWN("name", "enable"));
	config_require(object, "name");
	config_read_worker_name(object, "name", worker->name);
	json_read_flag(object, "enable", &worker->enable);
}

/* ------------------------------------------------------------------ the file */

static const char *const root_keys[] = {
	"discovery", "limits", "hosts", "ports", "subsystems", "workers", NULL};

/* One that is empty is a configuration, but one of which nothing is known is a mistake: to take it
 * would end all exports. */
static bool is_of_something_else(const json_t *root, struct report *report)
{
	const char *first = json_object_iter_key(json_object_iter((json_t *)root));
	char words[HINT_SIZE];
	struct hint hint;

	if (!first)
		return false;
	hint_begin(&hint, first);
	for (const char *const *key = root_keys; *key; key++) {
		if (json_object_get(root, *key))
			return false;
		hint_offer(&hint, *key);
	}
	report_error(report,
	             PLACE_KEY(NULL, first),
	             "is not known, nor is anything else in the file%s",
	             hint_words(&hint, words));
	return true;
}

int config_read_forms(struct config *ret_config, const json_t *root, struct report *report)
{
	const struct json_object object = {root, NULL, report};
	struct config config = CONFIG_NULL;
	int r;

	if (!json_is_object(root)) {
		report_error(
			report, NULL, "the file is no object in braces, as nvmetcli writes it");
		return CONFIG_E_WRONG;
	}
	if (is_of_something_else(root, report))
		return CONFIG_E_WRONG;
	json_warn_unknown(&object, root_keys);
	config_read_limits(&object, &config.limits);
	r = config_read_discovery(&object, &config);
	if (!r)
		r = config_read_elements(&object,
		                         "hosts",
		                         CONFIG_HOSTS_MAX,
		                         sizeof(*config.hosts),
		                         config_read_host,
		                         (void **)&config.hosts,
		                         &config.n_hosts);
	if (!r)
		r = config_read_elements(&object,
		                         "subsystems",
		                         CONFIG_SUBSYSTEMS_MAX,
		                         sizeof(*config.subsystems),
		                         config_read_subsystem,
		                         (void **)&config.subsystems,
		                         &config.n_subsystems);
	if (!r)
		r = config_read_elements(&object,
		                         "ports",
		                         CONFIG_PORTS_MAX,
		                         sizeof(*config.ports),
		                         config_read_port,
		                         (void **)&config.ports,
		                         &config.n_ports);
	if (!r)
		r = config_read_elements(&object,
		                         "workers",
		                         CONFIG_WORKERS_MAX,
		                         sizeof(*config.workers),
		                         config_read_worker,
		                         (void **)&config.workers,
		                         &config.n_workers);
	if (!r)
		r = config_sort(&config);
	if (!r && !report_is_good(report))
		r = report->lacks_memory ? error_origin(-ENOMEM) : CONFIG_E_WRONG;
	if (r) {
		config_deinit(&config);
		return r;
	}
	*ret_config = config;
	return 0;
}

int config_read(struct config *ret_config, const json_t *root, struct report *report)
{
	struct config config = CONFIG_NULL;
	int r = config_read_forms(&config, root, report);

	if (r) /* what has no good form has no good sense either */
		return r;
	config_check(&config, report);
	if (!report_is_good(report)) {
		config_deinit(&config);
		return report->lacks_memory ? error_origin(-ENOMEM) : CONFIG_E_WRONG;
	}
	*ret_config = config;
	return 0;
}

/* jansson does not always say that it had no memory: a string that it could not keep is, to its
 * parser, an invalid token. */
static bool jansson_lacks_memory;

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	jansson_lacks_memory |= !memory;
	return memory;
}

static json_t *load(const char *text, size_t length, json_error_t *ret_error)
{
	json_set_alloc_funcs(allocate, free);
	jansson_lacks_memory = false;
	return json_loadb(text, length, JSON_REJECT_DUPLICATES, ret_error);
}

int config_parse(struct config *ret_config, const char *text, size_t length, struct report *report)
{
	json_error_t error;
	json_t *root;
	int r;

	if (strspn(text, " \t\r\n") >= length) {
		report_error_at(report, 1, "the file is empty; without objects it is {}");
		return CONFIG_E_WRONG;
	}
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		report_error_at(report, 1, "begins with a byte order mark; save it without one");
		return CONFIG_E_WRONG;
	}
	root = load(text, length, &error);
	if (!root) {
		if (jansson_lacks_memory)
			return error_origin(-ENOMEM);
		report_error_at(report, error.line, error.text);
		return CONFIG_E_WRONG;
	}
	r = config_read(ret_config, root, report);
	json_decref(root);
	return r;
}
