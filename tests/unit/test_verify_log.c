/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/verify.h"
#include "hw/spec/gen/helpers.h"
#include "tests/common/linux_verdict.h"
#include "tests/common/skip.h"
#include "tests/fuzz/diff/gen.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

/* What we know is what Linux knows: of random programs, what our log says of registers after each
 * instruction is what Linux's log of level 2 says, until their ways part (which state covers which
 * differs). Left out is what is said on purpose of other things: numbers of ids, names of maps,
 * ends of packets (RANGE_BEYOND_END), what Linux takes for precise, its number of CPUs.
 *
 * VERIFY_PROGRAMS sets how many programs, VERIFY_SEED the first. */

enum { PROGRAMS = 300, VALUE_BYTES = 400, LINE_BYTES = 4000 };

struct line {
    char text[LINE_BYTES];
    uint32_t insn;
    const char *state; /* what follows the semicolon, or "" */
};

/* The next line of a log that is an instruction; false where it ends, or a way was explored before.
 */
static bool next_line(const char **at, struct line *l)
{
    while (**at) {
        const size_t n = strcspn(*at, "\n");
        const size_t kept = n < LINE_BYTES ? n : LINE_BYTES - 1;
        char *rest;

        memcpy(l->text, *at, kept);
        l->text[kept] = 0;
        *at += n + ((*at)[n] == '\n');
        if (strstr(l->text, ": safe"))
            return false;
        l->insn = (uint32_t)strtoul(l->text, &rest, 10);
        if (!isdigit((unsigned char)l->text[0]) || strncmp(rest, ": (", 3) != 0 ||
            strlen(rest) < 6 || rest[5] != ')')
            continue;
        rest = strstr(rest, " ; ");
        l->state = rest ? rest + 2 : "";
        return true;
    }
    return false;
}

/* Cuts "key...," or ",key..." out of brackets. */
static void cut(char *value, const char *key)
{
    char *at = strstr(value, key);

    if (!at || (at[-1] != '(' && at[-1] != ','))
        return;
    const size_t n = strcspn(at, ",)");

    memmove(at, at + n + (at[n] == ','), strlen(at + n + (at[n] == ',')) + 1);
}

/* What is said of a register; false if nothing is, or nothing that is compared. */
static bool value_of(const char *state, uint32_t r, char value[VALUE_BYTES])
{
    char name[16];
    const char *at, *end;
    size_t n;

    snprintf(name, sizeof(name), " R%u=", r);
    at = strstr(state, name);
    if (!at)
        return false;
    at += strlen(name);
    at += *at == 'P' ? 1 : 0;
    for (end = at; *end && strncmp(end, " R", 2) && strncmp(end, " fp", 3) &&
                   strncmp(end, " refs", 5) && strncmp(end, " cb", 3);)
        end++;
    n = (size_t)(end - at) < VALUE_BYTES ? (size_t)(end - at) : VALUE_BYTES - 1;
    memcpy(value, at, n);
    value[n] = 0;
    cut(value, "id=");
    cut(value, "ref_obj_id=");
    cut(value, "map=");
    return !strstr(value, "map_ptr_or_null") && !strstr(value, "r=-") &&
           !strstr(value, "r=0xffffffff");
}

/* Linux refines a register that is compared with itself, and knows how many CPUs it has. */
static bool is_special(const struct ebpf_insn *i)
{
    return (ebpf_is_cond_jump(i) && ebpf_src_is_reg(i) && i->dst == i->src) ||
           (ebpf_is_helper_call(i) &&
            (i->imm == SPEC_HELPER_GET_SMP_PROCESSOR_ID || i->imm == SPEC_HELPER_XDP_LOAD_BYTES));
}

/* Copies of one number are compared: what is said of the way that no run takes differs. */
static bool compares_copies(const char *state)
{
    const char *first = strstr(state, "id=");
    const char *second = first ? strstr(first + 1, "id=") : NULL;

    return second && strtoul(first + 3, NULL, 10) == strtoul(second + 3, NULL, 10);
}

