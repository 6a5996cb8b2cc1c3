/* SPDX-License-Identifier: ISC
 *
 * reasons.mjs - a reason's id (src/mail/reason.h) as a sentence, and what a person can do about it.
 * The same advice as in the letters. Needs the words "reasons".
 */
import { has, t } from "./words.mjs";

const NOT_SEALED = ["ask-provider", "normal-address", "other-way"];
const TOO_STRICT = ["rule", "normal-address", "other-way"];
const WRONG_ADDRESS = ["check-address", "other-way"];
const OUR_FAULT = ["operator", "other-way"];
const WAIT = ["later", "other-way"];

const ADVICE = {
	"starttls-not-supported": NOT_SEALED, "protocol-version": NOT_SEALED, "not-tls": NOT_SEALED,
	"response-injection": NOT_SEALED, "tls-not-available-now": NOT_SEALED,
	"certificate-host-mismatch": NOT_SEALED, "certificate-expired": NOT_SEALED,
	"certificate-not-trusted": NOT_SEALED, "tlsa-invalid": NOT_SEALED, "sts-mx-not-listed": NOT_SEALED,
	"validation-failure": NOT_SEALED,
	"dane-required": TOO_STRICT, "authentication-unavailable": TOO_STRICT,
	"no-stored-certificate": TOO_STRICT, "stored-certificate-expired": TOO_STRICT,
	"stored-certificate-mismatch": TOO_STRICT, "address-literal": TOO_STRICT,
	"requiretls-unsupported": TOO_STRICT,
	"null-mx": WRONG_ADDRESS, "domain-not-found": WRONG_ADDRESS, "no-address": WRONG_ADDRESS,
	"no-such-mailbox": WRONG_ADDRESS, "remote-reply": WRONG_ADDRESS,
	"too-big": ["smaller", "other-way"],
	"local-fault": OUR_FAULT, "resolver-unhealthy": OUR_FAULT, "mail-loop": OUR_FAULT,
	"dropped-by-operator": OUR_FAULT,
};

/* What happened: a sentence. */
export const what = reason => has("reason-" + reason) ? t("reason-" + reason) : reason;

/* What one can do: sentences, the most helpful first. sealed: whether the alias's rule was at work;
 * without it neither another rule nor the normal address would help. */
export function advice(reason, { sealed = true } = {}) {
	return (ADVICE[reason] ?? WAIT)
		.filter(a => sealed || (a !== "rule" && a !== "normal-address"))
		.map(a => t("do-" + a));
}
