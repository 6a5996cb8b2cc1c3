/* SPDX-License-Identifier: ISC
 *
 * reason.c - the table of reasons, looked up by number and by name. Pure.
 */
#include "mail/reason.h"

#include "base/must.h"

static const struct {
	const char *id, *code, *tls_report;
	const char *text[LANGUAGES_N];
} reasons[] = {
#define REASON_ROW(name, number, id, code, tls_report, en, de) \
	[number] = { id, code, tls_report, { [LANGUAGE_EN] = en, [LANGUAGE_DE] = de } },
	REASONS(REASON_ROW)
#undef REASON_ROW
};

bool reason_is_known(uint32_t number)
{
	return number < REASONS_N;
}

const char *reason_id(enum reason reason)
{
	must(reason_is_known(reason));
	return reasons[reason].id;
}

const char *reason_code(enum reason reason)
{
	must(reason_is_known(reason));
	return reasons[reason].code;
}

const char *reason_tls_report(enum reason reason)
{
	must(reason_is_known(reason));
	return reasons[reason].tls_report;
}

const char *reason_text(enum reason reason, enum language language)
{
	must(reason_is_known(reason) && (unsigned)language < LANGUAGES_N);
	return reasons[reason].text[language];
}

bool reason_of(struct str id, enum reason *reason)
{
	for (unsigned i = 0; i < REASONS_N; i++) {
		if (str_eq(id, str_of(reasons[i].id))) {
			*reason = (enum reason)i;
			return true;
		}
	}
	return false;
}
