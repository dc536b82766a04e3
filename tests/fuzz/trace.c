/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace file of any content: the reader comes to an end, and gives no more than there are slots.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/shm/trace_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(int fd)
{
	static struct trace_record records[100];
	struct trace_reader reader;
	unsigned sum = 0;
	int n;

	if (trace_reader_adopt(&reader, fd))
		return;
	while ((n = trace_reader_take(&reader, records, 100)) > 0) {
		must(n <= 100);
		sum += (unsigned)n;
		must(sum < TRACE_SLOTS);
	}
	must(reader.origin.name[sizeof(reader.origin.name) - 1] == '\0');
	trace_reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size)
		read_all(fd);
	else
		close(fd);
	return 0;
}
