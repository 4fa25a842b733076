/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/ctl/choose.h"
#include "host/ctl/mapfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

enum {
    OPT_SECTION = 0x100,
    OPT_TYPE,
    OPT_DUMP,
    OPT_RAW,
    OPT_MAPS,
    OPT_MAP_ENTRIES,
    OPT_MAPS_IN,
    OPT_MAP_MEMORY,
    OPT_MEMORY_BYTES
};

static const struct argp_option options_table[] = {
    {"program", 'p', "NAME", 0, "the program of the object (default: its first)", 1},
    {"section", OPT_SECTION, "NAME", 0, "take the programs of this ELF section as XDP programs", 1},
    {"type", OPT_TYPE, "xdp", 0, "take programs of every section as XDP programs", 1},
    {"dump", OPT_DUMP, "PASS", 0, "print the IR after this pass (all: after each) to stderr", 1},
    {"map-entries", OPT_MAP_ENTRIES, "[NAME=]N", 0,
     "max_entries of map NAME, or of all maps whose size the object leaves to the program that "
     "loads it; may be given more than once",
     1},
    {"map-memory", OPT_MAP_MEMORY, "[NAME=]WHERE", 0,
     "hardware: where map NAME, or all maps, lie: chip; external, which is where the values are "
     "then; far, where hash maps' keys are too; or auto (the default: the largest are external or "
     "far where the chip has no room for all); may be given more than once, the last that names a "
     "map counts",
     1},
    {"memory-bytes", OPT_MEMORY_BYTES, "N", 0,
     "hardware: size of the external memory, a multiple of 64 (default 2147483648, which is all "
     "that "
     "can be reached)",
     1},
    {"maps-in", OPT_MAPS_IN, "FILE", 0,
     "contents of the maps before the first packet (JSON); what it says of read-only data and of "
     "maps of programs counts when the program is verified and translated",
     1},
    {"raw", OPT_RAW, NULL, 0, "OBJECT is bare instructions of 8 bytes, not ELF", 1},
    {"maps", OPT_MAPS, "FILE", 0,
     "with --raw: the maps that ld_imm64 names by index, a JSON array of {\"type\", \"key_size\", "
     "\"value_size\", \"max_entries\", \"flags\"}",
     1},
    {0},
};

static void parse_entries(struct cli_object_options *o, char *arg, struct argp_state *state)
{
    struct load_map_size *size = &o->map_sizes[o->map_size_count];
    char *number = strrchr(arg, '=');

    if (o->map_size_count == CLI_MAP_SIZES)
        argp_error(state, "--map-entries: %d are too many", CLI_MAP_SIZES + 1);
    if (number)
        *number++ = 0;
    size->map = number ? arg : NULL;
    size->entries =
        (uint32_t)cli_number(state, "--map-entries", number ? number : arg, 1, UINT32_MAX);
    o->map_size_count++;
}

static void parse_memory(struct cli_object_options *o, char *arg, struct argp_state *state)
{
    static const char *const names[IR_MEMORY_COUNT] = {[IR_MEMORY_AUTO] = "auto",
                                                       [IR_MEMORY_CHIP] = "chip",
                                                       [IR_MEMORY_EXTERNAL] = "external",
                                                       [IR_MEMORY_FAR] = "far"};
    struct job_memory *memory = &o->memories[o->memory_count];
    char *where = strrchr(arg, '=');

    if (o->memory_count == CLI_MAP_SIZES)
        argp_error(state, "--map-memory: %d are too many", CLI_MAP_SIZES + 1);
    if (where)
        *where++ = 0;
    memory->map = where ? arg : NULL;
    for (int i = 0; i < IR_MEMORY_COUNT; i++) {
        if (strcmp(where ? where : arg, names[i]))
            continue;
        memory->memory = (enum ir_place)i;
        o->memory_count++;
        return;
    }
    argp_error(state, "--map-memory: \"%s\" is none of auto, chip, external, far",
               where ? where : arg);
}

