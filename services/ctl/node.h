/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

#include "services/ctl/ctl.h"
#include "services/ctl/path.h"

/*
 * node - what is at a path of the configuration, as the state service tells it.
 *
 * Shape     CtlLookReply.
 * Promise   node_find() says why there is nothing, on stderr, once. Keys of DH-HMAC-CHAP are not
 *           printed, but for --json.
 * Trust     text of others is printed escaped
 * Threads   one
 * Lifetime  the answer is the caller's: envelope_free()
 */
enum ctl_exit node_find(const struct ctl *ctl, const struct path *path, bool with_text,
                        const char *prefix, envelope **ret_answer);
/* NULL, without a word. */
envelope *node_try(const struct ctl *ctl, const struct path *path);

/* depth: of levels below it; negative: all. */
enum ctl_exit node_list(const struct ctl *ctl, const struct path *path, int depth, bool as_json,
                        const char *prefix);
/* words: a group, and names in it, or names of attributes that are in none; or nothing: all. */
enum ctl_exit node_get(const struct ctl *ctl, const struct path *path, char **words, size_t n_words,
                       bool as_json, const char *prefix);

/* The output is written, or it is said that it is not. */
enum ctl_exit node_finish_output(void);
