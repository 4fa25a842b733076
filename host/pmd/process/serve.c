/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/process/serve.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

/* Secondary processes' lines, and their threads. */

enum { LINES_MAX = 128 };

/* A line and its thread. */
struct served {
    TAILQ_ENTRY(served) next;
    struct pmd_serve *serve;
    struct pmd_line line;
    pthread_t thread;
    atomic_bool ended;
    struct pmd_request request;
};

struct pmd_serve {
    struct pmd *pmd;
    /* Held by queues' requests, and whole by who starts or stops the port. */
    pthread_rwlock_t gate;
    pthread_mutex_t lock; /* of what follows */
    TAILQ_HEAD(, served) lines;
    uint32_t count;
    bool closing;
};

/* DPDK's actions get no context, so the devices are kept here. */
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pmd *devices[RTE_MAX_ETHPORTS];

/* One request and its answer. */
static int serve_one(struct served *s)
{
    struct pmd_request *r = &s->request;
    int err = pmd_line_get(&s->line, &r->head, &r->in);

    if (err != -ECONNRESET) /* the answer before was read */
        r->given = 0;
    if (err)
        return err;
    r->head.result = pmd_serve_act(r);
    r->head.bytes = r->out_bytes;
    return pmd_line_put(&s->line, &r->head, r->out);
}

static void *serve_line(void *ctx)
{
    struct served *s = ctx;

    while (!serve_one(s))
        ;
    /* packets that nobody has taken: the secondary has died before it read of them */
    for (uint32_t i = 0; i < s->request.given; i++)
        rte_pktmbuf_free(((struct rte_mbuf **)(void *)s->request.out)[i]);
    shutdown(s->line.fd, SHUT_RDWR); /* who waits for an answer gets none */
    atomic_store(&s->ended, true);
    return NULL;
}

/* --- lines --- */

static void end_line(struct pmd_serve *serve, struct served *s)
{
    TAILQ_REMOVE(&serve->lines, s, next);
    serve->count--;
    pthread_join(s->thread, NULL);
    pmd_line_close(&s->line);
    free(s->request.out);
    free(s);
}

/* needs: serve->lock */
static int add_line(struct pmd_serve *serve, int fd)
{
    struct served *s, *after;
    int err;

    for (s = TAILQ_FIRST(&serve->lines); s; s = after) {
        after = TAILQ_NEXT(s, next);
        if (atomic_load(&s->ended))
            end_line(serve, s);
    }
    if (serve->closing || serve->count == LINES_MAX)
        return serve->closing ? -ENODEV : -EMFILE;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->serve = serve;
    s->line.fd = fd;
    s->request.pmd = serve->pmd;
    s->request.eth_dev = &rte_eth_devices[serve->pmd->data->port_id];
    err = rte_ctrl_thread_create(&s->thread, "sluice-line", NULL, serve_line, s);
    if (err) {
        free(s);
        return err;
    }
    TAILQ_INSERT_TAIL(&serve->lines, s, next);
    serve->count++;
    return 0;
}

int pmd_serve_line(struct pmd *pmd, int fd)
{
    struct pmd_serve *serve = pmd->serve;
    int err;

    pthread_mutex_lock(&serve->lock);
    err = add_line(serve, fd);
    pthread_mutex_unlock(&serve->lock);
    if (err)
        close(fd);
    return err;
}

/* --- how a secondary process comes by a line --- */

/* needs: devices_lock */
static int open_pair(const struct rte_mp_msg *msg, int *theirs)
{
    const struct pmd_peer_hello *hello = (const struct pmd_peer_hello *)(const void *)msg->param;
    struct pmd *pmd = NULL;
    int pair[2], err;

    if (msg->len_param != sizeof(*hello) || hello->version != PMD_PEER_VERSION ||
        !memchr(hello->device, 0, sizeof(hello->device)))
        return -EPROTONOSUPPORT;
    for (uint32_t i = 0; i < RTE_DIM(devices); i++)
        if (devices[i] && !strcmp(devices[i]->data->name, hello->device))
            pmd = devices[i];
    if (!pmd)
        return -ENODEV;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return -errno;
    err = pmd_serve_line(pmd, pair[0]);
    if (err)
        close(pair[1]);
    else
        *theirs = pair[1];
    return err;
}

static int on_hello(const struct rte_mp_msg *msg, const void *peer)
{
    struct rte_mp_msg reply = {.len_param = sizeof(int)};
    int theirs = -1, err;

    pthread_mutex_lock(&devices_lock);
    err = open_pair(msg, &theirs);
    pthread_mutex_unlock(&devices_lock);
    snprintf(reply.name, sizeof(reply.name), "%s", PMD_PEER_ACTION);
    memcpy(reply.param, &err, sizeof(err));
    if (!err)
        reply.fds[reply.num_fds++] = theirs;
    err = rte_mp_reply(&reply, peer);
    if (theirs >= 0)
        close(theirs);
    return err;
}

int pmd_serve_open(struct pmd *pmd)
{
    struct pmd_serve *serve = calloc(1, sizeof(*serve));
    pthread_rwlockattr_t attr;

    if (!serve)
        return -ENOMEM;
    serve->pmd = pmd;
    TAILQ_INIT(&serve->lines);
    pthread_mutex_init(&serve->lock, NULL);
    pthread_rwlockattr_init(&attr); /* secondaries poll without end */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&serve->gate, &attr);
    pthread_rwlockattr_destroy(&attr);
    pmd->serve = serve;
    if (rte_mp_action_register(PMD_PEER_ACTION, on_hello) && rte_errno != EEXIST &&
        rte_errno != ENOTSUP)
        return -rte_errno;
    pthread_mutex_lock(&devices_lock);
    devices[pmd->data->port_id] = pmd;
    pthread_mutex_unlock(&devices_lock);
    return 0;
}

void pmd_serve_close(struct pmd *pmd)
{
    struct pmd_serve *serve = pmd->serve;
    struct served *s;

    if (!serve)
        return;
    pthread_mutex_lock(&devices_lock);
    for (uint32_t i = 0; i < RTE_DIM(devices); i++)
        if (devices[i] == pmd)
            devices[i] = NULL;
    pthread_mutex_unlock(&devices_lock);
    pthread_mutex_lock(&serve->lock);
    serve->closing = true;
    TAILQ_FOREACH(s, &serve->lines, next)
    shutdown(s->line.fd, SHUT_RDWR);
    while ((s = TAILQ_FIRST(&serve->lines)))
        end_line(serve, s);
    pthread_mutex_unlock(&serve->lock);
    pthread_rwlock_destroy(&serve->gate);
    pthread_mutex_destroy(&serve->lock);
    free(serve);
    pmd->serve = NULL;
}

void pmd_serve_hold(struct pmd *pmd)
{
    if (pmd->serve)
        pthread_rwlock_wrlock(&pmd->serve->gate);
}

void pmd_serve_release(struct pmd *pmd)
{
    if (pmd->serve)
        pthread_rwlock_unlock(&pmd->serve->gate);
}

void pmd_serve_enter(struct pmd *pmd)
{
    pthread_rwlock_rdlock(&pmd->serve->gate);
}

void pmd_serve_leave(struct pmd *pmd)
{
    pthread_rwlock_unlock(&pmd->serve->gate);
}
