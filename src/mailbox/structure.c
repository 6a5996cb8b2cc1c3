/* SPDX-License-Identifier: ISC
 *
 * structure.c - GMime's tree of parts, made flat. Runs in the reader on hostile bytes. The tree
 * may be as deep and as wide as a message can say: what is beyond the limits here is a problem
 * that the document names, and is not looked at. A header section with more than a person could
 * have written is cut before GMime sees it, since its time grows with the square of the fields.
 */
#include "mailbox/structure.h"

#include "base/fd.h"
#include "mail/plain_text.h"
#include "mailbox/charset.h"
#include "mailbox/fields.h"
#include "mailbox/mime.h"
#include <limits.h>
#include <string.h>

enum { DEPTH_MAX = 50, LEAVES_MAX = 2000, NUMBER_MAX = 200 };
enum { FIELDS_MAX = 500, SECTION_MAX = 256 * 1024 };
enum { PIECE = 64 * 1024, NAME_MAX_LEN = 200, TYPE_MAX = 100, STRAY_MAX = 64 * 1024 };
static const int64_t counted_max = (int64_t)64 << 20;

/* Fields up to the limits; *rest is what follows the section, its empty line included. */
static bool limit_fields(struct str message, struct buf *kept, struct str *rest)
{
	struct field field;
	size_t n = 0;
	bool all = true;

	*rest = message;
	while (fields_next(&message, &field)) {
		*rest = message;
		if (++n > FIELDS_MAX || kept->len + field.whole.len > kept->max)
			all = false;
		else
			buf_add(kept, field.whole);
	}
	return all;
}

/* The message with the fields that were kept: two streams, one behind the other. */
static GMimeStream *limited(GMimeStream *whole, const struct buf *kept, size_t rest)
{
	GMimeStream *cat = g_mime_stream_cat_new();
	GMimeStream *head = g_mime_stream_mem_new_with_buffer(kept->at, kept->len);
	GMimeStream *tail = g_mime_stream_substream(whole, (gint64)rest, -1);

	g_mime_stream_cat_add_source(GMIME_STREAM_CAT(cat), head);
	g_mime_stream_cat_add_source(GMIME_STREAM_CAT(cat), tail);
	g_object_unref(head);
	g_object_unref(tail);
	g_object_unref(whole);
	return cat;
}

/* A stream over the mapping itself: GMime only reads it, and no copy is made. */
static GMimeStream *open_mapped(struct structure *s)
{
	struct str bytes = s->mapping.bytes;
	GMimeStream *stream;

	if (!bytes.len || bytes.len > UINT_MAX)
		return NULL;
	s->array = (GByteArray){ .data = (guint8 *)(uintptr_t)bytes.at, .len = (guint)bytes.len };
	stream = g_mime_stream_mem_new();
	g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), &s->array);
	return stream;
}

static GMimeStream *open_stream(struct structure *s, int file)
{
	scoped(buf_free) struct buf kept = BUF(SECTION_MAX);
	GMimeStream *stream;
	struct str rest;

	if (!fd_map_file(file, &s->mapping, NULL))
		return NULL;
	stream = open_mapped(s);
	if (stream && !limit_fields(s->mapping.bytes, &kept, &rest)) {
		s->problems |= MIME_PROBLEM(HEADERS);
		stream = limited(stream, &kept, (size_t)(rest.at - s->mapping.bytes.at));
	}
	return stream;
}

static bool parse(struct structure *s)
{
	static const char *charsets[] = { "utf-8", "windows-1252", NULL };
	GMimeParser *parser = g_mime_parser_new_with_stream(s->stream);
	GMimeParserOptions *options = g_mime_parser_options_new();

	g_mime_parser_options_set_fallback_charsets(options, charsets);
	s->message = g_mime_parser_construct_message(parser, options);
	g_mime_parser_options_free(options);
	g_object_unref(parser);
	return s->message != NULL;
}

static bool is_type(const struct leaf *leaf, const char *type, const char *subtype)
{
	GMimeContentType *content = g_mime_object_get_content_type(leaf->object);

	return content && g_mime_content_type_is_type(content, type, subtype);
}

static bool is_attached(GMimeObject *object)
{
	const char *disposition = g_mime_object_get_disposition(object);

	return (disposition && str_eq_nocase(str_of(disposition), STR("attachment"))) ||
	       (GMIME_IS_PART(object) && g_mime_part_get_filename(GMIME_PART(object)));
}

static enum leaf_use use_of(const struct structure *s, const struct leaf *leaf, bool related)
{
	if (!GMIME_IS_PART(leaf->object))
		return LEAF_ATTACHMENT;
	if (related && is_type(leaf, "image", "*") && g_mime_object_get_content_id(leaf->object))
		return LEAF_INLINE;
	if (is_attached(leaf->object))
		return LEAF_ATTACHMENT;
	if (is_type(leaf, "text", "plain"))
		return LEAF_TEXT;
	return is_type(leaf, "text", "html") && !structure_html(s) ? LEAF_HTML : LEAF_ATTACHMENT;
}

