/* SPDX-License-Identifier: ISC
 *
 * fuzz_frame.c - what a role that was taken over may send another: a header of any bytes, and any
 * bytes as each of the messages. What is unpacked packs to the same bytes again; a list never
 * makes more memory than a small multiple of its frame. The first byte chooses the message.
 */
#include "call/frame.h"
#include "call/message.h"

#include "base/must.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any {
#define ANY_MEMBER(message) struct message message;
	MESSAGES(ANY_MEMBER)
#undef ANY_MEMBER
};

typedef bool unpack(struct str *from, struct arena *arena, union any *to);
typedef void pack(struct buf *to, const union any *from);

#define ANY_CODE(message)                                                                      \
	static bool unpack_any_##message(struct str *from, struct arena *arena, union any *to) \
	{                                                                                      \
		return unpack_##message(from, arena, &to->message);                            \
	}                                                                                      \
	static void pack_any_##message(struct buf *to, const union any *from)                  \
	{                                                                                      \
		pack_##message(to, &from->message);                                            \
	}
MESSAGES(ANY_CODE)
#undef ANY_CODE

static const struct {
	unpack *unpack;
	pack *pack;
} messages[] = {
#define ANY_ROW(message) { unpack_any_##message, pack_any_##message },
	MESSAGES(ANY_ROW)
#undef ANY_ROW
};

static void check_header(struct str bytes)
{
	enum call call;
	size_t length;

	if (frame_header(str_head(bytes, FRAME_HEADER), &call, &length))
		must(call < CALLS_N && length <= FRAME_MAX && call_rules[call].name);
}

static void check_message(size_t which, struct str bytes)
{
	scoped(arena_free) struct arena arena = ARENA(64 * (bytes.len + 1024));
	scoped(buf_free) struct buf again = BUF(bytes.len + 1024);
	union any message;
	struct str rest = bytes;

	if (!messages[which].unpack(&rest, &arena, &message))
		return;
	must(rest.len <= bytes.len);
	messages[which].pack(&again, &message);
	must(str_eq(buf_str(&again), str_head(bytes, bytes.len - rest.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };

	if (!size)
		return 0;
	check_header(str_tail(bytes, 1));
	check_message(data[0] % count_of(messages), str_tail(bytes, 1));
	return 0;
}
