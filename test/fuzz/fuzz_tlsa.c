/* SPDX-License-Identifier: ISC
 *
 * fuzz_tlsa.c - a TLSA record is read within its bytes, and what counts as usable is what could
 * match something.
 */
#include "mail/tlsa.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str record = { (const char *)data, size };
	struct tlsa tlsa;

	if (!tlsa_read(record, &tlsa))
		return 0;
	must(tlsa.usage == TLSA_USAGE_TA || tlsa.usage == TLSA_USAGE_EE);
	must(tlsa.selector <= TLSA_SELECTOR_KEY && tlsa.matching <= TLSA_MATCHING_SHA512);
	must(tlsa.data.at == record.at + 3 && tlsa.data.len == size - 3);
	must(tlsa.matching != TLSA_MATCHING_SHA256 || tlsa.data.len == 32);
	must(tlsa.matching != TLSA_MATCHING_SHA512 || tlsa.data.len == 64);
	must(tlsa.matching != TLSA_MATCHING_FULL ||
		(tlsa.data.len > 2 && data[3] == 0x30 && data[4] != 0x80));
	return 0;
}
