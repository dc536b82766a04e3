/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/ctl/ctl.h"
#include "services/ctl/status.h"
#include "services/ctl/table.h"

struct verb {
	const char *name;
	Nvmetd__FaultAction action;
	bool has_rules;
};

static const struct verb verbs[] = {
	{"show",      NVMETD__FAULT_ACTION__FAULT_SHOW,      false},
	{"set",       NVMETD__FAULT_ACTION__FAULT_SET,       true },
	{"clear",     NVMETD__FAULT_ACTION__FAULT_CLEAR,     false},
	{"power-off", NVMETD__FAULT_ACTION__FAULT_POWER_OFF, false},
	{"power-on",  NVMETD__FAULT_ACTION__FAULT_POWER_ON,  false},
};

/* NULL, and it was said. */
static const struct verb *find_verb(const char *name, int n_rules)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const struct verb *verb = &verbs[i];

		if (strcmp(verb->name, name) != 0)
			continue;
		if (verb->has_rules == (n_rules > 0))
			return verb;
		fprintf(stderr,
		        verb->has_rules ? "nvmetctl: fault: %s needs a rule\n"
		                        : "nvmetctl: fault: %s takes no rules\n",
		        name);
		return NULL;
	}
	fprintf(stderr,
	        "nvmetctl: fault: '%s' is not show, set, clear, power-off or power-on\n",
	        name);
	return NULL;
}

static bool take_nsid(const char *text, uint32_t *ret_nsid)
{
	char *end;
	unsigned long nsid;

	errno = 0;
	nsid = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || nsid == 0 ||
	    nsid > UINT32_MAX) {
		fprintf(stderr, "nvmetctl: fault: '%s' is not the number of a namespace\n", text);
		return false;
	}
	*ret_nsid = (uint32_t)nsid;
	return true;
}

static void print_status(FILE *out, const Nvmetd__FaultStatus *fault)
{
	char cached[STATUS_WORD], cache[STATUS_WORD], lost[STATUS_WORD];
	struct table table;

	fprintf(out,
	        "Power %s; %s in the volatile cache (%s), %s lost; %" PRIu64
	        " commands hang, %" PRIu64 " are delayed\n",
	        fault->off ? "OFF" : "on",
	        status_size_words(cached, fault->cached_bytes),
	        fault->cache_bytes ? status_size_words(cache, fault->cache_bytes) : "off",
	        status_size_words(lost, fault->lost_bytes),
	        fault->hanging,
	        fault->delayed);
	if (fault->n_rules == 0)
		return;
	table_begin(&table, "MET|HIT|RULE");
	for (size_t i = 0; i < fault->n_rules; i++) {
		table_add(&table, "%" PRIu64, fault->rules[i]->met);
		table_add(&table, "%" PRIu64, fault->rules[i]->hits);
		table_add(&table, "%s", fault->rules[i]->rule);
	}
	table_print(&table, out, 0);
}

static enum ctl_exit print(const Nvmetd__FaultReply *reply)
{
	if (!reply->good) {
		ctl_say("nvmetctl: the worker refuses: ", reply->reason);
		return CTL_FAILED;
	}
	if (reply->status)
		print_status(stdout, reply->status);
	return CTL_GOOD;
}

enum ctl_exit ctl_fault(const struct ctl *ctl, int argc, char **argv)
{
	int n_rules = argc > 3 ? argc - 3 : 0;
	const struct verb *verb = find_verb(argc > 2 ? argv[2] : "show", n_rules);
	Nvmetd__CtlFault body = NVMETD__CTL_FAULT__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit r;

	if (!verb || !take_nsid(argv[1], &body.nsid))
		return CTL_USAGE;
	body.nqn = argv[0];
	body.action = verb->action;
	body.rules = n_rules ? argv + 3 : NULL;
	body.n_rules = (size_t)n_rules;
	question.body_case = NVMETD__ENVELOPE__BODY_CTL_FAULT;
	question.ctl_fault = &body;
	r = ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_FAULT_REPLY, &answer);
	return r == CTL_GOOD ? print(answer->fault_reply) : r;
}
