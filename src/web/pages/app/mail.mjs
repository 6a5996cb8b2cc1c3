/* SPDX-License-Identifier: ISC
 *
 * mail.mjs - the mailbox page: a folder or what a search found beside the conversation that is
 * read, on a narrow screen one at a time. It stands while one goes from mail to mail; turn() shows
 * another folder, search or mail in it.
 */
import { p, query } from "./api.mjs";
import { change, conversation, undoLast } from "./change.mjs";
import { button, fill, h, icon } from "./dom.mjs";
import * as folders from "./folders.mjs";
import { keys } from "./keys.mjs";
import { list } from "./list.mjs";
import { reader } from "./reader.mjs";
import { dialog } from "./tell.mjs";
import { number, t } from "./words.mjs";

export const words = ["mail", "reasons"];

let page = null;

export async function show(main, params, context) {
	await folders.ready();
	page = mailPage(main, context);
	await page.turn(params);
	return page.stop;
}

/* The same page with other params: true when it has shown them. */
export async function turn(params) {
	await page.turn(params);
}

const OPERATORS = ["from:", "to:", "subject:", "has:attachment", "before:", "after:", "is:unread", "is:starred", "quoted"];

function mailPage(main, context) {
	const now = { folder: "", q: "", everywhere: false, id: "" };
	const title = h("h1", { tabIndex: -1 });
	const ownTools = h("span", { class: "own-tools" });
	const search = h("input", { type: "search", "aria-label": t("search"), placeholder: t("search"), enterkeyhint: "search", autocomplete: "off" });
	const scope = h("div", { class: "scope small" });
	const pickAll = h("input", { type: "checkbox", "aria-label": t("select-all"), title: t("select-all"), onclick: () => rows.pickAll(pickAll.checked) });
	const state = h("span", { class: "list-state small soft" });
	const bulk = h("div", { class: "tools", role: "toolbar", "aria-label": t("with-selected") });
	const mails = reader(context, { tools: readerTools, failed, read: changed });
	const rows = list({
		selection: selectionChanged, loaded, failed, empty,
		opened: row => { now.wanted = row.summary.id; },
		star: row => star([row.summary]),
		href: row => hashOf(row.summary),
		folderName: folders.name, kind: folders.kind,
	});
	const head = h("header", { class: "list-head" },
		h("div", { class: "title-row" }, title, ownTools),
		h("form", { role: "search", onsubmit: e => {
			e.preventDefault();
			context.go(where({ q: search.value.trim(), id: "" }));
		} }, h("span", { class: "search" }, icon("search"), search,
			button(t("search-how"), searchHelp, { sign: "question", only: true, kind: "plain" }))),
		scope,
		h("div", { class: "toolbar" }, h("label", { class: "pick" }, pickAll), state, bulk));
	const frame = h("div", { class: "mail" }, h("section", { class: "pane-list", "aria-label": t("mails") }, head, rows.node),
		h("div", { class: "pane-read" }, mails.node));
	const stops = [
		context.listen(what => (what === "mail" || what === "all") && rows.refresh()),
		context.listen(what => what === "sent" && rows.askSent()),
		folders.watch(heading),
		keys(commands(), context),
	];
	main.append(frame);

	const stop = () => {
		stops.forEach(f => f());
		mails.stop();
		page = null;
	};

	/* --- where one is --- */

	async function turn(params) {
		const { folder, id = "", q = "" } = params;
		const everywhere = Boolean(q) && params.in !== "folder";
		const other = folder !== now.folder || q !== now.q || everywhere !== now.everywhere;
		const back = !id && now.id;
		Object.assign(now, { folder, id, q, everywhere });
		frame.classList.toggle("reading", Boolean(id));
		search.value = q;
		folders.stand(where({}));
		heading();
		if (other) {
			drawScope();
			const asked = rows.show({ folder, q, everywhere, collapse: !q && folders.kind(folder) !== "drafts" });
			if (!id)
				await asked;
		}
		await open(id);
		if (back && !other)
			rows.focus();
		else if (other && !id && !document.activeElement?.closest?.("form[role=search]"))
			title.focus({ preventScroll: true });
	}

	async function open(id) {
		rows.reading(id);
		if (!id)
			return mails.close();
		const focus = now.wanted === id || getComputedStyle(frame.firstChild).display === "none";
		now.wanted = "";
		await mails.show(id, { focus });
	}

	function where(more) {
		const { folder, q, id, everywhere } = { ...now, ...more };
		const rest = q ? query({ q, in: everywhere || !now.q ? null : "folder" }) : "";
		return folders.address(folder) + (id ? p`/${id}` : "") + rest;
	}

	const hashOf = summary => summary.draft && summary.flags.includes("draft") ? p`#/write/${summary.draft}` : where({ id: summary.id });

	function heading() {
		const folder = folders.find(now.folder);
		const name = now.q ? t("found") : folders.name(now.folder);
		if (title.textContent !== name)
			title.textContent = name;
		context.title(name + (!now.q && folder?.unseen ? " (" + number(folder.unseen) + ")" : ""));
		fill(ownTools, !now.q && folder?.kind === "own" && [
			button(t("folder-rename"), async () => {
				const to = await folders.rename(now.folder);
				context.go(folders.address(to), { replace: true });
			}, { sign: "write", only: true, kind: "plain" }),
			button(t("folder-remove"), async () => {
				if (await folders.erase(now.folder))
					context.go("#/mail/INBOX", { replace: true });
			}, { sign: "trash", only: true, kind: "plain" })]);
	}

	function drawScope() {
		const choice = (everywhere, text) => everywhere === now.everywhere ? h("b", { "aria-current": "true" }, text) :
			h("a", { href: folders.address(now.folder) + query({ q: now.q, in: everywhere ? null : "folder" }) }, text);
		fill(scope, now.q && [choice(true, t("everywhere")), choice(false, t("in-folder", { folder: folders.name(now.folder) })),
			h("a", { href: folders.address(now.folder) }, t("search-end"))]);
	}

	function searchHelp() {
		return dialog(t("search-how"), [h("p", null, t("search-words")),
			h("table", { class: "keys" }, h("tbody", null, OPERATORS.map(op => h("tr", null,
				h("td", null, h("code", null, t("op-" + op))), h("td", null, t("op-" + op + "-does"))))))]);
	}

	/* --- the list's state --- */

	function loaded() {
		fill(state, rows.size() ? t(rows.collapsed() ? "n-conversations" : "n-shown", { n: rows.total() }) : "");
		rows.reading(now.id);
	}

	function empty() {
		const kind = now.q ? "found" : folders.kind(now.folder);
		return [h("p", null, t("empty-" + kind)), now.q && h("p", { class: "small" }, t("search-words"))];
	}

	function selectionChanged() {
		const chosen = rows.selected();
		pickAll.checked = chosen.length > 0 && chosen.length === rows.size();
		pickAll.indeterminate = chosen.length > 0 && !pickAll.checked;
		pickAll.disabled = !rows.size();
		frame.classList.toggle("choosing", chosen.length > 0);
		if (chosen.length)
			fill(state, t("n-selected", { n: chosen.length }));
		else
			loaded();
		drawTools(bulk, chosen.length ? chosen.map(row => row.summary) : []);
	}

	function failed(why) {
		context.toast(why.error === "invalid" && now.q ? t("search-date") : context.sayFailure(why), { kind: "wrong" });
		if (why.error === "not-found" && now.id)
			context.go(where({ id: "" }), { replace: true });
	}

	/* --- what can be done --- */

	function drawTools(node, summaries) {
		const shape = summaries.length ? [folders.kind(now.folder), summaries.some(s => s.unseen > 0 || !s.flags.includes("seen"))].join() : "";
		if (node.dataset.shape === shape)
			return;
		node.dataset.shape = shape;
		fill(node, shape && toolsFor(() => targets(), summaries.some(s => s.unseen > 0 || !s.flags.includes("seen"))));
	}

	function toolsFor(of, unread) {
		const kind = now.q ? "" : folders.kind(now.folder);
		const tool = (word, sign, act) => button(t(word), () => act(of()), { sign, only: true, kind: "plain" });
		return [
			!["archive", "drafts", "trash"].includes(kind) && tool("archive", "archive", s => moveTo("archive", s)),
			tool(kind === "trash" ? "erase" : "delete", "trash", erase),
			!["sent", "drafts"].includes(kind) && (kind === "junk" ? tool("not-junk", "inbox", s => moveTo("inbox", s)) : tool("junk", "junk", s => moveTo("junk", s))),
			kind !== "drafts" && tool("move", "folder", choose),
			kind !== "drafts" && (unread ? tool("mark-read", "read", s => seen(s, true)) : tool("mark-unread", "unread", s => seen(s, false))),
		].filter(Boolean);
	}

	function readerTools() {
		return h("div", { class: "tools reader-tools", role: "toolbar", "aria-label": t("with-this") },
			h("a", { class: "button plain only back", href: where({ id: "" }), "aria-label": t("back"), title: t("back") }, icon("back")),
			toolsFor(() => targets(true), false),
			button(t("star"), () => star(mails.mails().filter(s => s.id === now.id)), { sign: "star", only: true, kind: "plain" }));
	}

	/* What a command is for: the selected, else what is read, else the current row. */
	function targets(opened) {
		const chosen = opened ? [] : rows.selected();
		if (chosen.length)
			return chosen.map(row => row.summary);
		const row = now.id ? rows.find(now.id) ?? rows.find(mails.opened()?.conversation) : rows.current();
		if (row)
			return [row.summary];
		return mails.mails().filter(s => s.id === now.id).map(s => ({ ...s, count: 2, conversation: mails.opened().conversation }));
	}

	/* The mails behind these rows: all of a conversation that lie in this folder. */
	async function idsOf(summaries, which = () => true) {
		const ids = [];
		for (const one of summaries) {
			if (now.q || !(one.count > 1))
				ids.push(one.id);
			else
				ids.push(...(await conversation(one.conversation, one.folder)).filter(m => m.folder === one.folder && which(m)).map(m => m.id));
		}
		return [...new Set(ids)];
	}

	async function apply(summaries, what, said, { gone, which } = {}) {
		if (!summaries.length)
			return;
		try {
			const ids = await idsOf(summaries, which);
			if (gone) {
				rows.take(summaries.map(s => now.q || folders.kind(now.folder) === "drafts" ? s.id : s.conversation || s.id));
				if (now.id && summaries.some(s => s.id === now.id || s.conversation === mails.opened()?.conversation)) {
					mails.close();
					context.go(where({ id: "" }), { replace: true });
				}
			}
			await change(ids, what, { said, toast: context.toast, after: rows.refresh });
		} catch (why) {
			context.toast(context.sayFailure(why), { kind: "wrong" });
		}
		changed();
	}

	function changed() {
		rows.refresh();
		folders.refresh().catch(() => {});
	}

	function moveTo(kind, summaries) {
		const folder = folders.byKind(kind);
		if (folder !== undefined && folder !== now.folder)
			moveInto(folder, summaries);
	}

	function moveInto(folder, summaries) {
		const kind = folders.kind(folder);
		const said = { archive: "done-archive", trash: "done-trash", junk: "done-junk" }[kind] ?? "done-move";
		apply(summaries, { move: folder }, n => t(said, { n, folder: folders.name(folder) }), { gone: true });
	}

	async function erase(summaries) {
		if (folders.kind(now.folder) !== "trash" || now.q)
			return moveTo("trash", summaries);
		if (summaries.length && await context.ask(t("erase"), t("erase-sure", { n: summaries.length }), { yes: t("erase"), danger: true }))
			apply(summaries, { erase: true }, n => t("done-erase", { n }), { gone: true });
	}

	async function choose(summaries) {
		const folder = await dialog(t("move"), close => h("ul", { class: "links chooser" }, folders.known()
			.filter(one => one.folder !== now.folder && !["drafts", "sent"].includes(one.kind))
			.map(one => h("li", null, h("button", { type: "button", class: "plain", onclick: () => close(one.folder) }, icon(folders.sign(one.folder)), folders.name(one.folder))))));
		if (folder)
			moveInto(folder, summaries);
	}

	function seen(summaries, on) {
		apply(summaries, on ? { add: ["seen"] } : { remove: ["seen"] }, n => t(on ? "done-read" : "done-unread", { n }),
			{ which: on ? m => !m.flags.includes("seen") : (m, i) => summaries.some(s => s.id === m.id) });
		if (!on && now.id)
			context.go(where({ id: "" }));
	}

	async function star(summaries) {
		const on = summaries.some(s => !s.flags.includes("flagged"));
		try {
			await change(summaries.map(s => s.id), on ? { add: ["flagged"] } : { remove: ["flagged"] });
			context.announce(t(on ? "starred" : "unstarred"));
		} catch (why) {
			failed(why);
		}
		rows.refresh();
	}

	/* --- keys --- */

	function commands() {
		const step = by => {
			const row = rows.move(by);
			if (!row)
				return;
			if (now.id && !row.summary.draft)
				context.go(hashOf(row.summary), { replace: true });
			rows.focus();
		};
		const openRow = () => {
			const row = rows.current();
			if (row) {
				now.wanted = row.summary.id;
				context.go(hashOf(row.summary));
			}
		};
		const back = () => now.id && context.go(where({ id: "" }));
		return {
			c: () => context.go("#/write"),
			"/": () => search.focus(),
			j: () => step(1), k: () => step(-1), o: openRow, u: back,
			x: () => rows.current() && rows.select(rows.current()),
			e: () => moveTo("archive", targets()),
			"#": () => erase(targets()),
			"!": () => moveTo(folders.kind(now.folder) === "junk" ? "inbox" : "junk", targets()),
			s: () => star(targets()),
			z: undoLast,
			r: () => now.id && mails.answer("reply"), a: () => now.id && mails.answer("all"), f: () => now.id && mails.answer("forward"),
			Escape: () => rows.selected().length ? rows.pickAll(false) : back(),
		};
	}

	return { turn, stop };
}
