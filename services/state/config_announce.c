/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "common/base/error.h"
#include "services/state/config_part.h"

/*
 * Root group "discovery": where the discovery service is made known. nvmet has no such thing, and
 * nvmetcli passes it over.
 */

#define CDC_SERVICE "8009" /* what IANA has for NVMe/TCP discovery */

#define CDC_PLACE(i) PLACE_INDEX(PLACE_KEY(PLACE_KEY(NULL, "discovery"), "cdcs"), (i))

/* ------------------------------------------------------------------ reading */

static void read_cdc(const struct json_object *object, void *ret_element)
{
	struct config_cdc *cdc = ret_element;
	char trtype[16] = "tcp";

	json_warn_unknown(object, KNOWN("trtype", "traddr", "trsvcid", "nqn", "hostnqn"));
	json_read_text(object, "trtype", trtype, sizeof(trtype));
	if (strcmp(trtype, "tcp") != 0)
		report_error(object->report, PLACE_KEY(object->place, "trtype"), "may be \"tcp\"");
	config_require(object, "traddr");
	json_read_text(object, "traddr", cdc->traddr, sizeof(cdc->traddr));
	snprintf(cdc->trsvcid, sizeof(cdc->trsvcid), CDC_SERVICE);
	json_read_text(object, "trsvcid", cdc->trsvcid, sizeof(cdc->trsvcid));
	if (json_object_get(object->json, "nqn"))
		config_read_nqn(object, "nqn", cdc->nqn);
	if (json_object_get(object->json, "hostnqn"))
		config_read_nqn(object, "hostnqn", cdc->hostnqn);
}

int config_read_announce(const struct json_object *discovery, struct config *config)
{
	json_read_flag(discovery, "mdns", &config->announce.mdns);
	return config_read_elements(discovery,
	                            "cdcs",
	                            CONFIG_CDCS_MAX,
	                            sizeof(*config->announce.cdcs),
	                            read_cdc,
	                            (void **)&config->announce.cdcs,
	                            &config->announce.n_cdcs);
}

void config_deinit_announce(struct config *config)
{
	free(config->announce.cdcs);
}

/* ------------------------------------------------------------------ checking */

/* An IPv6 address may name its link: "fe80::1%eth0". */
static bool is_address(const char *traddr)
{
	char text[sizeof(((struct config_cdc *)NULL)->traddr)];
	uint8_t parsed[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, traddr, parsed) == 1)
		return true;
	snprintf(text, sizeof(text), "%s", traddr);
	text[strcspn(text, "%")] = '\0';
	return inet_pton(AF_INET6, text, parsed) == 1;
}

static bool is_service(const char *trsvcid)
{
	size_t digits = strspn(trsvcid, "0123456789");
	unsigned long number = strtoul(trsvcid, NULL, 10);

	return digits > 0 && digits <= 5 && trsvcid[digits] == '\0' && number >= 1 &&
	       number <= 65535;
}

static void check_cdc(const struct config *config, size_t index, struct report *report)
{
	const struct config_cdc *cdc = &config->announce.cdcs[index];
	const struct json_place *place = CDC_PLACE(index);

	if (!is_address(cdc->traddr))
		report_error(report, PLACE_KEY(place, "traddr"), "is no address of IPv4 or IPv6");
	if (!is_service(cdc->trsvcid))
		report_error(
			report, PLACE_KEY(place, "trsvcid"), "is no number of a port, 1 to 65535");
	for (size_t i = 0; i < index; i++)
		if (strcmp(cdc->traddr, config->announce.cdcs[i].traddr) == 0 &&
		    strcmp(cdc->trsvcid, config->announce.cdcs[i].trsvcid) == 0)
			report_error(report, place, "is the address of cdcs[%zu] too", i);
}

/* A CDC knows who has registered by its NQN. */
void config_check_announce(const struct config *config, struct report *report)
{
	if (config->announce.n_cdcs > 0 && nqn_is_discovery(config->discovery_nqn))
		report_error(report,
		             PLACE_KEY(PLACE_KEY(NULL, "discovery"), "nqn"),
		             "must be this target's own where there are cdcs, as they tell "
		             "targets by it");
	for (size_t i = 0; i < config->announce.n_cdcs; i++)
		check_cdc(config, i, report);
}

/* ------------------------------------------------------------------ saving */

static bool put_text(json_t *object, const char *key, const char *text)
{
	return text[0] == '\0' || json_object_set_new(object, key, json_string(text)) == 0;
}

static bool save_cdc(json_t *array, const struct config_cdc *cdc)
{
	json_t *object = json_object();
	bool good = put_text(object, "trtype", "tcp") && put_text(object, "traddr", cdc->traddr) &&
	            put_text(object, "trsvcid", cdc->trsvcid) &&
	            put_text(object, "nqn", cdc->nqn) && put_text(object, "hostnqn", cdc->hostnqn);

	if (good)
		return json_array_append_new(array, object) == 0;
	json_decref(object);
	return false;
}

bool config_save_announce(json_t *discovery, const struct config *config)
{
	const struct config_announce *announce = &config->announce;
	json_t *cdcs;
	bool good = true;

	if (announce->mdns)
		good = json_object_set_new(discovery, "mdns", json_string("1")) == 0;
	if (announce->n_cdcs == 0)
		return good;
	cdcs = json_array();
	for (size_t i = 0; good && i < announce->n_cdcs; i++)
		good = save_cdc(cdcs, &announce->cdcs[i]);
	if (good)
		return json_object_set_new(discovery, "cdcs", cdcs) == 0;
	json_decref(cdcs);
	return false;
}
