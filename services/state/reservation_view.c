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
