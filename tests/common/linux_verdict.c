/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/linux_verdict.h"

#include "compiler/base/clock.h"
#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/verify.h"
#include "host/ctl/kernel_btf.h"
#include "hw/spec/gen/map_types.h"
#include "tests/common/kernel_types.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOG_BYTES = 1 << 24, FLAG_FRAGS = 1 << 5, NAME_TAIL = 1500 };
enum { LOG_WHY = 1, LOG_STATES = 2, LOG_STATS = 4 }; /* levels of the log */

/* ---- the kernel's side ---- */

static int make_map(const struct load_map *m);

/* What Linux wants to know of a map's values: a map like those in it, or where the lock is. */
static void add_values(const struct load_map *m, struct bpf_map_create_opts *o)
{
    struct kernel_map_btf t;

    if (load_inner(m))
        o->inner_map_fd = (uint32_t)make_map(load_inner(m));
    if (!load_has_lock(m))
        return;
    t = kernel_btf_of_lock(m->key_bytes, m->value_bytes, m->fields->lock_off);
    o->btf_fd = (uint32_t)t.fd;
    o->btf_key_type_id = t.key;
    o->btf_value_type_id = t.value;
}

static int make_map(const struct load_map *m)
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m->flags);
    const uint32_t key = 0;
    const uint32_t cpus =
        m->type == SPEC_MAP_PERF_EVENT_ARRAY ? (uint32_t)libbpf_num_possible_cpus() : 0;
    int fd;

    add_values(m, &o);
    fd = bpf_map_create((enum bpf_map_type)m->type, NULL, m->key_bytes, m->value_bytes,
                        m->max_entries ? m->max_entries : cpus, &o);
    if (o.btf_fd)
        close((int)o.btf_fd);
    if (o.inner_map_fd)
        close((int)o.inner_map_fd);
    if (fd >= 0 && m->data) {
        const int err = bpf_map_update_elem(fd, &key, m->data, BPF_ANY);

        assert(!err && (m->kind != LOAD_MAP_RODATA || !bpf_map_freeze(fd)));
        (void)err;
    }
    return fd;
}

/* -1 where the kernel refuses one. */
void verdict_open_maps(const struct load_object *o, int fds[SPEC_MAPS])
{
    for (uint32_t i = 0; i < o->map_count; i++)
        fds[i] = make_map(&o->maps[i]);
}

void verdict_close_maps(const struct load_object *o, const int fds[SPEC_MAPS])
{
    for (uint32_t i = 0; i < o->map_count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* Functions' addresses as Linux has them, relative to the instruction. Whether it wants to know
 * the functions' types: it does for callbacks, and for tail calls of functions. */
static bool point_to_functions(struct ebpf_insn *insns, const struct load_prog *prog)
{
    bool typed = false;

    for (uint32_t i = 0; i < prog->insn_count; i += ebpf_slots(&insns[i])) {
        if (ebpf_is_function_address(&insns[i])) {
            insns[i].imm -= (int32_t)i + 1;
            typed = true;
        } else if (ebpf_is_helper_call(&insns[i]) && insns[i].imm == BPF_FUNC_tail_call) {
            typed |= prog->subprog_count > 1;
        }
    }
    return typed;
}

static int kernel_load(const struct load_object *o, const struct load_prog *prog, const int *fds,
                       char *log, uint32_t level)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = prog->frags ? FLAG_FRAGS : 0);
    struct ebpf_insn *insns = calloc(prog->insn_count + 1, sizeof(*insns));
    struct bpf_func_info *info = NULL;
    int fd;

    if (prog->section && strstr(prog->section, "devmap"))
        opts.expected_attach_type = BPF_XDP_DEVMAP;
    memcpy(insns, prog->insns, prog->insn_count * sizeof(*insns));
    for (uint32_t i = 0; i < prog->insn_count; i += ebpf_slots(&insns[i]))
        if (ebpf_names_map(&insns[i]))
            insns[i].imm = (uint32_t)insns[i].imm < o->map_count ? fds[insns[i].imm] : -1;
    if (point_to_functions(insns, prog)) {
        opts.prog_btf_fd = (uint32_t)kernel_types_of_prog(prog, &info);
        opts.func_info = info;
        opts.func_info_cnt = prog->subprog_count;
        opts.func_info_rec_size = sizeof(*info);
    }
    if (log) {
        *log = 0;
        opts.log_buf = log;
        opts.log_size = LOG_BYTES;
        opts.log_level = level;
    }
    fd = bpf_prog_load(BPF_PROG_TYPE_XDP, NULL, "GPL", (const struct bpf_insn *)insns,
                       prog->insn_count, &opts);
    if (fd >= 0)
        close(fd);
    if (info)
        close((int)opts.prog_btf_fd);
    free(info);
    free(insns);
    return fd < 0 ? fd : 0;
}

