/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/verify.h"
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/vm/state.h"
#include "tests/common/corpus.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"
#include "tests/common/states.h"
#include "tests/common/verify_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the verifier says of a program holds when it runs: programs of the corpus, the text tests
 * and accepted changes of both, on random packets and maps, never fault; they end within the steps
 * that the verifier took; and before each instruction its fact holds: that it is reached, which way
 * it jumps, where it loads and stores, and what helpers are given; and the machine lies within one
 * of the verifier's states there (tests/common/states.h).
 *
 * VERIFY_RUNS sets the packets for each program, VERIFY_ACCEPTED the changed programs that are run.
 */

enum { PACKET_MAX = 300, MAP_ENTRIES = 24, TRIES_EACH = 400, NAME_BYTES = 256 };
enum { PLAIN, EXACT, KINDS };

struct trace {
    const char *name;
    const struct load_object *object;
    const struct load_prog *prog;
    const struct verify_result *facts;
    struct soft_maps maps;
    uint8_t buf[SPEC_PKT_JUMBO_END];
    struct states *states[KINDS]; /* EXACT: NULL where there are too many */
    struct states_run runs[KINDS];
    uint32_t context;
    uint32_t callers[SPEC_CALL_FRAMES];
    bool under_way; /* the instruction before was: */
    uint32_t pc, depth;
    uint64_t steps;
    uint64_t checks; /* of facts */
};

static const struct verify_fact *fact_of(const struct trace *t, uint32_t at)
{
    const struct verify_context *c = &t->facts->contexts[t->context];
    const struct load_subprog *sub = &t->prog->subprogs[c->subprog];

    if (at < sub->start || at >= sub->start + sub->count)
        fail_msg("%s: instruction %u is run in a function that it is not of", t->name, at);
    return &c->facts[at - sub->start];
}

/* ---- pointers ---- */

static int64_t off_from(uint64_t address, const void *base)
{
    return (int64_t)(address - (uintptr_t)base);
}

/* How far the address is from the region's base; false if it can't belong to it. */
static bool offset_in(const struct trace *t, const struct vm *vm, uint64_t address,
                      const struct verify_pointer *p, int64_t *off)
{
    const struct vm_packet *packet = vm->packet;

    switch ((enum verify_region)p->region) {
    case VERIFY_REGION_CTX:
        *off = off_from(address, vm->ctx);
        return true;
    case VERIFY_REGION_STACK:
        *off = off_from(address, vm->stack[p->frame]) - SPEC_STACK_BYTES;
        return p->frame <= vm->depth;
    case VERIFY_REGION_PKT:
        *off = off_from(address, packet->buf + packet->data);
        return true;
    case VERIFY_REGION_META:
        *off = off_from(address, packet->buf + packet->data_meta);
        return true;
    case VERIFY_REGION_MAP:
        for (uint32_t m = 0; m < t->maps.count; m++) {
            uintptr_t first, end;

            map_value_range(t->maps.maps[m], &first, &end);
            if ((p->map != VERIFY_MAP_ANY && p->map != m) || address - first >= end - first)
                continue;
            *off = (int64_t)((address - first) % map_stride_bytes(t->maps.maps[m]));
            return true;
        }
        return false;
    case VERIFY_REGION_KEY:
        for (const struct vm_key *key = vm->keys; key; key = key->outer) {
            *off = off_from(address, (const void *)key->first);
            if (*off >= 0 && *off < key->bytes)
                return true;
        }
        return false;
    case VERIFY_REGION_RECORD: /* where it begins only the ring buffer knows */
    case VERIFY_REGION_MIXED:
        *off = p->off_min;
        return true;
    case VERIFY_REGION_NONE:
    case VERIFY_REGION_COUNT:
        break;
    }
    return false;
}

static void check_pointer(struct trace *t, const struct vm *vm, uint32_t at, uint64_t address,
                          const struct verify_pointer *p)
{
    int64_t off = 0;

    t->checks++;
    if (!offset_in(t, vm, address, p, &off))
        fail_msg("%s: instruction %u: address is not in region %u (map %u, frame %u)", t->name, at,
                 p->region, p->map, p->frame);
    if (off < p->off_min || off > p->off_max)
        fail_msg("%s: instruction %u: offset %lld is not from %d to %d of region %u", t->name, at,
                 (long long)off, p->off_min, p->off_max, p->region);
}

