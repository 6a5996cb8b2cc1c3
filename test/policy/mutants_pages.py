# SPDX-License-Identifier: ISC
"""mutants_pages.py - what the pages promise (SECURITY.md, and doc/api.yaml), each weakened in one place of the
web, store and mailbox roles' code. As in mutants.py; what only a running server shows is asked of
test/siegeld.
"""
from mutants import mutant


def role(name, rule, path, original, replacement, test, more=()):
    mutant(name, rule, path, original, replacement, [], more, roles=test)


# --- web: who may ask -----------------------------------------------------------------------------

ADMIT, WEB_SESSION, SERVE, WEB_SEND = ("src/web/admit.c", "src/web/session.c", "src/web/serve.c",
                                       "src/web/send.c")
COOKIE = "test_web.py -k cookie_is_for_our_pages"
SITES = "test_web.py -k another_site"

role("csrf-not-compared", "pages: a change needs the page's token", ADMIT,
     "	if (route_changes(r->route) && !same_secret(session.csrf, r->csrf))\n", "	if (false)\n", "test_web.py -k token_that_our_pages")
role("csrf-of-any-session", "pages: the token is this session's", ADMIT,
     "	if (route_changes(r->route) && !same_secret(session.csrf, r->csrf))\n", "	if (route_changes(r->route) && r->csrf.len != session.csrf.len)\n",
     "test_web.py -k token_that_our_pages")
role("cookie-for-scripts", "pages: no script reads the cookie", WEB_SESSION,
     "Path=/; HttpOnly; SameSite=Strict", "Path=/; SameSite=Strict", COOKIE)
role("cookie-for-other-sites", "pages: no other site's request brings the cookie", WEB_SESSION,
     "HttpOnly; SameSite=Strict", "HttpOnly; SameSite=Lax", COOKIE)
role("cookie-in-clear", "pages: the cookie of HTTPS stays in HTTPS", WEB_SESSION,
     "r->tls ? \"; Secure\" : \"\"", "\"\"", COOKIE)
role("cookie-of-any-host", "pages: no other host sets the cookie", ADMIT,
     "	return tls ? \"__Host-siegel\" : \"siegel\";", "	(void)tls;\n	return \"siegel\";", COOKIE)
role("cookie-outlives-log-out", "pages: log-out takes the cookie away", WEB_SESSION,
     "over ? \"; Max-Age=0\" : \"\"", "over ? \"\" : \"\"", "test_web.py -k session_begins_and_ends")
role("other-sites-ask", "pages: another site's request is refused", ADMIT,
     "	if (!comes_from_here(r))\n", "	if (false)\n", SITES)
role("neighbour-sites-ask", "pages: so is that of a site beside ours", ADMIT,
     "	if (site.len && !str_eq(site, STR(\"same-origin\")) &&",
     "	if (site.len && !str_eq(site, STR(\"same-origin\")) && !str_eq(site, STR(\"same-site\")) &&", SITES)
role("any-origin-asks", "pages: the origin is held against the host asked for", ADMIT,
     "	return !origin.len ||\n", "	return true ||\n", SITES)
mutant("any-name-is-ours", "pages: a name that isn't ours is not answered", ADMIT,
       "	bool ours = str_eq_nocase(name, settings->host_name) ||\n", "	bool ours = true ||\n", ["test_web"])
role("any-name-is-answered", "pages: a name that isn't ours is not answered", SERVE,
     "	if (!admit_host(r->settings, request_header(r, \"Host\"))) {\n", "	if (false) {\n",
     "test_web.py -k only_our_own_names")
role("form-makes-a-change", "pages: a form's content type makes no change", ADMIT,
     "	if (r->route->body == JSON_BODY && !str_eq_nocase(r->type, STR(\"application/json\")))\n",
     "	if (false)\n", "test_web.py -k refused_by_name")
