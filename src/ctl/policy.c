/* SPDX-License-Identifier: ISC
 *
 * policy.c - the command `siegel policy explain`: what mail/policy says of a host about which this
 * and that is known, why, and which single fact would change it. It asks no server and no DNS; the
 * words are those of the truth table in test/policy.
 */
#include "ctl/ctl.h"
#include "mail/policy_words.h"

/* What is asked, and the answer. */
struct explained {
	demands wanted;
	struct policy_case facts;
	uint32_t given; /* a bit for each fact that was named */
	struct judgement judgement;
	bool plaintext, connects;
	const char *proven_by;
};

/* What the reason's text finishes, and the headings. */
static const struct {
	const char *accepted, *plaintext, *unknown, *refused;
	const char *demanded, *verdict, *matters, *changes, *second_look, *no_connection,
		*proven_by;
} words[LANGUAGES_N] = {
	[LANGUAGE_EN] = {
		.accepted = "The host is accepted: all that is demanded and all that is published holds.",
		.plaintext = "The message is sent in plaintext, because ",
		.unknown = "The message waits and is tried again, because ",
		.refused = "The message is not sent to this host, because ",
		.demanded = "Demanded",
		.verdict = "Verdict",
		.matters = "What it rests on",
		.changes = "What one other fact would change",
		.second_look = "A second look with fresh DNS and fresh connections comes first.",
		.no_connection = "This is known before connecting; no connection is made.",
		.proven_by = "Proven by",
	},
	[LANGUAGE_DE] = {
		.accepted = "Der Server wird angenommen: alles Verlangte und alles Veröffentlichte gilt.",
		.plaintext = "Die Nachricht wird unverschlüsselt gesendet, weil ",
		.unknown = "Die Nachricht wartet und wird erneut versucht, weil ",
		.refused = "Die Nachricht wird an diesen Server nicht gesendet, weil ",
		.demanded = "Verlangt",
		.verdict = "Urteil",
		.matters = "Worauf es beruht",
		.changes = "Was eine andere Tatsache ändern würde",
		.second_look = "Zuvor wird mit frischem DNS und neuen Verbindungen noch einmal nachgesehen.",
		.no_connection = "Das steht vor dem Verbinden fest; es gibt keine Verbindung.",
		.proven_by = "Bewiesen durch",
	},
};

/* In the table's words; plaintext is a way of being accepted that people want to know of. */
static const char *outcome(const struct explained *e)
{
	return e->plaintext ? "plaintext" : verdict_word(e->judgement.verdict);
}

static void judge(struct explained *e)
{
	struct plaintext_permit permit;
	struct route_facts route;
	struct host_facts host;

	policy_case_facts(&e->facts, &route, &host);
	e->judgement = policy_judge(e->wanted, &route, &host);
	e->plaintext = policy_permit_plaintext(e->wanted, &route, &host, &permit);
	e->connects = policy_plan(e->wanted, &route).connect;
	e->proven_by =
		e->judgement.verdict == VERDICT_ACCEPTED ? policy_proven_by(&route, &host) : "";
}

/* The same with one fact changed. */
static struct explained judge_with(
	const struct explained *e, enum policy_fact fact, unsigned number)
{
	struct explained other = *e;

	other.facts.word[fact] = (unsigned char)number;
	judge(&other);
	return other;
}

static bool differs(const struct explained *a, const struct explained *b)
{
	return a->judgement.verdict != b->judgement.verdict ||
	       a->judgement.reason != b->judgement.reason || a->plaintext != b->plaintext;
}

static bool matters(const struct explained *e, enum policy_fact fact)
{
	for (unsigned i = 0, n = policy_words_n(fact); i < n; i++) {
		struct explained other = judge_with(e, fact, i);
		if (differs(e, &other))
			return true;
	}
	return false;
}

static const char *reason_or_dash(const struct explained *e)
{
	return e->judgement.reason == REASON_NONE ? "-" : reason_id(e->judgement.reason);
}

