/* SPDX-License-Identifier: ISC
 *
 * account.c - accounts on paper, and the commands `siegel user ...`.
 */
#include "ctl/account.h"
#include "ctl/columns.h"
#include "ctl/password.h"
#include "mail/address.h"
#include "mail/demands.h"
#include "mail/reason.h"
#include <string.h>

static const char *const languages[LANGUAGES_N] = { [LANGUAGE_EN] = "en", [LANGUAGE_DE] = "de" };

bool language_of(const char *text, uint64_t *language)
{
	for (uint64_t i = 0; i < LANGUAGES_N; i++) {
		if (!strcmp(text, languages[i])) {
			*language = i;
			return true;
		}
	}
	return false;
}

const char *language_name(uint64_t language)
{
	return language < LANGUAGES_N ? languages[language] : "?";
}

const char *language_word(uint64_t language)
{
	static const char *const words[LANGUAGES_N] = {
		[LANGUAGE_EN] = "English", [LANGUAGE_DE] = "German"
	};

	return language < LANGUAGES_N ? words[language] : "?";
}

const char *level_text(uint64_t level)
{
	return level < LEVELS_N ? level_name((enum level)level) : "?";
}

int64_t account_deadline(const struct ctl *ctl, const struct user *user)
{
	return user->deadline ? (int64_t)user->deadline : ctl->settings->deadline;
}

json_t *account_json(const struct ctl *ctl, const struct user *u)
{
	return json_pack("{s:o, s:s, s:o, s:b, s:s, s:I, s:b, s:b}", "address",
		json_text(u->address), "language", language_name(u->language), "alias",
		json_text(u->alias), "active", u->active != 0, "level", level_text(u->level),
		"deadline_seconds", (json_int_t)(account_deadline(ctl, u) / SECOND), "admin",
		u->admin != 0, "second_factor", u->second_factor != 0);
}

enum exit_status account_answered(struct ctl *ctl, const struct user_answer *answer,
	void (*print)(struct ctl *ctl, const struct user *user))
{
	static const struct user nobody;
	const struct user *user = answer->users.len ? answer->users.at : &nobody;

	if (answer->outcome != CTL_OK)
		return ctl_refused(ctl, answer->outcome, answer->text);
	if (ctl->request.json)
		return ctl_json(ctl, account_json(ctl, user));
	print(ctl, user);
	return EXIT_DONE;
}

/* The hash that --hash gives, or that of a password just read. */
static enum exit_status take_hash(struct ctl *ctl, struct buf *hash)
{
	scoped(password_wipe) struct buf password = BUF(PASSWORD_MAX);
	enum exit_status status = EXIT_DONE;
	struct why why = { "" };

	if (ctl->request.hash) {
		if (!password_is_hash(str_of(ctl->request.hash), &why) ||
			!buf_add(hash, str_of(ctl->request.hash)))
			status = EXIT_USAGE;
	} else {
		status = password_read(
			ctl->request.password_stdin, ctl->request.arguments[0], &password, &why);
		if (status == EXIT_DONE && !password_hash(buf_str(&password), hash, &why))
			status = EXIT_FAULT;
	}
	if (status != EXIT_DONE)
		buf_printf(&ctl->err, "siegel: %s\n", why.text);
	return status;
}

static enum exit_status no_address(struct ctl *ctl, struct str text)
{
	buf_add(&ctl->err, STR("siegel: \""));
	add_visible(&ctl->err, text);
	buf_add(&ctl->err,
		STR("\" is no mail address; one such as ada@example.org would be right\n"));
	return EXIT_USAGE;
}

/* Connect, and say what is wrong with the account named before a password is asked for. */
static enum exit_status look_at_name(struct ctl *ctl, bool is_new)
{
	struct address_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct user_answer answer;
	struct address address;
	enum exit_status status;
	bool secure = false;

	if (!address_parse(ask.address, &ctl->arena, &address))
		return no_address(ctl, ask.address);
	status = ctl_store(ctl);
	if (status != EXIT_DONE)
		return status;
	if (is_new && settings_domain(ctl->settings, address.domain, &secure) < 0)
		return ctl_refused(
			ctl, CTL_INVALID, STR("its domain is none of the configured ones"));
	if (is_new && secure)
		return ctl_refused(ctl, CTL_INVALID,
			STR("its domain is a secure one; add the normal address, the secure one "
			    "comes with it"));
	status = ask_alias_show(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	if (is_new && answer.outcome == CTL_OK)
		return ctl_refused(ctl, CTL_EXISTS, STR("there is such an account already"));
	if (!is_new && answer.outcome != CTL_OK)
		return ctl_refused(ctl, answer.outcome, answer.text);
	return EXIT_DONE;
}

static enum exit_status wrong_language(struct ctl *ctl, const char *text)
{
	buf_printf(
		&ctl->err, "siegel: there is no language \"%s\"; en or de would be right\n", text);
	return EXIT_USAGE;
}

static void print_added(struct ctl *ctl, const struct user *u)
{
	buf_add(&ctl->out, STR("Added "));
	add_visible(&ctl->out, u->address);
	if (u->alias.len) {
		buf_add(&ctl->out, STR(". Its alias "));
		add_visible(&ctl->out, u->alias);
		buf_printf(&ctl->out, " is %s", u->active ? "on" : "off (see siegel alias on)");
	}
	buf_add(&ctl->out, STR(".\n"));
}

static void print_changed(struct ctl *ctl, const struct user *u)
{
	buf_add(&ctl->out, STR("Changed "));
	add_visible(&ctl->out, u->address);
	buf_add(&ctl->out, STR(".\n"));
}

static void print_removed(struct ctl *ctl, const struct user *u)
{
	(void)u;
	buf_printf(&ctl->out, "Removed %s. Its mail stays below %.*s/mail.\n",
		ctl->request.arguments[0], STR_ARG(ctl->settings->state_directory));
}

enum exit_status run_user_add(struct ctl *ctl)
{
	scoped(buf_free) struct buf hash = BUF(1024);
	struct user_add_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct user_answer answer;
	enum exit_status status;

