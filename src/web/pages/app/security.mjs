/* SPDX-License-Identifier: ISC
 *
 * security.mjs - the ways into the account: its password, the second factor, passwords for mail
 * programs, and where one is logged in. What is shown once is gone when its dialog is closed.
 */
import { button, field, fill, h, icon, s } from "./dom.mjs";
import { copyButton, mark, saveText } from "./parts.mjs";
import { dialog } from "./tell.mjs";
import { ago, day, t, tn } from "./words.mjs";

const PASSWORD_LEAST = 8; /* of the store's too, which decides */

export async function show(column, state) {
	const factor = h("section", { class: "stack" }), apps = h("section", { class: "stack" });
	const sessions = h("section", { class: "stack" });
	drawFactor(factor, state);
	await Promise.all([drawApps(apps, state), drawSessions(sessions, state)]);
	column.append(passwordForm(state), factor, apps, sessions);
}

/* For password managers: whose password it is. */
const whose = state => h("input", { type: "text", autocomplete: "username", value: state.settings.address, hidden: true, readOnly: true });
const secretInput = autocomplete => h("input", { type: "password", autocomplete, required: true });
const failed = (state, why) => state.context.toast(state.context.sayFailure(why), { kind: "wrong" });

/* What lasts longer than this session takes the password too: act(password) does it. -> what it
 * answers, or null if it is called off. */
function withPassword(state, title, why, label, kind, act) {
	const password = secretInput("current-password"), passwordField = field(t("password"), password);
	return dialog(title, close => h("form", { class: "said", onsubmit: async e => {
		e.preventDefault();
		try {
			close(await act(password.value));
		} catch (failure) {
			complainOf(failure, passwordField, password, state);
		}
	} }, whose(state), h("p", null, why), passwordField,
	h("footer", null, button(t("cancel"), () => close(null)),
		h("button", { type: "submit", class: "button " + kind }, label))));
}

function complainOf(failure, passwordField, password, state) {
	passwordField.complain(failure.error === "wrong" ? t("password-old-wrong") : state.context.sayFailure(failure));
	password.select();
}

/* --- password */

function passwordForm(state) {
	const old = secretInput("current-password"), fresh = secretInput("new-password");
	const oldField = field(t("password-old"), old), freshField = field(t("password-new"), fresh, t("password-new-hint"));
	const form = h("form", { onsubmit: async e => {
		e.preventDefault();
		oldField.complain("");
		freshField.complain(fresh.value.length < PASSWORD_LEAST ? t("password-short") : "");
		if (fresh.value.length < PASSWORD_LEAST)
			return fresh.focus();
		try {
			await state.context.api.post("/password", { old: old.value, new: fresh.value });
			form.reset();
			state.context.toast(t("password-changed"));
		} catch (why) {
			if (why.error === "wrong") {
				oldField.complain(t("password-old-wrong"));
				old.focus();
			} else if (why.error === "invalid") {
				freshField.complain(t("password-not-taken"));
				fresh.focus();
			} else {
				failed(state, why);
			}
		}
	} },
	whose(state), oldField, freshField, h("button", { type: "submit", class: "button" }, t("password-change")));
	return h("section", { class: "stack" }, h("h2", null, t("password")), form);
}

/* --- second factor */

function drawFactor(section, state) {
	const on = state.settings.second_factor;
	fill(section, h("h2", null, t("factor")), h("p", null, on ? mark("good", t("factor-on")) : t("factor-off")),
		h("div", null, on ? button(t("factor-end"), () => endFactor(section, state), { kind: "danger" })
			: button(t("factor-begin"), () => beginFactor(section, state))));
}

function redraw(section, state, on) {
	state.settings.second_factor = on;
	drawFactor(section, state);
	section.querySelector("button").focus();
}

/* Modules as one path of squares on white, whatever the colours of the page: cameras want that. */
function qrCode(rows) {
	const quiet = 4, n = rows.length + 2 * quiet;
	const squares = rows.flatMap((row, y) => [...row].map((m, x) => m === "1" ? `M${x + quiet} ${y + quiet}h1v1h-1z` : "")).join("");
	return s("svg", { class: "qr", viewBox: `0 0 ${n} ${n}`, role: "img", "aria-label": t("factor-qr"), "shape-rendering": "crispEdges" },
		s("rect", { width: n, height: n, fill: "#fff" }), s("path", { d: squares, fill: "#000" }));
}

async function beginFactor(section, state) {
	const { api } = state.context;
	let offer;
	try {
		offer = await api.post("/second-factor");
	} catch (why) {
		return failed(state, why);
	}
	const code = h("input", { type: "text", inputmode: "numeric", autocomplete: "one-time-code", required: true, maxlength: 9 });
	const codeField = field(t("factor-code"), code);
	const password = secretInput("current-password"), passwordField = field(t("password"), password);
	const secret = h("output", { class: "mono address" }, offer.secret.replace(/(.{4})(?=.)/g, "$1 "));
	const recovery = await dialog(t("factor-begin"), close => h("form", { class: "said", onsubmit: async e => {
		e.preventDefault();
		passwordField.complain("");
		codeField.complain("");
		try {
			close((await api.put("/second-factor", { code: code.value.replace(/\s+/g, ""), password: password.value })).recovery);
		} catch (why) {
			if (why.error !== "invalid")
				return complainOf(why, passwordField, password, state);
			codeField.complain(t("factor-code-wrong"));
			code.select();
		}
	} }, whose(state), h("p", null, t("factor-scan")), qrCode(offer.qr), h("p", null, t("factor-by-hand")),
	h("div", { class: "row" }, secret, copyButton(() => offer.secret, state.context, secret)), passwordField, codeField,
	h("footer", null, button(t("cancel"), () => close(null)),
		h("button", { type: "submit", class: "button main" }, t("factor-confirm")))));
	if (!recovery)
		return;
	await showRecovery(recovery, state);
	redraw(section, state, true);
}