role("stranger-sends-much", "pages: a stranger's question is small", ADMIT,
     "r->route->access == OPEN ? QUESTION_OPEN_MAX : QUESTION_MAX", "QUESTION_MAX",
     "test_web.py -k body_that_is_too_large")
role("many-values", "pages: a question is not made larger than it is", "src/web/request.c",
     "	return marks <= QUESTION_MARKS_MAX;", "	return true;", "test_web.py -k not_made_larger")
role("browser-is-its-own-proxy", "pages: over HTTPS nobody says who he is", SERVE,
     "	if (!house->tls)\n		look_behind_proxy(r);", "	look_behind_proxy(r);",
     "test_web.py -k over_https_nobody_says")
mutant("first-of-the-forwarded", "pages: the address is what the proxy appended", "src/web/forwarded.c",
       "	size_t comma = str_find_last(list, ',');\n", "	size_t comma = str_find(list, ',');\n", ["test_web"])
role("nothing-needs-tls-again", "pages: HTTPS is remembered", WEB_SEND,
     "	if (tls)\n		add(response, \"Strict-Transport-Security\"", "	if (false)\n		add(response, \"Strict-Transport-Security\"",
     "test_web.py -k with_and_without_tls")
role("frame-with-scripts", "pages: a mail's HTML runs no script", "src/web/mail.c",
     "	\"sandbox allow-popups ", "	\"sandbox allow-scripts allow-popups ", "test_mailbox.py -k html_has_no_scripts")
role("attachment-shown-as-a-page", "pages: an attachment is no page of ours", "src/web/mail.c",
     "	bool shown = ask.shown && type;\n", "	bool shown = ask.shown;\n	if (!type)\n		type = \"text/html\";\n",
     "test_mailbox.py -k never_a_page")


# --- web: what one account may take ----------------------------------------------------------------

SHARE = "src/web/share.c"
mutant("one-asks-for-all", "pages: one account has so many requests under way", SHARE,
       "	bool full = share->requests > 0 && share->requests >= most;\n", "	bool full = share->requests > most + 1000;\n",
       ["test_web"])
mutant("one-holds-all", "pages: and so many bytes", SHARE,
       "	bool there = n <= most && share->bytes <= most - n;\n", "	bool there = n <= most;\n", ["test_web"])
mutant("accounts-share-one-share", "pages: each account has a share of its own", SHARE,
       "	struct owner owner = { .account = account };\n", "	struct owner owner = { .account = account != 0 };\n",
       ["test_web"])
mutant("one-has-all-threads", "pages: one account's slow requests hold up nobody else", "src/web/work.c",
       "	return running < workers->most_of_one;", "	return running < workers->most;", ["test_web"])
mutant("line-waits-for-one", "pages: who waits for his own lets the others pass", "src/web/work.c",
       "		if (!may_run(workers, task))\n			continue;", "		if (!may_run(workers, task))\n			return NULL;",
       ["test_web"])
role("nobody-owns-a-task", "pages: an account has six threads of a kind", SERVE,
     "	r->task.whose = r->share;", "	r->task.whose = r->share ? r : NULL;", "test_web_share.py -k looks_at_many")
mutant("addresses-are-one", "pages: before a login each address counts", SHARE,
       "	if (!account)\n		memcpy(", "	if (account)\n		memcpy(", ["test_web"])
role("strangers-are-not-counted", "pages: before a login each address counts", SERVE,
     "	if (r->route->access == OPEN && !admit_address(r))",
     "	if (r->route->access == OPEN && !admit_address(r) && false)",
     "test_web_share.py -k so_many_logins")
role("bodies-are-not-counted", "pages: an account holds so many bytes", SERVE,
     "	if (!request_holds(r, n)) {", "	if (false) {", "test_web_share.py -k slowly_leaves_room")
role("answers-are-not-counted", "pages: who doesn't read holds so much", SERVE,
     "	if (size <= ANSWER_UNCOUNTED || request_holds(r, size))", "	if (size || request_holds(r, size))",
     "test_web_share.py -k does_not_read")


