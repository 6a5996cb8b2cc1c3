/* SPDX-License-Identifier: ISC
 *
 * plot.mjs - drawings of counts over time. What goes well stands on the line, what doesn't hangs
 * below it, so that no colour is needed to tell them apart. They are pictures for the eye: whoever
 * draws one puts the figures in a table beside it.
 */
import { s } from "./dom.mjs";

const HEIGHT = 40; /* units above the line, and half of it below */
const STEP = 12, GAP = 3;

/* most: what fills the height, the same for all plots that are compared; hints: one per step. */
export function bars(up, down, most, hints) {
	const width = up.length * STEP;
	const bar = (n, i, height, y, cls) => n > 0 && s("rect", { class: cls, x: i * STEP + GAP / 2, width: STEP - GAP,
		y: y(Math.max(1.5, n / most * height)), height: Math.max(1.5, n / most * height) });
	return s("svg", { class: "bars", viewBox: `0 0 ${width} ${HEIGHT * 1.5}`, preserveAspectRatio: "none", "aria-hidden": "true" },
		up.map((n, i) => s("g", null, s("title", null, hints[i]),
			s("rect", { class: "space", x: i * STEP, y: 0, width: STEP, height: HEIGHT * 1.5 }),
			bar(n, i, HEIGHT - 1, size => HEIGHT - size, "up"), bar(down[i], i, HEIGHT - 1, () => HEIGHT + 1, "down"))),
		s("path", { class: "line", d: `M0 ${HEIGHT}.5H${width}`, "vector-effect": "non-scaling-stroke" }));
}

/* A small line of counts, for a row of a table. */
export function spark(counts, most) {
	const width = 120, height = 24, step = width / Math.max(1, counts.length - 1);
	const points = counts.map((n, i) => `${(i * step).toFixed(1)} ${(height - 2 - n / most * (height - 4)).toFixed(1)}`);
	return s("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
		s("path", { d: "M" + points.join("L") }));
}
