/* SPDX-License-Identifier: ISC
 *
 * Abgewiesen, mit dem Text an einen Anbieter. Der Text ist als Mail gesetzt: Zeilen von 72 Zeichen.
 */
export default {
	"turned-what": "Jemand wollte an Ihre Adresse für verschlüsselte Mail schreiben, aber der Server hat nicht verschlüsselt. Nichts davon wurde angenommen; der Absender hat es von seinem eigenen Anbieter erfahren.",
	"turned-none": "Niemand wurde abgewiesen",
	"turned-none-why": "Wenn ein Server Ihre Adresse für verschlüsselte Mail ohne Verschlüsselung erreichen will, sehen Sie es hier.",
	"turned-alias-off": "Ihre Adresse für verschlüsselte Mail ist ausgeschaltet. In den Einstellungen können Sie sie einschalten.",
	"turned-report": "Ein Bericht an Sie",
	"turned-report-why": "Solche Berichte sagen meist, dass eine Mail von Ihnen nicht zugestellt werden konnte. Wenn Sie auf eine Antwort warten, fragen Sie auf einem anderen Weg nach, ob Ihre Mail angekommen ist.",
	"turned-no-sender": "Kein Absender genannt",
	"turned-claimed": "(nach Angabe des Servers)",
	"turned-by": "Server {peer}",
	"turned-unknown-peer": "unbekannt",
	"turned-times": { one: "einmal", other: "{n}-mal" },
	"turned-tell": "Dem Anbieter sagen …",
	"turned-tell-about": "Dem Anbieter von {who} sagen",
	"turned-tell-how": "Diesen Text können Sie an den Anbieter des Absenders schicken, oder an den Absender, der ihn weitergeben kann.",
	"turned-text": "Text an den Anbieter",
	"turned-language": "Sprache des Textes",
	"turned-subject": "Betreff: {subject}",
	"turned-mail": "Als Mail schreiben",
	"tell-subject": "Ihr Mailserver hat eine Nachricht an uns nicht verschlüsselt",
	"tell-body": "Guten Tag,\n\nIhr Mailserver wollte uns eine Nachricht ohne Verschlüsselung zustellen.\nSie wurde mit „550 5.7.10“ abgewiesen, denn diese Adresse nimmt Mail nur\nüber TLS an.\n\n  Server:     {peer}\n  Zeit:       {time}\n  Absender:   {who}\n  Empfänger:  {alias}\n\nUnser Server bietet auf Port 25 STARTTLS mit TLS 1.2 und 1.3 an. Bitte\nlassen Sie Ihren davon bei ausgehender Mail Gebrauch machen; in Postfix\nzum Beispiel ist es eine Zeile:\n\n  smtp_tls_security_level = may\n\nFalls die Nachricht nicht von Ihrem Server kam, ist dieses Schreiben\ngegenstandslos.\n\nMit freundlichen Grüßen\n",
};
