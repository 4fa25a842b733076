/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_H
#define SLUICE_H

/* libsluice: XDP programs on a SmartNIC, its simulation, the kernel or this process, from C and
 * C++. docs/library.md is the page to start with, examples/api/firewall.c a whole program.
 *
 * Errors: functions give 0 or a negative errno, pointers or NULL where nothing is wrong with none.
 * Words and errors of maps are those of libbpf and bpf(2); a program means what it means under
 * Linux (RFC 9669; the kernel's verifier, helpers and maps). The reason as text goes to the sink.
 *
 * Structs that begin with `size` grow: set it to sizeof of the struct. A library that is older than
 * the header refuses what it does not know with -E2BIG, unless it is zero, as Linux's system calls
 * do; -EINVAL: size is smaller than itself. What the library fills in, it fills up to size.
 *
 * Threads: the library has no state of its own. Calls on one object are for one thread at a time.
 * Those on a loaded program, its maps and a port may come from several threads at once: each takes
 * the program's lock, so a batch of packets runs as a whole. Callbacks are called within such
 * calls; a call on the same program from there gives -EDEADLK. */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SLUICE_API __attribute__((visibility("default")))
#else
#define SLUICE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct sluice_object;  /* an eBPF object file: programs, and definitions of maps */
struct sluice_program; /* one of its programs; lives as long as the object */
struct sluice_map; /* a map: a definition of an object's, or the contents of a loaded program's */
struct sluice_loaded; /* a program on an executor, with its maps */
struct sluice_port;   /* where packets come in, and what a program is attached to */

/* The version of the library, such as "0.1.0". */
SLUICE_API const char *sluice_version(void);

/* ---- what the library has to say ---- */

enum sluice_severity { SLUICE_NONE = 0, SLUICE_NOTE = 1, SLUICE_WARNING = 2, SLUICE_ERROR = 3 };

#define SLUICE_NO_INSN UINT32_MAX

/* A message. Texts may be NULL except code and message; all are valid during the call only. */
struct sluice_diag {
    size_t size;
    uint32_t severity;   /* enum sluice_severity */
    uint32_t insn;       /* instruction in its program, from 0, or SLUICE_NO_INSN */
    const char *code;    /* stable, such as "VFY0012"; those of the verifier: docs/messages.md */
    const char *message; /* complete enough to act on */
    const char *file;    /* the object */
    const char *section; /* of the object */
    const char *program; /* the function */
    const char *source_file; /* from BTF line information */
    const char *source_text; /* the line itself */
    uint32_t source_line;    /* 0: not known */
    uint32_t reserved;       /* 0 */
};

/* Who listens. */
struct sluice_sink {
    size_t size;
    void *ctx;
    void (*diag)(void *ctx, const struct sluice_diag *diag);
};

/* The message as one line of text, as a compiler prints it, without an end of line. Gives the bytes
 * of the whole text without its 0, as snprintf does, or -EINVAL. */
SLUICE_API int sluice_diag_format(const struct sluice_diag *diag, char *text, size_t text_size);

/* ---- objects ---- */

/* A size for a map whose max_entries the object leaves open (0), or another one. */
struct sluice_map_size {
    const char *map; /* NULL: every map whose size is open */
    uint32_t max_entries;
    uint32_t reserved; /* 0 */
};

struct sluice_object_opts {
    size_t size;
    const struct sluice_sink *sink; /* of this call; or NULL */
    const char *name;               /* instead of the path in messages; or NULL */
    const char *section; /* take the programs of this ELF section as XDP; NULL: of XDP sections */
    const struct sluice_map_size *map_sizes; /* map_size_count of them */
    uint32_t map_size_count;
    uint32_t any_type; /* not 0: take programs of every section as XDP */
};

/* Reads an object, as clang -target bpf makes it. opts may be NULL. -ENOENT, -EINVAL (no object, or
 * a definition that Linux refuses), -EIO, -ENOTSUP (none of its programs can be run), -ENOMEM. */
