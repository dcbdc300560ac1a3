/* SPDX-License-Identifier: MIT */
#include "netlink.h"

#include "../common/clock.h"
#include "../common/log.h"
#include "../common/owned.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>

enum { ANSWER_ROOM = 32768 }; /* as much as the kernel fills of a dump at a time */

struct netlink {
	struct mnl_socket *socket;
	unsigned sequence;
};

struct request {
	struct nlmsghdr *head;
	struct ifinfomsg *link;
	char room[1024];
};

static int socket_open(unsigned groups, struct mnl_socket **ret)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int r;

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) == 0) {
		*ret = s;
		return 0;
	}
	r = -errno;
	(void)mnl_socket_close(s);
	return r;
}

static void drop_socket(struct mnl_socket **s)
{
	if (*s)
		(void)mnl_socket_close(*s);
}

int netlink_open(struct netlink **ret)
{
	OWNED(drop_netlink) struct netlink *nl = must(calloc(1, sizeof(*nl)));
	int r = socket_open(0, &nl->socket);

	if (r < 0)
		return r;
	*ret = MOVE(nl);
	return 0;
}

void drop_netlink(struct netlink **nl)
{
	if (!*nl)
		return;
	drop_socket(&(*nl)->socket);
	free(*nl);
}

void drop_links(struct links *l)
{
	free(l->at);
	*l = (struct links){ 0 };
}

static void request_begin(struct request *r, unsigned type, unsigned flags)
{
	r->head = mnl_nlmsg_put_header(r->room);
	r->head->nlmsg_type = (uint16_t)type;
	r->head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	r->link = mnl_nlmsg_put_extra_header(r->head, sizeof(*r->link));
	r->link->ifi_family = AF_UNSPEC;
}

/* Also of a list that changed while it was told (NLM_F_DUMP_INTR, EINTR) the rest has to be heard: it would be the answer
 * to what is asked next. */
static bool is_last(const char *answer, ssize_t n)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)answer;

	for (int left = (int)n; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

/* Sends a request, hands each message of the answer to a callback, and waits for the end. */
static int request_run(struct netlink *nl, struct request *request, mnl_cb_t message, void *context)
{
	char answer[ANSWER_ROOM];
	unsigned port = mnl_socket_get_portid(nl->socket);
	bool interrupted = false;
	ssize_t n;
	int r;

	request->head->nlmsg_seq = ++nl->sequence;
	if (mnl_socket_sendto(nl->socket, request->head, request->head->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl->socket, answer, sizeof(answer));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(answer, (size_t)n, nl->sequence, port, message, context);
		if (r < 0 && errno != EINTR)
			return -errno;
		interrupted |= r < 0;
		if (r < 0)
			r = is_last(answer, n) ? MNL_CB_STOP : MNL_CB_OK;
	} while (r > MNL_CB_STOP);
	return interrupted ? -EINTR : 0;
}

static void text_read(const struct nlattr *a, char *ret, size_t room)
{
	size_t n = strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));

	n = n < room ? n : room - 1;
	memcpy(ret, mnl_attr_get_payload(a), n);
	ret[n] = '\0';
}

static void tun_read(const struct nlattr *data, struct link *ret)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, data)
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_TUN_OWNER:
			ret->owned = true;
			ret->owner = mnl_attr_get_u32(a);
			break;
		case IFLA_TUN_TYPE:
			ret->is_tap = mnl_attr_get_u8(a) == IFF_TAP;
			break;
		case IFLA_TUN_PERSIST:
			ret->persistent = mnl_attr_get_u8(a);
			break;
		case IFLA_TUN_MULTI_QUEUE:
			ret->multi_queue = mnl_attr_get_u8(a);
			break;
		}
	}
}

static void info_read(const struct nlattr *info, struct link *ret)
{
	const struct nlattr *a, *data = NULL;

	mnl_attr_for_each_nested(a, info)
	{
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			text_read(a, ret->kind, sizeof(ret->kind));
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			data = a;
	}
	if (data && strcmp(ret->kind, "tun") == 0)
		tun_read(data, ret);
}

static void link_read(const struct nlmsghdr *message, struct link *ret)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	const struct nlattr *a;

	*ret = (struct link){ .index = head->ifi_index, .flags = head->ifi_flags };
	mnl_attr_for_each(a, message, sizeof(*head))
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			text_read(a, ret->name, sizeof(ret->name));
			break;
		case IFLA_IFALIAS:
			text_read(a, ret->alias, sizeof(ret->alias));
			break;
		case IFLA_GROUP:
			ret->group = mnl_attr_get_u32(a);
			break;
		case IFLA_LINKINFO:
			info_read(a, ret);
			break;
		}
	}
}

static int add_link(const struct nlmsghdr *message, void *context)
{
	struct links *links = context;

	links->at = must(reallocarray(links->at, links->count + 1, sizeof(*links->at)));
	link_read(message, &links->at[links->count++]);
	return MNL_CB_OK;
}