bool verdict_kernel_is_here(const char **why)
{
    LIBBPF_OPTS(bpf_map_create_opts, o);
    const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, &o);

    if (fd < 0) {
        *why = strerror(-fd);
        return false;
    }
    close(fd);
    return true;
}

char *verdict_log(const struct load_object *o, const struct load_prog *prog, const int *fds)
{
    char *log = calloc(1, LOG_BYTES);

    if (log)
        kernel_load(o, prog, fds, log, LOG_STATES);
    return log;
}

/* ---- both ---- */

static void count_code(struct verdict_tally *t, const char *code, bool refused, uint32_t by)
{
    uint32_t i = 0;

    while (i < t->code_count &&
           (strcmp(t->codes[i].code, code) != 0 || t->codes[i].refused != refused))
        i++;
    if (i == VERDICT_CODES)
        return;
    if (i == t->code_count) {
        snprintf(t->codes[i].code, sizeof(t->codes[i].code), "%s", code);
        t->codes[i].refused = refused;
        t->code_count++;
    }
    t->codes[i].count += by;
}

static void print_listing(FILE *out, const struct load_prog *prog, uint32_t around)
{
    char text[128];

    for (uint32_t i = 0; i < prog->insn_count; i += ebpf_slots(&prog->insns[i])) {
        ebpf_disasm(prog->insns, prog->insn_count, i, NULL, text, sizeof(text));
        if (around == UINT32_MAX || (i + 25 > around && i < around + 5))
            fprintf(out, "%4u: %s\n", i, text);
    }
}

static void tell_theirs(const struct verdict_talk *talk, const char *name,
                        const struct load_prog *prog, const struct diag *d)
{
    if (!talk->show || (*talk->show && strcmp(talk->show, d->code) != 0))
        return;
    fprintf(talk->out, "only the kernel accepts %s\n", name);
    diag_write(talk->out, d);
    print_listing(talk->out, prog, d->where.insn);
}

static void tell_ours(const struct verdict_talk *talk, const char *name,
                      const struct load_prog *prog, char *log)
{
    const size_t n = strlen(log);

    fprintf(talk->out, "the kernel rejects %s:\n%s\n", name,
            log + (n > NAME_TAIL ? n - NAME_TAIL : 0));
    print_listing(talk->out, prog, prog->insn_count > 300 ? 0 : UINT32_MAX);
}

/* Rejections that say nothing about the program: what the kernel spends is limited. */
static bool is_limit(const char *log)
{
    return strstr(log, "too large. Processed") || strstr(log, "jumps is too complex");
}

/* We accept, and the kernel does not: why? */
static bool ask_again(struct verdict_tally *t, const struct verdict_talk *talk, const char *name,
                      const struct load_object *o, const struct load_prog *prog, const int *fds)
{
    char *log = calloc(1, LOG_BYTES);
    const int again = log ? kernel_load(o, prog, fds, log, LOG_WHY) : 0;

    if (!again) {
        t->both++;
    } else if (is_limit(log)) {
        t->limits++;
    } else {
        t->ours_only++;
        tell_ours(talk, name, prog, log);
    }
    free(log);
    return !again;
}

