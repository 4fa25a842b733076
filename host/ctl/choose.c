/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct load_prog *choose_program(const struct load_object *object, const char *name)
{
    for (uint32_t i = 0; i < object->prog_count; i++)
        if (!name || !strcmp(object->progs[i].name, name))
            return &object->progs[i];
    return NULL;
}

int choose_next(const char **list, const struct exec_ops **out, char why[EXEC_WHY_BYTES])
{
    const size_t bytes = strcspn(*list, ",");
    const char *name = *list;

    *out = NULL;
    if (!*name)
        return 0;
    *list += bytes + (name[bytes] == ',');
    for (uint32_t i = 0; i < exec_count; i++)
        if (strlen(exec_table[i]->name) == bytes && !memcmp(exec_table[i]->name, name, bytes))
            *out = exec_table[i];
    if (!*out)
        snprintf(why, EXEC_WHY_BYTES, "there is no executor \"%.*s\"", bytes < 64 ? (int)bytes : 64,
                 name);
    return *out ? 0 : -ENOENT;
}

int choose_executor(struct job *job, const char *list, choose_passed_fn *passed, void *ctx,
                    const struct exec_ops **out, char why[EXEC_WHY_BYTES])
{
    const struct exec_ops *ops;
    const char *rest = list;
    int fits = -ENOENT;

    do {
        const int err = choose_next(&rest, &ops, why); /* a wrong name further on is wrong, too */

        if (err)
            return err;
    } while (ops);
    snprintf(why, EXEC_WHY_BYTES, "no executor is named");
    for (;;) {
        const int err = choose_next(&list, &ops, why);

        if (err || !ops)
            return err ? err : fits;
        *why = 0;
        fits = ops->fits(job, why);
        if (!fits)
            break;
        if (passed)
            passed(ctx, ops->name, why);
    }
    *out = ops;
    return 0;
}
