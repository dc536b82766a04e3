/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/config_part.h"

/* From JSON to structs: ports, their ANA groups and referrals. */

static void set_text(char *ret_text, size_t size, const char *text)
{
	snprintf(ret_text, size, "%s", text);
}

/* For who writes one: the values that are not refused. */
static void tell_address(const struct json_object *object)
{
	static const char *const values[][2] = {
		{"trtype", "tcp"          },
		{"trtype", "rdma"         },
		{"adrfam", "ipv4"         },
		{"adrfam", "ipv6"         },
		{"treq",   "not specified"},
		{"treq",   "not required" },
		{"tsas",   "none"         },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		json_tell_value(object, values[i][0], values[i][1]);
}

void config_read_address(const struct json_object *object, struct config_address *ret_address)
{
	tell_address(object);
	set_text(ret_address->treq, sizeof(ret_address->treq), "not specified");
	json_read_text(object, "trtype", ret_address->trtype, sizeof(ret_address->trtype));
	json_read_text(object, "adrfam", ret_address->adrfam, sizeof(ret_address->adrfam));
	json_read_text(object, "traddr", ret_address->traddr, sizeof(ret_address->traddr));
	json_read_text(object, "trsvcid", ret_address->trsvcid, sizeof(ret_address->trsvcid));
	json_read_text(object, "treq", ret_address->treq, sizeof(ret_address->treq));
	json_read_text(object, "tsas", ret_address->tsas, sizeof(ret_address->tsas));
	if (ret_address->adrfam[0] == '\0' && ret_address->traddr[0] != '\0')
		set_text(ret_address->adrfam,
		         sizeof(ret_address->adrfam),
		         strchr(ret_address->traddr, ':') ? "ipv6" : "ipv4");
}

static void read_ana_group(const struct json_object *object, void *ret_element)
{
	struct config_ana_group *group = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "ana");
	struct json_object ana;
	char state[32];
	int64_t number = 0;

	json_warn_unknown(object, KNOWN("grpid", "ana"));
	config_require(object, "grpid");
	json_read_number(object, "grpid", 1, NVME_MAX_ANA_GROUPS, &number);
	group->group = (uint32_t)number;
	group->state = number == 1 ? NVME_ANA_OPTIMIZED : NVME_ANA_INACCESSIBLE;
	if (!json_read_object(object, "ana", place, &ana))
		return;
	json_warn_unknown(&ana, KNOWN("state"));
	for (unsigned i = 0; i < 16; i++)
		if (ana_state_name(i))
			json_tell_value(&ana, "state", ana_state_name(i));
	if (json_read_text(&ana, "state", state, sizeof(state)) &&
	    ana_state_of_name(state, &group->state) != 0)
		report_error(
			object->report,
			PLACE_KEY(place, "state"),
			"may be optimized, non-optimized, inaccessible, persistent-loss or change");
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
	port->pi_enable = pi_enable == 1;
}

/* While they are in the order of the file. */
static void check_groups(const struct json_object *object, const struct config_port *port)
{
	const struct json_place *groups = PLACE_KEY(object->place, "ana_groups");

	for (size_t i = 0; i < port->n_groups; i++)
		for (size_t j = 0; j < i; j++)
			if (port->groups[i].group && port->groups[i].group == port->groups[j].group)
				report_error(object->report,
				             PLACE_INDEX(groups, i),
				             "group %u is there twice",
				             port->groups[i].group);
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

void config_read_port(const struct json_object *object, void *ret_element)
{
	struct config_port *port = ret_element;
	const struct json_place *place = PLACE_KEY(object->place, "addr");
	struct json_object address;
	int64_t port_id = 0;
	int r;

	*port = (struct config_port){.inline_data_size = -1, .max_queue_size = -1, .mdts = -1};
	set_text(port->address.treq, sizeof(port->address.treq), "not specified");
	json_warn_unknown(object,
	                  KNOWN("portid",
	                        "addr",
	                        "param",
	                        "subsystems",
	                        "ana_groups",
	                        "referrals",
	                        "discovery",
	                        "admin_label"));
	config_require(object, "portid");
	json_read_number(object, "portid", 0, UINT16_MAX, &port_id);
	port->port_id = (uint32_t)port_id;
	if (json_read_object(object, "addr", place, &address)) {
		json_warn_unknown(&address,
		                  KNOWN("trtype", "adrfam", "traddr", "trsvcid", "treq", "tsas"));
		config_read_address(&address, &port->address);
	}
	read_parameters(object, port);
	json_read_flag(object, "discovery", &port->discovery);
	json_read_text(object, "admin_label", port->admin_label, sizeof(port->admin_label));
	r = config_read_links(object, "subsystems", &port->links, &port->n_links);
	if (!r)
		r = config_read_elements(object,
		                         "ana_groups",
		                         NVME_MAX_ANA_GROUPS,
		                         sizeof(*port->groups),
		                         read_ana_group,
		                         (void **)&port->groups,
		                         &port->n_groups);
	check_groups(object, port);
	if (!r)
		r = add_group_1(port);
	if (!r)
		r = config_read_elements(object,
		                         "referrals",
		                         CONFIG_REFERRALS_MAX,
		                         sizeof(*port->referrals),
		                         config_read_referral,
		                         (void **)&port->referrals,
		                         &port->n_referrals);
	if (r)
		config_out_of_memory(object);
	else
		qsort(port->groups, port->n_groups, sizeof(*port->groups), by_group);
}
