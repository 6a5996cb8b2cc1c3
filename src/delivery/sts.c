/* SPDX-License-Identifier: ISC
 *
 * sts.c - see sts.h. A table in memory, one entry a domain, in front of what the store keeps. A
 * domain is looked up by one thread at a time, made for that one look: whoever needs the answer
 * waits for it, ten seconds at most, and the look goes on for the next one to ask. A policy that
 * hasn't expired is given out at once, and looked after behind the mail's back: its record once a
 * minute, its text once a day (sts_refresh.h). What isn't a policy is believed for minutes.
 */
#include "delivery/sts.h"

#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "delivery/sts_discover.h"
#include "mail/policy.h"
#include "net/fetch.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAIL_WAIT = 10 * SECOND, /* policy.md section 7, and what a look itself may take: */
	LOOK_WAIT = 60 * SECOND,
	STORE_WAIT = 5 * SECOND,
	REFRESH_EVERY = HOUR, /* where it fails */
	CHECK_EVERY = MINUTE, /* the TXT record of a policy in use */
	FRESH = MINUTE,	      /* a policy just fetched is in force, whatever its max_age */
	NO_RECORD_BELIEVED = 2 * MINUTE,
	NO_ANSWER_BELIEVED = 30 * SECOND,
	NO_POLICY_BELIEVED = 5 * MINUTE, /* RFC 8461 3.3: no sooner, for one id */
	COLD_COUNTS = 10 * MINUTE,	 /* as long as a message is tried (look.c) */
	LOOKERS_MAX = 32,		 /* threads; beyond that a mail looks for itself */
	BUCKETS = 4096,
	ENTRIES_MAX = 4096,
	MEMORY_MAX = 16 * 1024 * 1024,
	ID_MAX = 32,
	STACK = 256 * 1024,
};

/* A view with its memory and its holders. */
struct held {
	struct sts_view view; /* first, so that one is found from the other */
	struct arena memory;
	atomic_int holders;
};

struct entry {
	struct entry *next; /* of its bucket */
	struct str domain;
	struct held *known;	  /* NULL: nothing yet */
	struct deadline believed; /* until when `known` counts where it is no policy, or expired */
	struct deadline check;	  /* no sooner is the record looked at for its own sake, */
	struct deadline refresh;  /* and the text fetched again */
	int64_t used;		  /* wall clock: a mail asked */
	bool loaded;		  /* the store has been asked for it */
	struct deadline patience; /* until then mail waits for the look under way */
	bool looking, cold;	  /* a look is under way */
	unsigned begun, ended;	  /* looks */
	unsigned waiting;	  /* threads that hold on to this entry */
	int found;		  /* what the last look ended with (sts_found.kind) */
	struct deadline cold_counts; /* until then that is what a cold look says: caches of DNS
					know no better */
	struct deadline tired;	     /* until then tired_id is not fetched again */
	char tired_id[ID_MAX];
	size_t tired_id_len;
};

struct sts_cache {
	struct client *store;
	pthread_mutex_t lock; /* guards all below, and the entries */
	pthread_cond_t changed;
	struct entry *buckets[BUCKETS];
	size_t n_entries, memory;
	unsigned lookers;
};

/* A look at a domain. */
struct look_up {
	struct sts_cache *cache;
	struct entry *entry; /* stays while `looking` */
	struct config *config;
	bool cold, refresh;
	struct deadline until;
};

/* --- views --- */

static struct held *held_new(struct str domain, unsigned state)
{
	struct held *held = must_alloc(sizeof *held);

	atomic_init(&held->holders, 1);
	held->memory = ARENA(STS_ARENA_MAX + 4096);
	held->view.state = state;
	held->view.domain = arena_str(&held->memory, domain);
	held->view.id = STR("");
	return held;
}

static const struct sts_view *hold(struct held *held)
{
	atomic_fetch_add(&held->holders, 1);
	return &held->view;
}

static void held_release(struct held *held)
{
	if (!held || atomic_fetch_sub(&held->holders, 1) != 1)
		return;
	arena_free(&held->memory);
	free(held);
}

void sts_release(const struct sts_view **view)
{
	held_release((struct held *)(uintptr_t)*view);
	*view = NULL;
}

