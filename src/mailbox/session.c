/* SPDX-License-Identifier: ISC
 *
 * session.c - see session.h. A table with one place for each of SESSIONS_KEPT values of a token's
 * hash; a newer session takes the place of an older one. Only what was good is kept: whoever
 * guesses asks the store each time, which counts.
 */
#include "mailbox/session.h"

#include "base/log.h"
#include "base/must.h"
#include <pthread.h>
#include <stdlib.h>

enum { MAILBOX_MAX = 1024 };

struct kept {
	struct buf token, mailbox;
	struct deadline until;
};

struct sessions {
	struct client *store;
	pthread_mutex_t lock; /* guards what follows */
	struct kept kept[SESSIONS_KEPT];
};

struct sessions *sessions_new(struct client *store)
{
	struct sessions *s = must_alloc(sizeof *s);

	s->store = store;
	must(pthread_mutex_init(&s->lock, NULL) == 0);
	for (size_t i = 0; i < SESSIONS_KEPT; i++)
		s->kept[i] = (struct kept){ BUF(SESSION_TOKEN_MAX), BUF(MAILBOX_MAX), { 0 } };
	return s;
}

void sessions_free(struct sessions **sessions)
{
	for (size_t i = 0; i < SESSIONS_KEPT; i++) {
		buf_free(&(*sessions)->kept[i].token);
		buf_free(&(*sessions)->kept[i].mailbox);
	}
	pthread_mutex_destroy(&(*sessions)->lock);
	free(*sessions);
	*sessions = NULL;
}

/* In a time that tells nothing but the length. */
static bool is_equal(struct str a, struct str b)
{
	unsigned char differs = a.len != b.len;

	for (size_t i = 0; i < a.len && i < b.len; i++)
		differs |= (unsigned char)(a.at[i] ^ b.at[i]);
	return !differs;
}

static struct kept *place_of(struct sessions *s, struct str token)
{
	return &s->kept[str_hash_nocase(token) % SESSIONS_KEPT];
}

static bool remembered(
	struct sessions *s, struct str token, struct arena *arena, struct str *mailbox)
{
	struct kept *k = place_of(s, token);

	pthread_mutex_lock(&s->lock);
	bool good =
		k->token.len && !deadline_passed(k->until) && is_equal(buf_str(&k->token), token);
	if (good)
		*mailbox = arena_str(arena, buf_str(&k->mailbox));
	pthread_mutex_unlock(&s->lock);
	return good && mailbox->at;
}

static void remember(
	struct sessions *s, struct str token, struct str mailbox, struct deadline until)
{
	struct kept *k = place_of(s, token);

	pthread_mutex_lock(&s->lock);
	buf_clear(&k->token);
	buf_clear(&k->mailbox);
	k->until = until;
	if (!buf_add(&k->mailbox, mailbox) || !buf_add(&k->token, token))
		buf_clear(&k->token);
	pthread_mutex_unlock(&s->lock);
}

static bool ask_store(struct sessions *s, struct str token, bool idle, struct arena *arena,
	struct session_answer *answer, struct why *why)
{
	const struct token_ask ask = { .token = token };
	struct deadline deadline = deadline_in(SESSION_WAIT);

	return idle ? call_session_peek(s->store, &ask, -1, arena, answer, NULL, deadline, why)
		    : call_session_show(s->store, &ask, -1, arena, answer, NULL, deadline, why);
}

enum web_outcome session_mailbox(
	struct sessions *s, struct str token, bool idle, struct arena *arena, struct str *mailbox)
{
	struct deadline until = deadline_in(SESSION_KEPT);
	struct session_answer answer = { .outcome = WEB_FAILED };
	struct why why;

	if (!token.len || token.len > SESSION_TOKEN_MAX)
		return WEB_NO_SESSION;
	if (remembered(s, token, arena, mailbox))
		return WEB_OK;
	if (!ask_store(s, token, idle, arena, &answer, &why)) {
		/* It is started again: whoever asks in a moment gets an answer. */
		LOG(LOG_WARNING, "store-lost", log_text("why", why.text));
		return WEB_BUSY;
	}
	if (answer.outcome != WEB_OK)
		return answer.outcome < WEB_FAILED ? (enum web_outcome)answer.outcome : WEB_FAILED;
	if (!answer.mailbox.len)
		return WEB_FAILED;
	remember(s, token, answer.mailbox, until);
	*mailbox = answer.mailbox;
	return WEB_OK;
}
