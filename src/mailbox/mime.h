/* SPDX-License-Identifier: ISC
 *
 * mime.h - reading hostile MIME without touching it: a message is read by a process that has
 * nothing but the message, and that is thrown away afterwards (zygote.h, reader.h). What it
 * answers is as hostile as the message; lengths and characters are checked here, and everything
 * in a document is well-formed UTF-8 without control characters (but \n and \t in `text`).
 */
#ifndef MAILBOX_MIME_H
#define MAILBOX_MIME_H

#include "base/clock.h"
#include "base/why.h"
#include "call/message.h"

enum mime_job {
	MIME_DOCUMENT, /* everything but type and name */
	MIME_INDEX,    /* the same, but sizes of attachments are guessed */
	MIME_PLAIN,    /* the same of a message that is taken for plain text, whatever it is */
	MIME_BODY,     /* the HTML body, as an HTML document, into `out` */
	MIME_PART,     /* one part, decoded, into `out`; its type and name */
	MIME_SHOWN     /* the same, for the eye: plain text as UTF-8 */
};

/* What was not as it should be; in this order the words of the API. */
/* clang-format off */
#define MIME_PROBLEMS(row) \
	row(CHARSET, "charset")       /* characters were replaced */ \
	row(NESTING, "nesting")       /* deeper than is looked at */ \
	row(HEADERS, "headers")       /* more than are looked at */ \
	row(PARTS, "parts")           /* more than are looked at */ \
	row(UNREADABLE, "unreadable") /* the reader gave up: header and text as they lie there */
/* clang-format on */

#define MIME_PROBLEM_ENUM(name, word) MIME_PROBLEM_##name##_BIT,
enum mime_problem_bit { MIME_PROBLEMS(MIME_PROBLEM_ENUM) MIME_PROBLEMS_N };
#undef MIME_PROBLEM_ENUM
#define MIME_PROBLEM(name) (UINT64_C(1) << MIME_PROBLEM_##name##_BIT)

enum {
	MIME_TEXT_MAX = 1024 * 1024,	     /* of a document's text */
	MIME_SHOWN_MAX = 8 * 1024 * 1024,    /* of plain text that MIME_SHOWN makes UTF-8 of */
	MIME_ATTACHMENTS_MAX = 1000,	     /* that are listed */
	MIME_ANSWER_MAX = 4 * 1024 * 1024,   /* a packed document */
	MIME_ARENA_MAX = 2 * MIME_ANSWER_MAX /* what a document takes of the caller's arena */
};

struct mime;

/* Load what the library would look for in files; before start_drop. */
void mime_prepare(void);
/* Start the process that makes readers: before any thread, before start_confine. Aborts where
 * that is impossible. It ends with this one. */
struct mime *mime_start(void);

/* One reader, or none yet. It is never shared: what it has seen of one account's mail must not
 * reach another's. Begin with MIME_READER; release with mime_end. */
struct mime_reader {
	struct mime *mime;
	int socket;
	unsigned read;
};
#define MIME_READER(from) ((struct mime_reader){ .mime = (from), .socket = -1 })
void mime_end(struct mime_reader *reader);

/* Ask a reader about the message in `file` (read-only; it has no other). A reader may be asked
 * again; one that fails is replaced at the next. *document is in the arena. `out` is a memfd for
 * BODY, PART and SHOWN, -1 otherwise; it must not be used before mime_end. Blocks until the deadline;
 * false and why where the reader gave up, was too slow or lied. */
bool mime_ask(struct mime_reader *reader, const struct mime_ask *ask, int file, int out,
	struct deadline deadline, struct arena *arena, struct mime_document *document,
	struct why *why) must_use;

/* DOCUMENT or INDEX of a message, whatever it is: where the reader gives up, another takes the
 * message for plain text (MIME_PROBLEM(UNREADABLE)); false and why where that fails too. */
bool mime_document(struct mime_reader *reader, enum mime_job job, int file, size_t text_max,
	struct deadline deadline, struct arena *arena, struct mime_document *document,
	struct why *why) must_use;

#endif
