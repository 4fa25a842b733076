/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"
#include "tests/common/skip.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Objects as compilers make them: tests/progs/load and examples by each clang that is here, for
 * each instruction set, with and without -g; and what xdp-tools installs. What they become is
 * compared with what libbpf makes of them, where the machine allows bpf(). */

struct target {
    const char *clang;
    const char *cpu;
};

static const struct target targets[] = {
    {"clang-14", "v1"}, {"clang-14", "v2"}, {"clang-14", "v3"}, {"clang-19", "v1"},
    {"clang-19", "v2"}, {"clang-19", "v3"}, {"clang-19", "v4"},
};
enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

static char folder[] = "/tmp/test_load_clang.XXXXXX";

static bool has_clang(const char *clang)
{
    char command[128];

    snprintf(command, sizeof(command), "command -v %s >/dev/null", clang);
    return system(command) == 0;
}

struct loaded {
    struct arena *arena;
    struct diag_sink sink;
    const struct load_object *object;
    char path[128];
    int err;
};

/* Compiles a source (below the project's root) and loads it. */
static struct loaded compile(const struct target *t, const char *source, const char *options)
{
    struct loaded l = {.arena = arena_open()};
    char command[1024];

    snprintf(l.path, sizeof(l.path), "%s/object.o", folder);
    snprintf(command, sizeof(command),
             "%s -O2 -Wall -target bpf -mcpu=%s %s -I/usr/include/$(gcc -print-multiarch) "
             "-c '%s/%s' -o %s",
             t->clang, t->cpu, options, SLUICE_SOURCE_ROOT, source, l.path);
    if (system(command))
        fail_msg("%s", command);
    l.sink = diag_sink_make(l.arena);
    l.err = load_object(l.path, NULL, l.arena, &l.sink, &l.object);
    return l;
}

static struct loaded compile_well(const struct target *t, const char *source, const char *options)
{
    struct loaded l = compile(t, source, options);

    if (l.err) {
        diag_write(stderr, diag_first_error(&l.sink));
        fail_msg("%s %s %s %s", t->clang, t->cpu, source, options);
    }
    return l;
}

static void compile_refused(const struct target *t, const char *source, const char *options,
                            const char *code, const char *text)
{
    struct loaded l = compile(t, source, options);
    const struct diag *d = diag_first_error(&l.sink);

    assert_int_equal(l.err, -ENOTSUP);
    if (strcmp(d->code, code) != 0 || !strstr(d->message, text)) {
        diag_write(stderr, d);
        fail_msg("expected %s with \"%s\"", code, text);
    }
    assert_int_not_equal(d->where.insn, DIAG_NO_INSN);
    if (strstr(options, "-g"))
        assert_non_null(d->where.source_text);
    arena_close(l.arena);
}

static const struct load_prog *prog_named(const struct loaded *l, const char *name)
{
    for (uint32_t i = 0; i < l->object->prog_count; i++)
        if (strcmp(l->object->progs[i].name, name) == 0)
            return &l->object->progs[i];
    fail_msg("no program %s", name);
    return NULL;
}

static const struct load_map *map_named(const struct loaded *l, const char *name)
{
    for (uint32_t i = 0; i < l->object->map_count; i++)
        if (strcmp(l->object->maps[i].name, name) == 0)
            return &l->object->maps[i];
    fail_msg("no map %s", name);
    return NULL;
}

/* ---- what must hold of every loaded program ---- */

static bool starts_subprog(const struct load_prog *p, int64_t insn)
{
    for (uint32_t i = 0; i < p->subprog_count; i++)
        if (p->subprogs[i].start == insn)
            return true;
    return false;
}

static void check_insns(const struct load_object *o, const struct load_prog *p)
{
    for (uint32_t i = 0; i < p->insn_count; i++) {
        const struct ebpf_insn *insn = &p->insns[i];

        if (insn->opcode == 0x85 && insn->src == EBPF_PSEUDO_CALL)
            assert_true(starts_subprog(p, (int64_t)i + 1 + insn->imm));
        if (insn->opcode != 0x18)
            continue;
        assert_true(i + 1 < p->insn_count);
        i++;
        if (ebpf_names_map(insn))
            assert_in_range(insn->imm, 0, o->map_count - 1);
        if (insn->src == EBPF_PSEUDO_MAP_VALUE)
            assert_in_range(insn[1].imm, 0, o->maps[insn->imm].value_bytes);
        if (insn->src == EBPF_PSEUDO_FUNC)
            assert_true(starts_subprog(p, insn->imm));
    }
}

