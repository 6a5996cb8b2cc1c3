/* SPDX-License-Identifier: ISC
 *
 * test_promise.c - the last line of defence: whatever went wrong before, a message with demands
 * does not leave over a connection that has not proved them, nor anything in plaintext without
 * the policy module's permit. The process ends instead.
 */
#include "delivery/transaction.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena = { .max = 1 << 20 };

/* What a child does that may not come to an end; `ours` is one end of a connection. */
typedef void attempt(int ours, struct mail *mail);

static void over_a_connection_that_proved_nothing(int ours, struct mail *mail)
{
	struct secure secure = { .wire = plain_of(ours)->wire };
	struct peer peer = { .secure = &secure };

	send_message(&secure, &peer, mail);
}

/* REQUIRETLS as the job has it: proved, and yet not there to be said. */
static void over_one_that_cannot_keep_requiretls(int ours, struct mail *mail)
{
	struct secure secure = { .wire = plain_of(ours)->wire, .proved = DEMANDS_ALL };
	struct peer peer = { .secure = &secure };
	struct job job = *mail->job;

	job.requiretls = 1;
	mail->job = &job;
	send_message(&secure, &peer, mail);
}

static void without_the_word_that_was_demanded(int ours, struct mail *mail)
{
	struct secure secure = { .wire = plain_of(ours)->wire, .proved = DEMANDS_ALL };
	struct peer peer = { .secure = &secure, .extensions.set = EXTENSION_REQUIRETLS };

	send_message(&secure, &peer, mail);
}

static void over_another_peers_connection(int ours, struct mail *mail)
{
	struct secure secure = { .wire = plain_of(ours)->wire, .proved = DEMAND_TLS };
	struct peer peer = { .secure = NULL };

	send_message(&secure, &peer, mail);
}

static struct plaintext_permit permit_of_policy(void)
{
	struct route_facts route = { .address = ADDRESS_FOUND, .sts = STS_ABSENT };
	struct host_facts host = { .hello = HELLO_NO_STARTTLS };
	struct plaintext_permit permit;

	assert_true(policy_permit_plaintext(0, &route, &host, &permit));
	return permit;
}

static void in_plaintext_with_a_permit_for_other_mail(int ours, struct mail *mail)
{
	struct peer peer = { .plain = plain_of(ours) };

	send_plain(peer.plain, permit_of_policy(), &peer, mail);
}

static void in_plaintext_without_a_permit(int ours, struct mail *mail)
{
	struct peer peer = { .plain = plain_of(ours) };

	send_plain(peer.plain, (struct plaintext_permit){ 0 }, &peer, mail);
}

/* Let a child try it: it must abort, and its peer must hear nothing. */
static void assert_ends(attempt *commit, demands wanted)
{
	struct job job = { .sender = STR("ada@us.test"), .demands = wanted };
	struct job_recipient recipient = { .address = STR("bob@peer.test") };
	struct addressee addressee = { .recipient = &recipient };
	struct mail mail = {
		.job = &job, .addressees = &addressee, .n = 1, .arena = &arena, .body = STR("a")
	};
	int ends[2], status;
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		commit(ends[1], &mail);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(shutdown(ends[0], SHUT_WR), 0); /* nobody answers it */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

static void a_connection_that_proved_less_ends_the_process(void **state)
{
	(void)state;
	assert_ends(over_a_connection_that_proved_nothing, DEMAND_TLS);
	assert_ends(over_another_peers_connection, DEMAND_TLS);
	assert_ends(over_another_peers_connection, DEMAND_TLS | DEMAND_AUTH);
}

static void requiretls_left_out_ends_the_process(void **state)
{
	(void)state;
	assert_ends(over_one_that_cannot_keep_requiretls, DEMAND_TLS | DEMAND_REQUIRETLS);
	assert_ends(over_one_that_cannot_keep_requiretls, DEMAND_TLS);
	assert_ends(without_the_word_that_was_demanded, DEMAND_TLS | DEMAND_REQUIRETLS);
}

static void plaintext_without_its_permit_ends_the_process(void **state)
{
	(void)state;
	assert_ends(in_plaintext_without_a_permit, 0);
	assert_ends(in_plaintext_with_a_permit_for_other_mail, DEMAND_TLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_that_proved_less_ends_the_process),
		cmocka_unit_test(requiretls_left_out_ends_the_process),
		cmocka_unit_test(plaintext_without_its_permit_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
