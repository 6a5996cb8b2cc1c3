/* SPDX-License-Identifier: ISC
 *
 * reason.h - the closed table of reasons (policy.md section 5): why a message was delayed, refused
 * or sent. The same id appears in logs, letters, the queue listing, receipts and the API.
 *
 * row(NAME, number on disk, id, RFC 3463 code without its class digit, RFC 8460 result type or
 * NULL, English, German). Numbers are stored and never change meaning. The texts finish the
 * sentence "It could not be delivered because ..." for somebody who writes to a hotel.
 */
#ifndef MAIL_REASON_H
#define MAIL_REASON_H

#include "base/str.h"

/* clang-format off */
#define REASONS(row) \
	row(NONE, 0, "none", "0.0", NULL, "nothing went wrong", "nichts fehlgeschlagen ist") \
	row(STARTTLS_NOT_SUPPORTED, 1, "starttls-not-supported", "7.10", "starttls-not-supported", \
		"the receiving mail server offers no encrypted connection", \
		"der empfangende Mailserver keine verschlüsselte Verbindung anbietet") \
	row(CERTIFICATE_HOST_MISMATCH, 2, "certificate-host-mismatch", "7.5", "certificate-host-mismatch", \
		"the receiving server's certificate was issued for another name", \
		"das Zertifikat des empfangenden Servers auf einen anderen Namen ausgestellt ist") \
	row(CERTIFICATE_EXPIRED, 3, "certificate-expired", "7.5", "certificate-expired", \
		"the receiving server's certificate has expired", \
		"das Zertifikat des empfangenden Servers abgelaufen ist") \
	row(CERTIFICATE_NOT_TRUSTED, 4, "certificate-not-trusted", "7.5", "certificate-not-trusted", \
		"the receiving server's certificate was not issued by an authority we trust", \
		"das Zertifikat des empfangenden Servers von keiner vertrauenswürdigen Stelle stammt") \
	row(TLSA_INVALID, 5, "tlsa-invalid", "7.5", "tlsa-invalid", \
		"the receiving server's certificate does not match what its domain publishes (DANE)", \
		"das Zertifikat des empfangenden Servers nicht zu dem passt, was seine Domain veröffentlicht (DANE)") \
	row(STS_MX_NOT_LISTED, 6, "sts-mx-not-listed", "7.5", "validation-failure", \
		"the receiving server is not listed in the policy its domain publishes (MTA-STS)", \
		"der empfangende Server nicht in der veröffentlichten Richtlinie seiner Domain steht (MTA-STS)") \
	row(STORED_CERTIFICATE_MISMATCH, 7, "stored-certificate-mismatch", "7.5", "validation-failure", \
		"the receiving server's certificate is not the one stored for its domain", \
		"das Zertifikat des empfangenden Servers nicht das für seine Domain hinterlegte ist") \
	row(PROTOCOL_VERSION, 8, "protocol-version", "7.5", "validation-failure", \
		"the receiving server offers only outdated encryption", \
		"der empfangende Server nur veraltete Verschlüsselung anbietet") \
	row(NOT_TLS, 9, "not-tls", "7.5", "validation-failure", \
		"the receiving server promised an encrypted connection and then did not speak it", \
		"der empfangende Server eine verschlüsselte Verbindung zusagte und sie dann nicht sprach") \
	row(RESPONSE_INJECTION, 10, "response-injection", "7.5", "validation-failure", \
		"somebody on the way put unencrypted data into the start of the encrypted connection", \
		"jemand unterwegs unverschlüsselte Daten in den Aufbau der verschlüsselten Verbindung einfügte") \
	row(VALIDATION_FAILURE, 11, "validation-failure", "7.5", "validation-failure", \
		"the encrypted connection to the receiving server could not be verified", \
		"die verschlüsselte Verbindung zum empfangenden Server nicht bestätigt werden konnte") \
	row(DANE_REQUIRED, 12, "dane-required", "7.4", "dane-required", \
		"your rule asks for DANE and the recipient's domain does not publish it", \
		"Ihre Regel DANE verlangt und die Domain des Empfängers es nicht veröffentlicht") \
	row(AUTHENTICATION_UNAVAILABLE, 13, "authentication-unavailable", "7.4", "validation-failure", \
		"nothing proves that the receiving server is the right one", \
		"nichts beweist, dass der empfangende Server der richtige ist") \
	row(NO_STORED_CERTIFICATE, 14, "no-stored-certificate", "7.4", "validation-failure", \
		"no certificate is stored for the recipient's domain", \
		"für die Domain des Empfängers kein Zertifikat hinterlegt ist") \
	row(STORED_CERTIFICATE_EXPIRED, 15, "stored-certificate-expired", "7.4", "validation-failure", \
		"the certificate stored for the recipient's domain has passed its date", \
		"das für die Domain des Empfängers hinterlegte Zertifikat abgelaufen ist") \
	row(ADDRESS_LITERAL, 16, "address-literal", "7.4", NULL, \
		"a server named only by its number can't be authenticated", \
		"ein nur durch seine Nummer benannter Server nicht geprüft werden kann") \
	row(REQUIRETLS_UNSUPPORTED, 17, "requiretls-unsupported", "7.30", "validation-failure", \
		"the receiving server does not promise to pass the message on encrypted (REQUIRETLS)", \
		"der empfangende Server nicht zusagt, die Nachricht verschlüsselt weiterzugeben (REQUIRETLS)") \
	row(DNSSEC_INVALID, 18, "dnssec-invalid", "4.3", "dnssec-invalid", \
		"the signed address book entries (DNSSEC) of the recipient's domain are wrong", \
		"die signierten Adressbucheinträge (DNSSEC) der Domain des Empfängers fehlerhaft sind") \
	row(DNS_FAILURE, 19, "dns-failure", "4.3", NULL, \
		"the recipient's domain could not be looked up", \
		"die Domain des Empfängers nicht nachgeschlagen werden konnte") \
	row(RESOLVER_UNHEALTHY, 20, "resolver-unhealthy", "4.3", NULL, \
		"our own look-up service is not working properly", \
		"unser eigener Nachschlagedienst nicht richtig arbeitet") \
	row(CONNECTION_REFUSED, 21, "connection-refused", "4.1", NULL, \
		"the receiving server does not accept connections", \
		"der empfangende Server keine Verbindung annimmt") \
	row(CONNECTION_TIMEOUT, 22, "connection-timeout", "4.1", NULL, \
		"the receiving server does not answer", \
		"der empfangende Server nicht antwortet") \
	row(CONNECTION_LOST, 23, "connection-lost", "4.2", NULL, \
		"the connection to the receiving server broke off", \
		"die Verbindung zum empfangenden Server abbrach") \
	row(TLS_NOT_AVAILABLE_NOW, 24, "tls-not-available-now", "7.0", NULL, \
		"the receiving server can't encrypt at the moment", \
		"der empfangende Server im Augenblick nicht verschlüsseln kann") \
	row(STS_FETCH_FAILED, 25, "sts-fetch-failed", "7.0", "sts-policy-fetch-error", \
		"the policy that the recipient's domain publishes could not be fetched", \
		"die veröffentlichte Richtlinie der Domain des Empfängers nicht abrufbar war") \
	row(NULL_MX, 26, "null-mx", "1.10", NULL, \
		"the recipient's domain says that it takes no mail at all", \
		"die Domain des Empfängers erklärt, dass sie keine Mail annimmt") \
	row(DOMAIN_NOT_FOUND, 27, "domain-not-found", "1.2", NULL, \
		"there is no such domain as the recipient's", \
		"es die Domain des Empfängers nicht gibt") \
	row(NO_ADDRESS, 28, "no-address", "4.4", NULL, \
		"the recipient's domain names no mail server that exists", \
		"die Domain des Empfängers keinen vorhandenen Mailserver nennt") \
	row(MAIL_LOOP, 29, "mail-loop", "4.6", NULL, \
		"the message is going round in circles", \
		"die Nachricht sich im Kreis bewegt") \
	row(EXPIRED, 30, "expired", "4.7", NULL, \
		"it could not be delivered within the time allowed", \
		"sie innerhalb der erlaubten Zeit nicht zugestellt werden konnte") \
	row(GREETING_REFUSED, 31, "greeting-refused", "4.0", NULL, \
		"the receiving server turned our connection away", \
		"der empfangende Server unsere Verbindung abwies") \
	row(EHLO_REFUSED, 32, "ehlo-refused", "4.0", NULL, \
		"the receiving server would not talk to ours", \
		"der empfangende Server nicht mit unserem sprechen wollte") \
	row(FORBIDDEN_ADDRESS, 33, "forbidden-address", "4.4", NULL, \
		"the recipient's domain points to an address that is not on the public Internet", \
		"die Domain des Empfängers auf eine Adresse zeigt, die nicht im öffentlichen Internet liegt") \
	row(TOO_MANY_HOSTS, 34, "too-many-hosts", "4.3", NULL, \
		"the recipient's domain names too many servers and none of those tried would do", \
		"die Domain des Empfängers zu viele Server nennt und keiner der versuchten geeignet war") \
	row(LOCAL_FAULT, 35, "local-fault", "3.0", NULL, \
		"something went wrong on our own side", \
		"auf unserer eigenen Seite etwas fehlschlug") \
	row(SMTPUTF8_UNSUPPORTED, 36, "smtputf8-unsupported", "6.7", NULL, \
		"the receiving server can't handle international addresses", \
		"der empfangende Server keine internationalen Adressen kennt") \
	row(TOO_BIG, 37, "too-big", "3.4", NULL, \
		"the message is larger than the receiving server allows", \
		"die Nachricht größer ist, als der empfangende Server erlaubt") \
	row(REMOTE_REPLY, 38, "remote-reply", "0.0", NULL, \
		"the receiving server did not accept it", \
		"der empfangende Server sie nicht angenommen hat") \
	row(NO_SUCH_MAILBOX, 39, "no-such-mailbox", "1.1", NULL, \
		"there is no such mailbox here", \
		"es hier kein solches Postfach gibt") \
	row(DROPPED_BY_OPERATOR, 40, "dropped-by-operator", "3.0", NULL, \
		"the operator of this server removed it from the queue", \
		"der Betreiber dieses Servers sie aus der Warteschlange entfernt hat")
/* clang-format on */

#define REASON_ENUM(name, number, ...) REASON_##name = number,
enum reason { REASONS(REASON_ENUM) REASONS_N };
#undef REASON_ENUM

/* Languages of letters and pages. Numbers are stored on disk. */
enum language { LANGUAGE_EN, LANGUAGE_DE, LANGUAGES_N };

/* All of these take any value; one outside the table is a bug. */
const char *reason_id(enum reason reason);
/* "7.10": the RFC 3463 code without the class digit, which follows the verdict. */
const char *reason_code(enum reason reason);
/* RFC 8460 4.3 result type, or NULL. */
const char *reason_tls_report(enum reason reason);
const char *reason_text(enum reason reason, enum language language);
bool reason_of(struct str id, enum reason *reason) must_use;
bool reason_is_known(uint32_t number);

#endif
