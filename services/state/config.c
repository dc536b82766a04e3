/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/config_part.h"
#include "services/state/trtype.h"

static void port_deinit(struct config_port *port)
{
	for (size_t i = 0; i < port->n_referrals; i++) {
		free(port->referrals[i].name);
		free(port->referrals[i].allowed_hosts);
	}
	free(port->referrals);
	free(port->groups);
	free((void *)port->linked);
	free(port->links);
}

static void subsystem_deinit(struct config_subsystem *subsystem)
{
	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		free(subsystem->namespaces[i].path);
		for (size_t j = 0; j < subsystem->namespaces[i].n_faults; j++)
			free(subsystem->namespaces[i].faults[j]);
		free(subsystem->namespaces[i].faults);
		free(subsystem->namespaces[i].allowed_hosts);
		json_decref(subsystem->namespaces[i].resv);
	}
	free(subsystem->namespaces);
	free(subsystem->sorted);
	free(subsystem->allowed_hosts);
	json_decref(subsystem->passthru);
}

void config_deinit(struct config *config)
{
	for (size_t i = 0; i < config->n_hosts; i++)
		json_decref(config->hosts[i].dhchap);
	for (size_t i = 0; i < config->n_ports; i++)
		port_deinit(&config->ports[i]);
	for (size_t i = 0; i < config->n_subsystems; i++)
		subsystem_deinit(&config->subsystems[i]);
	config_deinit_announce(config);
	free(config->hosts);
	free(config->ports);
	free(config->subsystems);
	free(config->workers);
	free(config->hosts_by_nqn);
	free(config->subsystems_by_nqn);
	*config = CONFIG_NULL;
}

/* ------------------------------------------------------------------ finding */

/* Both are called by their first member. */
static_assert(offsetof(struct config_host, nqn) == 0 && offsetof(struct config_subsystem, nqn) == 0,
              "an object begins with its name");

/* Equal ones in the order of the file. */
static int by_nqn(const void *left, const void *right)
{
	const char *a = *(const char *const *)left, *b = *(const char *const *)right;
	int order = strcmp(a, b);

	return order ? order : (a > b) - (a < b);
}

static int compare_nqn(const void *nqn, const void *object)
{
	return strcmp(nqn, *(const char *const *)object);
}

/* NULL: there is no memory. */
static void *sort_by_nqn(const void *objects, size_t count, size_t size)
{
	const void **sorted = calloc(count + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < count; i++)
		sorted[i] = (const char *)objects + i * size;
	if (sorted)
		qsort(sorted, count, sizeof(*sorted), by_nqn);
	return sorted;
}

static int link_port(const struct config *config, struct config_port *port)
{
	port->linked = malloc((port->n_links + 1) * sizeof(*port->linked));
	if (!port->linked)
		return error_origin(-ENOMEM);
	for (size_t i = 0; i < port->n_links; i++)
		port->linked[i] = config_find_subsystem(config, port->links[i].nqn);
	return 0;
}

int config_sort(struct config *config)
{
	int r = 0;

	config->hosts_by_nqn = sort_by_nqn(config->hosts, config->n_hosts, sizeof(*config->hosts));
	config->subsystems_by_nqn = sort_by_nqn(
		config->subsystems, config->n_subsystems, sizeof(*config->subsystems));
	if (!config->hosts_by_nqn || !config->subsystems_by_nqn)
		return error_origin(-ENOMEM);
	for (size_t i = 0; !r && i < config->n_ports; i++)
		r = link_port(config, &config->ports[i]);
	return r;
}

static const void *find_by_nqn(const void *sorted, size_t count, const char *nqn)
{
	const void *const *found = sorted ? bsearch(nqn, sorted, count, sizeof(void *), compare_nqn)
	                                  : NULL;

	return found ? *found : NULL;
}

const struct config_host *config_find_host(const struct config *config, const char *nqn)
{
	return find_by_nqn(config->hosts_by_nqn, config->n_hosts, nqn);
}

const struct config_port *config_find_port(const struct config *config, uint32_t port_id)
{
	for (size_t i = 0; i < config->n_ports; i++)
		if (config->ports[i].port_id == port_id)
			return &config->ports[i];
	return NULL;
}

const struct config_subsystem *config_find_subsystem(const struct config *config, const char *nqn)
{
	return find_by_nqn(config->subsystems_by_nqn, config->n_subsystems, nqn);
}

bool config_worker_may_serve(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_workers; i++)
		if (strcmp(config->workers[i].name, name) == 0)
			return config->workers[i].enable;
	return true;
}

static bool is_in(const struct config_link *links, size_t count, const char *nqn)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(links[i].nqn, nqn) == 0)
			return true;
	return false;
}

bool config_port_listens(const struct config_port *port)
{
	return port->n_links > 0 || port->discovery;
}

bool config_port_has(const struct config_port *port, const char *subsystem_nqn)
{
	return is_in(port->links, port->n_links, subsystem_nqn);
}

