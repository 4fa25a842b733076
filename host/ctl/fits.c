/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "host/ctl/executor.h"
#include "hw/spec/gen/helpers.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>
#include <stdio.h>

/* What the verifier knows and an executor does not have. */

static int lacks(const struct job *job, uint32_t insn, const char *what, const char *executor,
                 char why[EXEC_WHY_BYTES])
{
    char text[200];
    const struct diag d = {.severity = DIAG_ERROR,
                           .code = "FIT0001",
                           .where = load_where(job->object, job->prog, insn),
                           .message = text};

    snprintf(text, sizeof(text), "%s is not available on %s", what, executor);
    exec_why(why, &d, -ENOTSUP);
    return -ENOTSUP;
}

/* The instruction's facts in a context, or NULL. */
static const struct verify_fact *fact_in(const struct job *job, uint32_t context, uint32_t insn)
{
    const struct verify_context *c = &job->facts->contexts[context];
    const struct load_subprog *sub = &job->prog->subprogs[c->subprog];

    return insn >= sub->start && insn < sub->start + sub->count ? &c->facts[insn - sub->start]
                                                                : NULL;
}

/* Whether a way of the program leads to an instruction. */
static bool is_reached(const struct job *job, uint32_t insn)
{
    for (uint32_t c = 0; c < job->facts->context_count; c++) {
        const struct verify_fact *f = fact_in(job, c, insn);

        if (f && f->reached)
            return true;
    }
    return false;
}

int exec_fits_any(const struct job *job, const char *executor, char why[EXEC_WHY_BYTES])
{
    for (uint32_t at = 0; at < job->prog->insn_count; at += ebpf_slots(&job->prog->insns[at]))
        for (uint32_t c = 0; c < job->facts->context_count; c++) {
            const struct verify_fact *f = fact_in(job, c, at);

            if (f && f->reads_target)
                return lacks(job, at, "what a redirect target consists of", executor, why);
        }
    return 0;
}

static int check_insn(const struct job *job, uint32_t at, const char *executor,
                      char why[EXEC_WHY_BYTES])
{
    const struct ebpf_insn *i = &job->prog->insns[at];
    const struct spec_helper_row *row = ebpf_is_helper_call(i) ? spec_helper_find(i->imm) : NULL;
    const struct load_map *m = NULL;
    char what[120];

    if (row && !row->soft) {
        snprintf(what, sizeof(what), "helper bpf_%s", row->name);
        return lacks(job, at, what, executor, why);
    }
    if (ebpf_is_ld_imm64(i) && (i->src == EBPF_PSEUDO_MAP_FD || i->src == EBPF_PSEUDO_MAP_VALUE))
        m = &job->object->maps[i->imm];
    if (!m || m->type >= SPEC_MAP_COUNT || spec_map_type_table[m->type].soft)
        return 0;
    snprintf(what, sizeof(what), "map %.64s, of type %s,", m->name,
             spec_map_type_table[m->type].name);
    return lacks(job, at, what, executor, why);
}

int exec_fits_software(const struct job *job, const char *executor, char why[EXEC_WHY_BYTES])
{
    int err = exec_fits_any(job, executor, why);

    for (uint32_t at = 0; at < job->prog->insn_count && !err;
         at += ebpf_slots(&job->prog->insns[at]))
        if (is_reached(job, at))
            err = check_insn(job, at, executor, why);
    return err;
}
