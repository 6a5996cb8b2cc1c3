/* SPDX-License-Identifier: ISC
 *
 * compose.mjs - writing a mail. The draft's id is made here and stays its name until it has been
 * sent, so that whatever is asked twice happens once. What is typed lies in the browser's storage
 * a moment later and on the server a second later; nothing of it is lost with the session, the line
 * or the tab. What will happen to each recipient under the chosen sender is said before sending.
 */
import { call, get, p, post, put, remove, upload, query } from "./api.mjs";
import { button, fill, h, icon, set, unique as id } from "./dom.mjs";
import * as folders from "./folders.mjs";
import { dropDraft, dropSending, followed, keepDraft, keepSending, keptDraft } from "./keep.mjs";
import { answerSubject, forwardSubject, people, quoted, same, unique } from "./mailtext.mjs";
import { check, markNode, under, verdict } from "./marks.mjs";
import { peopleField } from "./people.mjs";
import { clock, minute, size, t } from "./words.mjs";

export const words = ["mail", "reasons"];

const SAVE_AFTER = 1200; /* ms of silence */
const KEEP_AFTER = 250;
const SLOW = 3000; /* of a saving that goes on, after which it is not said to be done in a moment */
const SAVE_AGAIN = 15000; /* after the server could not */
const MARKS_SHOWN = 8; /* more of them scroll in a box of their own */
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

const prepared = new Map(); /* draft id -> what a new draft starts with */

function newId() {
	const bytes = crypto.getRandomValues(new Uint8Array(26));
	return [...bytes].map(b => LETTERS[b % LETTERS.length]).join("");
}

export async function show(main, params, context) {
	if (!params.draft) {
		const draft = newId();
		prepared.set(draft, await start(params, context));
		context.go(p`#/write/${draft}`, { replace: true });
		return null;
	}
	const settings = await get("/settings");
	under(settings);
	const fresh = prepared.get(params.draft);
	prepared.delete(params.draft);
	const found = fresh ?? await stored(params.draft, context);
	if (!found)
		return context.go("#/write", { replace: true });
	return composer(main, context, settings, { ...found, draft: params.draft });
}

/* --- what a draft starts with --- */

const blank = { to: [], cc: [], bcc: [], subject: "", body: "", answers: "", forwards: false, revision: 0, attachments: [] };

/* A new draft of words that were written in another one; answers its id. */
function prepare(written) {
	const draft = newId();
	prepared.set(draft, { ...blank, ...written, revision: 0, unsaved: true });
	return draft;
}

async function stored(draft, context) {
	const kept = keptDraft(context.session.address, draft);
	const saved = await get(p`/drafts/${draft}`).catch(why => {
		if (why.error !== "not-found" && !kept)
			throw why;
		return null;
	});
	if (!kept || (saved && saved.revision > kept.revision))
		return saved;
	return { ...blank, ...saved, ...kept, revision: Math.max(kept.revision, saved?.revision ?? 0), attachments: saved?.attachments ?? [], unsaved: true };
}

async function start(params, context) {
	const settings = await get("/settings");
	const { signature, from } = settings.preferences;
	const sign = signature.trim() ? "\n\n-- \n" + signature.trim() : "";
	const own = settings.active && from === "alias" ? settings.alias : settings.address;
	const source = params.reply ?? params.forward ?? params.edit;
	const m = source ? await get(p`/messages/${source}`) : null;
	const make = { reply: answer, forward: pass, edit: again }[Object.keys(params).find(k => params[k] === source)];
	if (m)
		return make(m, params, { settings, own, sign });
	const to = params.to ? [{ name: "", address: params.to }] : [];
	return { ...blank, from: params.from ?? own, to, subject: params.subject ?? "", body: (params.body ?? "") + sign };
}

const isOwn = (settings, address) => same(address, settings.address) || same(address, settings.alias);

/* The address that a mail came to is the one that answers it. */
function answeringFrom(m, { settings, own }) {
	const came = [m.arrival?.recipient ?? "", ...m.to.map(x => x.address), ...m.cc.map(x => x.address)];
	if (came.some(x => same(x, settings.alias)) || m.from.some(x => same(x.address, settings.alias)))
		return settings.active ? settings.alias : settings.address;
	return came.some(x => same(x, settings.address)) ? settings.address : own;
}

