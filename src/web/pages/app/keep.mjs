/* SPDX-License-Identifier: ISC
 *
 * keep.mjs - what must not be lost with a closed tab, a lost line or an ended session: the words
 * typed since the server last took the draft, and that a mail was being sent. Both lie in the
 * browser's own storage, named by the account, and are gone as soon as the server has them.
 */
import { p, post } from "./api.mjs";
import { announce } from "./tell.mjs";
import { follow } from "./sent.mjs";
import { t } from "./words.mjs";

const PREFIX = "siegel:";
const SENDING_MOST = 86400e3; /* ms after which a sending that stopped is only a draft again */

const nameOf = (address, what, id) => PREFIX + address + ":" + what + ":" + id;

function write(name, value) {
	try {
		localStorage.setItem(name, JSON.stringify(value));
	} catch {
		/* A browser that keeps nothing: the server alone has it. */
	}
}

function read(name) {
	try {
		return JSON.parse(localStorage.getItem(name));
	} catch {
		return null;
	}
}

function drop(name) {
	try {
		localStorage.removeItem(name);
	} catch { /* as above */ }
}

export const keepDraft = (address, draft) => write(nameOf(address, "draft", draft.draft), { ...draft, at: Date.now() });
export const keptDraft = (address, id) => read(nameOf(address, "draft", id));
export const dropDraft = (address, id) => drop(nameOf(address, "draft", id));

export const keepSending = (address, id, what) => write(nameOf(address, "sending", id), { ...what, at: Date.now() });
export const dropSending = (address, id) => drop(nameOf(address, "sending", id));

function ids(address, what) {
	const start = nameOf(address, what, "");
	try {
		return Object.keys(localStorage).filter(name => name.startsWith(start)).map(name => name.slice(start.length));
	} catch {
		return [];
	}
}

/* At the start of a visit: finish sending what was being sent, and say what lies here unsaved. */
export function resume(context) {
	const { address } = context.session;
	for (const id of ids(address, "sending"))
		sendAgain(context, id, read(nameOf(address, "sending", id)));
	const left = ids(address, "draft").filter(id => !location.hash.endsWith("/" + id));
	if (left.length)
		context.toast(t("draft-left"), { undo: () => context.go(p`#/write/${left[0]}`), undoText: t("open"), seconds: 60 });
}

async function sendAgain(context, id, what) {
	const { address } = context.session;
	if (!what || Date.now() - what.at > SENDING_MOST)
		return dropSending(address, id);
	try {
		const answer = await post(p`/drafts/${id}/send`, { hold_seconds: what.hold, level: what.level, revision: what.revision }, { keep: true });
		dropDraft(address, id);
		followed(context, { ...answer, subject: what.subject });
	} catch (why) {
		context.toast(t("send-stopped", { why: context.sayFailure(why) }),
			{ kind: "wrong", undo: () => context.go(p`#/write/${id}`), undoText: t("open"), seconds: 60 });
	}
	dropSending(address, id);
}

/* The bar below the page, from the moment of sending. */
export function followed(context, sent) {
	follow(sent, {
		listen: context.listen,
		say: announce,
		undone: draft => context.go(p`#/write/${draft.draft ?? sent.sent}`),
		failed: why => context.toast(context.sayFailure(why), { kind: "wrong" }),
	});
}
