/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_H
#define SLUICE_HOST_CLI_H

#include "host/ctl/executor.h"
#include "host/ctl/pcapio.h"

#include <argp.h>
#include <jansson.h>

/* What the verbs share. A verb is a row of cli_verbs and one file. */

/* Exit statuses: part of the command line's contract. */
enum cli_status {
    CLI_OK = 0,
    CLI_DIFFERS = 1,
    CLI_USAGE = 2, /* also files that can't be read or written */
    CLI_REJECTED = 3,
    CLI_NO_FIT = 4,
};

struct cli_verb {
    const char *name;
    const char *what; /* one line for the list of verbs */
    int (*run)(int argc, char **argv);
};

int cli_check(int argc, char **argv);
int cli_compile(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_compare(int argc, char **argv);
int cli_disasm(int argc, char **argv);
int cli_asm(int argc, char **argv);
int cli_traffic(int argc, char **argv);
int cli_dev(int argc, char **argv);

/* Writes "sluice: " and a message to stderr; returns CLI_USAGE. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for what does not fit; returns CLI_NO_FIT. */
int cli_no_fit(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The executors' names with commas between them, in text, which is returned. */
const char *cli_executors(char *text, size_t bytes);

/* A string of a document; bytes that are no UTF-8 become "?". */
json_t *cli_json_text(const char *text);
/* Prints a result's document to stdout. */
void cli_print_json(const json_t *document);
/* Reads a file ("-" is standard input) of at most max_bytes, with a 0 behind it. 0, or CLI_USAGE
 * after telling why not. */
int cli_read_file(const char *path, size_t max_bytes, struct arena *arena, char **out,
                  size_t *bytes);
/* 0, or CLI_USAGE after telling that something takes more memory than the machine has. */
int cli_check_memory(const char *what, uint64_t count, uint64_t bytes_each);

/* --- objects and programs (object.c) --- */

enum { CLI_MAP_SIZES = 64 };

/* Options that name an object and a program; an argp child, its input is the struct. */
struct cli_object_options {
    const char *path;
    const char *program;
    const char *section;
    bool any_type;
    bool all;            /* without a program's name all are meant */
    const char *dump;    /* print the IR after this pass */
    bool raw;            /* path is bare instructions ... */
    const char *maps;    /* ... and this their maps, a JSON file, or NULL */
    const char *maps_in; /* contents of the maps, or NULL */
    struct load_map_size map_sizes[CLI_MAP_SIZES]; /* names are the arguments' */
    uint32_t map_size_count;
    struct job_memory memories[CLI_MAP_SIZES]; /* names are the arguments' */
    uint32_t memory_count;
    uint64_t memory_bytes; /* of external memory; 0: all that can be reached */
};
extern const struct argp cli_object_argp;

struct cli_object {
    struct arena *arena;
    const struct load_object *object;
    const struct load_prog *prog; /* the one that was picked */
    json_t *maps;                 /* --maps-in, checked, or NULL */
};

/* Reads the object, picks the program, reads --maps-in and gives the object's read-only data what
 * it says of them: before the program is verified. 0, or an exit status after telling why. */
int cli_object_open(const struct cli_object_options *options, struct cli_object *out);
/* Bare instructions (raw.c). 0, or an exit status after telling why. */
int cli_raw_open(const struct cli_object_options *options, struct arena *arena,
                 struct diag_sink *sink, const struct load_object **out);
void cli_object_close(struct cli_object *object);
/* What job_options say of maps of programs: --maps-in names them all, if it is given. 0, or an exit
 * status after telling why. */
int cli_programs(const struct cli_object *object, const struct load_object *of,
                 struct job_options *options);
/* A job for the picked program, verified; or NULL after telling why, *status is then the exit
 * status. */
struct job *cli_job_open(const struct cli_object_options *options, const struct cli_object *object,
                         const struct job_options *job_options, int *status);

/* --- runs (runner.c) --- */

/* Options of run and compare; an argp child, its input is the struct. */
struct cli_run_options {
    const char *capture;
    const char *fib;
    const char *waves;
    uint64_t repeat;
    bool json;
    bool no_progress;
    uint32_t clock_mhz;
    bool unordered; /* see job_options */
    struct exec_options exec;
    struct pipe_options pipe;
};
extern const struct argp cli_run_argp;
void cli_run_options_init(struct cli_run_options *options);

/* What a run gave. */
struct cli_result {
    uint64_t packets; /* that ran */
    uint64_t runts;
    uint64_t giants;
    uint64_t verdicts[SPEC_VERDICTS];
    uint64_t cycles;
    uint64_t ns;
    uint32_t *latencies;      /* hardware: clocks of each packet, sorted at the end */
    uint64_t lost[SPEC_MAPS]; /* records that a ring buffer had no room for, by the object's maps */
};

/* One standard input is not both packets and maps. 0, or an exit status after telling why. */
int cli_inputs_check(const struct cli_run_options *options,
                     const struct cli_object_options *object);

/* Options that only some executors have are given with one of those; count 0: none is known yet. 0,
 * or an exit status after telling why. */
int cli_executors_check(const struct cli_run_options *options,
                        const struct exec_ops *const *executors, uint32_t count);

/* Reads --fib, if given, into options. 0, or an exit status after telling why. */
int cli_net_read(struct cli_run_options *options, const struct cli_object *object);

/* Called for each packet of the capture, in order; output is NULL for one that never reached the
 * program. Non-zero ends the run. */
typedef int (*cli_packet_fn)(void *ctx, uint64_t index, const struct pcap_record *record,
                             uint64_t time_ns, const struct exec_output *output);

/* Runs a capture on an opened executor. 0 and *out (latencies freed by cli_result_free), or
 * negative errno and why. */
int cli_run_capture(struct exec *exec, const struct pcap_capture *capture,
                    const struct cli_run_options *options, cli_packet_fn fn, void *ctx,
                    struct cli_result *out, char why[EXEC_WHY_BYTES]);
void cli_result_free(struct cli_result *result);
uint32_t cli_latency(const struct cli_result *result, unsigned percentile);
/* The JSON of a run's result, as the contract of `run --json` has it. */
json_t *cli_result_json(const struct exec_ops *ops, const struct job *job,
                        const struct cli_result *result, uint32_t clock_mhz);

/* --- terminal --- */

/* Redraws a progress bar on stderr when that is a terminal, a few times a second. */
void cli_progress(const char *what, uint64_t done, uint64_t total);
/* Takes the bar away, if there is one. Safe in a signal handler. */
void cli_progress_clear(void);

/* The options structs' numbers: a whole number in [min, max], or an argp error. */
uint64_t cli_number(struct argp_state *state, const char *option, const char *text, uint64_t min,
                    uint64_t max);

#endif