/* Linux 6.18.y goes on twice, once for each, where some bits of -1 or 0 are taken. */
static bool forks(const struct ebpf_insn *i, char last[EBPF_REGS][VALUE_BYTES])
{
    return ebpf_is_alu(i) && !ebpf_src_is_reg(i) &&
           (ebpf_code_of(i) == EBPF_ALU_AND || ebpf_code_of(i) == EBPF_ALU_OR) &&
           strstr(last[i->dst], "-1,smax=smax32=0");
}

/* Some register is another one plus a constant. Linux follows 32-bit sums too (since 6.18.y). */
static bool has_distance(const char *state)
{
    for (const char *at = strstr(state, "id="); at; at = strstr(at + 1, "id=")) {
        const char c = at[3 + strspn(at + 3, "0123456789")];

        if (c == '+' || c == '-')
            return true;
    }
    return false;
}

/* Returns how many registers were compared. */
static uint32_t compare_logs(uint64_t seed, const struct load_prog *prog, const char *ours,
                             const char *theirs)
{
    static struct line a, b;
    static char last[EBPF_REGS][VALUE_BYTES];
    uint32_t compared = 0;

    memset(last, 0, sizeof(last));
    while (next_line(&ours, &a) && next_line(&theirs, &b) && a.insn == b.insn &&
           !is_special(&prog->insns[a.insn]) && !forks(&prog->insns[a.insn], last) &&
           !(ebpf_is_cond_jump(&prog->insns[a.insn]) && compares_copies(a.state)) &&
           has_distance(a.state) == has_distance(b.state))
        for (uint32_t r = 0; r < EBPF_REG_FP; r++) {
            char x[VALUE_BYTES], y[VALUE_BYTES];

            if (!value_of(a.state, r, x) || !value_of(b.state, r, y))
                continue;
            compared++;
            memcpy(last[r], x, VALUE_BYTES);
            if (strcmp(x, y) != 0)
                fail_msg("seed %llu, instruction %u: r%u is %s to us, %s to Linux",
                         (unsigned long long)seed, a.insn, r, x, y);
        }
    return compared;
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
    const char *value = getenv(name);

    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

static uint32_t compare_program(struct gen *gen, uint64_t seed)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct diff_case *c = gen_case(gen, seed, GEN_ANY, 1, arena);
    const struct verify_result *result;
    char *ours = NULL, *theirs;
    size_t bytes;
    FILE *log = open_memstream(&ours, &bytes);
    const struct verify_options options = {.size = sizeof(options), .log = log};
    int fds[SPEC_MAPS];
    uint32_t compared;

    assert_non_null(log);
    assert_int_equal(verify_program(&c->object, &c->prog, &options, arena, &sink, &result), 0);
    fclose(log);
    verdict_open_maps(&c->object, fds);
    theirs = verdict_log(&c->object, &c->prog, fds);
    verdict_close_maps(&c->object, fds);
    assert_non_null(theirs);
    compared = compare_logs(seed, &c->prog, ours, theirs);
    free(ours);
    free(theirs);
    arena_close(arena);
    return compared;
}

static void test_verify_log_random_programs_says_what_linux_says(void **state)
{
    const uint32_t programs = setting("VERIFY_PROGRAMS", PROGRAMS);
    const uint64_t first = setting("VERIFY_SEED", 1);
    struct utsname u;
    struct gen *gen;
    const char *why;
    uint32_t compared = 0;

    (void)state;
    if (uname(&u) || strncmp(u.release, "6.18.", 5) != 0)
        skip_because("this is not Linux 6.18: another one may know more or less");
    if (!verdict_kernel_is_here(&why))
        skip_because("no bpf() here: %s", why);
    gen = gen_open();
    for (uint32_t i = 0; i < programs; i++)
        compared += compare_program(gen, first + i);
    printf("%u programs, %u registers compared\n", programs, compared);
    assert_true(compared > programs * 10);
    gen_close(gen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_log_random_programs_says_what_linux_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