function answer(m, params, mine) {
	const { settings, sign } = mine;
	const ownMail = m.from.some(one => isOwn(settings, one.address));
	const whom = ownMail ? m.to : m.reply_to.length ? m.reply_to : m.from;
	const others = list => list.filter(one => !isOwn(settings, one.address));
	const to = unique(params.all && !ownMail ? [...whom, ...others(m.to)] : whom);
	const cc = params.all ? others(unique(m.cc)).filter(one => !to.some(x => same(x.address, one.address))) : [];
	const who = m.from[0]?.name || m.from[0]?.address || "";
	return { ...blank, from: answeringFrom(m, mine), to, cc, subject: answerSubject(m.subject), answers: m.id,
		body: sign + "\n\n" + t("wrote", { when: minute(m.time), who }) + "\n" + quoted(m.text), focus: "body" };
}

function pass(m, params, mine) {
	const names = list => list.map(one => one.name ? `${one.name} <${one.address}>` : one.address).join(", ");
	const head = [[t("head-from"), names(m.from)], [t("head-to"), names(m.to)], [t("head-date"), minute(m.time)], [t("subject"), m.subject]];
	return { ...blank, from: answeringFrom(m, mine), subject: forwardSubject(m.subject), answers: m.id, forwards: true,
		body: mine.sign + "\n\n" + t("forwarded-mail") + "\n" + head.map(([name, value]) => name + ": " + value).join("\n") + "\n\n" + m.text,
		takes: m.attachments.length ? m.id : null };
}

/* The same mail once more, to those whom it did not reach. */
function again(m, params, { settings }) {
	const only = list => list.filter(one => !params.only || same(one.address, params.only));
	const from = m.from.find(one => isOwn(settings, one.address))?.address.toLowerCase() ?? settings.address;
	const filled = { to: only(m.to), cc: only(m.cc), bcc: only(m.bcc) };
	if (params.only && !filled.to.length && !filled.cc.length && !filled.bcc.length)
		filled.to = [{ name: "", address: params.only }];
	return { ...blank, ...filled, from: params.from ?? (same(from, settings.alias) && settings.active ? settings.alias : settings.address),
		subject: m.subject, body: m.text, takes: m.attachments.length ? m.id : null, focus: params.from ? "from" : "body" };
}

/* --- the page --- */

