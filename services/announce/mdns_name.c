/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/announce/mdns_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MACHINE_MAX 32 /* so that what stands around it has room too */

/* The first label of the machine's name, of characters that any resolver takes. */
static void take_machine(char ret_label[static MACHINE_MAX + 1], const char *machine)
{
	size_t length = 0;

	for (; *machine && *machine != '.' && length < MACHINE_MAX; machine++)
		ret_label[length++] = isalnum((unsigned char)*machine) && (*machine & 0x80) == 0
		                              ? *machine
		                              : '-';
	while (length > 0 && ret_label[length - 1] == '-')
		length--;
	ret_label[length] = '\0';
	if (length == 0)
		memcpy(ret_label, "host", sizeof("host"));
}

void mdns_service_name(char ret_name[static MDNS_LABEL_SIZE], const char *machine, unsigned port_id,
                       unsigned attempt)
{
	char label[MACHINE_MAX + 1];
	int length;

	take_machine(label, machine);
	length = snprintf(ret_name, MDNS_LABEL_SIZE, "nvmetd on %s, port %u", label, port_id);
	if (attempt > 1)
		snprintf(ret_name + length, MDNS_LABEL_SIZE - (size_t)length, " #%u", attempt);
}

void mdns_host_name(char ret_name[static MDNS_HOST_SIZE], const char *machine, unsigned port_id,
                    unsigned attempt)
{
	char label[MACHINE_MAX + 1], number[16] = "";

	take_machine(label, machine);
	if (attempt > 1)
		snprintf(number, sizeof(number), "-%u", attempt);
	snprintf(ret_name, MDNS_HOST_SIZE, "%s-nvme-%u%s.local", label, port_id, number);
}
