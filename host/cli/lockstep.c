/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/lockstep.h"

#include "host/ctl/mapfile.h"
#include "host/ctl/snapshot.h"

#include <stdlib.h>
#include <string.h>

int cli_lockstep_open(const struct cli_run_options *options, struct job *job, const char *maps_in,
                      const json_t *maps, struct lockstep **out)
{
    char why[EXEC_WHY_BYTES] = "";

    if (lockstep_open(job, job->microcode, &options->exec, out, why))
        return cli_fail("the microcode model can't be opened: %s", why);
    if (!maps || !mapfile_fill(maps_in, maps, lockstep_maps(*out), why, sizeof(why)))
        return 0;
    lockstep_close(*out);
    *out = NULL;
    return cli_fail("%s", why);
}

static bool same_entries(const struct snapshot *a, const struct snapshot *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; i < a->count && same; i++)
        same = !memcmp(snapshot_key(a, i), snapshot_key(b, i), a->key_bytes) &&
               snapshot_same_values(a, i, b, i);
    return same;
}

static int compare_map(struct lockstep *l, struct exec *device, uint32_t map)
{
    const char *name = device->job->object->maps[map].name;
    struct snapshot expected, got;
    int status = CLI_OK;

    if (snapshot_take(lockstep_maps(l), map, &expected))
        return cli_fail("map %s can't be read back from the model", name);
    if (snapshot_take(device, map, &got)) {
        snapshot_free(&expected);
        return cli_fail("map %s can't be read back", name);
    }
    if (!same_entries(&expected, &got)) {
        cli_fail("lock-step: every row agrees, but map %s differs after the last packet", name);
        status = CLI_DIFFERS;
    }
    snapshot_free(&expected);
    snapshot_free(&got);
    return status;
}

int cli_lockstep_maps(struct lockstep *l, struct exec *device)
{
    int status = CLI_OK;

    for (uint32_t map = 0; map < device->job->object->map_count && !status; map++)
        status = compare_map(l, device, map);
    return status;
}

/* The row's part of the listing; free() it. */
static char *listing_of(const struct lockstep_difference *d, const struct job *job)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);

    if (!f)
        return NULL;
    if (d->has_row)
        ucode_print_listing_row(f, job->microcode, d->row, job->ir);
    fclose(f);
    return text;
}

static json_t *difference_json(const struct lockstep_difference *d, const char *listing)
{
    char number[32];
    json_t *j = json_object();

    json_object_set_new(j, "packet", json_integer((json_int_t)d->packet));
    json_object_set_new(j, "what", json_string(d->what));
    if (d->has_row)
        json_object_set_new(j, "row", json_integer(d->row));
    if (d->at.field != UCODE_FIELD_NONE) {
        json_object_set_new(j, "field", json_string(ucode_field_names[d->at.field]));
        if (d->at.lane != UCODE_NO_LANE) {
            json_object_set_new(j, "lane", json_integer(d->at.lane));
            json_object_set_new(j, "number", json_integer(d->at.number));
        }
        snprintf(number, sizeof(number), "0x%llx", (unsigned long long)d->at.expected);
        json_object_set_new(j, "expected", json_string(number));
        snprintf(number, sizeof(number), "0x%llx", (unsigned long long)d->at.got);
        json_object_set_new(j, "got", json_string(number));
    }
    if (listing && *listing)
        json_object_set_new(j, "listing", cli_json_text(listing));
    return j;
}

void cli_lockstep_tell(const struct lockstep_result *result, const struct job *job, bool json)
{
    const struct lockstep_difference *d = &result->difference;
    char *listing = listing_of(d, job);
    json_t *j;
    json_t *lockstep;

    if (!json) {
        printf("%s in lock-step: packet %llu", job->prog->name, (unsigned long long)d->packet);
        if (d->has_row)
            printf(", row %u", d->row);
        printf(": %s\n%s", d->what, listing ? listing : "");
        printf("%llu rows of %llu packets before it agree\n", (unsigned long long)result->rows,
               (unsigned long long)result->packets);
        free(listing);
        return;
    }
    j = json_object();
    lockstep = cli_lockstep_json(result);
    json_object_set_new(lockstep, "difference", difference_json(d, listing));
    json_object_set_new(j, "program", cli_json_text(job->prog->name));
    json_object_set_new(j, "executor", json_string("microcode"));
    json_object_set_new(j, "lockstep", lockstep);
    cli_print_json(j);
    json_decref(j);
    free(listing);
}

json_t *cli_lockstep_json(const struct lockstep_result *result)
{
    json_t *j = json_object();

    json_object_set_new(j, "packets", json_integer((json_int_t)result->packets));
    json_object_set_new(j, "rows", json_integer((json_int_t)result->rows));
    return j;
}

void cli_lockstep_text(FILE *to, const struct lockstep_result *result)
{
    fprintf(to, "in lock-step with the microcode model: %llu rows of %llu packets, no difference\n",
            (unsigned long long)result->rows, (unsigned long long)result->packets);
}