static void check_object(const struct load_object *o, bool lines)
{
    for (uint32_t k = 0; k < o->prog_count; k++) {
        const struct load_prog *p = &o->progs[k];
        uint32_t end = 0;

        for (uint32_t i = 0; i < p->subprog_count; i++) {
            assert_int_equal(p->subprogs[i].start, end);
            end += p->subprogs[i].count;
        }
        assert_int_equal(end, p->insn_count);
        check_insns(o, p);
        assert_int_equal(p->line_count != 0, lines);
        for (uint32_t i = 0; i < p->line_count; i++) {
            assert_true(i == 0 || p->lines[i - 1].insn < p->lines[i].insn);
            assert_true(p->lines[i].insn < p->insn_count);
            assert_non_null(p->lines[i].file);
        }
    }
}

/* ---- the same by libbpf ---- */

static bool may_bpf(void)
{
    return geteuid() == 0 && libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARRAY, NULL) == 1;
}

/* Our number of libbpf's map: a data section's map has the object's name in front. */
static int32_t our_map(const struct load_object *o, struct bpf_object *theirs, int fd)
{
    struct bpf_map *m;

    bpf_object__for_each_map(m, theirs)
    {
        const char *name = bpf_map__name(m);

        if (bpf_map__fd(m) != fd)
            continue;
        for (uint32_t i = 0; i < o->map_count; i++) {
            const char *ours = o->maps[i].name;

            if (strcmp(ours, name) == 0 ||
                (*ours == '.' && strchr(name, '.') && strcmp(ours, strchr(name, '.')) == 0))
                return (int32_t)i;
        }
    }
    return -1;
}

static void compare_insns(const struct load_object *o, const struct load_prog *p,
                          struct bpf_object *theirs, const struct bpf_insn *insns)
{
    for (uint32_t i = 0; i < p->insn_count; i++) {
        struct ebpf_insn want;

        memcpy(&want, &insns[i], sizeof(want));
        if (want.opcode == 0x18 && want.src == EBPF_PSEUDO_FUNC)
            want.imm += (int32_t)i + 1; /* theirs is a distance */
        else if (want.opcode == 0x18 && want.src)
            want.imm = our_map(o, theirs, want.imm);
        if (memcmp(&want, &p->insns[i], sizeof(want)) != 0)
            fail_msg("%s of %s: instruction %u differs", p->name, o->path, i);
    }
}

/* Compares all programs with libbpf's. Gives the number of those compared. */
static unsigned compare_with_libbpf(const struct load_object *o)
{
    struct bpf_object *theirs = bpf_object__open_file(o->path, NULL);
    struct bpf_program *prog;
    struct bpf_map *map;
    unsigned compared = 0;

    if (!theirs)
        return 0;
    bpf_object__for_each_map(map, theirs) bpf_map__set_pin_path(map, NULL);
    bpf_object__for_each_program(prog, theirs)
        bpf_program__set_autoload(prog, bpf_program__type(prog) == BPF_PROG_TYPE_XDP);
    if (bpf_object__load(theirs) == 0) {
        for (uint32_t i = 0; i < o->prog_count; i++) {
            prog = bpf_object__find_program_by_name(theirs, o->progs[i].name);
            if (!prog || !bpf_program__insn_cnt(prog) || bpf_program__fd(prog) < 0)
                continue;
            assert_int_equal(bpf_program__insn_cnt(prog), o->progs[i].insn_count);
            compare_insns(o, &o->progs[i], theirs, bpf_program__insns(prog));
            compared++;
        }
    }
    bpf_object__close(theirs);
    return compared;
}

/* ---- tests ---- */

/* Calls check for each compiler, instruction set and debugging option. */
static void for_each_target(void (*check)(const struct target *t, const char *debug))
{
    unsigned tried = 0;

    for (unsigned i = 0; i < TARGETS; i++) {
        if (!has_clang(targets[i].clang)) {
            skip_part_because("%s is not installed", targets[i].clang);
            continue;
        }
        check(&targets[i], "");
        check(&targets[i], "-g");
        tried++;
    }
    if (!tried)
        skip_because("no clang is installed");
}

