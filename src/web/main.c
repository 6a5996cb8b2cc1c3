/* SPDX-License-Identifier: ISC
 *
 * main.c - siegel-web: browsers talk to this process. It has listening sockets, keys and ways to
 * ask store, mailbox and delivery; no files, no database, no connections of its own making.
 * Without a listener of its kind it sits there and does nothing.
 */
#include "web/web.h"
#include <unistd.h>

int main(void)
{
	static struct start start;

	start_open(&start, ROLE_WEB);
	struct web *web = web_open(&start);
	start_drop(&start);
	start_confine(&start);
	web_serve(web, &start);
	start_ready(&start);
	for (;;) {
		struct start_event event = start_next(&start);

		if (event.kind == START_EDGE)
			web_edge(web, event.peer, event.fd);
		else if (event.kind == START_RELOAD)
			web_reload(web, &start);
		else if (event.kind == START_STOP)
			web_stop(web);
		/* Threads that are running still must not see the libraries taken down. */
		if (event.kind == START_STOP || event.kind == START_GONE)
			_exit(0);
	}
}
