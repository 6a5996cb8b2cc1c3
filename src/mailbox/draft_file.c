/* SPDX-License-Identifier: ISC
 *
 * draft_file.c - the form of a draft on disk, and where it is. Runs in the mailbox role. The files
 * are our own, but whoever has the account by other programs may have put one there: names and
 * state are checked like anybody's.
 */
#include "mailbox/draft_file.h"

#include "mail/command.h"
#include "mail/quoted_printable.h"
#include "mailbox/draft.h"
#include "mailbox/fields.h"
#include "mailbox/folder.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REFERENCES_TEXT_MAX = 32 * 1024 };

static const struct str draft_mark = { ".siegel-draft-", 14 };
static const struct str sent_mark = { ".siegel-sent-", 13 };

bool draft_is_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (!ascii_is_digit(id.at[i]) && (id.at[i] < 'a' || id.at[i] > 'z'))
			return false;
	}
	return id.len >= DRAFT_ID_LEAST && id.len <= DRAFT_ID_MOST;
}

/* --- names ----------------------------------------------------------------------------------- */

/* DIGITS MARK ID, and what is behind the id in *rest. */
static struct str id_of_name(struct str name, struct str mark, struct str *rest)
{
	size_t digits = 0, n = 0;

	while (digits < name.len && ascii_is_digit(name.at[digits]))
		digits++;
	name = str_tail(name, digits);
	if (!digits || !str_starts(name, mark))
		return STR("");
	name = str_tail(name, mark.len);
	while (n < name.len && ascii_is_alnum(name.at[n]))
		n++;
	*rest = str_tail(name, n);
	return draft_is_id(str_head(name, n)) ? str_head(name, n) : STR("");
}

static struct str revision_of_name(struct str rest, uint64_t *revision)
{
	struct str digits = str_head(rest, str_find(rest, ':'));

	*revision = 0;
	if (!str_starts(digits, STR("-")) || !str_to_u64(str_tail(digits, 1), revision))
		return (struct str){ 0 };
	return digits;
}

struct str draft_of_name(struct str name)
{
	struct str rest = STR(""), id = id_of_name(name, draft_mark, &rest);
	uint64_t revision;

	return revision_of_name(rest, &revision).at ? id : STR("");
}

struct str sent_of_name(struct str name)
{
	struct str rest = STR(""), id = id_of_name(name, sent_mark, &rest);
	uint64_t revision;

	return revision_of_name(rest, &revision).at ? id : STR("");
}

void draft_file_name(
	char name[DRAFT_NAME_MAX + 1], struct str id, uint64_t revision, int64_t wall_ms)
{
	snprintf(name, DRAFT_NAME_MAX + 1, "%010llu%s%.*s-%llu:2,DS",
		(unsigned long long)(wall_ms / SECOND), draft_mark.at, STR_ARG(id),
		(unsigned long long)revision);
}

void sent_file_name(
	char name[DRAFT_NAME_MAX + 1], struct str id, uint64_t revision, int64_t wall_ms)
{
	snprintf(name, DRAFT_NAME_MAX + 1, "%010llu%s%.*s-%llu:2,S",
		(unsigned long long)(wall_ms / SECOND), sent_mark.at, STR_ARG(id),
		(unsigned long long)revision);
}

bool draft_name_read(const char *name, struct str id, struct draft_name *read)
{
	struct str rest = STR("");

	if (strlen(name) > DRAFT_NAME_MAX ||
		!str_eq(id_of_name(str_of(name), draft_mark, &rest), id) ||
		!revision_of_name(rest, &read->revision).at)
		return false;
	memcpy(read->text, name, strlen(name) + 1);
	return true;
}

/* --- places ---------------------------------------------------------------------------------- */

static const char *const parts[] = { "cur", "new" };

void draft_place_close(struct draft_place *place)
{
	fd_close(&place->folder);
}

