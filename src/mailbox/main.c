/* SPDX-License-Identifier: ISC
 *
 * main.c - siegel-mailbox: owns the Maildirs below STATE/mail and nothing else. Started by
 * siegeld. It delivers message bodies without looking into them; for the pages they are read by a
 * process that has nothing else (mime.h).
 */
#include "base/log.h"
#include "base/must.h"
#include "mailbox/answer.h"
#include "mailbox/worker.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_MS = 20 * SECOND };

static struct answers *serve_pages(
	struct client *store, struct mime *mime, const struct settings *settings)
{
	int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	must(root >= 0);
	struct postroom *postroom =
		postroom_new(store, mime, root, settings->message_size, settings->disk_reserve);
	const struct answering how = postroom_answering(postroom);
	postroom_serve(postroom);
	return answers_serve(&how, -1);
}

static void stop(struct mailbox *mailbox, struct answers *answers, struct deadline deadline)
{
	mailbox_stop(mailbox, deadline);
	answers_stop(answers, deadline);
}

int main(void)
{
	struct start start;
	struct client *client = client_new(ROLE_STORE);
	struct mailbox *mailbox;
	struct answers *answers;
	struct mime *mime;

	start_open(&start, ROLE_MAILBOX);
	mailbox = mailbox_open(client, start.settings);
	start_forget_files(&start);
	umask(077);
	mime_prepare();
	start_drop(&start);
	mime = mime_start();
	start_confine(&start);
	mailbox_serve(mailbox);
	answers = serve_pages(client, mime, start.settings);
	start_ready(&start);
	for (;;) {
		struct start_event event = start_next(&start);

		if (event.kind == START_EDGE && event.peer == ROLE_STORE)
			client_set_edge(client, event.fd);
		else if (event.kind == START_EDGE)
			answers_set_edge(answers, event.peer, event.fd);
		else if (event.kind == START_RELOAD)
			start_forget_files(&start); /* no setting that counts before a restart */
		else if (event.kind == START_STOP)
			stop(mailbox, answers, deadline_in(STOP_MS));
		if (event.kind == START_STOP || event.kind == START_GONE)
			_exit(0);
	}
}
