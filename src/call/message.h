/* SPDX-License-Identifier: ISC
 *
 * message.h - the messages of messages.def as structs, with pack and unpack; and the closed sets
 * of numbers they carry. Numbers marked "on disk" are stored and never change meaning.
 */
#ifndef CALL_MESSAGE_H
#define CALL_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "call/messages.def"
#include "mail/envelope.h"

/* The largest body a job may bring: a letter encloses a message, and a message is as large as
 * message_size may ever say. What it says now is asked when a message is taken; one that was
 * taken before must still leave. */
#define JOB_BODY_MAX (((size_t)2 << 30) + 1024 * 1024)

enum login_outcome { LOGIN_OK, LOGIN_BAD, LOGIN_THROTTLED, LOGIN_BUSY };

enum sender_outcome { SENDER_OWNED, SENDER_NOT_OWNED, SENDER_ALIAS_INACTIVE };

enum recipient_outcome_kind {
	RECIPIENT_LOCAL,	    /* an account's normal address */
	RECIPIENT_ALIAS,	    /* an active secure alias, on an encrypted channel */
	RECIPIENT_REMOTE,	    /* not our domain; only with an account */
	RECIPIENT_RELAY_DENIED,	    /* not our domain, no account: 550 5.7.1 */
	RECIPIENT_UNKNOWN,	    /* 550 5.1.1 */
	RECIPIENT_PLAINTEXT_REFUSED /* secure address in plaintext: 550 5.7.10 */
};

enum accept_outcome {
	ACCEPT_TAKEN,	/* on disk */
	ACCEPT_REFUSED, /* `code` and `text` say why */
	ACCEPT_FULL,	/* 452 4.3.1 */
	ACCEPT_FAILED,	/* 451 4.3.0 */
};

/* What an attempt ended with for one recipient. */
enum result {
	RESULT_DELIVERED, /* in the mailbox, or accepted by the next hop that sends its own DSNs */
	RESULT_RELAYED,	  /* accepted by a next hop without DSN */
	RESULT_LATER,	  /* unknown, or an ordinary 4xx: try again */
	RESULT_REFUSED,	  /* verdict refused: second look first, unless it was one or was local */
	RESULT_FAILED,	  /* permanent of its own kind (5xx, null MX, ...): no second look */
};

/* The states a recipient can be in on disk. */
enum recipient_state {
	STATE_WAITING = 0,     /* due at next_attempt */
	STATE_SECOND_LOOK = 1, /* refused once, due at next_attempt with fresh DNS */
	STATE_DELIVERED = 2,
	STATE_FAILED = 3,
};

enum alias_set {
	ALIAS_SET_ACTIVE = 1,
	ALIAS_SET_LEVEL = 2,
	ALIAS_SET_DEADLINE = 4,
	ALIAS_SET_LANGUAGE = 8
};

enum ctl_outcome { CTL_OK, CTL_NOT_FOUND, CTL_EXISTS, CTL_INVALID };

/* Whether delivery looked at a destination for somebody who asked. */
enum look_outcome {
	LOOK_DONE,
	LOOK_BUSY,   /* too many look already: ask again */
	LOOK_NO_NAME /* what was asked for is no domain */
};

/* What stands between a domain and its hosts. */
enum route_found {
	FOUND_HOSTS,
	FOUND_NOTHING,	  /* the look-up failed, or time was over before it answered */
	FOUND_NULL_MX,	  /* RFC 7505: it takes no mail */
	FOUND_NO_DOMAIN,  /* it does not exist */
	FOUND_NO_ADDRESS, /* neither MX nor address */
	FOUND_OURSELVES	  /* one of our own domains: mail for it stays on this server */
};

/* What came of a call for the pages. */
enum web_outcome {
	WEB_OK,
	WEB_NO_SESSION,	 /* the token is none, or its session is over */
	WEB_NOT_ALLOWED, /* not this account's, or only an administrator's */
	WEB_NOT_FOUND,
	WEB_INVALID, /* what was asked for can't be; `text` says why */
	WEB_EXISTS,
	WEB_WRONG,	/* user, password or code */
	WEB_NEEDS_CODE, /* the password is right: now the second factor */
	WEB_THROTTLED,	/* too many wrong ones: later */
	WEB_BUSY,	/* ask again in a moment */
	WEB_FULL,	/* no room on disk: nothing was changed */
	WEB_REFUSED,	/* a message that can't be taken; `text` says why */
	WEB_TOO_LATE,	/* it has left, or was taken back */
	WEB_TOO_LARGE,
	WEB_OLD,   /* a later one is there already */
	WEB_FAILED /* our fault; nothing was changed */
};

/* What of an account changed. */
enum change { CHANGE_MAIL = 1, CHANGE_SENT = 2, CHANGE_NOTICES = 4, CHANGE_SETTINGS = 8 };

/* Whose a message in the mailbox is. */
enum arrival_origin {
	ARRIVAL_UNKNOWN, /* the store knows nothing of it (any more) */
	ARRIVAL_OUTSIDE, /* from another server */
	ARRIVAL_ACCOUNT, /* from an account of this server */
	ARRIVAL_LETTER	 /* this server's own letter */
};

/* Where mail for a recipient goes. */
enum whither {
	WHITHER_REMOTE,
	WHITHER_HERE,	/* an account of this server */
	WHITHER_NOBODY, /* our domain, but there is no such account */
	WHITHER_NO_ADDRESS
};

enum folder_kind {
	FOLDER_INBOX,
	FOLDER_DRAFTS,
	FOLDER_SENT,
	FOLDER_ARCHIVE,
	FOLDER_JUNK,
	FOLDER_TRASH,
	FOLDER_OWN
};

enum folder_change { FOLDER_CREATE, FOLDER_RENAME, FOLDER_REMOVE };

/* Maildir's own: S, F, R, P, D, T. */
enum message_flag {
	MESSAGE_SEEN = 1,
	MESSAGE_FLAGGED = 2,
	MESSAGE_ANSWERED = 4,
	MESSAGE_FORWARDED = 8,
	MESSAGE_DRAFT = 16,
	MESSAGE_TRASHED = 32
};

/* On disk. */
enum notice_kind { NOTICE_NOT_SENT = 0, NOTICE_TURNED_AWAY = 1, NOTICE_REPORT_TURNED_AWAY = 2 };

#define MESSAGE_NUMBER(name) uint64_t name;
#define MESSAGE_STRING(name) struct str name;
#define MESSAGE_LIST(type, name) \
	struct {                 \
		struct type *at; \
		size_t len;      \
	} name;
#define MESSAGE_STRUCT(message)                                                                      \
	struct message {                                                                             \
		FIELDS_##message(MESSAGE_NUMBER, MESSAGE_STRING, MESSAGE_LIST)                       \
	};                                                                                           \
	/* Append the message's bytes. */                                                            \
	void pack_##message(struct buf *to, const struct message *m);                                \
	/* Read one message from the front of *from and move behind it. False: malformed, or the   \
	 * arena is full. Strings are views into *from. */ \
	bool unpack_##message(struct str *from, struct arena *arena, struct message *m) must_use;
MESSAGES(MESSAGE_STRUCT)
#undef MESSAGE_STRUCT

#endif