static bool is_of(enum draft_kind kind, struct str id, const char *file)
{
	struct str name = str_of(file);

	return str_eq(kind == DRAFT_FILE ? draft_of_name(name) : sent_of_name(name), id);
}

/* Take the file where it is later than what was found before. */
static void consider(struct draft_place *place, DIR *entries, const char *file)
{
	struct str rest = STR("");
	uint64_t revision = 0;

	if (id_of_name(str_of(file), draft_mark, &rest).len ||
		id_of_name(str_of(file), sent_mark, &rest).len)
		revision_of_name(rest, &revision);
	if (strlen(file) > DRAFT_NAME_MAX || (place->folder >= 0 && revision < place->revision))
		return;
	draft_place_close(place);
	place->folder = fcntl(dirfd(entries), F_DUPFD_CLOEXEC, 0);
	place->revision = revision;
	memcpy(place->name, file, strlen(file) + 1);
}

bool draft_file_find(int box, enum draft_kind kind, struct str id, struct draft_place *place)
{
	*place = (struct draft_place){ .folder = -1 };
	for (size_t i = 0; i < count_of(parts); i++) {
		scoped(folder_close_list) DIR *entries = folder_list(box, parts[i]);

		for (struct dirent *e; entries && (e = readdir(entries));) {
			if (is_of(kind, id, e->d_name))
				consider(place, entries, e->d_name);
		}
	}
	return place->folder >= 0;
}

bool draft_file_remove(int box, enum draft_kind kind, struct str id, const char *kept)
{
	for (size_t i = 0; i < count_of(parts); i++) {
		scoped(folder_close_list) DIR *entries = folder_list(box, parts[i]);

		for (struct dirent *e; entries && (e = readdir(entries));) {
			if (is_of(kind, id, e->d_name) && strcmp(e->d_name, kept) != 0 &&
				unlinkat(dirfd(entries), e->d_name, 0) != 0 && errno != ENOENT)
				return false;
		}
	}
	return true;
}

bool draft_file_map(int folder, const char *name, struct mapping *mapping)
{
	scoped(fd_close) int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0)
		return false;
	if (!S_ISREG(status.st_mode) || status.st_size > DRAFT_FILE_MAX) {
		errno = EFBIG;
		return false;
	}
	return fd_map_file(fd, mapping, NULL);
}

/* --- the form -------------------------------------------------------------------------------- */

/* A display name without the quotes it may stand in. */
static struct str unquote(struct str name, struct arena *arena)
{
	scoped(buf_free) struct buf text = BUF(name.len + 1);

	if (name.len < 2 || name.at[0] != '"' || name.at[name.len - 1] != '"')
		return name;
	name = str_head(str_tail(name, 1), name.len - 2);
	for (size_t i = 0; i < name.len; i++) {
		i += name.at[i] == '\\' && i + 1 < name.len;
		buf_add_char(&text, name.at[i]);
	}
	return arena_str(arena, buf_str(&text));
}

struct compose_person draft_sender(struct str sender, struct arena *arena)
{
	struct str text = str_trim(sender);
	size_t open = str_find_last(text, '<');

	if (open == text.len || text.at[text.len - 1] != '>')
		return (struct compose_person){ .address = compose_address(text, arena) };
	return (struct compose_person){
		.name = unquote(str_trim(str_head(text, open)), arena),
		.address = compose_address(
			str_head(str_tail(text, open + 1), text.len - open - 2), arena),
	};
}

struct compose_people draft_people(const struct person *people, size_t n, struct arena *arena)
{
	struct compose_person *to = arena_array(arena, n, sizeof *to);

	for (size_t i = 0; to && i < n; i++) {
		to[i].address = compose_address(people[i].address, arena);
		to[i].name = to[i].address.len || people[i].name.len ? people[i].name
								     : people[i].address;
	}
	return (struct compose_people){ to, to ? n : 0 };
}

