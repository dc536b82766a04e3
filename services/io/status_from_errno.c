/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/status_from_errno.h"

#include <errno.h>
#include <stddef.h>

#define DNR(code) (NVME_STATUS_DNR | (code))

struct translation {
	int error;
	uint16_t reading;
	uint16_t changing;
};

static const struct translation translations[] = {
  /* the device or file system failed: another try may reach good sectors, or a good path */
	{EIO,          NVME_SC_UNRECOVERED_READ,      NVME_SC_WRITE_FAULT                   },
	{EREMOTEIO,    NVME_SC_UNRECOVERED_READ,      NVME_SC_WRITE_FAULT                   },

 /* it says that the data is not there, or not what was written: it will say so again */
	{ENODATA,      DNR(NVME_SC_UNRECOVERED_READ), DNR(NVME_SC_WRITE_FAULT)              },
	{EILSEQ,       DNR(NVME_SC_UNRECOVERED_READ), DNR(NVME_SC_WRITE_FAULT)              },
	{EBADMSG,      DNR(NVME_SC_UNRECOVERED_READ), DNR(NVME_SC_WRITE_FAULT)              },
	{EUCLEAN,      DNR(NVME_SC_UNRECOVERED_READ), DNR(NVME_SC_WRITE_FAULT)              },
	{EBADE,        DNR(NVME_SC_UNRECOVERED_READ), DNR(NVME_SC_WRITE_FAULT)              },

 /* no room: trying again does not make any (as nvmet answers it) */
	{ENOSPC,       DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_CAPACITY_EXCEEDED)        },
	{EDQUOT,       DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_CAPACITY_EXCEEDED)        },
	{EFBIG,        DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_CAPACITY_EXCEEDED)        },

 /* a device with zones: too many are open, or active */
	{ETOOMANYREFS, DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_ZONES_OPEN)               },
	{EOVERFLOW,    DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_ZONES_ACTIVE)             },

 /* not allowed to change it */
	{EROFS,        DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED)},
	{EPERM,        DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED)},
	{EACCES,       DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED)},
	{ETXTBSY,      DNR(NVME_SC_INTERNAL),         DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED)},

 /* the way to the device is gone, maybe not for long: a host fails over, or waits */
	{ENODEV,       NVME_SC_INTERNAL_PATH_ERROR,   NVME_SC_INTERNAL_PATH_ERROR           },
	{ENXIO,        NVME_SC_INTERNAL_PATH_ERROR,   NVME_SC_INTERNAL_PATH_ERROR           },
	{ESTALE,       NVME_SC_INTERNAL_PATH_ERROR,   NVME_SC_INTERNAL_PATH_ERROR           },
	{ENOLINK,      NVME_SC_INTERNAL_PATH_ERROR,   NVME_SC_INTERNAL_PATH_ERROR           },
	{ENOTCONN,     NVME_SC_INTERNAL_PATH_ERROR,   NVME_SC_INTERNAL_PATH_ERROR           },
	{ESHUTDOWN,    NVME_SC_INTERNAL_PATH_ERROR,   NVME_SC_INTERNAL_PATH_ERROR           },
	{ETIMEDOUT,    NVME_SC_INTERNAL_PATH_ERROR,   NVME_SC_INTERNAL_PATH_ERROR           },

 /* something was short just now (Base 2.1: Command Interrupted, the host should retry) */
	{ENOMEM,       NVME_SC_COMMAND_INTERRUPTED,   NVME_SC_COMMAND_INTERRUPTED           },
	{EAGAIN,       NVME_SC_COMMAND_INTERRUPTED,   NVME_SC_COMMAND_INTERRUPTED           },
	{EBUSY,        NVME_SC_COMMAND_INTERRUPTED,   NVME_SC_COMMAND_INTERRUPTED           },
	{EINTR,        NVME_SC_COMMAND_INTERRUPTED,   NVME_SC_COMMAND_INTERRUPTED           },
	{ENOBUFS,      NVME_SC_COMMAND_INTERRUPTED,   NVME_SC_COMMAND_INTERRUPTED           },
	{ECANCELED,    NVME_SC_COMMAND_INTERRUPTED,   NVME_SC_COMMAND_INTERRUPTED           },

 /* the arena's memory could not be had */
	{EFAULT,       NVME_SC_DATA_TRANSFER_ERROR,   NVME_SC_DATA_TRANSFER_ERROR           },

	{EOPNOTSUPP,   DNR(NVME_SC_INVALID_OPCODE),   DNR(NVME_SC_INVALID_OPCODE)           },
	{ENOSYS,       DNR(NVME_SC_INVALID_OPCODE),   DNR(NVME_SC_INVALID_OPCODE)           },
};

struct nvme_status status_from_errno(int error, enum link_operation operation)
{
	for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
		const struct translation *found = &translations[i];

		if (found->error == error)
			return (struct nvme_status){operation == LINK_READ ? found->reading
			                                                   : found->changing};
	}
	return status_dnr(NVME_SC_INTERNAL);
}

struct nvme_status status_from_end_of_store(enum link_operation operation)
{
	return status_dnr(operation == LINK_READ ? NVME_SC_UNRECOVERED_READ : NVME_SC_WRITE_FAULT);
}
