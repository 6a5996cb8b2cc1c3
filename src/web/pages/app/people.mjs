/* SPDX-License-Identifier: ISC
 *
 * people.mjs - a field for recipients: what was typed, pasted or chosen becomes chips; names and
 * addresses written to before are proposed while one types (the combobox pattern).
 */
import { get, query } from "./api.mjs";
import { fill, h, icon, set, unique as id } from "./dom.mjs";
import { isAddress, people, unique } from "./mailtext.mjs";
import { t } from "./words.mjs";

const WAIT = 120; /* ms of silence before names are looked up */

/* changed(): the recipients are others now. -> { node, list(), take(list), commit(), focus() } */
export function peopleField(label, { changed, announce }) {
	let chosen = [];
	let options = [];
	let at = -1;
	let timer = 0;
	let asking = null;
	const input = h("input", { id: id(), type: "text", inputmode: "email", autocomplete: "off", autocapitalize: "none", spellcheck: "false",
		role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-haspopup": "listbox" });
	const box = h("ul", { id: id(), class: "options", role: "listbox", "aria-label": t("proposals"), hidden: true });
	const chips = h("ul", { class: "chips", "aria-label": label });
	const node = h("div", { class: "people" }, h("label", { for: input.id }, label),
		h("div", { class: "people-box", onclick: e => e.target === e.currentTarget && input.focus() }, chips, input), box);
	set(input, "aria-controls", box.id);
	input.addEventListener("input", typed);
	input.addEventListener("keydown", key);
	input.addEventListener("blur", () => {
		close();
		commit();
	});
	input.addEventListener("paste", event => {
		const text = event.clipboardData.getData("text");
		if (!/[,;\n]/.test(text.trim()))
			return;
		event.preventDefault();
		input.value += text;
		commit();
	});

	function typed() {
		if (/[,;]$/.test(input.value) && people(input.value).every(one => isAddress(one.address)))
			return commit();
		clearTimeout(timer);
		timer = setTimeout(propose, WAIT);
	}

	async function propose() {
		const q = input.value.trim();
		asking?.abort();
		asking = new AbortController();
		if (!q)
			return close();
		const found = await get("/addresses" + query({ q, limit: 8 }), { signal: asking.signal }).catch(() => null);
		if (!found || q !== input.value.trim() || document.activeElement !== input)
			return;
		options = found.people.filter(one => !chosen.some(c => c.address.toLowerCase() === one.address.toLowerCase()));
		at = -1;
		fill(box, options.map((one, i) => h("li", { id: box.id + "-" + i, role: "option", "aria-selected": "false",
			onpointerdown: e => e.preventDefault(), onclick: () => choose(one) },
		one.name && h("bdi", null, one.name), one.name && " ", h("span", { class: one.name ? "soft" : "" }, one.address))));
		box.hidden = !options.length;
		set(input, "aria-expanded", String(options.length > 0));
		if (options.length)
			announce(t("n-proposals", { n: options.length }));
	}

	function close() {
		clearTimeout(timer);
		asking?.abort();
		options = [];
		at = -1;
		box.hidden = true;
		set(input, "aria-expanded", "false");
		set(input, "aria-activedescendant", null);
	}

	function go(by) {
		at = (at + by + options.length) % options.length;
		[...box.children].forEach((one, i) => set(one, "aria-selected", String(i === at)));
		set(input, "aria-activedescendant", box.id + "-" + at);
		box.children[at].scrollIntoView({ block: "nearest" });
	}

	function key(event) {
		const { key } = event;
		if (event.isComposing)
			return;
		if ((key === "ArrowDown" || key === "ArrowUp") && options.length) {
			event.preventDefault();
			go(key === "ArrowDown" ? 1 : at < 0 ? 0 : -1);
		} else if (key === "Enter" && !event.ctrlKey && !event.metaKey) {
			event.preventDefault();
			if (at >= 0)
				choose(options[at]);
			else if (options.length && !isAddress(input.value.trim()))
				choose(options[0]);
			else
				commit();
		} else if (key === "Escape" && options.length) {
			event.preventDefault();
			event.stopPropagation();
			close();
		} else if (key === "Tab" && at >= 0)
			choose(options[at]);
		else if (key === "Backspace" && !input.value && chosen.length)
			edit(chosen.at(-1));
	}

	function choose(one) {
		input.value = "";
		close();
		add([one]);
	}

	/* What stands in the field becomes chips, addresses or not. */
	function commit() {
		const typed = people(input.value);
		input.value = "";
		if (typed.length)
			add(typed);
	}

	function add(list) {
		take([...chosen, ...list]);
		changed();
	}

	function drop(one) {
		take(chosen.filter(c => c !== one));
		changed();
		input.focus();
	}

	function edit(one) {
		commit();
		take(chosen.filter(c => c !== one));
		changed();
		input.value = one.name ? `${one.name} <${one.address}>` : one.address;
		input.focus();
	}

	function take(list) {
		chosen = unique(list);
		fill(chips, chosen.map(one => {
			const wrong = !isAddress(one.address);
			const full = one.name ? `${one.name} <${one.address}>` : one.address;
			return h("li", { class: wrong ? "chip bad" : "chip" },
				h("button", { type: "button", class: "chip-name", title: full, "aria-label": t(wrong ? "edit-wrong" : "edit-this", { name: full }), onclick: () => edit(one) },
					wrong && icon("warn"), h("bdi", null, one.name || one.address)),
				h("button", { type: "button", class: "chip-drop", "aria-label": t("remove-this", { name: full }), title: t("remove"), onclick: () => drop(one) }, icon("close")));
		}));
	}

	return { node, take, commit, focus: () => input.focus(), list: () => chosen,
		wrong: () => chosen.filter(one => !isAddress(one.address)) };
}
