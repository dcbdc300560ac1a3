/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include "../common/digest.h"

#include <stdio.h>
#include <string.h>

static bool in_range(unsigned group)
{
	return group >= GROUP_FIRST && group <= GROUP_LAST;
}

static unsigned group_of(const char *kind, const char *name)
{
	uint64_t digest = digest_add_text(digest_add_text(DIGEST_OF_NOTHING, kind), name);

	return GROUP_FIRST + (unsigned)(digest % (GROUP_LAST - GROUP_FIRST + 1));
}

/* The kernel gives a link that it makes a group and no alias: one that was being made when its
 * maker was killed has the group alone. */
static bool half_made(const struct mark *m, const struct link *l)
{
	return !*l->alias && l->group == m->group;
}

bool mark_fits(const struct mark *m, const struct link *l)
{
	return strcmp(l->kind, m->kind) == 0 &&
	       (strcmp(l->alias, m->alias) == 0 || half_made(m, l));
}

static bool group_is_free(const struct mark *m, const struct links *links)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->at[i].group == m->group && !mark_fits(m, &links->at[i]))
			return false;
	return true;
}

/* The number that ours have already, or 0. */
static unsigned group_in_use(const struct mark *m, const struct links *links)
{
	for (size_t i = 0; i < links->count; i++)
		if (mark_fits(m, &links->at[i]) && in_range(links->at[i].group))
			return links->at[i].group;
	return 0;
}

void mark_choose(const struct links *links, const char *kind, const char *name, struct mark *ret)
{
	unsigned used;

	*ret = (struct mark){ .kind = kind };
	(void)snprintf(ret->alias, sizeof(ret->alias), "microvm %s", name);
	used = group_in_use(ret, links);
	ret->group = used ? used : group_of(kind, name);
	while (!group_is_free(ret, links))
		ret->group = ret->group == GROUP_LAST ? GROUP_FIRST : ret->group + 1;
}

static bool by_group(const struct mark *m, const struct link *l)
{
	return l->group == m->group;
}

int mark_delete(struct netlink *nl, const struct mark *m, const struct links *links)
{
	bool grouped = false;
	int r = 0;

	for (size_t i = 0; i < links->count; i++) {
		const struct link *l = &links->at[i];

		if (!mark_fits(m, l))
			continue;
		grouped |= by_group(m, l);
		if (!by_group(m, l) && r == 0)
			r = link_delete(nl, l->index);
	}
	/* Nobody else has the number: mark_choose() has looked. */
	return grouped && r == 0 ? link_delete_group(nl, m->group) : r;
}
