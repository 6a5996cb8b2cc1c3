/* SPDX-License-Identifier: ISC
 *
 * words.mjs - what the pages say, in the language of the person. One table per language and part
 * (words/en/shell.json, words/de/shell.json, ...), fetched when a page needs it; a test holds the
 * keys of the languages against each other. Numbers, dates and plurals are Intl's.
 */
const LANGUAGES = ["en", "de"];
const KEPT = "language";
let language = "en";
const parts = new Set();
const coming = new Map(); /* parts that are on the way */
let table = {};
let intl = {};

/* What a browser that nobody has logged in with should speak. */
export function guess() {
	const wanted = [read(), ...navigator.languages].map(l => (l ?? "").slice(0, 2));
	return wanted.find(l => LANGUAGES.includes(l)) ?? "en";
}

export const current = () => language;

/* Change the language of everything said from now on. Kept for the next login. Until all words are
 * there the old ones are spoken. */
export async function speak(wanted) {
	const next = LANGUAGES.includes(wanted) ? wanted : "en";
	let names, tables;
	do {
		names = [...parts];
		tables = await Promise.all(names.map(n => tableOf(next, n)));
	} while (names.length !== parts.size);
	language = next;
	table = Object.assign({}, ...tables);
	intl = {};
	document.documentElement.lang = language;
	try { localStorage.setItem(KEPT, language); } catch { /* a browser that keeps nothing */ }
}

/* Make the words of these parts available. */
export function learn(...names) {
	return Promise.all(names.filter(n => !parts.has(n)).map(n => {
		if (!coming.has(n))
			coming.set(n, readPart(n).finally(() => coming.delete(n)));
		return coming.get(n);
	}));
}

async function readPart(name) {
	let spoken, words;
	do {
		spoken = language;
		words = await tableOf(spoken, name);
	} while (spoken !== language);
	parts.add(name);
	Object.assign(table, words);
}

/* The table of a part in any language. */
export async function tableOf(spoken, name) {
	const answer = await fetch(`/app/words/${spoken}/${name}.json`);
	if (!answer.ok)
		throw new Error("no words: " + name);
	return answer.json();
}

function read() {
	try { return localStorage.getItem(KEPT); } catch { return null; }
}

/* The phrase `key` as text. "{name}" in it is values.name; a phrase with several forms
 * ({ one, other }) is chosen by values.n. */
export function t(key, values = {}) {
	return form(key, values).replace(/\{(\w+)\}/g, (all, name) => name in values ? spoken(values[name]) : all);
}

/* The same as a list of children for h(): values may be nodes. */
export function tn(key, values = {}) {
	return form(key, values).split(/\{(\w+)\}/).map((piece, i) =>
		i % 2 === 0 ? piece : values[piece] instanceof Node ? values[piece] : spoken(values[piece]));
}

export const has = key => key in table;

function form(key, values) {
	const phrase = table[key];
	if (phrase === undefined)
		return key;
	return typeof phrase === "string" ? phrase : phrase[plural(values.n)] ?? phrase.other;
}

const spoken = value => typeof value === "number" ? number(value) : String(value);
const plural = n => (intl.plural ??= new Intl.PluralRules(language)).select(Number(n));
const format = (name, options) => intl[name] ??= new Intl.DateTimeFormat(language === "en" ? "en-GB" : "de", options);

export const number = n => (intl.number ??= new Intl.NumberFormat(language)).format(n);
export const percent = share => (intl.percent ??= new Intl.NumberFormat(language, { style: "percent" })).format(share);
export const clock = ms => format("clock", { hour: "2-digit", minute: "2-digit" }).format(ms);
export const day = ms => format("day", { day: "numeric", month: "short", year: "numeric" }).format(ms);
/* With everything: for details and hints. */
export const moment = ms => format("moment", { weekday: "short", day: "numeric", month: "long", year: "numeric",
	hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);

/* A moment in a sentence. */
export const minute = ms => format("minute", { day: "numeric", month: "long", year: "numeric", hour: "2-digit",
	minute: "2-digit" }).format(ms);

/* As short as can be understood today: 14:05, "Mon", "3 Nov", "3 Nov 2024". */
export function short(ms, now = Date.now()) {
	const then = new Date(ms), today = new Date(now);
	if (then.toDateString() === today.toDateString())
		return clock(ms);
	if (ms < now && now - ms < 6 * 86400e3)
		return format("weekday", { weekday: "short" }).format(ms);
	if (then.getFullYear() === today.getFullYear())
		return format("month", { day: "numeric", month: "short" }).format(ms);
	return day(ms);
}

/* "3 minutes ago", "in 2 hours". */
export function ago(ms, now = Date.now()) {
	const relative = intl.relative ??= new Intl.RelativeTimeFormat(language, { numeric: "auto" });
	const units = [["day", 86400e3], ["hour", 3600e3], ["minute", 60e3]];
	const [unit, size] = units.find(([, each]) => Math.abs(ms - now) >= each) ?? ["second", 1000];
	return relative.format(Math.round((ms - now) / size), unit);
}

/* "4 hours", "1 day 12 hours": a span of ms, in at most two units. */
export function span(ms) {
	const units = [["day", 86400e3], ["hour", 3600e3], ["minute", 60e3], ["second", 1000]];
	const said = [];
	for (const [unit, size] of units) {
		const n = Math.floor(ms / size);
		if (n > 0 && said.length < 2)
			said.push(new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(n));
		ms -= n * size;
	}
	return said.join(" ") || t("no-time");
}

export function size(bytes) {
	const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
	let unit = 0;
	for (; bytes >= 1000 && unit < units.length - 1; unit++)
		bytes /= 1000;
	return new Intl.NumberFormat(language, { style: "unit", unit: units[unit], unitDisplay: unit ? "short" : "long",
		maximumFractionDigits: bytes < 10 && unit ? 1 : 0 }).format(bytes);
}
