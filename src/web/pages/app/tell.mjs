/* SPDX-License-Identifier: ISC
 *
 * tell.mjs - what is said beside the page: a line that goes away by itself (and may take something
 * back), a line only heard, a question that must be answered. A question is a <dialog>, which keeps
 * the focus inside and gives it back.
 */
import { button, fill, h, icon } from "./dom.mjs";
import { t } from "./words.mjs";

const STAYS = 6; /* seconds a line is shown; with something to take back, longer */
const STAYS_WITH_UNDO = 12;

/* Heard by a screen reader, not seen. */
export function announce(text) {
	const line = document.getElementById("polite");
	line.textContent = "";
	setTimeout(() => { line.textContent = text; }, 60);
}

/* Seen and heard. undo: a function called by its button; kind "wrong" for what failed. It stays while
 * the pointer or the focus is in it. Returns a function that takes it away. */
export function toast(text, { undo, undoText, kind, seconds = undo ? STAYS_WITH_UNDO : STAYS } = {}) {
	let timer = 0;
	const line = h("div", { class: kind ? "toast " + kind : "toast" },
		kind === "wrong" && icon("warn"), h("span", null, text),
		undo && button(undoText ?? t("undo"), () => {
			away();
			undo();
		}, { kind: "plain" }),
		button(t("close"), () => away(), { sign: "close", only: true, kind: "plain" }));
	const away = () => {
		clearTimeout(timer);
		line.remove();
	};
	const wait = () => { timer = setTimeout(away, seconds * 1000); };
	line.addEventListener("pointerenter", () => clearTimeout(timer));
	line.addEventListener("pointerleave", wait);
	line.addEventListener("focusin", () => clearTimeout(timer));
	line.addEventListener("focusout", wait);
	fill(document.getElementById("toasts"), line);
	announce(text);
	wait();
	return away;
}

/* Take a closed dialog out of the document. Chromium's caret is lost with it, wherever the focus went:
 * what is typed then goes nowhere, until the field gets the focus anew. */
export function putAway(box) {
	box.remove();
	const back = document.activeElement;
	if (back && back !== document.body) {
		back.blur();
		back.focus({ preventScroll: true });
	}
}

/* A dialog around `content` (nodes); resolves with what close(value) was given, or null when it is
 * left by Escape or its cross. `content` may be a function that gets close. */
export function dialog(title, content, { wide } = {}) {
	return new Promise(done => {
		let result = null;
		const close = value => {
			result = value ?? null;
			box.close();
		};
		const box = h("dialog", { class: wide ? "wide" : "", "aria-labelledby": "dialog-title" },
			h("header", null, h("h2", { id: "dialog-title" }, title),
				button(t("close"), () => close(null), { sign: "close", only: true, kind: "plain" })),
			typeof content === "function" ? content(close) : content);
		box.addEventListener("close", () => {
			putAway(box);
			done(result);
		});
		document.body.append(box);
		box.showModal();
		box.querySelector("input, textarea, footer .main:not(.danger), footer .button")?.focus({ preventScroll: true });
	});
}

/* A question with two answers. text: a string or nodes; -> true or false. */
export function ask(title, text, { yes, no, danger } = {}) {
	return dialog(title, close => [
		h("div", { class: "said" }, typeof text === "string" ? h("p", null, text) : text),
		h("footer", null,
			button(no ?? t("cancel"), () => close(false)),
			button(yes ?? t("yes"), () => close(true), { kind: danger ? "main danger" : "main" }))])
		.then(Boolean);
}
