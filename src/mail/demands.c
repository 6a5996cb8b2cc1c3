/* SPDX-License-Identifier: ISC
 *
 * demands.c - levels by number and by name. Pure.
 */
#include "mail/demands.h"

#include "base/must.h"

const struct demand_name demand_names[DEMAND_NAMES_N] = {
	{ DEMAND_TLS, "tls" },
	{ DEMAND_AUTH, "auth" },
	{ DEMAND_DANE, "dane" },
	{ DEMAND_PINNED, "pinned" },
	{ DEMAND_REQUIRETLS, "requiretls" },
};

static const struct {
	const char *name;
	demands set;
} levels[] = {
#define LEVEL_ROW(name, number, text, set) [number] = { text, set },
	LEVELS(LEVEL_ROW)
#undef LEVEL_ROW
};

demands level_demands(enum level level)
{
	must((unsigned)level < LEVELS_N);
	return levels[level].set;
}

const char *level_name(enum level level)
{
	must((unsigned)level < LEVELS_N);
	return levels[level].name;
}

bool level_of(struct str name, enum level *level)
{
	for (unsigned i = 0; i < LEVELS_N; i++) {
		if (str_eq(name, str_of(levels[i].name))) {
			*level = (enum level)i;
			return true;
		}
	}
	return false;
}
