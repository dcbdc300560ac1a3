/* SPDX-License-Identifier: MIT */
#include "acl.h"

#include "../common/owned.h"
#include "../common/trusted-path.h"

#include <acl/libacl.h>
#include <errno.h>
#include <sys/acl.h>

static void drop_acl(acl_t *acl)
{
	if (*acl)
		(void)acl_free(*acl);
}

/* By the name of the descriptor, as acl_get_fd(3) wants a file that was opened: a block device may
 * be one that this program must not open any more. */
static acl_t get_acl(int fd)
{
	char name[PATH_OF_FD];

	path_of_fd(fd, name);
	return acl_get_file(name, ACL_TYPE_ACCESS);
}

static int set_acl(int fd, acl_t acl)
{
	char name[PATH_OF_FD];

	path_of_fd(fd, name);
	return acl_set_file(name, ACL_TYPE_ACCESS, acl);
}

/* The user that an entry is for; false for an entry of another kind. */
static bool entry_user(acl_entry_t entry, uid_t *ret)
{
	acl_tag_t tag;
	uid_t *uid;

	if (acl_get_tag_type(entry, &tag) < 0 || tag != ACL_USER)
		return false;
	uid = acl_get_qualifier(entry);
	if (!uid)
		return false;
	*ret = *uid;
	(void)acl_free(uid);
	return true;
}

/* Deleting moves the library's place in the list: it starts over after each. */
static int delete_users(acl_t acl, acl_chooser *chosen, void *data)
{
	acl_entry_t entry;
	uid_t uid;
	int r;

	for (r = acl_get_entry(acl, ACL_FIRST_ENTRY, &entry); r == 1;) {
		bool gone = entry_user(entry, &uid) && chosen(uid, data);

		if (gone && acl_delete_entry(acl, entry) < 0)
			return -errno;
		r = acl_get_entry(acl, gone ? ACL_FIRST_ENTRY : ACL_NEXT_ENTRY, &entry);
	}
	return r < 0 ? -errno : 0;
}

static int add_user(acl_t *acl, uid_t uid, bool write)
{
	acl_permset_t may;
	acl_entry_t entry;

	if (acl_create_entry(acl, &entry) < 0 || acl_set_tag_type(entry, ACL_USER) < 0 ||
	    acl_set_qualifier(entry, &uid) < 0 || acl_get_permset(entry, &may) < 0 ||
	    acl_clear_perms(may) < 0 || acl_add_perm(may, ACL_READ) < 0 ||
	    (write && acl_add_perm(may, ACL_WRITE) < 0))
		return -errno;
	return 0;
}

/* Without named users and groups a list is the file's mode, and a mask would only hide that. */
static int set_mask(acl_t *acl)
{
	acl_entry_t entry, mask = NULL;
	bool names = false;
	acl_tag_t tag;
	int r;

	for (r = acl_get_entry(*acl, ACL_FIRST_ENTRY, &entry); r == 1;
	     r = acl_get_entry(*acl, ACL_NEXT_ENTRY, &entry)) {
		if (acl_get_tag_type(entry, &tag) < 0)
			return -errno;
		names |= tag == ACL_USER || tag == ACL_GROUP;
		if (tag == ACL_MASK)
			mask = entry;
	}
	if (names)
		r = acl_calc_mask(acl);
	else if (mask)
		r = acl_delete_entry(*acl, mask);
	return r < 0 ? -errno : 0;
}

static int write_changed(int fd, acl_t before, acl_t *acl)
{
	int r = set_mask(acl);

	if (r < 0)
		return r;
	if (acl_cmp(before, *acl) == 0)
		return 0;
	return set_acl(fd, *acl) < 0 ? -errno : 0;
}

struct stale_or_own {
	uid_t uid;
	acl_chooser *stale;
	void *data;
};

static bool is_stale_or_own(uid_t uid, void *data)
{
	struct stale_or_own *s = data;

	return uid == s->uid || s->stale(uid, s->data);
}

int acl_let(int fd, uid_t uid, bool write, acl_chooser *stale, void *data)
{
	struct stale_or_own gone = { .uid = uid, .stale = stale, .data = data };
	OWNED(drop_acl) acl_t before = NULL;
	OWNED(drop_acl) acl_t acl = NULL;
	int r;

	before = get_acl(fd);
	acl = before ? acl_dup(before) : NULL;
	if (!acl)
		return -errno;
	r = delete_users(acl, is_stale_or_own, &gone);
	if (r == 0)
		r = add_user(&acl, uid, write);
	return r < 0 ? r : write_changed(fd, before, &acl);
}

static bool is_own(uid_t uid, void *data)
{
	return uid == *(uid_t *)data;
}

int acl_take_back(int fd, uid_t uid)
{
	OWNED(drop_acl) acl_t before = NULL;
	OWNED(drop_acl) acl_t acl = NULL;
	int r;

	before = get_acl(fd);
	acl = before ? acl_dup(before) : NULL;
	if (!acl)
		return -errno;
	r = delete_users(acl, is_own, &uid);
	return r < 0 ? r : write_changed(fd, before, &acl);
}
