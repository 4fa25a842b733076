/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *const rtl_folders[] = {
    "hw/rtl/common", "hw/rtl/axis", "hw/rtl/core", "hw/rtl/map", "hw/rtl/pipe", "hw/rtl/csr",
    "hw/rtl/top",    "hw/spec/gen", "sim",         "hw/rtl/nic", "hw/rtl/dma"};
enum {
    RTL_FOLDERS = sizeof(rtl_folders) / sizeof(rtl_folders[0]),
    RTL_NIC_FOLDERS = 2, /* the last ones: only the NIC is built with these */
    LOG_TAIL_BYTES = 600
};

/* FNV-1a, 64 bits: names a cache entry; the entry's stamp decides whether it is the right one. */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < bytes; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static int make_dir(const char *path)
{
    return mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
}

static int cache_dir(char dir[MODEL_PATH_BYTES], char *why, size_t why_bytes)
{
    const char *own = getenv("SLUICE_CACHE");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int err;

    if (own && *own) {
        snprintf(dir, MODEL_PATH_BYTES, "%s", own);
    } else if (xdg && *xdg) {
        snprintf(dir, MODEL_PATH_BYTES, "%s/sluice", xdg);
    } else {
        snprintf(dir, MODEL_PATH_BYTES, "%s/.cache", home && *home ? home : "/tmp");
        make_dir(dir);
        strncat(dir, "/sluice", MODEL_PATH_BYTES - strlen(dir) - 1);
    }
    err = make_dir(dir);
    if (err)
        snprintf(why, why_bytes,
                 "the cache folder %s can't be made: %s; set SLUICE_CACHE to a "
                 "folder that can be written",
                 dir, strerror(-err));
    return err;
}

/* Names, sizes and times of the RTL that a model is built with, as one number. */
static uint64_t hash_rtl(uint64_t h, enum model_kind kind)
{
    const int folders = kind == MODEL_NIC ? RTL_FOLDERS : RTL_FOLDERS - RTL_NIC_FOLDERS;

    for (int i = 0; i < folders; i++) {
        char path[MODEL_PATH_BYTES];
        struct dirent **names;
        int n;

        snprintf(path, sizeof(path), "%s/%s", SLUICE_SOURCE_ROOT, rtl_folders[i]);
        n = scandir(path, &names, NULL, alphasort);
        for (int k = 0; k < n; k++) {
            struct stat st;

            snprintf(path, sizeof(path), "%s/%s/%s", SLUICE_SOURCE_ROOT, rtl_folders[i],
                     names[k]->d_name);
            if (!stat(path, &st) && S_ISREG(st.st_mode)) {
                h = hash_bytes(h, names[k]->d_name, strlen(names[k]->d_name));
                h = hash_bytes(h, &st.st_size, sizeof(st.st_size));
                h = hash_bytes(h, &st.st_mtim, sizeof(st.st_mtim));
            }
            free(names[k]);
        }
        if (n >= 0)
            free(names);
    }
    return h;
}

static bool file_equals(const char *path, const char *text)
{
    const size_t bytes = strlen(text);
    char *have = malloc(bytes + 1);
    FILE *f = fopen(path, "r");
    bool same = false;

    if (f && have)
        same = fread(have, 1, bytes + 1, f) == bytes && !memcmp(have, text, bytes);
    if (f)
        fclose(f);
    free(have);
    return same;
}

static int write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    int err = 0;

    if (!f)
        return -errno;
    if (fputs(text, f) < 0)
        err = -EIO;
    if (fclose(f))
        err = -errno;
    return err;
}

/* The end of a log as a reason, from the start of a line. */
static void log_tail(const char *path, char *why, size_t why_bytes)
{
    char tail[LOG_TAIL_BYTES + 1] = "";
    const char *from = tail;
    FILE *f = fopen(path, "r");
    size_t n = 0;

    if (f) {
        const bool cut = !fseek(f, -LOG_TAIL_BYTES, SEEK_END);

        if (!cut)
            rewind(f);
        n = fread(tail, 1, LOG_TAIL_BYTES, f);
        fclose(f);
        while (n && tail[n - 1] == '\n')
            n--;
        tail[n] = 0;
        if (cut && strchr(tail, '\n'))
            from = strchr(tail, '\n') + 1;
    }
    snprintf(why, why_bytes, "the simulation model can't be built: %s",
             n ? from : "the build stopped without a word; try ./dev build");
}

/* In the child: becomes the build, which is told when the parent dies, however that happens. */
static void become_build(const char *const argv[], const char *log, pid_t parent)
{
    const int in = open("/dev/null", O_RDONLY);
    const int out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (in < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(out, STDERR_FILENO) < 0)
        _exit(127);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        execve(argv[0], (char *const *)(uintptr_t)argv, environ);
    _exit(127);
}

#define VERILATOR_SCRIPT SLUICE_SOURCE_ROOT "/sim/build_model.sh"
#define VERILATOR_OPTIONS "--opt", "-O1", "--runtime", SLUICE_BUILD_ROOT "/simrt"

/* How each kind is built: the script after ROOT OUT WORK takes the options, the Verilog file, and
 * what is around it. */
static const struct {
    const char *script;
    const char *ending;
    const char *options[6];
    const char *around;
} kinds[MODEL_KIND_COUNT] = {
    [MODEL_VERILATOR] = {VERILATOR_SCRIPT, "so", {VERILATOR_OPTIONS}, NULL},
    [MODEL_TRACED] = {VERILATOR_SCRIPT, "so", {VERILATOR_OPTIONS, "--trace"}, NULL},
    [MODEL_ICARUS] = {SLUICE_SOURCE_ROOT "/sim/build_icarus.sh", "vvp", {NULL}, NULL},
    [MODEL_NIC] = {VERILATOR_SCRIPT,
                   "so",
                   {VERILATOR_OPTIONS, "--nic"},
                   SLUICE_SOURCE_ROOT "/hw/rtl/top/sluice_nic.v"},
};