# --- the store: whose session it is ----------------------------------------------------------------

SESSION, STATEMENTS = "src/store/session.c", "src/store/statements.def"
SESSIONS, FACTORS, LOGINS = ["test_store_session"], ["test_store_factor"], ["test_store_login"]

mutant("session-never-over", "sessions: it ends unused, and in any case", SESSION,
       "	if (expires_at(store, who->created, who->seen) <= now)\n		return false;\n", "", SESSIONS)
mutant("session-used-forever", "sessions: it ends at last, however used", SESSION,
       "	return idle < absolute ? idle : absolute;", "	return idle;", SESSIONS)
mutant("looking-on-is-use", "sessions: waiting for changes is no use", SESSION,
       "	return find_account(store, token, false, arena, who);",
       "	return find_account(store, token, true, arena, who);", SESSIONS)
mutant("another-accounts-password", "sessions: the password is the session's own account's", SESSION,
       "	return proof->outcome == LOGIN_OK && proof->account == who->account &&\n",
       "	return proof->outcome == LOGIN_OK &&\n", SESSIONS + FACTORS + LOGINS)
mutant("password-of-before", "sessions: a password that changed meanwhile proves nothing", SESSION,
       "	if (!login_still_holds(store, proof))\n		return;\n", "", SESSIONS)
mutant("session-of-another-ended", "sessions: one of the list is one's own", STATEMENTS,
       "\"DELETE FROM session WHERE number = ?1 AND account = ?2\"",
       "\"DELETE FROM session WHERE number = ?1 AND ?2 > 0\"", SESSIONS)
mutant("sessions-without-end", "sessions: an account has a thousand", SESSION,
       "	RUN(&store->db, SESSION_CROWD_OUT, as_number(account), as_number(SESSIONS_OF_ACCOUNT));\n", "",
       SESSIONS)
mutant("token-on-disk", "sessions: the database doesn't hold the token", SESSION,
       "	sqlite3_stmt *s = ASK(&store->db, SESSION_OF_TOKEN, as_text(secret_digest(arena, token)));\n",
       "	sqlite3_stmt *s = ASK(&store->db, SESSION_OF_TOKEN, as_text(token));\n", SESSIONS,
       [(SESSION, "	RUN(&store->db, SESSION_ADD, as_number(account), as_text(secret_digest(arena, token)),\n",
         "	RUN(&store->db, SESSION_ADD, as_number(account), as_text(token),\n")])
mutant("others-stay-logged-in", "sessions: a new password ends the others", "src/store/password.c",
       "	session_end_others(", "	if (false)\n		session_end_others(", SESSIONS)

# --- the second factor, and guessing ----------------------------------------------------------------

FACTOR, TOTP, LOGIN, THROTTLE = ("src/store/factor.c", "src/store/totp.c", "src/store/login.c",
                                 "src/store/throttle.c")

mutant("factor-without-code", "second factor: the password is not enough", SESSION,
       "	if (!ask->code.len)\n		return WEB_NEEDS_CODE;", "	if (!ask->code.len)\n		return WEB_OK;", FACTORS)
mutant("guessing-codes", "second factor: guessing has to wait", SESSION,
       "	login_failed(store, proof->address, ask->peer);\n", "", FACTORS)
mutant("codes-beyond-the-throttle", "second factor: who has to wait isn't heard", SESSION,
       "	if (wait)\n		return WEB_THROTTLED;\n", "", FACTORS)
mutant("code-counts-twice", "second factor: a code counts once", TOTP,
       "		bool counts = (same & (at > used)) != 0;\n", "		bool counts = same;\n		(void)used;\n",
       FACTORS)
mutant("code-use-not-written", "second factor: that it was used is on disk", FACTOR,
       "	RUN(&store->db, FACTOR_USED, as_number(account), as_number(step));\n", "", FACTORS)
