/* SPDX-License-Identifier: ISC
 *
 * dom.mjs - nodes of the page. Every text becomes a text node and every property an attribute of a
 * known kind, so that nothing that came in a mail can turn into markup. This is the only file that
 * creates elements; there is no innerHTML anywhere.
 */
import { PATHS } from "./icons.mjs";

const AS_PROPERTY = new Set(["value", "checked", "disabled", "indeterminate", "selected", "hidden",
	"multiple", "readOnly", "tabIndex", "open", "returnValue", "inert", "required"]);
const SAFE_LINK = /^(?:#|\/|https?:|mailto:|blob:)/i;

/* h("a", { href: "#/", class: "x", onclick: f, "aria-label": "y", data: { id: 1 } }, "text", node, null) */
export function h(tag, props, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(props ?? {}))
		set(node, name, value);
	node.append(...flat(children));
	return node;
}

/* Sets one property as h does; null, undefined and false take an attribute away. */
export function set(node, name, value) {
	if (name.startsWith("on"))
		node.addEventListener(name.slice(2), value);
	else if (name === "data")
		Object.assign(node.dataset, value);
	else if (AS_PROPERTY.has(name))
		node[name] = value ?? (typeof node[name] === "boolean" ? false : "");
	else if (value === null || value === undefined || value === false)
		node.removeAttribute(name);
	else if ((name === "href" || name === "src") && !SAFE_LINK.test(value))
		throw new Error("not a link to follow: " + name);
	else if (name === "style" || name === "srcdoc")
		throw new Error("not an attribute for pages: " + name);
	else
		node.setAttribute(name, value === true ? "" : String(value));
}

/* Replaces what is in the node. */
export function fill(node, ...children) {
	node.replaceChildren(...flat(children));
	return node;
}

function flat(children) {
	return children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false && c !== "")
		.map(c => c instanceof Node ? c : document.createTextNode(String(c)));
}

const SVG = "http://www.w3.org/2000/svg";

/* s("rect", { x: 1 }, ...) - the same for drawings. */
export function s(tag, props, ...children) {
	const node = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(props ?? {}))
		if (value !== null && value !== undefined)
			node.setAttribute(name, String(value));
	node.append(...flat(children));
	return node;
}

/* A sign of 20 units, drawn with the colour of the text. It says nothing to a screen reader: the
 * words beside it, or the label of the button around it, do. */
export function icon(name, cls) {
	return s("svg", { class: cls ? "icon " + cls : "icon", viewBox: "0 0 20 20", "aria-hidden": "true",
		focusable: "false" }, s("path", { d: PATHS[name] }));
}

/* A button; `label` alone with `sign` gives a square one whose label is heard and shown as a hint. */
export function button(label, onclick, { sign, kind, only, ...more } = {}) {
	return h("button", { type: "button", class: ["button", kind, only && "only"].filter(Boolean).join(" "), onclick,
		"aria-label": only ? label : null, title: only ? label : null, ...more },
	sign && icon(sign), !only && label);
}

let last = 0;
/* An id that no other node has: for label/for and aria-describedby. */
export const unique = () => "u" + ++last;

/* A label above its control (with a button beside it), a hint below, where a complaint is shown too. */
export function field(label, control, hint, beside) {
	control.id ||= unique();
	const note = h("p", { class: "hint", id: unique() }, hint);
	control.setAttribute("aria-describedby", note.id);
	const whole = h("div", { class: "field" }, h("label", { for: control.id }, label),
		beside ? h("div", { class: "joined" }, control, beside) : control, note);
	whole.complain = text => {
		set(control, "aria-invalid", text ? "true" : null);
		note.classList.toggle("wrong", Boolean(text));
		fill(note, text ? [icon("warn"), text] : hint ?? "");
	};
	return whole;
}
