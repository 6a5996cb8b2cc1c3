/* SPDX-License-Identifier: ISC
 *
 * settings.mjs - what a person decides: encrypted sending with its rules, writing and language, and
 * (security.mjs) the ways into the account. A switch or a choice is saved when it is made and put
 * back if that fails; what is typed has a button.
 */
import { button, field, fill, h, icon, unique } from "./dom.mjs";
import { copyButton, page, table } from "./parts.mjs";
import { dialog } from "./tell.mjs";
import { day, percent, span, t } from "./words.mjs";

export const words = ["settings"];

const PARTS = [
	["alias", showAlias],
	["writing", showWriting],
	["security", async (...all) => (await import("./security.mjs")).show(...all)],
];
const LEVELS = ["encrypt", "secure", "dane-only", "verify"];
const MINUTE = 60e3, HOUR = 3600e3, DAY = 86400e3;
const DEADLINES = [15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY];
const UNDO_SECONDS = [0, 5, 10, 20, 30, 60];

export async function show(main, params, context) {
	const [name, showPart] = PARTS.find(([n]) => n === params.part) ?? PARTS[0];
	const column = page(main, t("settings"), {
		tabs: PARTS.map(([n]) => ["#/settings/" + n, t("settings-" + n), n === name]),
		label: t("settings-parts"),
	});
	context.title(t("settings-" + name));
	const state = { settings: await context.api.get("/settings"), context };
	await showPart(column, state);
}

/* Saves `change`; state.settings is then what the server says. undo() puts the control back. */
async function save(state, change, undo, said = t("saved")) {
	const { api, toast, sayFailure } = state.context;
	try {
		state.settings = await api.patch("/settings", change, { keep: true });
		toast(said);
		return true;
	} catch (why) {
		undo?.();
		toast(sayFailure(why), { kind: "wrong" });
		return false;
	}
}

const prefer = (state, name, value, undo) => save(state, { preferences: { [name]: value } }, undo);

/* --- encrypted sending */

function showAlias(column, state) {
	const rule = h("section", { "aria-labelledby": "rule-title" });
	const notThis = h("section", { class: "stack" }, h("h2", null, t("not-this")),
		["not-this-pgp", "not-this-end", "not-this-version"].map(w => h("p", null, t(w))));
	if (!state.settings.alias)
		return column.append(h("section", { class: "card" }, h("p", null, t("alias-none"))), notThis);
	column.append(
		h("section", { class: "card stack" }, aliasSwitch(state)),
		h("section", { class: "stack" }, h("h2", null, t("alias-does")),
			h("ul", { class: "stack" }, ["alias-does-send", "alias-does-refuse", "alias-does-receive"]
				.map(w => h("li", { class: "sentence" }, icon("right"), h("span", null, t(w)))))),
		deadlineChoice(state), rule, noticesSwitch(state), notThis);
	drawRule(rule, state);
}

function switchRow(label, hint, on, onchange) {
	const note = unique();
	const control = h("input", { type: "checkbox", class: "switch", role: "switch", checked: on, id: unique(),
		"aria-describedby": note, onchange: () => onchange(control) });
	return h("div", { class: "switch-row" }, h("label", { for: control.id }, label), control,
		h("p", { class: "hint", id: note }, hint));
}

function aliasSwitch(state) {
	const { settings, context } = state;
	const address = h("output", { class: "mono address" }, settings.alias);
	const row = switchRow(t("alias-switch"), t(settings.active ? "alias-is-on" : "alias-is-off"), settings.active,
		async control => {
			const on = control.checked;
			if (!await save(state, { active: on }, () => { control.checked = !on; }, t(on ? "alias-now-on" : "alias-now-off")))
				return;
			fill(row.querySelector(".hint"), t(on ? "alias-is-on" : "alias-is-off"));
			context.refresh();
		});
	return [row, h("div", null, h("p", { class: "small soft" }, t("alias-address")),
		h("div", { class: "row" }, address, copyButton(() => settings.alias, context, address)))];
}

function radios(legend, hint, name, choices, chosen, onchange) {
	const group = unique();
	return h("fieldset", { class: "stack" }, h("legend", null, h("h2", null, legend)), hint && h("p", null, hint),
		h("div", { class: "choices" }, choices.map(([value, label, more]) => {
			const input = h("input", { type: "radio", name: group, value: String(value), checked: value === chosen,
				onchange: () => onchange(value) });
			return h("label", { class: "choice" }, input, h("span", null, h("span", null, label), more));
		})));
}

function deadlineChoice(state) {
	const { settings } = state;
	const chosen = settings.deadline || settings.deadline_default;
	const offered = DEADLINES.filter(d => d >= settings.deadline_least && d <= settings.deadline_most);
	for (const d of [chosen, settings.deadline_default])
		if (!offered.includes(d))
			offered.push(d);
	offered.sort((a, b) => a - b);
	let before = chosen;
	const group = radios(t("deadline"), t("deadline-hint"), "deadline",
		offered.map(d => [d, span(d) + (d === settings.deadline_default ? " " + t("deadline-usual") : "")]), chosen,
		async value => {
			if (await save(state, { deadline: value }, () => check(group, before)))
				before = value;
		});
	group.classList.add("short");
	return group;
}

const check = (group, value) => {
	for (const input of group.querySelectorAll("input"))
		input.checked = input.value === String(value);
};

function noticesSwitch(state) {
	return h("section", null, switchRow(t("notices"), t("notices-hint"), state.settings.preferences.notices === "on",
		control => {
			const on = control.checked;
			prefer(state, "notices", on ? "on" : "off", () => { control.checked = !on; });
		}));
}