function composer(main, context, settings, draft) {
	const address = context.session.address;
	const state = { from: people(draft.from)[0]?.address ?? settings.address, version: 0, saved: draft.unsaved ? -1 : 0, revision: draft.revision, exists: Boolean(draft.saved),
		attachments: draft.attachments ?? [], uploads: new Set(), saving: null, sending: false, over: false, typed: Boolean(draft.unsaved), timers: {} };
	const changed = () => {
		state.typed = true;
		state.version++;
		later("keep", KEEP_AFTER, keep);
		later("save", SAVE_AFTER, save);
		showState();
	};
	const recipients = () => {
		changed();
		marks();
	};
	const fields = Object.fromEntries(["to", "cc", "bcc"].map(name => [name, peopleField(t("head-" + name), { changed: recipients, announce: context.announce })]));
	const subject = h("input", { id: id(), type: "text", value: draft.subject, autocomplete: "off", oninput: changed });
	const body = h("textarea", { id: id(), rows: 14, value: draft.body, oninput: changed });
	const markBox = h("div", { class: "marks", role: "group", "aria-label": t("marks") });
	const files = h("ul", { class: "files" });
	const picker = h("input", { type: "file", multiple: true, hidden: true, onchange: () => {
		[...picker.files].forEach(attach);
		picker.value = "";
	} });
	const said = h("p", { class: "save-state small soft" });
	const conflict = h("div", { class: "conflict" });
	const more = ["cc", "bcc"].map(name => button(t("head-" + name), e => {
		fields[name].node.hidden = false;
		e.currentTarget.hidden = true;
		fields[name].focus();
	}, { kind: "plain" }));
	const submit = h("button", { type: "submit", class: "button main" }, icon("sent"), t("send"));
	const tools = [button(t("attach"), () => picker.click(), { sign: "clip" }), button(t("discard"), discard, { sign: "trash", kind: "plain", only: true })];
	const form = h("form", { class: "column compose", "aria-label": t("write-title"), novalidate: true, onsubmit: e => {
		e.preventDefault();
		send();
	}, onkeydown: e => {
		if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
			e.preventDefault();
			send();
		} else if (e.key === "Escape" && !e.defaultPrevented)
			leave();
	} },
	h("div", { class: "compose-head" }, h("h1", null, t("write-title")), said, button(t("close"), leave, { sign: "close", only: true, kind: "plain" })), conflict,
	sender(settings, state, () => {
		recipients();
	}),
	h("div", { class: "to-row" }, fields.to.node, h("span", { class: "more-people" }, more)), fields.cc.node, fields.bcc.node, markBox,
	h("div", { class: "field" }, h("label", { for: subject.id }, t("subject")), subject),
	h("div", { class: "field" }, h("label", { for: body.id }, t("text")), body), files, picker,
	h("footer", { class: "compose-foot" }, submit, tools));

	for (const name of ["to", "cc", "bcc"])
		fields[name].take(draft[name]);
	["cc", "bcc"].forEach((name, i) => {
		fields[name].node.hidden = !draft[name].length;
		more[i].hidden = draft[name].length > 0;
	});
	const online = () => state.version !== state.saved && save();
	addEventListener("online", online);
	addEventListener("pagehide", keep);
	dropping(form, attach);
	main.append(form);
	drawFiles();
	marks();
	showState();
	if (draft.takes)
		takeOver(draft.takes);
	if (draft.unsaved)
		save();
	const hold = async () => !dirty() || state.over || await leaveUnsaved();
	hold.unsaved = () => dirty() && !state.over;
	context.hold(hold);
	begin();
	return stop;

	function begin() {
		if (draft.focus === "from")
			return form.querySelector("[name=from]:checked")?.focus();
		if (!draft.to.length)
			return fields.to.focus();
		body.setSelectionRange(0, 0);
		body.focus({ preventScroll: true });
	}

	function stop() {
		Object.values(state.timers).forEach(clearTimeout);
		removeEventListener("online", online);
		removeEventListener("pagehide", keep);
		for (const one of state.uploads)
			one.abort.abort();
		if (!state.over && dirty()) {
			keep();
			save();
		}
		state.left = true;
	}

	/* --- keeping and saving --- */

	function dirty() {
		return state.version !== state.saved || state.uploads.size > 0;
	}

	function later(name, ms, act) {
		clearTimeout(state.timers[name]);
		state.timers[name] = setTimeout(act, ms);
	}

	function value() {
		const { name } = settings.preferences;
		return { from: name ? `"${name.replace(/["\\]/g, "")}" <${state.from}>` : state.from, to: fields.to.list(), cc: fields.cc.list(), bcc: fields.bcc.list(), subject: subject.value, body: body.value,
			answers: draft.answers, forwards: draft.forwards, revision: state.revision };
	}

	function keep() {
		if (!state.over && state.version !== state.saved)
			keepDraft(address, { ...value(), draft: draft.draft });
	}

	/* Save until the server has the newest words; one request at a time. */
	function save() {
		clearTimeout(state.timers.save);
		state.saving ??= saveAll().finally(() => {
			state.saving = null;
			clearTimeout(state.timers.slow);
			showState();
		});
		state.slow = false;
		later("slow", SLOW, () => {
			state.slow = true;
			showState();
		});
		showState();
		return state.saving;
	}

	async function saveAll() {
		while (state.version !== state.saved || !state.exists) {
			const version = state.version;
			try {
				const answer = await put(p`/drafts/${draft.draft}`, { ...value(), revision: ++state.revision }, { keep: true });
				if (!state.exists)
					folders.refresh().catch(() => {});
				Object.assign(state, { saved: version, exists: true, at: answer.saved, failure: null });
				if (version === state.version) {
					state.typed = false;
					dropDraft(address, draft.draft);
				}
			} catch (why) {
				return saveFailed(why);
			}
		}
		return true;
	}

	function saveFailed(why) {
		if (why.error === "old")
			return outdated();
		if (why.error === "too-late")
			return gone();
		const first = state.failure?.error !== why.error;
		state.failure = why;
		keep();
		if (first)
			context.announce(t("not-saved", { why: context.sayFailure(why) }));
		if (!state.left)
			later("save", SAVE_AGAIN, save);
		return false;
	}

	async function outdated() {
		const other = await get(p`/drafts/${draft.draft}`);
		keep();
		state.attachments = other.attachments;
		drawFiles();
		state.failure = { error: "old" };
		fill(conflict, h("div", { class: "note doubtful", role: "alert" }, icon("warn"), h("div", null,
			h("p", null, t("changed-elsewhere", { when: minute(other.saved) })),
			h("p", { class: "row" },
				button(t("keep-mine"), () => {
					state.revision = other.revision;
					settled();
					save();
				}),
				button(t("take-theirs"), () => {
					settled();
					state.over = true;
					dropDraft(address, draft.draft);
					context.go(location.hash);
				})))));
		return false;
	}

	/* It was sent from another window. What was typed here and not sent is a draft of its own. */
	function gone() {
		const anew = state.typed && prepare(value());
		state.over = true;
		dropDraft(address, draft.draft);
		if (anew)
			keepDraft(address, { ...value(), draft: anew, revision: 0 });
		context.toast(t(anew ? "sent-before" : "sent-elsewhere"), { seconds: 20 });
		if (!state.left)
			context.go(anew ? p`#/write/${anew}` : folders.here());
		return false;
	}

	function settled() {
		state.failure = null;
		fill(conflict);
	}

	function showState() {
		const { failure, saving, at, version, saved } = state;
		if (failure)
			fill(said, h("span", { class: "mark bad" }, icon("warn")), t("not-saved", { why: failure.error === "old" ? t("failure-old") : context.sayFailure(failure) }));
		else if (saving && !state.slow)
			fill(said, t("saving"));
		else if (version !== saved)
			fill(said, t("unsaved"));
		else
			fill(said, at ? t("saved-at", { time: clock(at) }) : "");
	}

	async function leaveUnsaved() {
		fields.to.commit();
		if (state.uploads.size && !await context.ask(t("leave-uploading"), t("leave-uploading-why"), { yes: t("leave") }))
			return false;
		const done = await Promise.race([save(), new Promise(late => setTimeout(late, 2500, false))]);
		return done || context.ask(t("leave-unsaved"), t("leave-unsaved-why"), { yes: t("leave") });
	}

	function leave() {
		context.go(folders.here());
	}

	async function discard() {
		const written = value();
		const plain = !state.attachments.length && !state.uploads.size;
		if (!plain && !await context.ask(t("discard"), t("discard-sure"), { yes: t("discard"), danger: true }))
			return;
		state.over = true;
		Object.values(state.timers).forEach(clearTimeout);
		await state.saving;
		dropDraft(address, draft.draft);
		if (state.exists)
			await remove(p`/drafts/${draft.draft}`).catch(why => why.error === "not-found" || context.toast(context.sayFailure(why), { kind: "wrong" }));
		folders.refresh().catch(() => {});
		context.toast(t("discarded"), plain ? { undo: () => {
			context.go(p`#/write/${prepare(written)}`);
		} } : {});
		leave();
	}

	/* --- marks --- */

	function everybody() {
		return unique([...fields.to.list(), ...fields.cc.list(), ...fields.bcc.list()]);
	}

	function marks() {
		const wrong = new Set(["to", "cc", "bcc"].flatMap(name => fields[name].wrong()));
		const from = state.from;
		set(markBox, "tabindex", everybody().length > MARKS_SHOWN ? 0 : null);
		fill(markBox, everybody().map(one => {
			const slot = h("div", { class: "mark-slot" });
			if (wrong.has(one))
				return fill(slot, markNode(one.address, { whither: "no-address", demands: [] }));
			let known = false;
			check(from, one.address).then(a => {
				known = true;
				fill(slot, markNode(one.address, a));
				if (slot.isConnected && verdict(a).refused)
					later("say", 400, () => context.announce(one.address + ": " + verdict(a).text));
			}, why => {
				known = true;
				if (why.retryAfter)
					later("marks", why.retryAfter * 1000, marks);
				fill(slot, markNode(one.address, { whither: "remote", demands: from === settings.alias ? ["tls"] : [], verdict: "unknown", reason: "" }));
			});
			return known ? slot : fill(slot, markNode(one.address, null));
		}));
	}

	/* --- attachments --- */

	function drawFiles() {
		fill(files, state.attachments.map(a => h("li", { class: "file" }, icon("clip"),
			h("span", { class: "file-name" }, h("bdi", null, a.name), " ", h("span", { class: "soft" }, size(a.size))),
			button(t("remove-this", { name: a.name }), () => detach(a), { sign: "close", only: true, kind: "plain" }))),
		[...state.uploads].map(one => one.node));
	}

	async function attach(file) {
		const bar = h("progress", { max: 1, value: 0, "aria-label": t("uploading", { name: file.name }) });
		const one = { abort: new AbortController() };
		const drop = () => {
			one.abort.abort();
			state.uploads.delete(one);
			drawFiles();
		};
		const draw = why => fill(one.node, icon(why ? "warn" : "upload"), h("span", { class: "file-name" }, h("bdi", null, file.name), " ",
			h("span", { class: why ? "wrong" : "soft" }, why ? context.sayFailure(why) : size(file.size)), why ? null : bar),
		why && button(t("try-again"), () => {
			drop();
			attach(file);
		}, { kind: "plain" }),
		button(t("remove-this", { name: file.name }), drop, { sign: "close", only: true, kind: "plain" }));
		one.node = h("li", { class: "file" });
		draw();
		state.uploads.add(one);
		drawFiles();
		one.node.scrollIntoView({ block: "nearest" });
		one.done = (async () => {
			if (!await ensure())
				throw state.failure ?? new Error();
			const answer = await upload(p`/drafts/${draft.draft}/attachments` + query({ name: file.name }), file,
				{ progress: share => { bar.value = share; }, signal: one.abort.signal });
			state.attachments = answer.attachments;
			state.uploads.delete(one);
			context.announce(t("attached", { name: file.name }));
			drawFiles();
			return true;
		})().catch(why => {
			if (why.name !== "AbortError") {
				draw(why);
				context.announce(t("attach-failed", { name: file.name }));
			}
			return false;
		});
		showState();
		await one.done;
		showState();
	}

	/* The draft must be there before something can hang on it. */
	async function ensure() {
		return state.exists || await save();
	}

	async function detach(a) {
		try {
			state.attachments = (await remove(p`/drafts/${draft.draft}/attachments/${a.entry}`)).attachments;
		} catch (why) {
			context.toast(context.sayFailure(why), { kind: "wrong" });
		}
		drawFiles();
		tools[0].focus();
	}

	async function takeOver(message) {
		if (!await ensure())
			return;
		try {
			state.attachments = (await post(p`/drafts/${draft.draft}/forward`, { id: message })).attachments;
			drawFiles();
		} catch (why) {
			context.toast(t("takes-failed", { why: context.sayFailure(why) }), { kind: "wrong" });
		}
	}

	/* --- sending --- */

	async function send() {
		if (state.sending)
			return;
		for (const name of ["to", "cc", "bcc"])
			fields[name].commit();
		const wrong = ["to", "cc", "bcc"].flatMap(name => fields[name].wrong());
		if (!everybody().length || wrong.length) {
			context.toast(wrong.length ? t("wrong-address", { address: wrong[0].address }) : t("no-recipient"), { kind: "wrong" });
			return fields.to.focus();
		}
		lock(true);
		try {
			if (await sure() && await uploaded())
				await sendNow();
		} catch (why) {
			if (why.error === "old") {
				state.version++;
				return await outdated();
			}
			context.toast(why.text && why.error === "refused" ? t("send-refused", { why: why.text }) : context.sayFailure(why), { kind: "wrong", seconds: 20 });
		} finally {
			if (!state.over)
				lock(false);
		}
	}

	function lock(on) {
		state.sending = on;
		for (const one of form.querySelectorAll("input, textarea, button"))
			one.disabled = on;
		fill(submit, icon("sent"), t(on ? "sending" : "send"));
		set(form, "aria-busy", on ? "true" : null);
	}

	/* Where it is known that somebody can't be reached, one question; what isn't known yet stops nobody. */
	async function sure() {
		const known = await Promise.all(everybody().map(async one => {
			const a = await Promise.race([check(state.from, one.address).catch(() => null), new Promise(late => setTimeout(late, 50, null))]);
			return { one, ...a && verdict(a) };
		}));
		const blocks = known.find(k => k.blocks);
		if (blocks) {
			context.toast(blocks.one.address + " " + blocks.text, { kind: "wrong" });
			return false;
		}
		const refused = known.filter(k => k.refused);
		if (!refused.length)
			return true;
		lock(false);
		const all = refused.length === known.length;
		return context.ask(t(all ? "sure-none" : "sure-some"), [
			h("ul", { class: "sure" }, refused.map(k => h("li", null, h("span", { class: "mark bad" }, icon("stop")), h("span", null, h("b", null, k.one.address), " ", k.text)))),
			h("p", null, t(all ? "sure-none-why" : "sure-some-why"))], { yes: t("send-anyway") }).then(yes => {
			lock(yes);
			return yes;
		});
	}

	async function uploaded() {
		const all = await Promise.all([...state.uploads].map(one => one.done));
		if (all.every(Boolean))
			return true;
		context.toast(t("attach-missing"), { kind: "wrong" });
		return false;
	}

	async function sendNow() {
		Object.values(state.timers).forEach(clearTimeout);
		state.version++;
		if (await save() !== true) {
			if (!state.over)
				context.toast(t("not-saved", { why: state.failure ? context.sayFailure(state.failure) : "" }), { kind: "wrong" });
			return;
		}
		const hold = Number(settings.preferences.undo_seconds) || 0;
		const level = same(state.from, settings.alias) ? settings.level : undefined;
		const what = { hold, level, revision: state.revision, subject: subject.value };
		keepSending(address, draft.draft, what);
		try {
			const answer = await call("POST", p`/drafts/${draft.draft}/send`, { body: { hold_seconds: hold, level, revision: state.revision, attachments: state.attachments }, keep: true });
			state.over = true;
			dropDraft(address, draft.draft);
			followed(context, { ...answer, subject: subject.value });
			context.go(folders.here(), { replace: true });
		} finally {
			dropSending(address, draft.draft);
		}
	}
}

