/* SPDX-License-Identifier: ISC
 *
 * mailtext.mjs - the plain text of a mail as elements (links, folded quotations), and lists of
 * addresses as people type and paste them. Whatever comes in here was written by a stranger: it
 * becomes text nodes and nothing else, and only http, https and mailto become links.
 */
import { h } from "./dom.mjs";

const LINK = /\b(?:https?:\/\/|mailto:)[^\s<>"'\x60{}|\\^\u0000-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi;
const LONG_WORD = /(\S{500})(?=\S)/;
const TRAILING = /[.,;:!?'"»”’)\]]+$/;

/* What ends a sentence isn't part of the link; a closing bracket is if one was opened in it. */
function linkEnd(found) {
	let link = found;
	for (;;) {
		const tail = TRAILING.exec(link);
		if (!tail)
			return link;
		const last = link.at(-1);
		const open = { ")": "(", "]": "[" }[last];
		if (open && link.split(open).length >= link.split(last).length)
			return link;
		link = link.slice(0, -1);
	}
}

function linkNode(link) {
	try {
		const url = new URL(link);
		if (url.protocol === "mailto:")
			return h("a", { href: "#/write?to=" + encodeURIComponent(decodeURIComponent(url.pathname)) }, link);
		return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, link);
	} catch {
		return link;
	}
}

/* Text with its links as elements: an array of strings and nodes. */
export function linked(text) {
	const out = [];
	let at = 0;
	for (const found of text.matchAll(LINK)) {
		const link = linkEnd(found[0]);
		out.push(...breakable(text.slice(at, found.index)), linkNode(link));
		at = found.index + link.length;
	}
	out.push(...breakable(text.slice(at)));
	return out;
}

/* A word of a megabyte would keep a browser busy for seconds: it may be broken here and there. */
function breakable(text) {
	return text.split(LONG_WORD).filter(Boolean).flatMap((piece, i) => i ? [h("wbr"), piece] : [piece]);
}

const isQuote = line => line.startsWith(">");
const ATTRIBUTION = /(?:wrote|writes|schrieb|schreibt|a écrit)\b.{0,40}:\s*$/i;

/* Cut into runs: own words, quotations (with the line that says whose) and the signature. */
export function runs(text) {
	const lines = text.replace(/\r\n?/g, "\n").replace(/\s+$/, "").split("\n");
	const out = [];
	let kind = "own";
	let run = [];
	const close = next => {
		if (run.length)
			out.push({ kind, lines: run });
		kind = next;
		run = [];
	};
	for (const line of lines) {
		if (kind !== "signature" && line === "-- ")
			close("signature");
		else if (kind !== "quote" && isQuote(line)) {
			const whose = run.length && ATTRIBUTION.test(run.at(-1)) ? [run.pop()] : [];
			close("quote");
			run = whose;
		} else if (kind === "quote" && !isQuote(line))
			close("own");
		run.push(line);
	}
	close("own");
	return out;
}

const FOLD_FROM = 3;

/* The body as nodes: quotations of more than a few lines are folded behind `quoteWord`. */
export function body(text, quoteWord) {
	return runs(text).map(({ kind, lines }) => {
		const content = linked(lines.join("\n"));
		if (kind === "quote" && lines.length >= FOLD_FROM)
			return h("details", { class: "quote" }, h("summary", null, quoteWord), h("div", { class: "text" }, content));
		return h("div", { class: "text " + kind }, content);
	});
}

/* The text of a mail as a reply quotes it. */
export function quoted(text) {
	return text
		.replace(/\r\n?/g, "\n")
		.replace(/\s+$/, "")
		.split("\n")
		.map(line => (line.startsWith(">") ? ">" + line : line ? "> " + line : ">"))
		.join("\n");
}

const ADDRESS = /^[^\s@<>(),;:"\\]+@[^\s@<>(),;:"\\]+$|^"[^"]+"@[^\s@<>(),;:"\\]+$/;

/* An address that may be broken in two at its "@", where there is no room for the whole. */
export const addressNode = address => {
	const at = address.lastIndexOf("@") + 1;
	return [address.slice(0, at), h("wbr"), address.slice(at)];
};

export const isAddress = address => ADDRESS.test(address) && address.length <= 320;

/* Cut at commas and semicolons that stand outside of quotes and angle brackets. */
function split(typed) {
	const out = [""];
	let quote = false;
	let angle = false;
	for (const c of typed) {
		if (c === '"')
			quote = !quote;
		else if (!quote && (c === "<" || c === ">"))
			angle = c === "<";
		if (!quote && !angle && (c === "," || c === ";" || c === "\n"))
			out.push("");
		else
			out[out.length - 1] += c;
	}
	return out.map(part => part.trim()).filter(Boolean);
}

/* "Ada Winter <ada@example.org>, ben@example.org" as people. */
export function people(typed) {
	return split(typed).flatMap(part => {
		const named = /^(.*?)<\s*([^<>]*?)\s*>$/s.exec(part);
		if (named)
			return [{ name: named[1].trim().replace(/^"(.*)"$/s, "$1").replace(/\\(.)/g, "$1"), address: named[2] }];
		const words = part.split(/\s+/);
		if (words.length > 1 && words.every(isAddress))
			return words.map(address => ({ name: "", address }));
		return [{ name: "", address: part }];
	});
}

export const same = (a, b) => a.toLowerCase() === b.toLowerCase();

export function unique(list) {
	const seen = new Set();
	return list.filter(p => {
		const key = p.address.toLowerCase();
		return !seen.has(key) && seen.add(key);
	});
}

export const domainOf = address => address.slice(address.lastIndexOf("@") + 1).toLowerCase();

/* "Re: " once, however often and in whatever language it stands there already. */
export const answerSubject = subject => "Re: " + subject.replace(/^(?:\s*(?:re|aw|antw|sv|vs)\s*:\s*)+/i, "");
export const forwardSubject = subject => "Fwd: " + subject.replace(/^(?:\s*(?:fwd?|wg)\s*:\s*)+/i, "");
