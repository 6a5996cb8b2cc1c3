/* SPDX-License-Identifier: ISC
 *
 * test_ctl_certificate.c - what an operator may hand over to be stored for the level verify, and how
 * it is shown. The commands against a running server: siegeld/test_certificate.py.
 */
#include "base/must.h"
#include "chains.h"
#include "ctl/authority.h"
#include "ctl/certificate.h"
#include "mail/stored_certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static char text[65536];

/* The certificates of a text that holds these; the error, or "". */
static const char *read_of(const enum which *which, const char *before, struct buf *pem)
{
	static struct why why;
	scoped(buf_free) struct buf file = BUF(65536);

	why.text[0] = 0;
	buf_add(&file, str_of(before));
	buf_add(&file, pem_text(which, text, sizeof text));
	buf_clear(pem);
	return authority_read(buf_str(&file), pem, &why) ? "" : why.text;
}

static void authorities_are_stored_in_one_form_and_alone(void **state)
{
	scoped(buf_free) struct buf pem = BUF(STORED_VALUE_MAX);
	scoped(arena_free) struct arena arena = ARENA(65536);
	const enum which two[] = { SUB, ROOT, NOBODY };
	BIO *bio = BIO_new(BIO_s_mem());
	char key[4096];

	(void)state;
	must(PEM_write_bio_PrivateKey(bio, certificate_keys[LEAF], NULL, NULL, 0, NULL, NULL) == 1);
	int n = BIO_read(bio, key, sizeof key - 1);
	key[n] = 0;
	BIO_free(bio);
	assert_string_equal(read_of(two, "words in front\n", &pem), "");
	assert_true(str_eq(buf_str(&pem), pem_text(two, text, sizeof text)));
	assert_true(stored_value_fits(STORED_AUTHORITY, buf_str(&pem)));
	assert_string_equal(read_of(two, key, &pem), "");
	assert_int_equal(str_find_str(buf_str(&pem), STR("PRIVATE")), pem.len);
	struct authority a = authority_of(buf_str(&pem), &arena);
	assert_int_equal(a.n, 2);
	assert_true(str_eq(a.subject, STR("CN=Sub")));
	assert_true(a.not_after > clock_wall_ms() + 29LL * DAY &&
		    a.not_after < clock_wall_ms() + 31LL * DAY);
}

static void what_is_no_authority_is_refused(void **state)
{
	scoped(buf_free) struct buf pem = BUF(STORED_VALUE_MAX), small = BUF(100);
	scoped(arena_free) struct arena arena = ARENA(65536);
	struct why why;

	(void)state;
	assert_string_equal(read_of((const enum which[]){ ROOT, LEAF, NOBODY }, "", &pem),
		"certificate 2 of it is no authority's; a server's own is stored by --certificate "
		"or --key");
	assert_string_equal(read_of((const enum which[]){ NO_CA, NOBODY }, "", &pem),
		"certificate 1 of it is no authority's; a server's own is stored by --certificate "
		"or --key");
	assert_string_equal(read_of((const enum which[]){ OLD_ROOT, NOBODY }, "", &pem),
		"certificate 1 of it has expired");
	assert_string_equal(
		read_of((const enum which[]){ ROOT, NOBODY },
			"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &pem),
		"certificate 1 of it can't be read");
	assert_string_equal(
		read_of((const enum which[]){ ROOT, NOBODY }, "", &small), "it is too long");
	assert_false(authority_read(STR(""), &pem, &why));
	assert_string_equal(why.text, "there is no certificate in it");
	assert_false(authority_read(STR("nonsense\n"), &pem, &why));
	assert_int_equal(authority_of(STR("nonsense"), &arena).n, 0);
}

static void a_date_is_a_day_that_there_is(void **state)
{
	const char *const wrong[] = { "", "2027", "2027-03", "2027-3-1", "2027-02-30", "2027-13-01",
		"2027-03-01x", "01.03.2027", "2027-03-01T00:00" };
	struct ctl ctl = { .err = BUF(10000) };
	struct certificate_add_ask ask = { 0 };

	(void)state;
	ctl.request.expires = "2027-03-01";
	ctl.request.note = "by telephone";
	assert_true(certificate_terms(&ctl, &ask));
	assert_int_equal(ask.expires, 1803945600000); /* 2027-03-02T00:00:00Z */
	assert_true(str_eq(ask.note, STR("by telephone")));
	for (size_t i = 0; i < count_of(wrong); i++) {
		ctl.request.expires = wrong[i];
		assert_false(certificate_terms(&ctl, &ask));
	}
	ctl.request.expires = ctl.request.note = NULL;
	ask.expires = 0;
	assert_true(certificate_terms(&ctl, &ask));
	assert_int_equal(ask.expires, 0);
	assert_int_equal(ask.note.len, 0);
	buf_free(&ctl.err);
}

static void an_expiry_is_shown_with_its_days(void **state)
{
	scoped(buf_free) struct buf to = BUF(1000);
	int64_t now = clock_wall_ms();

	(void)state;
	add_expiry(&to, 0);
	add_expiry(&to, 1);
	add_expiry(&to, (uint64_t)now);
	assert_true(str_eq(buf_str(&to), STR("neverexpiredexpired")));
	buf_clear(&to);
	add_expiry(&to, (uint64_t)(now / DAY * DAY + 13LL * DAY));
	assert_non_null(memmem(to.at, to.len, " (12 d)", 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities_are_stored_in_one_form_and_alone),
		cmocka_unit_test(what_is_no_authority_is_refused),
		cmocka_unit_test(a_date_is_a_day_that_there_is),
		cmocka_unit_test(an_expiry_is_shown_with_its_days),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
