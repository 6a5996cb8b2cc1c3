/* SPDX-License-Identifier: ISC
 *
 * login.mjs - from name and password, and a code where the account asks for one, to a session. The
 * form stands in index.html, so that a browser can fill it in; when a session ends while somebody
 * writes, the same form opens as a dialog over the page and the page goes on afterwards.
 */
import * as api from "./api.mjs";
import { fill, h, icon, set } from "./dom.mjs";
import { putAway } from "./tell.mjs";
import { speak, t } from "./words.mjs";

const $ = id => document.getElementById(id);
let wired = false;
let done = null;

/* The first login of a visit: the whole page. -> the session. */
export function enter(translate) {
	prepare(translate);
	$("entrance").hidden = false;
	document.title = t("log-in") + " · Siegel";
	$("login-user").focus();
	return new Promise(resolve => { done = resolve; });
}

/* The session is over while the page of `address` is open: a dialog that can't be passed by. */
export async function enterAgain(address) {
	prepare(() => {});
	const form = $("login"), home = form.parentNode, after = form.nextSibling;
	form.reset();
	$("login-user").value = address;
	$("login-user").readOnly = true;
	const box = h("dialog", { id: "again", "aria-labelledby": "again-title" },
		h("h2", { id: "again-title" }, t("session-over")), h("p", null, t("session-over-why")), form);
	box.addEventListener("cancel", e => e.preventDefault());
	document.body.append(box);
	box.showModal();
	$("login-password").focus();
	const session = await new Promise(resolve => { done = resolve; });
	box.close();
	home.insertBefore(form, after);
	putAway(box);
	return session;
}

function prepare(translate) {
	translate();
	needCode(false);
	complain("");
	if (wired)
		return;
	wired = true;
	$("login").addEventListener("submit", e => {
		e.preventDefault();
		send();
	});
	$("login-show").addEventListener("click", show);
	for (const choice of document.querySelectorAll("[data-language]"))
		choice.addEventListener("click", async () => {
			await speak(choice.dataset.language);
			complain("");
			translate();
			document.title = t("log-in") + " · Siegel";
		});
}

function show() {
	const shown = $("login-password").type === "password";
	$("login-password").type = shown ? "text" : "password";
	set($("login-show"), "aria-pressed", String(shown));
}

async function send() {
	const form = $("login"), go = form.querySelector("[type=submit]");
	const asked = { user: form.user.value.trim(), password: form.password.value };
	if (!$("login-code-field").hidden)
		asked.code = form.code.value.replace(/\s+/g, "");
	go.disabled = true;
	complain("");
	try {
		const session = await api.post("/session", asked, { quiet: true });
		form.reset();
		if ($("login-password").type === "text")
			show();
		done(session);
	} catch (why) {
		refused(why, asked.code !== undefined);
	} finally {
		go.disabled = false;
	}
}

function refused(why, withCode) {
	if (why.error === "needs-code" && !withCode) {
		needCode(true);
		$("login-code").focus();
	} else if (why.error === "throttled") {
		complain(t("login-throttled", { n: Math.max(1, Math.ceil((why.retryAfter || 60) / 60)) }));
	} else if (why.error === "wrong" || why.error === "needs-code" || why.error === "invalid") {
		complain(t(withCode ? "login-wrong-code" : "login-wrong"));
		const again = withCode ? $("login-code") : $("login-password");
		again.select();
		again.focus();
	} else {
		complain(t(why.error === "offline" ? "failure-offline" : why.error === "busy" ? "failure-busy" : "failure-failed"));
	}
}

function needCode(on) {
	$("login-code-field").hidden = !on;
	$("login-code").required = on;
	$("login-code").value = "";
}

function complain(text) {
	fill($("login-complaint"), text && [icon("warn"), text]);
}
