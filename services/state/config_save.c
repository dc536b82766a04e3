/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config_part.h"

#include <stdio.h>
#include <string.h>

#include <uuid.h>

#include "services/state/config_part.h"

/*
 * nvmetcli's JSON, as `nvmetcli save` writes it and `nvmetcli restore` reads it: attributes as
 * texts, but enable, nsid, portid, grpid and ana_grpid as numbers. The keys that nvmetcli
 * does not know (limits, enable_nssr, controller_model, duplicate_host, buffered_io, block_size,
 * zone_size and its like, io_grant, faults, auto_visible and a namespace's allowed_hosts, what
 * discovery has) are written only where they are set.
 *
 * json_object_set_new() and json_array_append_new() take NULL for a failure, so that one lack
 * of memory is found by the caller of the outermost.
 */

static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

static json_t *text_of(const char *format, ...)
{
	char text[64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return json_string(text);
}

/* The object, or NULL if it is not whole. */
static json_t *whole(json_t *object, bool good)
{
	if (good)
		return object;
	json_decref(object);
	return NULL;
}

typedef json_t *(*save_element_fn)(const void *element);

static json_t *save_elements(const void *elements, size_t count, size_t size, save_element_fn save)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < count; i++)
		good = json_array_append_new(array, save((const char *)elements + i * size)) == 0;
	return whole(array, good);
}

static json_t *save_link(const void *element)
{
	const struct config_link *link = element;

	return json_string(link->nqn);
}

static json_t *save_links(const struct config_link *links, size_t count)
{
	return save_elements(links, count, sizeof(*links), save_link);
}

static json_t *save_host(const void *element)
{
	const struct config_host *host = element;
	json_t *object = json_object();
	bool good = put(object, "nqn", json_string(host->nqn));

	if (good && host->dhchap)
		good = put(object, "dhchap", json_deep_copy(host->dhchap));
	if (good && host->observer)
		good = put(object, "observer", json_integer(1));
	return whole(object, good);
}

static json_t *save_address(const struct config_address *address)
{
	json_t *object = json_object();
	bool good = put(object, "adrfam", json_string(address->adrfam)) &&
	            put(object, "traddr", json_string(address->traddr)) &&
	            put(object, "treq", json_string(address->treq)) &&
	            put(object, "trsvcid", json_string(address->trsvcid)) &&
	            put(object, "trtype", json_string(address->trtype));

	if (good && address->tsas[0])
		good = put(object, "tsas", json_string(address->tsas));
	return whole(object, good);
}

static json_t *save_group(const void *element)
{
	const struct config_ana_group *group = element;
	json_t *object = json_object(), *ana = json_object();
	bool good = put(object, "grpid", json_integer(group->group));

	good = put(ana, "state", json_string(ana_state_name(group->state))) && good;
	good = put(object, "ana", ana) && good;
	return whole(object, good);
}

static json_t *save_referral(const void *element)
{
	const struct config_referral *referral = element;
	json_t *object = json_object(), *address = save_address(&referral->address);
	bool good = address && put(address, "portid", text_of("%u", referral->port_id));

	good = put(object, "addr", address) && good;
	good = good && put(object, "name", json_string(referral->name)) &&
	       put(object, "enable", json_integer(referral->enable));
	if (good && !nqn_is_discovery(referral->nqn))
		good = put(object, "nqn", json_string(referral->nqn));
	if (good && referral->n_allowed_hosts > 0)
		good = put(object,
		           "allowed_hosts",
		           save_links(referral->allowed_hosts, referral->n_allowed_hosts));
	return whole(object, good);
}

static json_t *save_parameters(const struct config_port *port)
{
	json_t *object = json_object();
	bool good = put(object,
	                "inline_data_size",
	                text_of("%lld", (long long)port->inline_data_size)) &&
	            put(object,
	                "max_queue_size",
	                text_of("%lld", (long long)port->max_queue_size)) &&
	            put(object, "mdts", text_of("%lld", (long long)port->mdts)) &&
	            put(object, "pi_enable", text_of("%d", port->pi_enable));

	return whole(object, good);
}

