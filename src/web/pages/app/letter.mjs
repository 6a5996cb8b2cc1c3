/* SPDX-License-Identifier: ISC
 *
 * letter.mjs - this server's own letter about a mail that was not sent or still waits: what
 * happened and why on top, in the reader's language, and what can be done now. That a mail is such
 * a letter, and what it is about, is the store's word and not the mail's.
 */
import { get, p, query } from "./api.mjs";
import { button, fill, h, icon } from "./dom.mjs";
import * as folders from "./folders.mjs";
import { addressNode } from "./mailtext.mjs";
import { check, markNode } from "./marks.mjs";
import { advice, what } from "./reasons.mjs";
import { itemOf } from "./sent.mjs";
import { minute, t, tn } from "./words.mjs";

/* The card on top of the letter `m` (a promise); mails(): the summaries of its conversation. */
export async function letter(m, mails, context) {
	const card = h("section", { class: "letter", "aria-label": t("letter") });
	const { about, failed, reason } = m.arrival;
	if (!about && !failed)
		return fill(card, h("p", { class: "came small" }, icon("info"), h("span", null, t("letter-own"))));
	const copy = about ? null : await copyOf(m, mails());
	draw(about ? await itemOf(about).catch(() => null) : null);
	return card;

	function draw(item) {
		const r = item?.recipients.find(one => one.address.toLowerCase() === failed.toLowerCase());
		const waits = r?.state === "waiting" || r?.state === "second-look";
		const arrived = r?.state === "delivered";
		const sealed = r ? r.demands.length > 0 : speaksOfSealing(reason);
		const kind = arrived ? "arrived" : waits ? "waits" : "not-sent";
		fill(card, h("div", { class: "note " + { arrived: "", waits: "doubtful", "not-sent": "bad" }[kind] },
			icon({ arrived: "check", waits: "clock", "not-sent": "stop" }[kind]),
			h("div", null,
				h("h2", null, t("letter-" + kind)),
				h("p", null, tn(item?.subject ? "letter-which" : "letter-whom", { subject: h("b", null, h("bdi", null, item?.subject ?? "")), address: h("b", null, addressNode(failed)) })),
				!arrived && h("p", null, what(reason), " ", sealed && t("nothing-in-clear")),
				waits && r.deadline > 0 && h("p", null, t("tries-until", { until: minute(r.deadline) })),
				kind === "not-sent" && acts(item, sealed),
				kind === "not-sent" && h("ul", { class: "advice" }, advice(reason, { sealed }).map(one => h("li", null, one))))));
	}

	function acts(item, sealed) {
		const result = h("div", { class: "recheck", "aria-live": "polite" });
		const again = button(t("check-again"), async () => {
			again.disabled = true;
			fill(result, markNode(failed, null));
			const from = item?.from || (sealed && context.session.alias) || context.session.address;
			const answer = await check(from, failed, { fresh: true }).catch(() => null);
			fill(result, answer ? markNode(failed, answer) : t("mark-failed"));
			again.disabled = false;
		}, { sign: "refresh" });
		return [h("p", { class: "row" },
			(about || copy) && button(t("edit-again"), () => edit({}), { sign: "write", kind: "main" }),
			(about || copy) && sealed && button(t("other-sender"), () => edit({ from: context.session.address }), { sign: "person" }),
			again), !about && !copy && h("p", null, t("letter-by-program")), result];
	}

	async function edit(more) {
		try {
			const id = await original();
			if (id)
				return context.go("#/write?" + new URLSearchParams({ edit: id, only: failed, ...more }));
			context.toast(t("original-gone"), { kind: "wrong" });
		} catch (why) {
			context.toast(context.sayFailure(why), { kind: "wrong" });
		}
	}

	/* The id of the mail that the letter is about: in its conversation, or among what was sent last. */
	async function original() {
		if (copy)
			return copy;
		const near = mails().find(one => one.sent === about);
		if (near)
			return near.id;
		const folder = folders.byKind("sent");
		for (let after = null, tries = 0; tries < 5; tries++) {
			const page = await get("/messages" + query({ folder, limit: 100, after }));
			const found = page.messages.find(one => one.sent === about);
			if (found || !page.next)
				return found?.id ?? null;
			after = page.next;
		}
		return null;
	}
}

/* What a mail program sent has no draft here. Its copy among the sent is known by its Message-ID. */
async function copyOf(m, mails) {
	for (const one of mails.filter(one => folders.kind(one.folder) === "sent")) {
		const sent = await get(p`/messages/${one.id}`).catch(() => null);
		if (m.references.includes(sent?.message_id))
			return one.id;
	}
	return null;
}

/* Whether only a mail that had to be sealed fails for this reason. */
const speaksOfSealing = reason => advice(reason, { sealed: true }).length > advice(reason, { sealed: false }).length;
