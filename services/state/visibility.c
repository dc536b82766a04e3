/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/visibility.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *nqn, const void *link)
{
	return strcmp(nqn, ((const struct config_link *)link)->nqn);
}

bool namespace_is_visible(const struct config_namespace *namespace, const char *host_nqn)
{
	if (!namespace_is_masked(namespace))
		return true;
	return namespace->n_allowed_hosts > 0 && bsearch(host_nqn,
	                                                 namespace->allowed_hosts,
	                                                 namespace->n_allowed_hosts,
	                                                 sizeof(*namespace->allowed_hosts),
	                                                 compare) != NULL;
}

bool visibility_is_same(const struct config_namespace *a, const struct config_namespace *b)
{
	if (namespace_is_masked(a) != namespace_is_masked(b) ||
	    a->n_allowed_hosts != b->n_allowed_hosts)
		return false;
	for (size_t i = 0; i < a->n_allowed_hosts; i++)
		if (strcmp(a->allowed_hosts[i].nqn, b->allowed_hosts[i].nqn) != 0)
			return false;
	return true;
}
