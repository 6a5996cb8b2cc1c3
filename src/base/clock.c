/* SPDX-License-Identifier: ISC
 *
 * clock.c - both clocks. Names of days and months are written here, since strftime asks the
 * locale.
 */
#include "base/clock.h"

#include "base/must.h"
#include <limits.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec now;

	must(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

struct deadline deadline_in(int64_t ms)
{
	return (struct deadline){ clock_monotonic_ms() + ms };
}

struct deadline deadline_never(void)
{
	return (struct deadline){ INT64_MAX };
}

struct deadline deadline_earlier(struct deadline a, struct deadline b)
{
	return a.at < b.at ? a : b;
}

bool deadline_passed(struct deadline d)
{
	return d.at != INT64_MAX && d.at <= clock_monotonic_ms();
}

int deadline_poll_ms(struct deadline d)
{
	if (d.at == INT64_MAX)
		return -1;
	int64_t left = d.at - clock_monotonic_ms();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static struct tm in_utc(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc = { 0 };

	gmtime_r(&seconds, &utc);
	return utc;
}

bool clock_add_rfc5322(struct buf *to, int64_t wall_ms)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	struct tm utc = in_utc(wall_ms);

	return buf_printf(to, "%s, %02d %s %d %02d:%02d:%02d +0000", days[utc.tm_wday], utc.tm_mday,
		months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* `n` in as many digits as lie before `end`. */
static void put_digits(char *end, size_t digits, int n)
{
	for (; digits > 0; digits--, n /= 10)
		*--end = (char)('0' + n % 10);
}

/* Several for each message, so without printf. */
bool clock_add_iso8601(struct buf *to, int64_t wall_ms)
{
	struct tm utc = in_utc(wall_ms);
	char text[] = "0000-00-00T00:00:00Z";

	if (utc.tm_year >= -1900 && utc.tm_year < 10000 - 1900) {
		put_digits(text + 4, 4, utc.tm_year + 1900);
		put_digits(text + 7, 2, utc.tm_mon + 1);
		put_digits(text + 10, 2, utc.tm_mday);
		put_digits(text + 13, 2, utc.tm_hour);
		put_digits(text + 16, 2, utc.tm_min);
		put_digits(text + 19, 2, utc.tm_sec);
		return buf_add(to, str_of(text));
	}
	return buf_printf(to, "%d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1,
		utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}