/* "tls+auth: mx=validated ... -> refused certificate-expired", a row as the table has it. */
static void add_row(struct buf *to, const struct explained *e)
{
	policy_add_demands(to, e->wanted);
	buf_add_char(to, ':');
	for (unsigned i = 0; i < POLICY_FACTS_N; i++) {
		enum policy_fact fact = (enum policy_fact)i;
		if (matters(e, fact))
			buf_printf(to, " %s=%s", policy_fact_name(fact),
				policy_word(fact, e->facts.word[i]));
	}
	buf_printf(to, " -> %s %s\n", outcome(e), reason_or_dash(e));
}

static void add_why(struct buf *to, const struct explained *e, enum language language)
{
	const char *begins = words[language].accepted;

	if (e->plaintext)
		begins = words[language].plaintext;
	else if (e->judgement.verdict == VERDICT_UNKNOWN)
		begins = words[language].unknown;
	else if (e->judgement.verdict == VERDICT_REFUSED)
		begins = words[language].refused;
	buf_add(to, str_of(begins));
	if (e->judgement.reason != REASON_NONE)
		buf_printf(to, "%s.", reason_text(e->judgement.reason, language));
	if (policy_needs_second_look(e->judgement))
		buf_printf(to, "\n  %s", words[language].second_look);
	if (!e->connects)
		buf_printf(to, "\n  %s", words[language].no_connection);
	if (e->proven_by[0])
		buf_printf(to, "\n  %s: %s.", words[language].proven_by, e->proven_by);
}

/* The facts that were named, and those without which the verdict would be another one. */
static void add_facts(struct buf *to, const struct explained *e, enum language language)
{
	buf_printf(to, "\n%s:\n", words[language].matters);
	for (unsigned i = 0; i < POLICY_FACTS_N; i++) {
		enum policy_fact fact = (enum policy_fact)i;
		unsigned number = e->facts.word[i];
		if (matters(e, fact) || e->given & 1U << i)
			buf_printf(to, "  %s=%s (%s: %s)\n", policy_fact_name(fact),
				policy_word(fact, number), policy_fact_title(fact, language),
				policy_word_text(fact, number, language));
	}
}

/* The words of a fact that would change the verdict, those to the same end in one line. True if
 * there are any. */
static bool add_changes_of(struct buf *to, const struct explained *e, enum policy_fact fact)
{
	unsigned n = policy_words_n(fact);
	uint32_t told = 0;

	for (unsigned first = 0; first < n; first++) {
		struct explained one = judge_with(e, fact, first);
		if (told & 1U << first || !differs(e, &one))
			continue;
		buf_printf(to, "  %s=", policy_fact_name(fact));
		for (unsigned i = first; i < n; i++) {
			struct explained other = judge_with(e, fact, i);
			if (differs(&one, &other))
				continue;
			buf_printf(to, "%s%s", i > first ? "|" : "", policy_word(fact, i));
			told |= 1U << i;
		}
		buf_printf(to, " -> %s %s\n", outcome(&one), reason_or_dash(&one));
	}
	return told != 0;
}

static void add_changes(struct buf *to, const struct explained *e, const bool in[LANGUAGES_N])
{
	bool any = false;

	for (unsigned i = 0; i < LANGUAGES_N; i++)
		if (in[i])
			buf_printf(to, "%s%s", i && in[0] ? " / " : "\n", words[i].changes);
	buf_add(to, STR(":\n"));
	for (unsigned i = 0; i < POLICY_FACTS_N; i++)
		any |= add_changes_of(to, e, (enum policy_fact)i);
	if (!any)
		buf_add(to, STR("  -\n"));
}

static void add_explained(struct buf *to, const struct explained *e, enum language language)
{
	buf_printf(to, "%s: ", words[language].demanded);
	policy_add_demands(to, e->wanted);
	buf_printf(to, "\n%s: %s", words[language].verdict, outcome(e));
	if (e->judgement.reason != REASON_NONE)
		buf_printf(to, ", %s (%c.%s)", reason_id(e->judgement.reason),
			e->judgement.verdict == VERDICT_REFUSED ? '5' : '4',
			reason_code(e->judgement.reason));
	buf_add(to, STR("\n  "));
	add_why(to, e, language);
	buf_add_char(to, '\n');
	add_facts(to, e, language);
}

