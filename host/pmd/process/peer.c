/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/process/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Requests and answers over a pair of sockets (SOCK_STREAM: of any size). */

enum { ROOM_MIN = 8192 };

int pmd_line_put(struct pmd_line *line, const struct pmd_peer_head *head, const void *bytes)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)head, sizeof(*head)},
                             {(void *)(uintptr_t)bytes, head->bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = head->bytes ? 2 : 1};

    while (message.msg_iovlen) {
        ssize_t n = sendmsg(line->fd, &message, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        while (message.msg_iovlen && (size_t)n >= message.msg_iov->iov_len) {
            n -= (ssize_t)message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen) {
            message.msg_iov->iov_base = (uint8_t *)message.msg_iov->iov_base + n;
            message.msg_iov->iov_len -= (size_t)n;
        }
    }
    return 0;
}

static int make_room(struct pmd_line *line, size_t bytes)
{
    uint8_t *buffer;

    if (bytes <= line->room)
        return 0;
    buffer = realloc(line->buffer, bytes);
    if (!buffer)
        return -ENOMEM;
    line->buffer = buffer;
    line->room = bytes;
    return 0;
}

/* Waits until so many bytes are there; requests and answers alternate, so there are never more than
 * those of one. */
static int fill(struct pmd_line *line, size_t wanted, size_t *got)
{
    while (*got < wanted) {
        const ssize_t n = recv(line->fd, line->buffer + *got, line->room - *got, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EPIPE;
        *got += (size_t)n;
    }
    return 0;
}

int pmd_line_get(struct pmd_line *line, struct pmd_peer_head *head, const uint8_t **bytes)
{
    size_t got = 0;
    int err = make_room(line, ROOM_MIN);

    if (!err)
        err = fill(line, sizeof(*head), &got);
    if (err)
        return err;
    memcpy(head, line->buffer, sizeof(*head));
    if (head->bytes > PMD_PEER_BYTES_MAX)
        return -EPROTO;
    err = make_room(line, sizeof(*head) + head->bytes);
    if (!err)
        err = fill(line, sizeof(*head) + head->bytes, &got);
    if (!err && got != sizeof(*head) + head->bytes)
        err = -EPROTO;
    if (!err)
        *bytes = line->buffer + sizeof(*head);
    return err;
}

void pmd_line_close(struct pmd_line *line)
{
    if (line->fd >= 0)
        close(line->fd);
    free(line->buffer);
    *line = (struct pmd_line){.fd = -1};
}