SLUICE_API int sluice_object_open(const char *path, const struct sluice_object_opts *opts,
                                  struct sluice_object **out);
/* The same from memory, which may go away afterwards. */
SLUICE_API int sluice_object_open_memory(const void *data, size_t data_size,
                                         const struct sluice_object_opts *opts,
                                         struct sluice_object **out);
/* NULL is fine. What was loaded from it stays; its programs and definitions are gone. */
SLUICE_API void sluice_object_close(struct sluice_object *object);

/* The program (the map) after one, or the first for NULL; NULL behind the last. */
SLUICE_API struct sluice_program *sluice_object_next_program(const struct sluice_object *object,
                                                             const struct sluice_program *prev);
SLUICE_API struct sluice_map *sluice_object_next_map(const struct sluice_object *object,
                                                     const struct sluice_map *prev);
/* By name; NULL if there is none. Maps of data sections are named as these: ".rodata", ".bss". */
SLUICE_API struct sluice_program *
sluice_object_find_program_by_name(const struct sluice_object *object, const char *name);
SLUICE_API struct sluice_map *sluice_object_find_map_by_name(const struct sluice_object *object,
                                                             const char *name);

/* ---- programs ---- */

SLUICE_API const char *sluice_program_name(const struct sluice_program *program);
SLUICE_API const char *sluice_program_section(const struct sluice_program *program);
/* Instructions, a wide one being two; those of the functions that it calls too. */
SLUICE_API uint32_t sluice_program_insn_count(const struct sluice_program *program);
/* Its number in the object, from 1: what a prog_array holds (sluice_map_update_elem). */
SLUICE_API uint32_t sluice_program_id(const struct sluice_program *program);

/* Verifies it as Linux does. 0; -EACCES with one error at the sink (instruction, source line,
 * registers, what would make it right); -ENOTSUP if it uses what Sluice does not have. sink may be
 * NULL. */
SLUICE_API int sluice_program_verify(const struct sluice_program *program,
                                     const struct sluice_sink *sink);

/* ---- executors ---- */

#define SLUICE_EXECUTOR_HARDWARE 1u /* results come from a device, or from its simulation */
#define SLUICE_EXECUTOR_ORACLE 2u   /* Linux itself, to compare with: never picked as the best */

struct sluice_executor_info {
    size_t size;
    const char *name; /* lives as long as the library */
    uint32_t flags;   /* SLUICE_EXECUTOR_* */
    uint32_t reserved;
};

/* Executors that this library has; one of them, by its number from 0 (-ENOENT behind the last). */
SLUICE_API uint32_t sluice_executor_count(void);
SLUICE_API int sluice_executor_info(uint32_t index, struct sluice_executor_info *info);

/* Whether a program fits an executor: 0, or why not: -ENOENT (no such executor), -EACCES (the
 * verifier rejects it), -ENOTSUP. reason may be NULL; it names instruction and source line where
 * there is one. */
SLUICE_API int sluice_program_fits(const struct sluice_program *program, const char *executor,
                                   char *reason, size_t reason_size);
/* The first executor of a list that a program fits ("pipeline,microcode,interp"; NULL: this list,
 * the fastest on hardware first). Those passed over go to the sink as notes, with their reasons.
 * -ENOENT (a name of the list is none), -EACCES, or -ENOTSUP if it fits none. */
SLUICE_API int sluice_program_best(const struct sluice_program *program, const char *executors,
                                   const struct sluice_sink *sink, const char **name);

/* ---- loading ---- */

enum sluice_event_kind {
    SLUICE_EVENT_NONE = 0,
    SLUICE_EVENT_PERF = 1,    /* bpf_perf_event_output */
    SLUICE_EVENT_RINGBUF = 2, /* a record of a ring buffer */
    SLUICE_EVENT_PRINT = 3    /* a line of bpf_trace_printk, with its end */
};