static void check_calls(const struct target *t, const char *debug)
{
    static const char *const order[] = {"first", "beside", "global_in_text", "in_text"};
    struct loaded l = compile_well(t, "tests/progs/load/calls.c", debug);
    const struct load_prog *p = prog_named(&l, "first");

    assert_int_equal(l.object->prog_count, 4);
    assert_string_equal(l.object->license, "GPL");
    check_object(l.object, *debug);
    assert_int_equal(p->subprog_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(p->subprogs[i].name, order[i]);
        assert_int_equal(p->subprogs[i].global, *debug && (i == 0 || i == 2)); /* BTF says so */
    }
    assert_int_equal(prog_named(&l, "second")->subprog_count, 2);
    assert_string_equal(prog_named(&l, "third")->section, "xdp/named");
    assert_false(prog_named(&l, "third")->frags);
    assert_true(prog_named(&l, "fourth")->frags);
    arena_close(l.arena);
}

static void test_load_functions_of_each_clang(void **state)
{
    (void)state;
    for_each_target(check_calls);
}

static void check_maps(const struct target *t, const char *debug)
{
    static const uint32_t constants[] = {0x99aabbcc, 0x55667788};
    struct loaded l = {0};
    const struct load_map *m;

    if (!*debug) {
        l = compile(t, "tests/progs/load/maps.c", debug);
        assert_int_equal(l.err, -EINVAL);
        assert_string_equal(diag_first_error(&l.sink)->code, "LOAD0013");
        arena_close(l.arena);
        return;
    }
    l = compile_well(t, "tests/progs/load/maps.c", debug);
    check_object(l.object, true);
    assert_int_equal(l.object->map_count, 7);
    m = map_named(&l, "by_type");
    assert_int_equal(m->type, SPEC_MAP_HASH);
    assert_int_equal(m->key_bytes, 12);
    assert_int_equal(m->value_bytes, 8);
    assert_int_equal(m->max_entries, 512);
    m = map_named(&l, "by_size");
    assert_int_equal(m->type, SPEC_MAP_PERCPU_ARRAY);
    assert_int_equal(m->value_bytes, 24);
    assert_int_equal(m->flags, BPF_F_RDONLY);
    assert_int_equal(map_named(&l, "hidden")->type, SPEC_MAP_ARRAY);
    m = map_named(&l, ".rodata");
    assert_int_equal(m->value_bytes, 40);
    assert_non_null(memmem(m->data, m->value_bytes, constants, sizeof(constants)));
    assert_int_equal(map_named(&l, ".data")->value_bytes, 16);
    assert_int_equal(map_named(&l, ".data.group")->data[0], 9);
    assert_int_equal(map_named(&l, ".bss")->value_bytes, 28);
    arena_close(l.arena);
}

static void test_load_maps_of_each_clang(void **state)
{
    (void)state;
    for_each_target(check_maps);
}

static void check_legacy(const struct target *t, const char *debug)
{
    for (unsigned words = 0; words <= 4; words += 2) {
        char options[64];
        struct loaded l;

        snprintf(options, sizeof(options), "%s -DEXTRA_WORDS=%u", debug, words);
        l = compile_well(t, "tests/progs/load/legacy.c", options);
        check_object(l.object, *debug);
        assert_int_equal(l.object->map_count, 2);
        assert_int_equal(map_named(&l, "first")->max_entries, 100);
        assert_int_equal(map_named(&l, "first")->flags, 1);
        assert_int_equal(map_named(&l, "second")->value_bytes, 16);
        arena_close(l.arena);
    }
}

static void test_load_legacy_maps_of_each_clang(void **state)
{
    (void)state;
    for_each_target(check_legacy);
}

/* Fields of struct xdp_md stay where they were compiled. */
static void check_core(const struct target *t, const char *debug)
{
    struct loaded l;
    unsigned loads = 0;

    if (!*debug)
        return;
    l = compile_well(t, "tests/progs/load/core.c", debug);
    check_object(l.object, true);
    for (uint32_t i = 0; i < l.object->progs[0].insn_count; i++) {
        const struct ebpf_insn *insn = &l.object->progs[0].insns[i];

        if (insn->opcode == 0x61 && (insn->off == 16 || insn->off == 12))
            loads++;
    }
    assert_int_equal(loads, 2);
    arena_close(l.arena);
    compile_refused(t, "tests/progs/load/core.c", "-g -DASK_KERNEL", "LOAD0020",
                    "type_exists of task_struct");
}

static void test_load_core_of_each_clang(void **state)
{
    (void)state;
    for_each_target(check_core);
}

static void check_callback(const struct target *t, const char *debug)
{
    struct loaded l = compile_well(t, "tests/progs/load/callback.c", debug);
    const struct load_prog *p = &l.object->progs[0];
    unsigned taken = 0;

    check_object(l.object, *debug);
    assert_int_equal(p->subprog_count, 2);
    assert_string_equal(p->subprogs[1].name, "step");
    for (uint32_t i = 0; i < p->insn_count; i++)
        taken += p->insns[i].opcode == 0x18 && p->insns[i].src == EBPF_PSEUDO_FUNC;
    assert_int_equal(taken, 1);
    arena_close(l.arena);
}

