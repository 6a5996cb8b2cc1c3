/* SPDX-License-Identifier: ISC
 *
 * receipt_show.c - a receipt as people read it: who, when, which server, how it was sealed and
 * proven, what was answered, and what kind of transport encryption that was. Records are the
 * store's; much in them came from peers.
 */
#include "ctl/receipt.h"

#include "ctl/columns.h"
#include "ctl/receipt_words.def"
#include "mail/reason.h"
#include <string.h>

#define WORD_ENUM(name, en, de) WORD_##name,
enum word { RECEIPT_WORDS(WORD_ENUM) WORDS_N };
#undef WORD_ENUM

static const char *const words[WORDS_N][LANGUAGES_N] = {
#define WORD_ROW(name, en, de) { [LANGUAGE_EN] = en, [LANGUAGE_DE] = de },
	RECEIPT_WORDS(WORD_ROW)
#undef WORD_ROW
};

struct show {
	struct buf *to;
	enum language language;
};

static const char *say(const struct show *s, enum word word)
{
	return words[word][s->language];
}

/* A word of the record and what people call it. */
struct meaning {
	const char *text;
	enum word word;
};

static const struct meaning states[] = {
	{ "queued", WORD_STATE_QUEUED },
	{ "delivered", WORD_STATE_DELIVERED },
	{ "relayed", WORD_STATE_RELAYED },
	{ "waiting", WORD_STATE_WAITING },
	{ "second-look", WORD_STATE_SECOND_LOOK },
	{ "failed", WORD_STATE_FAILED },
	{ "taken-back", WORD_STATE_TAKEN_BACK },
};
static const struct meaning transmissions[] = {
	{ "no-connection", WORD_SENT_NO_CONNECTION },
	{ "nothing", WORD_SENT_NOTHING },
	{ "sealed", WORD_SENT_SEALED },
	{ "sealed-unsure", WORD_SENT_UNSURE },
	{ "plain", WORD_SENT_PLAIN },
};
static const struct meaning transports[] = {
	{ "none", WORD_TRANSPORT_NONE },
	{ "mandatory", WORD_TRANSPORT_MANDATORY },
	{ "qualified", WORD_TRANSPORT_QUALIFIED },
};
static const struct meaning proofs[] = {
	{ "dane", WORD_PROVEN_DANE },
	{ "sts", WORD_PROVEN_STS },
	{ "ca", WORD_PROVEN_CA },
	{ "pin", WORD_PROVEN_PIN },
	{ "", WORD_NOT_PROVEN },
};
static const struct meaning verdicts[] = {
	{ "accepted", WORD_FINE },
	{ "unknown", WORD_UNKNOWN },
	{ "refused", WORD_REFUSED },
};

static const char *meaning_of(
	const struct show *s, const struct meaning *meanings, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, meanings[i].text))
			return say(s, meanings[i].word);
	return text;
}

#define MEANING(s, meanings, text) meaning_of(s, meanings, count_of(meanings), text)

static struct str text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){ json_string_value(value), json_string_length(value) }
		       : STR("");
}

/* The record's own closed sets of words; never NULL. */
static const char *word_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void add(const struct show *s, const char *text)
{
	buf_add(s->to, str_of(text));
}

static void add_text(const struct show *s, const json_t *object, const char *name)
{
	add_visible(s->to, text_of(object, name));
}

/* "  because nothing proves ...", where there is a reason. */
static void add_reason(
	const struct show *s, const json_t *object, const char *name, enum word before)
{
	enum reason reason;

	if (!reason_of(text_of(object, name), &reason))
		return;
	const char *joined = say(s, before);
	buf_printf(s->to, "%s%s %s (%s)", *joined == ',' ? "" : " ", joined,
		reason_text(reason, s->language), reason_id(reason));
}

static void labelled(const struct show *s, const char *indent, enum word label,
	const json_t *object, const char *name)
{
	if (!text_of(object, name).len)
		return;
	buf_printf(s->to, "%s%s ", indent, say(s, label));
	add_text(s, object, name);
	add(s, "\n");
}

/* "2026-11-25 18:40:12 UTC". */
static void add_moment(const struct show *s, const json_t *object)
{
	struct str time = text_of(object, "time");

	add_visible(s->to, str_head(time, 10));
	add(s, " ");
	add_visible(s->to, str_head(str_tail(time, 11), 8));
	add(s, " UTC");
}

static void add_demands(const struct show *s, const json_t *recipient)
{
	const json_t *set = json_object_get(recipient, "demands"), *element;
	size_t i;

	buf_printf(s->to, "%s ", say(s, WORD_DEMANDED));
	json_array_foreach(set, i, element)
	{
		add(s, i ? ", " : "");
		add_visible(s->to, str_of(json_string_value(element)));
	}
	if (!json_array_size(set))
		add(s, say(s, WORD_NOTHING_DEMANDED));
	if (text_of(recipient, "tls_required").len)
		buf_printf(s->to, "; %s", say(s, WORD_UNENFORCED));
}

static void show_sealed(const struct show *s, const char *indent, const json_t *object)
{
	if (!text_of(object, "tls_version").len) {
		buf_printf(s->to, "%s%s\n", indent, say(s, WORD_NOT_SEALED));
		return;
	}
	buf_printf(s->to, "%s%s ", indent, say(s, WORD_SEALED_WITH));
	add_text(s, object, "tls_version");
	add(s, ", ");
	add_text(s, object, "cipher");
	if (text_of(object, "group").len)
		add(s, ", ");
	add_text(s, object, "group");
	add(s, ".\n");
}

