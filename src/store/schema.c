/* SPDX-License-Identifier: ISC
 *
 * schema.c - the tables, as a list of migrations: entry n takes a database of version n to n+1
 * (PRAGMA user_version), each in one transaction. An entry that was released never changes.
 *
 * Keys carry their parent, so that a message's rows lie together and need no index of their own:
 * a recipient's number is its message's number * 16384 + its place, a body piece's is its
 * message's number * 65536 + its place.
 * Numbers of enums are those of call/message.h, mail/reason.h, mail/demands.h.
 * Times are wall-clock milliseconds.
 */
#include "store/database.h"

static const char *const migrations[] = {
	/* A person. `address` is the canonical key and the name of the Maildir. */
	"CREATE TABLE account ("
	"	number   INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	address  TEXT NOT NULL UNIQUE,"
	"	hash     TEXT NOT NULL," /* crypt(5) */
	"	language INTEGER NOT NULL,"
	"	created  INTEGER NOT NULL);"

	/* Its address in the secure domain; without a row it isn't active. */
	"CREATE TABLE alias ("
	"	account  INTEGER PRIMARY KEY,"
	"	active   INTEGER NOT NULL,"
	"	level    INTEGER NOT NULL,"
	"	deadline INTEGER NOT NULL);" /* 0: the default of the settings */

	/* A message that got its 250. `remove_at` is set when no recipient waits any more; the body is
	 * gone then. account 0: from outside. */
	"CREATE TABLE message ("
	"	number    INTEGER PRIMARY KEY,"
	"	id        INTEGER NOT NULL UNIQUE," /* the queue id's 64 bits */
	"	account   INTEGER NOT NULL,"
	"	sender    TEXT NOT NULL,"
	"	accepted  INTEGER NOT NULL,"
	"	size      INTEGER NOT NULL,"
	"	pieces    INTEGER NOT NULL,"
	"	body_kind INTEGER NOT NULL,"
	"	smtputf8  INTEGER NOT NULL,"
	"	requiretls INTEGER NOT NULL,"
	"	tls_required_no INTEGER NOT NULL,"
	"	envid     TEXT NOT NULL,"
	"	ret       INTEGER NOT NULL,"
	"	subject   TEXT NOT NULL,"
	"	peer      TEXT NOT NULL,"
	"	helo      TEXT NOT NULL,"
	"	tls_version TEXT NOT NULL,"
	"	cipher    TEXT NOT NULL,"
	"	remove_at INTEGER);"
	"CREATE INDEX message_removable ON message (remove_at) WHERE remove_at IS NOT NULL;"

	/* demands never lose an element (or say UNENFORCED, store.h). destination \"\": the mailbox of `account`.
	 * event_at: when the clock alone asks for something, the delayed notice or the deadline. */
	"CREATE TABLE recipient ("
	"	number       INTEGER PRIMARY KEY,"
	"	address      TEXT NOT NULL,"
	"	destination  TEXT NOT NULL,"
	"	demands      INTEGER NOT NULL,"
	"	account      INTEGER NOT NULL,"
	"	state        INTEGER NOT NULL,"
	"	next_attempt INTEGER NOT NULL,"
	"	event_at     INTEGER NOT NULL,"
	"	deadline     INTEGER NOT NULL,"
	"	notify       INTEGER NOT NULL,"
	"	orcpt        TEXT NOT NULL,"
	"	attempts     INTEGER NOT NULL DEFAULT 0,"
	"	tried        INTEGER NOT NULL DEFAULT 0," /* time of the last attempt */
	"	delayed      INTEGER NOT NULL DEFAULT 0," /* enum delayed */
	"	told         INTEGER NOT NULL DEFAULT 0," /* a letter or notice said how it ended */
	"	relayed      INTEGER NOT NULL DEFAULT 0," /* delivered to a hop without DSN */
	"	reason       INTEGER NOT NULL DEFAULT 0,"
	"	last_reason  INTEGER NOT NULL DEFAULT 0," /* beneath `expired` */
	"	code         TEXT NOT NULL DEFAULT '',"
	"	said         TEXT NOT NULL DEFAULT '',"
	"	host         TEXT NOT NULL DEFAULT '',"
	"	transmission INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX recipient_due ON recipient (destination, demands, next_attempt, state)"
	"	WHERE state < 2;"
	"CREATE INDEX recipient_event ON recipient (event_at) WHERE state < 2;"

	"CREATE TABLE body ("
	"	number INTEGER PRIMARY KEY,"
	"	bytes  BLOB NOT NULL);"

	/* Messages whose body pieces belong to nobody: being staged, orphaned, or to be removed. */
	"CREATE TABLE leftover ("
	"	message INTEGER PRIMARY KEY,"
	"	staged  INTEGER NOT NULL);" /* 1: still being written, its accept is to come */

	/* One try at one address of one host, for the recipients of `destination` and `demands`. */
	"CREATE TABLE evidence ("
	"	number      INTEGER PRIMARY KEY,"
	"	message     INTEGER NOT NULL,"
	"	destination TEXT NOT NULL,"
	"	demands     INTEGER NOT NULL,"
	"	time        INTEGER NOT NULL,"
	"	host        TEXT NOT NULL,"
	"	address     TEXT NOT NULL,"
	"	port        INTEGER NOT NULL,"
	"	verdict     INTEGER NOT NULL,"
	"	reason      INTEGER NOT NULL,"
	"	tls_version TEXT NOT NULL,"
	"	cipher      TEXT NOT NULL,"
	"	key_group   TEXT NOT NULL,"
	"	certificate TEXT NOT NULL,"
	"	key         TEXT NOT NULL,"
	"	proven_by   TEXT NOT NULL,"
	"	said        TEXT NOT NULL);"
	"CREATE INDEX evidence_by_message ON evidence (message);"

	/* What an account could not be told by letter, or was turned away from its alias. account 0:
	 * at an alias nobody has. */
	"CREATE TABLE notice ("
	"	number  INTEGER PRIMARY KEY,"
	"	account INTEGER NOT NULL,"
	"	time    INTEGER NOT NULL,"
	"	kind    INTEGER NOT NULL,"
	"	id      INTEGER NOT NULL,"
	"	subject TEXT NOT NULL,"
	"	who     TEXT NOT NULL,"
	"	peer    TEXT NOT NULL,"
	"	helo    TEXT NOT NULL,"
	"	reason  INTEGER NOT NULL,"
	"	count   INTEGER NOT NULL);"
	"CREATE INDEX notice_by_account ON notice (account, kind, time);"
	"CREATE INDEX notice_by_time ON notice (time);",

	/* What delivery fetched by MTA-STS, as text. `used`: when mail last asked for it, to a day. */
	"CREATE TABLE sts_policy ("
	"	domain  TEXT PRIMARY KEY,"
	"	id      TEXT NOT NULL,"
	"	text    TEXT NOT NULL,"
	"	fetched INTEGER NOT NULL,"
	"	expires INTEGER NOT NULL,"
	"	used    INTEGER NOT NULL);"
	"CREATE INDEX sts_policy_fetched ON sts_policy (fetched);"
	"CREATE INDEX sts_policy_expires ON sts_policy (expires);"
	"CREATE INDEX sts_policy_used ON sts_policy (used);",
	/* What a recipient domain's servers may show for the level `verify`; and a number that grows
	 * with each change of it, so that no earlier answer is used. A number is never given twice. */
	"CREATE TABLE stored_certificate ("
	"	number  INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	domain  TEXT NOT NULL,"	   /* lower-case A-labels */
	"	kind    INTEGER NOT NULL," /* enum stored_kind */
	"	value   TEXT NOT NULL,"
	"	names   TEXT NOT NULL,"
	"	note    TEXT NOT NULL,"
	"	added   INTEGER NOT NULL,"
	"	expires INTEGER NOT NULL);" /* 0: never */
	"CREATE INDEX stored_certificate_by_domain ON stored_certificate (domain, number);"
	"CREATE TABLE stored_generation (number INTEGER NOT NULL);"
	"INSERT INTO stored_generation (number) VALUES (1);",

	/* The chain of records (receipt.h). `message` is a queue id: records outlive the rows of their
	 * message. Of what was removed the one row of receipt_removed tells. */
	"CREATE TABLE receipt ("
	"	number  INTEGER PRIMARY KEY," /* without a gap */
	"	message INTEGER NOT NULL,"
	"	time    INTEGER NOT NULL,"
	"	text    TEXT NOT NULL);" /* the line itself */
	"CREATE INDEX receipt_by_message ON receipt (message);"
	"CREATE TABLE receipt_removed ("
	"	one       INTEGER PRIMARY KEY,"
	"	number    INTEGER NOT NULL," /* of the last one removed */
	"	hash      TEXT NOT NULL,"
	"	statement TEXT NOT NULL,"
	"	signature TEXT NOT NULL);",

	/* Who may see the operator's page; when it last had a session. */
	"ALTER TABLE account ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;"

	/* A browser's session. `token` is the SHA-256 of what the browser has. */
	"CREATE TABLE session ("
	"	number  INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	account INTEGER NOT NULL,"
	"	token   TEXT NOT NULL UNIQUE,"
	"	created INTEGER NOT NULL,"
	"	seen    INTEGER NOT NULL,"
	"	peer    TEXT NOT NULL,"
	"	agent   TEXT NOT NULL);"
	"CREATE INDEX session_by_account ON session (account, number);"
	"CREATE INDEX session_by_created ON session (created);"
	"CREATE INDEX session_by_seen ON session (seen);"

	/* The second factor. `step`: of the last code that was used; none as old counts again. */
	"CREATE TABLE factor ("
	"	account INTEGER PRIMARY KEY,"
	"	secret  BLOB NOT NULL,"
	"	active  INTEGER NOT NULL,"
	"	step    INTEGER NOT NULL);"
	"CREATE TABLE recovery_code ("
	"	account INTEGER NOT NULL,"
	"	hash    TEXT NOT NULL,"
	"	PRIMARY KEY (account, hash)) WITHOUT ROWID;"

	/* A password for one mail program. */
	"CREATE TABLE app_password ("
	"	number  INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	account INTEGER NOT NULL,"
	"	name    TEXT NOT NULL,"
	"	hash    TEXT NOT NULL,"
	"	created INTEGER NOT NULL,"
	"	used    INTEGER NOT NULL);" /* 0: never */
	"CREATE INDEX app_password_by_account ON app_password (account, hash);"

	/* What an account chose that isn't the default. */
	"CREATE TABLE preference ("
	"	account INTEGER NOT NULL,"
	"	name    TEXT NOT NULL,"
	"	value   TEXT NOT NULL,"
	"	PRIMARY KEY (account, name)) WITHOUT ROWID;",

	/* What an account sent from its pages. `sent` is the page's id for it, `message` a queue id:
	 * a row outlives its message, so that what was asked twice is never sent twice. A row whose
	 * message was taken back stays, `undone`, until a later revision is sent under its id. */
	"CREATE TABLE sent ("
	"	account    INTEGER NOT NULL,"
	"	sent       TEXT NOT NULL,"
	"	message    INTEGER NOT NULL,"
	"	revision   INTEGER NOT NULL,"
	"	sender     TEXT NOT NULL,"
	"	subject    TEXT NOT NULL,"
	"	accepted   INTEGER NOT NULL,"
	"	held_until INTEGER NOT NULL,"
	"	undone     INTEGER NOT NULL,"
	"	PRIMARY KEY (account, sent)) WITHOUT ROWID;"
	"CREATE INDEX sent_by_account ON sent (account, accepted);"
	"CREATE INDEX sent_by_message ON sent (message);"
	"CREATE INDEX sent_by_time ON sent (accepted);"
	"CREATE INDEX message_by_account ON message (account, accepted) WHERE account > 0;"
	/* A letter of ours in a mailbox here, by its queue id; about which message (its queue id; 0:
	 * none), which recipient of it above all, and why. */
	"CREATE TABLE letter ("
	"	id     INTEGER PRIMARY KEY,"
	"	time   INTEGER NOT NULL,"
	"	about  INTEGER NOT NULL,"
	"	kind   INTEGER NOT NULL," /* enum dsn_kind */
	"	failed TEXT NOT NULL,"
	"	reason INTEGER NOT NULL);"
	"CREATE INDEX letter_by_time ON letter (time);",

	/* For the operator's page: recipients elsewhere that ended, by the hour; and domains that could
	 * not be reached, by the day. */
	"CREATE TABLE delivery_count ("
	"	hour    INTEGER NOT NULL," /* since 1970 */
	"	demands INTEGER NOT NULL,"
	"	state   INTEGER NOT NULL,"
	"	reason  INTEGER NOT NULL,"
	"	count   INTEGER NOT NULL,"
	"	PRIMARY KEY (hour, demands, state, reason)) WITHOUT ROWID;"
	"CREATE TABLE refused_destination ("
	"	day    INTEGER NOT NULL,"
	"	domain TEXT NOT NULL,"
	"	reason INTEGER NOT NULL,"
	"	count  INTEGER NOT NULL,"
	"	last   INTEGER NOT NULL,"
	"	UNIQUE (day, domain, reason));"

	/* How many of the attempts that a notice counts were told by letter; and when an account is
	 * told next (0: nothing is to be told), when it was last. */
	"ALTER TABLE notice ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"
	"UPDATE notice SET told = count;"
	"CREATE TABLE turned_away_letter ("
	"	account INTEGER PRIMARY KEY,"
	"	due     INTEGER NOT NULL,"
	"	last    INTEGER NOT NULL);"
	"CREATE INDEX turned_away_letter_due ON turned_away_letter (due) WHERE due > 0;",
};

enum { VERSION = count_of(migrations) };

static bool migrate(sqlite3 *handle, int from, struct why *why)
{
	char version[64];

	sqlite3_snprintf((int)sizeof version, version, "PRAGMA user_version = %d", from + 1);
	if (sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(handle, migrations[from], NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(handle, version, NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return true;
	why_not(why, "can't bring the database to version %d: %s", from + 1,
		sqlite3_errmsg(handle));
	sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

bool schema_migrate(sqlite3 *handle, struct why *why)
{
	return schema_migrate_to(handle, VERSION, why);
}

bool schema_migrate_to(sqlite3 *handle, int wanted, struct why *why)
{
	int version = sql_version(handle);

	if (version < 0)
		return why_not(why, "can't read the database: %s", sqlite3_errmsg(handle));
	if (version > VERSION)
		return why_not(why, "the database has version %d, this program knows %d", version,
			VERSION);
	for (; version < wanted; version++)
		if (!migrate(handle, version, why))
			return false;
	return true;
}
