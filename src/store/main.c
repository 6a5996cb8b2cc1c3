/* SPDX-License-Identifier: ISC
 *
 * main.c - siegel-store: the database and everything that is decided from it. It answers the
 * calls of the other roles and touches neither the network nor TLS.
 */
#include "base/log.h"
#include "store/serve.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Connections and kept bodies are descriptors; take as many as we may. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(void)
{
	static struct start start;
	static struct store store;
	struct users_file users;
	struct why why;

	start_open(&start, ROLE_STORE);
	umask(077);
	raise_descriptors();
	users_file_open(&users, start.settings, start.is_root);
	start_drop(&start);
	start_confine(&start);
	if (!store_open(&store, "store.db", start.settings, &why)) {
		LOG(LOG_ALARM, "store-not-opened", log_text("why", why.text));
		return EXIT_FAILURE;
	}
	store_serve(&store, &start, &users, start_listener(&start, STR("ctl")));
	return EXIT_SUCCESS;
}
