/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/reservation.h"

#include <string.h>

#include "common/base/error.h"

#define RTYPE_LOCATION (offsetof(struct nvme_command, cdw10) + 1 + 1)

struct reservation *reservation_copy(const struct reservation *from)
{
	_cleanup_(reservation_freep) struct reservation *copy = calloc(1, sizeof(*copy));
	size_t count = from ? from->n_registrants : 0;

	if (!copy)
		return NULL;
	if (from)
		*copy = *from;
	copy->registrants = calloc(count + 1, sizeof(*copy->registrants));
	if (!copy->registrants)
		return NULL;
	for (size_t i = 0; i < count; i++)
		copy->registrants[i] = from->registrants[i];
	return take(&copy);
}

struct reservation *reservation_free(struct reservation *reservation)
{
	if (!reservation)
		return NULL;
	free(reservation->registrants);
	free(reservation);
	return NULL;
}

/* ------------------------------------------------------------------ registrants */

static int compare(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 16);
}

/* Where it is, or where it belongs. */
static size_t place_of(const struct reservation *reservation, const uint8_t *host_id)
{
	size_t first = 0, end = reservation->n_registrants;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (compare(reservation->registrants[middle].host_id, host_id) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

static struct registrant *find(const struct reservation *reservation, const uint8_t *host_id)
{
	size_t place = place_of(reservation, host_id);

	if (place == reservation->n_registrants ||
	    compare(reservation->registrants[place].host_id, host_id) != 0)
		return NULL;
	return &reservation->registrants[place];
}

const struct registrant *reservation_find(const struct reservation *reservation,
                                          const uint8_t host_id[static 16])
{
	return reservation ? find(reservation, host_id) : NULL;
}

bool reservation_is_holder(const struct reservation *reservation,
                           const struct registrant *registrant)
{
	if (reservation->type == NVME_RESERVATION_NONE)
		return false;
	return reservation_is_of_all(reservation->type) ||
	       compare(reservation->holder, registrant->host_id) == 0;
}

/* The copy has room for one. */
static void add(struct reservation *reservation, const uint8_t *host_id, uint64_t key)
{
	size_t place = place_of(reservation, host_id);
	struct registrant *at = &reservation->registrants[place];

	memmove(at + 1, at, (reservation->n_registrants - place) * sizeof(*at));
	*at = (struct registrant){.key = key};
	memcpy(at->host_id, host_id, sizeof(at->host_id));
	reservation->n_registrants++;
}

/* With its holder, or the last of those who all hold it, a reservation is released. */
static void take_away(struct reservation *reservation, struct registrant *registrant)
{
	bool was_holder = reservation_is_holder(reservation, registrant);
	size_t behind = (size_t)(reservation->registrants + reservation->n_registrants -
	                         registrant - 1);

	memmove(registrant, registrant + 1, behind * sizeof(*registrant));
	reservation->n_registrants--;
	if (was_holder &&
	    (!reservation_is_of_all(reservation->type) || reservation->n_registrants == 0))
		reservation->type = NVME_RESERVATION_NONE;
}

/* Those with the key, or all, but for the host that is spared, if any. How many there were. */
static size_t take_away_all(struct reservation *reservation, const uint64_t *key,
                            const uint8_t *spared)
{
	size_t count = 0;

	for (size_t i = reservation->n_registrants; i-- > 0;) {
		struct registrant *registrant = &reservation->registrants[i];

		if ((key && registrant->key != *key) ||
		    (spared && compare(registrant->host_id, spared) == 0))
			continue;
		take_away(reservation, registrant);
		count++;
	}
	return count;
}

/* ------------------------------------------------------------------ the commands */

static struct reservation_outcome done(void)
{
	return (struct reservation_outcome){.status = STATUS_OK};
}

static struct reservation_outcome refuse(enum nvme_status_code code, uint16_t location)
{
	return (struct reservation_outcome){.status = status_dnr(code), .location = location};
}

static struct reservation_outcome conflict(void)
{
	return refuse(NVME_SC_RESERVATION_CONFLICT, 0);
}

static struct reservation_outcome take_in(struct reservation *reservation, uint64_t key,
                                          const uint8_t *host_id)
{
	if (reservation->n_registrants >= RESERVATION_REGISTRANTS_MAX)
		return refuse(NVME_SC_INTERNAL, 0);
	add(reservation, host_id, key);
	return done();
}

static struct reservation_outcome unregister(struct reservation *reservation,
                                             struct registrant *registrant)
{
	enum nvme_reservation_type before = reservation->type;
	struct reservation_outcome outcome = done();

	take_away(reservation, registrant);
	if (reservation_is_shared(before) && reservation->type == NVME_RESERVATION_NONE)
		outcome.to_others = NVME_RESERVATION_RELEASED;
	return outcome;
}

static struct reservation_outcome apply_register(struct reservation *reservation,
                                                 const struct decoded_reservation *asked,
                                                 const uint8_t *host_id)
{
	struct registrant *registrant = find(reservation, host_id);

	if (asked->action == RESERVATION_REGISTER) {
		if (!registrant)
			return take_in(reservation, asked->new_key, host_id);
		return registrant->key == asked->new_key ? done() : conflict();
	}
	/* IEKEY: without regard to its registration and its key (§8.1.22.3) */
	if (!registrant && asked->action == RESERVATION_REPLACE && asked->ignores_key)
		return take_in(reservation, asked->new_key, host_id);
	if (!registrant || (registrant->key != asked->key && !asked->ignores_key))
		return conflict();
	if (asked->action == RESERVATION_UNREGISTER)
		return unregister(reservation, registrant);
	registrant->key = asked->new_key;
	return done();
}

static void hold(struct reservation *reservation, enum nvme_reservation_type type,
                 const uint8_t *host_id)
{
	reservation->type = type;
	memcpy(reservation->holder, host_id, sizeof(reservation->holder));
}

static struct reservation_outcome acquire(struct reservation *reservation,
                                          enum nvme_reservation_type type,
                                          const struct registrant *registrant)
{
	if (reservation->type == NVME_RESERVATION_NONE)
		hold(reservation, type, registrant->host_id);
	else if (!reservation_is_holder(reservation, registrant) || reservation->type != type)
		return conflict();
	return done();
}

static struct reservation_outcome preempt_registrants(struct reservation *reservation, uint64_t key)
{
	if (take_away_all(reservation, &key, NULL) == 0)
		return conflict();
	return (struct reservation_outcome){.to_removed = NVME_RESERVATION_REGISTRATION_PREEMPTED};
}

/* key: of those that it takes away; NULL: of all. */
static struct reservation_outcome preempt_holder(struct reservation *reservation,
                                                 const struct decoded_reservation *asked,
                                                 const uint64_t *key, const uint8_t *host_id)
{
	struct reservation_outcome outcome = {
		.to_removed = NVME_RESERVATION_REGISTRATION_PREEMPTED};

	if (asked->type != reservation->type)
		outcome.to_others = NVME_RESERVATION_RELEASED;
	take_away_all(reservation, key, host_id);
	hold(reservation, asked->type, host_id);
	return outcome;
}

/* §8.1.22.7: a host may also preempt itself, which changes the type. */
static struct reservation_outcome preempt(struct reservation *reservation,
                                          const struct decoded_reservation *asked,
                                          const uint8_t *host_id)
{
	const uint64_t key = asked->new_key;
	const struct registrant *holder;

	if (reservation->type == NVME_RESERVATION_NONE)
		return preempt_registrants(reservation, key);
	if (reservation_is_of_all(reservation->type))
		return key == 0 ? preempt_holder(reservation, asked, NULL, host_id)
		                : preempt_registrants(reservation, key);
	holder = find(reservation, reservation->holder);
	must(holder);
	if (key == holder->key)
		return preempt_holder(reservation, asked, &key, host_id);
	return key == 0 ? refuse(NVME_SC_INVALID_FIELD, 0) : preempt_registrants(reservation, key);
}

static struct reservation_outcome release(struct reservation *reservation,
                                          enum nvme_reservation_type type,
                                          const struct registrant *registrant)
{
	struct reservation_outcome outcome = done();

	if (!reservation_is_holder(reservation, registrant))
		return outcome; /* nothing of it is to be released */
	if (reservation->type != type)
		return refuse(NVME_SC_INVALID_FIELD, RTYPE_LOCATION);
	if (reservation_is_shared(type))
		outcome.to_others = NVME_RESERVATION_RELEASED;
	reservation->type = NVME_RESERVATION_NONE;
	return outcome;
}

static struct reservation_outcome clear(struct reservation *reservation)
{
	take_away_all(reservation, NULL, NULL);
	return (struct reservation_outcome){.to_removed = NVME_RESERVATION_PREEMPTED};
}

static struct reservation_outcome execute(struct reservation *reservation,
                                          const struct decoded_reservation *asked,
                                          const uint8_t *host_id)
{
	const struct registrant *registrant = find(reservation, host_id);

	if (asked->action <= RESERVATION_REPLACE)
		return apply_register(reservation, asked, host_id);
	if (!registrant || registrant->key != asked->key)
		return conflict();
	switch (asked->action) {
	case RESERVATION_ACQUIRE:
		return acquire(reservation, asked->type, registrant);
	case RESERVATION_PREEMPT:
		return preempt(reservation, asked, host_id);
	case RESERVATION_RELEASE:
		return release(reservation, asked->type, registrant);
	default:
		return clear(reservation);
	}
}

/* GEN (§7.8) counts every Register, Preempt and Clear that was good. */
struct reservation_outcome reservation_apply(struct reservation *reservation,
                                             const struct decoded_reservation *asked,
                                             const uint8_t host_id[static 16])
{
	struct reservation_outcome outcome = execute(reservation, asked, host_id);

	if (!status_is_ok(outcome.status))
		return outcome;
	if (asked->action != RESERVATION_ACQUIRE && asked->action != RESERVATION_RELEASE)
		reservation->generation++;
	if (asked->persist != RESERVATION_PERSIST_AS_IT_IS)
		reservation->persists = asked->persist == RESERVATION_PERSIST_YES;
	return outcome;
}

/* ------------------------------------------------------------------ looking at it */

static const struct reservation nobody;

bool reservation_is_same_rule(const struct reservation *a, const struct reservation *b)
{
	a = a ? a : &nobody;
	b = b ? b : &nobody;
	if (a->type != b->type || a->type == NVME_RESERVATION_NONE)
		return a->type == b->type;
	if (!reservation_is_shared(a->type))
		return compare(a->holder, b->holder) == 0;
	if (a->n_registrants != b->n_registrants)
		return false;
	for (size_t i = 0; i < a->n_registrants; i++)
		if (compare(a->registrants[i].host_id, b->registrants[i].host_id) != 0)
			return false;
	return true;
}

bool reservation_is_same(const struct reservation *a, const struct reservation *b)
{
	a = a ? a : &nobody;
	b = b ? b : &nobody;
	if (a->type != b->type || a->generation != b->generation || a->persists != b->persists ||
	    a->n_registrants != b->n_registrants)
		return false;
	for (size_t i = 0; i < a->n_registrants; i++)
		if (a->registrants[i].key != b->registrants[i].key)
			return false;
	return reservation_is_same_rule(a, b);
}

/* On which controllers its host is, if on any, is not known here. */
static void put_registrant(const struct reservation *reservation,
                           const struct registrant *registrant, uint8_t *at, size_t room)
{
	struct nvme_registrant wire = {.cntlid = le16_of(NVME_CNTLID_DYNAMIC)};

	wire.rcsts = reservation_is_holder(reservation, registrant);
	wire.rkey = le64_of(registrant->key);
	memcpy(wire.hostid, registrant->host_id, sizeof(wire.hostid));
	memcpy(at, &wire, room < sizeof(wire) ? room : sizeof(wire));
}

void reservation_report(const struct reservation *reservation, uint8_t *ret_data, size_t length)
{
	struct nvme_reservation_status head;
	size_t at = sizeof(head);

	reservation = reservation ? reservation : &nobody;
	head = (struct nvme_reservation_status){
		.gen = le32_of(reservation->generation),
		.rtype = (uint8_t)reservation->type,
		.regstrnt = le16_of((uint16_t)reservation->n_registrants),
		.ptpls = reservation->persists,
	};
	memset(ret_data, 0, length);
	memcpy(ret_data, &head, length < sizeof(head) ? length : sizeof(head));
	for (size_t i = 0; i < reservation->n_registrants && at < length; i++) {
		put_registrant(
			reservation, &reservation->registrants[i], ret_data + at, length - at);
		at += sizeof(struct nvme_registrant);
	}
}
