/* SPDX-License-Identifier: MIT */
#include "render-node.h"

#include "../common/owned.h"
#include "../common/text.h"

#include <fcntl.h>

enum { FIRST = 128, COUNT = 64 }; /* minor numbers, Documentation/gpu/drm-uapi.rst */

char *render_node_find(void)
{
	for (int i = FIRST; i < FIRST + COUNT; i++) {
		OWNED(drop_str) char *path = text_format("/dev/dri/renderD%d", i);
		OWNED(drop_fd) int fd = open(path, O_RDWR | O_CLOEXEC);

		if (fd >= 0)
			return MOVE(path);
	}
	return NULL;
}