/* Where in the tree a walk is. */
struct place {
	struct str number;
	unsigned depth, alternative;
	bool related;
};

static void add_leaf(struct structure *s, GMimeObject *object, const struct place *place)
{
	struct leaf leaf = {
		.object = object, .number = place->number, .alternative = place->alternative
	};

	if (s->n == LEAVES_MAX) {
		s->problems |= MIME_PROBLEM(PARTS);
		return;
	}
	leaf.use = use_of(s, &leaf, place->related);
	s->leaves[s->n++] = leaf;
}

/* Its boundary never came: what it holds is before its first part. */
static void take_stray(struct structure *s, GMimeMultipart *multipart, struct arena *arena)
{
	scoped(buf_free) struct buf text = BUF(STRAY_MAX);
	const char *prologue = g_mime_multipart_get_prologue(multipart);

	if (!prologue || s->stray.len)
		return;
	charset_add(&text, str_of(prologue), NULL);
	s->stray = arena_str(arena, buf_str(&text));
}

static void walk(struct structure *s, GMimeObject *object, struct place place, struct arena *arena)
{
	GMimeMultipart *multipart;
	const struct leaf self = { .object = object };
	int n;

	if (!GMIME_IS_MULTIPART(object)) {
		if (!place.number.len)
			place.number = STR("1");
		add_leaf(s, object, &place);
		return;
	}
	if (place.depth == DEPTH_MAX || place.number.len > NUMBER_MAX) {
		s->problems |= MIME_PROBLEM(NESTING);
		return;
	}
	multipart = GMIME_MULTIPART(object);
	n = g_mime_multipart_get_count(multipart);
	if (n == 0)
		take_stray(s, multipart, arena);
	place.depth++;
	place.related |= is_type(&self, "multipart", "related");
	if (!place.alternative && is_type(&self, "multipart", "alternative"))
		place.alternative = (unsigned)s->n + 1;
	for (int i = 0; i < n && !(s->problems & MIME_PROBLEM(PARTS)); i++) {
		struct place below = place;

		below.number = arena_printf(arena, "%.*s%s%d", STR_ARG(place.number),
			place.number.len ? "." : "", i + 1);
		walk(s, g_mime_multipart_get_part(multipart, i), below, arena);
	}
}

bool structure_open(struct structure *s, int file, struct arena *arena)
{
	GMimeObject *root;

	*s = (struct structure){ 0 };
	s->leaves = arena_array(arena, LEAVES_MAX, sizeof *s->leaves);
	s->stream = open_stream(s, file);
	if (!s->leaves || !s->stream || !parse(s))
		return false;
	root = g_mime_message_get_mime_part(s->message);
	if (root)
		walk(s, root, (struct place){ 0 }, arena);
	return true;
}

void structure_close(struct structure *s)
{
	if (s->message)
		g_object_unref(s->message);
	if (s->stream)
		g_object_unref(s->stream);
	fd_unmap(&s->mapping);
	*s = (struct structure){ 0 };
}

const struct leaf *structure_find(const struct structure *s, struct str number)
{
	for (size_t i = 0; i < s->n; i++) {
		if (str_eq(s->leaves[i].number, number))
			return &s->leaves[i];
	}
	return NULL;
}

const struct leaf *structure_html(const struct structure *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->leaves[i].use == LEAF_HTML)
			return &s->leaves[i];
	}
	return NULL;
}

const struct leaf *structure_picture(const struct structure *s, struct str id)
{
	static const char *const pixels[] = { "png", "jpeg", "jpg", "gif", "webp", "bmp" };

	for (size_t i = 0; i < s->n; i++) {
		const struct leaf *leaf = &s->leaves[i];

		if (!str_eq(id, str_of(g_mime_object_get_content_id(leaf->object))) || !id.len)
			continue;
		for (size_t j = 0; j < count_of(pixels); j++) {
			if (is_type(leaf, "image", pixels[j]))
				return leaf;
		}
	}
	return NULL;
}

bool structure_has_text_for(const struct structure *s, const struct leaf *html)
{
	for (size_t i = 0; html->alternative && i < s->n; i++) {
		if (s->leaves[i].use == LEAF_TEXT && s->leaves[i].alternative == html->alternative)
			return true;
	}
	return false;
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_alnum(s.at[i]) && (!strchr("!#$&-^_.+", s.at[i]) || !s.at[i]))
			return false;
	}
	return s.len > 0 && s.len <= TYPE_MAX;
}

