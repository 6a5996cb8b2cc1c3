/* SPDX-License-Identifier: ISC
 *
 * login.c - see login.h. login_begin and login_next run in the store's thread; compare_forever in
 * the threads of the pool, which share nothing but the slots. Names, passwords and peers are
 * anybody's. Passwords are wiped as soon as they were compared.
 */
#include "store/login.h"

#include "base/clock.h"
#include "base/must.h"
#include "store/account.h"
#include "store/app_password.h"
#include "store/factor.h"
#include "store/siphash.h"
#include "store/throttle.h"
#include <crypt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RECOGNIZED_SLOTS = 1024, ADDRESS_ROOM = 512 };

struct login {
	enum { SLOT_FREE, SLOT_ASKED, SLOT_BUSY, SLOT_DECIDED } state;
	void *token;	 /* NULL: whoever asked is gone */
	int64_t account; /* 0: nobody; compared all the same */
	uint64_t throttle_account, throttle_peer;
	bool right, web;
	char address[ADDRESS_ROOM], hash[CRYPT_OUTPUT_SIZE], password[PASSWORD_MAX + 1];
	char new_password[PASSWORD_MAX + 1], new_hash[CRYPT_OUTPUT_SIZE];
};

struct login_pool {
	pthread_mutex_t lock; /* guards the slots' state and token, and `stop` */
	pthread_cond_t asked;
	struct login slots[LOGIN_SLOTS];
	bool stop;
	pthread_t threads[LOGIN_THREADS];
	int decided; /* eventfd */
	/* The rest is the store thread's alone. */
	char nobody[CRYPT_OUTPUT_SIZE]; /* a hash to compare with for users there are not */
	struct recognized {
		struct siphash hash;
		int64_t until;
	} recognized[RECOGNIZED_SLOTS];
	struct login last; /* what login_next said; without passwords */
};

/* --- the threads --- */

static bool same_text(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char differs = n != strlen(b);

	for (size_t i = 0; !differs && i < n; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return !differs;
}

static bool compare(const struct login *login, struct crypt_data *data)
{
	const char *made = crypt_r(login->password, login->hash, data);

	return made && made[0] != '*' && same_text(made, login->hash);
}

/* Of yescrypt, as strong as libxcrypt thinks right. */
static bool make_hash(const char *password, char hash[CRYPT_OUTPUT_SIZE], struct crypt_data *data)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, salt, sizeof salt))
		return false;
	const char *made = crypt_r(password, salt, data);
	if (!made || made[0] == '*' || strlen(made) >= CRYPT_OUTPUT_SIZE)
		return false;
	memcpy(hash, made, strlen(made) + 1);
	return true;
}

static struct login *find_slot(struct login_pool *pool, unsigned state)
{
	for (size_t i = 0; i < LOGIN_SLOTS; i++)
		if (pool->slots[i].state == state)
			return &pool->slots[i];
	return NULL;
}

static void decide(struct login_pool *pool, struct login *login, struct crypt_data *data)
{
	uint64_t one = 1;

	login->state = SLOT_BUSY;
	pthread_mutex_unlock(&pool->lock);
	bool right = compare(login, data);
	if (right && login->account && login->new_password[0])
		must(make_hash(login->new_password, login->new_hash, data));
	explicit_bzero(data, sizeof *data);
	pthread_mutex_lock(&pool->lock);
	login->right = right && login->account;
	login->state = SLOT_DECIDED;
	must(write(pool->decided, &one, sizeof one) == sizeof one);
}

static void *compare_forever(void *argument)
{
	struct login_pool *pool = argument;
	struct crypt_data *data = must_alloc(sizeof *data);
	struct login *login;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stop)
		if ((login = find_slot(pool, SLOT_ASKED)))
			decide(pool, login, data);
		else
			pthread_cond_wait(&pool->asked, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	free(data);
	return NULL;
}

/* --- the pool --- */

static void make_nobody(struct login_pool *pool)
{
	struct crypt_data *data = must_alloc(sizeof *data);

	must(make_hash("nobody has this password", pool->nobody, data));
	free(data);
}

struct login_pool *login_open(void)
{
	struct login_pool *pool = must_alloc(sizeof *pool);

	pool->decided = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(pool->decided >= 0);
	make_nobody(pool);
	must(pthread_mutex_init(&pool->lock, NULL) == 0);
	must(pthread_cond_init(&pool->asked, NULL) == 0);
	for (size_t i = 0; i < LOGIN_THREADS; i++)
		must(pthread_create(&pool->threads[i], NULL, compare_forever, pool) == 0);
	return pool;
}