static json_t *save_port(const void *element)
{
	const struct config_port *port = element;
	json_t *object = json_object();
	bool good = put(object, "portid", json_integer(port->port_id)) &&
	            put(object, "addr", save_address(&port->address)) &&
	            put(object, "param", save_parameters(port)) &&
	            put(object,
	                "subsystems",
	                save_elements(
				port->links, port->n_links, sizeof(*port->links), save_link)) &&
	            put(object,
	                "ana_groups",
	                save_elements(
				port->groups, port->n_groups, sizeof(*port->groups), save_group)) &&
	            put(object,
	                "referrals",
	                save_elements(port->referrals,
	                              port->n_referrals,
	                              sizeof(*port->referrals),
	                              save_referral));

	if (good && port->discovery)
		good = put(object, "discovery", json_integer(1));
	if (good && port->admin_label[0])
		good = put(object, "admin_label", json_string(port->admin_label));
	return whole(object, good);
}

static json_t *save_eui64(const uint8_t eui64[static 8])
{
	uint64_t number = 0;

	for (unsigned i = 0; i < 8; i++)
		number = number << 8 | eui64[i];
	return text_of("%016llx", (unsigned long long)number);
}

static json_t *save_device(const struct config_namespace *namespace)
{
	json_t *object = json_object();
	char uuid[37], nguid[37];
	bool good = object != NULL;

	uuid_unparse_lower(namespace->uuid, uuid);
	uuid_unparse_lower(namespace->nguid, nguid); /* nvmet writes it in this form too */
	if (good && namespace->path)
		good = put(object, "path", json_string(namespace->path));
	if (good && namespace->has_uuid)
		good = put(object, "uuid", json_string(uuid));
	good = good && put(object, "nguid", json_string(nguid));
	if (good && memcmp(namespace->eui64, (uint8_t[8]){0}, 8) != 0)
		good = put(object, "eui64", save_eui64(namespace->eui64));
	if (good && namespace->buffered_io)
		good = put(object, "buffered_io", json_string("1"));
	if (good && namespace->block_size)
		good = put(object, "block_size", text_of("%u", namespace->block_size));
	good = good && config_save_zones(object, &namespace->zones);
	if (good && namespace->io_grant)
		good = put(object, "io_grant", json_string("1"));
	if (good && namespace->worker[0])
		good = put(object, "worker", json_string(namespace->worker));
	return whole(object, good);
}

static json_t *save_fault(const void *element)
{
	return json_string(*(char *const *)element);
}

static json_t *save_namespace(const void *element)
{
	const struct config_namespace *namespace = element;
	json_t *object = json_object(), *ana = json_object();
	bool good = put(ana, "grpid", text_of("%u", namespace->ana_group));

	good = put(object, "ana", ana) && good;
	good = good && put(object, "nsid", json_integer(namespace->nsid)) &&
	       put(object, "enable", json_integer(namespace->enable)) &&
	       put(object, "ana_grpid", json_integer(namespace->ana_group)) &&
	       put(object, "device", save_device(namespace));
	if (good && namespace->resv)
		good = put(object, "resv", json_deep_copy(namespace->resv));
	if (good && namespace->n_faults > 0)
		good = put(object,
		           "faults",
		           save_elements(namespace->faults,
		                         namespace->n_faults,
		                         sizeof(*namespace->faults),
		                         save_fault));
	if (good && !namespace->auto_visible)
		good = put(object, "auto_visible", json_string("0"));
	if (good && namespace->n_allowed_hosts > 0)
		good = put(object,
		           "allowed_hosts",
		           save_elements(namespace->allowed_hosts,
		                         namespace->n_allowed_hosts,
		                         sizeof(*namespace->allowed_hosts),
		                         save_link));
	return whole(object, good);
}

static json_t *save_version(uint32_t version)
{
	if (version & 0xff)
		return text_of("%u.%u.%u", version >> 16, (version >> 8) & 0xff, version & 0xff);
	return text_of("%u.%u", version >> 16, (version >> 8) & 0xff);
}

