/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/event.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/nvme/log.h"
#include "services/state/admin.h"

/* The bit of the Asynchronous Event Configuration feature that asks for each; 0: it is always told,
 * unless by a mask of its own. */
static const struct {
	enum session_event event;
	uint32_t enable;
	unsigned group; /* what masks it: of one type of event all others do, but for notices */
} events[SESSION_EVENTS] = {
	{SESSION_EVENT_RELIABILITY,
         NVME_WARNING_RELIABILITY | NVME_WARNING_READ_ONLY | NVME_WARNING_BACKUP,
         SESSION_EVENTS_HEALTH									     },
	{SESSION_EVENT_TEMPERATURE, NVME_WARNING_TEMPERATURE,                     SESSION_EVENTS_HEALTH    },
	{SESSION_EVENT_SPARE,       NVME_WARNING_SPARE,                           SESSION_EVENTS_HEALTH    },
	{SESSION_EVENT_NAMESPACE,   NVME_OAES_NAMESPACE,                          SESSION_EVENT_NAMESPACE  },
	{SESSION_EVENT_ANA,         NVME_OAES_ANA,                                SESSION_EVENT_ANA        },
	{SESSION_EVENT_DISCOVERY,   NVME_OAES_DISCOVERY,                          SESSION_EVENT_DISCOVERY  },
	{SESSION_EVENT_RESERVATION, 0,					    SESSION_EVENT_RESERVATION},
};

int event_park(struct session *session, uint64_t request_id)
{
	struct parked_request *parked = calloc(1, sizeof(*parked));

	if (!parked)
		return error_origin(-ENOMEM);
	parked->request_id = request_id;
	list_append(&session->parked, &parked->link);
	session->n_parked++;
	return 0;
}

static void forget(struct session *session, struct parked_request *parked)
{
	list_remove(&parked->link);
	free(parked);
	session->n_parked--;
}

bool event_unpark(struct session *session, uint64_t request_id)
{
	list_for_each_safe (at, &session->parked) {
		struct parked_request *parked = container_of(at, struct parked_request, link);

		if (parked->request_id != request_id)
			continue;
		forget(session, parked);
		return true;
	}
	return false;
}

void event_unpark_all(struct session *session)
{
	list_for_each_safe (at, &session->parked)
		forget(session, container_of(at, struct parked_request, link));
}

bool event_raise(struct session *session, enum session_event event)
{
	if ((session->events | session->masked) & event)
		return false; /* the log that is still to be read will have it */
	session->events |= event;
	return true;
}

static bool tell(struct session *session, uint64_t request_id, uint32_t *ret_result)
{
	for (unsigned i = 0; i < SESSION_EVENTS; i++) {
		if (events[i].event == SESSION_EVENT_ANA && session->holds_ana)
			continue;
		if (!(session->events & events[i].event) || session->masked & events[i].group ||
		    (events[i].enable && !(session->async_event_config & events[i].enable)))
			continue;
		session->events &= ~(unsigned)events[i].event;
		session->masked |= events[i].event;
		session->told_to[i] = request_id;
		*ret_result = session_event_result(events[i].event);
		return true;
	}
	return false;
}

bool event_take(struct session *session, uint32_t *ret_result)
{
	return tell(session, 0, ret_result);
}

bool event_take_back(struct session *session, uint64_t request_id)
{
	for (unsigned i = 0; i < SESSION_EVENTS; i++) {
		if (!(session->masked & events[i].event) || session->told_to[i] != request_id)
			continue;
		session->masked &= ~(unsigned)events[i].event;
		session->events |= events[i].event;
		return true;
	}
	return false;
}

bool event_take_parked(struct session *session, uint64_t *ret_request_id, uint32_t *ret_result)
{
	struct parked_request *parked;

	if (list_is_empty(&session->parked))
		return false;
	parked = container_of(session->parked.next, struct parked_request, link);
	if (!tell(session, parked->request_id, ret_result))
		return false;
	*ret_request_id = parked->request_id;
	forget(session, parked);
	return true;
}

void event_forget(struct session *session, enum session_event event)
{
	if (event == SESSION_EVENT_ANA && session->holds_ana) { /* it will change once more */
		session->events |= session->masked & event;
		session->masked &= ~(unsigned)event;
		return;
	}
	session->events &= ~(unsigned)event;
	session->masked &= ~(unsigned)event;
}

void event_execute(const struct admin_request *request, struct admin_reply *reply)
{
	if (tell(request->session, request->id, &reply->result))
		reply->session_changed = true;
	else if (request->session->n_parked >= NVME_AER_LIMIT)
		reply->status = status_of(NVME_SC_AER_LIMIT);
	else
		reply->parked = true;
}