/* ---- instructions ---- */

static void check_args(struct trace *t, const struct vm *vm, uint32_t at,
                       const struct verify_fact *f, const struct ebpf_insn *i)
{
    const struct spec_helper_row *row = spec_helper_find(i->imm);

    assert_non_null(f->args);
    for (unsigned k = 0; k < 5 && row->args[k]; k++) {
        const struct verify_arg *a = &f->args[k];
        const uint64_t now = vm->r[k + 1];

        t->checks++;
        if (a->is_const && a->value != now)
            fail_msg("%s: instruction %u: r%u is %llu, not %llu", t->name, at, k + 1,
                     (unsigned long long)now, (unsigned long long)a->value);
        if (now > a->max)
            fail_msg("%s: instruction %u: r%u is %llu, more than %llu", t->name, at, k + 1,
                     (unsigned long long)now, (unsigned long long)a->max);
        if (a->map < VERIFY_MAP_ANY && now != VM_MAP_HANDLE + a->map)
            fail_msg("%s: instruction %u: r%u is not map %u", t->name, at, k + 1, a->map);
        if (a->pointer.region != VERIFY_REGION_NONE && a->pointer.region != VERIFY_REGION_MIXED)
            check_pointer(t, vm, at, now, &a->pointer);
    }
}

static void check_fact(struct trace *t, const struct vm *vm, uint32_t at)
{
    const struct ebpf_insn *i = &t->prog->insns[at];
    const struct verify_fact *f = fact_of(t, at);

    t->checks++;
    if (!f->reached)
        fail_msg("%s: instruction %u is reached", t->name, at);
    if (ebpf_is_load(i))
        check_pointer(t, vm, at, vm->r[i->src] + (uint64_t)(int64_t)i->off, &f->access);
    else if (ebpf_is_store(i) || ebpf_is_atomic(i))
        check_pointer(t, vm, at, vm->r[i->dst] + (uint64_t)(int64_t)i->off, &f->access);
    else if (ebpf_is_helper_call(i))
        check_args(t, vm, at, f, i);
}

static void check_jump(struct trace *t, const struct vm *vm, uint32_t at)
{
    const struct verify_fact *f = fact_of(t, at);
    const struct ebpf_insn *i = &t->prog->insns[at];
    const bool jumped = vm->pc != at + 1;

    t->checks++;
    if (ebpf_is_cond_jump(i) && i->off && !(jumped ? f->jumps : f->falls_through))
        fail_msg("%s: instruction %u %s", t->name, at, jumped ? "jumps" : "does not jump");
}

static void enter_context(struct trace *t, const struct vm *vm, uint32_t at)
{
    t->callers[vm->depth - 1] = t->context;
    t->context = verify_context_of_call(t->facts, t->context, at, load_subprog_of(t->prog, vm->pc));
    if (t->context == UINT32_MAX)
        fail_msg("%s: the call at %u has no context", t->name, at);
    assert_int_equal(t->facts->contexts[t->context].depth, vm->depth);
}

/* What the instruction before has done. */
static void check_way(struct trace *t, const struct vm *vm)
{
    if (vm->depth > t->depth)
        enter_context(t, vm, t->pc);
    else if (vm->depth < t->depth)
        t->context = t->callers[vm->depth];
    else
        check_jump(t, vm, t->pc);
}

static void before(void *ctx, const struct vm *vm)
{
    struct trace *t = ctx;

    if (++t->steps > t->facts->processed)
        fail_msg("%s: at %u after %llu instructions; the verifier went through %llu", t->name,
                 vm->pc, (unsigned long long)t->steps, (unsigned long long)t->facts->processed);
    if (t->under_way)
        check_way(t, vm);
    check_fact(t, vm, vm->pc);
    for (int k = 0; k < KINDS; k++) {
        if (t->states[k])
            states_check(&t->runs[k], vm);
        if (t->runs[k].failed)
            fail_msg("%s: %s", t->name, t->runs[k].why);
    }
    t->under_way = true;
    t->pc = vm->pc;
    t->depth = vm->depth;
}

