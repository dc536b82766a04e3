/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/status.h"

#include <stddef.h>

static const struct {
	enum nvme_status_code code;
	const char *words;
} names[] = {
	{NVME_SC_SUCCESS,                    "Successful Completion"                    },
	{NVME_SC_INVALID_OPCODE,             "Invalid Command Opcode"                   },
	{NVME_SC_INVALID_FIELD,              "Invalid Field in Command"                 },
	{NVME_SC_CID_CONFLICT,               "Command ID Conflict"                      },
	{NVME_SC_DATA_TRANSFER_ERROR,        "Data Transfer Error"                      },
	{NVME_SC_INTERNAL,                   "Internal Error"                           },
	{NVME_SC_ABORT_REQUESTED,            "Command Abort Requested"                  },
	{NVME_SC_ABORT_SQ_DELETION,          "Command Aborted due to SQ Deletion"       },
	{NVME_SC_INVALID_NAMESPACE,          "Invalid Namespace or Format"              },
	{NVME_SC_COMMAND_SEQUENCE,           "Command Sequence Error"                   },
	{NVME_SC_INVALID_SGL_SEGMENT,        "Invalid SGL Segment Descriptor"           },
	{NVME_SC_SGL_COUNT_INVALID,          "Invalid Number of SGL Descriptors"        },
	{NVME_SC_SGL_DATA_LENGTH,            "Data SGL Length Invalid"                  },
	{NVME_SC_SGL_METADATA_LENGTH,        "Metadata SGL Length Invalid"              },
	{NVME_SC_SGL_TYPE,                   "SGL Descriptor Type Invalid"              },
	{NVME_SC_SGL_OFFSET,                 "SGL Offset Invalid"                       },
	{NVME_SC_HOST_ID_INCONSISTENT,       "Host Identifier Inconsistent Format"      },
	{NVME_SC_KEEP_ALIVE_EXPIRED,         "Keep Alive Timer Expired"                 },
	{NVME_SC_KEEP_ALIVE_INVALID,         "Keep Alive Timeout Invalid"               },
	{NVME_SC_NAMESPACE_WRITE_PROTECTED,  "Namespace is Write Protected"             },
	{NVME_SC_COMMAND_INTERRUPTED,        "Command Interrupted"                      },
	{NVME_SC_TRANSIENT_TRANSPORT,        "Transient Transport Error"                },
	{NVME_SC_HOST_ID_NOT_INITIALIZED,    "Host Identifier Not Initialized"          },
	{NVME_SC_LBA_RANGE,                  "LBA Out of Range"                         },
	{NVME_SC_CAPACITY_EXCEEDED,          "Capacity Exceeded"                        },
	{NVME_SC_NAMESPACE_NOT_READY,        "Namespace Not Ready"                      },
	{NVME_SC_RESERVATION_CONFLICT,       "Reservation Conflict"                     },
	{NVME_SC_ABORT_LIMIT,                "Abort Command Limit Exceeded"             },
	{NVME_SC_AER_LIMIT,                  "Asynchronous Event Request Limit Exceeded"},
	{NVME_SC_INVALID_LOG_PAGE,           "Invalid Log Page"                         },
	{NVME_SC_FEATURE_NOT_SAVEABLE,       "Feature Identifier Not Saveable"          },
	{NVME_SC_FEATURE_NOT_CHANGEABLE,     "Feature Not Changeable"                   },
	{NVME_SC_FEATURE_NOT_NAMESPACE,      "Feature Not Namespace Specific"           },
	{NVME_SC_COMMAND_SETS_REJECTED,      "I/O Command Set Combination Rejected"     },
	{NVME_SC_INVALID_COMMAND_SET,        "Invalid I/O Command Set"                  },
	{NVME_SC_CONNECT_FORMAT,             "Connect Incompatible Format"              },
	{NVME_SC_CONNECT_BUSY,               "Connect Controller Busy"                  },
	{NVME_SC_CONNECT_INVALID_PARAMETERS, "Connect Invalid Parameters"               },
	{NVME_SC_CONNECT_RESTART_DISCOVERY,  "Connect Restart Discovery"                },
	{NVME_SC_CONNECT_INVALID_HOST,       "Connect Invalid Host"                     },
	{NVME_SC_INVALID_QUEUE_TYPE,         "Invalid Queue Type"                       },
	{NVME_SC_ZONE_BOUNDARY,              "Zone Boundary Error"                      },
	{NVME_SC_ZONE_FULL,                  "Zone Is Full"                             },
	{NVME_SC_ZONE_READ_ONLY,             "Zone Is Read Only"                        },
	{NVME_SC_ZONE_OFFLINE,               "Zone Is Offline"                          },
	{NVME_SC_ZONE_INVALID_WRITE,         "Zone Invalid Write"                       },
	{NVME_SC_ZONES_ACTIVE,               "Too Many Active Zones"                    },
	{NVME_SC_ZONES_OPEN,                 "Too Many Open Zones"                      },
	{NVME_SC_ZONE_TRANSITION,            "Invalid Zone State Transition"            },
	{NVME_SC_WRITE_FAULT,                "Write Fault"                              },
	{NVME_SC_UNRECOVERED_READ,           "Unrecovered Read Error"                   },
	{NVME_SC_GUARD_CHECK,                "End-to-end Guard Check Error"             },
	{NVME_SC_APPLICATION_TAG_CHECK,      "End-to-end Application Tag Check Error"   },
	{NVME_SC_REFERENCE_TAG_CHECK,        "End-to-end Reference Tag Check Error"     },
	{NVME_SC_COMPARE_FAILURE,            "Compare Failure"                          },
	{NVME_SC_INTERNAL_PATH_ERROR,        "Internal Path Error"                      },
	{NVME_SC_ANA_PERSISTENT_LOSS,        "Asymmetric Access Persistent Loss"        },
	{NVME_SC_ANA_INACCESSIBLE,           "Asymmetric Access Inaccessible"           },
	{NVME_SC_ANA_TRANSITION,             "Asymmetric Access Transition"             },
};

const char *status_words(struct nvme_status status)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == status_code(status))
			return names[i].words;
	return "unknown status";
}