/* Something that a program told. What is pointed to is valid during the call only. */
struct sluice_event {
    size_t size;
    uint32_t kind;   /* enum sluice_event_kind */
    uint32_t cpu;    /* perf events: the packet's queue */
    uint64_t packet; /* its number, from 0, since the program, or the first one of replacements, was
                        loaded */
    const char *map; /* name; NULL: a printed line */
    const void *data; /* data_len bytes */
    uint32_t data_len;
    uint32_t padded; /* not 0: up to 7 bytes at the end are no part of it (kernel's perf events) */
};

struct sluice_load_opts {
    size_t size;
    const struct sluice_sink *sink; /* of this call; or NULL */
    const char *executor; /* a name, or a list as of sluice_program_best; NULL: the best one */
    const char *fib; /* JSON file of interfaces, routes, neighbours (docs/maps.md); NULL: none */
    /* Events of a packet come before the batch's results are returned, by map, in each map in their
     * order. Not 0 ends the run with that result. NULL: nobody listens. */
    int (*event)(void *ctx, const struct sluice_event *event);
    void *event_ctx;
    uint64_t seed;            /* of bpf_get_prandom_u32 */
    uint32_t ifindex;         /* that packets come in on unless they say otherwise; 0: 1 */
    uint32_t queue;           /* executor kernel, which has one: the queue of all packets */
    struct sluice_port *port; /* a device (below) that it is to run on; NULL: this process */
};

/* Verifies a program, translates it for an executor, and opens that with empty maps (those of data
 * sections have their contents). With `port` it is verified only, for the process with the device
 * has the maps and translates it when it is attached. `executor` is one name then, or NULL: as the
 * device's arguments say; all other options but sink must be 0 (-EOPNOTSUPP), and its maps give
 * -EBADF while it is not attached. Where `executor` is a list, or NULL, and one of them can't be
 * opened, the next is tried; each is named at the sink. opts may be NULL. -EINVAL, -ENOENT (no such
 * executor, or its parts are not installed), -EACCES (rejected), -ENOTSUP (does not fit), -ENOMEM.
 */
SLUICE_API int sluice_load(const struct sluice_program *program,
                           const struct sluice_load_opts *opts, struct sluice_loaded **out);
/* Gives it up; a port that it is attached to keeps it. Its maps' handles are gone. NULL is fine. */
SLUICE_API void sluice_unload(struct sluice_loaded *loaded);

/* On a device: what runs it there, NULL until it is attached. */
SLUICE_API const char *sluice_loaded_executor(const struct sluice_loaded *loaded);
SLUICE_API const char *sluice_loaded_name(const struct sluice_loaded *loaded);

/* ---- running ---- */

struct sluice_packet {
    const void *data;  /* from the Ethernet header on */
    uint32_t len;      /* bytes: 14 to 9216 */
    uint32_t ifindex;  /* ingress interface; 0: that of the load */
    uint32_t queue;    /* RX queue, and so the CPU id: below sluice_num_possible_cpus() */
    uint32_t egress;   /* interface out, for a program of a devmap; 0: 1 */
    uint64_t time_ns;  /* arrival: what bpf_ktime_get_ns gives */
    uint64_t reserved; /* 0 */
};

enum sluice_redirect {
    SLUICE_REDIRECT_NONE = 0,
    SLUICE_REDIRECT_IFINDEX = 1, /* to interface redirect_target */
    SLUICE_REDIRECT_MAP = 2,     /* to entry redirect_target of redirect_map */
    SLUICE_REDIRECT_BROADCAST =
        3,                      /* to all entries of redirect_map; target 1: not to the ingress */
    SLUICE_REDIRECT_UNKNOWN = 4 /* the executor does not tell (kernel) */
};

struct sluice_result {
    uint32_t ret; /* what the program returned; the verdict is XDP_ABORTED if over XDP_REDIRECT */
    uint32_t len; /* of the packet as it leaves, without metadata */
    const void
        *data; /* valid until the next call that runs packets of this program, or unloads it */
    uint32_t meta_len;        /* bytes of metadata, which lie in front of data */
    uint32_t redirect;        /* enum sluice_redirect */
    uint32_t redirect_target; /* interface, or key */
    uint32_t reserved;
    const char *redirect_map; /* name, or NULL; valid as data is */
    uint64_t cycles;          /* hardware: clocks from its first beat to its last */
    uint64_t ns;              /* software: time that the program took */
};