mutant("clock-far-off", "second factor: a clock may be one step off", "src/store/totp.h",
       "TOTP_DRIFT = 1 }", "TOTP_DRIFT = 4 }", FACTORS)
mutant("recovery-counts-twice", "second factor: a recovery code counts once", STATEMENTS,
       "\"DELETE FROM recovery_code WHERE account = ?1 AND hash = ?2\"",
       "\"UPDATE recovery_code SET hash = hash WHERE account = ?1 AND hash = ?2\"", FACTORS)
mutant("anothers-recovery-code", "second factor: a recovery code is its account's", STATEMENTS,
       "\"DELETE FROM recovery_code WHERE account = ?1 AND hash = ?2\"",
       "\"DELETE FROM recovery_code WHERE ?1 > 0 AND hash = ?2\"", FACTORS)
mutant("factor-off-without-password", "second factor: it goes off with the password alone", FACTOR,
       "	if (!session_proved(store, &who, proof))\n		return;\n", "	(void)proof;\n", FACTORS)
mutant("factor-on-without-code", "second factor: it goes on with a code", FACTOR,
       "	if (!factor.there || !use_code(store, who->account, &factor, bare(code, arena))) {\n",
       "	if (!factor.there) {\n", FACTORS)
mutant("programs-beyond-the-factor", "second factor: behind it the password is for the pages", LOGIN,
       "	if (!question->web && known.account && factor_is_on(store, known.account))\n		known.account = 0;\n",
       "", LOGINS)
mutant("guessing-for-free", "throttle: failures are counted", THROTTLE,
       "	return entry ? entry->failures : 0;", "	return entry ? 0 : 0;", LOGINS)
mutant("address-by-address", "throttle: an IPv6 address stands for its /64", THROTTLE,
       "	if (inet_pton(AF_INET6, room, &address) != 1)\n", "	if (true || inet_pton(AF_INET6, room, &address) != 1)\n",
       LOGINS)
mutant("never-forgotten", "throttle: what failed is forgotten after its window", THROTTLE,
       "	return entry->key && now - entry->since < THROTTLE_WINDOW;", "	return entry->key && now >= entry->since;",
       LOGINS)

# --- application passwords, choices ------------------------------------------------------------------

APP, CHOICE = "src/store/app_password.c", "src/store/choice.c"

mutant("app-password-on-the-pages", "application passwords: for mail programs alone", LOGIN,
       "	if (!question->web && known.account &&\n		app_password_is_right(",
       "	if (known.account &&\n		app_password_is_right(", LOGINS)
FAMILIAR = "src/store/familiar.c"
mutant("everybody-locks-an-account", "logins: failing elsewhere keeps nobody out", LOGIN,
       "		account = 0;\n	return account > peer", "		account += 0;\n	return account > peer", LOGINS)
mutant("familiar-everywhere", "logins: an account's lock holds for strangers", FAMILIAR,
       "	return pair->account == account && pair->network == network;",
       "	(void)network;\n	return pair->account == account;", LOGINS)
mutant("familiar-for-ever", "logins: a network is familiar for a month", FAMILIAR,
       "now - set[i].seen < FAMILIAR_FOR;", "now >= set[i].seen;", LOGINS)
mutant("familiar-by-password-alone", "logins: where a code is asked for, it takes the code", LOGIN,
       "	if (!login->web) /* else", "	if (true) /* else", LOGINS)
mutant("thief-stays-familiar", "logins: a new password makes all networks strange", SESSION,
       "	familiar_forget(&store->familiar, account);\n", "", LOGINS)
mutant("app-password-by-session", "application passwords: making one takes the password", APP,
       "	if (!session_proved(store, &who, proof))\n		return;\n", "	(void)proof;\n", LOGINS)
mutant("anothers-app-password", "application passwords: each is its account's", STATEMENTS,
       "\"DELETE FROM app_password WHERE account = ?1 AND number = ?2\"",
       "\"DELETE FROM app_password WHERE ?1 > 0 AND number = ?2\"", LOGINS)
