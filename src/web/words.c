/* SPDX-License-Identifier: ISC
 *
 * words.c - see words.h.
 */
#include "web/words.h"

#include "call/message.h"
#include "mail/demands.h"
#include "mail/dsn.h"
#include "mail/evidence.h"
#include "mail/policy.h"
#include "mail/reason.h"
#include "mail/stored_certificate.h"

#define WORDS(set, ...)                                               \
	static const struct json_word set##_list[] = { __VA_ARGS__ }; \
	const struct json_words words_##set = JSON_WORD_SET(set##_list);

#define LEVEL_WORD(name, number, text, demands) { number, text },

WORDS(language, { LANGUAGE_EN, "en" }, { LANGUAGE_DE, "de" })
WORDS(level, LEVELS(LEVEL_WORD))
WORDS(demands, { DEMAND_TLS, "tls" }, { DEMAND_AUTH, "auth" }, { DEMAND_DANE, "dane" },
	{ DEMAND_PINNED, "pinned" }, { DEMAND_REQUIRETLS, "requiretls" })
WORDS(folder_kind, { FOLDER_INBOX, "inbox" }, { FOLDER_DRAFTS, "drafts" }, { FOLDER_SENT, "sent" },
	{ FOLDER_ARCHIVE, "archive" }, { FOLDER_JUNK, "junk" }, { FOLDER_TRASH, "trash" },
	{ FOLDER_OWN, "own" })
WORDS(message_flag, { MESSAGE_SEEN, "seen" }, { MESSAGE_FLAGGED, "flagged" },
	{ MESSAGE_ANSWERED, "answered" }, { MESSAGE_FORWARDED, "forwarded" },
	{ MESSAGE_DRAFT, "draft" }, { MESSAGE_TRASHED, "deleted" })
WORDS(origin, { ARRIVAL_UNKNOWN, "unknown" }, { ARRIVAL_OUTSIDE, "outside" },
	{ ARRIVAL_ACCOUNT, "account" }, { ARRIVAL_LETTER, "letter" })
WORDS(whither, { WHITHER_REMOTE, "remote" }, { WHITHER_HERE, "here" }, { WHITHER_NOBODY, "nobody" },
	{ WHITHER_NO_ADDRESS, "no-address" })
WORDS(verdict, { VERDICT_ACCEPTED, "accepted" }, { VERDICT_UNKNOWN, "unknown" },
	{ VERDICT_REFUSED, "refused" })
WORDS(recipient_state, { STATE_WAITING, "waiting" }, { STATE_SECOND_LOOK, "second-look" },
	{ STATE_DELIVERED, "delivered" }, { STATE_FAILED, "failed" })
WORDS(transport, { TRANSPORT_NONE, "none" }, { TRANSPORT_MANDATORY, "mandatory" },
	{ TRANSPORT_QUALIFIED, "qualified" })
WORDS(notice, { NOTICE_NOT_SENT, "not-sent" }, { NOTICE_TURNED_AWAY, "turned-away" },
	{ NOTICE_REPORT_TURNED_AWAY, "report-turned-away" })
WORDS(letter, { DSN_FAILED, "failed" }, { DSN_DELAYED, "delayed" }, { DSN_SUCCESS, "delivered" },
	{ DSN_REPORT_TURNED_AWAY, "turned-away" }, { DSN_MAIL_TURNED_AWAY, "turned-away" })
WORDS(certificate, { STORED_KEY, "key" }, { STORED_CERTIFICATE, "certificate" },
	{ STORED_AUTHORITY, "authority" })
