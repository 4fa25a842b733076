/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/verify.h"
#include "hw/spec/gen/limits.h"
#include "tests/common/corpus.h"
#include "tests/common/verify_text.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Agreement with Linux: whatever we accept the kernel accepts, for the text tests, the programs of
 * the corpus and small changes of them. What only the kernel accepts is counted by our reason.
 *
 * VERIFY_MUTANTS sets the changes to each program, VERIFY_SEED where they start, VERIFY_SHOW prints
 * each program that only the kernel accepts. */

enum { LOG_BYTES = 1 << 24, CODES_MAX = 128, FLAG_FRAGS = 1 << 5 };

struct tally {
    uint32_t programs, both, neither, limits;
    uint32_t ours_only; /* failures */
    uint32_t theirs_only;
    struct {
        char code[8];
        uint32_t count;
    } codes[CODES_MAX]; /* of theirs_only */
    uint32_t code_count;
};

/* ---- the kernel's side ---- */

static int make_map(const struct load_map *m)
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m->flags);
    const uint32_t key = 0;
    const uint32_t cpus =
        m->type == SPEC_MAP_PERF_EVENT_ARRAY ? (uint32_t)libbpf_num_possible_cpus() : 0;
    const int fd = bpf_map_create((enum bpf_map_type)m->type, NULL, m->key_bytes, m->value_bytes,
                                  m->max_entries ? m->max_entries : cpus, &o);

    if (fd >= 0 && m->data) {
        assert_int_equal(bpf_map_update_elem(fd, &key, m->data, BPF_ANY), 0);
        if (m->kind == LOAD_MAP_RODATA)
            assert_int_equal(bpf_map_freeze(fd), 0);
    }
    return fd;
}

/* -1 where the kernel refuses one. */
static void make_maps(const struct load_object *o, int fds[SPEC_MAPS])
{
    for (uint32_t i = 0; i < o->map_count; i++)
        fds[i] = make_map(&o->maps[i]);
}

static void close_maps(const struct load_object *o, const int fds[SPEC_MAPS])
{
    for (uint32_t i = 0; i < o->map_count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int kernel_load(const struct load_object *o, const struct load_prog *prog, const int *fds,
                       char *log)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = prog->frags ? FLAG_FRAGS : 0);
    struct ebpf_insn *insns = calloc(prog->insn_count + 1, sizeof(*insns));
    int fd;

    memcpy(insns, prog->insns, prog->insn_count * sizeof(*insns));
    for (uint32_t i = 0; i < prog->insn_count; i += ebpf_slots(&insns[i]))
        if (ebpf_names_map(&insns[i]))
            insns[i].imm = (uint32_t)insns[i].imm < o->map_count ? fds[insns[i].imm] : -1;
    if (log) {
        *log = 0;
        opts.log_buf = log;
        opts.log_size = LOG_BYTES;
        opts.log_level = 1;
    }
    fd = bpf_prog_load(BPF_PROG_TYPE_XDP, NULL, "GPL", (const struct bpf_insn *)insns,
                       prog->insn_count, &opts);
    if (fd >= 0)
        close(fd);
    free(insns);
    return fd < 0 ? fd : 0;
}

static bool kernel_is_here(void)
{
    LIBBPF_OPTS(bpf_map_create_opts, o);
    const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, &o);

    if (fd < 0) {
        fprintf(stderr, "SKIPPED: no bpf() here (%s): nothing was compared with Linux\n",
                strerror(-fd));
        return false;
    }
    close(fd);
    return true;
}

/* ---- both ---- */

static void count_code(struct tally *t, const char *code)
{
    uint32_t i = 0;

    while (i < t->code_count && strcmp(t->codes[i].code, code) != 0)
        i++;
    if (i == CODES_MAX)
        return;
    if (i == t->code_count)
        snprintf(t->codes[t->code_count++].code, sizeof(t->codes[i].code), "%s", code);
    t->codes[i].count++;
}

static void print_listing(const struct load_prog *prog, uint32_t around)
{
    char text[128];

    for (uint32_t i = 0; i < prog->insn_count; i += ebpf_slots(&prog->insns[i])) {
        ebpf_disasm(prog->insns, prog->insn_count, i, NULL, text, sizeof(text));
        if (around == UINT32_MAX || (i + 25 > around && i < around + 5))
            fprintf(stderr, "%4u: %s\n", i, text);
    }
}

static void tell_theirs(const char *name, const struct load_prog *prog, const struct diag *d)
{
    const char *show = getenv("VERIFY_SHOW");

    if (!show || (*show == 'V' && strcmp(show, d->code) != 0))
        return;
    fprintf(stderr, "only the kernel accepts %s\n", name);
    diag_write(stderr, d);
    print_listing(prog, d->where.insn);
}

static void tell_ours(const char *name, const struct load_prog *prog, char *log)
{
    const size_t n = strlen(log);

    fprintf(stderr, "the kernel rejects %s:\n%s\n", name, log + (n > 1500 ? n - 1500 : 0));
    print_listing(prog, UINT32_MAX);
}

/* Rejections that say nothing about the program: what the kernel spends is limited. */
static bool is_limit(const char *log)
{
    return strstr(log, "too large. Processed") || strstr(log, "jumps is too complex");
}