void login_close(struct login_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->asked);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < LOGIN_THREADS; i++)
		pthread_join(pool->threads[i], NULL);
	close(pool->decided);
	explicit_bzero(pool, sizeof *pool);
	free(pool);
}

int login_fd(const struct login_pool *pool)
{
	return pool->decided;
}

/* --- asking --- */

struct known {
	int64_t account;
	struct str address, hash;
};

static struct known find_known(struct store *store, struct str user, struct arena *arena)
{
	struct known known = { 0 };

	if (str_find(user, '@') == user.len && store->settings->domains.len)
		user = arena_printf(arena, "%.*s@%.*s", STR_ARG(user),
			STR_ARG(store->settings->domains.at[0].name));
	int64_t number = account_find(store, user, arena);
	if (!number)
		return known;
	sqlite3_stmt *s = ASK(&store->db, ACCOUNT_LOGIN, as_number(number));
	if (row(&store->db, s))
		known = (struct known){ number, row_copy(s, 0, arena), row_copy(s, 1, arena) };
	row_end(s);
	return known;
}

static struct siphash recognizable(int64_t account, struct str hash, struct str password)
{
	char bytes[32 + CRYPT_OUTPUT_SIZE + PASSWORD_MAX + 8];
	struct siphash made;

	hash = str_head(hash, CRYPT_OUTPUT_SIZE);
	int n = snprintf(bytes, sizeof bytes, "%lld:%.*s:", (long long)account, STR_ARG(hash));
	must(n > 0 && (size_t)n + password.len < sizeof bytes);
	if (password.len)
		memcpy(bytes + n, password.at, password.len);
	made = siphash_128((struct str){ bytes, (size_t)n + password.len });
	explicit_bzero(bytes, sizeof bytes);
	return made;
}

static struct recognized *slot_of(struct login_pool *pool, struct siphash hash)
{
	return &pool->recognized[hash.low % RECOGNIZED_SLOTS];
}

static bool is_recognized(struct login_pool *pool, const struct known *known, struct str password)
{
	struct siphash hash = recognizable(known->account, known->hash, password);
	const struct recognized *r = slot_of(pool, hash);

	return r->until > clock_monotonic_ms() && siphash_eq(r->hash, hash);
}

static uint64_t wait_for(const struct store *store, uint64_t key)
{
	int64_t now = clock_monotonic_ms();

	if (throttle_count(&store->throttle, key, now) < store->settings->failed_logins)
		return 0;
	return (uint64_t)throttle_wait(&store->throttle, key, now);
}

static uint64_t wait_for_both(
	const struct store *store, int64_t number, uint64_t by_account, uint64_t by_peer)
{
	uint64_t account = wait_for(store, by_account), peer = wait_for(store, by_peer);

	if (familiar_is(&store->familiar, number, by_peer, clock_monotonic_ms()))
		account = 0;
	return account > peer ? account : peer;
}

uint64_t login_wait(const struct store *store, int64_t account, struct str address, struct str peer)
{
	return wait_for_both(store, account, throttle_key('a', address), throttle_key('p', peer));
}

static void note_success(struct store *store, int64_t account, uint64_t by_peer)
{
	familiar_note(&store->familiar, account, by_peer, clock_monotonic_ms());
}

void login_succeeded(struct store *store, int64_t account, struct str peer)
{
	note_success(store, account, throttle_key('p', peer));
}

void login_failed(struct store *store, struct str address, struct str peer)
{
	int64_t now = clock_monotonic_ms();

	throttle_failed(&store->throttle, throttle_key('a', address), now);
	throttle_failed(&store->throttle, throttle_key('p', peer), now);
}

static void put(char *to, size_t room, struct str from)
{
	from = str_head(from, room - 1);
	if (from.len)
		memcpy(to, from.at, from.len);
	to[from.len] = '\0';
}

static void fill(struct login_pool *pool, struct login *login, const struct known *known,
	const struct login_question *question, void *token)
{
	login->token = token;
	login->account = known->account;
	login->web = question->web;
	put(login->address, sizeof login->address, known->address);
	put(login->hash, sizeof login->hash, known->account ? known->hash : str_of(pool->nobody));
	put(login->password, sizeof login->password, question->password);
	put(login->new_password, sizeof login->new_password, question->new_password);
	login->state = SLOT_ASKED;
	pthread_cond_signal(&pool->asked);
}