/* Packets and room for their results, which may be of other versions of the header. */
struct sluice_batch {
    size_t size;
    const struct sluice_sink *sink; /* why an error; or NULL */
    const struct sluice_packet *packets;
    struct sluice_result *results; /* may be NULL */
    size_t packet_size;            /* sizeof(struct sluice_packet) */
    size_t result_size;            /* sizeof(struct sluice_result) */
    uint32_t count;
    uint32_t done; /* filled in: packets that have run, also after an error */
};

/* Runs packets, one after the other: each sees what those before it did to the maps. A batch with a
 * packet that can't be run (-EINVAL: length, queue, ...) does not run at all. -EFAULT, -ETIMEDOUT,
 * -EPROTO: a fault of Sluice's or of the device; what the event callback gave. */
SLUICE_API int sluice_run(struct sluice_loaded *loaded, struct sluice_batch *batch);

/* ---- maps ---- */

SLUICE_API const char *sluice_map_name(const struct sluice_map *map);
/* Type as in enum bpf_map_type, sizes in bytes, flags as in <linux/bpf.h>. */
SLUICE_API uint32_t sluice_map_type(const struct sluice_map *map);
SLUICE_API uint32_t sluice_map_key_size(const struct sluice_map *map);
SLUICE_API uint32_t sluice_map_value_size(const struct sluice_map *map);
SLUICE_API uint32_t sluice_map_max_entries(const struct sluice_map *map);
SLUICE_API uint32_t sluice_map_map_flags(const struct sluice_map *map);
/* Its number in the object, from 1: what a map of maps holds. */
SLUICE_API uint32_t sluice_map_id(const struct sluice_map *map);
/* Bytes that values have in the calls below: value_size, or, of per-CPU maps, for each CPU (RX
 * queue) value_size rounded up to 8, as in Linux. */
SLUICE_API size_t sluice_map_values_size(const struct sluice_map *map);
SLUICE_API uint32_t sluice_num_possible_cpus(void);

/* What the map of a data section has when a program is loaded; set before, it counts for the
 * verifier, too, as .rodata does. Of an object's maps only: -EBUSY for others; -EINVAL: no data
 * section, or another size than value_size. */
SLUICE_API int sluice_map_set_initial_value(struct sluice_map *map, const void *data, size_t size);
/* NULL: no data section. */
SLUICE_API const void *sluice_map_initial_value(const struct sluice_map *map, size_t *size);

/* The maps of a loaded program, in the object's order; valid until it is unloaded. */
SLUICE_API struct sluice_map *sluice_loaded_next_map(const struct sluice_loaded *loaded,
                                                     const struct sluice_map *prev);
SLUICE_API struct sluice_map *sluice_loaded_find_map_by_name(const struct sluice_loaded *loaded,
                                                             const char *name);

/* Contents. key_sz must be the map's key_size (0 of queues, stacks and Bloom filters, whose key may
 * be NULL) and value_sz sluice_map_values_size, else -EINVAL; -EBADF: a map that is not loaded.
 * Else as bpf(2): -ENOENT, -EEXIST, -E2BIG (full, or an index past the end), -ENOSPC (a full
 * lpm_trie), -EINVAL (flags; deletion from an array), -ENOTSUP. flags: BPF_ANY (0), BPF_NOEXIST
 * (1), BPF_EXIST (2), BPF_F_LOCK (4), of update; 0 else. A look-up in a queue or stack sees the
 * next value, lookup_and_delete takes it; one in a Bloom filter asks for `value`. In a prog_array
 * values are numbers of programs (sluice_program_id), in maps of maps of maps (sluice_map_id);
 * -EACCES: an executor was not made for it. .rodata is -EPERM to change. */