static void test_load_function_pointers_of_each_clang(void **state)
{
    (void)state;
    for_each_target(check_callback);
}

static void check_externs(const struct target *t, const char *debug)
{
    char options[64];

    snprintf(options, sizeof(options), "%s -DKFUNC", debug);
    compile_refused(t, "tests/progs/load/externs.c", options, "LOAD0012", "some_kernel_function");
    compile_refused(t, "tests/progs/load/externs.c", debug, "LOAD0012",
                    "in_another_object is not defined");
    if (!*debug)
        return;
    compile_refused(t, "tests/progs/load/externs.c", "-g -DKCONFIG", "LOAD0012",
                    "LINUX_KERNEL_VERSION is a kernel configuration value");
    compile_refused(t, "tests/progs/load/externs.c", "-g -DKSYM", "LOAD0012",
                    "some_kernel_variable is a kernel symbol");
}

static void test_load_externs_of_each_clang(void **state)
{
    (void)state;
    for_each_target(check_externs);
}

static const char *const examples[] = {"drop",   "count",    "swap",      "firewall", "dnsport",
                                       "tunnel", "redirect", "ratelimit", "csum"};

/* The examples, and the programs above that Linux takes, become what libbpf makes of them. */
static void check_against_libbpf(const struct target *t, const char *debug)
{
    static const struct {
        const char *source, *options;
        unsigned programs;
    } more[] = {{"tests/progs/load/calls.c", "-g -DFOR_LIBBPF", 3}, /* xdp/named is ours */
                {"tests/progs/load/callback.c", "-g", 1}};
    unsigned compared = 0;

    if (!*debug)
        return;
    for (unsigned i = 0; i < 2; i++) {
        struct loaded l = compile_well(t, more[i].source, more[i].options);

        if (may_bpf())
            assert_int_equal(compare_with_libbpf(l.object), more[i].programs);
        arena_close(l.arena);
    }
    for (unsigned i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        char source[64];
        struct loaded l;

        snprintf(source, sizeof(source), "examples/%s.bpf.c", examples[i]);
        l = compile_well(t, source, debug);
        check_object(l.object, true);
        assert_string_equal(l.object->progs[0].name, examples[i]);
        compared += may_bpf() && compare_with_libbpf(l.object) == 1;
        arena_close(l.arena);
    }
    if (may_bpf())
        assert_int_equal(compared, sizeof(examples) / sizeof(examples[0]));
}

static void test_load_examples_as_libbpf_does(void **state)
{
    (void)state;
    if (!may_bpf())
        skip_part_because("no bpf() here: no comparison with libbpf");
    for_each_target(check_against_libbpf);
}

static void test_load_system_objects_as_libbpf_does(void **state)
{
    unsigned programs = 0, compared = 0;
    glob_t found;

    (void)state;
    if (glob("/usr/lib/*/bpf/*.o", 0, NULL, &found) || found.gl_pathc == 0) {
        skip_because("xdp-tools has installed no objects");
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct loaded l = {.arena = arena_open()};

        l.sink = diag_sink_make(l.arena);
        l.err = load_object(found.gl_pathv[i], NULL, l.arena, &l.sink, &l.object);
        if (l.err) {
            /* Those for tracing have no XDP program. */
            assert_string_equal(diag_first_error(&l.sink)->code, "LOAD0011");
        } else {
            check_object(l.object, true);
            programs += l.object->prog_count;
            compared += may_bpf() ? compare_with_libbpf(l.object) : 0;
        }
        arena_close(l.arena);
    }
    print_message("%u programs loaded, %u compared with libbpf\n", programs, compared);
    assert_true(programs >= 10);
    globfree(&found);
}

static int set_up(void **state)
{
    (void)state;
    libbpf_set_print(NULL);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/object.o", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_functions_of_each_clang),
        cmocka_unit_test(test_load_maps_of_each_clang),
        cmocka_unit_test(test_load_legacy_maps_of_each_clang),
        cmocka_unit_test(test_load_core_of_each_clang),
        cmocka_unit_test(test_load_function_pointers_of_each_clang),
        cmocka_unit_test(test_load_externs_of_each_clang),
        cmocka_unit_test(test_load_examples_as_libbpf_does),
        cmocka_unit_test(test_load_system_objects_as_libbpf_does),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
