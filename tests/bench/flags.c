/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/flags.h"

#include <stddef.h>

const struct option flags[] = {
	{"traddr",         required_argument, NULL, FLAG_TRADDR     },
	{"trsvcid",        required_argument, NULL, FLAG_TRSVCID    },
	{"nqn",            required_argument, NULL, FLAG_NQN        },
	{"nsid",           required_argument, NULL, FLAG_NSID       },
	{"hostnqn",        required_argument, NULL, FLAG_HOSTNQN    },
	{"hdgst",          no_argument,       NULL, FLAG_HDGST      },
	{"ddgst",          no_argument,       NULL, FLAG_DDGST      },
	{"disable-sqflow", no_argument,       NULL, FLAG_SQFLOW     },
	{"kato",           required_argument, NULL, FLAG_KATO       },
	{"rw",             required_argument, NULL, FLAG_RW         },
	{"mix",            required_argument, NULL, FLAG_MIX        },
	{"bs",             required_argument, NULL, FLAG_BS         },
	{"qd",             required_argument, NULL, FLAG_QD         },
	{"connections",    required_argument, NULL, FLAG_CONNECTIONS},
	{"lockstep",       no_argument,       NULL, FLAG_LOCKSTEP   },
	{"seconds",        required_argument, NULL, FLAG_SECONDS    },
	{"ios",            required_argument, NULL, FLAG_IOS        },
	{"warmup",         required_argument, NULL, FLAG_WARMUP     },
	{"region",         required_argument, NULL, FLAG_REGION     },
	{"r2t",            no_argument,       NULL, FLAG_R2T        },
	{"seed",           required_argument, NULL, FLAG_SEED       },
	{"cpu",            required_argument, NULL, FLAG_CPU        },
	{"verify",         no_argument,       NULL, FLAG_VERIFY     },
	{"reconnect",      optional_argument, NULL, FLAG_RECONNECT  },
	{"io-timeout",     required_argument, NULL, FLAG_IO_TIMEOUT },
	{"ceiling",        no_argument,       NULL, FLAG_CEILING    },
	{"target-cpu",     required_argument, NULL, FLAG_TARGET_CPU },
	{"json",           no_argument,       NULL, FLAG_JSON       },
	{"pause-a",        required_argument, NULL, FLAG_PAUSE_A    },
	{"pause-b",        required_argument, NULL, FLAG_PAUSE_B    },
	{"tree",           no_argument,       NULL, FLAG_TREE       },
	{"svg",            required_argument, NULL, FLAG_SVG        },
	{"help",           no_argument,       NULL, FLAG_HELP       },
	{"version",        no_argument,       NULL, FLAG_VERSION    },
	{NULL,             0,                 NULL, 0               },
};

const char *flags_name(int flag)
{
	for (const struct option *option = flags; option->name; option++)
		if (option->val == flag)
			return option->name;
	return "";
}
