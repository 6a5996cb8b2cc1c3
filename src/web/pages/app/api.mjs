/* SPDX-License-Identifier: ISC
 *
 * api.mjs - every request of the pages to /api/v1. A request outlives what can happen to it: when
 * the session has ended it waits for a new login and is asked again, when the line is lost it is
 * asked again if that can do no harm. What goes wrong for good is thrown as a Failure.
 */
const BASE = "/api/v1";
const PAUSES = [300, 1000, 3000]; /* ms between tries of what may simply be asked again */
const PAUSE_MOST = 8000;

let csrf = "", address = "";
let logIn = null; /* asks the person to log in again, resolves when that is done */
let over = null; /* while it asks: what waits for that */
let changed = () => {}; /* told that the browser's session is another account's by now */
let notice = () => {}; /* told whether the line is there: true, false */

/* status 0: there was no answer; error "offline". error: a word of the API; text: for a log. */
export class Failure extends Error {
	constructor(status, error, text, retryAfter) {
		super(error + (text ? ": " + text : ""));
		Object.assign(this, { status, error, text, retryAfter });
	}
}

/* The session as the API tells it. A page is one account's: for another's, logged in from another
 * tab, it asks nothing more. */
export function useSession(session) {
	if (address && session.address !== address) {
		changed();
		throw new Failure(403, "other-account", session.address);
	}
	({ csrf, address } = session);
}

export const onSessionOver = ask => { logIn = ask; };
export const onOtherAccount = tell => { changed = tell; };
export const onLine = tell => { notice = tell; };

/* Many requests find the session over; one dialog asks, and all wait for it. */
export function sessionOver() {
	over ??= logIn().finally(() => { over = null; });
	return over;
}

/* keep: ask again until there is an answer (for requests that do the same twice as once).
 * quiet: "no-session" is thrown instead of asking for a login. */
export async function call(method, path, { body, type, signal, keep, quiet } = {}) {
	return again(() => once(method, path, body, type, signal), quiet, (failure, tries) => {
		if (!isPassing(failure) || !(keep || (method === "GET" && tries < PAUSES.length)))
			throw failure;
		return pause(failure.retryAfter * 1000 || PAUSES[tries] || PAUSE_MOST, signal);
	});
}

/* ask() -> value|Failure, until it is a value: with a session, with the session's own token, and
 * otherwise as patience(failure, tries) wants, which throws what is final. */
async function again(ask, quiet, patience) {
	for (let tries = 0, tokens = 0;; tries++) {
		if (!quiet)
			await over;
		const used = csrf, failure = await ask();
		if (!(failure instanceof Failure))
			return failure;
		if (failure.error === "no-session" && !quiet && logIn)
			await (used === csrf && sessionOver());
		else if (failure.error === "bad-token" && tokens++ < 1)
			useSession(await call("GET", "/session"));
		else
			await patience(failure, tries);
	}
}

export const get = (path, more) => call("GET", path, more);
export const post = (path, body, more) => call("POST", path, { body, ...more });
export const put = (path, body, more) => call("PUT", path, { body, ...more });
export const patch = (path, body, more) => call("PATCH", path, { body, ...more });
export const remove = (path, body, more) => call("DELETE", path, { body, ...more });

/* A file, with progress(share of 1) on the way. Asked once; the session's end is handled as above. */
export const upload = (path, file, { progress = () => {}, signal } = {}) =>
	again(() => send(path, file, progress, signal), false, failure => { throw failure; });

/* The address of something to download or to show in a frame. */
export const link = path => BASE + path;
/* Parts of a path: p`/messages/${id}/body`. */
export const p = (parts, ...values) =>
	parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1]) + part);
/* A query from an object; what is null or undefined is left out. */
export const query = values => "?" + new URLSearchParams(
	Object.entries(values).filter(([, v]) => v !== null && v !== undefined).map(([k, v]) => [k, String(v)]));

async function once(method, path, body, type, signal) {
	const headers = { Accept: "application/json" };
	if (method !== "GET" && csrf)
		headers["X-CSRF-Token"] = csrf;
	if (body !== undefined)
		headers["Content-Type"] = type ?? "application/json";
	try {
		const answer = await fetch(BASE + path, { method, headers, signal, cache: "no-store",
			body: body === undefined ? undefined : type ? body : JSON.stringify(body) });
		notice(true);
		return read(answer.status, await answer.text(), answer.headers.get("Retry-After"));
	} catch (why) {
		if (why.name === "AbortError")
			throw why;
		notice(false);
		return new Failure(0, "offline", String(why.message));
	}
}

function read(status, text, retryAfter) {
	let value = {};
	try {
		value = text ? JSON.parse(text) : {};
	} catch {
		return new Failure(status < 400 ? 502 : status, "failed", "the answer is not JSON");
	}
	if (status < 400)
		return value;
	return new Failure(status, value.error ?? "failed", value.text ?? "", Number(retryAfter) || 0);
}

/* XMLHttpRequest, for fetch tells nothing of an upload's progress. */
function send(path, file, progress, signal) {
	return new Promise((done, fail) => {
		const request = new XMLHttpRequest();
		request.open("POST", BASE + path);
		request.setRequestHeader("X-CSRF-Token", csrf);
		request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
		request.upload.onprogress = e => e.lengthComputable && progress(e.loaded / e.total);
		request.onload = () => done(read(request.status, request.responseText, request.getResponseHeader("Retry-After")));
		request.onerror = () => done(new Failure(0, "offline", ""));
		request.onabort = () => fail(new DOMException("", "AbortError"));
		signal?.addEventListener("abort", () => request.abort());
		request.send(file);
	});
}

const isPassing = failure => failure.status === 0 || failure.status === 502 || failure.status === 429 || failure.error === "busy";

function pause(ms, signal) {
	return new Promise((done, fail) => {
		const timer = setTimeout(done, ms);
		signal?.addEventListener("abort", () => {
			clearTimeout(timer);
			fail(new DOMException("", "AbortError"));
		});
	});
}
