/* SPDX-License-Identifier: ISC
 *
 * sent.mjs - what became of a mail that was sent: the sign in the list, the panel with each
 * recipient's state and receipt, the page of one sent mail, and the bar that follows a mail from
 * the moment of sending (while it can still be taken back) to its outcome. All of it comes from
 * what the store wrote down.
 */
import { get, link, p, post, query } from "./api.mjs";
import { undoable } from "./change.mjs";
import { button, fill, h, icon } from "./dom.mjs";
import { addressNode } from "./mailtext.mjs";
import { what } from "./reasons.mjs";
import { ago, minute, moment, t } from "./words.mjs";

export const words = ["mail", "reasons"];

const SHOWN_AFTER_END = 12000; /* ms that the bar stays when the outcome is there */

const SIGNS = {
	held: "clock", waiting: "clock", "second-look": "clock", delivered: "check", failed: "stop", "not-sent": "stop",
	mixed: "warn", undone: "undo",
};
const TONES = { delivered: "good", failed: "bad", "not-sent": "bad", mixed: "doubtful" };
const PROVEN = ["dane", "sts", "ca", "pin"];

export const tlsName = version => version.replace(/^TLSv?/, "TLS ");
export const provenText = by => t(PROVEN.includes(by) ? "proven-" + by : "proven-nothing");
export const facts = pairs => h("dl", { class: "pairs small" }, pairs.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));

export async function itemOf(sent) {
	return (await get("/sent" + query({ ids: sent }))).items[0] ?? null;
}

/* How one that was delivered travelled: "here", "qualified", "mandatory" or "clear". */
function way(r) {
	if (!r.host)
		return "here";
	return r.transport === "none" ? "clear" : r.transport;
}

const isSealed = r => r.state === "delivered" && ["qualified", "mandatory"].includes(way(r));
const isOpen = item => ["held", "waiting"].includes(item.state) ||
	item.recipients.some(r => r.state === "waiting" || r.state === "second-look");

/* The state in one sign and a word or two. */
export function sentSign(item) {
	const sealed = item.recipients.length > 0 && item.recipients.every(isSealed);
	return h("span", { class: "mark " + (TONES[item.state] ?? "") },
		icon(sealed ? "seal" : SIGNS[item.state]), t(sealed ? "sent-sealed" : "sent-" + item.state));
}

function stateWord(r) {
	if (r.state === "delivered")
		return t("delivered-" + way(r));
	return t({ failed: "not-sent", "second-look": "second-look" }[r.state] ?? "waiting");
}

/* --- the page and the panel --- */

export async function show(main, params, context) {
	const item = await itemOf(params.sent);
	const shown = panel(params.sent, context);
	await shown.ready;
	main.append(h("div", { class: "column" }, h("h1", null, item?.subject || t("no-subject")), item ? shown.node : t("sent-nothing")));
	return shown.stop;
}

/* Shows the mail's state and keeps it true. -> { node, ready, stop() } */
export function panel(sent, context) {
	const node = h("section", { class: "sent-panel", "aria-label": t("what-became") });
	const open = new Set();
	const draw = async () => {
		const item = await itemOf(sent).catch(() => null);
		if (item)
			fill(node, panelHead(item), h("ul", null, item.recipients.map(r => outcome(r, open))));
	};
	return { node, ready: draw(), stop: context.listen(word => (word === "sent" || word === "all") && draw()) };
}

function panelHead(item) {
	const receipt = link(p`/sent/${item.sent}/receipt`) + "?download=1";
	return h("div", { class: "panel-head" }, sentSign(item),
		["held", "undone"].includes(item.state) || h("a", { href: receipt, download: "" }, icon("download"), t("receipt")));
}

