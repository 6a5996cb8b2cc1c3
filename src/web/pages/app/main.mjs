/* SPDX-License-Identifier: ISC
 *
 * main.mjs - from an empty document to a page: the language, the session, the frame around all
 * pages, and which module shows what. Runs once. Whatever a page needs it gets from `context`.
 *
 * A page module is
 *	export const words = ["mail"];			parts of words/ that it needs (may be left out)
 *	export function show(main, params, context)	fills `main`; may be async; may return a function
 *							that is called when the page is left
 *	export function turn(params)			may be left out: the page stands and shows other params
 * params are the named parts of the address behind '#', decoded, and its query's values.
 * A page begins with an <h1>: it gets the focus unless the page has put it elsewhere.
 */
import * as api from "./api.mjs";
import { fill, h, icon, set } from "./dom.mjs";
import { current, guess, learn, speak, t } from "./words.mjs";
import { announce, ask, toast } from "./tell.mjs";
import { enter, enterAgain } from "./login.mjs";

const $ = id => document.getElementById(id);

/* pattern -> module; the first that matches shows. ":name" is one part of the path. */
const ROUTES = [
	["/mail/:folder", "mail"],
	["/mail/:folder/:id", "mail"],
	["/write", "compose"],
	["/write/:draft", "compose"],
	["/sent/:sent", "sent"],
	["/settings", "settings"],
	["/settings/:part", "settings"],
	["/turned-away", "turned"],
	["/operator", "operator"],
	["/operator/:part", "operator"],
];
const HOME = "#/mail/INBOX";
const STREAM_PAUSE = 5000; /* ms before a stream that was refused is asked for again */

const LINKS = [
	["#/turned-away", "turned-away", "turned"],
	["#/settings", "settings", "settings"],
	["#/operator", "operator", "operator"],
];

const listeners = new Set();
let session = null;
let leave = null; /* clean-up of the page shown */
let mayLeave = null; /* asks before a page is left, see context.hold */
let standing = null; /* the module of the page shown */
let shown = 0; /* which showing is the newest: a slow module must not come after it */
let here = null; /* the hash of the page shown */
let heading = "";

/* What pages get. */
const context = {
	get session() { return session; },
	api, announce, ask, toast, sayFailure,
	/* What the page is called; goes into the title with the account's address. */
	title(text) {
		heading = text;
		document.title = [text, session?.address, "Siegel"].filter(Boolean).join(" · ");
	},
	/* Go to "#/...". again: even if it is shown already; replace: the browser's Back skips this page. */
	go(hash, { replace } = {}) {
		if (hash === location.hash)
			route();
		else if (replace)
			location.replace(hash);
		else
			location.hash = hash;
	},
	/* Ask f() -> true|false|Promise before the page is left; until the page is left or hold(null). */
	hold(f) { mayLeave = f; },
	/* f(what) for every change that the server tells of: "mail", "sent", "notices", "settings", and
	 * "all" when some may have been missed. Returns a function that ends it. */
	listen(f) {
		listeners.add(f);
		return () => listeners.delete(f);
	},
	/* Links of the frame were added or changed: mark the one that leads here. */
	markPlace,
	/* Fetch the session again (the alias or the language may have changed) and redraw the frame. */
	async refresh() {
		await take(await api.get("/session"));
		frame();
	},
	async leave(scope = "this") {
		if (mayLeave && !await mayLeave())
			return;
		await api.remove("/session?scope=" + scope, undefined, { quiet: true }).catch(why => {
			if (why.error !== "no-session")
				throw why;
		});
		mayLeave = null;
		location.replace("/");
	},
};

async function take(value) {
	api.useSession(value);
	session = value;
	if (current() !== value.language)
		await speak(value.language);
}

/* The words of the frame, into the nodes that index.html names. */
function translate(root = document) {
	for (const node of root.querySelectorAll("[data-t]"))
		fill(node, t(node.dataset.t));
	for (const choice of root.querySelectorAll("[data-language]"))
		set(choice, "aria-pressed", String(choice.dataset.language === current()));
}

