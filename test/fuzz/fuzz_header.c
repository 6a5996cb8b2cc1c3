/* SPDX-License-Identifier: ISC
 *
 * fuzz_header.c - the fields of a section are the section; what is read from it can be written
 * down safely; a sender once read is the same when its own field is read alone.
 */
#include "mail/header.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(struct str message, const struct header *header)
{
	struct str rest = message;

	for (size_t i = 0; i < header->n; i++) {
		must(str_starts(rest, header->fields[i].whole));
		rest = str_tail(rest, header->fields[i].whole.len);
	}
	must(header->section.len == message.len - rest.len);
	if (rest.len)
		must(str_starts(rest, STR("\r\n")) && str_eq(str_tail(rest, 2), header->body));
}

static void check_senders(struct arena *arena, const struct header *header)
{
	struct senders senders;
	struct address again;

	if (header_senders(header, arena, &senders) == SENDERS_UNCLEAR) {
		must(senders.why);
		return;
	}
	must(!senders.why && !header->fault);
	for (size_t i = 0; i < senders.n; i++) {
		must(address_parse(address_text(arena, &senders.at[i]), arena, &again));
		must(str_eq(again.local, senders.at[i].local));
		must(str_eq(again.domain, senders.at[i].domain));
	}
}

static void check_decoded(struct str text, size_t max)
{
	must(text.len <= max && str_is_utf8(text));
	for (size_t i = 0; i < text.len; i++)
		must((unsigned char)text.at[i] >= 0x20 && text.at[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena_free) struct arena arena = ARENA(8 << 20);
	struct str message = { (const char *)data, size };
	struct header header;

	if (header_scan(message, &arena, &header))
		check_fields(message, &header);
	check_senders(&arena, &header);
	check_decoded(header_decode(message, &arena, 100), 100);
	check_decoded(header_decode(message, &arena, size), size);
	return 0;
}
