/* SPDX-License-Identifier: ISC
 *
 * api.mjs - every request of the pages to /api/v1. A request outlives what can happen to it: when
 * the session has ended it waits for a new login and is asked again, when the line is lost it is
 * asked again if that can do no harm. What goes wrong for good is thrown as a Failure.
 */
const BASE = "/api/v1";
const PAUSES = [300, 1000, 3000]; /* ms between tries of what may simply be asked again */
const PAUSE_MOST = 8000;

let csrf = "";
let logIn = null; /* asks the person to log in again, resolves when that is done */
let notice = () => {}; /* told whether the line is there: true, false */

/* status 0: there was no answer; error "offline". error: a word of the API; text: for a log. */
export class Failure extends Error {
	constructor(status, error, text, retryAfter) {
		super(error + (text ? ": " + text : ""));
		Object.assign(this, { status, error, text, retryAfter });
	}
}

export const useToken = token => { csrf = token; };
export const onSessionOver = ask => { logIn = ask; };
export const onLine = tell => { notice = tell; };

/* keep: ask again until there is an answer (for requests that do the same twice as once).
 * quiet: "no-session" is thrown instead of asking for a login. */
export async function call(method, path, { body, type, signal, keep, quiet } = {}) {
	for (let tries = 0, tokens = 0;; tries++) {
		const failure = await once(method, path, body, type, signal);
		if (!(failure instanceof Failure))
			return failure;
		if (failure.error === "no-session" && !quiet && logIn)
			await logIn();
		else if (failure.error === "bad-token" && tokens++ < 1)
			useToken((await call("GET", "/session")).csrf);
		else if (isPassing(failure) && (keep || (method === "GET" && tries < PAUSES.length)))
			await pause(failure.retryAfter * 1000 || PAUSES[tries] || PAUSE_MOST, signal);
		else
			throw failure;
	}
}

export const get = (path, more) => call("GET", path, more);
export const post = (path, body, more) => call("POST", path, { body, ...more });
export const put = (path, body, more) => call("PUT", path, { body, ...more });
export const patch = (path, body, more) => call("PATCH", path, { body, ...more });
export const remove = (path, body, more) => call("DELETE", path, { body, ...more });

/* A file, with progress(share of 1) on the way. Asked once; the session's end is handled as above. */
export async function upload(path, file, { progress = () => {}, signal } = {}) {
	for (let tokens = 0;;) {
		const answer = await send(path, file, progress, signal);
		if (!(answer instanceof Failure))
			return answer;
		if (answer.error === "no-session" && logIn)
			await logIn();
		else if (answer.error === "bad-token" && tokens++ < 1)
			useToken((await call("GET", "/session")).csrf);
		else
			throw answer;
	}
}

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

const isPassing = failure => failure.status === 0 || failure.status === 502 || failure.error === "busy";

function pause(ms, signal) {
	return new Promise((done, fail) => {
		const timer = setTimeout(done, ms);
		signal?.addEventListener("abort", () => {
			clearTimeout(timer);
			fail(new DOMException("", "AbortError"));
		});
	});
}
