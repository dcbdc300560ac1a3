/* SPDX-License-Identifier: MIT */
/* manager.h: systemd, told by one of its services about itself. */
#pragma once

/* sd_notify(3): "READY=1", "STATUS=...". Nothing where nobody wants to know. */
void manager_tell(const char *state);
