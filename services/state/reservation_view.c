/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "services/state/reservation.h"
#include "services/state/reservations.h"

static bool has_rights(const struct reservation *reservation, const struct registrant *registrant)
{
	return reservation_is_shared(reservation->type) ||
	       reservation_is_holder(reservation, registrant);
}

void reservations_put_view(struct scratch *scratch, Nvmetd__NamespaceView *view,
                           const struct config_namespace *namespace)
{
	const struct reservation *reservation = namespace->backing->reservation;

	view->reservations = namespace->resv_enable;
	if (!reservation || reservation->type == NVME_RESERVATION_NONE)
		return;
	view->reservation_type = reservation->type;
	view->reservation_hosts = scratch_take(
		scratch, reservation->n_registrants * sizeof(*view->reservation_hosts));
	for (size_t i = 0; view->reservation_hosts && i < reservation->n_registrants; i++) {
		struct registrant *registrant = &reservation->registrants[i];

		if (has_rights(reservation, registrant))
			view->reservation_hosts[view->n_reservation_hosts++] =
				(ProtobufCBinaryData){.data = registrant->host_id,
			                              .len = sizeof(registrant->host_id)};
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
