/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds the files named on the command line to a libFuzzer harness, where there is no libFuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(1u << 20);
	size_t length;

	if (!file || !bytes) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	length = fread(bytes, 1, 1u << 20, file);
	LLVMFuzzerTestOneInput(bytes, length);
	free(bytes);
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d inputs replayed\n", argc - 1);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