static void check_pass(const struct argp_state *state, const char *name)
{
    char known[512];
    size_t n = 0;

    for (uint32_t i = 0; i < opt_pass_count; i++) {
        if (!strcmp(name, opt_passes[i].name))
            return;
        if (n < sizeof(known))
            n += (size_t)snprintf(known + n, sizeof(known) - n, "%s, ", opt_passes[i].name);
    }
    if (strcmp(name, "all"))
        argp_error(state, "--dump: no pass \"%s\"; there are %sall", name, known);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct cli_object_options *o = state->input;

    switch (key) {
    case 'p':
        o->program = arg;
        return 0;
    case OPT_SECTION:
        o->section = arg;
        return 0;
    case OPT_DUMP:
        check_pass(state, arg);
        o->dump = arg;
        return 0;
    case OPT_MAP_ENTRIES:
        parse_entries(o, arg, state);
        return 0;
    case OPT_MAP_MEMORY:
        parse_memory(o, arg, state);
        return 0;
    case OPT_MEMORY_BYTES:
        o->memory_bytes =
            cli_number(state, "--memory-bytes", arg, SPEC_EXT_LINE_BYTES, SPEC_EXT_BYTES);
        if (o->memory_bytes % SPEC_EXT_LINE_BYTES)
            argp_error(state, "--memory-bytes: %s is no multiple of %d", arg, SPEC_EXT_LINE_BYTES);
        return 0;
    case OPT_MAPS_IN:
        o->maps_in = arg;
        return 0;
    case OPT_RAW:
        o->raw = true;
        return 0;
    case OPT_MAPS:
        o->maps = arg;
        return 0;
    case OPT_TYPE:
        if (strcmp(arg, "xdp"))
            argp_error(state, "--type takes xdp only, not \"%s\"", arg);
        o->any_type = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->path)
            argp_error(state, "one OBJECT only: \"%s\" is a second one", arg);
        o->path = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->path)
            argp_error(state, "OBJECT is missing: an eBPF ELF file, such as clang -O2 -g -target "
                              "bpf -c makes");
        if (o->maps && !o->raw)
            argp_error(state, "--maps goes with --raw; an ELF object has its maps itself");
        if (o->raw && o->map_size_count)
            argp_error(state, "--map-entries goes with an ELF object; --maps has sizes itself");
        if (o->raw && (o->section || o->program))
            argp_error(state, "--raw has one program and no sections: leave %s out",
                       o->section ? "--section" : "-p");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_object_argp = {
    .options = options_table, .parser = parse, .args_doc = "OBJECT"};

static void tell(const struct diag_sink *sink)
{
    for (uint32_t i = 0; i < sink->count; i++)
        diag_write(stderr, &sink->records[i]);
}

/* The program that is picked must be one that can be run; where all are meant, each is told about.
 */
static int check_picked(const struct cli_object_options *options, const struct cli_object *out)
{
    if (options->all || !out->prog->refusal)
        return 0;
    diag_write(stderr, out->prog->refusal);
    return CLI_USAGE;
}

static int pick_program(const struct cli_object_options *options, struct cli_object *out)
{
    const struct load_object *o = out->object;

    out->prog = choose_program(o, options->program);
    if (out->prog) {
        if (!options->program && o->prog_count > 1 && !options->all)
            fprintf(stderr, "sluice: %s has %u programs; taking %s (-p NAME picks another)\n",
                    options->path, o->prog_count, out->prog->name);
        return check_picked(options, out);
    }
    cli_fail("%s has no program \"%s\"; it has:", options->path, options->program);
    for (uint32_t i = 0; i < o->prog_count; i++)
        fprintf(stderr, "  %s (section %s)\n", o->progs[i].name, o->progs[i].section);
    return CLI_USAGE;
}

