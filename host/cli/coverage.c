/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/coverage.h"

#include "host/cli/cli.h"
#include "host/ctl/exec_interp.h"
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/vm/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 1024, KEY_SLOTS = 4096, NEVER = -1 };

/* How often something happened, and in which packet first. */
struct tally {
    uint64_t times;
    int64_t first; /* NEVER: not so far */
};

/* One of the object's programs: it ran first, or another went on in it. */
struct counted {
    const struct vm_program *program; /* interp's own; NULL: has not run */
    struct tally *runs;               /* of each instruction */
    struct tally *jumps;              /* conditional ones that jumped ... */
    struct tally *falls;              /* ... and that did not */
};

/* The first KEYS different keys that a map was asked for. */
struct keys {
    uint8_t *bytes; /* NULL: none so far */
    uint32_t count;
    uint16_t slots[KEY_SLOTS]; /* number + 1 */
};

struct coverage {
    struct exec *interp;
    struct vm_observer observer;
    struct counted *programs; /* by number in the object */
    struct keys *keys;        /* by map */
    int64_t packet;           /* that runs */
    struct counted *last;     /* the conditional jump that was executed last, if it was one ... */
    uint32_t last_insn;
    uint32_t last_depth;
    bool failed; /* no memory for the counts of a program */
};

static bool is_branch(const struct ebpf_insn *insn)
{
    const uint8_t class = insn->opcode & 0x07;
    const uint8_t op = insn->opcode & 0xf0;

    return (class == EBPF_CLASS_JMP || class == EBPF_CLASS_JMP32) && op != EBPF_JMP_JA &&
           op != EBPF_JMP_CALL && op != EBPF_JMP_EXIT;
}

static struct tally *tallies(uint32_t count)
{
    struct tally *t = calloc(count, sizeof(*t));

    for (uint32_t i = 0; t && i < count; i++)
        t[i].first = NEVER;
    return t;
}

static void count(const struct coverage *c, struct tally *tally)
{
    if (!tally->times++)
        tally->first = c->packet;
}

static struct counted *find(struct coverage *c, const struct vm_program *program)
{
    const struct load_object *o = c->interp->job->object;

    for (uint32_t i = 0; i < o->prog_count; i++) {
        struct counted *p = &c->programs[i];

        if (o->progs[i].insns != program->insns)
            continue;
        if (!p->program) {
            p->runs = tallies(program->insn_count);
            p->jumps = tallies(program->insn_count);
            p->falls = tallies(program->insn_count);
            p->program = program;
        }
        return p->runs && p->jumps && p->falls ? p : NULL;
    }
    return NULL;
}

static bool keep_key(struct keys *keys, const uint8_t *key, uint32_t bytes)
{
    uint32_t slot = 0;

    if (!keys->bytes)
        keys->bytes = calloc(KEYS, bytes);
    if (!keys->bytes)
        return false;
    for (uint32_t i = 0; i < bytes; i++)
        slot = slot * 31 + key[i];
    for (slot %= KEY_SLOTS; keys->slots[slot]; slot = (slot + 1) % KEY_SLOTS)
        if (!memcmp(keys->bytes + (size_t)(keys->slots[slot] - 1) * bytes, key, bytes))
            return true;
    if (keys->count < KEYS) {
        memcpy(keys->bytes + (size_t)keys->count * bytes, key, bytes);
        keys->slots[slot] = (uint16_t)++keys->count;
    }
    return true;
}

/* A helper that takes a map and a key. */
static bool keep_call(struct coverage *c, const struct vm *vm, const struct ebpf_insn *insn)
{
    const struct load_object *o = c->interp->job->object;
    const struct spec_helper_row *row = spec_helper_find(insn->imm);
    const uint64_t map = vm->r[1] - VM_MAP_HANDLE;

    if (insn->opcode != ((int)EBPF_CLASS_JMP | EBPF_JMP_CALL) || insn->src || !row ||
        row->args[0] != SPEC_ARG_MAP || row->args[1] != SPEC_ARG_KEY || map >= o->map_count)
        return true;
    return keep_key(&c->keys[map], (const uint8_t *)(uintptr_t)vm->r[2], o->maps[map].key_bytes);
}

static void before(void *ctx, const struct vm *vm)
{
    struct coverage *c = ctx;
    const struct ebpf_insn *insn = &vm->program->insns[vm->pc];
    struct counted *p = c->last;

    c->packet += !vm->insns; /* the first instruction of a packet */
    if (p && p->program == vm->program && c->last_depth == vm->depth)
        count(c, &(vm->pc == c->last_insn + 1 ? p->falls : p->jumps)[c->last_insn]);
    c->last = NULL;
    p = find(c, vm->program);
    if (!p || !keep_call(c, vm, insn)) {
        c->failed = true;
        return;
    }
    count(c, &p->runs[vm->pc]);
    if (is_branch(insn)) {
        c->last = p;
        c->last_insn = vm->pc;
        c->last_depth = vm->depth;
    }
}