/* Everything but the body, which stands behind the header. */
static bool put_state(struct buf *to, const struct draft *draft)
{
	scoped(buf_free) struct buf packed = BUF(DRAFT_FILE_MAX / 4);
	struct draft_answer state = draft->state;

	state.body = STR("");
	state.attachments.len = 0;
	pack_draft_answer(&packed, &state);
	return !packed.overflowed &&
	       compose_field_base64(to, STR("X-Siegel-Draft"), buf_str(&packed));
}

void draft_add_lf(struct buf *to, struct str crlf)
{
	while (crlf.len) {
		struct str line = str_cut(&crlf, '\n');

		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		buf_add(to, line);
		buf_add_char(to, '\n');
	}
}

bool draft_file_write(struct buf *to, const struct draft *draft)
{
	scoped(arena_free) struct arena arena = ARENA(DRAFT_FILE_MAX);
	scoped(buf_free) struct buf crlf = BUF(DRAFT_FILE_MAX);
	const struct draft_answer *d = &draft->state;
	const struct compose message = {
		.from = draft_sender(d->sender, &arena),
		.to = draft_people(d->to.at, d->to.len, &arena),
		.cc = draft_people(d->cc.at, d->cc.len, &arena),
		.bcc = draft_people(d->bcc.at, d->bcc.len, &arena),
		.subject = d->subject,
		.date = (int64_t)d->saved,
		.in_reply_to = draft->in_reply_to,
		.references = draft->references,
	};

	compose_header(&crlf, &message);
	if (!put_state(&crlf, draft))
		return false;
	compose_text(&crlf, d->body, true);
	draft_add_lf(to, buf_str(&crlf));
	return !crlf.overflowed && !to->overflowed;
}

/* A value without its folding: every blank and line end left out, or each run of them one blank. */
static struct str unfold(struct str value, const char *between, struct arena *arena)
{
	scoped(buf_free) struct buf text = BUF(value.len + 1);
	bool owed = false;

	for (size_t i = 0; i < value.len; i++) {
		if (strchr(" \t\r\n", value.at[i]) && value.at[i]) {
			owed = text.len > 0;
			continue;
		}
		if (owed)
			buf_add(&text, str_of(between));
		owed = false;
		buf_add_char(&text, value.at[i]);
	}
	return arena_str(arena, buf_str(&text));
}

static bool read_state(struct str value, struct arena *arena, struct draft *draft)
{
	scoped(buf_free) struct buf packed = BUF(value.len + 1);
	struct str bytes;

	if (!base64_decode(&packed, unfold(value, "", arena)))
		return false;
	bytes = arena_str(arena, buf_str(&packed));
	return bytes.at && unpack_draft_answer(&bytes, arena, &draft->state) && !bytes.len;
}

static struct str read_body(struct str encoded, bool quoted, struct arena *arena)
{
	scoped(buf_free) struct buf body = BUF(encoded.len + 1);

	if (!quoted)
		return arena_str(arena, encoded);
	quoted_printable_decode(&body, encoded);
	return arena_str(arena, buf_str(&body));
}

bool draft_file_read(struct str file, struct arena *arena, struct draft *draft)
{
	struct field field;
	bool found = false, quoted = false;

	*draft = (struct draft){ 0 };
	while (fields_next(&file, &field)) {
		if (str_eq_nocase(field.name, STR("X-Siegel-Draft")))
			found = read_state(field.value, arena, draft);
		else if (str_eq_nocase(field.name, STR("In-Reply-To")))
			draft->in_reply_to = unfold(field.value, " ", arena);
		else if (str_eq_nocase(field.name, STR("References")))
			draft->references =
				unfold(str_head(field.value, REFERENCES_TEXT_MAX), " ", arena);
		else if (str_eq_nocase(field.name, STR("Content-Transfer-Encoding")))
			quoted = str_eq_nocase(str_trim(field.value), STR("quoted-printable"));
	}
	draft->state.body = read_body(file, quoted, arena);
	return found && draft->state.body.at;
}
