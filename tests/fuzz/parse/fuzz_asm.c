/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>

/* eBPF assembly: refused with the line, or instructions whose listing assembles to the same. */

static void check_listing(const struct ebpf_insn *insns, uint32_t count)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ebpf_insn *back = NULL;
    char *listing = NULL, line[256];
    uint32_t back_count = 0;
    size_t bytes = 0;
    FILE *out = open_memstream(&listing, &bytes);

    if (!out)
        abort();
    for (uint32_t i = 0; i < count;) {
        const uint32_t slots = ebpf_disasm(insns, count, i, NULL, line, sizeof(line));

        fprintf(out, "%s\n", line);
        i += slots;
    }
    fclose(out);
    fuzz_require(ebpf_asm(listing, "listing", NULL, arena, &sink, &back, &back_count) == 0,
                 "a listing assembles");
    fuzz_require(back_count == count && !memcmp(back, insns, count * sizeof(*insns)),
                 "a listing assembles to what it lists");
    free(listing);
    arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ebpf_insn *insns = NULL;
    char *text = malloc(bytes + 1);
    uint32_t count = 0;
    int err;

    if (!text)
        abort();
    memcpy(text, data, bytes);
    text[bytes] = 0;
    err = ebpf_asm(text, "fuzz", NULL, arena, &sink, &insns, &count);
    fuzz_require(err == 0 || err == -ENOMEM || sink.errors > 0, "an error has a message");
    if (!err && count)
        check_listing(insns, count);
    free(text);
    arena_close(arena);
    return 0;
}