struct coverage *coverage_open(struct exec *interp)
{
    struct coverage *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->interp = interp;
    c->packet = NEVER;
    c->programs = calloc(interp->job->object->prog_count, sizeof(*c->programs));
    c->keys = calloc(interp->job->object->map_count + 1, sizeof(*c->keys));
    if (!c->programs || !c->keys) {
        coverage_close(c);
        return NULL;
    }
    c->observer = (struct vm_observer){c, before, true};
    exec_interp_observe(interp, &c->observer);
    return c;
}

void coverage_close(struct coverage *coverage)
{
    const struct load_object *o;

    if (!coverage)
        return;
    o = coverage->interp->job->object;
    exec_interp_observe(coverage->interp, NULL);
    for (uint32_t i = 0; coverage->programs && i < o->prog_count; i++) {
        free(coverage->programs[i].runs);
        free(coverage->programs[i].jumps);
        free(coverage->programs[i].falls);
    }
    for (uint32_t i = 0; coverage->keys && i < o->map_count; i++)
        free(coverage->keys[i].bytes);
    free(coverage->programs);
    free(coverage->keys);
    free(coverage);
}

/* What the verifier found possible of an instruction, in any call. */
static struct verify_fact possible(const struct job *job, uint32_t insn)
{
    struct verify_fact any = {0};

    for (uint32_t i = 0; i < job->facts->context_count; i++) {
        const struct verify_context *context = &job->facts->contexts[i];
        const struct load_subprog *s = &job->prog->subprogs[context->subprog];

        if (insn < s->start || insn - s->start >= s->count)
            continue;
        any.reached |= context->facts[insn - s->start].reached;
        any.jumps |= context->facts[insn - s->start].jumps;
        any.falls_through |= context->facts[insn - s->start].falls_through;
    }
    return any;
}

/* What may happen, and what did. */
struct sums {
    uint32_t reachable, executed;
    uint32_t ways, taken; /* out of conditional jumps */
};

static json_t *tally_json(const struct tally *t)
{
    return json_pack("[I, I]", (json_int_t)t->times, (json_int_t)t->first);
}

/* Times and first packet of an instruction; of both ways out of a conditional jump, null for one
 * that can't be. */
static json_t *insn_json(const struct job *job, const struct counted *p, uint32_t i,
                         struct sums *sums)
{
    const struct verify_fact may = possible(job, i);

    if (!may.reached)
        return json_null();
    sums->reachable++;
    sums->executed += p->runs[i].times ? 1 : 0;
    if (!is_branch(&job->prog->insns[i]))
        return tally_json(&p->runs[i]);
    sums->ways += (may.jumps ? 1u : 0) + (may.falls_through ? 1u : 0);
    sums->taken += (may.jumps && p->jumps[i].times ? 1u : 0) +
                   (may.falls_through && p->falls[i].times ? 1u : 0);
    return json_pack("[o, o]", may.jumps ? tally_json(&p->jumps[i]) : json_null(),
                     may.falls_through ? tally_json(&p->falls[i]) : json_null());
}

static json_t *program_json(const struct job *job, const struct counted *p)
{
    json_t *insns = json_array();
    struct sums sums = {0};

    for (uint32_t i = 0; i < job->prog->insn_count; i++)
        json_array_append_new(insns, insn_json(job, p, i, &sums));
    return json_pack("{s:o, s:i, s:i, s:i, s:i, s:o}", "name", cli_json_text(job->prog->name),
                     "reachable", (int)sums.reachable, "executed", (int)sums.executed, "ways",
                     (int)sums.ways, "taken", (int)sums.taken, "insns", insns);
}

static json_t *keys_json(const struct keys *keys, uint32_t bytes)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < keys->count; i++) {
        char text[2 * 512 + 1];

        for (uint32_t b = 0; b < bytes && b < 512; b++)
            snprintf(text + 2 * b, 3, "%02x", keys->bytes[(size_t)i * bytes + b]);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

/* The document; a value that could not be made for lack of memory makes json_dumpf fail. */
static json_t *document(const struct coverage *c)
{
    struct job *job = c->interp->job;
    json_t *programs = json_array(), *keys = json_object();

    for (uint32_t i = 0; i < job->object->prog_count; i++) {
        const struct job *its = &job->object->progs[i] == job->prog ? job : job_other(job, i);

        if (c->programs[i].program)
            json_array_append_new(programs, program_json(its, &c->programs[i]));
    }
    for (uint32_t i = 0; i < job->object->map_count; i++)
        if (c->keys[i].count)
            json_object_set_new(keys, job->object->maps[i].name,
                                keys_json(&c->keys[i], job->object->maps[i].key_bytes));
    return json_pack("{s:o, s:o}", "programs", programs, "keys", keys);
}

int coverage_write(FILE *file, const struct coverage *coverage)
{
    json_t *j = coverage->failed ? NULL : document(coverage);
    int err = j ? 0 : -ENOMEM;

    errno = 0;
    if (!err && (json_dumpf(j, file, JSON_COMPACT) || fputc('\n', file) == EOF))
        err = errno ? -errno : -EIO;
    json_decref(j);
    return err;
}
