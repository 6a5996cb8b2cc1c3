/* SPDX-License-Identifier: ISC
 *
 * reader.mjs - a conversation as it is read: every mail with its names and addresses, the plain
 * text, the formatted body on demand in a frame of its own opaque origin (no scripts, nothing from
 * other servers until asked), attachments, how it came in or what became of it. Everything in a
 * mail is a stranger's word; how it came in is the store's.
 */
import { get, link, p } from "./api.mjs";
import { change, conversation } from "./change.mjs";
import { button, fill, h, icon, set } from "./dom.mjs";
import * as folders from "./folders.mjs";
import { letter } from "./letter.mjs";
import { body, same } from "./mailtext.mjs";
import { facts, panel, tlsName } from "./sent.mjs";
import { has, moment, short, size, t, tn } from "./words.mjs";

const SHOWABLE = /^(?:image\/(?:png|jpeg|gif|webp)|text\/plain)$/i;
const PROBLEMS_SHOWN = 5;
const PERSONS_SHOWN = 200;
const TEXT_SHOWN = 50000; /* characters; a browser is busy for seconds with a megabyte */

/* on: { tools(): nodes, read(): mails were marked as read, failed(why) }; context as pages have it. */
export function reader(context, on) {
	const node = h("section", { class: "reader", "aria-label": t("reading") });
	let open = null; /* { id, folder, conversation, subject, cards: Map, stops: [] } */
	const stop = context.listen(what => (what === "mail" || what === "all") && look());

	async function show(id, { focus } = {}) {
		if (open?.id === id || open?.cards.has(id)) {
			open.id = id;
			return;
		}
		const mine = begin(id);
		try {
			const message = await get(p`/messages/${id}`);
			const mails = message.conversation ? await conversation(message.conversation, message.folder) : [];
			if (open !== mine)
				return;
			Object.assign(mine, { folder: message.folder, conversation: message.conversation, subject: message.subject });
			draw(mine, message, mails.some(m => m.id === id) ? mails : [...mails, summaryOf(message)], focus);
		} catch (why) {
			if (open !== mine)
				return;
			close();
			on.failed(why);
		}
	}

	function begin(id) {
		close();
		node.classList.add("waiting");
		return open = { id, cards: new Map(), stops: [] };
	}

	function close() {
		open?.stops.forEach(f => f());
		open = null;
		node.classList.remove("waiting");
		fill(node, h("p", { class: "empty" }, t("nothing-open")));
	}

	function draw(mine, message, mails, focus) {
		node.classList.remove("waiting");
		node.scrollTop = 0;
		const title = h("h1", { class: "mail-subject", tabIndex: -1 }, h("bdi", null, message.subject || t("no-subject")));
		mine.list = h("div", { class: "mails" });
		fill(node, on.tools(), title, mine.list);
		place(mine, mails, message);
		if (focus)
			title.focus({ preventScroll: true });
		const card = mine.cards.get(mine.id)?.node;
		if (card !== mine.list.firstChild)
			card?.scrollIntoView({ block: "start" });
	}

	/* Put a card for every mail that belongs here; those that stand are left alone. */
	function place(mine, mails, message) {
		const shown = mails.filter(m => m.id === mine.id || m.folder === mine.folder || !["trash", "junk"].includes(folders.kind(m.folder)));
		const last = shown.filter(m => !m.draft).at(-1)?.id;
		for (const [id, card] of mine.cards)
			if (!shown.some(m => m.id === id)) {
				card.node.remove();
				mine.cards.delete(id);
			}
		const read = [];
		shown.forEach((summary, at) => {
			let card = mine.cards.get(summary.id);
			if (!card) {
				card = makeCard(mine, summary);
				mine.cards.set(summary.id, card);
				mine.list.insertBefore(card.node, mine.list.children[at] ?? null);
				const unseen = !summary.flags.includes("seen");
				if (summary.id === mine.id || summary.id === last || unseen)
					card.open(summary.id === message?.id ? message : null);
				if (unseen)
					read.push(summary.id);
			}
			card.summary = summary;
		});
		if (read.length)
			change(read, { add: ["seen"] }).then(on.read, () => {});
	}

	async function look() {
		const mine = open;
		if (!mine?.list || !mine.conversation)
			return;
		const mails = await conversation(mine.conversation, mine.folder).catch(() => null);
		if (!mails || open !== mine)
			return;
		const before = mine.cards.size;
		if (mails.some(m => m.id === mine.id && m.folder === mine.folder)) {
			place(mine, mails);
			if (mine.cards.size > before)
				context.announce(t("arrived-here"));
		}
	}

	function makeCard(mine, summary) {
		const card = { summary, message: null };
		const own = summary.sent || folders.kind(summary.folder) === "sent";
		const head = h("div", { class: "card-head" });
		const inside = h("div", { class: "card-body" });
		const toggle = h("button", { type: "button", class: "toggle", "aria-expanded": "false", onclick: () => card.message ? card.close() : card.open() },
			h("span", { class: "who" }, h("bdi", null, summary.from?.name || summary.from?.address || t("no-sender")),
				own && h("span", { class: "soft" }, " ", t("to-them", { to: summary.to.map(x => x.name || x.address).join(", ") }))),
			h("span", { class: "preview" }, summary.preview),
			h("time", { datetime: new Date(summary.time).toISOString(), title: moment(summary.time) }, short(summary.time)));
		fill(head, toggle);
		card.node = h("article", { class: "mail-card card", "aria-label": summary.from?.name || summary.from?.address || "" }, head, inside);
		card.open = async known => {
			if (summary.draft && summary.draft !== summary.sent && !known) {
				context.go(p`#/write/${summary.draft}`);
				return;
			}
			set(toggle, "aria-expanded", "true");
			card.node.classList.add("opened");
			try {
				card.message = known ?? await get(p`/messages/${summary.id}`);
				fill(inside, await mailNodes(card.message, mine));
			} catch (why) {
				fill(inside, h("p", { class: "complaint" }, icon("warn"), context.sayFailure(why)));
			}
		};
		card.close = () => {
			card.message = null;
			set(toggle, "aria-expanded", "false");
			card.node.classList.remove("opened");
			fill(inside);
		};
		return card;
	}

	async function mailNodes(m, mine) {
		const own = m.sent || folders.kind(m.folder) === "sent";
		const outcome = m.sent ? panel(m.sent, context) : null;
		if (outcome)
			mine.stops.push(outcome.stop);
		await outcome?.ready;
		return [
			addresses(m, context.session.alias),
			outcome?.node,
			!own && !m.draft && m.arrival?.origin !== "letter" && arrival(m),
			m.arrival?.origin === "letter" && await letter(m, () => [...mine.cards.values()].map(c => c.summary), context),
			m.problems.length > 0 && problems(m),
			text(m),
			m.truncated && h("p", { class: "hint" }, t("truncated")),
			m.html && formatted(m),
			attachments(m),
			actions(m),
		];
	}

	const last = () => [...open?.cards.values() ?? []].filter(c => !c.summary.draft).at(-1)?.summary.id;
	/* The mail that a key speaks of: the one with the focus, or the newest. */
	const focused = () => {
		const card = document.activeElement?.closest(".mail-card");
		return [...open?.cards.values() ?? []].find(c => c.node === card)?.summary.id ?? last();
	};

	close();
	return {
		node, show, close,
		opened: () => open?.list ? open : null,
		mails: () => [...open?.cards.values() ?? []].map(c => c.summary),
		answer: how => focused() && context.go(answerHash(focused(), how)),
		stop: () => {
			close();
			stop();
		},
	};
}

