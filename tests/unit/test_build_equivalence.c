/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "hw/spec/gen/helpers.h"
#include "tests/common/program_check.h"
#include "tests/common/skip.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Real programs: what the builder and the passes make of them does to random packets and maps what
 * the interpreter does. BUILD_SEED=N starts at another seed, BUILD_PACKETS=N runs more packets,
 * BUILD_VERBOSE=1 prints sizes. */

static const struct {
    const char *clang;
    const char *cpu;
} targets[] = {{"clang-14", "v2"}, {"clang-14", "v3"}, {"clang-19", "v3"}, {"clang-19", "v4"}};

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint32_t instructions(const struct ir_func *f)
{
    uint32_t n = 0;

    for (ir_block b = 0; b < f->block_count; b++)
        for (uint32_t i = 0; i < f->blocks[b].count; i++)
            n += f->insns[f->blocks[b].insns[i]].op != IR_CONST;
    return n;
}

static void report_size(const char *title, const struct program_check *c)
{
    if (!getenv("BUILD_VERBOSE"))
        return;
    if (!c->built)
        fprintf(stderr, "%-32s %-24s refused: %s\n", title, c->prog->name,
                c->sink.records[0].message);
    else
        fprintf(stderr,
                "%-32s %-24s ebpf %4u built %4u (%3u blocks) optimised %4u (%3u blocks) stack %u\n",
                title, c->prog->name, c->prog->insn_count, instructions(c->built),
                c->built->block_count, instructions(c->optimised), c->optimised->block_count,
                c->optimised->stack_bytes);
}

/* Has it a call that no hardware makes, or one of another program? The former run in software
 * (tests/e2e/larger.py lists which), the latter are built together (test_tail.c). */
static bool calls_others(const struct load_prog *prog)
{
    for (uint32_t i = 0; i < prog->insn_count; i += ebpf_slots(&prog->insns[i])) {
        const struct spec_helper_row *row =
            ebpf_is_helper_call(&prog->insns[i]) ? spec_helper_find(prog->insns[i].imm) : NULL;

        if (row && (row->hw == SPEC_HELPER_HW_NONE || row->num == SPEC_HELPER_TAIL_CALL))
            return true;
    }
    return false;
}

/* All programs of an object. Returns how many ran; a program that the verifier refuses by name is
 * none. */
static uint32_t check_object(const char *title, const char *path, bool must_build)
{
    const uint64_t seed = number_from("BUILD_SEED", 1);
    const uint32_t packets = (uint32_t)number_from("BUILD_PACKETS", 400);
    uint32_t ran = 0;

    for (uint32_t i = 0;; i++) {
        struct program_check c;
        const int err = program_check_open(&c, path, i);

        if (err == -ENOENT) {
            program_check_close(&c);
            return ran;
        }
        if (err && (err != -ENOTSUP || must_build))
            fail_msg("%s, program %u: %s", title, i,
                     c.sink.count ? c.sink.records[0].message : "?");
        if (!err)
            report_size(title, &c);
        if (!err && must_build && !c.built && !calls_others(c.prog))
            fail_msg("%s: %s", title, c.sink.records[0].message);
        for (uint64_t k = 0; !err && c.built && k < 4; k++)
            if (!program_check_run(&c, packets / 4, seed + k))
                fail_msg("%s, seed %llu: %s", title, (unsigned long long)(seed + k), c.report);
        ran += !err && c.built;
        program_check_close(&c);
        if (err == -ENOTSUP && !c.prog)
            return ran; /* the loader refuses the whole object */
    }
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* Every source of a folder, for every target that this machine compiles for. */
static uint32_t check_sources(const char *folder, const char *end)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    uint32_t ran = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (!ends_with(entry->d_name, end))
            continue;
        for (size_t t = 0; t < sizeof(targets) / sizeof(*targets); t++) {
            char source[1024];
            char title[256];
            char object[64];

            snprintf(source, sizeof(source), "%s/%s", folder, entry->d_name);
            snprintf(title, sizeof(title), "%.200s %s %s", entry->d_name, targets[t].clang,
                     targets[t].cpu);
            if (!program_compile(targets[t].clang, targets[t].cpu, source, object, sizeof(object)))
                continue;
            ran += check_object(title, object, true);
            unlink(object);
        }
    }
    closedir(dir);
    return ran;
}

static void test_build_examples_behave_as_interpreted(void **state)
{
    (void)state;
    assert_true(check_sources(SLUICE_SOURCE_ROOT "/examples", ".bpf.c") > 0);
}

static void test_build_helpers_behave_as_interpreted(void **state)
{
    (void)state;
    assert_true(check_sources(SLUICE_SOURCE_ROOT "/tests/progs/build", ".c") > 0);
}

static void test_build_installed_objects_behave_as_interpreted(void **state)
{
    const char *folder = "/usr/lib/x86_64-linux-gnu/bpf";
    DIR *dir = opendir(folder);
    struct dirent *entry;

    (void)state;
    if (!dir)
        skip_because("no objects in %s: xdp-tools is not installed", folder);
    while ((entry = readdir(dir))) {
        char path[1024];

        if (!ends_with(entry->d_name, ".o") || strncmp(entry->d_name, "xdpfilt_", 8) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check_object(entry->d_name, path, false);
    }
    closedir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_examples_behave_as_interpreted),
        cmocka_unit_test(test_build_helpers_behave_as_interpreted),
        cmocka_unit_test(test_build_installed_objects_behave_as_interpreted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
