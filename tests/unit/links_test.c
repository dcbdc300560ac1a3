/* SPDX-License-Identifier: MIT */
/* Whose an interface is, first by lists that are made up, then by the kernel's, in a network
 * namespace of its own. */
#include "common/owned.h"
#include "helpers/mark.h"
#include "helpers/tap.h"
#include "result.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>

static struct link link_of(const char *kind, const char *alias, unsigned group)
{
	struct link l = { .group = group };

	(void)snprintf(l.kind, sizeof(l.kind), "%s", kind);
	(void)snprintf(l.alias, sizeof(l.alias), "%s", alias);
	return l;
}

static unsigned chosen(struct link *links, size_t count, struct mark *ret)
{
	mark_choose(&(struct links){ links, count }, "tun", "web", ret);
	return ret->group;
}

static void test_marks(void)
{
	struct mark m, n;
	unsigned own = chosen(NULL, 0, &m);
	struct link all[3];

	equal("microvm web", m.alias, "the alias tells the name");
	ok(own >= GROUP_FIRST && own <= GROUP_LAST, "the group is in our range");
	ok(chosen(NULL, 0, &n) == own, "the group is the same each time");

	all[0] = link_of("", "", own);
	ok(chosen(all, 1, &n) == own + 1 || own == GROUP_LAST, "a group that is taken is not ours");
	ok(!mark_fits(&m, &all[0]), "hardware is not ours");

	all[1] = link_of("tun", "microvm web", own);
	ok(mark_fits(&m, &all[1]), "our alias is ours");
	ok(chosen(all, 2, &n) != own, "somebody else joined our group: it is not used");
	ok(chosen(all + 1, 1, &n) == own, "our group stays ours");

	all[2] = link_of("tun", "microvm web", GROUP_LAST);
	ok(chosen(all + 2, 1, &n) == GROUP_LAST, "the group that ours have is taken on");
	all[1] = link_of("veth", "mine", GROUP_LAST);
	ok(chosen(all + 1, 2, &n) == GROUP_FIRST, "after the last group comes the first");

	all[0] = link_of("tun", "", own);
	ok(mark_fits(&m, &all[0]), "one that is half made is ours");
	all[0] = link_of("tun", "microvm web2", own);
	ok(!mark_fits(&m, &all[0]), "another MicroVM's is not ours");
	all[0] = link_of("macvtap", "microvm web", own);
	ok(!mark_fits(&m, &all[0]), "another kind is not ours");
	all[0] = link_of("tun", "microvm web", 0);
	ok(mark_fits(&m, &all[0]), "our alias without a group is ours");
}

static int make(struct netlink *nl, const struct mark *m, const char *name, unsigned group)
{
	struct link_change change = { .name = name, .alias = m->alias, .group = group };
	OWNED(drop_fd) int fd = tap_make(name, false);
	int r = fd < 0 ? fd : link_change(nl, &change);

	return r < 0 ? r : tap_keep(fd, 4711);
}

static bool there(struct netlink *nl, const char *name)
{
	struct link l;

	return link_get(nl, name, &l) == 0;
}

static void test_delete(struct netlink *nl)
{
	OWNED(drop_links) struct links before = { 0 };
	OWNED(drop_links) struct links links = { 0 };
	struct mark mine, others;
	struct link l;

	ok(link_list(nl, &before) == 0, "interfaces are listed");
	mark_choose(&before, "tun", "mine", &mine);
	mark_choose(&before, "tun", "others", &others);
	ok(make(nl, &mine, "a", mine.group) == 0 && make(nl, &mine, "b", mine.group) == 0 &&
		   make(nl, &mine, "c", 0) == 0 && make(nl, &others, "d", others.group) == 0,
	   "taps are made");
	ok(tap_make("a", false) == -EBUSY, "a name is made once");
	ok(link_get(nl, "a", &l) == 0 && l.is_tap && l.persistent && l.owned && l.owner == 4711 &&
		   !l.multi_queue && l.group == mine.group,
	   "a tap is what it was made");

	ok(link_list(nl, &links) == 0 && links.count == before.count + 4, "all of them are listed");
	mark_choose(&links, "tun", "mine", &mine);
	ok(mark_delete(nl, &mine, &links) == 0, "what has a mark is deleted");
	ok(!there(nl, "a") && !there(nl, "b") && !there(nl, "c"), "it is gone");
	ok(there(nl, "d"), "nothing else is");
}

static void test_await(struct netlink *nl)
{
	struct mark m = { .alias = "late", .group = GROUP_FIRST };
	struct link l;
	pid_t pid;

	ok(link_await(nl, "late", 0, 1000, &l) == -ETIMEDOUT,
	   "what does not come is not awaited forever");
	pid = fork();
	if (pid == 0) {
		OWNED(drop_netlink) struct netlink *own = NULL;

		(void)usleep(50000);
		_exit(netlink_open(&own) < 0 || make(own, &m, "late", m.group) < 0);
	}
	ok(link_await(nl, "late", 0, 10000000, &l) == 0 && strcmp(l.name, "late") == 0,
	   "what comes late is seen");
	(void)waitpid(pid, NULL, 0);
}

int main(void)
{
	OWNED(drop_netlink) struct netlink *nl = NULL;
	OWNED(drop_fd) int fd = -1;

	test_marks();
	if (unshare(CLONE_NEWNET) < 0) {
		printf("skip - the kernel's interfaces # needs root\n");
		return finish();
	}
	ok(netlink_open(&nl) == 0, "the kernel answers");
	fd = tap_make("probe", false);
	if (fd < 0) {
		printf("skip - the kernel's interfaces # no /dev/net/tun\n");
		return finish();
	}
	test_delete(nl);
	test_await(nl);
	return finish();
}