const summaryOf = m => ({ id: m.id, folder: m.folder, flags: m.flags, time: m.time, from: m.from[0], to: m.to, preview: "", sent: m.sent, draft: m.draft });

const answerHash = (id, how) => "#/write?" + new URLSearchParams({ [how === "forward" ? "forward" : "reply"]: id, ...how === "all" && { all: 1 } });

/* --- whom it is from and to --- */

const person = one => h("span", { class: "person" }, one.name && h("bdi", { class: "name" }, one.name), one.name && " ",
	h("span", { class: one.name ? "soft" : "" }, one.name ? "<" + one.address + ">" : one.address));
const persons = list => [list.slice(0, PERSONS_SHOWN).map((one, i) => [i > 0 && ", ", person(one)]),
	list.length > PERSONS_SHOWN && " " + t("and-more", { n: list.length - PERSONS_SHOWN })];

/* The address it is from stands there always, for a name is only what somebody calls himself. */
function addresses(m, alias) {
	const rows = ["from", "sender", "reply_to", "to", "cc", "bcc"].filter(name => m[name].length && !sameAsFrom(m, name));
	const whom = [...m.to, ...m.cc, ...m.bcc].map(one => same(one.address, alias) || !one.name ? one.address : one.name);
	return h("details", { class: "fold addresses small" },
		h("summary", null, h("span", null, m.from.map(one => one.address).join(", "), " ",
			h("span", { class: "soft" }, whom.length > 2 ? t("to-more", { to: whom[0], n: whom.length - 1 }) : t("to-them", { to: whom.join(", ") })))),
		h("dl", { class: "pairs" }, rows.map(name => [h("dt", null, t("head-" + name.replace("_", "-"))), h("dd", null, persons(m[name]))]),
			h("dt", null, t("head-date")), h("dd", null, moment(m.time))));
}

const sameAsFrom = (m, name) => (name === "sender" || name === "reply_to") &&
	m[name].every(one => m.from.some(from => from.address.toLowerCase() === one.address.toLowerCase()));

/* --- how it came in --- */

