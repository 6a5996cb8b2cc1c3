/* SPDX-License-Identifier: ISC
 *
 * operator.mjs - how the server is, for those who run it: health and deliveries over time, what
 * waits and why, accounts, stored certificates. It shows and changes nothing; what can be done is
 * done with siegel(1). Every plot has its table behind it.
 */
import { button, fill, h, icon } from "./dom.mjs";
import { addressNode } from "./mailtext.mjs";
import { mark, nothing, page, table } from "./parts.mjs";
import { bars, spark } from "./plot.mjs";
import { what } from "./reasons.mjs";
import { ago, day, moment, number, short, size, t } from "./words.mjs";

export const words = ["operator", "reasons", "settings"];

const PARTS = [["health", showHealth], ["queue", showQueue], ["accounts", showAccounts], ["certificates", showCertificates]];
const HOUR = 3600e3, DAY = 24 * HOUR;
const PERIODS = [["day", DAY, HOUR], ["week", 7 * DAY, 6 * HOUR], ["month", 30 * DAY, DAY]];
const LEVELS = ["opportunistic", "encrypt", "secure", "dane-only", "verify", "other"]; /* other: demands joined from several */
const SOON = 30 * DAY; /* a certificate that ends within is worth a word */
const REASONS_SHOWN = 8;
const PAGE = 100;

export async function show(main, params, context) {
	const [name, showPart] = PARTS.find(([n]) => n === params.part) ?? PARTS[0];
	const column = page(main, t("operator"), { wide: true, label: t("operator-parts"),
		tabs: PARTS.map(([n]) => ["#/operator/" + n, t("operator-" + n), n === name]) });
	context.title(t("operator-" + name));
	if (!context.session.admin)
		return void column.append(h("p", null, t("operator-not-you")));
	await showPart(column, context);
}

const time = ms => ms ? h("time", { datetime: new Date(ms).toISOString(), title: moment(ms) }, short(ms)) : t("never");

/* --- health and deliveries */

async function showHealth(column, context) {
	const status = h("section", { class: "stack" }), period = h("section", { class: "stack" });
	column.append(status, period);
	const { version, resolver, figures } = await context.api.get("/admin/status");
	fill(status, h("dl", { class: "figures" },
		figure(t("version"), version),
		figure(t("resolver"), mark({ healthy: "good", unhealthy: "bad" }[resolver] ?? "doubtful", t("resolver-" + resolver))),
		Object.entries(figures).map(([name, value]) => figure(t("figure-" + name), sayFigure(name, value, figures)))),
	resolver === "unhealthy" && h("div", { class: "note bad" }, icon("warn"), h("p", null, t("resolver-bad-means"))));
	await showDeliveries(period, context, PERIODS[1]);
}

const figure = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));

function sayFigure(name, value, figures) {
	if (name === "started")
		return ago(value);
	if (name === "disk_free" && value < figures.disk_reserve)
		return mark("bad", size(value));
	return /^(disk|database)_/.test(name) ? size(value) : number(value);
}

async function showDeliveries(section, context, chosen) {
	const [, length, step] = chosen;
	const since = Math.floor((Date.now() - length) / step) * step + step;
	const { deliveries, refused } = await context.api.get("/admin/deliveries" + context.api.query({ since, step }));
	const times = [];
	for (let at = since; at <= Date.now(); at += step)
		times.push(at);
	fill(section, h("div", { class: "row spread" }, h("h2", null, t("deliveries")),
		h("div", { class: "row", role: "group", "aria-label": t("period") }, PERIODS.map(p => button(t("period-" + p[0]), async () => {
			await showDeliveries(section, context, p);
			section.querySelector("[aria-pressed=true]").focus();
		}, { "aria-pressed": String(p === chosen) })))),
	deliveries.length === 0 ? nothing("operator", t("deliveries-none"), t("deliveries-none-why"))
		: [h("p", { class: "soft small" }, t("deliveries-how")), levelPlots(deliveries, times, step), reasonPlots(deliveries, times, step)],
	h("h2", null, t("refused")),
	refused.length === 0 ? h("p", { class: "soft" }, t("refused-none"))
		: table(t("refused"), [t("domain"), t("reason"), t("count"), t("last")],
			refused.map(r => [r.domain, what(r.reason), number(r.count), time(r.last)]), { numeric: [2], hideCaption: true }));
}

function sum(cells, times, step, counts) {
	const sums = times.map(() => 0);
	for (const cell of cells) {
		const slot = Math.floor((cell.time - times[0]) / step);
		if (slot >= 0 && slot < sums.length && counts(cell))
			sums[slot] += cell.count;
	}
	return sums;
}

const total = sums => sums.reduce((a, b) => a + b, 0);
const stepName = step => at => step < DAY ? short(at) : day(at);