function showRecovery(codes, state) {
	const list = h("pre", { class: "codes" }, codes.join("\n"));
	return dialog(t("recovery"), close => [h("div", { class: "said" }, h("p", null, t("recovery-why")), list,
		h("div", { class: "row" }, copyButton(() => codes.join("\n"), state.context, list),
			button(t("download"), () => saveText("siegel-recovery-codes.txt", codes.join("\n") + "\n"), { sign: "download" }))),
	h("footer", null, button(t("recovery-kept"), () => close(true), { kind: "main" }))]);
}

async function endFactor(section, state) {
	const { api, toast } = state.context;
	if (!await withPassword(state, t("factor-end"), t("factor-end-why"), t("factor-end"), "main danger",
		password => api.remove("/second-factor", { password })))
		return;
	toast(t("factor-ended"));
	redraw(section, state, false);
}

/* --- passwords for mail programs */

async function drawApps(section, state) {
	const { passwords } = await state.context.api.get("/app-passwords");
	const list = h("div", null), name = h("input", { type: "text", required: true, maxlength: 60 });
	fillApps(list, passwords, state);
	fill(section, h("h2", null, t("apps")), h("p", null, t("apps-why")), list,
		h("form", { onsubmit: async e => {
			e.preventDefault();
			const called = name.value.trim();
			const made = await withPassword(state, t("app-new", { name: called }), t("app-new-why"), t("app-make"), "main",
				password => state.context.api.post("/app-passwords", { name: called, password }));
			if (!made)
				return;
			fillApps(list, made.passwords, state);
			name.value = "";
			await showApp(called, made.password, state);
		} }, field(t("app-name"), name, t("app-name-hint"),
			h("button", { type: "submit", class: "button" }, t("app-make")))));
}

function fillApps(list, passwords, state) {
	fill(list, passwords.length === 0 ? h("p", { class: "soft" }, t("apps-none"))
		: h("ul", { class: "rows" }, passwords.map(p => h("li", null,
			h("div", null, h("strong", null, p.name), h("p", { class: "small soft" },
				t("app-made", { day: day(p.created) }) + " · " + (p.used ? t("app-used", { ago: ago(p.used) }) : t("app-unused")))),
			button(t("remove"), () => removeApp(list, p, state), { "aria-label": t("app-remove", { name: p.name }) })))));
}

async function removeApp(list, entry, state) {
	const { api, ask, toast } = state.context;
	if (!await ask(t("app-remove", { name: entry.name }), t("app-remove-why"), { yes: t("remove"), danger: true }))
		return;
	try {
		fillApps(list, (await api.remove(api.p`/app-passwords/${entry.entry}`)).passwords, state);
		toast(t("app-removed"));
	} catch (why) {
		failed(state, why);
	}
}

function showApp(name, password, state) {
	const shown = h("output", { class: "mono address large" }, password);
	return dialog(t("app-shown", { name }), close => [h("div", { class: "said" },
		h("p", null, tn("app-shown-how", { address: h("span", { class: "mono" }, state.settings.address) })),
		h("div", { class: "row" }, shown, copyButton(() => password, state.context, shown)),
		h("p", null, t("app-shown-once"))),
	h("footer", null, button(t("app-shown-done"), () => close(true), { kind: "main" }))]);
}

/* --- where one is logged in */

async function drawSessions(section, state) {
	const { sessions } = await state.context.api.get("/sessions");
	fill(section, h("h2", null, t("sessions")), h("p", null, t("sessions-why")),
		h("ul", { class: "rows" }, sessions.map(x => h("li", null,
			h("div", null, h("strong", null, browserName(x.agent)), x.current && [" ", mark("good", t("session-current"))],
				h("p", { class: "small soft" }, t("session-from", { peer: x.peer, since: day(x.created) }) + " · "
					+ t("session-seen", { ago: ago(x.seen) }))),
			!x.current && button(t("session-end"), () => endSession(section, x, state),
				{ "aria-label": t("session-end-this", { browser: browserName(x.agent), peer: x.peer }) })))),
		h("div", { class: "row" },
			sessions.length > 1 && button(t("sessions-end-others"), () => endOthers(section, state)),
			button(t("sessions-end-all"), () => endAll(state), { kind: "danger" })));
}

async function endSession(section, x, state) {
	const { api, toast } = state.context;
	try {
		await api.remove(api.p`/sessions/${x.session}`);
		toast(t("session-ended"));
		await drawSessions(section, state);
		section.querySelector("button").focus();
	} catch (why) {
		failed(state, why);
	}
}

async function endOthers(section, state) {
	try {
		await state.context.api.remove("/session?scope=others");
		state.context.toast(t("sessions-others-ended"));
		await drawSessions(section, state);
		section.querySelector("button").focus();
	} catch (why) {
		failed(state, why);
	}
}

async function endAll(state) {
	if (await state.context.ask(t("sessions-end-all"), t("sessions-end-all-why"), { yes: t("sessions-end-all"), danger: true }))
		state.context.leave("all").catch(why => failed(state, why));
}

/* "Firefox on Linux" from what a browser calls itself; what is not known is shown as it is, shortened. */
const BROWSERS = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"]];
const SYSTEMS = [[/iPhone|iPad/, "iOS"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/Linux/, "Linux"]];
function browserName(agent) {
	const browser = BROWSERS.find(([r]) => r.test(agent))?.[1], system = SYSTEMS.find(([r]) => r.test(agent))?.[1];
	if (!browser)
		return agent ? agent.slice(0, 60) : t("session-unknown");
	return system ? t("session-browser", { browser, system }) : browser;
}
