/* SPDX-License-Identifier: ISC
 *
 * sent.mjs - not built yet.
 */
import { h } from "./dom.mjs";

export function show(main) {
	main.append(h("h1", null, "sent"));
}
