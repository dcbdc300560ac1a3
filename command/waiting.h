/* SPDX-License-Identifier: MIT */
/* waiting.h: what MicroVMs that are being started are at, in a line that goes away again: for who
 * sits at a terminal and waits for more than a moment. */
#pragma once

struct systemd;

/* Shows what the jobs wait for that are under way. Returns after how many milliseconds it is to be
 * called again; -1: not before one is asked for. It asks systemd, so bus_turn() or sd_bus_process()
 * comes next. */
int waiting_show(struct systemd *bus);

/* Takes the line away, for what others want to say there. */
void waiting_end(void);
