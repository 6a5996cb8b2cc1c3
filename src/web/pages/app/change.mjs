/* SPDX-License-Identifier: ISC
 *
 * change.mjs - what is done to many mails at once, and how it is undone: the server answers where
 * each mail was and how it was marked, and undoing restores exactly that.
 */
import { get, post, query } from "./api.mjs";
import { t } from "./words.mjs";

const AT_ONCE = 500; /* the server takes a thousand in one request */

let last = null;

/* The `z` key. */
export const undoLast = () => last?.();
export const undoable = act => { last = act; };

/* Change mails. what: { add, remove, move, erase }; said(n): the words for it, or nothing is said;
 * toast: as the page has it; after(): when it was undone. Throws what api.mjs throws. */
export async function change(ids, what, { said, toast, after } = {}) {
	const changed = await ask(ids, what);
	if (!said)
		return changed;
	last = null;
	if (what.erase) {
		toast(said(changed.length));
		return changed;
	}
	const undo = async () => {
		if (last !== undo)
			return;
		last = null;
		await restore(changed, what);
		toast(t("undone"));
		after?.();
	};
	last = undo;
	toast(said(changed.length), { undo });
	return changed;
}

/* The mails of a conversation, oldest first, as summaries; those in the trash and among junk only
 * where that is the folder. */
export async function conversation(id, folder) {
	const all = [];
	let after;
	do {
		const page = await get("/messages" + query({ conversation: id, folder, limit: 100, after }));
		all.push(...page.messages);
		after = page.next || null;
	} while (after && all.length < 500);
	return all.sort((a, b) => a.time - b.time);
}

async function ask(ids, what) {
	const changed = [];
	for (let at = 0; at < ids.length; at += AT_ONCE)
		changed.push(...(await post("/messages/change", { ids: ids.slice(at, at + AT_ONCE), ...what })).changed);
	return changed.filter(one => one.outcome === "ok");
}

async function restore(changed, { add = [], remove = [], move }) {
	if (move !== undefined)
		for (const folder of new Set(changed.map(one => one.folder_before)))
			await some(changed.filter(one => one.folder_before === folder), { move: folder });
	for (const flag of add)
		await some(changed.filter(one => !one.flags_before.includes(flag)), { remove: [flag] });
	for (const flag of remove)
		await some(changed.filter(one => one.flags_before.includes(flag)), { add: [flag] });
}

const some = (changed, what) => changed.length ? ask(changed.map(one => one.id), what) : null;
