/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/vector/vector.h"

#include "host/conformance/conformance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 8, REASON_BYTES = 2048 };

/* --- comparing ---------------------------------------------------------------------------- */

static uint64_t field_value(const uint8_t *memory, const struct vector_field *f)
{
    uint64_t v = 0;

    memcpy(&v, memory + f->at, f->bytes);
    return v;
}

/* Notes a case; the first one that failed is told. */
static void check(const struct vector *v, uint32_t number, const uint8_t *memory, uint64_t r0,
                  struct vector_result *out, struct arena *arena)
{
    const struct vector_case *c = &v->cases[number];
    const char *what = NULL;

    out->cases++;
    for (uint32_t f = 0; f < v->field_count && !what; f++) {
        const uint64_t got = field_value(memory, &v->fields[f]);
        const uint64_t want = field_value(c->after, &v->fields[f]);

        if (got != want)
            what = arena_printf(arena, "%s is 0x%llx, not 0x%llx", v->fields[f].name,
                                (unsigned long long)got, (unsigned long long)want);
    }
    if (!what && r0 != c->r0)
        what = arena_printf(arena, "r0 is 0x%llx, not 0x%llx", (unsigned long long)r0,
                            (unsigned long long)c->r0);
    if (!what)
        return;
    out->failed++;
    if (!out->why)
        out->why = arena_printf(arena, "case of line %u: %s", c->line, what);
}

/* --- as an XDP program -------------------------------------------------------------------- */

static struct ebpf_insn insn(int opcode, int dst, int src, int off, int imm)
{
    return (struct ebpf_insn){.opcode = (uint8_t)opcode,
                              .dst = (uint8_t)dst & 15u,
                              .src = (uint8_t)src & 15u,
                              .off = (int16_t)off,
                              .imm = imm};
}

/* r0 lies behind the memory, in a packet that is long enough to be one. */
static uint32_t result_at(const struct vector *v)
{
    return v->bytes < SPEC_PKT_MIN_BYTES - WORD ? SPEC_PKT_MIN_BYTES - WORD : v->bytes;
}

/* Calls the vector's program as a function with the packet as its memory, and stores what it
 * returns behind the memory. */
static const struct load_object *wrap(const struct vector *v, struct arena *arena,
                                      struct diag_sink *sink)
{
    enum {
        LDX_W = 0x61,
        LDX_R0 = 0x7b,
        MOV = 0xbf,
        MOV_K = 0xb7,
        ADD_K = 0x07,
        JGT = 0x2d,
        CALL = 0x85,
        EXIT = 0x95
    };
    const int end = (int)result_at(v) + WORD;
    const struct ebpf_insn head[] = {
        insn(MOV, 6, 1, 0, 0),
        insn(LDX_W, 1, 6, 0, 0),
        insn(LDX_W, 2, 6, 4, 0),
        insn(MOV, 3, 1, 0, 0),
        insn(ADD_K, 3, 0, 0, end),
        insn(JGT, 3, 2, 10, 0),
        insn(MOV_K, 2, 0, 0, (int)v->bytes),
        insn(CALL, 0, EBPF_PSEUDO_CALL, 0, 10),
        insn(LDX_W, 1, 6, 0, 0),
        insn(LDX_W, 2, 6, 4, 0),
        insn(MOV, 3, 1, 0, 0),
        insn(ADD_K, 3, 0, 0, end),
        insn(JGT, 3, 2, 3, 0),
        insn(LDX_R0, 1, 0, (int)result_at(v), 0),
        insn(MOV_K, 0, 0, 0, SPEC_XDP_PASS),
        insn(EXIT, 0, 0, 0, 0),
        insn(MOV_K, 0, 0, 0, SPEC_XDP_ABORTED),
        insn(EXIT, 0, 0, 0, 0),
    };
    enum { HEAD = sizeof(head) / sizeof(head[0]) };
    struct ebpf_insn *all = arena_array(arena, HEAD + v->insn_count, sizeof(*all));
    const struct load_object *object = NULL;

    memcpy(all, head, sizeof(head));
    memcpy(all + HEAD, v->insns, v->insn_count * sizeof(*all));
    if (load_raw(all, (HEAD + v->insn_count) * sizeof(*all), v->path, v->maps, v->map_count, arena,
                 sink, &object))
        return NULL;
    return object;
}

