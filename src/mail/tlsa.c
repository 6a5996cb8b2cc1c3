/* SPDX-License-Identifier: ISC
 *
 * tlsa.c - see tlsa.h. What can't match any certificate is told apart here, before it counts as a
 * promise of the domain: a set with nothing usable asks for TLS and authenticates nothing
 * (RFC 7672 2.2), while a usable record that nothing can match would turn every server away.
 */
#include "mail/tlsa.h"

enum { FIXED = 3, SHA256_LEN = 32, SHA512_LEN = 64, DER_SEQUENCE = 0x30, DER_LENGTH_MAX = 3 };

static uint8_t byte(struct str s, size_t n)
{
	return (uint8_t)s.at[n];
}

/* A certificate and a key are each one SEQUENCE in DER (X.690 8.1, 10.1): the length in its
 * shortest form, and nothing behind it. What is inside is for whoever verifies with it. */
static bool is_one_sequence(struct str data)
{
	if (data.len < 2 || byte(data, 0) != DER_SEQUENCE)
		return false;
	size_t head = 2, length = byte(data, 1);
	if (length & 0x80) {
		size_t octets = length & 0x7f;
		if (octets == 0 || octets > DER_LENGTH_MAX || data.len < head + octets)
			return false;
		length = 0;
		for (size_t i = 0; i < octets; i++)
			length = length << 8 | byte(data, head + i);
		size_t shorter = (size_t)1 << (8 * (octets - 1));
		if (length < 0x80 || (octets > 1 && length < shorter))
			return false;
		head += octets;
	}
	return length > 0 && data.len - head == length;
}

static bool is_association(uint8_t matching, struct str data)
{
	switch (matching) {
	case TLSA_MATCHING_FULL:
		return is_one_sequence(data);
	case TLSA_MATCHING_SHA256:
		return data.len == SHA256_LEN;
	case TLSA_MATCHING_SHA512:
		return data.len == SHA512_LEN;
	default:
		return false;
	}
}

bool tlsa_read(struct str rdata, struct tlsa *to)
{
	if (rdata.len <= FIXED)
		return false;
	*to = (struct tlsa){
		.usage = byte(rdata, 0),
		.selector = byte(rdata, 1),
		.matching = byte(rdata, 2),
		.data = str_tail(rdata, FIXED),
	};
	bool usage = to->usage == TLSA_USAGE_TA || to->usage == TLSA_USAGE_EE;
	bool selector = to->selector == TLSA_SELECTOR_CERT || to->selector == TLSA_SELECTOR_KEY;
	return usage && selector && is_association(to->matching, to->data);
}
