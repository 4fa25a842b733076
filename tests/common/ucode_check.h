/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_UCODE_CHECK_H
#define SLUICE_TESTS_UCODE_CHECK_H

#include "compiler/microcode/model.h"
#include "tests/common/soft_maps.h"

/* Runs IR by its evaluator and its microcode by the model of the core, on the same packets with the same maps. */
struct ucode_check {
    const struct ir_func *f;
    const struct ucode_image *image;
    struct soft_maps eval_maps;
    struct soft_maps model_maps;
    struct arena *scratch;
    uint64_t rows; /* issued, all packets */
    uint64_t ops;  /* of these rows */
    char report[512]; /* the first difference */
};

/* 0 or a negative errno; maps start with the same contents, random entries if `entries` is not 0. */
int ucode_check_open(struct ucode_check *c, const struct ir_func *f, const struct ucode_image *image,
                     uint32_t entries, uint64_t seed);
void ucode_check_close(struct ucode_check *c);
/* One packet; queue, time, ... come from the seed. False if the results differ: then the report says how. */
bool ucode_check_packet(struct ucode_check *c, const uint8_t *packet, uint32_t len, uint64_t *seed);

#endif