bool config_allows(const struct config_subsystem *subsystem, const char *host_nqn)
{
	return subsystem->allow_any_host ||
	       is_in(subsystem->allowed_hosts, subsystem->n_allowed_hosts, host_nqn);
}

bool config_refers(const struct config_referral *referral, const char *host_nqn)
{
	if (!referral->enable)
		return false;
	return referral->n_allowed_hosts == 0 ||
	       is_in(referral->allowed_hosts, referral->n_allowed_hosts, host_nqn);
}

bool config_is_observer(const struct config *config, const char *host_nqn)
{
	const struct config_host *host = config_find_host(config, host_nqn);

	return host && host->observer;
}

uint32_t config_in_capsule_bytes(const struct config_port *port)
{
	const struct trtype *type = trtype_of_port(port->address.trtype);
	uint32_t bytes;

	if (port->inline_data_size < 0)
		return type->in_capsule_default;
	bytes = (uint32_t)port->inline_data_size / 16 * 16;
	return bytes < type->in_capsule_max ? bytes : type->in_capsule_max;
}

uint32_t config_queue_size(const struct config_port *port)
{
	return port->max_queue_size < 0 ? trtype_of_port(port->address.trtype)->queue_size_default
	                                : (uint32_t)port->max_queue_size;
}

uint8_t config_mdts(const struct config_port *port)
{
	return port->mdts > 0 && port->mdts < NVME_MDTS ? (uint8_t)port->mdts : NVME_MDTS;
}

enum nvme_ana_state config_ana_state(const struct config_port *port, uint32_t group)
{
	for (size_t i = 0; i < port->n_groups; i++)
		if (port->groups[i].group == group)
			return port->groups[i].state;
	return NVME_ANA_INACCESSIBLE;
}

const char *config_duplicate_name(enum config_duplicate duplicate)
{
	switch (duplicate) {
	case CONFIG_DUPLICATE_ALLOW:
		break;
	case CONFIG_DUPLICATE_REPLACE:
		return "replace";
	case CONFIG_DUPLICATE_REFUSE:
		return "refuse";
	}
	return "allow";
}

static const struct {
	enum nvme_ana_state state;
	const char *name;
} ana_states[] = {
	{NVME_ANA_OPTIMIZED,       "optimized"      },
	{NVME_ANA_NON_OPTIMIZED,   "non-optimized"  },
	{NVME_ANA_INACCESSIBLE,    "inaccessible"   },
	{NVME_ANA_PERSISTENT_LOSS, "persistent-loss"},
	{NVME_ANA_CHANGE,          "change"         },
};

const char *ana_state_name(enum nvme_ana_state state)
{
	for (size_t i = 0; i < sizeof(ana_states) / sizeof(ana_states[0]); i++)
		if (ana_states[i].state == state)
			return ana_states[i].name;
	return NULL;
}

int ana_state_of_name(const char *name, enum nvme_ana_state *ret_state)
{
	for (size_t i = 0; i < sizeof(ana_states) / sizeof(ana_states[0]); i++) {
		if (strcmp(ana_states[i].name, name) != 0)
			continue;
		*ret_state = ana_states[i].state;
		return 0;
	}
	return CONFIG_E_WRONG;
}

struct code {
	const char *name;
	int code;
};

static int code_of(const struct code *codes, const char *name)
{
	for (; codes->name; codes++)
		if (strcmp(codes->name, name) == 0)
			return codes->code;
	return -1;
}

int config_adrfam_code(const char *adrfam)
{
	static const struct code codes[] = {
		{"ipv4", NVME_ADRFAM_IPV4},
		{"ipv6", NVME_ADRFAM_IPV6},
		{"ib",   NVME_ADRFAM_IB  },
		{"fc",   NVME_ADRFAM_FC  },
		{"pci",  0               },
		{"loop", NVME_ADRFAM_LOOP},
		{NULL,   0               },
	};

	return code_of(codes, adrfam);
}

/* With another transport there is nothing to say. */
int config_sectype(const struct config_address *address)
{
	static const struct code codes[] = {
		{"",       NVME_TCP_SECTYPE_NONE },
		{"none",   NVME_TCP_SECTYPE_NONE },
		{"tls1.3", NVME_TCP_SECTYPE_TLS13},
		{NULL,     0                     },
	};
	int code = code_of(codes, address->tsas);

	return code > 0 && strcmp(address->trtype, "tcp") != 0 ? -1 : code;
}

bool config_is_wildcard(const char *traddr)
{
	return strcmp(traddr, "0.0.0.0") == 0 || strcmp(traddr, "::") == 0;
}

int config_treq_code(const char *treq)
{
	static const struct code codes[] = {
		{"not specified", NVME_TREQ_NOT_SPECIFIED},
		{"required",      NVME_TREQ_REQUIRED     },
		{"not required",  NVME_TREQ_NOT_REQUIRED },
		{NULL,            0                      },
	};

	return code_of(codes, treq);
}
