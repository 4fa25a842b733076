/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/telemetry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    REQUEST_BYTES = 1023, /* that telemetry reads */
    ANSWER_BYTES = 16384, /* that it writes at most */
    COMMAND_BYTES = 56,   /* of a command's name, at most */
    PATIENCE_MS = 60000   /* for an answer: loading a program takes seconds at most */
};

#define ROOM "/net_sluice/"

struct telemetry {
    int fd;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

int telemetry_path(const char *prefix, char *path, size_t path_bytes)
{
    const char *folder = getenv("RUNTIME_DIRECTORY");

    if (!folder)
        folder = getuid() ? getenv("XDG_RUNTIME_DIR") : "/var/run";
    if (!folder)
        folder = "/tmp";
    return snprintf(path, path_bytes, "%s/dpdk/%s/dpdk_telemetry.v2", folder, prefix) <
                   (int)path_bytes
               ? 0
               : -ENAMETOOLONG;
}

static int connect_to(struct telemetry *t, uint32_t timeout_ms)
{
    const uint32_t ms = timeout_ms ? timeout_ms : PATIENCE_MS;
    const struct timeval patience = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    memcpy(addr.sun_path, t->path, sizeof(addr.sun_path));
    t->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (t->fd < 0 || setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
        setsockopt(t->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
        connect(t->fd, (struct sockaddr *)&addr, sizeof(addr)))
        return -errno;
    return 0;
}

/* No answer that comes later is to be taken for that of another request. */
static int hang_up(struct telemetry *t, int err)
{
    close(t->fd);
    t->fd = -1;
    return err;
}

/* One message; a 0 is put behind it. */
static int receive(struct telemetry *t, char *text, size_t text_bytes, char *why, size_t why_bytes)
{
    ssize_t n;

    do
        n = recv(t->fd, text, text_bytes - 1, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        snprintf(why, why_bytes, "the process behind %s does not answer", t->path);
        return hang_up(t, -ETIMEDOUT);
    }
    if (n <= 0) {
        snprintf(why, why_bytes,
                 "the process behind %s has closed the connection; it has ended, or has too many "
                 "clients",
                 t->path);
        return hang_up(t, -EPIPE);
    }
    text[n] = 0;
    return 0;
}

int telemetry_open(const char *path, uint32_t timeout_ms, struct telemetry **out, char *why,
                   size_t why_bytes)
{
    char greeting[ANSWER_BYTES];
    struct telemetry *t = calloc(1, sizeof(*t));
    int err;

    if (!t)
        return -ENOMEM;
    t->fd = -1;
    err = snprintf(t->path, sizeof(t->path), "%s", path) < (int)sizeof(t->path) ? 0 : -ENAMETOOLONG;
    if (!err)
        err = connect_to(t, timeout_ms);
    if (err == -ENOENT || err == -ECONNREFUSED)
        snprintf(why, why_bytes,
                 "no process listens at %s; is one running with this --file-prefix, and without "
                 "--no-telemetry?",
                 path);
    else if (err == -EAGAIN) /* its queue of clients is full, and stays so */
        snprintf(why, why_bytes, "the process behind %s does not answer", path);
    else if (err)
        snprintf(why, why_bytes, "%s: %s", path, strerror(-err));
    else
        err = receive(t, greeting, sizeof(greeting), why, why_bytes);
    if (err) {
        telemetry_close(t);
        return err == -EAGAIN ? -ETIMEDOUT : err;
    }
    *out = t;
    return 0;
}

void telemetry_close(struct telemetry *t)
{
    if (!t)
        return;
    if (t->fd >= 0)
        close(t->fd);
    free(t);
}

/* Adds a parameter; what separates parameters, and what is no text, is escaped. */
static bool add_parameter(char *request, size_t *used, const char *text)
{
    if (*used == REQUEST_BYTES)
        return false;
    request[(*used)++] = ',';
    for (; *text; text++) {
        const bool plain = *text > ' ' && *text <= '~' && *text != ',' && *text != '%';

        if (*used + 3 > REQUEST_BYTES)
            return false;
        if (plain)
            request[(*used)++] = *text;
        else
            *used += (size_t)snprintf(request + *used, 4, "%%%02x", (unsigned char)*text);
    }
    request[*used] = 0;
    return true;
}

/* Strings that come in pieces, because telemetry cuts them, become one. */
static int join_pieces(json_t *answer)
{
    char text[ANSWER_BYTES + 1];
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(answer, next, name, value)
    {
        size_t used = 0;

        if (!json_is_string(json_array_get(value, 0)))
            continue;
        for (size_t i = 0; i < json_array_size(value) && used < sizeof(text); i++) {
            const char *piece = json_string_value(json_array_get(value, i));

            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", piece ? piece : "");
        }
        if (json_object_set_new(answer, name, json_string(text)))
            return -ENOMEM;
    }
    return 0;
}

/* What the command says went wrong, if it does. */
static int check_answer(const json_t *answer, char *why, size_t why_bytes)
{
    const json_int_t err = json_integer_value(json_object_get(answer, "errno"));

    if (!json_object_get(answer, "error"))
        return 0;
    snprintf(why, why_bytes, "%s", telemetry_text(answer, "error"));
    return err > 0 && err < 4096 ? -(int)err : -EIO;
}

int telemetry_read(const char *path, const char *command, const char *text, json_t **out, char *why,
                   size_t why_bytes)
{
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *answer = json_object_get(document, command);
    int err = 0;

    if (json_is_null(answer)) {
        snprintf(why, why_bytes, "the process behind %s has no device of net_sluice", path);
        err = -ENODEV;
    } else if (!json_is_object(answer)) {
        snprintf(why, why_bytes, "the answer of the process behind %s makes no sense", path);
        err = -EPROTO;
    } else {
        err = join_pieces(answer);
        if (!err)
            err = check_answer(answer, why, why_bytes);
    }
    if (!err)
        *out = json_incref(answer);
    json_decref(document);
    return err;
}

int telemetry_ask(struct telemetry *t, const char *command, const char *const *parameters,
                  uint32_t count, json_t **answer, char *why, size_t why_bytes)
{
    char name[COMMAND_BYTES], request[REQUEST_BYTES + 8], text[ANSWER_BYTES + 1];
    size_t used = (size_t)snprintf(name, sizeof(name), ROOM "%s", command);
    bool fits = true;
    int err;

    memcpy(request, name, used + 1);
    for (uint32_t i = 0; i < count && fits; i++)
        fits = add_parameter(request, &used, parameters[i]);
    if (!fits) {
        snprintf(why, why_bytes, "this is more than a request to telemetry has room for (%d bytes)",
                 REQUEST_BYTES);
        return -EMSGSIZE;
    }
    if (t->fd < 0) {
        snprintf(why, why_bytes, "the connection to the process behind %s is gone", t->path);
        return -EPIPE;
    }
    if (send(t->fd, request, used, MSG_NOSIGNAL) < 0) {
        snprintf(why, why_bytes, "the process behind %s has ended", t->path);
        return hang_up(t, -EPIPE);
    }
    err = receive(t, text, sizeof(text), why, why_bytes);
    return err ? err : telemetry_read(t->path, name, text, answer, why, why_bytes);
}

size_t telemetry_room(const char *command, const char *const *parameters, uint32_t count)
{
    char request[REQUEST_BYTES + 8];
    size_t used = sizeof(ROOM) - 1 + strlen(command);
    bool fits = add_parameter(request, &used, "9999");

    for (uint32_t i = 0; i < count && fits; i++)
        fits = add_parameter(request, &used, parameters[i]);
    return fits ? REQUEST_BYTES - used : 0;
}

int telemetry_peer(const struct telemetry *t, uint32_t *pid, uint32_t *uid)
{
    struct ucred peer;
    socklen_t bytes = sizeof(peer);

    if (getsockopt(t->fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes))
        return -errno;
    *pid = (uint32_t)peer.pid;
    *uid = peer.uid;
    return 0;
}

/* --- answers --- */

const char *telemetry_text(const json_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer, name));

    return text ? text : "";
}

uint64_t telemetry_number(const json_t *answer, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(answer, name));
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int telemetry_bytes(const json_t *answer, const char *name, void *bytes, size_t count)
{
    const char *text = telemetry_text(answer, name);
    uint8_t *out = bytes;

    if (strlen(text) != 2 * count)
        return -EPROTO;
    for (size_t i = 0; i < count; i++) {
        const int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EPROTO;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