static void trace_packet(struct trace *t, struct vm_packet *packet)
{
    const struct vm_program program = {t->prog->insns, t->prog->insn_count,
                                       (struct map *const *)t->maps.maps, t->maps.count};
    const struct vm_observer observer = {t, before, false};
    struct vm_result result;
    enum vm_fault fault;
    uint32_t at = 0;

    t->context = 0;
    t->under_way = false;
    t->steps = 0;
    for (int k = 0; k < KINDS; k++)
        states_start(&t->runs[k], t->states[k]);
    fault = vm_run_observed(&program, packet, 0, &observer, &result, &at);
    if (fault)
        fail_msg("%s: fault %d at instruction %u", t->name, fault, at);
}

/* ---- packets and maps ---- */

/* Ethernet with a type that programs look for, small numbers and text behind it, so that branches
 * are taken both ways. */
static uint32_t make_packet(uint8_t *bytes, uint64_t *seed)
{
    static const uint16_t types[] = {0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806};
    static const uint8_t protocols[] = {6, 17, 1, 58, 47, 4, 41, 43};
    const uint32_t len = SPEC_PKT_MIN_BYTES + (uint32_t)(random_next(seed) % (PACKET_MAX - 14));
    const uint64_t mask = random_next(seed) % 3 ? 0x0f : 0xff;
    const uint16_t type = types[random_next(seed) % 5];
    uint32_t at = 14;

    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(random_next(seed) & mask);
    bytes[12] = (uint8_t)(type >> 8);
    bytes[13] = (uint8_t)type;
    if (type == 0x8100 && len > 18) {
        bytes[16] = 0x08;
        bytes[17] = 0;
        at = 18;
    }
    if (len > at + 20) {
        bytes[at] = type == 0x86dd ? 0x60 : (uint8_t)(0x45 + random_next(seed) % 3);
        bytes[at + (type == 0x86dd ? 6 : 9)] = protocols[random_next(seed) % 8];
        bytes[at + 6] &= type == 0x86dd ? 0xff : 0x40; /* no fragment */
    }
    return len;
}

static void run_packets(struct trace *t, uint32_t packets, uint64_t seed)
{
    uint8_t bytes[PACKET_MAX];

    for (uint32_t i = 0; i < packets; i++) {
        struct vm_packet p = {.rand = (uint32_t)random_next(&seed) | 1,
                              .ifindex = (uint32_t)random_next(&seed) % 4,
                              .queue = (uint32_t)random_next(&seed) % SPEC_QUEUES,
                              .time_ns = random_next(&seed) >> 20};
        const uint32_t len = make_packet(bytes, &seed);

        vm_packet_init(&p, t->buf, bytes, len);
        trace_packet(t, &p);
    }
}

/* ---- programs ---- */

struct totals {
    uint32_t programs, accepted, exact;
    uint64_t checks, steps[KINDS];
    uint32_t wanted; /* stop at so many */
    uint32_t runs;
};