function frame() {
	translate();
	set($("menu"), "aria-label", t("menu"));
	fill($("menu"), icon("menu"));
	for (const id of ["write", "bar-write"])
		fill($(id), icon("write"), h("span", null, t("write")));
	set($("side"), "aria-label", t("menu"));
	set($("nav"), "aria-label", t("places"));
	fill($("links"), LINKS.filter(([hash]) => hash !== "#/operator" || session.admin)
		.map(([hash, word, sign]) => h("li", null, h("a", { href: hash }, icon(sign), t(word)))));
	fill($("account"),
		h("p", { class: "address", title: session.address }, icon("person"), h("span", null, session.address)),
		h("button", { type: "button", class: "plain", onclick: () => context.leave().catch(why => toast(sayFailure(why), { kind: "wrong" })) }, icon("leave"), t("log-out")));
	if (heading)
		context.title(heading);
	markPlace();
}

/* Which of the links leads to where one is. */
function markPlace() {
	const at = decodeURI(location.hash || HOME);
	for (const link of $("nav").querySelectorAll("a")) {
		const to = decodeURI(link.getAttribute("href"));
		set(link, "aria-current", at === to || at.startsWith(to + "/") || at.startsWith(to + "?") ? "page" : null);
	}
}

function find(hash) {
	const [path, search] = (hash || HOME).slice(1).split("?");
	const parts = path.split("/");
	for (const [pattern, module] of ROUTES) {
		const names = pattern.split("/");
		if (names.length !== parts.length || !names.every((n, i) => n.startsWith(":") ? parts[i] : n === parts[i]))
			continue;
		const params = Object.fromEntries(new URLSearchParams(search));
		names.forEach((n, i) => { if (n.startsWith(":")) params[n.slice(1)] = decode(parts[i]); });
		return { module, params };
	}
	return null;
}

function decode(part) {
	try { return decodeURIComponent(part); } catch { return part; }
}

async function route() {
	if (mayLeave && here !== location.hash) {
		const to = location.hash;
		if (to !== here && !await mayLeave()) {
			history.replaceState(null, "", here);
			return;
		}
		mayLeave = null;
	}
	const place = find(location.hash);
	if (!place)
		return location.replace(HOME);
	const mine = ++shown;
	here = location.hash;
	for (const box of document.querySelectorAll("dialog[open]:not(#again)"))
		box.close();
	showMenu(false);
	markPlace();
	const page = $("page");
	page.setAttribute("aria-busy", "true");
	try {
		const module = await import(`./${place.module}.mjs`);
		await learn(...module.words ?? []);
		if (mine !== shown)
			return;
		if (module.turn && module === standing)
			return await module.turn(place.params);
		leave?.();
		leave = standing = null;
		page.replaceChildren();
		page.className = "page-" + place.module;
		heading = "";
		scrollTo(0, 0);
		const after = await module.show(page, place.params, context);
		if (mine !== shown)
			return after?.();
		leave = after ?? null;
		standing = module;
	} catch (why) {
		if (mine === shown)
			failed(page, why);
	} finally {
		if (mine === shown)
			settle(page);
	}
}

/* The page stands: the focus goes to its heading, unless it is somewhere in the page already. */
let first = true;
function settle(page) {
	page.removeAttribute("aria-busy");
	const h1 = page.querySelector("h1");
	if (h1 && !heading)
		context.title(h1.textContent);
	if (!first && !page.contains(document.activeElement) && !document.querySelector("dialog[open]")) {
		set(h1 ?? page, "tabIndex", -1);
		(h1 ?? page).focus({ preventScroll: true });
	}
	first = false;
}

function failed(page, why) {
	console.error(why);
	fill(page, h("div", { class: "column" },
		h("h1", null, t("page-failed")),
		h("p", null, why instanceof api.Failure ? sayFailure(why) : t("page-failed-why")),
		h("p", null, h("button", { type: "button", class: "button", onclick: () => route() }, t("try-again")))));
}

