/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "proto/nvmetd.pb-c.h"
#include "services/state/config.h"
#include "services/state/object.h"

/*
 * look - what is at a path of the configuration, and what may be there, for nvmetctl.
 *
 * Shape     CtlLookReply, which points into what the look keeps.
 * Promise   A path that leads nowhere gives a reply that says so. What may be there is what the
 *           readers of the configuration take (shape.h).
 * Trust     the path is an operator's: anything
 * Threads   one
 * Lifetime  look_deinit(), whatever look_at() returned
 * Returns   0 or -ENOMEM
 */
#define LOOK_PATH_SIZE 300

struct look {
	Nvmetd__CtlLookReply reply;
	struct object_tree tree;
	struct shape *shape;
	char path[LOOK_PATH_SIZE];
	char reason[OBJECT_MISSING_SIZE];
	char *text;
	char (*numbers)[OBJECT_NUMBER_SIZE]; /* names of children that are numbers */
	Nvmetd__CtlAttribute *attributes;
};

int look_at(struct look *ret_look, const struct config *config, const Nvmetd__CtlLook *question);
void look_deinit(struct look *look);
