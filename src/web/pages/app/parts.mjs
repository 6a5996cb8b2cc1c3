/* SPDX-License-Identifier: ISC
 *
 * parts.mjs - pieces that several pages are put together from.
 */
import { button, fill, h, icon } from "./dom.mjs";
import { t } from "./words.mjs";

/* A page of one column: its heading and, where it has several, the links between its parts
 * ([hash, word, whether this is it]). -> the column. */
export function page(main, title, { tabs, label, wide } = {}) {
	const column = h("div", { class: wide ? "column wide" : "column" }, h("h1", null, title),
		tabs && h("nav", { class: "tabs", "aria-label": label }, h("ul", null, tabs.map(([hash, word, here]) =>
			h("li", null, h("a", { href: hash, "aria-current": here ? "page" : null }, word))))));
	fill(main, column);
	return column;
}

/* A button that copies what text() says; where that is not allowed, `shown` is selected instead. */
export function copyButton(text, context, shown, label = t("copy")) {
	return button(label, async () => {
		try {
			await navigator.clipboard.writeText(text());
			context.toast(t("copied"));
		} catch {
			select(shown);
			context.toast(t("copy-failed"), { kind: "wrong" });
		}
	}, { sign: "copy" });
}

function select(node) {
	if (node.select)
		return node.select();
	const range = document.createRange();
	range.selectNodeContents(node);
	getSelection().removeAllRanges();
	getSelection().addRange(range);
}

/* Offers a text as a file. */
export function saveText(name, text) {
	const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
	const link = h("a", { href: url, download: name });
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/* Where a list is empty: why, and what will be here. */
export const nothing = (sign, title, text) =>
	h("div", { class: "empty" }, icon(sign, "big"), h("p", null, h("strong", null, title)), h("p", null, text));

/* What something is, as a sign with its word: kind is good, bad or doubtful. */
export const mark = (kind, text) => h("span", { class: "mark " + kind },
	icon({ good: "check", bad: "stop", doubtful: "question" }[kind]), text);

/* A table: heads are words, rows arrays of cells; the first cell names the row. numeric: columns of
 * numbers, by index. On a phone each row is a block of its own with the heads as labels; the roles keep
 * it a table for those who hear it. */
export function table(caption, heads, rows, { numeric = [], hideCaption } = {}) {
	const cls = i => numeric.includes(i) ? "number" : null;
	return h("div", { class: "scroll" }, h("table", { role: "table" },
		h("caption", { class: hideCaption ? "unseen" : null }, caption),
		h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
			heads.map((head, i) => h("th", { scope: "col", role: "columnheader", class: cls(i) }, head)))),
		h("tbody", { role: "rowgroup" }, rows.map(row => h("tr", { role: "row" }, row.map((cell, i) => i === 0
			? h("th", { scope: "row", role: "rowheader" }, cell)
			: h("td", { role: "cell", class: cls(i), data: { label: heads[i] } }, h("div", null, cell))))))));
}
