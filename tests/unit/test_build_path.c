/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/build.h"
#include "compiler/microcode/microcode.h"
#include "compiler/opt/opt.h"
#include "compiler/pipeline/pipeline.h"
#include "tests/common/assembled.h"
#include "tests/common/test_map.h"

#include "compiler/ebpf/ebpf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Where packets leave for the host: a branch to a call that no hardware has, with one thing or
 * another before it. */

enum { ARRAY, HASH, LRU, RING, OTHER };

static const struct load_map maps[] = {
    [ARRAY] = TEST_MAP("array", SPEC_MAP_ARRAY, 4, 8, 16),
    [HASH] = TEST_MAP("hash", SPEC_MAP_HASH, 4, 8, 16),
    [LRU] = TEST_MAP("lru", SPEC_MAP_LRU_HASH, 4, 8, 16),
    [RING] = TEST_MAP("ring", SPEC_MAP_RINGBUF, 0, 0, 4096),
    [OTHER] = TEST_MAP("other", SPEC_MAP_ARRAY, 4, 8, 16),
};

#define MARK UINT64_C(0x0123456789abcdef)

static int build(struct assembled *t, const char *text, bool paths)
{
    struct ir_part part;
    const struct ir_tails tails = {.parts = &part, .part_count = 1, .paths = paths, .mark = MARK};
    int err;

    assembled_open(t, maps, sizeof(maps) / sizeof(*maps));
    assembled_verify(t, text);
    part = (struct ir_part){&t->prog, t->facts};
    err = ir_build_tails(&t->object, &tails, t->arena, &t->sink, &t->f);
    if (!err)
        assert_int_equal(ir_check(t->f, &t->sink), 0);
    return err;
}

#define KEY(map) "r1 = 0\n*(u32 *)(r10 -4) = r1\nr1 = map[" #map "] ll\nr2 = r10\nr2 += -4\n"
#define LOOK_UP(map) KEY(map) "call bpf_map_lookup_elem#1\n"
#define UPDATE(map) KEY(map) "r3 = r10\nr3 += -24\nr4 = 0\ncall bpf_map_update_elem#2\n"
/* Instructions 0 to 4, and more if there is some; then what comes before the branch ... */
#define FIRST(more)                                                                                \
    "r6 = r1\nr1 = 0\n*(u64 *)(r10 -24) = r1\n" more                                               \
    "r2 = *(u32 *)(r6 +16)\nif r2 > 3 goto pc+2\nr0 = 2\nexit\n"
#define SECOND 7
/* ... and the branch and the call; what comes behind it ends the program. */
#define RARE "r2 = *(u32 *)(r6 +12)\nif r2 > 9 goto pc+2\nr0 = 1\nexit\n"
#define RARE_AT 4
#define CALL                                                                                       \
    "r1 = 49\n*(u64 *)(r10 -8) = r1\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\n"    \
    "call bpf_strtol#105\n"
#define END "r0 = 2\nexit\n"

enum where { AT_BRANCH, BEFORE_IT, NOWHERE };

static const struct {
    const char *name;
    const char *first;  /* in the first block */
    const char *before; /* in the second */
    const char *behind; /* the call */
    enum where where;
    uint64_t maps, changed;
} cases[] = {
    {"nothing", "", "", "", AT_BRANCH, 0, 0},
    {"time and chance", "", "call bpf_ktime_get_ns#5\ncall bpf_get_prandom_u32#7\n", "", AT_BRANCH,
     0, 0},
    {"look-up", "", LOOK_UP(1) "r7 = r0\n", "", AT_BRANCH, 1 << HASH, 0},
    {"load", "", LOOK_UP(0) "if r0 == 0 goto pc+1\nr7 = *(u64 *)(r0 +0)\n", "", AT_BRANCH,
     1 << ARRAY, 0},
    {"store to a map", "", LOOK_UP(1) "if r0 == 0 goto pc+2\nr1 = 1\n*(u64 *)(r0 +0) = r1\n", "",
     BEFORE_IT, 1 << HASH, 1 << HASH},
    {"atomic", "", LOOK_UP(1) "if r0 == 0 goto pc+2\nr1 = 1\nlock *(u64 *)(r0 +0) += r1\n", "",
     BEFORE_IT, 1 << HASH, 1 << HASH},
    {"update", "", UPDATE(1), "", BEFORE_IT, 1 << HASH, 1 << HASH},
    {"delete", "", KEY(1) "call bpf_map_delete_elem#3\n", "", BEFORE_IT, 1 << HASH, 1 << HASH},
    {"packet moved", "", "r1 = r6\nr2 = 0\ncall bpf_xdp_adjust_head#44\n", "", BEFORE_IT, 0, 0},
    {"packet shortened", "", "r1 = r6\nr2 = 0\ncall bpf_xdp_adjust_tail#65\n", "", BEFORE_IT, 0, 0},
    {"redirect", "", "r1 = 1\nr2 = 0\ncall bpf_redirect#23\n", "", BEFORE_IT, 0, 0},
    {"packet written", "",
     "r1 = *(u32 *)(r6 +0)\nr2 = *(u32 *)(r6 +4)\nr3 = r1\nr3 += 14\nif r3 > r2 goto pc+2\n"
     "r4 = 1\n*(u8 *)(r1 +0) = r4\n",
     "", BEFORE_IT, 0, 0},
    {"effect at first", UPDATE(1), "", "", NOWHERE, 0, 0},
    {"LRU order", LOOK_UP(2), "", "", NOWHERE, 0, 0},
    {"LRU behind", "", "", LOOK_UP(2), NOWHERE, 0, 0},
    {"event behind", "", "",
     "r1 = map[3] ll\nr2 = r10\nr2 += -24\nr3 = 8\nr4 = 0\n"
     "call bpf_ringbuf_output#130\n",
     NOWHERE, 0, 0},
    {"update behind", "", LOOK_UP(0), UPDATE(1), AT_BRANCH, 1 << ARRAY | 1 << HASH, 1 << HASH},
};

