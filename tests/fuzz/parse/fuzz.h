/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_FUZZ_H
#define SLUICE_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A target reads bytes that nobody vouches for and calls abort() if the reader breaks a promise;
 * memory errors are the sanitizers' to find. It is the entry that libFuzzer calls, so each target
 * is built twice: with driver.c, and by clang with libFuzzer (option fuzz). Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* A promise that must be kept. */
static inline void fuzz_require(bool kept, const char *promise)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s\n", promise);
    abort();
}

/* Changes data in a few places, as its form suggests: ELF headers, lines and numbers of text, any
 * bytes. There is room for max bytes. Returns how many there are afterwards; state is the
 * generator's. */
size_t fuzz_mutate(uint8_t *data, size_t bytes, size_t max, uint64_t *state);

uint64_t fuzz_random(uint64_t *state);

#endif
