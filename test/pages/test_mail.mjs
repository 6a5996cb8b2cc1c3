/* SPDX-License-Identifier: ISC
 *
 * What the web mail makes of text, addresses and answers before any of it is shown: links, quotations,
 * lists of recipients, and what is claimed of a recipient before sending.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

/* As much of a document as h() needs: a node is its tag, attributes and children. */
class Node {
	constructor(tag) { Object.assign(this, { tag, attributes: {}, children: [] }); }
	setAttribute(name, value) { this.attributes[name] = value; }
	append(...children) { this.children.push(...children); }
	get text() { return this.children.map(c => typeof c === "string" ? c : c.text).join(""); }
}
globalThis.Node = Node;
globalThis.document = {
	createElement: tag => new Node(tag), createElementNS: (space, tag) => new Node(tag),
	createTextNode: text => Object.assign(new Node("#text"), { children: [text] }),
};
const { answerSubject, body, forwardSubject, isAddress, linked, people, quoted, runs, unique } =
	await import("../../src/web/pages/app/mailtext.mjs");
const { verdict } = await import("../../src/web/pages/app/marks.mjs");

const links = text => linked(text).filter(n => n instanceof Node).map(n => n.attributes.href);

test("only web and mail addresses become links, without the full stop behind them", () => {
	assert.deepEqual(links("see https://a.test/x?y=1&z=2. And (http://b.test/w_(x)), not javascript:alert(1) or file:///etc"),
		["https://a.test/x?y=1&z=2", "http://b.test/w_(x)"]);
	assert.deepEqual(links("data:text/html,x https://"), []);
	assert.deepEqual(links("write to mailto:ada@a.test"), ["#/write?to=ada%40a.test"]);
});

test("a link opens without telling where it was followed from", () => {
	const [, link] = linked("x https://a.test/");
	assert.equal(link.attributes.rel, "noopener noreferrer");
	assert.equal(link.attributes.target, "_blank");
});

test("a link ends where text is turned around", () => {
	assert.deepEqual(links("https://a.test/\u202Egpj.exe"), ["https://a.test/"]);
});

test("no character of a text is lost or added by links and folds", () => {
	const text = "Hi <b>there</b>\n\nAnn wrote:\n> one\n> two\n> three\n\nmy words https://a.test/.\n-- \nMe\n> odd";
	assert.equal(body(text, "").map(n => n.text).join("\n").replace(/^\n/, ""), text);
});

test("a quotation keeps the line that says whose it is, and the signature is told apart", () => {
	assert.deepEqual(runs("Yes.\n\nOn Monday Ann wrote:\n> a\n> b\n-- \nMe").map(r => [r.kind, r.lines.length]),
		[["own", 2], ["quote", 3], ["signature", 2]]);
});

test("a reply quotes each line once more", () => {
	assert.equal(quoted("a\r\n\r\n> b\n\n"), "> a\n>\n>> b");
});

test("recipients are read as people write them", () => {
	assert.deepEqual(people('Ada Winter <ada@a.test>, "Winter, Ben" <ben@a.test>; c@a.test\nd@a.test e@a.test'), [
		{ name: "Ada Winter", address: "ada@a.test" }, { name: "Winter, Ben", address: "ben@a.test" },
		{ name: "", address: "c@a.test" }, { name: "", address: "d@a.test" }, { name: "", address: "e@a.test" }]);
	assert.deepEqual(people(" ,; "), []);
});

test("an address has one @ and no spaces or brackets", () => {
	for (const address of ["a@b.test", "a+b@b", "ü@b.test", '"a b"@c.test'])
		assert.ok(isAddress(address), address);
	for (const address of ["a", "a@", "@b", "a@b@c", "a b@c.test", "a@b.test>", "<a@b.test"])
		assert.ok(!isAddress(address), address);
});

test("nobody stands there twice, however it is spelt", () => {
	assert.equal(unique([{ address: "A@b.test" }, { address: "a@B.test" }, { address: "c@b.test" }]).length, 2);
});

test("Re and Fwd stand there once, whatever the language before", () => {
	assert.equal(answerSubject("AW: Re: re: Lake"), "Re: Lake");
	assert.equal(forwardSubject("WG: Fwd: Lake"), "Fwd: Lake");
});

const answer = more => ({ whither: "remote", verdict: "accepted", reason: "none", proven_by: "", host: "mx.b.test",
	tls_version: "TLSv1.3", cipher: "x", complete: true, demands: ["tls"], domain: "b.test", ...more });

test("what need not be sealed is never shown as promised", () => {
	const normal = verdict(answer({ demands: [] }));
	assert.equal(normal.text, "mark-likely");
	assert.notEqual(normal.sign, "seal");
	assert.deepEqual([verdict(answer({ demands: [], tls_version: "" })).text, verdict(answer({ demands: [], tls_version: "" })).clear], ["mark-clear", true]);
});

test("what is proven is told apart from what is only encrypted", () => {
	assert.equal(verdict(answer({})).text, "mark-sealed");
	assert.equal(verdict(answer({ proven_by: "dane" })).text, "mark-sealed-proven");
});

test("a refusal says so in words and sign, and a missing domain is no matter of sealing", () => {
	const refused = verdict(answer({ verdict: "refused", reason: "starttls-not-supported" }));
	assert.deepEqual([refused.text, refused.refused, refused.sign, refused.blocks], ["mark-refused", true, "stop", undefined]);
	assert.equal(verdict(answer({ verdict: "refused", reason: "domain-not-found" })).text, "mark-impossible");
});

test("unknown stops nobody, and a mailbox that isn't there stops the mail", () => {
	assert.equal(verdict(answer({ verdict: "unknown", reason: "connection-timeout" })).refused, undefined);
	assert.ok(verdict(answer({ whither: "nobody", verdict: "" })).blocks);
	assert.equal(verdict(answer({ whither: "here", verdict: "" })).refused, undefined);
	assert.equal(verdict(null).refused, undefined);
});

test("a word without end may be broken", () => {
	const nodes = linked("x ".repeat(3) + "y".repeat(1_000_000));
	assert.ok(nodes.filter(n => n instanceof Node).length > 1000);
	assert.equal(nodes.map(n => typeof n === "string" ? n : n.text).join("").length, 1_000_006);
});
