/* SPDX-License-Identifier: ISC
 *
 * route.h - every route there is, as a table: what is asked, by whom, with what, and who answers.
 * doc/api.yaml describes the same routes to people, and a test holds one against the other.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "web/request.h"

enum access {
	OPEN,	/* anybody */
	SESSION /* whose cookie names a session; a change also wants its CSRF token */
};

enum body { NO_BODY, JSON_BODY, FILE_BODY };

/* Which threads answer: those for what takes its time must not keep the others waiting. */
enum pace { QUICK, SLOW };

#define API "/api/v1"

/* clang-format off */
#define ROUTES(row) \
	row("GET",    "/about",                           about,            OPEN,    NO_BODY,   QUICK) \
	row("POST",   "/session",                         session_begin,    OPEN,    JSON_BODY, SLOW) \
	row("GET",    "/session",                         session_show,     SESSION, NO_BODY,   QUICK) \
	row("DELETE", "/session",                         session_end,      SESSION, NO_BODY,   QUICK) \
	row("GET",    "/sessions",                        session_list,     SESSION, NO_BODY,   QUICK) \
	row("DELETE", "/sessions/{session}",              session_end_one,  SESSION, NO_BODY,   QUICK) \
	row("GET",    "/settings",                        settings_show,    SESSION, NO_BODY,   QUICK) \
	row("PATCH",  "/settings",                        settings_change,  SESSION, JSON_BODY, QUICK) \
	row("GET",    "/settings/reach",                  settings_reach,   SESSION, NO_BODY,   QUICK) \
	row("GET",    "/settings/providers",              settings_providers, SESSION, NO_BODY, QUICK) \
	row("POST",   "/password",                        password_change,  SESSION, JSON_BODY, SLOW) \
	row("POST",   "/second-factor",                   factor_begin,     SESSION, NO_BODY,   QUICK) \
	row("PUT",    "/second-factor",                   factor_on,        SESSION, JSON_BODY, SLOW) \
	row("DELETE", "/second-factor",                   factor_off,       SESSION, JSON_BODY, SLOW) \
	row("GET",    "/app-passwords",                   app_password_list, SESSION, NO_BODY,  QUICK) \
	row("POST",   "/app-passwords",                   app_password_add, SESSION, JSON_BODY, SLOW) \
	row("DELETE", "/app-passwords/{entry}",           app_password_remove, SESSION, NO_BODY, QUICK) \
	row("GET",    "/folders",                         folder_list,      SESSION, NO_BODY,   QUICK) \
	row("POST",   "/folders",                         folder_create,    SESSION, JSON_BODY, QUICK) \
	row("PATCH",  "/folders/{folder}",                folder_rename,    SESSION, JSON_BODY, QUICK) \
	row("DELETE", "/folders/{folder}",                folder_remove,    SESSION, NO_BODY,   QUICK) \
	row("GET",    "/messages",                        message_list,     SESSION, NO_BODY,   QUICK) \
	row("POST",   "/messages/change",                 message_change,   SESSION, JSON_BODY, QUICK) \
	row("GET",    "/messages/{id}",                   message_show,     SESSION, NO_BODY,   QUICK) \
	row("GET",    "/messages/{id}/body",              message_body,     SESSION, NO_BODY,   QUICK) \
	row("GET",    "/messages/{id}/parts/{part}",      message_part,     SESSION, NO_BODY,   QUICK) \
	row("GET",    "/messages/{id}/source",            message_source,   SESSION, NO_BODY,   QUICK) \
	row("GET",    "/messages/{id}/receipt",           message_receipt,  SESSION, NO_BODY,   QUICK) \
	row("GET",    "/addresses",                       address_list,     SESSION, NO_BODY,   QUICK) \
	row("PUT",    "/drafts/{draft}",                  draft_save,       SESSION, JSON_BODY, QUICK) \
	row("GET",    "/drafts/{draft}",                  draft_show,       SESSION, NO_BODY,   QUICK) \
	row("DELETE", "/drafts/{draft}",                  draft_remove,     SESSION, NO_BODY,   QUICK) \
	row("POST",   "/drafts/{draft}/attachments",      draft_attach,     SESSION, FILE_BODY, QUICK) \
	row("DELETE", "/drafts/{draft}/attachments/{entry}", draft_detach,  SESSION, NO_BODY,   QUICK) \
	row("POST",   "/drafts/{draft}/forward",          draft_forward,    SESSION, JSON_BODY, QUICK) \
	row("POST",   "/drafts/{draft}/send",             draft_send,       SESSION, JSON_BODY, SLOW) \
	row("GET",    "/sent",                            sent_list,        SESSION, NO_BODY,   QUICK) \
	row("POST",   "/sent/{sent}/undo",                sent_undo,        SESSION, NO_BODY,   QUICK) \
	row("GET",    "/sent/{sent}/receipt",             sent_receipt,     SESSION, NO_BODY,   QUICK) \
	row("POST",   "/preflight",                       preflight_look,   SESSION, JSON_BODY, SLOW) \
	row("GET",    "/notices",                         notice_list,      SESSION, NO_BODY,   QUICK) \
	row("GET",    "/events",                          event_stream,     SESSION, NO_BODY,   QUICK) \
	row("GET",    "/admin/accounts",                  admin_accounts,   SESSION, NO_BODY,   QUICK) \
	row("GET",    "/admin/queue",                     admin_queue,      SESSION, NO_BODY,   QUICK) \
	row("GET",    "/admin/certificates",              admin_certificates, SESSION, NO_BODY, QUICK) \
	row("GET",    "/admin/deliveries",                admin_deliveries, SESSION, NO_BODY,   QUICK) \
	row("GET",    "/admin/status",                    admin_status,     SESSION, NO_BODY,   QUICK)
/* clang-format on */

struct route {
	const char *method, *path;
	struct reply (*handler)(struct request *r);
	enum access access;
	enum body body;
	enum pace pace;
};

extern const struct route routes[];
extern const size_t routes_n;

/* Does it change anything? */
bool route_changes(const struct route *route);

enum route_answer { ROUTE_FOUND, ROUTE_UNKNOWN, ROUTE_OTHER_METHOD };

/* The route of a method and a path, percent-encoding undone; `part` gets what stood in the places
 * of the {names}, as views into `path`. */
enum route_answer route_find(
	struct str method, struct str path, const struct route **route, struct str *part);

#define ROUTE_PROTOTYPE(method, path, handler, ...) struct reply route_##handler(struct request *r);
ROUTES(ROUTE_PROTOTYPE)
#undef ROUTE_PROTOTYPE

#endif
