/* SPDX-License-Identifier: ISC
 *
 * conversation.c - see conversation.h. A message joins the conversation of the message it answers,
 * or of the nearest one before that is known, present or not: every id that is mentioned belongs to
 * a conversation. Two that exist become one only where a message arrives that one of them was
 * waiting for (its id was referred to, and no message had it) and that answers into the other. So a
 * sender who mentions everybody's ids joins one conversation, and not all of them.
 */
#include "mailbox/conversation.h"

#include "mailbox/known.h"

static int64_t hash_of(struct str id)
{
	int64_t hash = (int64_t)(known_hash(id) >> 1);

	return hash ? hash : 1;
}

static int64_t known_conversation(struct index *index, int64_t hash)
{
	return row_only_number(&index->db, INDEX_ASK(index, REFERENCE, as_number(hash)));
}

static int64_t size_of(struct index *index, int64_t conversation)
{
	return row_only_number(
		&index->db, INDEX_ASK(index, CONVERSATION_SIZE, as_number(conversation),
				    as_number(CONVERSATION_MAX)));
}

/* The one it answers, and then those before it; of very many the first ones are left out, but for
 * the very first. */
static struct str reference(const struct relations *r, size_t i)
{
	return i == REFERENCES_MAX - 1 ? r->at[0] : r->at[r->n - 1 - i];
}

static size_t references(const struct relations *r)
{
	return r->n < REFERENCES_MAX ? r->n : REFERENCES_MAX;
}

static int64_t conversation_of_parent(struct index *index, const struct relations *r)
{
	int64_t found = 0;

	for (size_t i = 0; i < references(r) && !found; i++)
		found = known_conversation(index, hash_of(reference(r, i)));
	return found;
}

static void unite(struct index *index, int64_t from, int64_t into)
{
	INDEX_RUN(index, CONVERSATION_JOIN, as_number(from), as_number(into));
	INDEX_RUN(index, REFERENCES_JOIN, as_number(from), as_number(into));
}

/* A number of its own: that of the oldest message it knows of, so that it is the same again when
 * the index is made anew. */
static int64_t begin_conversation(struct index *index, const struct relations *r)
{
	if (r->n)
		return hash_of(r->at[0]);
	if (r->id.len)
		return hash_of(r->id);
	return row_only_number(&index->db, INDEX_ASK(index, CONVERSATION_OF, as_number(r->number)));
}

static int64_t choose(struct index *index, const struct relations *r, int64_t id)
{
	int64_t awaited = id ? known_conversation(index, id) : 0;
	int64_t parent = conversation_of_parent(index, r);

	if (!awaited || !parent || awaited == parent)
		return awaited ? awaited : parent ? parent : begin_conversation(index, r);
	if (row_only_number(&index->db,
		    INDEX_ASK(index, MESSAGE_ID_TAKEN, as_number(id), as_number(r->number))))
		return awaited;
	if (size_of(index, awaited) + size_of(index, parent) > CONVERSATION_MAX)
		return parent;
	unite(index, awaited, parent);
	return parent;
}

int64_t conversation_join(struct index *index, const struct relations *r, int64_t *message_id)
{
	int64_t id = r->id.len ? hash_of(r->id) : 0;
	int64_t chosen = choose(index, r, id);

	*message_id = id;
	if (size_of(index, chosen) >= CONVERSATION_MAX) {
		struct str own = { (const char *)&r->number, sizeof r->number };
		chosen = hash_of(own);
	}
	if (id)
		INDEX_RUN(index, REFERENCE_ADD, as_number(id), as_number(chosen));
	for (size_t i = 0; i < references(r); i++)
		INDEX_RUN(index, REFERENCE_ADD, as_number(hash_of(reference(r, i))),
			as_number(chosen));
	return chosen;
}
