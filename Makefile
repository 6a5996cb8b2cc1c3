# Siegel. The two commands: `make run` shows the main job at work, `make test` proves it.
#
# A folder under src/ becomes a static library, its main.c a program of its own; which libraries
# a program may be linked with is the table LINK_* below, and a test reads it back from the binary.
# VARIANT is release, asan (ASan + UBSan) or tsan; each has its own folder below build/.

# As many jobs as there are processors, unless -j says otherwise; a make within make gets its share of them.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

VARIANT ?= release
B       := build/$(VARIANT)

# `make V=1` shows the whole commands.
Q       := $(if $(V),,@)
CC      ?= gcc
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes \
	   -Wmissing-prototypes -Wvla
ifdef CI
WARN    += -Werror
endif
# clang 14 wants to be asked twice for zeroed variables.
ZEROED  := $(if $(findstring clang,$(CC)),-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
HARDEN  := $(ZEROED) -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	   -ftrivial-auto-var-init=zero -fPIE
CSTD    := -std=gnu17 -D_GNU_SOURCE -pthread -g -Isrc
LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed

ifeq ($(VARIANT),release)
CFLAGS  := $(CSTD) -O2 $(HARDEN) $(WARN)
else ifeq ($(VARIANT),asan)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS  := $(CSTD) -O1 $(SANITIZE) -DSANITIZED $(WARN)
LDFLAGS += $(SANITIZE)
else ifeq ($(VARIANT),tsan)
SANITIZE := -fsanitize=thread -fno-omit-frame-pointer
CFLAGS  := $(CSTD) -O1 $(SANITIZE) -DSANITIZED $(WARN)
LDFLAGS += $(SANITIZE)
else
$(error VARIANT is release, asan or tsan)
endif

FOLDERS := base mail net call settings siegeld smtpd store delivery mailbox web ctl
LIBS    := $(FOLDERS:%=$(B)/lib%.a)
ROLES   := siegel-smtpd siegel-store siegel-delivery siegel-mailbox siegel-web
BINS    := siegeld $(ROLES) siegel
BENCH   := $(patsubst bench/%.c,siegel-%,$(wildcard bench/*.c))
TESTS   := $(patsubst test/unit/%.c,$(B)/test/%,$(wildcard test/unit/test_*.c))

ifeq ($(VARIANT),tsan)
# It forks a confined child for every question, and ThreadSanitizer's own calls in such a child are
# among those forbidden. The roles themselves run confined under it (check-tsan).
TESTS   := $(filter-out %/test_confine,$(TESTS))
endif

# As system headers: their warnings are not ours.
GMIME_FLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags-only-I gmime-3.0 2>/dev/null))
GMIME_LIBS  := -lgmime-3.0 -lgobject-2.0 -lglib-2.0
$(B)/obj/mailbox/%.o: CFLAGS += $(GMIME_FLAGS)
build/fuzz/obj/mailbox/%.o: FUZZ_FLAGS += $(GMIME_FLAGS)

# Every role: its own library, then what it stands on. The rightmost knows the least.
LINK_siegeld         := siegeld settings call mail base : -lconfuse -ljansson -lseccomp -lidn2
LINK_siegel-smtpd    := smtpd net call settings mail base : -lconfuse -lseccomp -lssl -lcrypto -lidn2
LINK_siegel-store    := store call settings mail base : -lconfuse -lseccomp -lsqlite3 -lcrypt -lcrypto -lidn2
LINK_siegel-delivery := delivery net call settings mail base : -lconfuse -lseccomp -lssl -lcrypto -lunbound -lcurl -lidn2
LINK_siegel-mailbox  := mailbox call settings mail base : -lconfuse -lseccomp -lsqlite3 -lidn2 $(GMIME_LIBS) -ljansson
LINK_siegel-web      := web net call settings mail base : -lconfuse -lseccomp -lmicrohttpd -lgnutls -ljansson -lqrencode -lidn2
LINK_siegel          := ctl call settings mail base : -lconfuse -ljansson -lseccomp -lcrypt -lcrypto -lidn2
MAIN_siegeld := siegeld
MAIN_siegel  := ctl
$(foreach r,$(ROLES),$(eval MAIN_$(r) := $(r:siegel-%=%)))
ALL_LIBS := -lconfuse -lseccomp -lssl -lcrypto -lunbound -lcurl -lsqlite3 -lcrypt -lidn2 -ljansson -lmicrohttpd -lgnutls -lqrencode $(GMIME_LIBS)

sources = $(filter-out src/$(1)/main.c,$(wildcard src/$(1)/*.c))
objects = $(patsubst src/%.c,$(B)/obj/%.o,$(1))
words_before = $(if $(filter :,$(firstword $(1))),,$(firstword $(1)) $(call words_before,$(wordlist 2,99,$(1))))
words_after  = $(if $(filter :,$(firstword $(1))),$(wordlist 2,99,$(1)),$(call words_after,$(wordlist 2,99,$(1))))

all: $(BINS:%=$(B)/bin/%) $(BENCH:%=$(B)/bin/%)
.PHONY: all

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  compile $@"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# The pages are part of the program that hands them out.
PAGES := $(shell find src/web/pages -type f | sort)
$(B)/gen/pages.c: scripts/embed $(PAGES)
	@mkdir -p $(@D)
	$(Q)scripts/embed src/web/pages >$@.new
	$(Q)mv $@.new $@
$(B)/obj/web/pages.o: $(B)/gen/pages.c
	@mkdir -p $(@D)
	@echo "  compile $@"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/libweb.a: $(B)/obj/web/pages.o

define library
$(B)/lib$(1).a: $(call objects,$(call sources,$(1)))
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call library,$(f))))

define program
$(B)/bin/$(1): $(B)/obj/$(MAIN_$(1))/main.o $(patsubst %,$(B)/lib%.a,$(call words_before,$(LINK_$(1))))
	@mkdir -p $$(@D)
	@echo "  link $$@"
	$(Q)$(CC) $(LDFLAGS) -o $$@ $$^ $(call words_after,$(LINK_$(1)))
endef
$(foreach b,$(BINS),$(eval $(call program,$(b))))

$(B)/bin/siegel-%: bench/%.c $(B)/libbase.a
	@mkdir -p $(@D)
	@echo "  build $@"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -MF $(B)/obj/bench-$*.d $(LDFLAGS) -o $@ $< $(B)/libbase.a -lssl -lcrypto

# Unit tests see every library; a symbol defined in the test itself stands in for the archive's.
$(B)/test/%: test/unit/%.c $(LIBS)
	@mkdir -p $(@D)
	@echo "  build $@"
	$(Q)$(CC) $(CFLAGS) -Itest/unit -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< \
		-Wl,--start-group $(LIBS) -Wl,--end-group $(ALL_LIBS) -lcmocka

-include $(shell find build -path build/lab -prune -o -name '*.d' -type f -print 2>/dev/null)
.SECONDARY:

# --- the two commands -----------------------------------------------------------------------

deps-build:
	@scripts/deps build
deps-test:
	@scripts/deps test

# The main job at work, on loopback and high ports. `make run ONCE=1` ends after the story.
run: deps-build
	@$(MAKE) --no-print-directory -s all
	@demo/run $(B)/bin $(if $(ONCE),once)

# Unit tests under ASan and UBSan, checks, then the lab, real servers in namespaces; then the pages in a
# real browser.
test: deps-test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory check-unit
	@$(MAKE) --no-print-directory check-links
	@$(MAKE) --no-print-directory check-manual
	@$(MAKE) --no-print-directory check-rfc
	@$(MAKE) --no-print-directory check-policy
	@$(MAKE) --no-print-directory check-pages
	@$(MAKE) --no-print-directory check-roles
	@$(MAKE) --no-print-directory check-lab
	@$(MAKE) --no-print-directory check-browser

# One test program after the other; all are run, then the failures are named. The enumeration of
# verbs goes four deep under sanitizers and five deep without; a reader's memory is limited without.
check-unit:
	@$(MAKE) --no-print-directory VARIANT=asan unit-programs
	@scripts/run-units build/asan/test
	@$(MAKE) --no-print-directory VARIANT=release $(patsubst %,build/release/test/test_%,session_enumeration reader_limits)
	@scripts/run-units build/release/test
unit-programs: $(TESTS)
.PHONY: deps-build deps-test run test check-unit unit-programs

# The threaded roles under ThreadSanitizer: their unit tests, their lives, and the main job.
check-tsan: deps-test
	@$(MAKE) --no-print-directory VARIANT=tsan all unit-programs
	@scripts/run-units build/tsan/test
	@$(MAKE) --no-print-directory VARIANT=tsan check-roles
	@demo/run build/tsan/bin once
	@! grep -A 20 ThreadSanitizer build/demo/siegeld.log

# Which libraries each program is linked with, and which way includes point.
check-links: all
	@scripts/check-links $(B)/bin
	@scripts/check-includes src
check-format:
	@scripts/check-format
check-manual:
	@scripts/check-manual
# doc/rfc.md names code and tests that exist.
check-rfc:
	@scripts/check-rfc
# The truth table is what doc/policy.md says today; test_policy_table holds the code against it.
check-policy:
	@test/policy/truth --check
	@scripts/mutate --check
# Weaken every rule of doc/policy.md and what the pages promise: some test must turn red. Slow; `scripts/mutate WORD` is
# a part of it, and --lab the part that only the lab can show.
mutate: deps-test
	@scripts/mutate
# The pages' words in both languages, their size, and what no script of them may do.
check-pages:
	@node --test test/pages/*.mjs
# Start, restart, reload, stop and every mistake an operator makes, with the real roles.
check-roles: all
	@SIEGEL_BIN=$(CURDIR)/$(B)/bin /usr/bin/python3 -m pytest -q -rs test/siegeld
check-lab: all
	@LAB_VARIANT=$(VARIANT) test/lab/run -q
# The pages in Chromium, with the lab's servers as neighbours.
check-browser: all
	@LAB_VARIANT=$(VARIANT) test/browser/run -q
# The README's pictures, as the last check-browser saw the pages.
pictures:
	cp build/browser/shots/readme-writing.png doc/writing.png
	cp build/browser/shots/readme-letter.png doc/letter.png
.PHONY: check-tsan check-links check-format check-manual check-rfc check-policy check-pages mutate check-roles check-lab check-browser pictures

# libFuzzer over what reads hostile bytes: each for FUZZ_SECONDS, from seeds and what was found before.
# What a harness calls, it brings along or finds in the libraries; it never sees the rest.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst test/fuzz/%.c,build/fuzz/%,$(wildcard test/fuzz/fuzz_*.c))
FUZZ_FLAGS = $(CSTD) -O1 $(WARN) -DSANITIZED -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_OBJECTS := $(foreach f,smtpd mailbox web net call settings mail base,$(patsubst src/%.c,build/fuzz/obj/%.o,$(call sources,$(f))))
build/fuzz/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  compile $@"
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
build/fuzz/lib.a: $(FUZZ_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^
FUZZ_LINK = -fsanitize=fuzzer -o $@ $< build/fuzz/lib.a -Wl,--as-needed $(ALL_LIBS)
build/fuzz/%: test/fuzz/%.c build/fuzz/lib.a
	@echo "  build $@"
	$(Q)clang $(FUZZ_FLAGS) $(FUZZ_LINK)
fuzz: $(FUZZERS)
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZERS)
# Would a bug be found? Harnesses with one planted in them have to fall within three minutes.
PLANTED := $(patsubst test/fuzz/fuzz_%.c,build/fuzz/planted_%,$(shell grep -l PLANTED_BUG test/fuzz/*.c))
build/fuzz/planted_%: test/fuzz/fuzz_%.c build/fuzz/lib.a
	@echo "  build $@"
	$(Q)clang $(FUZZ_FLAGS) -DPLANTED_BUG $(FUZZ_LINK)
fuzz-proof: $(PLANTED)
	@scripts/fuzz proof $(PLANTED)
.PHONY: fuzz fuzz-proof

bench: deps-test
	@$(MAKE) --no-print-directory all
	@bench/run
bench-web: deps-test
	@$(MAKE) --no-print-directory all
	@bench/web
.PHONY: bench bench-web

clean:
	rm -rf build
.PHONY: clean

# --- installation ---------------------------------------------------------------------------

PREFIX  ?= /usr/local
DESTDIR ?=
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/siegel
	install -m 755 $(filter-out %/siegel,$(BINS:%=$(B)/bin/%)) $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(B)/bin/siegel $(DESTDIR)$(PREFIX)/bin
	install -m 644 etc/siegel.conf.example $(DESTDIR)/etc/siegel
	for page in doc/*.[1-8]; do \
		section=$${page##*.}; \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$$section/$${page##*/}; \
	done
	sed 's|/usr/local/sbin|$(PREFIX)/sbin|' etc/siegeld.service | \
		install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/siegeld.service
	install -D -m 644 etc/siegel.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/siegel.conf
.PHONY: install
