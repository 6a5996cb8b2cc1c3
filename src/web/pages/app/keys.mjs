/* SPDX-License-Identifier: ISC
 *
 * keys.mjs - single keys as commands (Gmail's set). Never while somebody types, in a dialog or with
 * Ctrl, Alt or the like, and not at all where the account has switched them off.
 */
import { get } from "./api.mjs";
import { h } from "./dom.mjs";
import { dialog } from "./tell.mjs";
import { t } from "./words.mjs";

/* What `?` shows, in this order. */
const SHOWN = [
	["c", "key-write"], ["/", "key-search"], ["j", "key-next"], ["k", "key-previous"], ["o", "key-open"], ["u", "key-back"],
	["x", "key-select"], ["e", "key-archive"], ["#", "key-delete"], ["!", "key-junk"], ["s", "key-star"], ["z", "key-undo"],
	["r", "key-reply"], ["a", "key-reply-all"], ["f", "key-forward"], ["?", "key-help"],
];
const ALWAYS = [["Ctrl + Enter", "key-send"], ["Esc", "key-escape"], ["↑ ↓", "key-arrows"]];
const TYPING = "input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]";

/* table: { key: command }. Returns a function that ends it. */
export function keys(table, context) {
	let on = true;
	const ask = () => get("/settings").then(s => { on = s.preferences.shortcuts !== "off"; }, () => {});
	ask();
	const stop = context.listen(what => (what === "settings" || what === "all") && ask());
	const press = event => {
		const { key, target } = event;
		if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing ||
			target.closest?.(TYPING) || document.querySelector("dialog[open]"))
			return;
		const command = key === "?" ? () => help() : table[key];
		if (!command || (!on && key !== "Escape"))
			return;
		event.preventDefault();
		command();
	};
	addEventListener("keydown", press);
	return () => {
		removeEventListener("keydown", press);
		stop();
	};
}

export function help() {
	const rows = list => list.map(([key, word]) => h("tr", null, h("td", null, h("kbd", null, key)), h("td", null, t(word))));
	return dialog(t("keys"), [h("table", { class: "keys" }, h("tbody", null, rows(SHOWN), rows(ALWAYS))), h("p", { class: "hint" }, t("keys-off"))]);
}