mutant("app-password-of-anybody", "application passwords: each is its account's", STATEMENTS,
       "\"SELECT number, used FROM app_password WHERE account = ?1 AND hash = ?2\"",
       "\"SELECT number, used FROM app_password WHERE ?1 > 0 AND hash = ?2\"", LOGINS)
mutant("app-passwords-without-end", "application passwords: there are fifty at most", APP,
       "		APP_PASSWORDS_MAX)\n		return STR(\"there are 50 already", "		INT32_MAX)\n		return STR(\"there are 50 already",
       LOGINS)
mutant("any-preference", "choices: a preference has one of its values", CHOICE,
       "		if (!is_value(rule, asked->value))\n", "		if (false)\n", ["test_store_choice"])
mutant("name-of-two-lines", "choices: a name is one line", CHOICE,
       "		return is_text(value, rule->most, true);", "		return is_text(value, rule->most, false);",
       ["test_store_choice"])

# --- sending and taking back ----------------------------------------------------------------------

SEND, TAKE = "src/store/send.c", "src/store/take.c"
SENDS = ["test_store_send"]

mutant("level-is-lowered", "sending: what the page has shown is kept", SEND,
       "	taking->terms.least = level_demands((enum level)ask->level);\n", "", SENDS)
mutant("sent-twice", "sending: asked twice it is sent once", SEND,
       "	if (!find_sent(store, (int64_t)caller->taking.ask.account, ask->sent, &sent))\n		return true;\n",
       "	if (!find_sent(store, (int64_t)caller->taking.ask.account, ask->sent, &sent) || true)\n		return true;\n",
       SENDS)
mutant("two-large-ones", "sending: so is a large one asked twice at once", TAKE,
       "	if (caller->call == CALL_send && !send_is_new(store, caller))\n		return;\n", "", SENDS)
mutant("revision-not-compared", "sending: what was changed since isn't said to be sent", SEND,
       "	if (ask->revision > (uint64_t)sent.revision)\n		return say(&caller->answer.send, WEB_TOO_LATE,",
       "	if (false)\n		return say(&caller->answer.send, WEB_TOO_LATE,", SENDS)
mutant("taken-back-is-sent-again", "sending: what was taken back goes by a later revision alone", SEND,
       "	if (sent.undone && ask->revision > (uint64_t)sent.revision)\n", "	if (sent.undone)\n",
       SENDS)
mutant("held-for-ever", "sending: a hold is a minute at most", SEND,
       "ask->hold_ms < SEND_HOLD_MOST ? ask->hold_ms : SEND_HOLD_MOST", "ask->hold_ms", SENDS)
mutant("body-as-the-page-likes", "sending: a body is one that SMTP could bring", SEND,
       "	if (!eight_bit_is_fit(body) || !str_ends_nocase(body, STR(\"\\r\\n\")))\n", "	if (false)\n", SENDS)
mutant("undo-of-another", "taking back: another account's mail is not found", STATEMENTS,
       "\" WHERE account = ?1 AND sent = ?2\") \\\n	row(SENT_ADD", "\" WHERE ?1 > 0 AND sent = ?2\") \\\n	row(SENT_ADD",
       SENDS)
mutant("undo-too-late", "taking back: what is due has left", SEND,
       "	if (!message || store->now >= sent.held_until ||", "	if (!message ||", SENDS)
mutant("undo-in-somebodys-hand", "taking back: what is in somebody's hand has left", SEND,
       "			    !schedule_is_claimed(d, row_number(s, 0));", "			    true;", SENDS)

# --- the mailbox --------------------------------------------------------------------------------

