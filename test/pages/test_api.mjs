/* SPDX-License-Identifier: ISC
 *
 * What outlives a session: requests wait for the login that is being asked for, and none is asked
 * with a token or for an account that is no longer the browser's.
 * The server is played by `answer`, for what is tested is which moment a request is sent in.
 */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const ADA = { address: "ada@example.test", csrf: "first" };
let api, asked, answer;

beforeEach(async () => {
	api = await import(`../../src/web/pages/app/api.mjs?${Math.random()}`);
	asked = [];
	globalThis.fetch = async (path, { method, headers }) => {
		asked.push(`${method} ${path.replace("/api/v1", "")} ${headers["X-CSRF-Token"] ?? ""}`.trim());
		const [status, value, retryAfter] = await answer(method, path, headers["X-CSRF-Token"]);
		return { status, text: async () => JSON.stringify(value), headers: new Map([["Retry-After", retryAfter]]) };
	};
	api.useSession(ADA);
});

const turns = async () => { for (let i = 0; i < 20; i++) await null; };

/* A dialog that is open until entered(). */
function dialog() {
	let entered;
	const open = { times: 0, entered: session => entered(session) };
	api.onSessionOver(() => {
		open.times++;
		return new Promise(resolve => { entered = resolve; }).then(api.useSession);
	});
	return open;
}

test("while the person logs in, no other request is sent", async () => {
	const open = dialog();
	answer = async (method, path, token) => token === "first" ? [401, { error: "no-session" }] : [200, {}];
	const before = api.put("/drafts/a", {});
	await turns();
	const during = api.put("/drafts/a", {}), also = api.remove("/sessions/b");
	await turns();
	assert.deepEqual(asked, ["PUT /drafts/a first"]);
	open.entered({ ...ADA, csrf: "second" });
	await Promise.all([before, during, also]);
	assert.equal(open.times, 1);
	assert.deepEqual(asked.slice(1).sort(), ["DELETE /sessions/b second", "PUT /drafts/a second", "PUT /drafts/a second"]);
});

test("the login itself does not wait for the login", async () => {
	const open = dialog();
	answer = async (method, path) => path.endsWith("/session") ? [200, { ...ADA, csrf: "second" }] : [401, { error: "no-session" }];
	const waits = api.get("/folders");
	await turns();
	const session = await api.post("/session", {}, { quiet: true });
	answer = async () => [200, {}];
	open.entered(session);
	await waits;
});

test("a refusal that comes after the new login is no reason for another", async () => {
	const open = dialog();
	let refuse;
	answer = async (method, path, token) => token === "first" ? new Promise(done => { refuse = done; }) : [200, {}];
	const late = api.put("/drafts/a", {});
	await turns();
	api.useSession({ ...ADA, csrf: "second" });
	refuse([401, { error: "no-session" }]);
	await late;
	assert.equal(open.times, 0);
});

test("with a token that another tab has renewed, a request is sent again with the new one", async () => {
	answer = async (method, path, token) => method === "GET" ? [200, { ...ADA, csrf: "second" }]
		: token === "second" ? [200, { saved: 1 }] : [403, { error: "bad-token" }];
	assert.deepEqual(await api.put("/drafts/a", {}), { saved: 1 });
});

test("once another account has logged in in this browser, nothing of this page is sent in its name", async () => {
	let told = 0;
	api.onOtherAccount(() => told++);
	answer = async (method, path, token) => method === "GET" ? [200, { address: "bernd@example.test", csrf: "second" }]
		: token === "second" ? [200, {}] : [403, { error: "bad-token" }];
	await assert.rejects(api.put("/drafts/a", {}), { error: "other-account" });
	assert.equal(told, 1);
	assert.deepEqual(asked.filter(one => one.includes("second")), []);
});

test("what was too much at once is asked again, but no password is", async () => {
	answer = async () => asked.length % 2 ? [429, { error: "throttled" }, "0.01"] : [200, {}];
	await api.get("/folders");
	await api.put("/drafts/a", {}, { keep: true });
	assert.deepEqual(asked, ["GET /folders", "GET /folders", "PUT /drafts/a first", "PUT /drafts/a first"]);
	await assert.rejects(api.post("/password", {}), { error: "throttled", retryAfter: 0.01 });
	assert.equal(asked.length, 5);
});
