/* SPDX-License-Identifier: ISC
 *
 * words.h - the closed sets of numbers as the API spells them.
 */
#ifndef WEB_WORDS_H
#define WEB_WORDS_H

#include "web/json.h"

extern const struct json_words words_language, words_level, words_demands, words_folder_kind,
	words_message_flag, words_origin, words_whither, words_verdict, words_recipient_state,
	words_transport, words_notice, words_letter, words_certificate;

#endif
