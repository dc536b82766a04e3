/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/config_part.h"
#include "services/state/trtype.h"

/* The discovery service in a configuration: the root's group "discovery", the referrals of ports,
 * and what must hold of them. */

/* ------------------------------------------------------------------ the filter */

static const struct {
	const char *name;
	enum config_filter bit;
} filters[] = {
	{"transport", CONFIG_FILTER_TRANSPORT},
	{"address",   CONFIG_FILTER_ADDRESS  },
	{"svcid",     CONFIG_FILTER_SVCID    },
};

#define N_FILTERS (sizeof(filters) / sizeof(filters[0]))

const char *config_filter_text(char text[static CONFIG_FILTER_SIZE], unsigned filter)
{
	size_t length = 0;

	text[0] = '\0';
	if (filter & CONFIG_FILTER_PORT || filter == 0)
		snprintf(text, CONFIG_FILTER_SIZE, "%s", filter ? "port" : "all");
	for (size_t i = 0; !(filter & CONFIG_FILTER_PORT) && i < N_FILTERS; i++)
		if (filter & filters[i].bit)
			length += (size_t)snprintf(text + length,
			                           CONFIG_FILTER_SIZE - length,
			                           "%s%s",
			                           length ? "," : "",
			                           filters[i].name);
	return text;
}

/* The bit of a name of so many bytes; 0: there is none. */
static unsigned filter_of_name(const char *name, size_t length)
{
	for (size_t i = 0; i < N_FILTERS; i++)
		if (strlen(filters[i].name) == length && memcmp(filters[i].name, name, length) == 0)
			return filters[i].bit;
	return 0;
}

static bool parse_filter(const char *text, unsigned *ret_filter)
{
	unsigned filter = 0, bit;

	if (strcmp(text, "port") == 0 || strcmp(text, "all") == 0) {
		*ret_filter = text[0] == 'p' ? CONFIG_FILTER_PORT : 0;
		return true;
	}
	for (;;) {
		size_t length = strcspn(text, ",");

		bit = filter_of_name(text, length);
		if (!bit || filter & bit)
			return false;
		filter |= bit;
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	*ret_filter = filter;
	return true;
}

/* ------------------------------------------------------------------ from JSON */

int config_read_discovery(const struct json_object *root, struct config *config)
{
	const struct json_place *place = PLACE_KEY(NULL, "discovery");
	struct json_object discovery;
	char filter[64];

	if (!json_read_object(root, "discovery", place, &discovery))
		return 0;
	json_warn_unknown(&discovery, KNOWN("nqn", "filter", "mdns", "cdcs"));
	if (json_object_get(discovery.json, "nqn"))
		config_read_nqn(&discovery, "nqn", config->discovery_nqn);
	if (json_read_text(&discovery, "filter", filter, sizeof(filter)) &&
	    !parse_filter(filter, &config->discovery_filter))
		report_error(root->report,
		             PLACE_KEY(place, "filter"),
		             "may be \"port\", \"all\", or some of \"transport,address,svcid\"");
	return config_read_announce(&discovery, config);
}

void config_read_referral(const struct json_object *object, void *ret_element)
{
	struct config_referral *referral = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "addr");
	struct json_object address;
	char name[256] = "";
	int64_t port_id = 0;

	json_warn_unknown(object, KNOWN("name", "enable", "addr", "nqn", "allowed_hosts"));
	config_require(object, "name");
	json_read_text(object, "name", name, sizeof(name));
	referral->name = strdup(name);
	if (!referral->name)
		config_out_of_memory(object);
	json_read_flag(object, "enable", &referral->enable);
	snprintf(referral->nqn, sizeof(referral->nqn), "%s", NVME_DISCOVERY_NQN);
	if (json_object_get(object->json, "nqn"))
		config_read_nqn(object, "nqn", referral->nqn);
	if (config_read_links(object,
	                      "allowed_hosts",
	                      &referral->allowed_hosts,
	                      &referral->n_allowed_hosts) != 0)
		config_out_of_memory(object);
	snprintf(referral->address.treq, sizeof(referral->address.treq), "not specified");
	if (!json_read_object(object, "addr", place, &address))
		return;
	json_warn_unknown(&address,
	                  KNOWN("trtype", "adrfam", "traddr", "trsvcid", "treq", "tsas", "portid"));
	config_read_address(&address, &referral->address);
	json_read_number(&address, "portid", 0, UINT16_MAX, &port_id);
	referral->port_id = (uint32_t)port_id;
}

