/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/io/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MIB (1u << 20)

static int device = -1;
static char path[32];

static bool configure(int control, int file, unsigned block_size)
{
	struct loop_config config = {
		.fd = (uint32_t)file,
		.block_size = block_size,
		.info = {.lo_flags = LO_FLAGS_AUTOCLEAR},
	};

	for (int tries = 0; tries < 10; tries++) {
		snprintf(path, sizeof(path), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
		device = open(path, O_RDWR | O_CLOEXEC);
		if (device < 0)
			return false;
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
			return true;
		loop_device_end(); /* another was quicker */
	}
	return false;
}

bool loop_device_begin(const char *file, unsigned block_size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int fd = open(file, O_RDWR | O_CLOEXEC);
	bool made = control >= 0 && fd >= 0 && configure(control, fd, block_size);

	if (control >= 0)
		close(control);
	if (fd >= 0)
		close(fd);
	return made;
}

void loop_device_end(void)
{
	if (device >= 0)
		close(device);
	device = -1;
}

bool loop_device_can_be(void)
{
	char file[] = "/tmp/unit-io-probe-XXXXXX";
	int fd = mkstemp(file);
	bool can = fd >= 0 && ftruncate(fd, MIB) == 0 && loop_device_begin(file, 512);

	loop_device_end();
	if (fd >= 0)
		close(fd);
	unlink(file);
	return can;
}

const char *loop_device_path(void)
{
	return path;
}

bool loop_device_rotate(bool rotates)
{
	char attribute[80];
	FILE *file;
	bool said;

	snprintf(attribute, sizeof(attribute), "/sys/class/block/%s/queue/rotational", path + 5);
	file = fopen(attribute, "we");
	if (!file)
		return false;
	said = fputs(rotates ? "1" : "0", file) >= 0;
	return fclose(file) == 0 && said;
}
