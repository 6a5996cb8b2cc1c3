/* SPDX-License-Identifier: ISC
 *
 * html.h - hostile HTML, as far as it must be understood: as plain text for those who have no
 * other text, and with its pictures put in. It is never made safe here: it is shown in a frame
 * without scripts, origin or network, or not at all. All take time in proportion to the length.
 *
 * One thing no frame and no policy keeps a browser from: <link rel=dns-prefetch>, <meta
 * http-equiv=x-dns-prefetch-control> and frames, though what they load is refused, make it ask the
 * name server for names of the sender's choice, which tells the sender that the mail was opened.
 * html_unlink() takes these elements away.
 */
#ifndef MAILBOX_HTML_H
#define MAILBOX_HTML_H

#include "base/buf.h"

/* What a person would read, in lines; UTF-8 in, UTF-8 out. Stops where the buffer is full. */
void html_to_text(struct buf *to, struct str html);
/* Does showing it ask somebody else's server for anything (but a link that is followed)? */
bool html_is_remote(struct str html);
/* Does it choose colours? Then it was made for a white page. */
bool html_has_colours(struct str html);

/* Makes every <link>, <meta>, frame, <object> and <embed> an element that means nothing, without
 * moving a byte. */
void html_unlink(struct buf *html);

/* The next reference to a part (cid:), from the front of *rest: what stands before it is returned,
 * *id is its Content-ID, percent-decoded in `room`, and *rest what follows. Without one all is
 * returned and *rest and *id are empty. */
struct str html_next_cid(struct str *rest, char *room, size_t room_len, struct str *id);

#endif
