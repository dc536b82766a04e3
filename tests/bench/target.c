/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/target.h"

#include <stdio.h>
#include <string.h>

#include "tests/bench/words.h"

#define DEFAULT_TRSVCID "4420"

/* `length` bytes of text, if they fit. */
static bool copy(char *to, size_t size, const char *text, size_t length)
{
	if (length >= size)
		return false;
	memcpy(to, text, length);
	to[length] = '\0';
	return true;
}

static const char *take_name(const char **text, const char *default_name, struct target *target)
{
	size_t length = strcspn(*text, "=/");

	if ((*text)[length] != '=') {
		copy(target->name, sizeof(target->name), default_name, strlen(default_name));
		return NULL;
	}
	if (length == 0)
		return "the name before the = is empty";
	if (!copy(target->name, sizeof(target->name), *text, length))
		return "the name is longer than 32 characters";
	for (const char *c = target->name; *c; c++)
		if (*c < ' ' || *c > '~' || strchr("<>&\"'\\", *c))
			return "the name is to be printable ASCII without <>&\"'\\";
	*text += length + 1;
	return NULL;
}

static const char *take_address(const char **text, struct target *target)
{
	bool is_bracketed = **text == '[';
	const char *begin = *text + is_bracketed;
	size_t length = strcspn(begin, is_bracketed ? "]/" : ":/");

	if (is_bracketed && begin[length] != ']')
		return "the ] after the IPv6 address is missing";
	if (!is_bracketed && begin[length] == ':' &&
	    memchr(begin + length + 1, ':', strcspn(begin + length + 1, "/")))
		return "an IPv6 address stands in brackets, as in [::1]:4420/NQN";
	if (length == 0)
		return "the address is missing";
	if (!copy(target->traddr, sizeof(target->traddr), begin, length))
		return "the address is too long";
	*text = begin + length + is_bracketed;
	return NULL;
}

static const char *take_port(const char **text, struct target *target)
{
	size_t length;
	unsigned port;

	strcpy(target->trsvcid, DEFAULT_TRSVCID);
	if (**text != ':')
		return NULL;
	length = strcspn(*text + 1, "/");
	if (!copy(target->trsvcid, sizeof(target->trsvcid), *text + 1, length) ||
	    !words_unsigned(target->trsvcid, 1, 65535, &port))
		return "the port is to be a number from 1 to 65535";
	*text += 1 + length;
	return NULL;
}

static const char *take_subsystem(const char *text, struct target *target)
{
	const char *slash = strrchr(text, '/');
	size_t length = strlen(text);

	target->nsid = 1;
	if (slash && slash[1] && slash[1 + strspn(slash + 1, "0123456789")] == '\0') {
		if (!words_unsigned(slash + 1, 1, NVME_NSID_ALL - 1, &target->nsid))
			return "the NSID after the last / is out of range";
		length = (size_t)(slash - text);
	}
	if (length == 0)
		return "the NQN of the subsystem is missing";
	if (!copy(target->subnqn, sizeof(target->subnqn), text, length))
		return "the NQN is longer than 223 bytes";
	return NULL;
}

const char *target_parse(const char *text, const char *default_name, struct target *ret_target)
{
	struct target target = {0};
	const char *why = take_name(&text, default_name, &target);

	if (!why)
		why = take_address(&text, &target);
	if (!why)
		why = take_port(&text, &target);
	if (!why && *text != '/')
		why = "the /NQN after the address is missing";
	if (!why)
		why = take_subsystem(text + 1, &target);
	if (!why)
		*ret_target = target;
	return why;
}

void target_apply(const struct target *target, struct options *options)
{
	options->host.address.traddr = target->traddr;
	options->host.address.trsvcid = target->trsvcid;
	options->host.subnqn = target->subnqn;
	options->nsid = target->nsid;
}

void target_words(const struct target *target, char *ret_text, size_t text_size)
{
	snprintf(ret_text,
	         text_size,
	         "%s (%s port %s, %s, namespace %u)",
	         target->name,
	         target->traddr,
	         target->trsvcid,
	         target->subnqn,
	         target->nsid);
}
