/* SPDX-License-Identifier: ISC
 *
 * pending.c - stands in for what keeps drafts until it is there.
 */
#include "mailbox/draft.h"

#define PENDING __attribute__((weak))

PENDING void draft_show(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct draft_answer *answer)
{
	(void)drafts;
	(void)draft;
	(void)arena;
	*answer = (struct draft_answer){ .outcome = WEB_FAILED };
}

PENDING void draft_save(const struct drafts *drafts, const struct draft_save_ask *ask, int answered,
	struct arena *arena, struct draft_answer *answer)
{
	(void)answered;
	draft_show(drafts, ask->draft, arena, answer);
}

PENDING void draft_attach(const struct drafts *drafts, const struct draft_attach_ask *ask,
	int content, struct arena *arena, struct draft_answer *answer)
{
	(void)content;
	draft_show(drafts, ask->draft, arena, answer);
}

PENDING void draft_detach(const struct drafts *drafts, struct str draft, uint64_t entry,
	struct arena *arena, struct draft_answer *answer)
{
	(void)entry;
	draft_show(drafts, draft, arena, answer);
}

PENDING void draft_forward(const struct drafts *drafts, struct str draft, int file,
	struct arena *arena, struct draft_answer *answer)
{
	(void)file;
	draft_show(drafts, draft, arena, answer);
}

PENDING void draft_remove(const struct drafts *drafts, struct str draft, struct done_answer *answer)
{
	(void)drafts;
	(void)draft;
	*answer = (struct done_answer){ .outcome = WEB_FAILED };
}

PENDING int draft_compose(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct composed_answer *answer)
{
	(void)drafts;
	(void)draft;
	(void)arena;
	*answer = (struct composed_answer){ .outcome = WEB_FAILED };
	return -1;
}

PENDING void draft_sent(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct done_answer *answer, struct str *answers, bool *forwards)
{
	(void)arena;
	(void)answers;
	(void)forwards;
	draft_remove(drafts, draft, answer);
}

PENDING void draft_unsent(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct done_answer *answer)
{
	(void)arena;
	draft_remove(drafts, draft, answer);
}

PENDING struct str draft_of_name(struct str name)
{
	(void)name;
	return STR("");
}

PENDING struct str sent_of_name(struct str name)
{
	(void)name;
	return STR("");
}