/* NULL and why: the text is none. */
static struct held *held_of_policy(struct str domain, struct str id, struct str text,
	int64_t fetched, int64_t expires, struct why *why)
{
	struct held *held = held_new(domain, STS_ABSENT);
	struct sts_view *view = &held->view;

	if (!sts_policy_read(text, &held->memory, &view->policy, why)) {
		held_release(held);
		return NULL;
	}
	view->testing = view->policy.mode == STS_MODE_TESTING;
	if (view->policy.mode == STS_MODE_ENFORCE)
		view->state = STS_IN_FORCE;
	else
		why_not(&view->why, "the policy's mode is %s", view->testing ? "testing" : "none");
	view->id = arena_str(&held->memory, id);
	view->fetched = fetched;
	view->expires = expires;
	return held;
}

static struct held *held_of(struct str domain, unsigned state, const char *why)
{
	struct held *held = held_new(domain, state);

	why_not(&held->view.why, "%s", why);
	return held;
}

static size_t size_of(const struct held *held)
{
	return held ? sizeof *held + held->memory.used : 0;
}

/* --- the table; all of it with the lock held --- */

static bool has_policy(const struct entry *entry)
{
	return entry->known && entry->known->view.fetched;
}

/* True if what is known counts still. */
static bool is_usable(const struct entry *entry)
{
	return entry->known &&
	       (!deadline_passed(entry->believed) ||
		       (has_policy(entry) && entry->known->view.expires > clock_wall_ms()));
}

static bool has_usable_policy(const struct entry *entry)
{
	return has_policy(entry) && is_usable(entry);
}

/* Takes `held` over. */
static void know(struct sts_cache *cache, struct entry *entry, struct held *held)
{
	cache->memory -= size_of(entry->known);
	held_release(entry->known);
	entry->known = held;
	cache->memory += size_of(held);
}

static struct entry **find(struct sts_cache *cache, struct str domain)
{
	struct entry **at = &cache->buckets[str_hash_nocase(domain) % BUCKETS];

	while (*at && !str_eq((*at)->domain, domain))
		at = &(*at)->next;
	return at;
}

static void forget(struct sts_cache *cache, struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	know(cache, entry, NULL);
	cache->n_entries--;
	free(entry);
}

/* Make room: the entry that was asked for longest ago goes. What a policy was lost for memory is
 * still with the store. */
static bool forget_oldest(struct sts_cache *cache)
{
	struct entry **oldest = NULL;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry **at = &cache->buckets[i]; *at; at = &(*at)->next)
			if (!(*at)->looking && !(*at)->waiting &&
				(!oldest || (*at)->used < (*oldest)->used))
				oldest = at;
	if (oldest)
		forget(cache, oldest);
	return oldest != NULL;
}

static struct entry *entry_of(struct sts_cache *cache, struct str domain)
{
	struct entry *entry = *find(cache, domain);

	if (entry)
		return entry;
	while ((cache->n_entries >= ENTRIES_MAX || cache->memory > MEMORY_MAX) &&
		forget_oldest(cache))
		;
	entry = must_alloc(sizeof *entry + domain.len);
	memcpy(entry + 1, domain.at, domain.len);
	entry->domain = (struct str){ (char *)(entry + 1), domain.len };
	*find(cache, domain) = entry;
	cache->n_entries++;
	return entry;
}

/* --- one look, without the lock but where it says so --- */

static void lock(struct sts_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
}

static void unlock(struct sts_cache *cache)
{
	pthread_mutex_unlock(&cache->lock);
}

/* What the store kept over a restart is given out at once. False: it could not be asked. */
static bool load_kept(struct look_up *look, struct arena *arena)
{
	struct sts_cache *cache = look->cache;
	struct text ask = { look->entry->domain };
	struct sts_kept kept;
	struct why why;

	if (!cache->store || look->entry->loaded)
		return true;
	if (!call_sts_load(
		    cache->store, &ask, -1, arena, &kept, NULL, deadline_in(STORE_WAIT), &why))
		return false;
	struct held *held = !kept.text.len
				    ? NULL
				    : held_of_policy(look->entry->domain, kept.id, kept.text,
					      (int64_t)kept.fetched, (int64_t)kept.expires, &why);
	lock(cache);
	look->entry->loaded = true;
	if (look->entry->used < (int64_t)kept.used)
		look->entry->used = (int64_t)kept.used;
	if (held)
		know(cache, look->entry, held);
	pthread_cond_broadcast(&cache->changed);
	unlock(cache);
	return true;
}