/* What went wrong with a request, for a person. */
function sayFailure(why) {
	const word = why instanceof api.Failure ? "failure-" + why.error : "failure-failed";
	const said = t(word);
	return said === word ? t("failure-failed") : said;
}

/* On a phone the side column lies over the page. */
function showMenu(open) {
	$("side").classList.toggle("open", open);
	$("veil").hidden = !open;
	$("page").inert = open;
	set($("menu"), "aria-expanded", String(open));
	if (open)
		$("side").querySelector("a").focus();
}

function wire() {
	addEventListener("hashchange", route);
	addEventListener("pageshow", e => { if (e.persisted) location.reload(); });
	$("menu").addEventListener("click", () => showMenu(!$("side").classList.contains("open")));
	$("veil").addEventListener("click", () => showMenu(false));
	$("side").addEventListener("keydown", e => {
		if (e.key === "Escape" && $("side").classList.contains("open")) {
			showMenu(false);
			$("menu").focus();
		}
	});
	$("skip").addEventListener("click", e => {
		e.preventDefault();
		$("page").focus();
	});
	addEventListener("beforeunload", e => { if (mayLeave?.unsaved?.()) e.preventDefault(); });
	api.onSessionOver(() => enterAgain(session.address).then(take));
	api.onOtherAccount(() => {
		mayLeave = null; /* what was typed is kept by its own account as the page goes */
		location.reload();
	});
	api.onLine(there => {
		$("line").hidden = there;
		if (!there)
			fill($("line"), icon("warn"), t("line-lost"));
	});
}

/* One stream for all pages and all tabs, for a browser has few connections to a server: the tab that
 * holds the lock has the stream and tells the others. */
function follow() {
	const others = new BroadcastChannel("changes");
	const tell = what => {
		for (const f of listeners)
			f(what);
	};
	others.onmessage = e => tell(e.data);
	const stream = () => openStream(what => {
		tell(what);
		others.postMessage(what);
	});
	if (navigator.locks)
		navigator.locks.request("changes", () => new Promise(stream));
	else
		stream();
}

/* The browser connects again by itself; whatever was missed meanwhile is "all". */
function openStream(tell) {
	const stream = new EventSource(api.link("/events"));
	let lost = false;
	const again = () => {
		stream.close();
		setTimeout(openStream, STREAM_PAUSE, tell);
	};
	stream.addEventListener("change", e => JSON.parse(e.data).what.forEach(tell));
	stream.addEventListener("open", () => {
		if (lost)
			tell("all");
		lost = false;
	});
	stream.addEventListener("error", () => {
		lost = true;
		if (stream.readyState === EventSource.CLOSED)
			again();
	});
	stream.addEventListener("no-session", async () => {
		stream.close();
		await api.sessionOver();
		tell("all");
		again();
	});
	addEventListener("pagehide", () => stream.close(), { once: true });
}

async function openFolders() {
	try {
		const folders = await import("./folders.mjs");
		await learn(...folders.words ?? []);
		await folders.mount($("folders"), context);
		markPlace();
	} catch (why) {
		console.error(why);
	}
}

async function start() {
	/* Fetched while the session is asked for; route() says what is wrong with it. */
	import(`./${(find(location.hash) ?? find(HOME)).module}.mjs`).catch(() => {});
	const asked = api.get("/session", { quiet: true }).catch(why => {
		if (why.error !== "no-session")
			console.error(why);
		return null;
	});
	await speak(guess());
	await learn("shell");
	const found = await asked;
	await take(found ?? await enter(translate));
	$("entrance").hidden = true;
	$("shell").hidden = false;
	wire();
	frame();
	listeners.add(what => { if (what === "settings" || what === "all") context.refresh().catch(() => {}); });
	openFolders();
	follow();
	await route();
}

/* Without its words the page can't even say so in one language. */
start().catch(why => {
	console.error(why);
	$("line").hidden = false;
	fill($("line"), "This page could not be loaded; please reload it. · Die Seite ließ sich nicht laden; bitte laden Sie sie neu.");
});