static int list_once(struct netlink *nl, struct links *ret)
{
	OWNED(drop_links) struct links links = { 0 };
	struct request request;
	int r;

	request_begin(&request, RTM_GETLINK, NLM_F_DUMP);
	mnl_attr_put_u32(request.head, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = request_run(nl, &request, add_link, &links);
	if (r < 0)
		return r;
	*ret = links;
	links = (struct links){ 0 };
	return 0;
}

int link_list(struct netlink *nl, struct links *ret)
{
	int r;

	do
		r = list_once(nl, ret);
	while (r == -EINTR);
	return r;
}

static int take_link(const struct nlmsghdr *message, void *context)
{
	link_read(message, context);
	return MNL_CB_OK;
}

int link_get(struct netlink *nl, const char *name, struct link *ret)
{
	struct request request;

	request_begin(&request, RTM_GETLINK, NLM_F_ACK);
	mnl_attr_put_u32(request.head, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	mnl_attr_put_strz(request.head, IFLA_IFNAME, name);
	return request_run(nl, &request, take_link, ret);
}

/* The events themselves are not read: that there were any is enough to ask again. */
static int wait_for_event(const struct mnl_socket *events, int64_t end)
{
	struct pollfd p = { .fd = mnl_socket_get_fd(events), .events = POLLIN };
	const int64_t left = end - milliseconds_now();
	char dropped[ANSWER_ROOM];
	int r = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0 && errno != EINTR)
		return -errno;
	(void)mnl_socket_recvfrom(events, dropped, sizeof(dropped));
	return 0;
}

static int look(struct netlink *nl, const char *name, unsigned flags, struct link *ret)
{
	int r = link_get(nl, name, ret);

	return r == 0 && (ret->flags & flags) != flags ? -ENODEV : r;
}

int link_await(struct netlink *nl, const char *name, unsigned flags, uint64_t usec,
	       struct link *ret)
{
	OWNED(drop_socket) struct mnl_socket *events = NULL;
	const int64_t end = milliseconds_now() + (int64_t)(usec / 1000);
	int r = look(nl, name, flags, ret);

	if (r != -ENODEV)
		return r;
	r = socket_open(1 << (RTNLGRP_LINK - 1), &events);
	while (r == 0) {
		r = look(nl, name, flags, ret);
		if (r != -ENODEV)
			return r;
		r = wait_for_event(events, end);
	}
	return r;
}

int link_add_macvtap(struct netlink *nl, const struct macvtap *m)
{
	struct nlattr *info, *data;
	struct request request;

	request_begin(&request, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	mnl_attr_put_strz(request.head, IFLA_IFNAME, m->name);
	mnl_attr_put_u32(request.head, IFLA_LINK, (uint32_t)m->link);
	mnl_attr_put_u32(request.head, IFLA_GROUP, m->group);
	mnl_attr_put(request.head, IFLA_ADDRESS, 6, m->mac);
	info = mnl_attr_nest_start(request.head, IFLA_LINKINFO);
	mnl_attr_put_str(request.head, IFLA_INFO_KIND, "macvtap");
	data = mnl_attr_nest_start(request.head, IFLA_INFO_DATA);
	mnl_attr_put_u32(request.head, IFLA_MACVLAN_MODE, m->mode);
	mnl_attr_nest_end(request.head, data);
	mnl_attr_nest_end(request.head, info);
	return request_run(nl, &request, NULL, NULL);
}

static void put_vf_mac(struct nlmsghdr *head, unsigned vf, const unsigned char *mac)
{
	struct ifla_vf_mac value = { .vf = vf };
	struct nlattr *list = mnl_attr_nest_start(head, IFLA_VFINFO_LIST);
	struct nlattr *info = mnl_attr_nest_start(head, IFLA_VF_INFO);

	memcpy(value.mac, mac, 6);
	mnl_attr_put(head, IFLA_VF_MAC, sizeof(value), &value);
	mnl_attr_nest_end(head, info);
	mnl_attr_nest_end(head, list);
}

int link_change(struct netlink *nl, const struct link_change *c)
{
	struct request request;

	request_begin(&request, RTM_NEWLINK, NLM_F_ACK);
	request.link->ifi_index = c->index;
	request.link->ifi_flags = c->flags;
	request.link->ifi_change = c->flags;
	if (!c->index)
		mnl_attr_put_strz(request.head, IFLA_IFNAME, c->name);
	if (c->alias)
		mnl_attr_put_str(request.head, IFLA_IFALIAS, c->alias);
	if (c->group)
		mnl_attr_put_u32(request.head, IFLA_GROUP, c->group);
	if (c->master)
		mnl_attr_put_u32(request.head, IFLA_MASTER, (uint32_t)c->master);
	if (c->mtu)
		mnl_attr_put_u32(request.head, IFLA_MTU, c->mtu);
	if (c->mac)
		mnl_attr_put(request.head, IFLA_ADDRESS, 6, c->mac);
	if (c->vf_mac)
		put_vf_mac(request.head, c->vf, c->vf_mac);
	return request_run(nl, &request, NULL, NULL);
}

int link_delete(struct netlink *nl, int index)
{
	struct request request;

	request_begin(&request, RTM_DELLINK, NLM_F_ACK);
	request.link->ifi_index = index;
	return request_run(nl, &request, NULL, NULL);
}

int link_delete_group(struct netlink *nl, unsigned group)
{
	struct request request;

	request_begin(&request, RTM_DELLINK, NLM_F_ACK);
	mnl_attr_put_u32(request.head, IFLA_GROUP, group);
	return request_run(nl, &request, NULL, NULL);
}
