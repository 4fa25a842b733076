/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/load.h"
#include "tests/common/elf_image.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>

/* Type information alone, in an object that is in order otherwise: map definitions, source lines
 * and CO-RE relocations are read from it. The input is the length of .BTF in 4 bytes, .BTF,
 * .BTF.ext. */

enum { CODE_INSNS = 512, MAPS_BYTES = 256, MAP_BYTES = 32 };

/* Names that the seeds' maps have. */
static const char *const map_names[] = {"array", "hash", "sized",  "named",
                                        "prog",  "lpm",  "nested", "twice"};

static uint8_t *make_object(const uint8_t *btf, size_t btf_bytes, const uint8_t *ext,
                            size_t ext_bytes, size_t *bytes)
{
    static const uint8_t maps[MAPS_BYTES];
    struct elf_image image = elf_image_make();
    struct ebpf_insn code[CODE_INSNS] = {{0}};
    uint32_t section;

    for (int i = 0; i < CODE_INSNS - 1; i++)
        code[i] = (struct ebpf_insn){.opcode = 0xb7, .imm = 2};
    code[CODE_INSNS - 1].opcode = 0x95;
    section = elf_image_code(&image, "xdp", code, sizeof(code));
    elf_image_symbol(&image, "prog", STB_GLOBAL, STT_FUNC, section, 0, sizeof(code));
    section =
        elf_image_section(&image, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, maps, sizeof(maps));
    for (uint32_t i = 0; i < MAPS_BYTES / MAP_BYTES; i++)
        elf_image_symbol(&image, map_names[i], STB_GLOBAL, STT_OBJECT, section, i * MAP_BYTES,
                         MAP_BYTES);
    elf_image_section(&image, ".BTF", SHT_PROGBITS, 0, btf, btf_bytes);
    elf_image_section(&image, ".BTF.ext", SHT_PROGBITS, 0, ext, ext_bytes);
    return elf_image_finish(&image, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object = NULL;
    uint32_t btf_bytes = 0;
    size_t file_bytes;
    uint8_t *file;
    int err;

    if (bytes >= sizeof(btf_bytes)) {
        memcpy(&btf_bytes, data, sizeof(btf_bytes));
        data += sizeof(btf_bytes);
        bytes -= sizeof(btf_bytes);
    }
    if (btf_bytes > bytes)
        btf_bytes = (uint32_t)bytes;
    file = make_object(data, btf_bytes, data + btf_bytes, bytes - btf_bytes, &file_bytes);
    err = load_object_memory(file, file_bytes, "fuzz.o", NULL, arena, &sink, &object);
    free(file);
    fuzz_require((err == 0) == (object != NULL), "an object, or an error");
    fuzz_require(err == 0 || err == -ENOMEM || sink.errors > 0, "an error has a message");
    fuzz_require(err != 0 || sink.errors == 0, "no error message with an object");
    for (uint32_t i = 0; object && i < object->map_count; i++)
        fuzz_require(object->maps[i].name && object->maps[i].type < SPEC_MAP_COUNT,
                     "maps that are kept have a name and a type");
    arena_close(arena);
    return 0;
}