function arrival(m) {
	const a = m.arrival ?? { origin: "unknown" };
	const sealed = a.origin === "outside" && a.tls_version;
	const kind = a.origin === "outside" ? sealed ? "sealed" : "clear" : a.origin === "account" ? "account" : "unknown";
	const line = [h("span", { class: "mark " + { sealed: "good", clear: "doubtful" }[kind] },
		icon({ sealed: "seal", clear: "warn", account: "check", unknown: "question" }[kind])),
	h("span", null, tn("came-" + kind, { tls: tlsName(a.tls_version ?? ""), server: a.helo || a.peer || "" }))];
	if (kind === "unknown")
		return h("p", { class: "came small" }, line);
	return h("details", { class: "fold came small" }, h("summary", null, line), facts([
		a.peer && [t("fact-peer"), a.helo ? t("peer-says", { peer: a.peer, helo: a.helo }) : a.peer],
		kind !== "account" && [t("fact-tls"), sealed ? [tlsName(a.tls_version), a.cipher].filter(Boolean).join(", ") : t("no-tls")],
		a.sender && [t("fact-sender"), a.sender],
		a.recipient && [t("fact-recipient"), a.recipient],
		a.time > 0 && [t("fact-time"), moment(a.time)],
	].filter(Boolean)), h("p", { class: "hint" }, t("came-hint"), " ",
		h("a", { href: link(p`/messages/${m.id}/receipt`) + "?download=1", download: "" }, t("receipt"))));
}

/* --- the body --- */

function text(m) {
	const node = h("div", { class: "mail-text" });
	const long = m.text.length > TEXT_SHOWN;
	const all = () => fill(node, body(m.text, t("quoted")));
	return long ? fill(node, body(m.text.slice(0, TEXT_SHOWN), t("quoted")), button(t("text-rest"), all)) : all();
}

function problems(m) {
	return h("div", { class: "note doubtful small" }, icon("warn"), h("div", null, h("p", null, t("problems")), h("ul", null,
		m.problems.slice(0, PROBLEMS_SHOWN).map(word => h("li", null, has("problem-" + word) ? t("problem-" + word) : t("problem-other", { word }))))));
}

/* The frame's document has no origin, no scripts and its own policy; its address is all we give it. */
function formatted(m) {
	const slot = h("div", { class: "formatted" });
	const source = remote => link(p`/messages/${m.id}/body`) + "?remote=" + (remote ? 1 : 0);
	const frame = remote => h("iframe", { sandbox: "allow-popups allow-popups-to-escape-sandbox", referrerpolicy: "no-referrer",
		title: t("formatted"), src: source(remote) });
	const open = () => {
		const view = frame(false);
		const bar = m.remote && h("div", { class: "note small" }, icon("info"), h("div", null, h("p", null, t("remote-off")),
			button(t("remote-load"), () => {
				bar.remove();
				slot.querySelector("iframe").replaceWith(frame(true));
			})));
		fill(slot, bar, view, button(t("plain-again"), () => {
			fill(slot, show);
			show.focus();
		}, { kind: "plain" }));
		view.focus();
	};
	const show = button(t("show-formatted"), open, { sign: "eye" });
	return fill(slot, show);
}

function attachments(m) {
	const files = m.attachments.filter(a => !(a.inline_image && m.html));
	if (!files.length)
		return null;
	return h("section", { class: "files", "aria-label": t("attachments") }, h("h2", { class: "small" }, t("n-attachments", { n: files.length })),
		h("ul", null, files.map(a => {
			const source = link(p`/messages/${m.id}/parts/${a.part}`);
			const word = "unnamed-" + a.type;
			const name = a.name || t(has(word) ? word : "unnamed");
			return h("li", { class: "file" }, icon("clip"),
				h("span", { class: "file-name" }, h("bdi", null, name), " ", h("span", { class: "soft" }, size(a.size))),
				SHOWABLE.test(a.type) && h("a", { class: "button plain", href: source + "?show=1", target: "_blank", rel: "noopener noreferrer",
					"aria-label": t("view-this", { name }) }, t("view")),
				h("a", { class: "button plain only", href: source, download: a.name || (a.type === "message/rfc822" ? "mail.eml" : ""), "aria-label": t("download-this", { name }), title: t("download") }, icon("download")));
		})));
}

function actions(m) {
	if (m.draft && m.flags.includes("draft"))
		return h("p", { class: "actions" }, h("a", { class: "button main", href: p`#/write/${m.draft}` }, icon("write"), t("draft-go-on")));
	if (folders.kind(m.folder) === "drafts")
		return h("p", { class: "actions" }, h("a", { class: "button main", href: "#/write?" + new URLSearchParams({ edit: m.id }) }, icon("write"), t("draft-go-on")));
	const many = m.to.length + m.cc.length > 1;
	return h("p", { class: "actions" },
		m.arrival?.origin !== "letter" && [
			h("a", { class: "button", href: answerHash(m.id, "reply") }, icon("reply"), t("reply")),
			many && h("a", { class: "button", href: answerHash(m.id, "all") }, icon("reply-all"), t("reply-all"))],
		h("a", { class: "button", href: answerHash(m.id, "forward") }, icon("forward"), t("forward")),
		h("span", { class: "rest" },
			button(t("print"), () => print(), { kind: "plain", sign: "print", only: true }),
			h("a", { class: "button plain only", href: link(p`/messages/${m.id}/source`), download: "", "aria-label": t("source"), title: t("source") }, icon("download"))));
}
