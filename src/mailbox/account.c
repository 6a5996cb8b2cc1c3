/* SPDX-License-Identifier: ISC
 *
 * account.c - see account.h. A list, since there are few; whoever was asked about least lately goes
 * first.
 */
#include "mailbox/account.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "mailbox/folder.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct accounts {
	int root;
	pthread_mutex_t lock; /* guards the list */
	struct account *first;
	size_t n;
	uint64_t clock;
};

struct accounts *accounts_new(int root)
{
	struct accounts *a = must_alloc(sizeof *a);

	a->root = root;
	must(pthread_mutex_init(&a->lock, NULL) == 0);
	return a;
}

static void close_account(struct account *account)
{
	index_free(&account->index);
	fd_close(&account->folder);
	pthread_mutex_destroy(&account->lock);
	free(account->path);
	free(account);
}

void accounts_free(struct accounts **accounts)
{
	struct account *account, *next;

	for (account = (*accounts)->first; account; account = next) {
		next = account->next;
		must(account->users == 0);
		close_account(account);
	}
	pthread_mutex_destroy(&(*accounts)->lock);
	free(*accounts);
	*accounts = NULL;
}

/* Its directory was removed, and may be there anew. */
static bool is_gone(const struct account *account)
{
	struct stat status;

	return fstat(account->folder, &status) != 0 || status.st_nlink == 0;
}

static struct account *open_account(int root, const struct folder_path *path, struct why *why)
{
	int folder = folder_open(root, path);

	if (folder < 0) {
		why_errno(why, "can't open the folder of %s at %s", path->local, path->domain);
		return NULL;
	}
	struct account *account = must_alloc(sizeof *account);
	account->folder = folder;
	account->path = must_alloc(sizeof *path);
	*account->path = *path;
	must(pthread_mutex_init(&account->lock, NULL) == 0);
	account->index = index_new(folder, path);
	return account;
}

/* --- with the lock held --- */

static struct account **place_of(struct accounts *a, const struct folder_path *path)
{
	struct account **at = &a->first;

	while (*at && (strcmp((*at)->path->domain, path->domain) != 0 ||
			      strcmp((*at)->path->local, path->local) != 0))
		at = &(*at)->next;
	return at;
}

static void drop(struct accounts *a, struct account **at)
{
	struct account *account = *at;

	*at = account->next;
	a->n--;
	close_account(account);
}

static void drop_oldest(struct accounts *a)
{
	struct account **oldest = NULL;

	for (struct account **at = &a->first; *at; at = &(*at)->next)
		if (!(*at)->users && (!oldest || (*at)->used < (*oldest)->used))
			oldest = at;
	if (oldest)
		drop(a, oldest);
}

static struct account *take(struct accounts *a, const struct folder_path *path, struct why *why)
{
	struct account **at = place_of(a, path);

	if (*at && !(*at)->users && is_gone(*at)) {
		drop(a, at);
		at = place_of(a, path);
	}
	if (!*at) {
		if (a->n >= ACCOUNTS_OPEN) {
			drop_oldest(a);
			at = place_of(a, path);
		}
		if (!(*at = open_account(a->root, path, why)))
			return NULL;
		a->n++;
	}
	(*at)->users++;
	(*at)->used = ++a->clock;
	return *at;
}

struct account *account_take(struct accounts *a, struct str mailbox, struct why *why)
{
	struct folder_path path;

	if (!folder_path(mailbox, &path, why))
		return NULL;
	pthread_mutex_lock(&a->lock);
	struct account *account = take(a, &path, why);
	pthread_mutex_unlock(&a->lock);
	return account;
}

void account_share(struct accounts *a, struct account *account)
{
	pthread_mutex_lock(&a->lock);
	account->users++;
	pthread_mutex_unlock(&a->lock);
}

void account_give_back(struct accounts *a, struct account *account)
{
	pthread_mutex_lock(&a->lock);
	must(account->users > 0);
	account->users--;
	if (a->n > ACCOUNTS_OPEN)
		drop_oldest(a);
	pthread_mutex_unlock(&a->lock);
}
