/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/load_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct load_check check_open(void)
{
    struct load_check check = {.arena = arena_open()};

    assert_non_null(check.arena);
    check.sink = diag_sink_make(check.arena);
    return check;
}

void load_check_close(struct load_check *check)
{
    arena_close(check->arena);
    check->arena = NULL;
}

struct load_check load_check_accept(const struct elf_image *image)
{
    struct load_check check = check_open();
    size_t bytes;
    uint8_t *file = elf_image_finish(image, &bytes);
    int err =
        load_object_memory(file, bytes, "image.o", NULL, check.arena, &check.sink, &check.object);

    if (err)
        diag_write(stderr, diag_first_error(&check.sink));
    assert_int_equal(err, 0);
    assert_int_equal(check.sink.errors, 0);
    free(file);
    return check;
}

void load_check_reject_bytes(const void *data, size_t bytes, int err, const char *code,
                             const char *text)
{
    struct load_check check = check_open();
    const struct diag *d;

    assert_int_equal(
        load_object_memory(data, bytes, "image.o", NULL, check.arena, &check.sink, &check.object),
        err);
    assert_null(check.object);
    d = diag_first_error(&check.sink);
    assert_non_null(d);
    assert_int_equal(check.sink.errors, 1);
    assert_string_equal(d->where.file, "image.o");
    if (strcmp(d->code, code) != 0 || !strstr(d->message, text)) {
        diag_write(stderr, d);
        fail_msg("expected %s with \"%s\"", code, text);
    }
    load_check_close(&check);
}

void load_check_reject(const struct elf_image *image, int err, const char *code, const char *text)
{
    size_t bytes;
    uint8_t *file = elf_image_finish(image, &bytes);

    load_check_reject_bytes(file, bytes, err, code, text);
    free(file);
}

uint32_t load_check_program(struct elf_image *image, const struct ebpf_insn *insns, size_t bytes)
{
    static const struct ebpf_insn pass[] = {{.opcode = 0xb7, .imm = XDP_PASS}, {.opcode = 0x95}};
    uint32_t section;

    if (!insns) {
        insns = pass;
        bytes = sizeof(pass);
    }
    section = elf_image_code(image, "xdp", insns, bytes);
    elf_image_symbol(image, "prog", STB_GLOBAL, STT_FUNC, section, 0, bytes);
    return section;
}