	if (ctl->request.language && !language_of(ctl->request.language, &ask.language))
		return wrong_language(ctl, ctl->request.language);
	status = look_at_name(ctl, true);
	if (status == EXIT_DONE)
		status = take_hash(ctl, &hash);
	if (status != EXIT_DONE)
		return status;
	ask.hash = buf_str(&hash);
	status = ask_user_add(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	return account_answered(ctl, &answer, print_added);
}

enum exit_status run_user_passwd(struct ctl *ctl)
{
	scoped(buf_free) struct buf hash = BUF(1024);
	struct user_passwd_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct user_answer answer;
	enum exit_status status = look_at_name(ctl, false);

	if (status == EXIT_DONE)
		status = take_hash(ctl, &hash);
	if (status != EXIT_DONE)
		return status;
	ask.hash = buf_str(&hash);
	status = ask_user_passwd(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	return account_answered(ctl, &answer, print_changed);
}

enum exit_status run_user_language(struct ctl *ctl)
{
	struct alias_set_ask ask = { .address = str_of(ctl->request.arguments[0]),
		.set = ALIAS_SET_LANGUAGE };
	struct user_answer answer;
	enum exit_status status;

	if (!language_of(ctl->request.arguments[1], &ask.language))
		return wrong_language(ctl, ctl->request.arguments[1]);
	status = ask_alias_set(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	return account_answered(ctl, &answer, print_changed);
}

static bool is_on_or_off(const char *text, uint64_t *on)
{
	*on = !strcmp(text, "on");
	return *on || !strcmp(text, "off");
}

enum exit_status run_user_admin(struct ctl *ctl)
{
	struct user_admin_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct user_answer answer;
	enum exit_status status;

	if (!is_on_or_off(ctl->request.arguments[1], &ask.on)) {
		buf_printf(&ctl->err, "siegel: \"%s\" is neither on nor off\n",
			ctl->request.arguments[1]);
		return EXIT_USAGE;
	}
	status = ask_user_admin(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	return account_answered(ctl, &answer, print_changed);
}

enum exit_status run_user_factor(struct ctl *ctl)
{
	struct address_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct user_answer answer;
	enum exit_status status;
	uint64_t on;

	if (!is_on_or_off(ctl->request.arguments[1], &on) || on) {
		buf_add(&ctl->err,
			STR("siegel: a second factor is switched on by its owner, on the "
			    "settings page; off would be right here\n"));
		return EXIT_USAGE;
	}
	status = ask_user_factor_off(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	return account_answered(ctl, &answer, print_changed);
}

enum exit_status run_user_remove(struct ctl *ctl)
{
	struct address_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct user_answer answer;
	enum exit_status status = ask_user_remove(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	return account_answered(ctl, &answer, print_removed);
}

static enum exit_status list_json(struct ctl *ctl, const struct user_list_answer *answer)
{
	json_t *users = json_array();

	for (size_t i = 0; i < answer->users.len; i++)
		json_array_append_new(users, account_json(ctl, &answer->users.at[i]));
	return ctl_json(ctl, json_pack("{s:o}", "users", users));
}

enum exit_status run_user_list(struct ctl *ctl)
{
	struct empty ask = { 0 };
	struct user_list_answer answer;
	struct columns columns;
	enum exit_status status = ask_user_list(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	if (ctl->request.json)
		return list_json(ctl, &answer);
	columns_begin(&columns, "ACCOUNT|LANGUAGE|ALIAS|STATE|LEVEL|ADMIN|FACTOR");
	for (size_t i = 0; i < answer.users.len; i++) {
		const struct user *u = &answer.users.at[i];

		columns_add(&columns, u->address);
		columns_add(&columns, str_of(language_name(u->language)));
		columns_add(&columns, u->alias.len ? u->alias : STR("-"));
		columns_add(&columns, u->active ? STR("on") : STR("off"));
		columns_add(&columns, str_of(level_text(u->level)));
		columns_add(&columns, u->admin ? STR("yes") : STR("-"));
		columns_add(&columns, u->second_factor ? STR("on") : STR("-"));
	}
	columns_end(&columns, "", &ctl->out);
	return EXIT_DONE;
}