static void save(const struct look_up *look, const struct sts_found *found,
	const struct sts_view *view, int64_t used, struct arena *arena)
{
	const struct sts_kept kept = { .domain = view->domain,
		.id = view->id,
		.text = found->text,
		.fetched = (uint64_t)view->fetched,
		.expires = (uint64_t)view->expires,
		.used = (uint64_t)used };
	struct empty answer;
	struct why why;

	if (look->cache->store && !call_sts_save(look->cache->store, &kept, -1, arena, &answer,
					  NULL, deadline_in(STORE_WAIT), &why))
		LOG(LOG_WARNING, "sts-policy-not-kept", log_str("domain", view->domain),
			log_text("why", why.text));
}

static struct held *held_of_found(const struct entry *entry, const struct sts_found *found)
{
	static const char *const modes[] = { "none", "testing", "enforce" };
	int64_t now = clock_wall_ms();
	struct why why;

	if (found->kind != STS_FOUND_POLICY) {
		struct held *held = held_new(
			entry->domain, found->kind == STS_FOUND_UNKNOWN ? STS_UNKNOWN : STS_ABSENT);
		held->view.why = found->why;
		return held;
	}
	struct held *held = held_of_policy(entry->domain, found->id, found->text, now, now, &why);
	must(held != NULL); /* sts_discover has read it */
	held->view.expires += (int64_t)held->view.policy.max_age * SECOND;
	LOG(LOG_INFO, "sts-policy", log_str("domain", entry->domain), log_str("id", found->id),
		log_text("mode", modes[held->view.policy.mode]),
		log_u64("max_age", held->view.policy.max_age));
	return held;
}

/* How long to believe what a look has found. A policy has its own time; this is the least. */
static int64_t belief(const struct sts_found *found)
{
	if (found->kind == STS_FOUND_POLICY)
		return FRESH;
	if (found->kind == STS_FOUND_NO_RECORD)
		return NO_RECORD_BELIEVED;
	return found->asked_server ? NO_POLICY_BELIEVED : NO_ANSWER_BELIEVED;
}

static void tire_of(struct entry *entry, struct str id)
{
	entry->tired_id_len = id.len < ID_MAX ? id.len : ID_MAX;
	memcpy(entry->tired_id, id.at, entry->tired_id_len);
	entry->tired = deadline_in(NO_POLICY_BELIEVED);
}

/* With the lock held. Returns what to save, held, or NULL. */
static const struct sts_view *conclude(struct look_up *look, const struct sts_found *found)
{
	struct entry *entry = look->entry;
	bool is_policy = found->kind == STS_FOUND_POLICY;

	if (look->cold || is_policy || deadline_passed(entry->cold_counts))
		entry->found = (int)found->kind;
	if (look->cold)
		entry->cold_counts = deadline_in(COLD_COUNTS);
	entry->check = deadline_in(CHECK_EVERY);
	if (!is_policy && found->asked_server)
		tire_of(entry, found->id);
	if (found->kind == STS_FOUND_KNOWN || (!is_policy && has_usable_policy(entry)))
		return NULL; /* RFC 8461 3.3: it stands */
	know(look->cache, entry, held_of_found(entry, found));
	entry->believed = deadline_in(belief(found));
	return is_policy ? hold(entry->known) : NULL;
}

/* RFC 8461 3.3: administrators are told where a refresh fails. */
static void tell_failure(const struct look_up *look, const struct sts_found *found)
{
	if (found->kind == STS_FOUND_NO_POLICY ||
		(found->kind == STS_FOUND_UNKNOWN && (found->asked_server || !found->id.len)))
		LOG(look->refresh ? LOG_WARNING : LOG_INFO,
			look->refresh ? "sts-refresh-failed" : "sts-fetch-failed",
			log_str("domain", look->entry->domain), log_text("why", found->why.text));
}

