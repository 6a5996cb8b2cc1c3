/* SPDX-License-Identifier: ISC
 *
 * dsn_letter.h - the part of a delivery report that a person reads, for dsn.c alone.
 */
#ifndef MAIL_DSN_LETTER_H
#define MAIL_DSN_LETTER_H

#include "mail/dsn.h"
#include "mail/dsn_words.def"

#define DSN_WORD_ENUM(name, en, de) WORD_##name,
enum dsn_word { DSN_WORDS(DSN_WORD_ENUM) DSN_WORDS_N };
#undef DSN_WORD_ENUM

/* One phrase. Static. */
const char *dsn_word(enum dsn_word word, enum language language);
/* The phrase the subject begins with. */
enum dsn_word dsn_subject_word(const struct dsn *d);
/* The text, both languages, CRLF lines, UTF-8. `subject` is decoded. */
void dsn_letter_write(struct buf *to, const struct dsn *d, struct str subject);

#endif