static uint32_t count_of(const char *text)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ebpf_insn *insns;
    uint32_t count = 0;

    if (*text)
        assert_int_equal(ebpf_asm(text, "text", NULL, arena, &sink, &insns, &count), 0);
    arena_close(arena);
    return count;
}

static const struct ir_insn *host_of(const struct ir_func *f)
{
    for (ir_block b = 0; b < f->block_count; b++)
        for (uint32_t i = 0; i < f->blocks[b].count; i++)
            if (f->insns[f->blocks[b].insns[i]].op == IR_HOST)
                return &f->insns[f->blocks[b].insns[i]];
    return NULL;
}

static void test_build_path_leaves_before_any_effect(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const uint32_t second = SECOND + count_of(cases[i].first);
        const uint32_t pc =
            cases[i].where == BEFORE_IT ? second : second + count_of(cases[i].before) + RARE_AT;
        const struct ir_insn *host;
        char text[2048];
        struct assembled t;
        int err;

        snprintf(text, sizeof(text), FIRST("%s") "%s" RARE CALL "%s" END, cases[i].first,
                 cases[i].before, cases[i].behind);
        err = build(&t, text, true);
        if (err != (cases[i].where == NOWHERE ? -ENOTSUP : 0) ||
            (!err && t.f->path_count && t.f->paths[0].pc != pc))
            fail_msg("%s: %d, at %u instead of %u", cases[i].name, err, err ? 0 : t.f->paths[0].pc,
                     pc);
        if (cases[i].where == NOWHERE) {
            assert_int_equal(t.sink.errors, 1);
            assert_string_equal(t.sink.records[0].code, "IRB0009");
            assembled_close(&t);
            continue;
        }
        assert_int_equal(t.f->path_count, 1);
        assert_string_equal(t.f->paths[0].reason->code, "IRB0009");
        host = host_of(t.f);
        assert_non_null(host);
        assert_int_equal(t.f->insns[host->args[0]].imm, cases[i].maps);
        assert_int_equal(t.f->insns[host->args[1]].imm, cases[i].changed);
        assembled_close(&t);
    }
}

static void test_build_path_not_asked_for_refused(void **state)
{
    struct assembled t;

    (void)state;
    assert_int_equal(build(&t, FIRST("") RARE CALL END, false), -ENOTSUP);
    assembled_close(&t);
}

/* A counter that is only added to needs no token, unless the host may read and write it. */
static void test_build_path_maps_of_the_host_need_tokens(void **state)
{
    static const char count[] =
        LOOK_UP(4) "if r0 == 0 goto pc+2\nr1 = 1\nlock *(u64 *)(r0 +0) += r1\nr0 = 2\nexit\n";
    static const struct {
        const char *behind;
        bool token;
    } programs[] = {{LOOK_UP(0), false},
                    {LOOK_UP(4) "if r0 == 0 goto pc+1\nr7 = *(u64 *)(r0 +0)\n", true}};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        const struct ucode_image *image;
        uint32_t needs = 0;
        char text[2048];
        struct assembled t;

        /* if r2 > 9 past the count */
        snprintf(text, sizeof(text),
                 FIRST("") "r2 = *(u32 *)(r6 +12)\nif r2 > 9 goto pc+%u\n%s" CALL "%s" END,
                 count_of(count), count, programs[i].behind);
        assert_int_equal(build(&t, text, true), 0);
        assert_int_equal(opt_run(t.f, NULL, &t.sink), 0);
        assert_int_equal(ucode_compile(t.f, t.arena, &t.sink, &image), 0);
        assert_int_equal(image->tokens != 0, programs[i].token);
        for (uint32_t r = 0; r < image->row_count; r++)
            needs += image->rows[r].need != 0;
        assert_int_equal(needs > 1, programs[i].token); /* the addition and the end */
        assembled_close(&t);
    }
}

static void test_build_path_pipeline_refused(void **state)
{
    const struct pipe_design *design;
    struct assembled t;

    (void)state;
    assert_int_equal(build(&t, FIRST("") RARE CALL END, true), 0);
    assert_int_equal(opt_run(t.f, NULL, &t.sink), 0);
    assert_int_equal(pipe_compile(t.f, NULL, t.arena, &t.sink, &design), -ENOTSUP);
    assert_string_equal(diag_first_error(&t.sink)->code, "PIPE0010");
    assembled_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_path_leaves_before_any_effect),
        cmocka_unit_test(test_build_path_not_asked_for_refused),
        cmocka_unit_test(test_build_path_maps_of_the_host_need_tokens),
        cmocka_unit_test(test_build_path_pipeline_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
