/* SPDX-License-Identifier: ISC
 *
 * main.c - siegel-mailbox: owns the Maildirs below STATE/mail and nothing else. Started by
 * siegeld. It reads message bodies without looking into them.
 */
#include "base/log.h"
#include "mailbox/mime.h"
#include "mailbox/worker.h"
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_MS = 20 * SECOND };

int main(void)
{
	struct start start;
	struct client *client = client_new(ROLE_STORE);
	struct mailbox *mailbox;

	start_open(&start, ROLE_MAILBOX);
	mailbox = mailbox_open(client, start.settings);
	start_forget_files(&start);
	umask(077);
	mime_prepare();
	start_drop(&start);
	mime_start();
	start_confine(&start);
	mailbox_serve(mailbox);
	start_ready(&start);
	for (;;) {
		struct start_event event = start_next(&start);

		if (event.kind == START_EDGE && event.peer == ROLE_STORE)
			client_set_edge(client, event.fd);
		else if (event.kind == START_EDGE)
			fd_close(&event.fd);
		else if (event.kind == START_RELOAD)
			start_forget_files(&start); /* no setting that counts before a restart */
		else if (event.kind == START_STOP)
			mailbox_stop(mailbox, deadline_in(STOP_MS));
		if (event.kind == START_STOP || event.kind == START_GONE)
			_exit(0);
	}
}
