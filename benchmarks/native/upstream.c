#include "upstream.h"

#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_REQUEST = 16 * 1024, EVENTS = 256 };

struct peer *peers;

static int epoll;
static uint8_t input[READ_SIZE];
static bool agrees_to_compression;
static take_frames *take_upgraded;

static void forget(struct peer *peer)
{
    if (peer->before)
        peer->before->after = peer->after;
    else
        peers = peer->after;
    if (peer->after)
        peer->after->before = peer->before;
    close(peer->fd);
    free(peer->request);
    free(peer->unsent);
    free(peer->message);
    free(peer);
}

static void keep_unsent(struct peer *peer, const uint8_t *data, size_t size)
{
    size_t have = peer->unsent_size - peer->unsent_offset;
    uint8_t *kept = allocate(have + size);

    if (have)
        memcpy(kept, peer->unsent + peer->unsent_offset, have);
    memcpy(kept + have, data, size);
    free(peer->unsent);
    peer->unsent = kept;
    peer->unsent_size = have + size;
    peer->unsent_offset = 0;
    poll_change(epoll, peer->fd, EPOLLOUT, peer);
}

bool upstream_send(struct peer *peer, const uint8_t *data, size_t size)
{
    ssize_t sent = size && !peer->unsent ? send(peer->fd, data, size, MSG_NOSIGNAL) : 0;

    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent < size) {
        keep_unsent(peer, data + sent, size - (size_t)sent);
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
    peer->unsent_size = peer->unsent_offset = 0;
    poll_change(epoll, peer->fd, EPOLLIN, peer);
    return !peer->closing;
}

void upstream_begin_frame(struct peer *peer)
{
    if (!ws_head_masked(&peer->head))
        die("an unmasked frame came from a client (RFC 6455, section 5.1)");
    peer->left = ws_head_length(&peer->head);
    peer->phase = 0;
}

static const char *extension_line(const struct peer *peer)
{
    size_t length;
    const char *offer = ws_field(peer->request, "Sec-WebSocket-Extensions", &length);

    if (!agrees_to_compression || !offer || strncmp(offer, "permessage-deflate", 18) != 0)
        return "";
    return "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
           "client_no_context_takeover\r\n";
}

static bool answer_request(struct peer *peer, const uint8_t *data, size_t size)
{
    char accept[WS_ACCEPT_CHARS + 1], response[512];
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
                          "Sec-WebSocket-Accept: %s\r\n%s\r\n", accept, extension_line(peer));
    free(peer->request);
    peer->request = NULL;
    peer->upgraded = true;
    return upstream_send(peer, (const uint8_t *)response, (size_t)length);
}

static bool readable(struct peer *peer)
{
    ssize_t got = recv(peer->fd, input, READ_SIZE, 0);

    if (got < 0)
        return errno == EAGAIN;
    if (got == 0)
        return false;
    return peer->upgraded ? take_upgraded(peer, input, (size_t)got) : answer_request(peer, input, (size_t)got);
}

static void accept_all(int listener)
{
    int fd;

    while ((fd = tcp_accept(listener)) >= 0) {
        struct peer *peer = allocate(sizeof *peer);
        peer->fd = fd;
        peer->after = peers;
        if (peers)
            peers->before = peer;
        peers = peer;
        poll_add(epoll, fd, EPOLLIN, peer);
    }
}

static void serve_once(int listener)
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

void upstream_serve(const char *name, bool compression, take_frames *take)
{
    uint16_t port = 0;
    int listener = tcp_listen(&port);

    agrees_to_compression = compression;
    take_upgraded = take;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    poll_add(epoll, listener, EPOLLIN, NULL);
    printf("%s: listening on ws://127.0.0.1:%u\n", name, port);
    fflush(stdout);
    for (;;)
        serve_once(listener);
}
