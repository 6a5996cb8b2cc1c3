/* SPDX-License-Identifier: ISC
 *
 * message.c - packing and unpacking, made from messages.def. Numbers are eight bytes little
 * endian, strings and lists a number of bytes or elements and then these. Unpacking trusts
 * nothing: every length is checked against what is left, and no element is smaller than eight
 * bytes, so a list can't ask for more memory than a small multiple of its frame.
 */
#include "call/message.h"

#include <string.h>

static void pack_number(struct buf *to, uint64_t number)
{
	char bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(number >> (8 * i));
	buf_add(to, (struct str){ bytes, sizeof bytes });
}

static void pack_string(struct buf *to, struct str s)
{
	pack_number(to, s.len);
	buf_add(to, s);
}

static bool unpack_number(struct str *from, uint64_t *number)
{
	*number = 0;
	if (from->len < 8)
		return false;
	for (size_t i = 0; i < 8; i++)
		*number |= (uint64_t)(unsigned char)from->at[i] << (8 * i);
	*from = str_tail(*from, 8);
	return true;
}

static bool unpack_string(struct str *from, struct str *s)
{
	uint64_t length;

	if (!unpack_number(from, &length) || length > from->len)
		return false;
	*s = str_head(*from, (size_t)length);
	*from = str_tail(*from, (size_t)length);
	return true;
}

static bool unpack_count(struct str *from, size_t *count)
{
	uint64_t number;

	if (!unpack_number(from, &number) || number > from->len / 8)
		return false;
	*count = (size_t)number;
	return true;
}

#define PACK_NUMBER(name) pack_number(to, m->name);
#define PACK_STRING(name) pack_string(to, m->name);
#define PACK_LIST(type, name)                    \
	pack_number(to, m->name.len);            \
	for (size_t i = 0; i < m->name.len; i++) \
		pack_##type(to, &m->name.at[i]);

#define UNPACK_NUMBER(name) good = good && unpack_number(from, &m->name);
#define UNPACK_STRING(name) good = good && unpack_string(from, &m->name);
#define UNPACK_LIST(type, name)                                                   \
	good = good && unpack_count(from, &m->name.len);                          \
	if (good && m->name.len) {                                                \
		m->name.at = arena_array(arena, m->name.len, sizeof *m->name.at); \
		good = m->name.at != NULL;                                        \
	}                                                                         \
	for (size_t i = 0; good && i < m->name.len; i++)                          \
		good = unpack_##type(from, arena, &m->name.at[i]);

#define MESSAGE_CODE(message)                                                            \
	void pack_##message(struct buf *to, const struct message *m)                     \
	{                                                                                \
		FIELDS_##message(PACK_NUMBER, PACK_STRING, PACK_LIST)                    \
	}                                                                                \
                                                                                         \
	bool unpack_##message(struct str *from, struct arena *arena, struct message *m)  \
	{                                                                                \
		bool good = true;                                                        \
                                                                                         \
		memset(m, 0, sizeof *m);                                                 \
		(void)arena;                                                             \
		FIELDS_##message(UNPACK_NUMBER, UNPACK_STRING, UNPACK_LIST) return good; \
	}

MESSAGES(MESSAGE_CODE)
