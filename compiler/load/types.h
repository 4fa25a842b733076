/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_LOAD_TYPES_H
#define SLUICE_LOAD_TYPES_H

#include <stdbool.h>
#include <stdint.h>

/* What BTF says a map's keys and values are made of. Typedefs and qualifiers are looked through,
 * members of anonymous structs and unions are members of what they stand in. Members lie within
 * their type, elements fill theirs. */

enum load_type_kind {
    LOAD_TYPE_NONE, /* bytes that have no other form */
    LOAD_TYPE_INT,  /* also a pointer: an unsigned number */
    LOAD_TYPE_BOOL,
    LOAD_TYPE_ENUM,
    LOAD_TYPE_ARRAY,
    LOAD_TYPE_STRUCT,
    LOAD_TYPE_UNION,
    LOAD_TYPE_KIND_COUNT
};

struct load_member {
    const char *name; /* NULL: an anonymous struct or union */
    uint32_t bit_off;
    uint32_t bits; /* of a bit field; 0: all of the type */
    const struct load_type *type;
};

struct load_name {
    const char *name;
    int64_t value;
};

struct load_type {
    enum load_type_kind kind;
    uint32_t bytes;
    bool is_signed;
    bool is_text;   /* ARRAY of char */
    uint32_t count; /* elements, members, names of an enum */
    const struct load_type *element;
    const struct load_member *members;
    const struct load_name *names;
    uint32_t leaves; /* values that it is made of, so that no small file makes a large dump */
};

#endif