SLUICE_API int sluice_map_lookup_elem(struct sluice_map *map, const void *key, size_t key_sz,
                                      void *value, size_t value_sz, uint64_t flags);
SLUICE_API int sluice_map_update_elem(struct sluice_map *map, const void *key, size_t key_sz,
                                      const void *value, size_t value_sz, uint64_t flags);
SLUICE_API int sluice_map_delete_elem(struct sluice_map *map, const void *key, size_t key_sz,
                                      uint64_t flags);
SLUICE_API int sluice_map_lookup_and_delete_elem(struct sluice_map *map, const void *key,
                                                 size_t key_sz, void *value, size_t value_sz,
                                                 uint64_t flags);
/* The key after cur_key; the first if that is NULL or not there; -ENOENT behind the last. next_key
 * may be cur_key. The order: docs/maps.md, "The host's calls". */
SLUICE_API int sluice_map_get_next_key(struct sluice_map *map, const void *cur_key, void *next_key,
                                       size_t key_sz);

/* Several entries at once: keys of key_size and values of sluice_map_values_size, one behind the
 * other. *count: how many there are, or are wanted; afterwards how many were done, also after an
 * error, which is that of the next one. No packet runs in between. lookup_batch gives the entries
 * after the key `after` (NULL: the first), and -ENOENT once the last one is among them. */
SLUICE_API int sluice_map_lookup_batch(struct sluice_map *map, const void *after, void *keys,
                                       void *values, uint32_t *count);
SLUICE_API int sluice_map_update_batch(struct sluice_map *map, const void *keys, const void *values,
                                       uint32_t *count, uint64_t flags);
SLUICE_API int sluice_map_delete_batch(struct sluice_map *map, const void *keys, uint32_t *count);

/* Records that a ring buffer had no room for, since its program was loaded; 0 of other maps. */
SLUICE_API int sluice_map_lost(struct sluice_map *map, uint64_t *lost);

/* ---- ports ---- */

struct sluice_port_opts {
    size_t size;
    const char *name; /* copied; NULL: "port", or the device's */
    /* NULL: a port in software. Else a device of the DPDK driver net_sluice in a process that runs:
     * its name ("net_sluice0", "0000:01:00.0"), the number that it has in DPDK ("0"), or "" for the
     * only one. */
    const char *device;
    const char *file_prefix;        /* of that process, as it was given to it; NULL: "rte" */
    const char *socket;             /* its telemetry socket, in place of file_prefix */
    const struct sluice_sink *sink; /* of a device's port: hears of all of its calls; copied */
    uint32_t timeout_ms;            /* for each answer of the process; 0: a minute */
    uint32_t reserved;              /* 0 */
};

/* A port in software, whose packets are given to it, or a device's, whose packets come from the
 * wire and go to the process that has it (docs/library.md, "Devices of other processes"). opts may
 * be NULL. -ENOMEM, -EINVAL; of a device: -ENOENT, -ECONNREFUSED (nobody listens there), -ENODEV
 * (the process has no such device), -ENOTUNIQ ("": there are several), -ETIMEDOUT, -EPROTO. */
SLUICE_API int sluice_port_open(const struct sluice_port_opts *opts, struct sluice_port **out);
/* Detaches what is attached; a device goes on with it, as others may have loaded it or rely on it.
 * NULL is fine. */
SLUICE_API void sluice_port_close(struct sluice_port *port);
SLUICE_API const char *sluice_port_name(const struct sluice_port *port);

/* -EBUSY: another program is attached. A program is attached to one port at a time.
 *
 * On a device (also for replace and detach) a program is whichever runs there, whoever loaded it;
 * a device without one passes all packets. -EINVAL: the program was not loaded for this port, or
 * for a device; -EACCES, -ENOTSUP, ...: what the process says, its reason is told to the port's
 * sink; -EPIPE: the process has gone, or closed the connection, which is final: open the port
 * again; -ETIMEDOUT: it did not answer, likewise; -EPROTO: its answer makes no sense. After these
 * three it is not known whether the call has done something. */
