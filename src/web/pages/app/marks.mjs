/* SPDX-License-Identifier: ISC
 *
 * marks.mjs - before sending: for each recipient, what will happen to a mail from this sender, in a
 * sign and words. It claims what was looked up and nothing more: a mail that need not be sealed is
 * never shown as if it were promised to be.
 */
import { post } from "./api.mjs";
import { h, icon } from "./dom.mjs";
import { addressNode } from "./mailtext.mjs";
import { advice, what } from "./reasons.mjs";
import { t } from "./words.mjs";

const GOOD_FOR = 60000; /* ms that an answer is used again */
const AT_ONCE = 4;

const known = new Map(); /* "from address" -> { at, answer: Promise } */
const queue = [];
let running = 0;

/* Answers hold for the rule they were asked under; another rule makes them void. */
let rule = "";
export function under({ active, level }) {
	const now = active + " " + level;
	if (now !== rule)
		known.clear();
	rule = now;
}

/* What would happen to a mail from -> to; the answer of /preflight. */
export function check(from, address, { fresh } = {}) {
	const key = from.toLowerCase() + " " + address.toLowerCase();
	const old = known.get(key);
	if (old && !fresh && Date.now() - old.at < GOOD_FOR)
		return old.answer;
	const answer = slot(() => post("/preflight", { from, address, ...fresh && { fresh: true } }));
	known.set(key, { at: Date.now(), answer });
	answer.catch(() => known.delete(key));
	answer.then(a => a.verdict === "unknown" && known.delete(key), () => {});
	return answer;
}

function slot(act) {
	return new Promise((done, fail) => {
		queue.push(() => act().then(done, fail).finally(() => {
			running--;
			next();
		}));
		next();
	});
}

function next() {
	while (running < AT_ONCE && queue.length) {
		running++;
		queue.shift()();
	}
}

/* An answer in words: { tone, sign, text, help, refused, blocks, clear }. refused: it will not be sent
 * to this recipient; blocks: nor to any other, for the server takes no such mail. */
export function verdict(a) {
	if (!a)
		return { tone: "", sign: "clock", text: t("mark-looking") };
	const must = a.demands.length > 0;
	if (a.whither === "no-address")
		return { tone: "bad", sign: "stop", text: t("mark-no-address"), refused: true, blocks: true };
	if (a.whither === "nobody")
		return { tone: "bad", sign: "stop", text: t("mark-nobody"), refused: true, blocks: true };
	if (a.whither === "here")
		return { tone: "good", sign: "check", text: t("mark-here") };
	if (a.verdict === "refused")
		return { tone: "bad", sign: "stop", refused: true, help: advice(a.reason, { sealed: must }),
			text: t(must && !permanent(a.reason) ? "mark-refused" : "mark-impossible", { reason: what(a.reason) }) };
	if (a.verdict === "accepted")
		return accepted(a, must);
	return { tone: "doubtful", sign: "question",
		text: t(must ? "mark-unknown-sealed" : "mark-unknown", { reason: a.reason && a.reason !== "none" ? what(a.reason) : "" }) };
}

function accepted(a, must) {
	if (!a.tls_version)
		return { tone: "doubtful", sign: "warn", text: t("mark-clear"), clear: true };
	const by = a.proven_by ? t("by-" + a.proven_by) : "";
	const word = (must ? "mark-sealed" : "mark-likely") + (by ? "-proven" : "");
	return { tone: must || by ? "good" : "", sign: must || by ? "seal" : "check", text: t(word, { by }) };
}

const PERMANENT = ["null-mx", "domain-not-found", "no-address", "mail-loop", "no-such-mailbox"];
const permanent = reason => PERMANENT.includes(reason);

/* One recipient's line. `a` null: it is being looked up. */
export function markNode(address, a) {
	const { tone, sign, text, help } = verdict(a);
	return h("div", { class: "mark-line" }, h("span", { class: "mark " + tone }, icon(sign)),
		h("div", null, h("p", null, h("b", null, addressNode(address)), " ", text), help && h("details", null, h("summary", null, t("what-now")), h("ul", null, help.map(one => h("li", null, one))))));
}
