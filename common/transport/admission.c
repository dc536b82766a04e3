/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/admission.h"

#include <stddef.h>

#include "common/nvme/protection.h"

#define DSM_DATA_MAX 4096u /* 256 ranges; Linux sends all of it, whatever NR says */

static struct nvme_status wrong(struct nvme_status status, size_t location, uint16_t *ret_location)
{
	*ret_location = (uint16_t)location;
	return status;
}

#define AT(field) offsetof(struct nvme_command, field)

/* Asymmetric access: the host takes another path, and may come back (no DNR). */
static struct nvme_status check_ana(const struct view_port *port,
                                    const struct view_namespace *namespace)
{
	switch ((enum view_ana)port->ana[namespace->ana_group]) {
	case VIEW_ANA_OPTIMIZED:
	case VIEW_ANA_NON_OPTIMIZED:
		return STATUS_OK;
	case VIEW_ANA_INACCESSIBLE:
		return status_of(NVME_SC_ANA_INACCESSIBLE);
	case VIEW_ANA_PERSISTENT_LOSS:
		return status_of(NVME_SC_ANA_PERSISTENT_LOSS);
	case VIEW_ANA_CHANGE:
		return status_of(NVME_SC_ANA_TRANSITION);
	}
	return status_of(NVME_SC_INTERNAL_PATH_ERROR);
}

static bool is_write(enum nvme_io_opcode opcode)
{
	return opcode != NVME_IO_READ && opcode != NVME_IO_FLUSH;
}

static struct nvme_status check_blocks(const struct view_namespace *namespace,
                                       const struct decoded_io *io, uint16_t *ret_location)
{
	if (io->direction != NVME_TRANSFER_NONE &&
	    io->block_count > DECODE_TRANSFER_MAX >> namespace->block_shift)
		return wrong(status_dnr(NVME_SC_INVALID_FIELD), AT(cdw12), ret_location);
	if (io->first_block >= namespace->blocks ||
	    io->block_count > namespace->blocks - io->first_block)
		return wrong(status_dnr(NVME_SC_LBA_RANGE), AT(cdw10), ret_location);
	return STATUS_OK;
}

/* NSID FFFFFFFFh is not taken by any of our commands, Flush included: VWC bits 2:1 in Identify
 * Controller say so (Base 2.1 §5.1.13.2.1). */
__attribute__((always_inline)) static inline struct nvme_status
find_any(const struct view_subsystem *subsystem, const struct view_port *port, uint32_t nsid,
         const struct view_namespace **ret_namespace, uint16_t *ret_location)
{
	const struct view_namespace *namespace = view_namespace(subsystem, nsid);
	struct nvme_status status;

	if (!namespace)
		return wrong(status_dnr(NVME_SC_INVALID_NAMESPACE), AT(nsid), ret_location);
	status = check_ana(port, namespace);
	if (!status_is_ok(status))
		return wrong(status, AT(nsid), ret_location);
	*ret_namespace = namespace;
	return STATUS_OK;
}

struct nvme_status admission_find(const struct view_subsystem *subsystem,
                                  const struct view_port *port, uint32_t nsid,
                                  const struct view_namespace **ret_namespace,
                                  uint16_t *ret_location)
{
	return find_any(subsystem, port, nsid, ret_namespace, ret_location);
}

static struct nvme_status find(const struct view_subsystem *subsystem, const struct view_port *port,
                               const struct decoded_io *io,
                               const struct view_namespace **ret_namespace, uint16_t *ret_location)
{
	const struct view_namespace *namespace;
	struct nvme_status status;

	status = find_any(subsystem, port, io->nsid, &namespace, ret_location);
	if (!status_is_ok(status))
		return status;
	if (namespace->write_protected && is_write(io->opcode))
		return wrong(
			status_dnr(NVME_SC_NAMESPACE_WRITE_PROTECTED), AT(opcode), ret_location);
	if (!namespace->ready &&
	    namespace->blocks == 0) /* its size is not known, nor is it to come soon */
		return wrong(status_of(NVME_SC_INTERNAL_PATH_ERROR), AT(nsid), ret_location);
	*ret_namespace = namespace;
	return STATUS_OK;
}

static void want_blocks(struct admitted *admitted, const struct decoded_io *io)
{
	uint32_t bytes = io->block_count << admitted->namespace->block_shift;

	admitted->wanted.first_block = io->first_block;
	admitted->wanted.block_count = io->block_count;
	if (io->opcode == NVME_IO_WRITE_ZEROES) {
		admitted->wanted.operation = LINK_WRITE_ZEROES;
		admitted->wanted.flags = io->deallocate ? LINK_DEALLOC : 0;
	} else {
		admitted->wanted.operation = io->opcode == NVME_IO_READ ? LINK_READ : LINK_WRITE;
		admitted->transfer = (struct decoded_transfer){
			.direction = io->direction, .least = bytes, .most = bytes};
	}
	/* FUA of a read asks for what is on stable storage; what we read is what was written. */
	if (io->fua && io->opcode != NVME_IO_READ)
		admitted->wanted.flags |= LINK_FUA;
}

