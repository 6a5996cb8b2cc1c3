/* SPDX-License-Identifier: ISC
 *
 * fuzz_reply.c - a reply ends, in bounded memory, whatever lines come.
 */
#include "mail/reply.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct remote_reply *reply)
{
	struct extensions extensions;
	struct str rest = buf_str(&reply->said), text;
	size_t lines = 0;

	must(reply->said.len <= REPLY_SAID_MAX && reply->lines <= REPLY_LINES_MAX);
	must(reply->code >= 200 && reply->code <= 599);
	if (reply->enhanced[0])
		must(enhanced_code_is_valid(str_of(reply->enhanced)) &&
			reply->enhanced[0] - '0' == reply->code / 100);
	while (remote_reply_next(&rest, &text))
		lines++;
	must(lines == reply->lines || reply->cut);
	remote_reply_extensions(reply, &extensions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(remote_reply_free) struct remote_reply reply = { 0 };
	struct str rest = { (const char *)data, size };
	enum reply_progress progress = REPLY_MORE;

	remote_reply_begin(&reply);
	while (rest.len && progress == REPLY_MORE)
		progress = remote_reply_line(&reply, str_cut(&rest, '\n'));
	if (progress == REPLY_COMPLETE)
		check(&reply);
	return 0;
}
