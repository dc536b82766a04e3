/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/base/descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#define TRIED_MAX 256u

unsigned descriptors_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	return (unsigned)limit.rlim_cur;
}

bool descriptors_are_free(unsigned n)
{
	int fds[TRIED_MAX];
	unsigned opened = 0;
	bool are_free;

	if (n > TRIED_MAX)
		n = TRIED_MAX;
	while (opened < n) {
		fds[opened] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[opened] < 0)
			break;
		opened++;
	}
	are_free = opened == n;
	while (opened > 0)
		close(fds[--opened]);
	return are_free;
}

bool descriptor_is_reserved(int fd, unsigned reserve)
{
	unsigned allowed = descriptors_allowed();

	if (reserve > allowed / 4)
		reserve = allowed / 4;
	return (unsigned)fd >= allowed - reserve;
}

bool descriptors_are_scarce(unsigned reserve)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool are_scarce = fd < 0 || descriptor_is_reserved(fd, reserve);

	if (fd >= 0)
		close(fd);
	return are_scarce;
}