/* What the domain publishes now, beside what is known. */
static void discover(struct look_up *look, struct arena *arena, struct sts_found *found)
{
	struct entry *entry = look->entry;
	struct sts_question question = {
		.domain = entry->domain, .cold = look->cold, .refresh = look->refresh
	};

	lock(look->cache);
	if (has_usable_policy(entry))
		question.known_id = arena_str(arena, entry->known->view.id);
	else
		question.refresh = false;
	if (!look->cold && !deadline_passed(entry->tired))
		question.tired_id =
			arena_str(arena, (struct str){ entry->tired_id, entry->tired_id_len });
	unlock(look->cache);
	sts_discover(look->config, &question, arena, found, look->until);
}

/* The look itself, to its end. Gives the configuration back. */
static void look_now(struct look_up *look)
{
	struct sts_cache *cache = look->cache;
	struct arena arena = ARENA(4 * STS_TEXT_MAX);
	struct sts_found found = { 0 };
	bool asked_store = load_kept(look, &arena);

	discover(look, &arena, &found);
	if (!asked_store && found.kind != STS_FOUND_POLICY) {
		/* There may be a policy that was kept. */
		found.kind = STS_FOUND_UNKNOWN;
		why_not(&found.why, "the store can't be asked for a policy");
	}
	tell_failure(look, &found);
	lock(cache);
	const struct sts_view *news = conclude(look, &found);
	int64_t used = look->entry->used;
	unlock(cache);
	if (news)
		save(look, &found, news, used, &arena);
	sts_release(&news);
	lock(cache);
	look->entry->looking = false;
	look->entry->ended = look->entry->begun;
	pthread_cond_broadcast(&cache->changed);
	unlock(cache);
	arena_free(&arena);
	config_release(&look->config);
}

static void *look_in_thread(void *argument)
{
	struct look_up *look = argument;
	struct sts_cache *cache = look->cache;

	look_now(look);
	free(look);
	lock(cache);
	cache->lookers--;
	pthread_cond_broadcast(&cache->changed);
	unlock(cache);
	return NULL;
}

/* With the lock held: begin a look in a thread of its own. False: there is no room for one. */
static bool begin_in_thread(const struct look_up *look)
{
	if (look->cache->lookers >= LOOKERS_MAX)
		return false;
	struct look_up *own = must_alloc(sizeof *own);
	*own = *look;
	if (!thread_start(look_in_thread, own, STACK)) {
		free(own);
		return false;
	}
	look->cache->lookers++;
	return true;
}

/* --- asking --- */

static struct look_up prepare(
	struct sts_cache *cache, struct entry *entry, struct config *config, bool cold)
{
	entry->looking = true;
	entry->cold = cold;
	entry->patience = deadline_in(MAIL_WAIT);
	entry->begun++;
	if (cold) /* what an earlier one saw is old by now */
		entry->cold_counts = (struct deadline){ 0 };
	return (struct look_up){ .cache = cache,
		.entry = entry,
		.config = config_hold(config),
		.cold = cold,
		.until = deadline_in(LOOK_WAIT) };
}

static void take_back(struct look_up *look)
{
	look->entry->looking = false;
	look->entry->begun--;
	config_release(&look->config);
}

/* With the lock held: a look that nobody waits for, if there is room. */
static bool look_behind(
	struct sts_cache *cache, struct entry *entry, struct config *config, bool refresh)
{
	if (entry->looking)
		return false;
	struct look_up look = prepare(cache, entry, config, false);
	look.refresh = refresh;
	if (begin_in_thread(&look))
		return true;
	take_back(&look);
	return false;
}

/* With the lock held. */
static bool has_answer(const struct entry *entry, unsigned number, bool whole)
{
	return (int)(entry->ended - number) >= 0 || (!whole && is_usable(entry));
}

/* With the lock held, which is let go of meanwhile: a look that begins now or, where that is good
 * enough, is under way, until it has ended, something usable is known (unless `whole`), or time is
 * up: nobody waits for the same look longer than ten seconds after it began. False: time was up. */