/* The rule: one sentence for everybody, four levels for experts. */
function drawRule(section, state) {
	const { settings } = state;
	const expert = settings.preferences.expert === "on" || settings.level !== "encrypt";
	fill(section, expert ? levels(section, state) : [h("h2", { id: "rule-title" }, t("rule")),
		h("p", null, t("rule-now")),
		h("div", null, button(t("expert-open"), () => openExpert(section, state)))]);
	section.className = "stack";
}

async function openExpert(section, state) {
	const { context } = state;
	const understood = h("input", { type: "checkbox", id: unique() });
	const complaint = h("p", { class: "wrong", role: "alert" });
	const accepted = await dialog(t("expert"), close => [
		h("div", { class: "said" }, h("p", null, t("expert-warning")), h("p", null, t("expert-warning-letter")),
			h("label", { class: "choice", for: understood.id }, understood, h("span", null, t("expert-understood"))), complaint),
		h("footer", null, button(t("cancel"), () => close(false)), button(t("expert-go"), () => {
			if (understood.checked)
				close(true);
			else
				fill(complaint, t("expert-tick"));
		}, { kind: "main" }))]);
	if (!accepted || !await prefer(state, "expert", "on"))
		return;
	drawRule(section, state);
	section.querySelector("input:checked")?.focus();
	context.announce(t("expert-open-now"));
}

function levels(section, state) {
	const { settings, context } = state;
	const shares = new Map(LEVELS.map(l => [l, h("span", { class: "reach" })]));
	const providers = h("div", { class: "providers" });
	let before = settings.level;
	const group = radios(t("rule"), t("expert-warning"), "level", LEVELS.map(l => [l,
		h("strong", null, t("level-" + l)),
		[h("span", null, t("level-does-" + l)), h("span", { class: "soft" }, t("level-excludes-" + l)), shares.get(l)]]),
	settings.level, async value => {
		if (!await save(state, { level: value }, () => check(group, before), t("level-now", { level: t("level-" + value) })))
			return;
		before = value;
		context.refresh();
	});
	group.querySelector("h2").id = "rule-title";
	group.classList.add("levels");
	drawReach(shares, context);
	drawProviders(providers, context);
	return [group, providers, h("div", null, button(t("expert-leave"), async () => {
		if (await save(state, { level: "encrypt", preferences: { expert: "off" } }, null, t("expert-left"))) {
			drawRule(section, state);
			section.querySelector("button").focus();
			context.refresh();
		}
	}))];
}

async function drawReach(shares, context) {
	try {
		const { recipients, since, levels: reached } = await context.api.get("/settings/reach");
		for (const [level, place] of shares)
			fill(place, recipients === 0 ? t("reach-none")
				: [h("meter", { min: 0, max: recipients, value: reached[level], "aria-hidden": "true" }),
					t("reach", { n: recipients, reached: reached[level], share: percent(reached[level] / recipients), since: day(since) })]);
	} catch {
		for (const place of shares.values())
			fill(place, t("reach-unknown"));
	}
}

async function drawProviders(place, context) {
	const { providers } = await context.api.get("/settings/providers");
	fill(place, h("details", null, h("summary", null, t("providers", { n: providers.length })),
		providers.length === 0 ? h("p", null, t("providers-none"))
			: table(t("providers-list"), [t("domain"), t("provider-kind"), t("provider-until")], providers.map(p => [p.domain,
				[t("provider-" + p.kind), p.note && h("p", { class: "soft" }, p.note)],
				p.expires ? day(p.expires) : t("provider-always")]), { hideCaption: true })));
}

/* --- writing and language */

function showWriting(column, state) {
	const { settings, context } = state;
	const { preferences } = settings;
	const language = radios(t("language"), t("language-hint"), "language",
		[["en", h("span", { lang: "en" }, "English")], ["de", h("span", { lang: "de" }, "Deutsch")]], settings.language,
		async value => {
			if (!await save(state, { language: value }, () => check(language, settings.language)))
				return;
			await context.refresh();
			context.go(location.hash);
		});
	column.append(
		nameAndSignature(state),
		settings.alias ? fromChoice(state) : "",
		radios(t("undo-seconds"), t("undo-seconds-hint"), "undo", UNDO_SECONDS.map(s => [String(s), s ? span(s * 1000) : t("undo-none")]),
			preferences.undo_seconds, value => prefer(state, "undo_seconds", value)),
		language,
		h("section", null, switchRow(t("shortcuts"), t("shortcuts-hint"), preferences.shortcuts === "on", control => {
			const on = control.checked;
			prefer(state, "shortcuts", on ? "on" : "off", () => { control.checked = !on; });
		})));
	for (const group of column.querySelectorAll("fieldset"))
		group.classList.add("short");
}

function fromChoice(state) {
	const { settings } = state;
	return radios(t("from-first"), t("from-first-hint"), "from",
		[["normal", settings.address], ["alias", settings.alias, !settings.active && h("span", { class: "hint" }, t("from-not-on"))]],
		settings.preferences.from, value => prefer(state, "from", value));
}

function nameAndSignature(state) {
	const { name, signature } = state.settings.preferences;
	const named = h("input", { type: "text", autocomplete: "name", maxlength: 100, value: name });
	const signed = h("textarea", { rows: 4, maxlength: 2000, value: signature });
	return h("form", { onsubmit: e => {
		e.preventDefault();
		save(state, { preferences: { name: named.value.trim(), signature: signed.value } });
	} }, field(t("name"), named, t("name-hint")), field(t("signature"), signed, t("signature-hint")),
	h("button", { type: "submit", class: "button" }, t("save")));
}