DRAFT, DRAFT_OPEN, DRAFT_FILE = "src/mailbox/draft.c", "src/mailbox/draft_open.c", "src/mailbox/draft_file.c"
DRAFT_SEND, DRAFT_SENT, CHANGE = "src/mailbox/draft_send.c", "src/mailbox/draft_sent.c", "src/mailbox/change.c"
DRAFTS, CHANGES, LISTS = ["test_draft"], ["test_mailbox_change"], ["test_mailbox_list"]

mutant("state-of-another-draft", "drafts: a state is that of the draft its file is named for", DRAFT_OPEN,
       "	if (!good || !str_eq(open->draft.state.draft, id)) {\n", "	if (!good) {\n", DRAFTS)
mutant("older-revision-wins", "drafts: an older revision is not taken", DRAFT,
       "	if (outcome == WEB_OK && is_outdated(&open, &draft))\n", "	if (false)\n", DRAFTS)
mutant("same-revision-other-words", "drafts: a revision stands for one text", DRAFT,
       "	       !same_words(&open->draft.state, &draft->state);", "	       false;", DRAFTS)
mutant("draft-of-what-was-sent", "drafts: what was sent is no draft again", DRAFT,
       "	if (outcome == WEB_OK && !open.found && draft_has_copy(drafts, ask->draft))\n", "	if (false)\n", DRAFTS)
mutant("draft-behind-a-link", "drafts: what a link leads to is not read", DRAFT_FILE,
       "		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);",
       "		openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);", DRAFTS)
mutant("attachment-behind-a-link", "drafts: nor is an attachment", "src/mailbox/staging.c",
       "	return openat(own, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);",
       "	return openat(own, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);", DRAFTS)
mutant("drafts-fill-the-disk", "drafts: the disk's reserve is for mail", DRAFT_OPEN,
       "	return available >= drafts->disk_reserve && available - drafts->disk_reserve >= bytes;",
       "	return available >= bytes;", DRAFTS)
mutant("sent-twice-is-not-found", "drafts: sent twice is sent once", DRAFT_SENT,
       "	if (is_there && copy.revision >= ask->revision)\n		return WEB_OK; /* before */\n", "", DRAFTS)
mutant("filed-though-taken-back", "drafts: what was taken back is not filed by one who is late", DRAFT_SENT,
       "	if (outcome == WEB_OK && composition_is_taken_back(open->own, ask->revision)) {\n", "	if (false) {\n",
       DRAFTS)
mutant("taken-back-though-sent-again", "drafts: nor is what was sent again taken back", DRAFT_SENT,
       "	if (kept.revision > ask->revision) {\n", "	if (false) {\n", DRAFTS)
mutant("draft-that-was-not-sent", "drafts: a revision that was not sent stays a draft", DRAFT_SENT,
       "	if (outcome == WEB_OK && open->found && open->place.revision <= ask->revision)\n",
       "	if (outcome == WEB_OK && open->found)\n", DRAFTS)
mutant("copy-gone-though-sent-again", "drafts: nor does its copy go", DRAFT_SENT,
       "		copy.revision > ask->revision || ", "		", DRAFTS)
mutant("later-copy-filed", "drafts: what is composed is found by its revision", "src/mailbox/composition.c",
       "		if (read_name(e->d_name, found) && found->revision == revision)\n",
       "		if (read_name(e->d_name, found))\n", DRAFTS)
role("file-nobody-saw", "drafts: no file is sent but those that the page has shown", DRAFT_SEND,
     "	if (!ask->named)\n", "	if (true)\n", "test_send.py -k page_has_seen")
mutant("bcc-is-told", "drafts: who got a blind copy is told nobody", DRAFT_SEND,
       "	m.bcc.n = 0;\n", "", DRAFTS)
mutant("one-revision-two-messages", "drafts: a revision is composed to one message", DRAFT_SEND,
       "	if (known && !composition_is_same(open->own, fd, known)) {\n", "	if (false) {\n", DRAFTS)
mutant("moved-over-another", "mailbox: nothing is moved over another file", CHANGE,
       "	if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)\n",
       "	if (renameat2(from, name, to, new_name, 0) == 0)\n", CHANGES)