function outcome(r, open) {
	const sealed = isSealed(r);
	return h("li", null,
		h("details", { class: "fold", open: open.has(r.address), ontoggle: e => open[e.target.open ? "add" : "delete"](r.address) },
			h("summary", null, h("span", { class: "mark " + (TONES[r.state] ?? "") }, icon(sealed ? "seal" : SIGNS[r.state])),
				h("span", null, h("b", null, addressNode(r.address)), " ", stateWord(r), r.time > 0 && h("span", { class: "soft" }, ", ", ago(r.time)))),
			facts(factsOf(r))),
		r.state === "failed" && h("p", { class: "why" }, what(r.reason), " ", r.demands.length > 0 && t("nothing-in-clear")),
		(r.state === "waiting" || r.state === "second-look") && r.attempts > 0 &&
			h("p", { class: "why" }, what(r.last_reason), " ", r.deadline > 0 && t("tries-until", { until: minute(r.deadline) })));
}

function factsOf(r) {
	const known = [];
	if (r.host)
		known.push([t("fact-server"), r.host]);
	if (r.tls_version)
		known.push([t("fact-tls"), [tlsName(r.tls_version), r.cipher].filter(Boolean).join(", ")], [t("fact-proven"), provenText(r.proven_by)]);
	else if (r.state === "delivered")
		known.push([t("fact-tls"), t(r.host ? "no-tls" : "no-network")]);
	if (r.time > 0)
		known.push([t("fact-time"), moment(r.time)]);
	if (r.said || r.code)
		known.push([t("fact-said"), r.said || r.code]);
	if (r.attempts > 0)
		known.push([t("fact-attempts"), r.attempts]);
	if (r.next_attempt > 0 && r.state !== "delivered" && r.state !== "failed")
		known.push([t("fact-next"), moment(r.next_attempt)]);
	if (r.state === "failed")
		known.push([t("fact-letter"), t(r.told ? "letter-told" : "letter-none")]);
	return known.length ? known : [[t("fact-state"), stateWord(r)]];
}

/* --- the bar --- */

let bar = null;

/* Follow a mail just sent. on: { listen, say(text), undone(draft), failed(why) } */
export function follow({ sent, held_until, subject }, on) {
	bar?.();
	const text = h("span", { class: "bar-text" });
	const undo = button(t("undo"), takeBack, { sign: "undo", kind: "plain" });
	const node = h("div", { class: "outbar toast", role: "group", "aria-label": t("what-became") }, text, undo,
		button(t("close"), end, { sign: "close", only: true, kind: "plain" }));
	let timer = 0;
	let stop = () => {};
	bar = end;
	document.body.append(node);
	undoable(takeBack);
	on.say(t("held-heard", { n: Math.max(1, Math.round((held_until - Date.now()) / 1000)) }));
	tick();

	function tick() {
		const left = Math.ceil((held_until - Date.now()) / 1000);
		if (left <= 0)
			return onItsWay();
		fill(text, h("span", { class: "held" }, icon("clock"), " ", t("held", { n: left })));
		timer = setTimeout(tick, 250);
	}

	function onItsWay() {
		undo.remove();
		undoable(null);
		fill(text, h("span", null, icon("clock"), " ", t("bar-waiting", { subject: subject || t("no-subject") })));
		stop = on.listen(word => (word === "sent" || word === "all") && look());
		look();
	}

	async function look() {
		const item = await itemOf(sent).catch(() => null);
		if (!item || !node.isConnected)
			return;
		const [first, second] = item.recipients;
		fill(text, h("a", { href: p`#/sent/${sent}`, onclick: end }, sentSign(item)), h("span", null,
			!second && first?.state === "failed" ? what(first.reason) : item.subject || t("no-subject")));
		if (isOpen(item))
			return;
		stop();
		on.say(text.textContent);
		timer = setTimeout(end, SHOWN_AFTER_END);
	}

	async function takeBack() {
		clearTimeout(timer);
		undoable(null);
		undo.disabled = true;
		try {
			const draft = await post(p`/sent/${sent}/undo`, undefined, { keep: true });
			end();
			on.undone(draft);
		} catch (why) {
			if (why.error === "too-late")
				onItsWay();
			undo.disabled = false;
			on.failed(why);
		}
	}

	function end() {
		clearTimeout(timer);
		stop();
		node.remove();
		if (bar === end)
			bar = null;
	}
}
