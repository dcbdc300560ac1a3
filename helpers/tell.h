/* SPDX-License-Identifier: MIT */
/* tell.h: what happens to a part of a MicroVM is told with the MicroVM, where people look. */
#pragma once

/* "web" of the instance "web:data"; free() by the caller. */
char *tell_name_of(const char *instance);

/* Journal and systemctl status show the line with microvm@NAME.service as well as with the unit that it comes from; where
 * there is no journal it is logged. */
void tell_microvm(const char *name, const char *who, const char *message);
