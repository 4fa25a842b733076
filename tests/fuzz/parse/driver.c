/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/parse/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Runs a target over the files of folders, then over changes of them. Each change depends on seed
 * and round alone, so that a failure can be had again:
 *
 *   fuzz_NAME [-n ROUNDS] [-s SEED] [-r ROUND] [-o FILE] PATH...
 *
 * -r runs this round only, -o writes its input. */

enum { FILES_MAX = 1000, GROWTH = 4096, HANG_SECONDS = 60 };

struct input {
    char *path;
    uint8_t *data;
    size_t bytes;
};

struct corpus {
    struct input files[FILES_MAX];
    size_t count;
};

/* What a signal's handler says. */
static volatile uint64_t current_round;
static const char *volatile current_path = "";

static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        _exit(3);
}

static void tell_round(void)
{
    char digits[24] = {0};
    uint64_t n = current_round;
    size_t at = sizeof(digits) - 1;

    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    put("fuzz: in round ");
    put(digits + at);
    put(" (0: unchanged) of ");
    put(current_path);
    put("\n");
}

static void on_signal(int number)
{
    if (number == SIGALRM)
        put("fuzz: one input takes too long\n");
    tell_round();
    signal(number == SIGALRM ? SIGABRT : number, SIG_DFL);
    raise(number == SIGALRM ? SIGABRT : number);
}

/* AddressSanitizer has it, where it is linked in. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void run_one(const uint8_t *data, size_t bytes)
{
    /* A block of exactly that size, so that a sanitizer sees what is read behind its end. */
    uint8_t *exact = malloc(bytes + !bytes);

    if (!exact)
        abort();
    memcpy(exact, data, bytes);
    alarm(HANG_SECONDS);
    LLVMFuzzerTestOneInput(exact, bytes);
    alarm(0);
    free(exact);
}

static void read_file(struct corpus *c, const char *path)
{
    FILE *f = fopen(path, "rb");
    struct input *in = &c->files[c->count];
    struct stat st;

    if (!f || fstat(fileno(f), &st) || c->count == FILES_MAX) {
        perror(path);
        exit(2);
    }
    in->data = malloc((size_t)st.st_size + 1);
    in->path = strdup(path);
    if (!in->data || !in->path)
        abort();
    in->bytes = fread(in->data, 1, (size_t)st.st_size, f);
    fclose(f);
    c->count++;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct input *)a)->path, ((const struct input *)b)->path);
}

static void read_path(struct corpus *c, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    const size_t first = c->count;

    if (!dir) {
        read_file(c, path);
        return;
    }
    while ((entry = readdir(dir))) {
        char full[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
        read_file(c, full);
    }
    closedir(dir);
    qsort(c->files + first, c->count - first, sizeof(*c->files), compare_paths);
}

/* Round number n, from 1. */
static void run_round(const struct corpus *c, uint64_t seed, uint64_t round, const char *out)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + round * UINT64_C(0xbf58476d1ce4e5b9) + 1;
    const struct input *in;
    uint8_t *data;
    size_t bytes;

    for (int i = 0; i < 8; i++)
        fuzz_random(&state);
    in = &c->files[fuzz_random(&state) % c->count];
    data = malloc(in->bytes + GROWTH);
    if (!data)
        abort();
    memcpy(data, in->data, in->bytes);
    bytes = fuzz_mutate(data, in->bytes, in->bytes + GROWTH, &state);
    current_round = round;
    current_path = in->path;
    if (out) {
        FILE *f = fopen(out, "wb");

        if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f)) {
            perror(out);
            exit(2);
        }
    }
    run_one(data, bytes);
    free(data);
}

static void free_corpus(struct corpus *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->files[i].path);
        free(c->files[i].data);
    }
}

int main(int argc, char **argv)
{
    static struct corpus c;
    uint64_t rounds = 0, seed = 1, only = 0;
    const char *out = NULL;
    int option;

    while ((option = getopt(argc, argv, "n:s:r:o:")) != -1) {
        if (option == '?')
            return 2;
        *(option == 'n'   ? &rounds
          : option == 's' ? &seed
                          : &only) = option == 'o' ? only : strtoull(optarg, NULL, 0);
        if (option == 'o')
            out = optarg;
    }
    for (int i = optind; i < argc; i++)
        read_path(&c, argv[i]);
    if (c.count == 0) {
        fprintf(stderr, "usage: %s [-n ROUNDS] [-s SEED] [-r ROUND] [-o FILE] PATH...\n", argv[0]);
        return 2;
    }
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell_round);
    for (size_t i = 0; i < c.count && !only; i++) {
        current_path = c.files[i].path;
        run_one(c.files[i].data, c.files[i].bytes);
    }
    for (uint64_t round = only ? only : 1; round <= (only ? only : rounds); round++)
        run_round(&c, seed, round, out);
    printf("%zu files, %llu changes of them: no promise broken\n", c.count,
           (unsigned long long)(only ? 1 : rounds));
    free_corpus(&c);
    return 0;
}