static json_t *why_json(const struct explained *e, enum language language)
{
	struct buf text = BUF(4096);

	add_why(&text, e, language);
	for (size_t i = 0; i < text.len; i++) /* the lines of the text, as one */
		if (text.at[i] == '\n')
			text.at[i] = ' ';
	json_t *value = json_text(buf_str(&text));
	buf_free(&text);
	return value;
}

static json_t *facts_json(const struct explained *e, bool that_matter)
{
	json_t *facts = json_object();

	for (unsigned i = 0; i < POLICY_FACTS_N; i++) {
		enum policy_fact fact = (enum policy_fact)i;
		if (!that_matter || matters(e, fact))
			json_object_set_new(facts, policy_fact_name(fact),
				json_string(policy_word(fact, e->facts.word[i])));
	}
	return facts;
}

static json_t *changes_json(const struct explained *e)
{
	json_t *changes = json_array();

	for (unsigned i = 0; i < POLICY_FACTS_N; i++) {
		enum policy_fact fact = (enum policy_fact)i;
		for (unsigned n = 0; n < policy_words_n(fact); n++) {
			struct explained other = judge_with(e, fact, n);
			if (differs(e, &other))
				json_array_append_new(changes,
					json_pack("{s:s, s:s, s:s, s:s}", "fact",
						policy_fact_name(fact), "word",
						policy_word(fact, n), "verdict", outcome(&other),
						"reason", reason_id(other.judgement.reason)));
		}
	}
	return changes;
}

static enum exit_status explain_json(struct ctl *ctl, const struct explained *e)
{
	return ctl_json(
		ctl, json_pack("{s:o, s:s, s:s, s:b, s:b, s:s, s:{s:o, s:o}, s:o, s:o, s:o}",
			     "demands", demands_json(e->wanted), "verdict", outcome(e), "reason",
			     reason_id(e->judgement.reason), "connects", e->connects, "second_look",
			     policy_needs_second_look(e->judgement), "proven_by", e->proven_by,
			     "why", "en", why_json(e, LANGUAGE_EN), "de", why_json(e, LANGUAGE_DE),
			     "rests_on", facts_json(e, true), "facts", facts_json(e, false),
			     "would_change", changes_json(e)));
}

static bool read_language(struct ctl *ctl, bool in[LANGUAGES_N])
{
	struct str language = str_of(ctl->request.language);

	in[LANGUAGE_EN] = !language.len || str_eq(language, STR("en"));
	in[LANGUAGE_DE] = !language.len || str_eq(language, STR("de"));
	if (in[LANGUAGE_EN] || in[LANGUAGE_DE])
		return true;
	buf_printf(&ctl->err, "siegel: no language \"%s\"; en or de would be right\n",
		ctl->request.language);
	return false;
}

static bool read_question(struct ctl *ctl, struct explained *e)
{
	const char *level = ctl->request.level ? ctl->request.level : "encrypt";
	struct buf error = BUF(4096);

	*e = (struct explained){ .facts = policy_case_best };
	if (!policy_demands_of(str_of(level), &e->wanted)) {
		buf_printf(&ctl->err,
			"siegel: no level \"%s\"; opportunistic, encrypt, secure, dane-only, "
			"verify, or "
			"demands such as tls+auth+requiretls would be right\n",
			level);
		return false;
	}
	bool good = policy_case_read(str_of(ctl->request.facts), &e->facts, &e->given, &error);
	if (!good)
		buf_printf(&ctl->err, "siegel: %.*s\n", STR_ARG(buf_str(&error)));
	buf_free(&error);
	return good;
}

enum exit_status run_policy_explain(struct ctl *ctl)
{
	bool in[LANGUAGES_N];
	struct explained e;

	if (!read_language(ctl, in) || !read_question(ctl, &e))
		return EXIT_USAGE;
	judge(&e);
	if (ctl->request.json)
		return explain_json(ctl, &e);
	add_row(&ctl->out, &e);
	for (unsigned i = 0; i < LANGUAGES_N; i++) {
		if (!in[i])
			continue;
		buf_add_char(&ctl->out, '\n');
		add_explained(&ctl->out, &e, (enum language)i);
	}
	add_changes(&ctl->out, &e, in);
	return EXIT_DONE;
}
