/* SPDX-License-Identifier: MIT */
/* render-node.h: the host's GPUs, as far as they draw without a screen. */
#pragma once

/* The path of the first that this process may use, or NULL; free() by the caller. */
char *render_node_find(void);
