/* SPDX-License-Identifier: ISC
 *
 * sts_discover.c - see sts_discover.h. Runs in threads of delivery. DNS and the web server are
 * asked in that order, and the second only if the first has something new: what either fails to
 * say is "unknown", never "absent" (policy.md section 2).
 */
#include "delivery/sts_discover.h"

#include "net/fetch.h"

enum { HTTPS_PORT = 443 };

#define POLICY_HOST STR("mta-sts.")
#define POLICY_PATH STR("/.well-known/mta-sts.txt")

static struct str name_under(struct arena *arena, struct str label, struct str domain)
{
	return arena_printf(arena, "%.*s%.*s", STR_ARG(label), STR_ARG(domain));
}

/* The record. False: it has settled the matter. */
static bool ask_record(const struct config *config, const struct sts_question *question,
	struct arena *arena, struct sts_found *found, struct deadline deadline)
{
	struct str name = name_under(arena, STR("_mta-sts."), question->domain);
	struct txt_answer txt =
		resolver_txt(config->resolver, name, question->cold, arena, deadline);

	found->id = STR("");
	if (txt.kind == TXT_FAILED) {
		why_not(&found->why, "the TXT record can't be looked up");
		found->kind = STS_FOUND_UNKNOWN;
		return question->refresh;
	}
	if (txt.kind == TXT_NONE || !sts_record_read(txt.at, txt.len, &found->id)) {
		why_not(&found->why, "there is no TXT record of MTA-STS");
		found->kind = STS_FOUND_NO_RECORD;
		return false;
	}
	if (!question->refresh && str_eq(found->id, question->known_id)) {
		found->kind = STS_FOUND_KNOWN;
		return false;
	}
	return true;
}

static void fetch_policy(const struct config *config, const struct sts_question *question,
	struct arena *arena, struct sts_found *found, struct deadline deadline)
{
	scoped(buf_free) struct buf text = BUF(STS_TEXT_MAX);
	struct ip addresses[FETCH_ADDRESSES_MAX];
	struct fetch ask = { .host = name_under(arena, POLICY_HOST, question->domain),
		.port = HTTPS_PORT,
		.path = POLICY_PATH,
		.addresses = addresses,
		.allowed = config->allowed,
		.n_allowed = config->n_allowed,
		.tls = config->tls };
	struct arena reading = ARENA(STS_ARENA_MAX);
	struct sts_policy policy;

	ask.n_addresses = resolver_addresses(config->resolver, ask.host, question->cold, addresses,
		FETCH_ADDRESSES_MAX, deadline);
	enum fetch_result result = fetch_text(&ask, &text, deadline, &found->why);
	if (result == FETCH_FAILED)
		found->kind = STS_FOUND_UNKNOWN;
	else if (result != FETCH_TEXT ||
		 !sts_policy_read(buf_str(&text), &reading, &policy, &found->why))
		found->kind = STS_FOUND_NO_POLICY;
	else
		found->kind = STS_FOUND_POLICY;
	arena_free(&reading);
	if (found->kind != STS_FOUND_POLICY)
		return;
	found->text = arena_str(arena, buf_str(&text));
	if (!found->text.at) { /* a huge set of TXT records came before it */
		why_not(&found->why, "no memory for the policy");
		found->kind = STS_FOUND_UNKNOWN;
	}
	if (!found->id.len)
		found->id = question->known_id;
}

void sts_discover(const struct config *config, const struct sts_question *question,
	struct arena *arena, struct sts_found *found, struct deadline deadline)
{
	if (!ask_record(config, question, arena, found, deadline))
		return;
	if (found->id.len && str_eq(found->id, question->tired_id)) {
		why_not(&found->why, "the policy could not be fetched a moment ago");
		found->kind = STS_FOUND_UNKNOWN;
		return;
	}
	found->asked_server = true;
	fetch_policy(config, question, arena, found, deadline);
}