/* What other programs of the object want doesn't matter from here on. */
static int leave_alone(struct cli_object *out)
{
    out->object = load_only(out->object, out->prog, out->arena);
    if (!out->object)
        return cli_fail("no memory");
    out->prog = out->object->progs;
    return 0;
}

/* 0, or CLI_USAGE after telling of a map that --map-memory names and the object lacks. */
static int check_memories(const struct cli_object_options *options, const struct cli_object *out)
{
    for (uint32_t i = 0; i < options->memory_count; i++) {
        const char *name = options->memories[i].map;
        bool found = !name;

        for (uint32_t k = 0; k < out->object->map_count; k++)
            found |= name && !strcmp(name, out->object->maps[k].name);
        if (!found)
            return cli_fail("--map-memory: the object has no map %s", name);
    }
    return CLI_OK;
}

static int read_maps(const struct cli_object_options *options, struct cli_object *out)
{
    const char *path = options->maps_in;
    char why[EXEC_WHY_BYTES];

    if (path && (mapfile_read(path, out->object, &out->maps, why, sizeof(why)) ||
                 mapfile_preset(path, out->maps, out->object, out->arena, why, sizeof(why))))
        return cli_fail("%s", why);
    return CLI_OK;
}

int cli_object_open(const struct cli_object_options *options, struct cli_object *out)
{
    const struct load_options load = {.size = sizeof(load),
                                      .section = options->section,
                                      .any_type = options->any_type,
                                      .map_sizes = options->map_sizes,
                                      .map_size_count = options->map_size_count};
    struct diag_sink sink;
    jmp_buf oom;
    int err;

    out->arena = arena_open();
    if (!out->arena)
        return cli_fail("no memory");
    sink = diag_sink_make(out->arena);
    if (setjmp(oom)) {
        cli_object_close(out);
        return cli_fail("%s: no memory", options->path);
    }
    arena_set_oom(out->arena, &oom);
    err = options->raw ? cli_raw_open(options, out->arena, &sink, &out->object)
                       : load_object(options->path, &load, out->arena, &sink, &out->object);
    arena_set_oom(out->arena, NULL);
    tell(&sink);
    if (err) {
        if (!sink.errors && err < 0)
            cli_fail("%s: %s", options->path, strerror(-err));
        cli_object_close(out);
        return CLI_USAGE;
    }
    err = check_memories(options, out);
    if (!err)
        err = pick_program(options, out);
    if (!err && !options->all)
        err = leave_alone(out);
    if (!err)
        err = read_maps(options, out);
    if (err)
        cli_object_close(out);
    return err;
}

void cli_object_close(struct cli_object *object)
{
    json_decref(object->maps);
    object->maps = NULL;
    arena_close(object->arena);
    object->arena = NULL;
}

int cli_programs(const struct cli_object *object, const struct load_object *of,
                 struct job_options *options)
{
    struct load_value *values;

    if (!object->maps)
        return CLI_OK;
    if (mapfile_programs(object->maps, of, object->arena, &values, &options->value_count))
        return cli_fail("no memory");
    options->values = values;
    options->values_known = true;
    return CLI_OK;
}

struct job *cli_job_open(const struct cli_object_options *options, const struct cli_object *object,
                         const struct job_options *job_options, int *status)
{
    struct job_options o = job_options ? *job_options : (struct job_options){0};
    struct job *job;
    int err;

    o.opt.dump = options->dump;
    o.opt.dump_to = stderr;
    o.memories = options->memories;
    o.memory_count = options->memory_count;
    o.memory_bytes = options->memory_bytes;
    *status = cli_programs(object, object->object, &o);
    if (*status)
        return NULL;
    job = job_open(object->object, object->prog, &o, object->arena);
    if (!job) {
        *status = cli_fail("no memory");
        return NULL;
    }
    err = job_do(job, JOB_VERIFY);
    if (!err)
        return job;
    tell(&job->sinks[JOB_VERIFY]);
    *status = err == -ENOMEM ? cli_fail("no memory") : CLI_REJECTED;
    return NULL;
}