struct str leaf_type(const struct leaf *leaf, struct arena *arena)
{
	GMimeContentType *content = g_mime_object_get_content_type(leaf->object);
	struct str type = str_of(content ? g_mime_content_type_get_media_type(content) : NULL);
	struct str subtype =
		str_of(content ? g_mime_content_type_get_media_subtype(content) : NULL);
	char lower[2 * TYPE_MAX + 2];
	size_t n = 0;

	if (!is_token(type) || !is_token(subtype))
		return STR("application/octet-stream");
	for (size_t i = 0; i < type.len; i++)
		lower[n++] = ascii_lower(type.at[i]);
	lower[n++] = '/';
	for (size_t i = 0; i < subtype.len; i++)
		lower[n++] = ascii_lower(subtype.at[i]);
	return arena_str(arena, (struct str){ lower, n });
}

static const char *given_name(const struct leaf *leaf)
{
	const char *name = NULL;

	if (GMIME_IS_PART(leaf->object))
		return g_mime_part_get_filename(GMIME_PART(leaf->object));
	name = g_mime_object_get_content_disposition_parameter(leaf->object, "filename");
	return name ? name : g_mime_object_get_content_type_parameter(leaf->object, "name");
}

struct str leaf_name(const struct leaf *leaf, struct arena *arena)
{
	scoped(buf_free) struct buf name = BUF(NAME_MAX_LEN + 4);
	struct str clean;

	plain_text_add(&name, str_of(given_name(leaf)), NAME_MAX_LEN);
	for (size_t i = 0; i < name.len; i++) {
		if (strchr("/\\:*?\"<>|", name.at[i]))
			name.at[i] = '_';
	}
	clean = str_trim(buf_str(&name));
	while (clean.len && clean.at[0] == '.')
		clean = str_tail(clean, 1);
	clean = arena_str(arena, clean);
	return clean.at ? clean : STR("");
}

/* A message within: as it stands, without what it was wrapped in. */
static GMimeStream *open_message(GMimeObject *object)
{
	GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
	GMimeStream *to = g_mime_stream_mem_new();

	if (message)
		g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, to);
	g_mime_stream_reset(to);
	return to;
}

GMimeStream *leaf_open(const struct leaf *leaf)
{
	GMimeDataWrapper *content;
	GMimeStream *stream, *filtered;
	GMimeFilter *filter;

	if (GMIME_IS_MESSAGE_PART(leaf->object))
		return open_message(leaf->object);
	content = GMIME_IS_PART(leaf->object) ? g_mime_part_get_content(GMIME_PART(leaf->object))
					      : NULL;
	stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	if (!stream)
		return NULL;
	g_mime_stream_reset(stream);
	filtered = g_mime_stream_filter_new(stream);
	filter = g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), FALSE);
	g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), filter);
	g_object_unref(filter);
	return filtered;
}

static gint64 encoded_size(const struct leaf *leaf, GMimeContentEncoding *encoding)
{
	GMimeDataWrapper *content = GMIME_IS_PART(leaf->object)
					    ? g_mime_part_get_content(GMIME_PART(leaf->object))
					    : NULL;
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;

	*encoding = content ? g_mime_data_wrapper_get_encoding(content)
			    : GMIME_CONTENT_ENCODING_DEFAULT;
	return stream ? g_mime_stream_length(stream) : 0;
}

uint64_t leaf_size(const struct leaf *leaf, bool counted)
{
	GMimeContentEncoding encoding;
	gint64 encoded = encoded_size(leaf, &encoding);
	char piece[PIECE];
	uint64_t size = 0;
	GMimeStream *stream;
	ssize_t n;

	if (!GMIME_IS_MESSAGE_PART(leaf->object) && (!counted || encoded > counted_max))
		return encoding == GMIME_CONTENT_ENCODING_BASE64
			       ? (uint64_t)encoded * 57 / 77 /* bytes of a full line */
			       : (uint64_t)encoded;
	stream = leaf_open(leaf);
	if (!stream)
		return 0;
	while ((n = g_mime_stream_read(stream, piece, sizeof piece)) > 0)
		size += (uint64_t)n;
	g_object_unref(stream);
	return size;
}

bool leaf_text(const struct leaf *leaf, struct buf *to, size_t max)
{
	scoped(buf_free) struct buf bytes = BUF(max);
	GMimeStream *stream = leaf_open(leaf);
	char piece[PIECE];
	ssize_t n;

	if (!stream)
		return true;
	while (bytes.len < max && (n = g_mime_stream_read(stream, piece, sizeof piece)) > 0)
		buf_add(&bytes, str_head((struct str){ piece, (size_t)n }, max - bytes.len));
	g_object_unref(stream);
	return charset_add(to, buf_str(&bytes),
		g_mime_object_get_content_type_parameter(leaf->object, "charset"));
}