/* Without AD the ranges are only hints of how they will be used, which we do not use. */
static void want_ranges(struct admitted *admitted, const struct decoded_io *io)
{
	admitted->wanted.operation = LINK_DEALLOCATE;
	admitted->wanted.block_count = io->ranges;
	admitted->nothing_to_do = !io->deallocate;
	admitted->transfer = (struct decoded_transfer){
		.direction = io->direction,
		.least = io->ranges * (uint32_t)sizeof(struct nvme_dsm_range),
		.most = DSM_DATA_MAX,
	};
}

static struct nvme_status want(struct admitted *admitted, const struct decoded_io *io,
                               uint16_t *ret_location)
{
	struct nvme_status status = STATUS_OK;

	switch (io->opcode) {
	case NVME_IO_READ:
	case NVME_IO_WRITE:
	case NVME_IO_WRITE_ZEROES:
		status = check_blocks(admitted->namespace, io, ret_location);
		if (status_is_ok(status))
			want_blocks(admitted, io);
		return status;
	case NVME_IO_DATASET_MANAGEMENT:
		want_ranges(admitted, io);
		return status;
	case NVME_IO_FLUSH:
		admitted->wanted.operation = LINK_FLUSH;
		return status;
	}
	return status_dnr(NVME_SC_INVALID_OPCODE);
}

static struct nvme_status check(const struct view_subsystem *subsystem,
                                const struct view_port *port, const struct nvme_command *command,
                                struct admitted *ret_admitted, uint16_t *ret_location)
{
	struct decoded_io io;
	struct nvme_status status;

	*ret_admitted = (struct admitted){.transfer = {.direction = NVME_TRANSFER_NONE}};
	status = decode_flags(command, ret_location);
	if (status_is_ok(status))
		status = decode_io(command, &io, ret_location);
	if (status_is_ok(status))
		status = find(subsystem, port, &io, &ret_admitted->namespace, ret_location);
	if (status_is_ok(status))
		status = want(ret_admitted, &io, ret_location);
	if (!status_is_ok(status))
		return status;
	ret_admitted->wanted.handle = ret_admitted->namespace->handle;
	return STATUS_OK;
}

/* Protection information of Type 1 (NVM Command Set 1.1 §5.3): with PRACT it is the worker's
 * affair, else a tuple follows each block in the data. The rest of the command has been admitted.
 */
__attribute__((cold)) static struct nvme_status
protect(const struct nvme_command *command, struct admitted *admitted, uint16_t *ret_location)
{
	const struct decoded_protection protection = decode_protection(command);
	struct link_request *wanted = &admitted->wanted;
	uint32_t tuples = wanted->block_count * NVME_PROTECTION_SIZE;

	if (wanted->operation == LINK_FLUSH || wanted->operation == LINK_DEALLOCATE)
		return STATUS_OK;
	if (protection.check_reference && protection.reference != (uint32_t)wanted->first_block)
		return wrong(status_dnr(NVME_SC_INVALID_PROTECTION), AT(cdw14), ret_location);
	wanted->application_tag = protection.application;
	if (protection.check_application)
		wanted->application_mask = protection.application_mask;
	if (protection.action || admitted->transfer.direction == NVME_TRANSFER_NONE)
		return STATUS_OK;
	if (admitted->transfer.most > DECODE_TRANSFER_MAX - tuples)
		return wrong(status_dnr(NVME_SC_INVALID_FIELD), AT(cdw12), ret_location);
	admitted->transfer.least += tuples;
	admitted->transfer.most += tuples;
	wanted->flags |= LINK_METADATA;
	if (!protection.check_guard)
		wanted->flags |= LINK_PASS_GUARD;
	if (!protection.check_reference)
		wanted->flags |= LINK_PASS_REFERENCE;
	return STATUS_OK;
}

struct nvme_status admission_check(const struct view_subsystem *subsystem,
                                   const struct view_port *port, const struct nvme_command *command,
                                   struct admitted *ret_admitted, uint16_t *ret_location)
{
	struct nvme_status status = check(subsystem, port, command, ret_admitted, ret_location);

	if (__builtin_expect(status_is_ok(status) && ret_admitted->namespace->protection, 0) &&
	    port->pi_enable)
		status = protect(command, ret_admitted, ret_location);
	return status;
}
