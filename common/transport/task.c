/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/task.h"

#include <string.h>

#include "common/transport/controller.h"
#include "common/transport/error_log.h"

struct task *task_new(struct seat *seat, const struct nvme_command *command, const void *data,
                      uint32_t data_bytes)
{
	struct task *task = calloc(1, sizeof(*task) + data_bytes);

	if (!task)
		return NULL;
	task->seat = seat;
	task->command = *command;
	task->error_location = ERROR_LOG_NO_LOCATION;
	task->data_bytes = data_bytes;
	if (data_bytes > 0)
		memcpy(task->data, data, data_bytes);
	list_init(&task->letter.link);
	list_init(&task->seat_link);
	list_init(&task->ask_link);
	list_init(&task->number_link);
	return task;
}

struct task *task_free(struct task *task)
{
	if (!task)
		return NULL;
	controller_drop(task->connected.controller);
	free(task->reply);
	free(task);
	return NULL;
}
