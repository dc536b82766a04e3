/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/wire.h"

#include <math.h>
#include <stdio.h>

struct wire wire_now(const struct load *load)
{
	const struct host_queue *queue = &load->queues[0];

	return (struct wire){
		.bytes = queue->connection.bytes_sent + queue->connection.bytes_received,
		.answers = queue->completions,
	};
}

void wire_compare(struct wire since, const struct load *load, const struct ceiling *ceiling)
{
	const struct load_totals *totals = &load->totals;
	struct wire now = wire_now(load);
	double ours = (double)(now.bytes - since.bytes) / (double)(now.answers - since.answers);
	double reads = (double)totals->reads / (double)(totals->reads + totals->writes);
	double theirs = ceiling_bytes_per_io(ceiling, reads);

	if (fabs(ours - theirs) > theirs / 100)
		fprintf(stderr,
		        "nvmetd-bench: an I/O of %s has %.0f bytes on the wire, and %.0f in the "
		        "ceiling: the target cuts its PDUs otherwise, so compare with care\n",
		        load->options->host.subnqn,
		        ours,
		        theirs);
}