static uint32_t setting(const char *name, uint32_t otherwise)
{
    const char *value = getenv(name);

    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

/* Verifies a program, as it is done and exactly. */
static int take_states(struct trace *t, struct totals *n, struct arena *arena)
{
    const struct verify_result *facts = NULL;
    int err = states_take(t->object, t->prog, false, arena, &t->facts, &t->states[PLAIN]);

    if (!err) {
        err = states_take(t->object, t->prog, true, arena, &facts, &t->states[EXACT]);
        n->exact += !err;
        if (err == -E2BIG)
            err = 0;
        assert_int_equal(err, 0); /* what is accepted so is accepted so too */
    }
    return err;
}

/* Helpers that the verifier knows may be missing in software, and maps too (soft_maps_open_object).
 */
static bool software_has_helpers(const struct load_prog *prog)
{
    for (uint32_t at = 0; at < prog->insn_count; at += ebpf_slots(&prog->insns[at])) {
        const struct spec_helper_row *row = spec_helper_find(prog->insns[at].imm);

        if (ebpf_is_helper_call(&prog->insns[at]) && row && !row->soft)
            return false;
    }
    return true;
}

/* What no executor has: the interface that a packet leaves by, what a redirect target consists of.
 */
static bool reads_what_is_not_there(const struct trace *t)
{
    for (uint32_t c = 0; c < t->facts->context_count; c++) {
        const struct verify_context *context = &t->facts->contexts[c];

        for (uint32_t i = 0; i < t->prog->subprogs[context->subprog].count; i++) {
            const struct verify_fact *f = &context->facts[i];

            if (f->reads_target || (f->access.region == VERIFY_REGION_CTX &&
                                    f->access.off_max == SPEC_CTX_EGRESS_IFINDEX))
                return true;
        }
    }
    return false;
}

/* Verifies a program and, if it is accepted and software has all that it uses, runs it. */
static void check_program(struct totals *n, const char *name, const struct load_object *object,
                          const struct load_prog *prog, uint64_t seed)
{
    struct arena *arena = arena_open();
    struct trace *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    *t = (struct trace){.name = name, .object = object, .prog = prog};
    n->programs++;
    if (software_has_helpers(prog) && !take_states(t, n, arena) && !reads_what_is_not_there(t) &&
        !soft_maps_open_object(&t->maps, object)) {
        soft_maps_fill(&t->maps, MAP_ENTRIES, &seed);
        run_packets(t, n->runs, seed);
        soft_maps_close(&t->maps);
        n->accepted++;
        n->checks += t->checks;
        for (int k = 0; k < KINDS; k++)
            n->steps[k] += t->runs[k].steps;
    }
    for (int k = 0; k < KINDS; k++)
        states_free(t->states[k]);
    free(t);
    arena_close(arena);
}

static void check_mutants(struct totals *n, const struct corpus_prog *p, uint32_t tries,
                          uint32_t accepted)
{
    const uint32_t until = n->accepted + accepted;
    struct ebpf_insn *insns = calloc(p->prog->insn_count + 1, sizeof(*insns));
    struct load_prog changed = *p->prog;

    assert_non_null(insns);
    changed.insns = insns;
    for (uint32_t i = 0; i < tries && n->accepted < until; i++) {
        uint64_t seed = setting("VERIFY_SEED", 1) * 100000 + i;
        char name[NAME_BYTES];
        const char *what;

        memcpy(insns, p->prog->insns, p->prog->insn_count * sizeof(*insns));
        what = corpus_mutate(insns, p->prog->insn_count, &seed);
        snprintf(name, sizeof(name), "%s, change %u: %s", p->name, i, what);
        check_program(n, name, p->object, &changed, seed);
    }
    free(insns);
}

static void check_text(const char *path, void *ctx)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct totals *n = ctx;
    struct verify_text text;
    struct corpus_prog p;

    assert_int_equal(verify_text_read(path, arena, &sink, &text), 0);
    p = (struct corpus_prog){strrchr(path, '/') + 1, text.object, &text.object->progs[0]};
    check_program(n, p.name, p.object, p.prog, 1);
    if (text.accepted)
        check_mutants(n, &p, TRIES_EACH, n->wanted);
    arena_close(arena);
}

static void print_totals(const char *what, const struct totals *n)
{
    printf("%s: %u programs, %u accepted (%u exactly) and run on %u packets each, %llu facts "
           "checked, %llu steps "
           "held against states, %llu against exact ones\n",
           what, n->programs, n->accepted, n->exact, n->runs, (unsigned long long)n->checks,
           (unsigned long long)n->steps[PLAIN], (unsigned long long)n->steps[EXACT]);
}

static void test_verify_run_corpus_and_mutants_keep_their_facts(void **state)
{
    struct totals plain = {.runs = setting("VERIFY_RUNS", 200)};
    struct totals n = {.runs = setting("VERIFY_RUNS", 20)};
    static struct corpus c;

    (void)state;
    assert_int_equal(corpus_open(&c), 0);
    for (uint32_t i = 0; i < c.count; i++) {
        const struct corpus_prog *p = &c.progs[i];

        check_program(&plain, p->name, p->object, p->prog, i);
        check_mutants(&n, p, TRIES_EACH, setting("VERIFY_ACCEPTED", 600) / (c.count + 1) + 1);
    }
    print_totals("corpus", &plain);
    print_totals("changes", &n);
    assert_true(plain.accepted > 0 && n.accepted > 0);
    assert_true(plain.exact > plain.accepted / 2 && plain.steps[EXACT] > 0);
    corpus_close(&c);
}

static void test_verify_run_texts_and_mutants_keep_their_facts(void **state)
{
    struct totals n = {.runs = setting("VERIFY_RUNS", 20),
                       .wanted = setting("VERIFY_ACCEPTED", 500) / 80 + 1};

    (void)state;
    verify_text_each(check_text, &n);
    print_totals("texts and changes", &n);
    assert_true(n.accepted > 400 && n.exact > n.accepted / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_run_texts_and_mutants_keep_their_facts),
        cmocka_unit_test(test_verify_run_corpus_and_mutants_keep_their_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
