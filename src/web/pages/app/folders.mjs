/* SPDX-License-Identifier: ISC
 *
 * folders.mjs - the folders: what there is, and their list with the number of unread mails in the
 * frame's side column. Mounted once; everything else asks here what a folder is called.
 */
import { get, p, patch, post, remove } from "./api.mjs";
import { button, field, fill, h, icon, set } from "./dom.mjs";
import { resume } from "./keep.mjs";
import { dialog } from "./tell.mjs";
import { t } from "./words.mjs";

export const words = ["mail"];

const SIGNS = { inbox: "inbox", drafts: "draft", sent: "sent", archive: "archive", junk: "junk", trash: "trash", own: "folder" };
const ORDER = Object.keys(SIGNS);

let all = [];
let context = null;
let asked = null;
const lines = new Map(); /* by folder */
const watchers = new Set();
const ul = h("ul", { class: "links" });

export async function mount(slot, given) {
	context = given;
	context.listen(what => ["mail", "sent", "all"].includes(what) && refresh().catch(() => {}));
	await ready();
	slot.append(ul, h("button", { type: "button", class: "plain new-folder", onclick: create }, icon("plus"), t("folder-new")));
	context.markPlace();
	resume(context);
}

/* Resolves when the folders are known. */
export const ready = () => asked ??= refresh().catch(why => {
	asked = null;
	throw why;
});

export async function refresh() {
	take(await get("/folders"));
}

/* f() whenever the folders changed; returns a function that ends it. */
export function watch(f) {
	watchers.add(f);
	return () => watchers.delete(f);
}

export const known = () => all;
export const find = folder => all.find(one => one.folder === folder);
export const kind = folder => find(folder)?.kind ?? "own";
export const byKind = wanted => all.find(one => one.kind === wanted)?.folder;
export const name = folder => nameOf(find(folder) ?? { kind: "own", name: folder });
export const address = folder => p`#/mail/${folder}`;
export const sign = folder => SIGNS[kind(folder)];

/* Where in the mailbox one is or was last: an address to go back to. */
let place = "#/mail/INBOX";
export const here = () => place;
export const stand = hash => { place = hash; };

const nameOf = one => one.kind === "own" ? one.name : t("folder-" + one.kind);

function take({ folders }) {
	all = [...folders].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || a.name.localeCompare(b.name));
	for (const folder of lines.keys())
		if (!find(folder))
			lines.delete(folder);
	fill(ul, all.map(line));
	context?.markPlace();
	watchers.forEach(f => f());
}

function line(one) {
	let node = lines.get(one.folder);
	if (!node)
		lines.set(one.folder, node = h("li", null, h("a", { href: address(one.folder) })));
	const number = one.kind === "drafts" ? one.total : one.unseen;
	const link = node.firstChild;
	const said = nameOf(one) + number;
	if (link.dataset.said !== said) {
		link.dataset.said = said;
		fill(link, icon(SIGNS[one.kind]), h("span", { class: "folder-name" }, nameOf(one)),
			number > 0 && h("span", { class: "number", title: t(one.kind === "drafts" ? "n-drafts" : "n-unread", { n: number }) }, number));
	}
	return node;
}

/* --- own folders --- */

async function naming(title, value, act) {
	const input = h("input", { type: "text", value, maxlength: 80, required: true });
	const whole = field(t("folder-name"), input);
	const answer = await dialog(title, close => h("form", { onsubmit: async event => {
		event.preventDefault();
		try {
			close(await act(input.value.trim()));
		} catch (why) {
			whole.complain(why.error === "invalid" ? t("folder-name-wrong") : context.sayFailure(why));
		}
	} }, whole, h("footer", null, button(t("cancel"), () => close(null)), h("button", { class: "button main" }, t("save")))));
	if (answer)
		take(answer);
	return answer;
}

async function create() {
	const before = new Set(all.map(one => one.folder));
	const answer = await naming(t("folder-new"), "", name => post("/folders", { name }));
	const made = answer?.folders.find(one => !before.has(one.folder));
	if (made)
		context.go(address(made.folder));
}

/* Resolves with where the folder is now. */
export async function rename(folder) {
	const before = new Set(all.map(one => one.folder));
	const answer = await naming(t("folder-rename"), find(folder).name, name => patch(p`/folders/${folder}`, { name }));
	if (!answer)
		return folder;
	return find(folder) ? folder : all.find(one => !before.has(one.folder))?.folder ?? "INBOX";
}

/* Resolves with whether it is gone. */
export async function erase(folder) {
	const one = find(folder);
	if (!await context.ask(t("folder-remove"), t(one.total ? "folder-remove-full" : "folder-remove-empty", { name: one.name, n: one.total }),
		{ yes: t("remove"), danger: true }))
		return false;
	take(await remove(p`/folders/${folder}`));
	return true;
}
