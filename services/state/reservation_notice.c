/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/reservation_notice.h"

#include <errno.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/event.h"
#include "services/state/reservations.h"

/* ------------------------------------------------------------------ the queue */

static bool make_room(struct session *session)
{
	if (!session->notices)
		session->notices = calloc(SESSION_NOTICES_MAX, sizeof(*session->notices));
	return session->notices && session->n_notices < SESSION_NOTICES_MAX;
}

void reservation_notice_add(struct session *session, uint32_t nsid,
                            enum nvme_reservation_notice notice)
{
	if (session->reservation_masks[nsid - 1] & 1u << notice)
		return;
	session->untold = true;
	session->notice_count += 1 +
	                         (session->notice_count == UINT64_MAX); /* 0 is of an empty log */
	if (!make_room(session)) {
		if (session->n_notices > 0)
			session->notices[session->n_notices - 1].count = session->notice_count;
		return;
	}
	session->notices[session->n_notices++] = (struct session_notice){
		.count = session->notice_count, .nsid = nsid, .notice = (uint8_t)notice};
	event_raise(session, SESSION_EVENT_RESERVATION);
}

void reservation_notice_reset(struct session *session)
{
	session->n_notices = 0;
	session->notice_count = 0;
	memset(session->reservation_masks, 0, sizeof(session->reservation_masks));
}

static void take_out_first(struct session *session)
{
	session->n_notices--;
	memmove(session->notices,
	        session->notices + 1,
	        session->n_notices * sizeof(*session->notices));
}

/* ------------------------------------------------------------------ log page 80h */

static void put_first(struct nvme_log_reservation *log, const struct session *session)
{
	if (session->n_notices == 0)
		return;
	log->lpc = le64_of(session->notices[0].count);
	log->rnlpt = session->notices[0].notice;
	log->nalp = (uint8_t)(session->n_notices - 1);
	log->nsid = le32_of(session->notices[0].nsid);
}

/* The host has read it. What is left is an event of its own, unless it is to stay masked. */
static void forget_first(struct session *session, bool retain)
{
	if (session->n_notices > 0)
		take_out_first(session);
	if (!retain)
		event_forget(session, SESSION_EVENT_RESERVATION);
	if (!retain && session->n_notices > 0)
		event_raise(session, SESSION_EVENT_RESERVATION);
}

void reservation_notice_log(const struct admin_request *request, const struct get_log *asked,
                            struct admin_reply *reply)
{
	struct nvme_log_reservation log = {0};
	uint8_t *data;

	if (asked->offset_bytes > sizeof(log)) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw12));
		return;
	}
	put_first(&log, request->session);
	data = admin_data(reply, asked->length_bytes);
	if (!data)
		return;
	if (asked->offset_bytes < sizeof(log)) {
		size_t left = sizeof(log) - (size_t)asked->offset_bytes;

		memcpy(data,
		       (const uint8_t *)&log + asked->offset_bytes,
		       left < asked->length_bytes ? left : asked->length_bytes);
	}
	if (asked->offset_bytes > 0) /* the rest of a page that was read before */
		return;
	forget_first(request->session, asked->retain);
	reply->session_changed = true;
	request->session->untold = true;
}

/* ------------------------------------------------------------------ feature 82h */

void reservation_mask_set(const struct admin_request *request, uint32_t value,
                          struct admin_reply *reply)
{
	uint32_t nsid = le32_get(request->command->nsid);
	const struct config_subsystem *subsystem = request->subsystem;

	if (!reservations_check(request, reply))
		return;
	if (value & ~NVME_RESERVATION_MASK_ALL) {
		admin_refuse_byte(reply, COMMAND_BYTE(cdw11));
		return;
	}
	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = &subsystem->namespaces[i];

		if (namespace->resv_enable && (nsid == NVME_NSID_ALL || nsid == namespace->nsid) &&
		    namespace_is_seen(namespace, request->session))
			request->session->reservation_masks[namespace->nsid - 1] = (uint8_t)value;
	}
	reply->session_changed = true;
}

void reservation_mask_get(const struct admin_request *request, bool now, struct admin_reply *reply)
{
	uint32_t nsid = le32_get(request->command->nsid);

	if (reservations_check(request, reply))
		reply->result = now ? request->session->reservation_masks[nsid - 1] : 0;
}

/* ------------------------------------------------------------------ the session's message */

static size_t masks_length(const struct session *session)
{
	size_t length = sizeof(session->reservation_masks);

	while (length > 0 && session->reservation_masks[length - 1] == 0)
		length--;
	return length;
}

void reservation_notice_pack(struct session_message *packed, const struct session *session)
{
	Nvmetd__Session *message = &packed->message;

	for (unsigned i = 0; i < session->n_notices; i++) {
		Nvmetd__ReservationNotice *notice = &packed->notice[i];

		nvmetd__reservation_notice__init(notice);
		notice->count = session->notices[i].count;
		notice->nsid = session->notices[i].nsid;
		notice->notice = session->notices[i].notice;
		packed->notices[i] = notice;
	}
	message->n_reservation_notices = session->n_notices;
	message->reservation_notices = packed->notices;
	message->reservation_count = session->notice_count;
	message->reservation_masks.data = (uint8_t *)session->reservation_masks;
	message->reservation_masks.len = masks_length(session);
}

static bool is_sound(const Nvmetd__ReservationNotice *notice)
{
	return notice->count > 0 && notice->nsid > 0 && notice->nsid <= NVME_MAX_NAMESPACES &&
	       notice->notice >= NVME_RESERVATION_REGISTRATION_PREEMPTED &&
	       notice->notice <= NVME_RESERVATION_PREEMPTED;
}

static bool are_masks_sound(const ProtobufCBinaryData *masks)
{
	for (size_t i = 0; i < masks->len; i++)
		if (masks->data[i] & ~NVME_RESERVATION_MASK_ALL)
			return false;
	return masks->len <= NVME_MAX_NAMESPACES;
}

int reservation_notice_unpack(struct session *session, const Nvmetd__Session *message)
{
	if (message->n_reservation_notices > SESSION_NOTICES_MAX ||
	    !are_masks_sound(&message->reservation_masks))
		return SESSION_E_MALFORMED;
	session->notice_count = message->reservation_count;
	if (message->reservation_masks.len > 0)
		memcpy(session->reservation_masks,
		       message->reservation_masks.data,
		       message->reservation_masks.len);
	if (message->n_reservation_notices > 0 && !make_room(session))
		return error_origin(-ENOMEM);
	for (size_t i = 0; i < message->n_reservation_notices; i++) {
		const Nvmetd__ReservationNotice *notice = message->reservation_notices[i];

		if (!is_sound(notice))
			return SESSION_E_MALFORMED;
		session->notices[session->n_notices++] = (struct session_notice){
			notice->count, notice->nsid, (uint8_t)notice->notice};
	}
	return 0;
}