mutant("thrown-over-another", "mailbox: nor into the trash", "src/mailbox/folders.c",
       "	if (renameat2(part, file, trash, name, RENAME_NOREPLACE) == 0)\n",
       "	if (renameat2(part, file, trash, name, 0) == 0)\n", CHANGES)
mutant("changed-without-end", "mailbox: a change has a thousand messages at most", CHANGE,
       "	return ask->ids.len <= CHANGE_IDS_MAX && ", "	return ", CHANGES)
mutant("flags-nobody-knows", "mailbox: a change has the flags there are", CHANGE,
       "!(ask->add & ~(uint64_t)FLAGS_ALL) &&", "true &&", CHANGES)
mutant("path-for-a-folder", "mailbox: a folder is one directory of the account's", "src/mailbox/folder_name.c",
       "c > '~' || c == '/' ||", "c > '~' ||", CHANGES)
mutant("anothers-mailbox", "mailbox: a session opens its own account's folder", "src/mailbox/account.c",
       "			      strcmp((*at)->path->local, path->local) != 0))\n", "			      false))\n", LISTS)
mutant("session-kept-for-ever", "mailbox: the end of a session is felt in three seconds", "src/mailbox/session.c",
       "		k->token.len && !deadline_passed(k->until) && is_equal(", "		k->token.len && is_equal(", LISTS)
mutant("any-token-is-this-one", "mailbox: a session that is none opens no folder", "src/mailbox/session.c",
       "	if (answer.outcome != WEB_OK)\n", "	if (false)\n", LISTS)
mutant("folder-behind-a-link", "mailbox: no link is followed to a folder", "src/mailbox/folder.c",
       "O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);\n}\n\nDIR", "O_RDONLY | O_DIRECTORY | O_CLOEXEC);\n}\n\nDIR",
       CHANGES + ["test_maildir"])
mutant("slash-in-an-account", "mailbox: an account's name is one directory", "src/mailbox/folder.c",
       "!strchr(\"/%\\\"'\\\\\", c)", "!strchr(\"%\\\"'\\\\\", c)", ["test_maildir"])
mutant("others-letters-are-lost", "mailbox: letters of other programs stay", "src/mailbox/file_name.c",
       "		if (!flag_of(info.at[i]) && !is_keyword(info.at[i]))\n			buf_add_char(to, info.at[i]);\n",
       "		(void)info;\n", CHANGES)
KEYWORDS, WATCH = "src/mailbox/keywords.c", "src/mailbox/watch.c"
mutant("keywords-by-letter", "mailbox: a keyword goes along by its name", KEYWORDS,
       "wanted & 1u << i ? find_name(to, from->names[i]) : KEYWORDS_N;", "wanted & 1u << i ? i : KEYWORDS_N;", CHANGES)
mutant("keywords-without-the-lock", "mailbox: a list of keywords that another has locked is left alone", KEYWORDS,
       "	if (lock < 0)\n		return;\n", "", CHANGES)
mutant("keywords-left-for-good", "mailbox: what can't be said there is back with the message", CHANGE,
       "	return l->left_in && l->left_in == c->number ? there | l->left : there;\n", "	return there;\n", CHANGES)
mutant("waiting-is-use", "sessions: a page that only waits is no use of its session", "src/store/session.c",
       "	return find_account(store, token, false, arena, who);\n", "	return find_account(store, token, true, arena, who);\n",
       ["test_store_session"])
role("own-doing-is-news", "mailbox: what a page does itself is not told to it", CHANGE,
     "	scan_own(c->account);\n", "	scan(c->account);\n", "test_mailbox.py -k itself_is_not_told")
role("nobody-is-told", "mailbox: what another program does is told to an open page", WATCH,
     "		tell(w, mailbox);\n", "		(void)tell;\n", "test_mailbox.py -k is_told_to_an_open_page")