bool verdict_compare(struct verdict_tally *t, const struct verdict_talk *talk, const char *name,
                     const struct load_object *o, const struct load_prog *prog, const int *fds)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct verify_result *result;
    const int ours = verify_program(o, prog, NULL, arena, &sink, &result);
    const int theirs = kernel_load(o, prog, fds, NULL, 0);
    bool both = false;

    t->programs++;
    assert(sink.errors == (ours ? 1 : 0));
    if (!ours && theirs) {
        both = ask_again(t, talk, name, o, prog, fds);
    } else if (!ours) {
        t->both++;
        both = true;
    } else if (theirs) {
        t->neither++;
    } else {
        t->theirs_only++;
        count_code(t, diag_first_error(&sink)->code, ours == -ENOTSUP, 1);
        tell_theirs(talk, name, prog, diag_first_error(&sink));
    }
    arena_close(arena);
    return both;
}

/* ---- figures ---- */

static uint64_t number_after(const char *log, const char *what)
{
    const char *at = strstr(log, what);

    return at ? strtoull(at + strlen(what), NULL, 10) : 0;
}

struct verdict_cost verdict_cost(const struct load_object *o, const struct load_prog *prog,
                                 const int *fds, uint32_t tries)
{
    struct verdict_cost c = {.ns = UINT64_MAX};
    char *log = calloc(1, LOG_BYTES);

    for (uint32_t i = 0; i < tries; i++) {
        const uint64_t start = clock_now_ns();

        c.err = kernel_load(o, prog, fds, NULL, 0);
        if (clock_now_ns() - start < c.ns)
            c.ns = clock_now_ns() - start;
        if (c.ns > 1000000000)
            break;
    }
    if (log) {
        kernel_load(o, prog, fds, log, LOG_STATS);
        c.processed = number_after(log, "processed ");
        c.states = number_after(log, "total_states ");
    }
    free(log);
    return c;
}

int verdict_compare_mutants(struct verdict_tally *t, const struct verdict_talk *talk,
                            const char *name, const struct load_object *o,
                            const struct load_prog *prog, const int *fds, verdict_change change,
                            uint32_t mutants, uint64_t seed)
{
    struct ebpf_insn *insns = calloc(prog->insn_count + 1, sizeof(*insns));
    struct load_prog changed = *prog;

    if (!insns)
        return -ENOMEM;
    changed.insns = insns;
    for (uint32_t i = 0; i < mutants; i++) {
        uint64_t now = seed + i;
        char mutant[320];
        const char *what;

        memcpy(insns, prog->insns, prog->insn_count * sizeof(*insns));
        what = change(insns, changed.insn_count, &now);
        snprintf(mutant, sizeof(mutant), "%s, seed %llu: %s", name, (unsigned long long)(seed + i),
                 what);
        verdict_compare(t, talk, mutant, o, &changed, fds);
    }
    free(insns);
    return 0;
}

void verdict_add(struct verdict_tally *sum, const struct verdict_tally *t)
{
    sum->programs += t->programs;
    sum->both += t->both;
    sum->neither += t->neither;
    sum->limits += t->limits;
    sum->ours_only += t->ours_only;
    sum->theirs_only += t->theirs_only;
    for (uint32_t i = 0; i < t->code_count; i++)
        count_code(sum, t->codes[i].code, t->codes[i].refused, t->codes[i].count);
}

uint32_t verdict_false_permille(const struct verdict_tally *t)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < t->code_count; i++)
        n += t->codes[i].refused ? 0 : t->codes[i].count;
    return t->programs ? (uint32_t)(n * 1000 / t->programs) : 0;
}

static int by_count(const void *a, const void *b)
{
    const struct verdict_code *x = a, *y = b;

    return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->code, y->code);
}

void verdict_print(FILE *out, const char *what, const struct verdict_tally *t)
{
    struct verdict_tally sorted = *t;
    const uint32_t permille = verdict_false_permille(t);

    fprintf(
        out,
        "%s: %u programs: both accept %u, both reject %u, only the kernel accepts %u (we reject "
        "%u.%u %%), only we do %u; kernel's limits %u\n",
        what, t->programs, t->both, t->neither, t->theirs_only, permille / 10, permille % 10,
        t->ours_only, t->limits);
    qsort(sorted.codes, sorted.code_count, sizeof(sorted.codes[0]), by_count);
    for (uint32_t i = 0; i < sorted.code_count; i++)
        fprintf(out, "    only the kernel: %5u %s%s\n", sorted.codes[i].count, sorted.codes[i].code,
                sorted.codes[i].refused ? " (Sluice does not run it)" : "");
}
