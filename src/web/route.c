/* SPDX-License-Identifier: ISC
 *
 * route.c - see route.h.
 */
#include "web/route.h"

#define ROUTE_ROW(method, path, handler, access, body, pace) \
	{ method, API path, route_##handler, access, body, pace },
const struct route routes[] = { ROUTES(ROUTE_ROW) };
const size_t routes_n = count_of(routes);

bool route_changes(const struct route *route)
{
	return !str_eq(str_of(route->method), STR("GET"));
}

/* Does the path have the pattern's form? A {name} stands for one segment that isn't empty. */
static bool matches(struct str pattern, struct str path, struct str *part)
{
	size_t n = 0;

	while (pattern.len && path.len) {
		struct str want = str_cut(&pattern, '/'), have = str_cut(&path, '/');
		bool is_part = str_starts(want, STR("{"));
		if (is_part ? have.len == 0 : !str_eq(want, have))
			return false;
		if (is_part && n < ROUTE_PARTS)
			part[n++] = have;
	}
	return !pattern.len && !path.len;
}

enum route_answer route_find(
	struct str method, struct str path, const struct route **route, struct str *part)
{
	enum route_answer answer = ROUTE_UNKNOWN;

	if (path.len && path.at[path.len - 1] == '/')
		return answer;
	for (size_t i = 0; i < routes_n; i++) {
		if (!matches(str_of(routes[i].path), path, part))
			continue;
		answer = ROUTE_OTHER_METHOD;
		*route = &routes[i];
		if (str_eq(str_of(routes[i].method), method))
			return ROUTE_FOUND;
	}
	return answer;
}
