/* SPDX-License-Identifier: ISC
 *
 * Turned away, with the text for a provider. The text is laid out as a mail: lines of 72.
 */
export default {
	"turned-what": "Somebody wanted to write to your address for encrypted mail, but their server did not encrypt. Nothing of it was accepted; the sender was told by their own provider.",
	"turned-none": "Nobody was turned away",
	"turned-none-why": "If a server tries to reach your address for encrypted mail without encryption, you will see it here.",
	"turned-alias-off": "Your address for encrypted mail is switched off. You can switch it on in the settings.",
	"turned-report": "A report to you",
	"turned-report-why": "Such reports usually say that a mail of yours could not be delivered. If you are waiting for an answer, ask in another way whether your mail has arrived.",
	"turned-no-sender": "No sender named",
	"turned-claimed": "(as the server claimed)",
	"turned-by": "server {peer}",
	"turned-unknown-peer": "unknown",
	"turned-times": { one: "once", other: "{n} times" },
	"turned-tell": "Tell the provider …",
	"turned-tell-about": "Tell the provider of {who}",
	"turned-tell-how": "You can send this text to the sender's provider, or to the sender, who can pass it on.",
	"turned-text": "Text for the provider",
	"turned-language": "Language of the text",
	"turned-subject": "Subject: {subject}",
	"turned-mail": "Write as mail",
	"tell-subject": "Your mail server did not encrypt a message to us",
	"tell-body": "Dear postmaster,\n\nyour mail server tried to deliver a message to us without encryption.\nIt was turned away with “550 5.7.10”, for this address takes mail only\nover TLS.\n\n  Server:     {peer}\n  Time:       {time}\n  Sender:     {who}\n  Recipient:  {alias}\n\nOur server offers STARTTLS with TLS 1.2 and 1.3 on port 25. Please let\nyours use it for outgoing mail; in Postfix, for instance, it is one\nline:\n\n  smtp_tls_security_level = may\n\nIf the message did not come from your server, you can disregard this.\n\nKind regards\n",
};