SLUICE_API int sluice_port_attach(struct sluice_port *port, struct sluice_loaded *loaded);
/* Puts a program in the place of another between two packets; -ENOENT: there is none. Maps with the
 * same definition (name, type, key, value, max_entries, flags) keep their contents, whatever the
 * two executors are: those of the new program are replaced by what the old one's have at that time.
 * Data sections and maps of programs or maps are kept if both programs are of one object, .rodata
 * never. Which entry of an LRU map was used last is not kept. -EOPNOTSUPP: a Bloom filter, whose
 * values nobody can read back, would be lost; after this and other errors the old program goes on,
 * and the new one's maps have what they had got by then. sink may be NULL. */
SLUICE_API int sluice_port_replace(struct sluice_port *port, struct sluice_loaded *loaded,
                                   const struct sluice_sink *sink);
/* Packets of a device may wait in its ports while contents are copied that can't stay where they
 * are; without it -EXDEV is given where they would have to. */
#define SLUICE_SWAP_MIGRATE 1u

struct sluice_swap_opts {
    size_t size;
    const struct sluice_sink *sink; /* of this call; or NULL */
    uint32_t flags;                 /* SLUICE_SWAP_* */
    uint32_t reserved;              /* 0 */
};

/* How a program took over, and what its maps hold. */
struct sluice_swap_result {
    size_t size;
    uint32_t in_place; /* 1: between two packets; 0: packets waited */
    uint32_t stayed;   /* maps that were not touched, */
    uint32_t moved;    /* whose contents were copied, */
    uint32_t fresh;    /* that hold what the object says */
};

/* Replaces as sluice_port_replace does, which is this with SLUICE_SWAP_MIGRATE, and tells how. On a
 * device data sections are kept if both programs come from one file, or one sluice_object, and
 * begin alike, and maps of programs or maps never. opts and result may be NULL. */
SLUICE_API int sluice_port_swap(struct sluice_port *port, struct sluice_loaded *loaded,
                                const struct sluice_swap_opts *opts,
                                struct sluice_swap_result *result);
/* -ENOENT: no program is attached. */
SLUICE_API int sluice_port_detach(struct sluice_port *port);

/* Runs packets as sluice_run does, with the program that is attached; without one they pass
 * unchanged (XDP_PASS). -EOPNOTSUPP: a device's. */
SLUICE_API int sluice_port_run(struct sluice_port *port, struct sluice_batch *batch);

/* A map of whatever program is attached, by name: the handle stays good when programs are replaced,
 * and no update through it is lost then. NULL: no program, or it has no such map. Calls give -EBADF
 * while there is none, and -ENXIO if the map of that name has another definition now. Lives as long
 * as the port.
 *
 * On a device packets run between and within calls: a batch goes in pieces, each of which the
 * device does as a whole. sluice_map_lookup_batch then may give fewer entries than were asked for,
 * with 0, if the entry at which it went on has gone. -EMSGSIZE: an entry has no room in a request
 * (1,023 characters, two for each byte of key and values) or an answer (7,168 bytes); -EOPNOTSUPP:
 * changes of maps of programs and maps, and look-ups there unless the program was attached by this
 * port; -EPIPE, -ETIMEDOUT, -EPROTO as above. */
SLUICE_API struct sluice_map *sluice_port_find_map_by_name(struct sluice_port *port,
                                                           const char *name);

/* ---- statistics, devices ---- */

struct sluice_stats {
    size_t size;
    uint64_t packets;
    uint64_t bytes_in;
    uint64_t bytes_out; /* of packets that left: passed, sent back, redirected */
    uint64_t aborted;
    uint64_t dropped;
    uint64_t passed;
    uint64_t tx;
    uint64_t redirected;
    uint64_t events;
    uint64_t cycles; /* hardware: clocks of all runs */
    uint64_t ns;     /* software: time of all programs */
};

/* Since the program was loaded; since the port was opened. 0 or -EINVAL. Of a device: since its
 * statistics were last reset, packets of all programs, bytes_out, cycles and ns are 0 as it does
 * not tell them; of a program on a device: -EOPNOTSUPP, it has no counts of its own. */