/* ------------------------------------------------------------------ what must hold */

static void check_names(const struct config_link *links, size_t count,
                        const struct json_place *place, struct report *report)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(links[i].nqn, links[j].nqn) == 0)
				report_error(report, PLACE_INDEX(place, i), "is there twice");
}

/* Where hosts are sent, they must be able to go. */
static void check_network(const struct config_address *address, const struct json_place *place,
                          struct report *report)
{
	if (!config_is_address(address))
		report_error(report,
		             PLACE_KEY(place, "traddr"),
		             "is no address of %s, as adrfam has it",
		             address->adrfam);
	else if (config_is_wildcard(address->traddr))
		report_error(report,
		             PLACE_KEY(place, "traddr"),
		             "is every address of a machine: hosts need one");
	if (!config_is_service(address->trsvcid))
		report_error(
			report, PLACE_KEY(place, "trsvcid"), "is no number of a port, 1 to 65535");
}

static bool is_network(const struct config_address *address)
{
	int code = config_adrfam_code(address->adrfam);

	return code == NVME_ADRFAM_IPV4 || code == NVME_ADRFAM_IPV6;
}

static void check_enabled(const struct config_address *address, const struct json_place *place,
                          struct report *report)
{
	const struct trtype *type = trtype_find(address->trtype);

	if (!type || !type->code)
		report_error(report, PLACE_KEY(place, "trtype"), "may be tcp, rdma, fc or loop");
	if (config_adrfam_code(address->adrfam) <= 0)
		report_error(
			report, PLACE_KEY(place, "adrfam"), "may be ipv4, ipv6, ib, fc or loop");
	else if (is_network(address))
		check_network(address, place, report);
}

static bool is_here(const struct config_address *a, const struct config_address *b)
{
	return strcmp(a->trtype, b->trtype) == 0 && strcmp(a->traddr, b->traddr) == 0 &&
	       strcmp(a->trsvcid, b->trsvcid) == 0;
}

static void check_referral(const struct config_port *port, size_t index,
                           const struct json_place *place, struct report *report)
{
	const struct config_referral *referral = &port->referrals[index];
	const struct config_address *address = &referral->address;
	const struct json_place *addr = PLACE_KEY(place, "addr");

	for (size_t j = 0; j < index; j++)
		if (strcmp(referral->name, port->referrals[j].name) == 0)
			report_error(report, PLACE_KEY(place, "name"), "is there twice");
	check_names(referral->allowed_hosts,
	            referral->n_allowed_hosts,
	            PLACE_KEY(place, "allowed_hosts"),
	            report);
	if (config_treq_code(address->treq) < 0)
		report_error(report, PLACE_KEY(addr, "treq"), "is not known");
	if (config_sectype(address) < 0)
		report_error(report,
		             PLACE_KEY(addr, "tsas"),
		             "may be \"none\", and with tcp \"tls1.3\"");
	if (referral->enable)
		check_enabled(address, addr, report);
	if (referral->enable && is_here(address, &port->address))
		report_warning(
			report, addr, "is the port's own address: hosts go round in circles");
}

void config_check_discovery(const struct config *config, struct report *report)
{
	for (size_t i = 0; i < config->n_ports; i++) {
		const struct json_place *port = PLACE_INDEX(PLACE_KEY(NULL, "ports"), i);
		const struct json_place *referrals = PLACE_KEY(port, "referrals");

		for (size_t j = 0; j < config->ports[i].n_referrals; j++)
			check_referral(&config->ports[i], j, PLACE_INDEX(referrals, j), report);
	}
}
