/* SPDX-License-Identifier: ISC
 *
 * compose.mjs - not built yet.
 */
import { h } from "./dom.mjs";

export function show(main) {
	main.append(h("h1", null, "compose"));
}