SLUICE_API int sluice_loaded_stats(struct sluice_loaded *loaded, struct sluice_stats *stats);
SLUICE_API int sluice_port_stats(struct sluice_port *port, struct sluice_stats *stats);

enum sluice_device_kind {
    SLUICE_DEVICE_NONE = 0,
    SLUICE_DEVICE_CORE = 1,
    SLUICE_DEVICE_PIPELINE = 2
};

/* What the device says in its registers (docs/tables.md); counters wrap at 32 bits. */
struct sluice_device_info {
    size_t size;
    uint32_t id;      /* 0x45434c53 */
    uint32_t version; /* of its register map */
    uint32_t kind;    /* enum sluice_device_kind */
    uint32_t stages;  /* of a pipeline; of a core: rows of a program bank */
    uint32_t packets_in;
    uint32_t packets_out;
    uint32_t stalls;    /* issue slots (core) or stage clocks (pipeline) lost to waits */
    uint32_t rows;      /* core: rows issued */
    uint32_t ext_lines; /* core: lines of the cache before external memory; 0: no such memory */
    uint32_t reserved;
};

/* A counter of a device, named as the driver's extended statistics (docs/driver.md). */
struct sluice_counter {
    char name[64];
    uint64_t value;
};

/* All counters of a device. *count: how many there is room for; afterwards how many there are,
 * which may be more. -EOPNOTSUPP: the port is in software. */
SLUICE_API int sluice_port_counters(struct sluice_port *port, struct sluice_counter *counters,
                                    uint32_t *count);

/* What a device's port is and does. Longer texts are cut. */
struct sluice_port_info {
    size_t size;
    char name[64];
    char socket[108]; /* with name it opens the port */
    char mac[20];
    char firmware[192];
    char program[128]; /* "" if none is attached */
    char section[64];
    char path[1024];    /* object file, as the process found it */
    char executor[16];  /* what runs the program: "microcode", "pipeline", "interp" (the host) */
    char reason[1024];  /* why it is the host, or "" */
    uint32_t number;    /* in DPDK */
    uint32_t started;   /* 1: it is, 0: stopped */
    uint32_t mtu;       /* bytes */
    uint32_t rx_queues; /* in use, */
    uint32_t tx_queues;
    uint32_t rx_rings; /* and of the device */
    uint32_t tx_rings;
    uint32_t link_count; /* Ethernet ports, */
    uint32_t links_up;   /* by bit */
    uint32_t maps;       /* of the program */
    uint32_t kind;       /* enum sluice_device_kind: the program slot */
    uint32_t version;    /* of its register map */
    uint32_t cores;
    uint32_t instructions; /* of the program */
    uint64_t generation;   /* another number for each program that begins to run */
    uint64_t time_ns;      /* of the device's clock */
};

/* -EOPNOTSUPP: the port is in software. */
SLUICE_API int sluice_port_info(struct sluice_port *port, struct sluice_port_info *info);

struct sluice_device_list_opts {
    size_t size;
    const struct sluice_sink *sink; /* of this call; or NULL */
    const char *file_prefix;        /* of one process, */
    const char *socket;  /* or its socket; both NULL: all processes that can be reached */
    uint32_t timeout_ms; /* as of a port */
    uint32_t reserved;   /* 0 */
};

/* Devices of processes that run. *count: room in infos, each of info_size bytes (sizeof(struct
 * sluice_port_info)); afterwards how many devices there are, which may be more. Processes that
 * don't answer are passed over with a warning, unless one was named. opts may be NULL. */
SLUICE_API int sluice_device_list(const struct sluice_device_list_opts *opts,
                                  struct sluice_port_info *infos, size_t info_size,
                                  uint32_t *count);

/* -ENODEV: the program is on no device. */
SLUICE_API int sluice_loaded_device_info(struct sluice_loaded *loaded,
                                         struct sluice_device_info *info);

#ifdef __cplusplus
}
#endif

#endif
