/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "services/state/reservation.h"
#include "services/state/reservations.h"

#define HOST_ID_SIZE sizeof(((struct registrant *)NULL)->host_id)

static bool has_rights(const struct reservation *reservation, const struct registrant *registrant)
{
	return reservation_is_shared(reservation->type) ||
	       reservation_is_holder(reservation, registrant);
}

/* One behind the other, as there may be many, and each change of any namespace has them again. */
static void put_rights(struct scratch *scratch, ProtobufCBinaryData *rights,
                       const struct reservation *reservation)
{
	rights->data = scratch_take(scratch, reservation->n_registrants * HOST_ID_SIZE);
	for (size_t i = 0; rights->data && i < reservation->n_registrants; i++) {
		const struct registrant *registrant = &reservation->registrants[i];

		if (!has_rights(reservation, registrant))
			continue;
		memcpy(rights->data + rights->len, registrant->host_id, HOST_ID_SIZE);
		rights->len += HOST_ID_SIZE;
	}
}

void reservations_put_view(struct scratch *scratch, Nvmetd__NamespaceView *view,
                           const struct config_namespace *namespace)
{
	const struct reservation *reservation = namespace->backing->reservation;

	view->reservations = namespace->resv_enable;
	if (!reservation || reservation->type == NVME_RESERVATION_NONE)
		return;
	view->reservation_type = reservation->type;
	put_rights(scratch, &view->reservation_rights, reservation);
}

static void spread(struct scratch *scratch, Nvmetd__NamespaceView *view)
{
	ProtobufCBinaryData *rights = &view->reservation_rights;
	size_t count = rights->len / HOST_ID_SIZE;

	view->reservation_hosts = scratch_take(scratch, count * sizeof(*view->reservation_hosts));
	for (size_t i = 0; view->reservation_hosts && i < count; i++)
		view->reservation_hosts[view->n_reservation_hosts++] = (ProtobufCBinaryData){
			.data = rights->data + i * HOST_ID_SIZE, .len = HOST_ID_SIZE};
	rights->len = 0;
}

void reservations_spread_view(struct scratch *scratch, Nvmetd__TransportView *view)
{
	for (size_t i = 0; i < view->n_subsystems; i++) {
		const Nvmetd__SubsystemView *subsystem = view->subsystems[i];

		for (size_t j = 0; j < subsystem->n_namespaces; j++)
			spread(scratch, subsystem->namespaces[j]);
		for (size_t j = 0; j < subsystem->n_masked; j++)
			spread(scratch, subsystem->masked[j]);
	}
}

static void put_registrants(struct scratch *scratch, Nvmetd__ReservationStatus *status,
                            const struct reservation *reservation)
{
	status->registrants = (Nvmetd__RegistrantStatus **)scratch_array(
		scratch, reservation->n_registrants, sizeof(**status->registrants));
	for (size_t i = 0; status->registrants && i < reservation->n_registrants; i++) {
		struct registrant *from = &reservation->registrants[i];
		Nvmetd__RegistrantStatus *registrant = status->registrants[status->n_registrants++];

		nvmetd__registrant_status__init(registrant);
		registrant->host_id.data = from->host_id;
		registrant->host_id.len = sizeof(from->host_id);
		registrant->key = from->key;
	}
}

void reservations_put_status(struct scratch *scratch, Nvmetd__NamespaceStatus *status,
                             const struct backing *backing)
{
	struct reservation *reservation = backing->reservation;

	if (!reservation)
		return;
	status->reservation = scratch_take(scratch, sizeof(*status->reservation));
	if (!status->reservation)
		return;
	nvmetd__reservation_status__init(status->reservation);
	status->reservation->type = reservation->type;
	if (reservation->type != NVME_RESERVATION_NONE &&
	    !reservation_is_of_all(reservation->type)) {
		status->reservation->holder.data = reservation->holder;
		status->reservation->holder.len = sizeof(reservation->holder);
	}
	status->reservation->generation = reservation->generation;
	status->reservation->persists = reservation->persists;
	put_registrants(scratch, status->reservation, reservation);
}
