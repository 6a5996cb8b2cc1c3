/* SPDX-License-Identifier: ISC
 *
 * turned.mjs - who tried to reach the alias without encryption and was turned away, and words to
 * tell the sender's provider. What the other server said of itself is a claim and is shown as one.
 */
import { query } from "./api.mjs";
import { button, fill, h, icon, set } from "./dom.mjs";
import { addressNode } from "./mailtext.mjs";
import { copyButton, nothing, page } from "./parts.mjs";
import { dialog } from "./tell.mjs";
import { current, moment, short, t, tableOf } from "./words.mjs";

export const words = ["turned", "reasons"];

export async function show(main, params, context) {
	const column = page(main, t("turned-away"));
	const list = h("div");
	column.append(h("p", null, t("turned-what")), list);
	await draw(list, context);
	return context.listen(what => {
		if (what === "notices" || what === "all")
			draw(list, context).catch(() => {});
	});
}

async function draw(list, context) {
	const { notices } = await context.api.get("/notices");
	const turned = notices.filter(n => n.kind !== "not-sent").sort((a, b) => b.time - a.time);
	fill(list, turned.length === 0
		? nothing("turned", t("turned-none"), t(context.session.active ? "turned-none-why" : "turned-alias-off"))
		: h("ul", { class: "rows" }, turned.map(n => h("li", null, h("div", null,
			h("p", null, n.kind === "report-turned-away" ? h("strong", null, t("turned-report"))
				: [h("strong", null, n.who ? addressNode(n.who) : t("turned-no-sender")), h("span", { class: "soft" }, " " + t("turned-claimed"))]),
			h("p", { class: "small soft" }, h("time", { datetime: new Date(n.time).toISOString(), title: moment(n.time) }, short(n.time)),
				" · ", t("turned-by", { peer: n.peer || t("turned-unknown-peer") }),
				n.count > 1 && " · " + t("turned-times", { n: n.count })),
			n.kind === "report-turned-away" && h("p", { class: "small" }, t("turned-report-why"))),
		button(t("turned-tell"), () => tell(n, context), { "aria-label": t("turned-tell") + " " + (n.who || n.peer) })))));
}

/* The text in both languages, for the provider need not speak ours. The times are what its log shows. */
async function tell(notice, context) {
	const texts = Object.fromEntries(await Promise.all(["en", "de"].map(async language =>
		[language, letter(await tableOf(language, "turned"), notice, context, language)])));
	const text = h("textarea", { rows: 14, class: "small", "aria-label": t("turned-text") });
	const subject = h("p", { class: "small soft" });
	const mail = h("a", { class: "button main" }, icon("unread"), t("turned-mail"));
	const choose = language => {
		text.value = texts[language].body;
		text.lang = language;
		fill(subject, t("turned-subject", { subject: texts[language].subject }));
		address();
	};
	const address = () => {
		const { subject: s } = texts[text.lang];
		set(mail, "href", "#/write" + query({ to: recipient(notice) || null, from: context.session.address, subject: s, body: text.value }));
	};
	text.addEventListener("input", address);
	const languages = ["en", "de"].map(language => h("label", { class: "choice" },
		h("input", { type: "radio", name: "tell", checked: language === current(), onchange: () => choose(language) }),
		h("span", { lang: language }, language === "en" ? "English" : "Deutsch")));
	choose(current());
	await dialog(t("turned-tell-title"), () => [h("div", { class: "said" }, h("p", null, t("turned-tell-how")),
		h("fieldset", { class: "row" }, h("legend", { class: "unseen" }, t("turned-language")), languages), subject, text),
	h("footer", null, copyButton(() => text.value, context, text), mail)], { wide: true });
}

/* Postmaster of the claimed sender's domain: every mail domain has to have one (RFC 5321 4.5.1). */
function recipient(notice) {
	const domain = /@([A-Za-z0-9.-]+)$/.exec(notice.who)?.[1];
	return domain ? "postmaster@" + domain : "";
}

function letter(table, notice, context, language) {
	const at = new Intl.DateTimeFormat(language === "en" ? "en-GB" : "de", { dateStyle: "long", timeStyle: "long", timeZone: "UTC" });
	const values = { peer: notice.peer, who: notice.who || "<>", alias: context.session.alias, time: at.format(notice.time) };
	const say = key => table[key].replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
	return { subject: say("tell-subject"), body: say("tell-body") };
}