static bool look_and_wait(struct sts_cache *cache, struct entry *entry, struct config *config,
	bool cold, bool whole, struct deadline deadline)
{
	entry->waiting++;
	while (entry->looking && cold && !entry->cold && !deadline_passed(deadline))
		condition_wait(&cache->changed, &cache->lock, deadline);
	bool joined = entry->looking && (entry->cold || !cold);
	if (!entry->looking && !deadline_passed(deadline)) {
		struct look_up look = prepare(cache, entry, config, cold);
		if (!begin_in_thread(&look)) {
			look.until = deadline;
			unlock(cache);
			look_now(&look);
			lock(cache);
		}
		joined = true;
	}
	unsigned number = entry->begun;
	deadline = deadline_earlier(deadline, entry->patience);
	while (joined && !has_answer(entry, number, whole) && !deadline_passed(deadline))
		condition_wait(&cache->changed, &cache->lock, deadline);
	entry->waiting--;
	return joined && has_answer(entry, number, whole);
}

static struct deadline at_most(struct deadline deadline)
{
	return deadline_earlier(deadline, deadline_in(MAIL_WAIT));
}

/* "[192.0.2.1]" publishes nothing. */
static bool can_publish(struct str domain)
{
	return domain.len && domain.at[0] != '[';
}

const struct sts_view *sts_find(struct sts_cache *cache, struct config *config, struct str domain,
	bool cold, struct deadline deadline)
{
	const struct sts_view *view;
	bool looked = true;

	if (!can_publish(domain))
		return &held_of(domain, STS_ABSENT, "an address publishes nothing")->view;
	if (!cache)
		return &held_of(domain, STS_UNKNOWN, "nothing is looked up here")->view;
	lock(cache);
	struct entry *entry = entry_of(cache, domain);
	entry->used = clock_wall_ms();
	if (cold || !is_usable(entry))
		looked = look_and_wait(cache, entry, config, cold, cold, at_most(deadline));
	else if (has_policy(entry) && deadline_passed(entry->check))
		look_behind(cache, entry, config, false);
	/* Only a policy counts in a cold look that didn't see it itself. */
	if (is_usable(entry) && (looked || !cold || has_policy(entry)))
		view = hold(entry->known);
	else
		view = &held_of(domain, STS_UNKNOWN, "there was no time to look it up")->view;
	unlock(cache);
	return view;
}

/* With the lock held. */
static enum sts_again compare(const struct entry *entry, const struct sts_view **view, bool looked)
{
	if (has_usable_policy(entry) && &entry->known->view != *view &&
		(entry->known->view.fetched != (*view)->fetched ||
			!str_eq(entry->known->view.id, (*view)->id))) {
		sts_release(view);
		*view = hold(entry->known);
		return STS_NEW;
	}
	bool same = entry->found == STS_FOUND_KNOWN || entry->found == STS_FOUND_POLICY;
	return looked && same && has_usable_policy(entry) ? STS_SAME : STS_AGAIN_FAILED;
}

enum sts_again sts_again(struct sts_cache *cache, struct config *config,
	const struct sts_view **view, struct deadline deadline)
{
	if (!can_publish((*view)->domain))
		return STS_SAME;
	if (!cache)
		return STS_AGAIN_FAILED;
	lock(cache);
	struct entry *entry = entry_of(cache, (*view)->domain);
	bool looked = !deadline_passed(entry->cold_counts) ||
		      look_and_wait(cache, entry, config, false, true, at_most(deadline));
	enum sts_again again = compare(entry, view, looked);
	unlock(cache);
	return again;
}

void sts_refresh(struct sts_cache *cache, struct config *config, struct str domain)
{
	lock(cache);
	struct entry *entry = entry_of(cache, domain);
	if (deadline_passed(entry->refresh) && look_behind(cache, entry, config, true))
		entry->refresh = deadline_in(REFRESH_EVERY);
	unlock(cache);
}

struct sts_cache *sts_cache_new(struct client *store)
{
	struct sts_cache *cache = must_alloc(sizeof *cache);

	fetch_prepare();
	cache->store = store;
	pthread_mutex_init(&cache->lock, NULL);
	condition_init(&cache->changed);
	return cache;
}

void sts_cache_free(struct sts_cache **cache)
{
	struct sts_cache *c = *cache;

	*cache = NULL;
	if (!c)
		return;
	lock(c);
	while (c->lookers)
		condition_wait(&c->changed, &c->lock, deadline_never());
	for (size_t i = 0; i < BUCKETS; i++)
		while (c->buckets[i])
			forget(c, &c->buckets[i]);
	unlock(c);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