/* What a model is built from. */
struct recipe {
    enum model_kind kind;
    const char *verilog; /* the text of a generated device, or a name */
    const char *source;  /* the file, if verilog is only a name */
    uint32_t cores;      /* 0: not said */
};

/* Runs the script with its output in a log. */
static int run_build(const char *out, const char *work, const struct recipe *recipe,
                     const char *verilog_path, char *why, size_t why_bytes)
{
    const enum model_kind kind = recipe->kind;
    char log[MODEL_PATH_BYTES + 16];
    char cores[16];
    const char *argv[16] = {"/bin/sh", kinds[kind].script, SLUICE_SOURCE_ROOT, out, work};
    const pid_t parent = getpid();
    int args = 5;
    int status = 0;
    pid_t pid;

    for (int i = 0; kinds[kind].options[i]; i++)
        argv[args++] = kinds[kind].options[i];
    if (recipe->cores) {
        snprintf(cores, sizeof(cores), "%u", recipe->cores);
        argv[args++] = "--cores";
        argv[args++] = cores;
    }
    argv[args++] = verilog_path;
    argv[args] = kinds[kind].around;
    snprintf(log, sizeof(log), "%s/build.log", work);
    pid = fork();
    if (pid == 0)
        become_build(argv, log, parent);
    if (pid < 0) {
        const int err = -errno;

        snprintf(why, why_bytes, "the build of the simulation model can't be started: %s",
                 strerror(-err));
        return err;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    log_tail(log, why, why_bytes);
    return -EIO;
}

/* The build script has removed its objects; what is left are these. */
static void remove_work(const char *work)
{
    static const char *const names[] = {"sluice_dut.v", "build.log", "verilator.log"};
    char path[MODEL_PATH_BYTES + 32];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", work, names[i]);
        unlink(path);
    }
    rmdir(work);
}

/* One cache entry: NAME.so or NAME.vvp, and NAME.v, the Verilog that it was built from, written
 * last. */
static int build_cached(const struct recipe *recipe, char path[MODEL_PATH_BYTES], char *why,
                        size_t why_bytes)
{
    const enum model_kind kind = recipe->kind;
    const char *verilog = recipe->verilog;
    char dir[MODEL_PATH_BYTES - 64];
    char stamp[MODEL_PATH_BYTES];
    char work[MODEL_PATH_BYTES];
    char input[MODEL_PATH_BYTES + 16];
    char full[MODEL_PATH_BYTES];
    uint64_t h = hash_rtl(hash_bytes(0xcbf29ce484222325u + kind, verilog, strlen(verilog)), kind);
    int err = cache_dir(full, why, why_bytes);

    if (err)
        return err;
    if ((size_t)snprintf(dir, sizeof(dir), "%s", full) >= sizeof(dir)) {
        snprintf(why, why_bytes, "the path of the cache folder is too long");
        return -ENAMETOOLONG;
    }
    snprintf(path, MODEL_PATH_BYTES, "%s/%016llx.%s", dir, (unsigned long long)h,
             kinds[kind].ending);
    snprintf(stamp, sizeof(stamp), "%s/%016llx.v", dir, (unsigned long long)h);
    if (!access(path, R_OK) && file_equals(stamp, verilog))
        return 0;
    /* Others may build at the same time: threads of this process, processes of other machines. */
    snprintf(work, sizeof(work), "%s/work-XXXXXX", dir);
    err = mkdtemp(work) ? 0 : -errno;
    snprintf(input, sizeof(input), "%s/%s", work, "sluice_dut.v");
    if (!err && !recipe->source)
        err = write_file(input, verilog);
    if (err)
        snprintf(why, why_bytes,
                 "the cache folder %s can't be written: %s; set SLUICE_CACHE to a folder that can "
                 "be written",
                 dir, strerror(-err));
    if (!err)
        err =
            run_build(path, work, recipe, recipe->source ? recipe->source : input, why, why_bytes);
    if (!err)
        err = write_file(stamp, verilog);
    remove_work(work);
    return err;
}

int model_build(const char *verilog, enum model_kind kind, char path[MODEL_PATH_BYTES], char *why,
                size_t why_bytes)
{
    return build_cached(&(struct recipe){.kind = kind, .verilog = verilog}, path, why, why_bytes);
}

static int built_file(const char *name, char path[MODEL_PATH_BYTES], char *why, size_t why_bytes)
{
    const char *dir = getenv("SLUICE_BUILD_DIR");

    snprintf(path, MODEL_PATH_BYTES, "%s/%s", dir && *dir ? dir : SLUICE_BUILD_ROOT, name);
    if (!access(path, R_OK))
        return 0;
    snprintf(why, why_bytes, "%s is missing; run ./dev build", path);
    return -ENOENT;
}

int model_core(bool trace, uint32_t cores, char path[MODEL_PATH_BYTES], char *why, size_t why_bytes)
{
    char name[32];
    const struct recipe recipe = {.kind = trace ? MODEL_TRACED : MODEL_VERILATOR,
                                  .verilog = name,
                                  .source = SLUICE_SOURCE_ROOT "/hw/rtl/top/sluice_dut.v",
                                  .cores = cores};

    if (!trace && cores <= 1)
        return built_file("core_model.so", path, why, why_bytes);
    snprintf(name, sizeof(name), "core %u", cores);
    return build_cached(&recipe, path, why, why_bytes);
}

int model_plugin(char path[MODEL_PATH_BYTES], char *why, size_t why_bytes)
{
    return built_file("sluice-sim.so", path, why, why_bytes);
}
