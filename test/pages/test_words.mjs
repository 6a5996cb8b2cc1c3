/* SPDX-License-Identifier: ISC
 *
 * The words of the pages: both languages have every phrase, with the same placeholders and forms;
 * every reason the server can give has a sentence; and what the scripts ask for exists.
 * Run by `make check-pages`.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const app = new URL("src/web/pages/app/", root);
const parts = readdirSync(new URL("words/en/", app)).map(f => f.replace(".json", ""));
const words = (language, part) => JSON.parse(readFileSync(new URL(`words/${language}/${part}.json`, app), "utf8"));
const placeholders = phrase => [...new Set((typeof phrase === "string" ? phrase : Object.values(phrase).join(" ")).match(/\{\w+\}/g) ?? [])].sort();

test("every part exists in both languages", () => {
	assert.deepEqual(readdirSync(new URL("words/de/", app)).sort(), readdirSync(new URL("words/en/", app)).sort());
});

for (const part of parts) {
	test(`${part}: the same phrases in both languages`, () => {
		const en = words("en", part), de = words("de", part);
		assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
		for (const key of Object.keys(en)) {
			assert.equal(typeof de[key], typeof en[key], key);
			assert.deepEqual(placeholders(de[key]), placeholders(en[key]), key);
			if (typeof en[key] === "object")
				for (const language of [en, de])
					assert.deepEqual(Object.keys(language[key]).sort(), ["one", "other"], key);
		}
	});
}

test("no phrase is said twice under one name by two parts", () => {
	const seen = new Map();
	for (const part of parts)
		for (const [key, phrase] of Object.entries(words("en", part))) {
			assert.ok(!seen.has(key) || seen.get(key) === phrase, `"${key}" of ${part} is another part's too`);
			seen.set(key, phrase);
		}
});

test("every reason of the server has a sentence, and no other has", () => {
	const table = readFileSync(new URL("src/mail/reason.h", root), "utf8");
	const ids = [...table.matchAll(/row\([A-Z0-9_]+, \d+, "([a-z0-9-]+)"/g)].map(m => m[1]).sort();
	assert.ok(ids.length > 30);
	const said = Object.keys(words("en", "reasons")).filter(k => k.startsWith("reason-")).map(k => k.slice(7)).sort();
	assert.deepEqual(said, ids);
	const advised = [...readFileSync(new URL("reasons.mjs", app), "utf8").matchAll(/"([a-z0-9-]+)":/g)].map(m => m[1]);
	for (const id of advised)
		assert.ok(ids.includes(id), id);
});

test("what the scripts and the document ask for by name exists", () => {
	const known = new Set();
	for (const part of parts)
		for (const key of Object.keys(words("en", part)))
			known.add(key);
	const sources = readdirSync(app).filter(f => f.endsWith(".mjs")).map(f => readFileSync(new URL(f, app), "utf8"));
	sources.push(readFileSync(new URL("../index.html", app), "utf8"));
	for (const source of sources)
		for (const [, key] of [...source.matchAll(/\bt[n]?\("([a-z0-9-]*[a-z0-9])"[,)]|data-t="([a-z0-9-]+)"/g)].map(m => [m[0], m[1] ?? m[2]]))
			assert.ok(known.has(key), key);
});