static void compare(struct tally *t, const char *name, const struct load_object *o,
                    const struct load_prog *prog, const int *fds)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct verify_result *result;
    const int ours = verify_program(o, prog, NULL, arena, &sink, &result);
    const int theirs = kernel_load(o, prog, fds, NULL);

    t->programs++;
    assert_int_equal(sink.errors, ours ? 1 : 0);
    if (!ours && theirs) {
        char *log = calloc(1, LOG_BYTES);
        const int again = kernel_load(o, prog, fds, log);

        if (!again) {
            t->both++;
        } else if (is_limit(log)) {
            t->limits++;
        } else {
            t->ours_only++;
            tell_ours(name, prog, log);
        }
        free(log);
    } else if (!ours) {
        t->both++;
    } else if (theirs) {
        t->neither++;
    } else {
        t->theirs_only++;
        count_code(t, diag_first_error(&sink)->code);
        tell_theirs(name, prog, diag_first_error(&sink));
    }
    arena_close(arena);
}

static void print_tally(const char *what, const struct tally *t)
{
    printf("%s: %u programs: both accept %u, both reject %u, only the kernel accepts %u, only we "
           "do %u; kernel's limits %u\n",
           what, t->programs, t->both, t->neither, t->theirs_only, t->ours_only, t->limits);
    for (uint32_t i = 0; i < t->code_count; i++)
        printf("    only the kernel: %5u %s\n", t->codes[i].count, t->codes[i].code);
}

/* ---- tests ---- */

static void compare_mutants(struct tally *t, const struct corpus_prog *p, uint32_t mutants,
                            uint64_t seed, const int *fds)
{
    struct ebpf_insn *insns = calloc(p->prog->insn_count, sizeof(*insns));
    struct load_prog changed = *p->prog;

    changed.insns = insns;
    for (uint32_t i = 0; i < mutants; i++) {
        uint64_t now = seed + i;
        char name[256];
        const char *what;

        memcpy(insns, p->prog->insns, p->prog->insn_count * sizeof(*insns));
        what = corpus_mutate(insns, changed.insn_count, &now);
        snprintf(name, sizeof(name), "%s, seed %llu: %s", p->name, (unsigned long long)(seed + i),
                 what);
        compare(t, name, p->object, &changed, fds);
    }
    free(insns);
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
    const char *value = getenv(name);

    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

/* Programs that the kernel takes as they are; more changes to small ones, which are cheap. */
static void each_accepted(struct tally *plain, struct tally *t, uint32_t mutants)
{
    const uint64_t seed = setting("VERIFY_SEED", 1);
    const char *only = getenv("VERIFY_ONLY");
    struct corpus c;

    assert_int_equal(corpus_open(&c), 0);
    assert_true(c.count > 0);
    for (uint32_t i = 0; i < c.count; i++) {
        const struct corpus_prog *p = &c.progs[i];
        int fds[SPEC_MAPS];

        if (only && !strstr(p->name, only))
            continue;
        make_maps(p->object, fds);
        compare(plain, p->name, p->object, p->prog, fds);
        compare_mutants(t, p, mutants, seed, fds);
        close_maps(p->object, fds);
    }
    corpus_close(&c);
}

static void test_verify_kernel_corpus_and_mutants_accepts_no_more_than_linux(void **state)
{
    struct tally plain = {0}, t = {0};

    (void)state;
    if (!kernel_is_here())
        skip();
    each_accepted(&plain, &t, setting("VERIFY_MUTANTS", 20));
    print_tally("corpus", &plain);
    print_tally("mutants", &t);
    assert_int_equal(plain.ours_only, 0);
    assert_int_equal(t.ours_only, 0);
}

static void compare_text(const char *path, void *ctx)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct verify_text text;
    int fds[SPEC_MAPS];

    if (verify_text_read(path, arena, &sink, &text)) {
        diag_write(stderr, diag_first_error(&sink));
        fail_msg("%s", path);
    }
    make_maps(text.object, fds);
    compare(ctx, path, text.object, &text.object->progs[0], fds);
    close_maps(text.object, fds);
    arena_close(arena);
}

static void mutate_text(const char *path, void *ctx)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct verify_text text;
    struct corpus_prog p;
    int fds[SPEC_MAPS];

    assert_int_equal(verify_text_read(path, arena, &sink, &text), 0);
    p = (struct corpus_prog){strrchr(path, '/') + 1, text.object, &text.object->progs[0]};
    make_maps(text.object, fds);
    if (p.prog->insn_count && p.prog->insn_count < 1000)
        compare_mutants(ctx, &p, setting("VERIFY_MUTANTS", 5), setting("VERIFY_SEED", 1), fds);
    close_maps(text.object, fds);
    arena_close(arena);
}

static void test_verify_kernel_texts_and_mutants_accepts_no_more_than_linux(void **state)
{
    struct tally t = {0}, mutants = {0};

    (void)state;
    if (!kernel_is_here())
        skip();
    verify_text_each(compare_text, &t);
    verify_text_each(mutate_text, &mutants);
    print_tally("texts", &t);
    print_tally("mutants of texts", &mutants);
    assert_true(t.programs > 0);
    assert_int_equal(t.ours_only, 0);
    assert_int_equal(mutants.ours_only, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_kernel_texts_and_mutants_accepts_no_more_than_linux),
        cmocka_unit_test(test_verify_kernel_corpus_and_mutants_accepts_no_more_than_linux),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
