/* SPDX-License-Identifier: ISC
 *
 * str.h - a view of bytes: passed by value, owning nothing, never NUL-terminated by faith.
 * Comparison without case is ASCII only, as SMTP and DNS want it; no locale ever takes part.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/scope.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *at;
	size_t len;
};

/* A view of a string literal. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, (s).at

/* A view of a C string; NULL gives the empty view. */
struct str str_of(const char *text);
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends_nocase(struct str s, struct str suffix);
/* <0, 0, >0 as memcmp; the shorter of two equal beginnings comes first. */
int str_compare(struct str a, struct str b);
/* Index of the first (last) `c`, or s.len when there is none. */
size_t str_find(struct str s, char c);
size_t str_find_last(struct str s, char c);
/* Index of the first occurrence of `needle`, or s.len. */
size_t str_find_str(struct str s, struct str needle);
/* The first n bytes (all, if fewer); everything behind the first n (empty, if fewer). */
struct str str_head(struct str s, size_t n);
struct str str_tail(struct str s, size_t n);
/* The same of UTF-8 as str_head, and never half a character. */
struct str str_head_utf8(struct str s, size_t n);
/* Without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);
/* Cut at the first `c`: returns what is before it and moves *rest behind it; without a `c`
 * returns all and leaves *rest empty. */
struct str str_cut(struct str *rest, char c);
/* Decimal digits only, no sign, no blanks, no overflow; false leaves *number alone. */
bool str_to_u64(struct str s, uint64_t *number) must_use;
/* The same for one to sixteen hex digits, in lower case only: a number has one spelling. */
bool str_hex_to_u64(struct str s, uint64_t *number) must_use;
/* FNV-1a over ASCII lower case; for hash tables that no peer can choose keys for at will. */
uint64_t str_hash_nocase(struct str s);
/* True if a byte is >= 0x80. */
bool str_has_8bit(struct str s);
/* True if the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);

char ascii_lower(char c);
bool ascii_is_digit(char c);
bool ascii_is_alpha(char c);
bool ascii_is_alnum(char c);
/* What a hex digit of either case is worth; -1 for anything else. */
int ascii_hex_value(char c);

#endif
