/* A WebSocket echo upstream on 127.0.0.1, single-threaded. Every frame goes back unmasked with its type and FIN, pings
 * as pongs, a close frame ends the connection. One recv and one send for each readiness, whatever they hold: it must
 * cost less than any proxy in front of it. */
#include "net.h"
#include "ws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024, MAX_REQUEST = 16 * 1024, EVENTS = 256 };

struct peer {
    int fd;
    bool upgraded;
    char *request; /* until then */
    size_t request_size;
    struct ws_head head;
    uint64_t left;
    unsigned phase;
    bool closing;
    uint8_t *unsent; /* what the socket did not take; reading waits for it */
    size_t unsent_size, unsent_offset;
};

static int epoll;
static uint8_t input[READ_SIZE];
/* A header that began in an earlier read is written with this one's payload: hence the room for one more. */
static uint8_t output[READ_SIZE + WS_MAX_HEAD];

static void forget(struct peer *peer)
{
    close(peer->fd);
    free(peer->request);
    free(peer->unsent);
    free(peer);
}

/* The functions from here on return whether the peer is still there. */
static bool send_or_keep(struct peer *peer, const uint8_t *data, size_t size)
{
    ssize_t sent = size ? send(peer->fd, data, size, MSG_NOSIGNAL) : 0;

    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent < size) {
        peer->unsent_size = size - (size_t)sent;
        peer->unsent_offset = 0;
        peer->unsent = allocate(peer->unsent_size);
        memcpy(peer->unsent, data + sent, peer->unsent_size);
        poll_change(epoll, peer->fd, EPOLLOUT, peer);
        return true;
    }
    return !peer->closing;
}

static bool send_rest(struct peer *peer)
{
    ssize_t sent = send(peer->fd, peer->unsent + peer->unsent_offset, peer->unsent_size - peer->unsent_offset,
                        MSG_NOSIGNAL);

    if (sent < 0)
        return errno == EAGAIN;
    peer->unsent_offset += (size_t)sent;
    if (peer->unsent_offset < peer->unsent_size)
        return true;
    free(peer->unsent);
    peer->unsent = NULL;
    poll_change(epoll, peer->fd, EPOLLIN, peer);
    return !peer->closing;
}

static size_t begin_frame(struct peer *peer, uint8_t *out)
{
    int opcode = ws_head_opcode(&peer->head);

    if (!ws_head_masked(&peer->head))
        die("an unmasked frame came from a client (RFC 6455, section 5.1)");
    peer->left = ws_head_length(&peer->head);
    peer->phase = 0;
    return ws_head_write(out, ws_head_fin(&peer->head), opcode == WS_PING ? WS_PONG : opcode, peer->left, NULL);
}

static void end_frame(struct peer *peer)
{
    peer->closing = ws_head_opcode(&peer->head) == WS_CLOSE;
    ws_head_reset(&peer->head);
}

static bool echo_frames(struct peer *peer, const uint8_t *data, size_t size)
{
    uint8_t *out = output;

    while (size > 0 && !peer->closing) {
        if (!peer->head.complete) {
            size_t taken = ws_head_feed(&peer->head, data, size);
            data += taken, size -= taken;
            if (!peer->head.complete)
                break;
            out += begin_frame(peer, out);
        }
        size_t part = peer->left < size ? (size_t)peer->left : size;
        ws_mask(out, data, part, ws_head_mask(&peer->head), peer->phase);
        peer->phase = (peer->phase + (unsigned)(part & 3)) & 3;
        data += part, size -= part, out += part, peer->left -= part;
        if (peer->left == 0)
            end_frame(peer);
    }
    return send_or_keep(peer, output, (size_t)(out - output));
}

static bool answer_request(struct peer *peer, const uint8_t *data, size_t size)
{
    char accept[WS_ACCEPT_CHARS + 1], response[256];
    size_t key_length;

    if (!peer->request)
        peer->request = allocate(MAX_REQUEST + 1);
    if (peer->request_size + size > MAX_REQUEST)
        die("a request of more than %d bytes", MAX_REQUEST);
    memcpy(peer->request + peer->request_size, data, size);
    peer->request_size += size;
    peer->request[peer->request_size] = '\0';
    if (!strstr(peer->request, "\r\n\r\n"))
        return true;

    const char *key = ws_field(peer->request, "Sec-WebSocket-Key", &key_length);
    if (!key || key_length != WS_KEY_CHARS)
        die("a request without a proper Sec-WebSocket-Key");
    ws_accept(accept, key);
    int length = snprintf(response, sizeof response,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    free(peer->request);
    peer->request = NULL;
    peer->upgraded = true;
    return send_or_keep(peer, (const uint8_t *)response, (size_t)length);
}

static bool readable(struct peer *peer)
{
    ssize_t got = recv(peer->fd, input, READ_SIZE, 0);

    if (got < 0)
        return errno == EAGAIN;
    if (got == 0)
        return false;
    return peer->upgraded ? echo_frames(peer, input, (size_t)got) : answer_request(peer, input, (size_t)got);
}

static void accept_all(int listener)
{
    int fd;

    while ((fd = tcp_accept(listener)) >= 0) {
        struct peer *peer = allocate(sizeof *peer);
        peer->fd = fd;
        poll_add(epoll, fd, EPOLLIN, peer);
    }
}

static void serve(int listener)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);

    if (count < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        if (!peer)
            accept_all(listener);
        else if (!(peer->unsent ? send_rest(peer) : readable(peer)))
            forget(peer);
    }
}

int main(void)
{
    uint16_t port = 0;
    int listener = tcp_listen(&port);

    epoll = epoll_create1(EPOLL_CLOEXEC);
    poll_add(epoll, listener, EPOLLIN, NULL);
    printf("echo: listening on ws://127.0.0.1:%u\n", port);
    fflush(stdout);
    for (;;)
        serve(listener);
}
