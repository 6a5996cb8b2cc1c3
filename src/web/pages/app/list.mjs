/* SPDX-License-Identifier: ISC
 *
 * list.mjs - the list of mails in a folder or found by a search: rows of one height, loaded page by
 * page, kept true by merging what the server says into the rows that stand there, so that nothing
 * jumps under somebody's finger. One row is the current one: it alone is reached by Tab, the others
 * by the arrow keys, j and k.
 */
import { get, query } from "./api.mjs";
import { fill, h, icon, set } from "./dom.mjs";
import { sentSign } from "./sent.mjs";
import { t, moment, short } from "./words.mjs";

const PAGE = 50;
const AHEAD = 600; /* px */
const REFRESH_MOST = 200; /* rows asked for again at once when something changed */

/* on: { selection(), opened(row), star(row), loaded(answer), href(row), failed(why) } */
export function list(on) {
	const rows = new Map(); /* by key, in the order shown */
	const selected = new Set();
	const view = { where: null, next: "", total: 0, current: null, anchor: null, asking: null, sent: new Map() };
	const ul = h("ul", { class: "lines" });
	const more = h("button", { type: "button", class: "button more", onclick: () => load() }, t("list-more"));
	const note = h("div", { class: "empty" });
	const node = h("div", { class: "listing" }, ul, more, note);
	more.hidden = true;
	node.addEventListener("scroll", ahead, { passive: true });
	ul.addEventListener("keydown", arrows);
	ul.addEventListener("focusin", event => {
		const row = rowOf(event.target);
		if (row)
			become(row);
	});

	const keyOf = summary => view.where.collapse ? summary.conversation || summary.id : summary.id;
	const rowOf = target => rows.get(target.closest("li")?.dataset.key);
	const all = () => [...rows.values()];

	/* --- asking --- */

	async function show(where) {
		view.asking?.abort();
		Object.assign(view, { where, next: "", total: 0, current: null, anchor: null, asking: null });
		rows.clear();
		selected.clear();
		fill(ul);
		fill(note);
		more.hidden = true;
		node.scrollTop = 0;
		node.classList.add("waiting");
		on.selection();
		await refresh();
	}

	/* The next page. */
	async function load() {
		if (!view.next || view.asking)
			return;
		const answer = await ask({ after: view.next, limit: PAGE });
		if (answer)
			merge(answer, all().map(row => row.key));
	}

	/* The next page before its end is seen. */
	function ahead() {
		if (node.offsetHeight && node.scrollTop + node.offsetHeight + AHEAD > node.scrollHeight)
			load();
	}

	/* Ask again for what is shown, as far as that is bearable, and keep what lies behind it. */
	async function refresh() {
		const limit = Math.max(PAGE, Math.min(rows.size, REFRESH_MOST));
		view.asking?.abort();
		const behind = all().slice(limit).map(row => row.key);
		const answer = await ask({ limit });
		if (answer)
			merge(answer, [], answer.next ? behind : []);
	}

	async function ask(more) {
		const { folder, q, everywhere, collapse } = view.where;
		const asking = view.asking = new AbortController();
		try {
			return await get("/messages" + query({ folder: everywhere ? null : folder, q: q || null,
				everywhere: everywhere ? 1 : 0, collapse: collapse ? 1 : 0, ...more }), { signal: asking.signal });
		} catch (why) {
			if (why.name !== "AbortError")
				on.failed(why);
			return null;
		} finally {
			if (view.asking === asking)
				view.asking = null;
			node.classList.remove("waiting");
		}
	}

	/* --- the rows --- */

	function merge(answer, before, behind = []) {
		const keep = view.next;
		const order = [...before];
		for (const summary of answer.messages) {
			const key = keyOf(summary);
			if (before.includes(key))
				continue;
			order.push(key);
			const row = rows.get(key) ?? makeRow(key);
			rows.set(key, row);
			update(row, summary);
		}
		order.push(...behind.filter(key => !order.includes(key)));
		view.next = behind.length ? keep : answer.next;
		view.total = answer.total;
		arrange(order);
		on.loaded(answer);
		ahead();
		askSent();
	}

	/* Put the rows into this order and take away the others; only what moved is touched. */
	function arrange(order) {
		const wanted = new Set(order);
		const focused = document.activeElement && rowOf(document.activeElement);
		const index = all().indexOf(focused);
		for (const [key, row] of [...rows])
			if (!wanted.has(key))
				forget(row);
		const sorted = order.map(key => [key, rows.get(key)]);
		rows.clear();
		let at = ul.firstElementChild;
		for (const [key, row] of sorted) {
			rows.set(key, row);
			if (row.node === at)
				at = at.nextElementSibling;
			else
				ul.insertBefore(row.node, at);
		}
		if (!rows.has(view.current?.key))
			view.current = null;
		become(view.current ?? all()[Math.max(0, index)] ?? all().at(-1) ?? null);
		if (focused && !rows.has(focused.key))
			focus();
		more.hidden = !view.next;
		fill(note, rows.size ? null : on.empty());
		on.selection();
	}

	function forget(row) {
		row.node.remove();
		rows.delete(row.key);
		selected.delete(row.key);
	}

	function makeRow(key) {
		const row = { key };
		row.pick = h("input", { type: "checkbox", tabIndex: -1, onclick: event => pick(row, event.shiftKey) });
		row.star = h("button", { type: "button", class: "star", tabIndex: -1, onclick: () => on.star(row) }, icon("star"));
		row.link = h("a", { class: "open", tabIndex: -1, onclick: () => on.opened(row) });
		row.node = h("li", { class: "line", data: { key } }, h("label", { class: "pick" }, row.pick), row.link, row.star);
		return row;
	}

	function update(row, summary) {
		const same = JSON.stringify(summary);
		if (row.same === same)
			return;
		row.same = same;
		row.summary = summary;
		const flagged = summary.flags.includes("flagged");
		const unread = on.kind(summary.folder) === "sent" ? !summary.flags.includes("seen") : summary.unseen > 0;
		const subject = summary.subject || t("no-subject");
		row.sign = h("span", { class: "state" });
		set(row.link, "href", on.href(row));
		row.node.classList.toggle("new", unread);
		fill(row.link,
			unread && h("span", { class: "unseen" }, t("unread") + ", "),
			h("span", { class: "who" }, h("span", { class: "name" }, who(summary)),
				summary.count > 1 && h("span", { class: "count", title: t("in-conversation", { n: summary.count }) }, summary.count)),
			h("span", { class: "subject" }, subject),
			h("span", { class: "signs" },
				summary.flags.includes("answered") && sign("reply", t("answered")),
				summary.flags.includes("forwarded") && sign("forward", t("forwarded")),
				summary.flags.includes("deleted") && sign("trash", t("marked-deleted")),
				summary.attachments > 0 && sign("clip", t("has-attachments", { n: summary.attachments })),
				h("time", { datetime: new Date(summary.time).toISOString(), title: moment(summary.time) }, short(summary.time))),
			h("span", { class: "preview" }, row.sign, view.where.everywhere && h("span", { class: "where" }, on.folderName(summary.folder)),
				summary.preview));
		set(row.pick, "aria-label", t("select-this", { subject }));
		set(row.star, "aria-label", t("star"));
		set(row.star, "title", t("star"));
		set(row.star, "aria-pressed", String(flagged));
		showSent(row);
	}

	function who(summary) {
		const own = summary.sent || summary.draft || summary.flags.includes("draft") || on.kind(summary.folder) === "sent";
		if (!own)
			return summary.from?.name || summary.from?.address || t("no-sender");
		const to = summary.to.map(p => p.name || p.address).join(", ");
		return (summary.sent || !summary.flags.includes("draft") ? "" : t("draft") + ": ") + (to ? t("to-whom", { to }) : t("to-nobody"));
	}

	/* --- what became of what was sent --- */

	async function askSent() {
		const ids = all().map(row => row.summary.sent).filter(Boolean).slice(0, REFRESH_MOST);
		if (!ids.length)
			return;
		for (let at = 0; at < ids.length; at += PAGE) {
			const answer = await get("/sent" + query({ ids: ids.slice(at, at + PAGE).join(",") })).catch(() => null);
			for (const item of answer?.items ?? [])
				view.sent.set(item.sent, item);
		}
		all().forEach(showSent);
	}

	function showSent(row) {
		const item = view.sent.get(row.summary.sent);
		fill(row.sign, item && sentSign(item));
	}

	/* --- current row and selection --- */

	function become(row) {
		for (const one of [view.current, row])
			if (one) {
				const tab = one === row ? 0 : -1;
				one.link.tabIndex = one.pick.tabIndex = one.star.tabIndex = tab;
				one.node.classList.toggle("current", one === row);
			}
		view.current = row;
	}

	function move(by) {
		const order = all();
		const at = order.indexOf(view.current);
		const row = order[Math.min(order.length - 1, Math.max(0, at + by))];
		if (!row)
			return null;
		become(row);
		row.node.scrollIntoView({ block: "nearest" });
		if (at + by >= order.length - 5)
			load();
		return row;
	}

	function focus() {
		view.current?.link.focus({ preventScroll: false });
	}

	function arrows(event) {
		const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e6, End: 1e6 }[event.key];
		if (!by || event.altKey || event.ctrlKey || event.metaKey)
			return;
		event.preventDefault();
		if (move(by))
			focus();
	}

	function pick(row, range) {
		const wanted = row.pick.checked;
		const order = all();
		const [from, to] = [order.indexOf(range ? view.anchor : row), order.indexOf(row)].sort((a, b) => a - b);
		for (const one of order.slice(Math.max(0, from), to + 1))
			mark(one, wanted);
		view.anchor = row;
		on.selection();
	}

	function mark(row, wanted) {
		row.pick.checked = wanted;
		row.node.classList.toggle("selected", wanted);
		if (wanted)
			selected.add(row.key);
		else
			selected.delete(row.key);
	}

	function pickAll(wanted) {
		all().forEach(row => mark(row, wanted));
		on.selection();
	}

	/* Take rows away before the server has said so. */
	function take(keys) {
		const gone = new Set(keys);
		const order = all();
		const at = order.findIndex(row => gone.has(row.key));
		if (gone.has(view.current?.key))
			become(order.slice(at).find(row => !gone.has(row.key)) ?? order.slice(0, at).at(-1) ?? null);
		arrange(order.filter(row => !gone.has(row.key)).map(row => row.key));
	}

	/* The row that is read now. */
	function reading(id) {
		for (const row of all()) {
			const open = Boolean(id) && (row.summary.id === id || row.open === id);
			set(row.link, "aria-current", open ? "true" : null);
			row.node.classList.toggle("reading", open);
			if (open)
				become(row);
		}
	}

	return { node, show, refresh, move, focus, take, reading, askSent,
		current: () => view.current, select: row => { row.pick.checked = !row.pick.checked; pick(row, false); },
		selected: () => all().filter(row => selected.has(row.key)), pickAll, size: () => rows.size, total: () => view.total, collapsed: () => view.where.collapse,
		find: id => all().find(row => row.summary.id === id || row.summary.conversation === id) };
}

const sign = (name, label) => h("span", { title: label }, icon(name), h("span", { class: "unseen" }, label + ", "));
