/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/ctl.h"

enum ctl_exit ctl_acknowledge(const struct ctl *ctl, int argc, char **argv)
{
	Nvmetd__CtlAcknowledge body = NVMETD__CTL_ACKNOWLEDGE__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit r;

	(void)argc;
	(void)argv;
	question.body_case = NVMETD__ENVELOPE__BODY_CTL_ACKNOWLEDGE;
	question.ctl_acknowledge = &body;
	r = ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_REPLY, &answer);
	return r == CTL_GOOD ? ctl_say_reply(answer->ctl_reply, "nvmetctl: ") : r;
}