struct stream {
    const struct vector *v;
    struct vector_result *out;
    struct arena *arena;
    uint8_t *packet;
    uint32_t sent;
    uint32_t received;
};

static bool give(void *ctx, struct exec_packet *packet)
{
    struct stream *s = ctx;

    if (s->sent == s->v->case_count)
        return false;
    memset(s->packet, 0, result_at(s->v) + WORD);
    memcpy(s->packet, s->v->cases[s->sent].before, s->v->bytes);
    *packet =
        (struct exec_packet){.data = s->packet, .len = result_at(s->v) + WORD, .index = s->sent++};
    return true;
}

static int take(void *ctx, const struct exec_output *output)
{
    struct stream *s = ctx;
    uint64_t r0;

    if (output->ret != SPEC_XDP_PASS || output->len != result_at(s->v) + WORD)
        return -EPROTO;
    memcpy(&r0, output->data + result_at(s->v), WORD);
    check(s->v, s->received++, output->data, r0, s->out, s->arena);
    return 0;
}

static void run_xdp(const struct vector *v, struct job *job, const struct exec_ops *ops,
                    struct arena *arena, struct vector_result *out)
{
    const struct exec_options options = {.size = sizeof(options), .icarus = true};
    struct stream s = {v, out, arena, arena_alloc(arena, result_at(v) + WORD), 0, 0};
    const struct exec_stream stream = {&s, give, take};
    struct exec_stats stats;
    struct exec *exec = NULL;
    char why[EXEC_WHY_BYTES] = "";
    int err = exec_open(ops, job, &options, &exec, why);

    if (!err)
        err = ops->run(exec, &stream, &stats, why);
    exec_close(exec);
    if (err && !out->why)
        out->why = *why ? arena_strdup(arena, why) : strerror(-err);
}

/* --- as the plug-in does ------------------------------------------------------------------ */

static int run_cases(const struct vector *v, struct conf_program *p, struct conf_device *d,
                     struct vector_result *out, struct arena *arena, char why[EXEC_WHY_BYTES])
{
    for (uint32_t i = 0; i < v->case_count; i++) {
        struct conf_run run = {.memory = arena_memdup(arena, v->cases[i].before, v->bytes + 1u),
                               .bytes = v->bytes};
        int err;

        conf_program_reset(p);
        err = d ? conf_device_run(d, &run, why) : conf_interpret(p, &run, NULL, why);
        if (err)
            return err;
        check(v, i, run.memory, run.r0, out, arena);
    }
    return 0;
}

static void run_plugin(const struct vector *v, const char *executor, struct arena *arena,
                       struct vector_result *out)
{
    struct conf_run *runs = arena_array(arena, v->case_count, sizeof(*runs));
    struct conf_device *d = NULL;
    struct conf_program p;
    char why[EXEC_WHY_BYTES] = "";
    int err = conf_program_of(v->insns, v->insn_count, v->maps, v->map_count, &p, why);

    for (uint32_t i = 0; i < v->case_count; i++)
        runs[i] = (struct conf_run){.memory = v->cases[i].before, .bytes = v->bytes};
    if (!err && strcmp(executor, "interp") != 0)
        err = conf_device_open(&p, runs, v->case_count, executor, true, &d, why);
    if (!err)
        err = run_cases(v, &p, d, out, arena, why);
    if (err && !out->why)
        out->why = arena_strdup(arena, why);
    conf_device_close(d);
    conf_program_close(&p);
}

void vector_run(const struct vector *v, const char *executor, bool plugin, struct arena *arena,
                struct vector_result *out)
{
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object = wrap(v, arena, &sink);
    struct job *job = object ? job_open(object, &object->progs[0], NULL, arena) : NULL;
    const bool accepted = job && !job_do(job, JOB_VERIFY);

    *out = (struct vector_result){.mode = accepted && !plugin ? "xdp" : "plug-in",
                                  .executor = executor};
    if (accepted && !plugin) {
        run_xdp(v, job, exec_find(executor), arena, out);
    } else if (strcmp(executor, "kernel") == 0) {
        char why[EXEC_WHY_BYTES];

        exec_why(why, job ? job_reason(job, JOB_VERIFY) : diag_first_error(&sink), -EINVAL);
        out->mode = "xdp";
        out->why = arena_strdup(arena, why);
    } else {
        run_plugin(v, executor, arena, out);
    }
}