function levelPlots(deliveries, times, step) {
	const named = stepName(step);
	const rows = LEVELS.map(level => {
		const mine = deliveries.filter(d => (d.level || "other") === level);
		return { level, good: sum(mine, times, step, d => d.state === "delivered"), bad: sum(mine, times, step, d => d.state === "failed") };
	}).filter(r => total(r.good) + total(r.bad) > 0);
	const most = Math.max(1, ...rows.flatMap(r => [...r.good, ...r.bad]));
	return [h("div", { class: "plots" }, rows.map(r => h("figure", { class: "plot" },
		h("figcaption", null, h("strong", null, t("level-" + r.level)),
			h("span", { class: "soft" }, t("delivered-n", { n: total(r.good) }) + " · " + t("failed-n", { n: total(r.bad) }))),
		bars(r.good, r.bad, most, times.map((at, i) => `${moment(at)}: ${t("delivered-n", { n: r.good[i] })}, ${t("failed-n", { n: r.bad[i] })}`)),
		h("div", { class: "ends small soft" }, h("span", null, named(times[0])), h("span", null, t("now")))))),
	h("details", null, h("summary", null, t("as-table")),
		table(t("deliveries"), [t("from-time"), ...rows.flatMap(r => [t("level-" + r.level) + ", " + t("delivered"), t("level-" + r.level) + ", " + t("failed")])],
			times.map((at, i) => [moment(at), ...rows.flatMap(r => [number(r.good[i]), number(r.bad[i])])]),
			{ numeric: rows.flatMap((r, i) => [2 * i + 1, 2 * i + 2]), hideCaption: true }))];
}

function reasonPlots(deliveries, times, step) {
	const failed = deliveries.filter(d => d.state === "failed");
	if (failed.length === 0)
		return null;
	const reasons = [...new Set(failed.map(d => d.reason))]
		.map(reason => ({ reason, sums: sum(failed, times, step, d => d.reason === reason) }))
		.sort((a, b) => total(b.sums) - total(a.sums)).slice(0, REASONS_SHOWN);
	const most = Math.max(1, ...reasons.flatMap(r => r.sums));
	return [h("h2", null, t("reasons")), table(t("reasons"), [t("reason"), t("over-time"), t("count")],
		reasons.map(r => [what(r.reason), spark(r.sums, most), number(total(r.sums))]), { numeric: [2], hideCaption: true })];
}

/* --- lists, page by page */

/* key: of an item, what the server takes to go on behind it. */
async function listed(column, context, path, field, key, draw, empty) {
	const place = h("div", { class: "stack" });
	column.append(place);
	const items = [];
	const more = async after => {
		const page = (await context.api.get(path + context.api.query({ after, limit: PAGE })))[field];
		items.push(...page);
		fill(place, items.length === 0 ? empty : draw(items),
			page.length === PAGE && h("div", null, button(t("more"), () => more(items.at(-1)[key]))));
	};
	await more();
}

function showQueue(column, context) {
	return listed(column, context, "/admin/queue", "items", "id", items =>
		table(t("operator-queue"), [t("recipient"), t("sender"), t("state"), t("reason"), t("next-attempt"), t("gives-up")],
			items.map(q => [[addressNode(q.recipient), h("p", { class: "soft mono" }, q.id)], q.sender ? addressNode(q.sender) : t("queue-no-sender"),
				[t("state-" + q.state), h("p", { class: "soft" }, t("attempts", { n: q.attempts }))],
				[q.reason && q.reason !== "none" ? what(q.reason) : "–", q.said && h("p", { class: "soft" }, q.said)],
				time(q.next_attempt), time(q.deadline)]), { hideCaption: true }),
	nothing("check", t("queue-empty"), t("queue-empty-why")));
}

async function showAccounts(column, context) {
	const { accounts } = await context.api.get("/admin/accounts");
	column.append(accounts.length === 0 ? nothing("person", t("accounts-none"), t("accounts-none-why"))
		: table(t("operator-accounts"), [t("address"), t("alias"), t("rule"), t("factor-short"), t("seen"), t("created")],
			accounts.map(a => [[addressNode(a.address), a.admin && h("p", { class: "soft" }, t("is-admin"))],
				[a.alias ? addressNode(a.alias) : "–", a.alias && h("p", null, a.active ? mark("good", t("on")) : h("span", { class: "soft" }, t("off")))],
				t("level-" + a.level), a.second_factor ? mark("good", t("on")) : h("span", { class: "soft" }, t("off")),
				time(a.seen), day(a.created)]), { hideCaption: true }));
}

function showCertificates(column, context) {
	return listed(column, context, "/admin/certificates", "certificates", "entry", certificates =>
		table(t("operator-certificates"), [t("domain"), t("kind"), t("value"), t("expires")],
			certificates.map(c => [[c.domain, c.note && h("p", { class: "soft" }, c.note)],
				[t("kind-" + c.kind), c.names && h("p", { class: "soft" }, c.names)],
				c.value && c.kind !== "authority" ? h("span", { class: "mono" }, c.value) : "–", expiry(c.expires)]), { hideCaption: true }),
	nothing("seal", t("certificates-none"), t("certificates-none-why")));
}

function expiry(at) {
	if (!at)
		return t("no-end");
	const left = at - Date.now();
	if (left <= 0)
		return mark("bad", t("expired-on", { day: day(at) }));
	return left < SOON ? mark("doubtful", t("expires-soon", { day: day(at) })) : day(at);
}