static json_t *save_attributes(const struct config_subsystem *subsystem)
{
	json_t *object = json_object();
	bool good = put(object, "allow_any_host", text_of("%d", subsystem->allow_any_host)) &&
	            put(object, "version", save_version(subsystem->version)) &&
	            put(object, "model", json_string(subsystem->model)) &&
	            put(object, "firmware", json_string(subsystem->firmware)) &&
	            put(object, "ieee_oui", text_of("0x%06x", subsystem->ieee_oui)) &&
	            put(object, "vendor_id", text_of("0x%x", subsystem->vendor_id)) &&
	            put(object, "subsys_vendor_id", text_of("0x%x", subsystem->subsys_vendor_id)) &&
	            put(object, "cntlid_min", text_of("%u", subsystem->cntlid_min)) &&
	            put(object, "cntlid_max", text_of("%u", subsystem->cntlid_max)) &&
	            put(object, "qid_max", text_of("%u", subsystem->qid_max)) &&
	            put(object, "pi_enable", text_of("%d", subsystem->pi_enable));

	if (good && subsystem->serial[0])
		good = put(object, "serial", json_string(subsystem->serial));
	if (good && subsystem->enable_nssr)
		good = put(object, "enable_nssr", json_string("1"));
	if (good && subsystem->is_static)
		good = put(object, "controller_model", json_string("static"));
	if (good && subsystem->duplicate_host != CONFIG_DUPLICATE_ALLOW)
		good = put(object,
		           "duplicate_host",
		           json_string(config_duplicate_name(subsystem->duplicate_host)));
	return whole(object, good);
}

static json_t *save_subsystem(const void *element)
{
	const struct config_subsystem *subsystem = element;
	json_t *object = json_object();
	bool good = put(object, "nqn", json_string(subsystem->nqn)) &&
	            put(object, "attr", save_attributes(subsystem)) &&
	            put(object,
	                "allowed_hosts",
	                save_elements(subsystem->allowed_hosts,
	                              subsystem->n_allowed_hosts,
	                              sizeof(*subsystem->allowed_hosts),
	                              save_link)) &&
	            put(object,
	                "namespaces",
	                save_elements(subsystem->namespaces,
	                              subsystem->n_namespaces,
	                              sizeof(*subsystem->namespaces),
	                              save_namespace));

	if (good && subsystem->admin_label[0])
		good = put(object, "admin_label", json_string(subsystem->admin_label));
	if (good && subsystem->passthru)
		good = put(object, "passthru", json_deep_copy(subsystem->passthru));
	return whole(object, good);
}

static json_t *save_discovery(const struct config *config)
{
	json_t *object = json_object();
	char filter[CONFIG_FILTER_SIZE];
	bool good = put(object, "nqn", json_string(config->discovery_nqn));

	if (good && config->discovery_filter != CONFIG_FILTER_PORT)
		good = put(object,
		           "filter",
		           json_string(config_filter_text(filter, config->discovery_filter)));
	return whole(object, good && config_save_announce(object, config));
}

static json_t *save_worker(const void *element)
{
	const struct config_worker *worker = element;
	json_t *object = json_object();
	bool good = put(object, "name", json_string(worker->name)) &&
	            put(object, "enable", json_integer(worker->enable));

	return whole(object, good);
}

/* False: no memory. */
static bool put_limits(json_t *root, const struct limits *limits)
{
	json_t *object = config_save_limits(limits);

	if (object && json_object_size(object) == 0) { /* nvmetcli never had any */
		json_decref(object);
		return true;
	}
	return put(root, "limits", object);
}

json_t *config_save(const struct config *config)
{
	json_t *root = json_object();
	bool good = put(root, "discovery", save_discovery(config));

	good = good && put_limits(root, &config->limits);
	good = good &&
	       put(root,
	           "hosts",
	           save_elements(
			   config->hosts, config->n_hosts, sizeof(*config->hosts), save_host)) &&
	       put(root,
	           "ports",
	           save_elements(
			   config->ports, config->n_ports, sizeof(*config->ports), save_port)) &&
	       put(root,
	           "subsystems",
	           save_elements(config->subsystems,
	                         config->n_subsystems,
	                         sizeof(*config->subsystems),
	                         save_subsystem));
	if (good && config->n_workers > 0)
		good = put(root,
		           "workers",
		           save_elements(config->workers,
		                         config->n_workers,
		                         sizeof(*config->workers),
		                         save_worker));
	return whole(root, good);
}

char *config_text(const struct config *config)
{
	json_t *root = config_save(config);
	char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII)
	                  : NULL;
	size_t length = text ? strlen(text) : 0;
	char *line = text ? realloc(text, length + 2) : NULL;

	json_decref(root);
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + length, "\n", 2);
	return line;
}
