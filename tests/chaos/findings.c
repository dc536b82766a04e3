/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/findings.h"

#include <stdarg.h>

#include "common/base/clock.h"

void findings_add(struct findings *findings, const char *invariant, const char *format, ...)
{
	struct finding *finding;
	uint64_t now_ns = clock_now_ns();
	va_list args;

	pthread_mutex_lock(&findings->lock);
	if (findings->n++ < FINDINGS_KEPT) {
		finding = &findings->kept[findings->n - 1];
		finding->at_ns = now_ns;
		finding->invariant = invariant;
		va_start(args, format);
		vsnprintf(finding->text, sizeof(finding->text), format, args);
		va_end(args);
		fprintf(stderr,
		        "nvmetd-chaos: at %.3f s: %s: %s\n",
		        (double)(now_ns - findings->begin_ns) / 1e9,
		        invariant,
		        finding->text);
	}
	pthread_mutex_unlock(&findings->lock);
}

unsigned findings_count(struct findings *findings)
{
	unsigned n;

	pthread_mutex_lock(&findings->lock);
	n = findings->n;
	pthread_mutex_unlock(&findings->lock);
	return n;
}
