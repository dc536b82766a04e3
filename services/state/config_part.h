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

/* config_limits.c: the root's "limits". save: NULL if there is no memory; an empty object if all
 * are their defaults. */
void config_read_limits(const struct json_object *root, struct limits *ret_limits);
json_t *config_save_limits(const struct limits *limits);

/* Called for the element at `index`; what it fills in is zeroed before. */
typedef void (*read_element_fn)(const struct json_object *object, void *ret_element);

void config_read_host(const struct json_object *object, void *ret_host);
void config_read_port(const struct json_object *object, void *ret_port);
void config_read_worker(const struct json_object *object, void *ret_worker);
void config_read_subsystem(const struct json_object *object, void *ret_subsystem);
void config_read_referral(const struct json_object *object, void *ret_referral);

/* When all of it has been read: so that hosts and subsystems are found by name. */
int config_sort(struct config *config);

/* The group "discovery" of the root, if there is one. -ENOMEM leaves it as it was. */
int config_read_discovery(const struct json_object *root, struct config *config);
/* "port", "all", "transport,address" … */
#define CONFIG_FILTER_SIZE 32
const char *config_filter_text(char text[static CONFIG_FILTER_SIZE], unsigned filter);
/* What is not given: treq "not specified", and adrfam as traddr looks like. */
void config_read_address(const struct json_object *object, struct config_address *ret_address);

/* The keys of root group "discovery" that say where the target is announced (config_announce.c). */
int config_read_announce(const struct json_object *discovery, struct config *config);
void config_check_announce(const struct config *config, struct report *report);
bool config_save_announce(json_t *discovery, const struct config *config);
void config_deinit_announce(struct config *config);

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

/* Of a worker, as in Hello: empty if it is not given, or not good, which is reported. */
void config_read_worker_name(const struct json_object *object, const char *key,
                             char ret_name[static CONFIG_WORKER_SIZE]);

/* Reported, if the member, which an object is called by, is not there. */
void config_require(const struct json_object *object, const char *key);

void config_out_of_memory(const struct json_object *object);

/* Rules of config_check() that have files of their own. */
void config_check_discovery(const struct config *config, struct report *report);
/* The zone_… of a namespace's device (config_zones.c). */
void config_read_zones(const struct json_object *device, struct config_zones *zones);
void config_check_zones(const struct config_namespace *namespace, const struct json_place *device,
                        struct report *report);
bool config_save_zones(json_t *device, const struct config_zones *zones);

/* place: the namespace's. */
void config_check_path(const struct config_namespace *namespace, const struct json_place *place,
                       struct report *report);
/* traddr is one of its adrfam, which is ipv4 or ipv6; an IPv6 one may name its link. */
bool config_is_address(const struct config_address *address);
/* 1 to 65535 */
bool config_is_service(const char *trsvcid);
