/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/verify.h"
#include "hw/spec/gen/limits.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>

/* Any instructions, bare or as assembly: the verifier accepts them, or rejects them with one error,
 * within its limit of steps. */

enum { MAX_STEPS = 4000 };

static struct load_map maps[] = {
    {"hash", ".maps", LOAD_MAP_BTF, SPEC_MAP_HASH, 4, 16, 8, 0, NULL, NULL},
    {"array", ".maps", LOAD_MAP_BTF, SPEC_MAP_ARRAY, 4, 32, 4, 0, NULL, NULL},
    {"one", ".maps", LOAD_MAP_BTF, SPEC_MAP_PERCPU_ARRAY, 4, 8, 1, 0, NULL, NULL},
    {"ports", ".maps", LOAD_MAP_BTF, SPEC_MAP_DEVMAP, 4, 4, 8, 0, NULL, NULL},
    {"data", ".data", LOAD_MAP_DATA, SPEC_MAP_ARRAY, 4, 24, 1, 0, NULL, NULL},
};

/* Assembly begins with a comment. */
static bool take_insns(const uint8_t *data, size_t bytes, struct arena *arena,
                       struct diag_sink *sink, struct load_prog *prog)
{
    const struct ebpf_insn *insns = NULL;
    char *text;

    if (bytes == 0 || *data != '#') {
        prog->insn_count = (uint32_t)(bytes / sizeof(*insns));
        prog->insns = arena_array(arena, prog->insn_count + 1, sizeof(*insns));
        if (prog->insn_count)
            memcpy(prog->insns, data, prog->insn_count * sizeof(*insns));
        return true;
    }
    text = arena_alloc(arena, bytes + 1);
    memcpy(text, data, bytes);
    if (ebpf_asm(text, "fuzz", NULL, arena, sink, &insns, &prog->insn_count))
        return false;
    prog->insns = arena_memdup(arena, insns, prog->insn_count * sizeof(*insns));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const struct verify_options options = {.size = sizeof(options), .max_insns = MAX_STEPS};
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct load_prog prog = {.name = "fuzz", .section = "xdp"};
    const struct load_object object = {.path = "fuzz.o",
                                       .license = "GPL",
                                       .maps = maps,
                                       .map_count = sizeof(maps) / sizeof(maps[0]),
                                       .progs = &prog,
                                       .prog_count = 1};
    const struct verify_result *result = NULL;
    int err;

    if (!take_insns(data, bytes, arena, &sink, &prog))
        goto close;
    load_cut_functions(&prog, arena);
    err = verify_program(&object, &prog, &options, arena, &sink, &result);
    fuzz_require(err == -ENOMEM || result != NULL, "a result, also of a rejected program");
    if (err) {
        fuzz_require(err == -EACCES || err == -ENOTSUP || err == -ENOMEM, "errors as documented");
        fuzz_require(err == -ENOMEM || sink.errors == 1, "one error");
    } else {
        fuzz_require(sink.errors == 0 && result->processed <= MAX_STEPS, "accepted in silence");
    }
close:
    arena_close(arena);
    return 0;
}
