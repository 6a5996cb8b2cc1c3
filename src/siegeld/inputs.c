/* SPDX-License-Identifier: ISC
 *
 * inputs.c - reading what the configuration names. Runs in siegeld, as root where there is one.
 * The files are the operator's; what is checked here is what an operator gets wrong.
 */
#include "siegeld/inputs.h"

#include "base/fd.h"
#include "base/must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 1024 * 1024,
	PEM_MAX = 1024 * 1024,
	AUTHORITIES_MAX = 16 * 1024 * 1024,
	FILES_MAX = 64
};

/* A kind of file: its size, and words that must be in it. */
struct kind {
	const char *option;
	size_t max;
	const char *must_contain;
	unsigned roles; /* who needs it */
};

static const struct kind certificate = { "certificate", PEM_MAX, "-----BEGIN CERTIFICATE-----",
	ROLE_SMTPD | ROLE_WEB };
static const struct kind key = { "key", PEM_MAX, "PRIVATE KEY-----", ROLE_SMTPD | ROLE_WEB };
static const struct kind ca = { "ca", AUTHORITIES_MAX, "-----BEGIN ", ROLE_DELIVERY };
static const struct kind anchor = { "anchor", PEM_MAX, "", ROLE_DELIVERY };

static bool contains(int memfd, const struct kind *kind)
{
	struct mapping content;

	if (!fd_map_sealed(memfd, kind->max, &content, NULL))
		return false;
	struct str words = str_of(kind->must_contain);
	bool found = words.len == 0 || str_find_str(content.bytes, words) < content.bytes.len;
	fd_unmap(&content);
	return found;
}

/* A key goes to nobody who doesn't show its certificate. */
static unsigned takers(const struct settings *settings)
{
	return settings_listens(settings, LISTENER_WEB) ? ~0u : ~(unsigned)ROLE_WEB;
}

static void read_file(struct inputs *inputs, const struct kind *kind, size_t number,
	struct str path, struct buf *errors)
{
	struct why why;
	char *name = strndup(path.at, path.len);

	must(name != NULL);
	int memfd = fd_memfd_of_file(name, kind->max, &why);
	if (memfd < 0) {
		buf_printf(errors, "%s: %s\n", kind->option, why.text);
	} else if (!contains(memfd, kind)) {
		buf_printf(errors, "%s: %s is no PEM file of that kind (\"%s\" isn't in it)\n",
			kind->option, name, kind->must_contain);
		fd_close(&memfd);
	} else {
		struct input_file *file = &inputs->files[inputs->n_files++];
		snprintf(file->name, sizeof file->name, "%s:%zu", kind->option, number);
		file->roles = kind->roles & takers(inputs->settings);
		file->memfd = memfd;
	}
	free(name);
}

static void read_one(
	struct inputs *inputs, const struct kind *kind, struct str path, struct buf *errors)
{
	size_t before = inputs->n_files;

	if (path.len == 0)
		return;
	read_file(inputs, kind, 0, path, errors);
	if (inputs->n_files > before)
		snprintf(inputs->files[before].name, sizeof inputs->files[before].name, "%s",
			kind->option);
}

static void read_files(struct inputs *inputs, struct buf *errors)
{
	const struct settings *s = inputs->settings;

	if (s->certificate.len + s->key.len + 2 > FILES_MAX) {
		buf_printf(errors, "certificate: more than %d certificates\n", FILES_MAX / 2 - 1);
		return;
	}
	for (size_t i = 0; i < s->certificate.len; i++)
		read_file(inputs, &certificate, i, s->certificate.at[i], errors);
	for (size_t i = 0; i < s->key.len; i++)
		read_file(inputs, &key, i, s->key.at[i], errors);
	read_one(inputs, &ca, s->ca_file, errors);
	read_one(inputs, &anchor, s->trust_anchor_file, errors);
}

static void read_settings(struct inputs *inputs, struct buf *errors)
{
	struct why why;
	struct mapping text;

	inputs->text = fd_memfd_of_file(inputs->path, TEXT_MAX, &why);
	if (inputs->text < 0 || !fd_map_sealed(inputs->text, TEXT_MAX, &text, &why)) {
		buf_printf(errors, "%s\n", why.text);
		return;
	}
	inputs->settings = settings_parse(text.bytes, inputs->path, errors);
	fd_unmap(&text);
}

struct inputs *inputs_read(const char *path, struct buf *errors)
{
	struct inputs *inputs = must_alloc(sizeof *inputs);

	inputs->path = path;
	inputs->files = must_alloc(FILES_MAX * sizeof *inputs->files);
	read_settings(inputs, errors);
	if (inputs->settings)
		read_files(inputs, errors);
	else
		inputs_free(&inputs);
	return inputs;
}

void inputs_free(struct inputs **inputs)
{
	if (!*inputs)
		return;
	for (size_t i = 0; i < (*inputs)->n_files; i++)
		fd_close(&(*inputs)->files[i].memfd);
	fd_close(&(*inputs)->text);
	settings_free(&(*inputs)->settings);
	free((*inputs)->files);
	free(*inputs);
	*inputs = NULL;
}
