/* SPDX-License-Identifier: ISC
 *
 * whither.c - see whither.h. Runs in the store's thread.
 */
#include "store/whither.h"

#include "store/accept.h"

static enum whither whither_of(const struct identity *who)
{
	switch (who->kind) {
	case IDENTITY_REMOTE:
		return WHITHER_REMOTE;
	case IDENTITY_ACCOUNT:
	case IDENTITY_ALIAS:
		return WHITHER_HERE;
	case IDENTITY_INVALID:
		return WHITHER_NO_ADDRESS;
	default:
		return WHITHER_NOBODY;
	}
}

void whither(struct store *store, int64_t account, const struct whither_ask *ask,
	struct arena *arena, struct whither_answer *answer)
{
	struct accept_plan plan = { .terms.from_page = true };
	struct accept_answer refused;

	*answer = (struct whither_answer){ .outcome = WEB_NOT_ALLOWED };
	if (!accept_sender(store, (uint64_t)account, ask->sender, arena, &plan, &refused)) {
		answer->text = refused.text;
		return;
	}
	struct identity who = identity_of(store, ask->recipient, arena);
	*answer = (struct whither_answer){ .outcome = WEB_OK,
		.whither = whither_of(&who),
		.domain = who.domain.at ? who.domain : STR(""),
		.demands = accept_demands(store, &plan, &who) };
}
