/* SPDX-License-Identifier: ISC
 *
 * The files of the pages as they are handed out: small, whole without their comments, and without
 * the ways by which a mail could become part of a page. Run by `make check-pages`.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../../", import.meta.url));
const app = join(root, "src/web/pages/app");
const named = ending => readdirSync(app).filter(f => f.endsWith(ending));
const leaned = new Map();
const lean = file => leaned.get(file) ?? leaned.set(file, execFileSync(join(root, "scripts/embed"), ["--lean", join(app, file)],
	{ encoding: "utf8" })).get(file);
const weight = ending => named(ending).map(f => gzipSync(lean(f), { level: 9 }).length).reduce((a, b) => a + b, 0);

/* As promised to whoever has a slow line; KB are 1,000 bytes. */
const SCRIPTS_MOST = 60000, STYLES_MOST = 10000;

test("all scripts together are at most 60 KB compressed", t => {
	t.diagnostic(weight(".mjs") + " bytes");
	assert.ok(weight(".mjs") <= SCRIPTS_MOST, String(weight(".mjs")));
});

test("all styles together are at most 10 KB compressed", t => {
	t.diagnostic(weight(".css") + " bytes");
	assert.ok(weight(".css") <= STYLES_MOST, String(weight(".css")));
});

test("what is left of a script without its comments is that script", () => {
	for (const file of named(".mjs")) {
		const source = readFileSync(join(app, file), "utf8"), left = lean(file);
		assert.ok(!/^\s*\/\*/m.test(left), file);
		/* Each line of code is there, in order; so no template may span lines. */
		const squeezed = text => text.replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, "");
		assert.equal(squeezed(left), squeezed(source), file);
		for (const line of source.split("\n"))
			assert.ok((line.match(/(?<!\\)`/g) ?? []).length % 2 === 0, `${file}: a template over several lines: ${line}`);
	}
});

test("no script makes markup from text, runs text, or styles by text", () => {
	for (const file of named(".mjs"))
		assert.doesNotMatch(lean(file), /\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|\.srcdoc|cssText/, file);
});

test("nothing is loaded from anywhere else", () => {
	const files = [...named(".mjs"), ...named(".css")].map(f => [f, lean(f)]);
	files.push(["index.html", readFileSync(join(app, "../index.html"), "utf8")]);
	for (const [file, text] of files) {
		const urls = text.replaceAll("http://www.w3.org/2000/svg", "").match(/(?:https?:)?\/\/[a-z0-9]/gi) ?? [];
		assert.deepEqual(urls, [], file);
	}
});

test("the document has no script or style of its own, for the policy forbids them", () => {
	const html = readFileSync(join(app, "../index.html"), "utf8");
	assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/i);
});
