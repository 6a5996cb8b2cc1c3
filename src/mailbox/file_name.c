/* SPDX-License-Identifier: ISC
 *
 * file_name.c - see file_name.h.
 */
#include "mailbox/file_name.h"

#include "call/message.h"
#include "mailbox/known.h"

static const struct {
	char letter;
	enum message_flag flag;
} letters[] = {
	/* in the order of the alphabet, as Maildir wants it */
	{ 'D', MESSAGE_DRAFT },
	{ 'F', MESSAGE_FLAGGED },
	{ 'P', MESSAGE_FORWARDED },
	{ 'R', MESSAGE_ANSWERED },
	{ 'S', MESSAGE_SEEN },
	{ 'T', MESSAGE_TRASHED },
};

static struct str base_of(struct str name)
{
	return str_head(name, str_find(name, ':'));
}

/* What is behind ":2,"; no other kind of info is known. */
static struct str info_of(struct str name)
{
	struct str info = str_tail(name, str_find(name, ':'));

	return str_starts(info, STR(":2,")) ? str_tail(info, 3) : STR("");
}

/* The letters of it; behind another comma is what some program keeps there. */
static struct str letters_of(struct str name)
{
	struct str info = info_of(name);

	return str_head(info, str_find(info, ','));
}

static bool is_sayable(struct str base)
{
	for (size_t i = 0; i < base.len; i++)
		if ((unsigned char)base.at[i] <= ' ' || base.at[i] == 0x7f)
			return false;
	return base.len && base.len <= FILE_ID_MAX && base.at[0] != '~' && str_is_utf8(base);
}

struct str file_name_id(struct str name, struct arena *arena)
{
	struct str base = base_of(name);

	if (is_sayable(base))
		return arena_str(arena, base);
	return arena_printf(arena, "~%016llx", (unsigned long long)known_hash(base));
}

static uint64_t flag_of(char letter)
{
	for (size_t i = 0; i < count_of(letters); i++)
		if (letters[i].letter == letter)
			return letters[i].flag;
	return 0;
}

uint64_t file_name_flags(struct str name)
{
	struct str info = letters_of(name);
	uint64_t flags = 0;

	for (size_t i = 0; i < info.len; i++)
		flags |= flag_of(info.at[i]);
	return flags;
}

static bool is_keyword(char letter)
{
	return letter >= 'a' && letter <= 'z';
}

uint32_t file_name_keywords(struct str name)
{
	struct str info = letters_of(name);
	uint32_t keywords = 0;

	for (size_t i = 0; i < info.len; i++)
		if (is_keyword(info.at[i]))
			keywords |= 1u << (info.at[i] - 'a');
	return keywords;
}

bool file_name_with(struct buf *to, struct str name, uint64_t flags, uint32_t keywords)
{
	struct str info = letters_of(name);

	buf_add(to, base_of(name));
	buf_add(to, STR(":2,"));
	for (size_t i = 0; i < count_of(letters); i++)
		if (flags & letters[i].flag)
			buf_add_char(to, letters[i].letter);
	for (size_t i = 0; i < info.len; i++)
		if (!flag_of(info.at[i]) && !is_keyword(info.at[i]))
			buf_add_char(to, info.at[i]);
	for (char letter = 'a'; letter <= 'z'; letter++)
		if (keywords & 1u << (letter - 'a'))
			buf_add_char(to, letter);
	buf_add(to, str_tail(info_of(name), info.len));
	return !to->overflowed && to->len <= FILE_NAME_MAX;
}

/* NUMBER.ID-RECIPIENT, of 19, 16 and 16 digits. */
struct str file_name_queue_id(struct str name)
{
	enum { NUMBER = 19, ID = 16 };
	struct str base = base_of(name), id = str_head(str_tail(base, NUMBER + 1), ID);
	struct str recipient = str_head(str_tail(base, NUMBER + 1 + ID + 1), ID);
	uint64_t number;

	bool good = base.len >= NUMBER + 1 + ID + 1 + ID && base.at[NUMBER] == '.' &&
		    base.at[NUMBER + 1 + ID] == '-' &&
		    str_to_u64(str_head(base, NUMBER), &number) && str_hex_to_u64(id, &number) &&
		    str_hex_to_u64(recipient, &number);
	return good ? id : STR("");
}
