/* SPDX-License-Identifier: ISC
 *
 * test_mailbox.c - the mailbox role's threads against a store that answers from a list: every job
 * is delivered and told, a lost answer leads to no second copy, a stop waits for what is under way.
 */
#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "mailbox/worker.h"
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The store. The calls below stand in for those of the library. */
static struct {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	const char *ids[8]; /* still to be handed out, from the back */
	size_t n;
	int lose;	  /* so many outcomes meet a broken connection */
	bool unsealed;	  /* bodies come without seals */
	off_t size;	  /* of bodies; 0: a few lines */
	unsigned told;	  /* outcomes heard */
	uint64_t results; /* of the last one */
} store = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

struct client_connection *client_connect(
	struct client *client, struct deadline deadline, struct why *why)
{
	(void)client;
	(void)deadline;
	(void)why;
	return malloc(1);
}

void client_disconnect(struct client_connection **connection)
{
	free(*connection);
	*connection = NULL;
}

static void hand_out(struct arena *arena, struct job *job, int *fd)
{
	job->has_job = true;
	job->id = str_of(store.ids[--store.n]);
	job->sender = STR("bob@example.net");
	job->recipients.at = arena_array(arena, 1, sizeof(*job->recipients.at));
	job->recipients.len = 1;
	job->recipients.at[0] = (struct job_recipient){
		.recipient = 7, .address = STR("ada@example.org"), .mailbox = STR("ada@example.org")
	};
	*fd = fd_memfd("body");
	must(fd_write_all(*fd, STR("Subject: x\r\n\r\nhello\r\n")));
	must(!store.size || ftruncate(*fd, store.size) == 0);
	must(store.unsealed || fd_seal(*fd));
}

bool call_work_on(struct client_connection *connection, const struct work_ask *ask, int fd_in,
	struct arena *arena, struct job *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	bool good = true;

	(void)connection;
	(void)fd_in;
	(void)deadline;
	pthread_mutex_lock(&store.lock);
	if (ask->has_outcome && store.lose) {
		store.lose--;
		store.ids[store.n++] = "00000000000000aa"; /* handed out again */
		good = why_not(why, "lost");
	} else if (ask->has_outcome) {
		store.told++;
		store.results = ask->outcomes.at[0].result;
		must(ask->outcomes.at[0].recipient == 7);
	}
	while (good && ask->wait_ms && ask->wants_job && !store.n)
		pthread_cond_wait(&store.changed, &store.lock);
	if (good && ask->wants_job && store.n)
		hand_out(arena, answer, fd_out);
	pthread_cond_broadcast(&store.changed);
	pthread_mutex_unlock(&store.lock);
	return good;
}

static void set(int lose, bool unsealed, off_t size)
{
	pthread_mutex_lock(&store.lock);
	store.lose = lose;
	store.unsealed = unsealed;
	store.size = size;
	pthread_mutex_unlock(&store.lock);
}

static void give(const char *id)
{
	pthread_mutex_lock(&store.lock);
	store.ids[store.n++] = id;
	pthread_cond_broadcast(&store.changed);
	pthread_mutex_unlock(&store.lock);
}

/* Wait until so many outcomes were told; the last one's result. */
static uint64_t told(unsigned n)
{
	uint64_t result;

	pthread_mutex_lock(&store.lock);
	while (store.told < n)
		pthread_cond_wait(&store.changed, &store.lock);
	result = store.results;
	pthread_mutex_unlock(&store.lock);
	return result;
}

static int count(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int n = 0;

	while (directory && (entry = readdir(directory)))
		n += entry->d_name[0] != '.';
	if (directory)
		closedir(directory);
	return n;
}

/* A mark goes right after its outcome was heard. */
static void marks_are_gone(void)
{
	struct timespec pause = { .tv_nsec = 5000000 };

	for (int i = 0; i < 2000 && count("example.org/ada/tmp"); i++)
		nanosleep(&pause, NULL);
	assert_int_equal(count("example.org/ada/tmp"), 0);
}

static void jobs_are_delivered_and_told(void **state)
{
	(void)state;
	give("0000000000000001");
	assert_int_equal(told(1), RESULT_DELIVERED);
	give("0000000000000002");
	give("0000000000000003");
	assert_int_equal(told(3), RESULT_DELIVERED);
	assert_int_equal(count("example.org/ada/new"), 3);
	marks_are_gone();
}

static void an_outcome_that_was_lost_leads_to_no_second_copy(void **state)
{
	(void)state;
	set(1, false, 0);
	give("00000000000000aa");
	assert_int_equal(told(4), RESULT_DELIVERED);
	assert_int_equal(count("example.org/ada/new"), 4);
	marks_are_gone();
}

static void a_body_without_seals_waits_for_better_times(void **state)
{
	(void)state;
	set(0, true, 0);
	give("00000000000000bb");
	assert_int_equal(told(5), RESULT_LATER);
	assert_int_equal(count("example.org/ada/new"), 4);
	set(0, false, 0);
}

static void a_message_from_before_message_size_shrank_is_delivered(void **state)
{
	(void)state;
	set(0, false, 4 * 1024 * 1024);
	give("00000000000000dd");
	assert_int_equal(told(6), RESULT_DELIVERED);
	set(0, false, 0);
	assert_int_equal(count("example.org/ada/new"), 5);
	marks_are_gone();
}

static void a_stop_waits_for_what_is_under_way_and_no_longer(void **state)
{
	struct mailbox *mailbox = *state;
	struct deadline deadline = deadline_in(MINUTE);

	give("00000000000000cc");
	told(7);
	mailbox_stop(mailbox, deadline);
	assert_false(deadline_passed(deadline));
	assert_int_equal(count("example.org/ada/new"), 6);
	marks_are_gone();
}

static char place[] = "/tmp/test_mailbox.XXXXXX";
static struct mailbox *served;

static int serve(void **state)
{
	static const struct settings settings = { .mailbox_threads = 2, .message_size = 65536 };

	log_open("test", LOG_ALARM);
	must(mkdtemp(place) && chdir(place) == 0);
	served = mailbox_open(NULL, &settings); /* never freed: its workers end when they like */
	mailbox_serve(served);
	*state = served;
	return 0;
}

static int remove_place(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", place);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_are_delivered_and_told),
		cmocka_unit_test(an_outcome_that_was_lost_leads_to_no_second_copy),
		cmocka_unit_test(a_body_without_seals_waits_for_better_times),
		cmocka_unit_test(a_message_from_before_message_size_shrank_is_delivered),
		cmocka_unit_test(a_stop_waits_for_what_is_under_way_and_no_longer),
	};

	return cmocka_run_group_tests(tests, serve, remove_place);
}
