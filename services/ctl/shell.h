/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/ctl/session.h"

/*
 * shell - commands that a person types, with completion and history.
 *
 * Shape     A prompt that says where in the tree it is; Tab completes; the history of SHELL_HISTORY
 *           lines is kept in ~/.nvmetctl_history, which only its owner may read.
 * Promise   What is wrong is said, and the shell goes on; Ctrl-C gives up a line, Ctrl-D or `exit`
 *           leaves. A line with a key is not kept. Where standard input is no terminal, it is a
 *           script (script.h).
 * Trust     what is typed, and the history's file
 * Threads   one
 * Lifetime  until the person leaves
 */
#define SHELL_HISTORY 1000

enum ctl_exit ctl_shell(const struct ctl *ctl, int argc, char **argv);
