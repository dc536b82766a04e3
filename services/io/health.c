/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/health.h"

#include <fcntl.h>
#include <glob.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/nvme/spec.h"

#define PATH_SIZE   HEALTH_FOLDER_SIZE
#define LINE_SIZE   64
/* The kernel gives up a command to the device after this. */
#define PATIENCE_MS 5000

/* ------------------------------------------------------------------ /sys */

static bool read_line(const char *path, char line[static LINE_SIZE])
{
	FILE *file = fopen(path, "re");
	bool good;

	if (!file)
		return false;
	good = fgets(line, LINE_SIZE, file) != NULL;
	fclose(file);
	if (good)
		line[strcspn(line, "\n")] = 0;
	return good;
}

static bool read_attribute(const char *disk, const char *name, char line[static LINE_SIZE])
{
	char path[PATH_SIZE];
	int length = snprintf(path, sizeof(path), "%s/%s", disk, name);

	return length > 0 && (size_t)length < sizeof(path) && read_line(path, line);
}

static bool says(const char *disk, const char *name, const char *word)
{
	char line[LINE_SIZE];

	return read_attribute(disk, name, line) && strcmp(line, word) == 0;
}

/* The folder of the disk, "…/dev/block/8:0"; of a partition, of the disk that has it. */
static bool find_disk(const char *sysfs, dev_t device, char disk[static PATH_SIZE])
{
	char partition[PATH_SIZE + 16];
	int length = snprintf(
		disk, PATH_SIZE - 4, "%s/dev/block/%u:%u", sysfs, major(device), minor(device));

	if (length < 0 || length >= PATH_SIZE - 4 || access(disk, F_OK) < 0)
		return false;
	snprintf(partition, sizeof(partition), "%s/partition", disk);
	if (access(partition, F_OK) == 0)
		strcat(disk, "/..");
	return true;
}

/* Thousandths of a degree Celsius, as hwmon has it. */
static uint16_t kelvin_of(const char *line)
{
	long milli = strtol(line, NULL, 10);

	if (milli < -273000 || milli > 1000000)
		return 0;
	return (uint16_t)((milli + 273150 + 500) / 1000);
}

static uint16_t read_temperature(const char *disk)
{
	static const char *const forms[] = {"device/hwmon*/temp1_input",
	                                    "device/hwmon/hwmon*/temp1_input",
	                                    "device/device/hwmon*/temp1_input"};
	uint16_t kelvin = 0;

	for (size_t i = 0; kelvin == 0 && i < sizeof(forms) / sizeof(forms[0]); i++) {
		char pattern[PATH_SIZE + 64], line[LINE_SIZE];
		glob_t found = {0};

		snprintf(pattern, sizeof(pattern), "%s/%s", disk, forms[i]);
		if (glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0 &&
		    read_line(found.gl_pathv[0], line))
			kelvin = kelvin_of(line);
		globfree(&found);
	}
	return kelvin;
}

static bool is_degraded(const char *disk)
{
	char line[LINE_SIZE];

	return read_attribute(disk, "md/degraded", line) && strtol(line, NULL, 10) > 0;
}

static struct log_health read_sysfs(const char *disk)
{
	struct log_health said = LOG_HEALTH_GOOD;

	said.temperature = read_temperature(disk);
	if (is_degraded(disk) || says(disk, "device/state", "offline"))
		said.critical_warning |= NVME_WARNING_RELIABILITY;
	if (says(disk, "ro", "1"))
		said.critical_warning |= NVME_WARNING_READ_ONLY;
	return said;
}

/* ------------------------------------------------------------------ NVMe */

/* "DEVNAME=nvme0n1" */
static bool find_name(const char *disk, char name[static LINE_SIZE])
{
	char path[PATH_SIZE + 16], line[LINE_SIZE];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/uevent", disk);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		found = strncmp(line, "DEVNAME=", 8) == 0;
	}
	fclose(file);
	if (found)
		memmove(name, line + 8, strlen(line + 8) + 1);
	return found;
}

static bool ask(int fd, struct nvme_log_smart *ret_log)
{
	const uint32_t numd_0based = sizeof(*ret_log) / 4 - 1;
	struct nvme_admin_cmd command = {
		.opcode = NVME_ADMIN_GET_LOG_PAGE,
		.nsid = NVME_NSID_ALL,
		.addr = (uintptr_t)ret_log,
		.data_len = sizeof(*ret_log),
		.cdw10 = NVME_LOG_SMART | 1u << 15 | numd_0based << 16, /* RAE: others listen too */
		.timeout_ms = PATIENCE_MS,
	};

	return ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command) == 0;
}

static bool read_nvme(const char *disk, struct log_health *ret_said)
{
	char name[LINE_SIZE], path[LINE_SIZE + 8];
	struct nvme_log_smart log = {0};
	bool good;
	int fd;

	if (!find_name(disk, name) || strncmp(name, "nvme", 4) != 0)
		return false;
	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	good = ask(fd, &log);
	close(fd);
	if (good)
		*ret_said = log_smart_read(&log);
	return good;
}

/* ------------------------------------------------------------------ all */

static dev_t number_of(const char *disk, dev_t partition)
{
	char line[LINE_SIZE];
	unsigned first, second;

	if (read_attribute(disk, "dev", line) && sscanf(line, "%u:%u", &first, &second) == 2)
		return makedev(first, second);
	return partition;
}

bool health_find(const char *sysfs, const char *path, struct health_disk *ret_disk)
{
	struct health_disk disk;
	struct stat found;
	dev_t device;

	if (stat(path, &found) < 0)
		return false;
	device = S_ISBLK(found.st_mode) ? found.st_rdev : found.st_dev;
	if (!find_disk(sysfs, device, disk.folder))
		return false;
	disk.device = number_of(disk.folder, device);
	*ret_disk = disk;
	return true;
}

struct health health_ask(const struct health_disk *disk)
{
	struct health health = {.device = disk->device, .said = read_sysfs(disk->folder)};

	if (read_nvme(disk->folder, &health.said) && says(disk->folder, "ro", "1"))
		health.said.critical_warning |= NVME_WARNING_READ_ONLY;
	return health;
}
