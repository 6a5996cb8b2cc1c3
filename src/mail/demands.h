/* SPDX-License-Identifier: ISC
 *
 * demands.h - what a hop must prove, as a set (policy.md section 1). Joining is union, stricter is
 * superset; nothing ever takes an element away.
 */
#ifndef MAIL_DEMANDS_H
#define MAIL_DEMANDS_H

#include "base/str.h"

/* A set of enum demand bits; stored on disk as this number, so the bits never change meaning. */
typedef uint32_t demands;

enum demand {
	DEMAND_TLS = 1,
	DEMAND_AUTH = 2,
	DEMAND_DANE = 4,
	DEMAND_PINNED = 8,
	DEMAND_REQUIRETLS = 16,
	DEMANDS_ALL = 31,
};

/* The elements by name, in this order wherever a set is written. */
enum { DEMAND_NAMES_N = 5 };
extern const struct demand_name {
	enum demand demand;
	const char *name;
} demand_names[DEMAND_NAMES_N];

/* The levels an account may choose. Their numbers are stored on disk. */
#define LEVELS(row)                                                                            \
	row(OPPORTUNISTIC, 0, "opportunistic", 0) row(ENCRYPT, 1, "encrypt", DEMAND_TLS)       \
		row(SECURE, 2, "secure", DEMAND_TLS | DEMAND_AUTH)                             \
			row(DANE_ONLY, 3, "dane-only", DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE) \
				row(VERIFY, 4, "verify", DEMAND_TLS | DEMAND_PINNED)

#define LEVEL_ENUM(name, number, text, set) LEVEL_##name = number,
enum level { LEVELS(LEVEL_ENUM) LEVELS_N };
#undef LEVEL_ENUM

/* The level's set of demands. */
demands level_demands(enum level level);
const char *level_name(enum level level);
/* By name; false when there is no such level. */
bool level_of(struct str name, enum level *level) must_use;

#endif