static bool hand_over(struct login_pool *pool, const struct known *known,
	const struct login_question *question, uint64_t by_account, uint64_t by_peer, void *token)
{
	pthread_mutex_lock(&pool->lock);
	struct login *login = find_slot(pool, SLOT_FREE);
	if (login) {
		login->throttle_account = by_account;
		login->throttle_peer = by_peer;
		fill(pool, login, known, question, token);
	}
	pthread_mutex_unlock(&pool->lock);
	return login != NULL;
}

/* A NUL can't be in a password that crypt knows; a longer one is nobody's. */
static bool can_be_password(struct str password)
{
	return password.len <= PASSWORD_MAX && str_find(password, '\0') == password.len;
}

bool login_begin(struct store *store, struct login_pool *pool,
	const struct login_question *question, void *token, struct arena *arena,
	struct login_decided *decided)
{
	struct known known = find_known(store, question->user, arena);
	struct str name = known.account ? known.address : question->user;
	uint64_t by_account = throttle_key('a', name);
	uint64_t by_peer = throttle_key('p', question->peer);

	*decided = (struct login_decided){ .outcome = LOGIN_BAD };
	decided->retry_after = wait_for_both(store, known.account, by_account, by_peer);
	if (decided->retry_after) {
		decided->outcome = LOGIN_THROTTLED;
		return true;
	}
	if (!can_be_password(question->password) || !can_be_password(question->new_password))
		known.account = 0;
	if (!question->web && known.account &&
		app_password_is_right(store, known.account, question->password, arena)) {
		note_success(store, known.account, by_peer);
		*decided = (struct login_decided){
			.outcome = LOGIN_OK, .account = known.account, .address = known.address
		};
		return true;
	}
	/* Compared all the same: whether it is right is said to the pages alone. */
	if (!question->web && known.account && factor_is_on(store, known.account))
		known.account = 0;
	if (known.account && !question->new_password.len &&
		is_recognized(pool, &known, question->password)) {
		if (!question->web)
			note_success(store, known.account, by_peer);
		*decided = (struct login_decided){ .outcome = LOGIN_OK,
			.account = known.account,
			.address = known.address,
			.hash = known.hash };
		return true;
	}
	if (hand_over(pool, &known, question, by_account, by_peer, token))
		return false;
	decided->outcome = LOGIN_BUSY;
	return true;
}

/* --- answers --- */

static void remember(struct login_pool *pool, const struct login *login)
{
	struct siphash hash =
		recognizable(login->account, str_of(login->hash), str_of(login->password));

	*slot_of(pool, hash) = (struct recognized){ hash, clock_monotonic_ms() + LOGIN_RECOGNIZED };
}

static void count_failure(struct store *store, const struct login *login)
{
	int64_t now = clock_monotonic_ms();

	throttle_failed(&store->throttle, login->throttle_account, now);
	throttle_failed(&store->throttle, login->throttle_peer, now);
}

static void conclude(struct store *store, struct login_pool *pool, struct login *login,
	struct login_decided *decided)
{
	struct login *last = &pool->last;

	*decided = (struct login_decided){ .outcome = LOGIN_BAD };
	if (!login->right) {
		count_failure(store, login);
		return;
	}
	if (!login->web) /* else a code may be asked for as well */
		note_success(store, login->account, login->throttle_peer);
	remember(pool, login);
	explicit_bzero(login->password, sizeof login->password);
	explicit_bzero(login->new_password, sizeof login->new_password);
	*last = *login;
	*decided = (struct login_decided){ .outcome = LOGIN_OK,
		.account = last->account,
		.address = str_of(last->address),
		.hash = str_of(last->hash),
		.new_hash = str_of(last->new_hash) };
}

bool login_next(
	struct store *store, struct login_pool *pool, struct login_decided *decided, void **token)
{
	uint64_t count;

	pthread_mutex_lock(&pool->lock);
	struct login *login = find_slot(pool, SLOT_DECIDED);
	if (login) {
		conclude(store, pool, login, decided);
		*token = login->token;
		explicit_bzero(login, sizeof *login);
	} else if (read(pool->decided, &count, sizeof count) < 0) {
		count = 0; /* it was read before */
	}
	pthread_mutex_unlock(&pool->lock);
	return login != NULL;
}

bool login_still_holds(struct store *store, const struct login_decided *decided)
{
	sqlite3_stmt *s = ASK(&store->db, ACCOUNT_LOGIN, as_number(decided->account));
	bool same = row(&store->db, s) && str_eq(row_text(s, 1), decided->hash);

	row_end(s);
	return same;
}

void login_forget(struct login_pool *pool, const void *token)
{
	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < LOGIN_SLOTS; i++)
		if (pool->slots[i].token == token)
			pool->slots[i].token = NULL;
	pthread_mutex_unlock(&pool->lock);
}
