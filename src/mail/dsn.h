/* SPDX-License-Identifier: ISC
 *
 * dsn.h - the letter: what the sender of a message is told about it. A multipart/report (RFC 3464,
 * RFC 6533 where an address needs UTF-8) whose first part is written for a person, in the
 * account's language first and the other one behind it. Pure: everything comes in one plain
 * struct, so the store can compose it inside the transaction that ends the recipient.
 *
 * Remote texts and the original are hostile; nothing in them can leave its field or part.
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/buf.h"
#include "mail/demands.h"
#include "mail/envelope.h"
#include "mail/evidence.h"

/* On disk. */
enum dsn_kind {
	DSN_FAILED,  /* something failed for good; also names what was delivered and what waits */
	DSN_DELAYED, /* nothing failed yet, it still waits */
	DSN_SUCCESS, /* NOTIFY=SUCCESS: delivered or relayed */
	DSN_REPORT_TURNED_AWAY, /* a report to the alias was turned away in plaintext (`turned_away`) */
	DSN_MAIL_TURNED_AWAY, /* the day's list of mail to it that was (`turned_away`) */
};

/* The state of a recipient at the moment of the letter. */
enum dsn_status {
	DSN_STATUS_FAILED,
	DSN_STATUS_WAITING, /* until `until` */
	DSN_STATUS_DELIVERED,
	DSN_STATUS_RELAYED, /* taken by a server that sends no DSNs itself */
};

struct dsn_recipient {
	struct str address; /* local@domain */
	enum dsn_status status;
	bool reported_before; /* an earlier letter named it: shown to people, not reported again */
	enum reason reason;   /* why failed or waiting */
	enum reason last_reason; /* with REASON_EXPIRED: why the last attempt failed, or NONE */
	struct str code;	 /* the remote enhanced code, or empty */
	struct str said;	 /* the remote reply as it came, or empty */
	struct str host;	 /* who said it, or empty */
	enum transmission transmission;
	demands demands;      /* what was demanded for it; {} makes an ordinary sober bounce */
	struct str orcpt;     /* "type;xtext" as received, or empty */
	int64_t last_attempt; /* wall clock, milliseconds; 0: none */
	int64_t until;	      /* waiting: when it is given up; 0: not known */
};

/* Attempts of one server in the name of one sender. */
struct dsn_turned_away {
	struct str who, peer, helo; /* as they were claimed, but for the peer's address */
	int64_t first;
	uint64_t count;
};

struct dsn {
	enum dsn_kind kind;
	enum language language;
	struct str reporting_mta; /* our host name */
	struct str queue_id;	  /* of the original */
	struct str to;		  /* the account's address, local@domain */
	struct str id_seed;	  /* unique; the left part of the Message-ID, and in the boundary */
	int64_t now;		  /* wall clock, milliseconds: the Date */
	int64_t arrival;	  /* when the original was taken; 0: not known */
	struct str subject;	  /* the original's, as in its header (encoded words are decoded) */
	struct str message_id;	  /* the original's, with <>; or empty */
	struct str envid;	  /* xtext as received, or empty */
	struct str help_url;	  /* or empty */
	const struct dsn_recipient *recipients;
	size_t n_recipients;
	const struct evidence *attempts;
	size_t n_attempts;
	struct str original; /* the whole original message, or as much as there is */
	bool seven_bit;	   /* it goes to a server that may lack 8BITMIME: encode what isn't ASCII */
	bool headers_only; /* RET=HDRS, REQUIRETLS, or only a part of it is here */
	/* For DSN_REPORT_TURNED_AWAY: who tried, when, to which alias. For DSN_MAIL_TURNED_AWAY: to
	 * which alias, who, and how often in all, more than are listed. Recipients stay empty. */
	struct {
		int64_t time;
		struct str peer, helo, alias;
		const struct dsn_turned_away *list;
		size_t n;
		uint64_t count;
	} turned_away;
};

/* A buffer of DSN_TEXT_MAX + n_recipients * DSN_RECIPIENT_MAX + the original's size fits every
 * letter, whatever the texts in it: no message may be too large to be reported about. */
enum { DSN_TEXT_MAX = 2 * 1024 * 1024, DSN_RECIPIENT_MAX = 32 * 1024 };

/* "4.7.10", "5.1.1", ...: the class digit follows the status, the rest is the remote code where
 * the reason is the remote reply, and the reason's own otherwise (policy.md section 5). */
bool dsn_status_code(struct buf *to, const struct dsn_recipient *r);
/* The whole letter, CRLF lines, from its first header field to the closing boundary. False when
 * `to` was too small. */
bool dsn_write(struct buf *to, const struct dsn *d) must_use;

#endif