/* --- who sends --- */

function sender(settings, state, changed) {
	const meaning = h("p", { class: "hint" });
	const choices = [[settings.address, "from-normal"], settings.active && [settings.alias, "from-alias"]].filter(Boolean);
	if (!choices.some(([address]) => same(address, state.from ?? "")))
		state.from = settings.address;
	const draw = () => fill(meaning, icon(same(state.from, settings.alias) ? "seal" : "info"), " ",
		h("span", null, t(same(state.from, settings.alias) ? "means-alias-" + settings.level : "means-normal")),
		!settings.active && settings.alias && h("span", null, " ", h("a", { href: "#/settings" }, t("alias-off"))));
	draw();
	return h("fieldset", { class: "sender" }, h("legend", null, t("head-from")),
		h("div", { class: "from-choices" }, choices.map(([address, word]) => h("label", { class: "from-choice" },
			h("input", { type: "radio", name: "from", value: address, checked: same(address, state.from), onchange: () => {
				state.from = address;
				draw();
				changed();
			} }), h("span", null, h("b", null, t(word)), h("span", { class: "soft small" }, address))))), meaning);
}

/* --- files dropped anywhere on the page --- */

function dropping(form, attach) {
	const has = event => [...event.dataTransfer?.types ?? []].includes("Files");
	form.addEventListener("dragover", event => {
		if (!has(event))
			return;
		event.preventDefault();
		form.classList.add("dropping");
	});
	form.addEventListener("dragleave", event => form.contains(event.relatedTarget) || form.classList.remove("dropping"));
	form.addEventListener("drop", event => {
		if (!has(event))
			return;
		event.preventDefault();
		form.classList.remove("dropping");
		[...event.dataTransfer.files].forEach(attach);
	});
	form.addEventListener("paste", event => [...event.clipboardData.files].forEach(attach));
}
