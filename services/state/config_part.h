/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/config.h"
#include "services/state/json_read.h"

/*
 * config_part - the parts that config_json.c reads a configuration in.
 *
 * Shape     One function for each kind of object of nvmetcli's file: types, lengths, ranges,
 *           forms. The rules between objects are in config_check.c.
 * Promise   What is wrong is in the report, and leaves the element in a state that
 *           config_deinit() can free.
 * Trust     the values are whoever's wrote the file
 * Threads   one
 * Lifetime  the config's
 */
#define KNOWN(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Called for the element at `index`; what it fills in is zeroed before. */
typedef void (*read_element_fn)(const struct json_object *object, void *ret_element);

void config_read_host(const struct json_object *object, void *ret_host);
void config_read_port(const struct json_object *object, void *ret_port);
void config_read_subsystem(const struct json_object *object, void *ret_subsystem);

/* Reads an array of objects into a new array; more than `most` of them is an error of the file,
 * found before there is memory for them. -ENOMEM leaves it empty. */
int config_read_elements(const struct json_object *parent, const char *key, size_t most,
                         size_t element_size, read_element_fn read_element, void **ret_elements,
                         size_t *ret_count);

/* An array of names. */
int config_read_links(const struct json_object *object, const char *key,
                      struct config_link **ret_links, size_t *ret_count);

/* A name that must be there. */
void config_read_nqn(const struct json_object *object, const char *key,
                     char ret_nqn[static NVME_NQN_SIZE]);

/* Reported, if the member is not there. */
void config_require(const struct json_object *object, const char *key);

void config_out_of_memory(const struct json_object *object);