static void show_transport(const struct show *s, const char *indent, const json_t *object)
{
	const char *transport = word_of(object, "transport");

	if (*transport)
		buf_printf(s->to, "%s%s %s\n", indent, say(s, WORD_TRANSPORT),
			MEANING(s, transports, transport));
}

/* --- the parts of a record --- */

static void show_peer(const struct show *s, const json_t *record)
{
	if (!text_of(record, "peer").len)
		return;
	buf_printf(s->to, "    %s ", say(s, WORD_FROM_PEER));
	add_text(s, record, "helo");
	add(s, " [");
	add_text(s, record, "peer");
	add(s, "]\n");
	show_sealed(s, "    ", record);
	show_transport(s, "    ", record);
}

static void show_attempt(const struct show *s, const json_t *attempt)
{
	const char *verdict = word_of(attempt, "verdict");

	add(s, "    ");
	add_moment(s, attempt);
	add(s, "  ");
	add_text(s, attempt, "host");
	if (text_of(attempt, "address").len) {
		add(s, " [");
		add_text(s, attempt, "address");
		buf_printf(s->to, "]:%llu", (unsigned long long)number_of(attempt, "port"));
	} else {
		buf_printf(s->to, " (%s)", say(s, WORD_NO_SERVER));
	}
	buf_printf(s->to, ": %s", MEANING(s, verdicts, verdict));
	/* In order, and yet a reason: it was so for want of anything better. */
	add_reason(
		s, attempt, "reason", strcmp(verdict, "accepted") ? WORD_BECAUSE : WORD_ALTHOUGH);
	add(s, "\n");
	if (text_of(attempt, "address").len)
		show_sealed(s, "        ", attempt);
	if (text_of(attempt, "tls_version").len)
		buf_printf(
			s->to, "        %s\n", MEANING(s, proofs, word_of(attempt, "proven_by")));
	labelled(s, "        ", WORD_CERTIFICATE, attempt, "certificate");
	labelled(s, "        ", WORD_KEY, attempt, "key");
	labelled(s, "        ", WORD_ANSWERED, attempt, "said");
}

static void show_recipient(const struct show *s, const json_t *recipient, bool mailbox)
{
	const char *state = word_of(recipient, "state");

	buf_printf(s->to, "    %s ", say(s, WORD_FOR));
	add_text(s, recipient, "address");
	add(s, ": ");
	add(s, mailbox && !strcmp(state, "delivered") ? say(s, WORD_STATE_MAILBOX)
						      : MEANING(s, states, state));
	add_reason(s, recipient, "reason", WORD_BECAUSE);
	add_reason(s, recipient, "last_reason", WORD_LAST_TIME);
	add(s, "; ");
	add_demands(s, recipient);
	add(s, "\n");
	if (!mailbox && word_of(recipient, "transmission")[0])
		buf_printf(s->to, "        %s\n",
			MEANING(s, transmissions, word_of(recipient, "transmission")));
	show_transport(s, "        ", recipient);
	labelled(s, "        ", WORD_ANSWERED, recipient, "said");
}

static enum word title_of(const json_t *record)
{
	const char *kind = word_of(record, "kind"), *origin = word_of(record, "origin");

	if (!strcmp(kind, "attempt"))
		return WORD_ATTEMPT;
	if (!strcmp(kind, "mailbox"))
		return WORD_MAILBOX;
	if (!strcmp(kind, "ended"))
		return WORD_ENDED;
	if (strcmp(kind, "taken") != 0)
		return WORD_OTHER;
	if (!strcmp(origin, "account"))
		return WORD_TAKEN_ACCOUNT;
	if (!strcmp(origin, "page"))
		return WORD_TAKEN_PAGE;
	return strcmp(origin, "here") ? WORD_TAKEN_OUTSIDE : WORD_TAKEN_HERE;
}

static void show_record(const struct show *s, const json_t *record)
{
	const json_t *recipients = json_object_get(record, "recipients");
	const json_t *attempts = json_object_get(record, "attempts"), *element;
	bool mailbox = !strcmp(word_of(record, "kind"), "mailbox");
	size_t i;

	buf_printf(s->to, "%6llu  ", (unsigned long long)number_of(record, "record"));
	add_moment(s, record);
	buf_printf(s->to, "  %s ", say(s, title_of(record)));
	add_text(s, record, "destination");
	s->to->len -= s->to->at[s->to->len - 1] == ' ';
	add(s, "\n");
	if (text_of(record, "origin").len) {
		buf_printf(s->to, "    %s ", say(s, WORD_SENDER));
		add_visible(s->to,
			text_of(record, "sender").len ? text_of(record, "sender") : STR("<>"));
		buf_printf(s->to, ", %llu %s\n", (unsigned long long)number_of(record, "size"),
			say(s, WORD_BYTES));
	}
	show_peer(s, record);
	json_array_foreach(attempts, i, element) show_attempt(s, element);
	json_array_foreach(recipients, i, element) show_recipient(s, element, mailbox);
	add(s, "\n");
}

void receipt_print(struct buf *to, struct str id, const json_t *records, enum language language)
{
	struct show show = { to, language };
	const json_t *record;
	size_t i;

	buf_printf(to, "%s ", say(&show, WORD_TITLE));
	add_visible(to, id);
	add(&show, "\n\n");
	json_array_foreach(records, i, record) show_record(&show, record);
}
