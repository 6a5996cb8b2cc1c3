/* SPDX-License-Identifier: ISC
 *
 * folders.mjs - not built yet.
 */
export function mount() {}
