/* SPDX-License-Identifier: MIT */
#include "host-link.h"

#include "../common/link.h"
#include "../common/owned.h"
#include "../common/text.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static void drop_addresses(struct ifaddrs **a)
{
	if (*a)
		freeifaddrs(*a);
}

static char *bridge_of(const char *name)
{
	OWNED(drop_str) char *path = text_format("/sys/class/net/%s/master", name);

	return link_end(path);
}

static unsigned prefix_of(const unsigned char *mask, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

static void address_add(const struct ifaddrs *a, struct words *ret)
{
	char text[INET6_ADDRSTRLEN];
	bool old = a->ifa_addr->sa_family == AF_INET;
	size_t at = old ? offsetof(struct sockaddr_in, sin_addr)
			: offsetof(struct sockaddr_in6, sin6_addr);

	if ((!old && a->ifa_addr->sa_family != AF_INET6) || !a->ifa_netmask ||
	    !inet_ntop(a->ifa_addr->sa_family, (const char *)a->ifa_addr + at, text, sizeof(text)))
		return;
	words_addf(ret, "%s/%u", text,
		   prefix_of((const unsigned char *)a->ifa_netmask + at, old ? 4 : 16));
}

void host_link_read(const char *name, struct host_link *ret)
{
	OWNED(drop_addresses) struct ifaddrs *all = NULL;

	*ret = (struct host_link){ .exists = if_nametoindex(name) > 0 };
	if (!ret->exists || getifaddrs(&all) < 0)
		return;
	ret->bridge = bridge_of(name);
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (strcmp(a->ifa_name, name) != 0)
			continue;
		ret->up = a->ifa_flags & IFF_UP;
		if (a->ifa_addr)
			address_add(a, &ret->addresses);
	}
}

void drop_host_link(struct host_link *l)
{
	free(l->bridge);
	drop_words(&l->addresses);
	*l = (struct host_link){ 0 };
}
