/* SPDX-License-Identifier: ISC
 *
 * answer.c - see answer.h. Runs in the threads of call/answers.c; who asks may be a role that an
 * attacker owns, and what it says is judged by the functions that look.
 */
#include "delivery/answer.h"

#include "base/must.h"
#include "delivery/preflight.h"
#include <stdlib.h>

enum { ANSWER_ARENA = 8 * 1024 * 1024, STACK = 256 * 1024 };

struct replies {
	struct delivery *delivery;
	struct preflights *kept;
};

static void tell_health(struct delivery *delivery, struct health_answer *answer)
{
	struct config *config = delivery_config(delivery);

	*answer = (struct health_answer){ .outcome = LOOK_DONE,
		.resolver = str_of(resolver_health_name(resolver_health(config->resolver))) };
	config_release(&config);
}

static void work_out(void *context, struct question *q)
{
	struct replies *replies = context;

	switch (q->call) {
	case CALL_preflight:
		preflight(replies->kept, replies->delivery, &q->ask.preflight, q->arena,
			&q->answer.preflight);
		break;
	case CALL_examine:
		examine(replies->delivery, &q->ask.examine, q->arena, &q->answer.examine);
		break;
	case CALL_health:
		tell_health(replies->delivery, &q->answer.health);
		break;
	default:
		break;
	}
}

struct replies *replies_new(struct delivery *delivery)
{
	struct replies *replies = must_alloc(sizeof *replies);

	*replies = (struct replies){ delivery, preflights_new() };
	return replies;
}

void replies_free(struct replies **replies)
{
	preflights_free(&(*replies)->kept);
	free(*replies);
	*replies = NULL;
}

void replies_reconfigure(struct replies *replies)
{
	preflights_forget(replies->kept);
}

struct answering replies_answering(struct replies *replies)
{
	return (struct answering){ .by = ROLE_DELIVERY,
		.work = work_out,
		.context = replies,
		.at_once = DELIVERY_ANSWERS_MAX,
		.wait = DELIVERY_ANSWERS_WAIT,
		.busy = LOOK_BUSY,
		.stack = STACK,
		.arena = ANSWER_ARENA };
}
