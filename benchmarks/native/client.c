#include "client.h"

#include "net.h"
#include "unpack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { READ_SIZE = 256 * 1024, PACK_SIZE = 64 * 1024, MAX_RESPONSE = 16 * 1024, PIECES = 16 };

static uint8_t input[READ_SIZE];
static uint8_t packed[PACK_SIZE];

static void enter(struct client *client, enum stage stage)
{
    client->load->in_stage[client->stage]--;
    client->load->in_stage[stage]++;
    client->stage = stage;
}

/* Both tell what they offered to the socket beside what it took. */
static ssize_t send_packed(struct client *client, size_t *offered)
{
    *offered =
        message_copy(&client->load->message, packed, PACK_SIZE, client->sent, client->queued, client->offset);
    return stream_send(&client->stream, packed, *offered);
}

/* Large messages are not copied: their letters are sent from the one frame that all share. */
static ssize_t send_pieces(struct client *client, size_t *offered)
{
    uint8_t starts[PIECES / 2][START_SIZE];
    struct iovec pieces[PIECES];
    struct msghdr message = {.msg_iov = pieces};
    size_t skip = client->offset;

    for (uint32_t i = 0; i < client->queued && message.msg_iovlen + 2 <= PIECES; i++, skip = 0) {
        message_pieces(&client->load->message, starts[i], client->sent + i, skip, pieces + message.msg_iovlen);
        message.msg_iovlen += 2;
        *offered += client->load->message.frame_size - skip;
    }
    return sendmsg(client->stream.fd, &message, MSG_NOSIGNAL);
}

static void send_close(struct client *client)
{
    static const uint8_t code[2] = {1000 >> 8, 1000 & 0xff};
    const uint8_t *mask = client->load->message.mask;
    uint8_t frame[WS_MAX_HEAD + 2];
    size_t size = ws_head_write(frame, WS_FIN | WS_CLOSE, 2, mask);

    ws_mask(frame + size, code, 2, mask, 0);
    size += 2;
    if (stream_send(&client->stream, frame, size) != (ssize_t)size)
        die("a close frame could not be sent: %s", strerror(errno));
    client->close_queued = false;
    enter(client, CLOSING);
}

static void send_pong(struct client *client)
{
    const uint8_t *mask = client->load->message.mask;
    uint8_t frame[WS_MAX_HEAD + sizeof client->ping];
    size_t size = ws_head_write(frame, WS_FIN | WS_PONG, client->ping_size, mask);

    ws_mask(frame + size, client->ping, client->ping_size, mask, 0);
    size += client->ping_size;
    if (stream_send(&client->stream, frame, size) != (ssize_t)size)
        die("a pong could not be sent: %s", strerror(errno));
    client->pong_queued = false;
}

static void watch_writable(struct client *client, bool wanted)
{
    if (client->wants_write == wanted)
        return;
    client->wants_write = wanted;
    poll_change(client->load->epoll, client->stream.fd, EPOLLIN | (wanted ? EPOLLOUT : 0u), client);
}

static void flush(struct client *client)
{
    const struct load *load = client->load;
    size_t frame_size = load->message.frame_size;
    bool packs = load->secured || frame_size <= PACK_SIZE / 4;
    bool full = false;

    while (client->queued && !full) {
        size_t offered = 0;
        ssize_t sent = packs ? send_packed(client, &offered) : send_pieces(client, &offered);
        if (sent < 0 && errno != EAGAIN)
            die("send: %s", strerror(errno));
        full = sent <= 0;
        if (full)
            break;
        size_t taken = client->offset + (size_t)sent;
        client->sent += (uint32_t)(taken / frame_size);
        client->queued -= (uint32_t)(taken / frame_size);
        client->offset = taken % frame_size;
        full = (size_t)sent < offered;
    }
    watch_writable(client, full);
    if (client->pong_queued && !client->queued)
        send_pong(client);
    if (client->close_queued && !client->queued)
        send_close(client);
}

void client_send(struct client *client, unsigned messages)
{
    uint64_t now = now_ns();

    client->load->pending += (uint64_t)messages * client->load->fan;
    for (unsigned i = 0; i < messages; i++)
        client->sent_at[(client->sent + client->queued++) % client->load->in_flight] = now;
    flush(client);
}

void client_close(struct client *client)
{
    client->close_queued = true;
    flush(client);
}

void client_pong(struct client *client)
{
    client->pong_queued = client->stage == OPEN;
    flush(client);
}

static void send_request(struct client *client)
{
    static const char offer[] =
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n";
    uint8_t random[16];
    char request[512];

    message_random(random, sizeof random);
    ws_key(client->key, random);
    int size = snprintf(request, sizeof request,
                        "GET /benchmark HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n",
                        client->load->port, client->key, client->load->compressed ? offer : "");
    if (stream_send(&client->stream, request, (size_t)size) != size)
        die("a request could not be sent: %s", strerror(errno));
    enter(client, UPGRADING);
}

static void check_response(const struct client *client)
{
    char accept[WS_ACCEPT_CHARS + 1];
    size_t size;
    const char *value = ws_field(client->response, "Sec-WebSocket-Accept", &size);

    if (strncmp(client->response, "HTTP/1.1 101 ", 13) != 0)
        die("the answer to the opening handshake is '%.*s'", (int)strcspn(client->response, "\r"), client->response);
    ws_accept(accept, client->key);
    if (!value || size != WS_ACCEPT_CHARS || memcmp(value, accept, size) != 0)
        die("the answer to the opening handshake has no proper Sec-WebSocket-Accept");
    value = ws_field(client->response, "Sec-WebSocket-Extensions", &size);
    if (client->load->compressed && (!value || strncmp(value, "permessage-deflate", 18) != 0))
        die("the answer to the opening handshake does not agree to permessage-deflate");
    if (client->load->compressed && !strstr(value, "server_no_context_takeover"))
        die("the answer to the opening handshake keeps the context that the offer excluded (RFC 7692, section 7.1.1.1)");
}

static void receive_response(struct client *client, const uint8_t *data, size_t size)
{
    if (client->response_size + size > MAX_RESPONSE)
        die("the answer to the opening handshake has more than %d bytes", MAX_RESPONSE);
    if (!client->response)
        client->response = allocate(MAX_RESPONSE + 1);
    memcpy(client->response + client->response_size, data, size);
    client->response_size += size;
    client->response[client->response_size] = '\0';
    const char *end = strstr(client->response, "\r\n\r\n");
    if (!end)
        return;
    check_response(client);
    if (client->response + client->response_size != end + 4)
        die("bytes follow the 101 before anything was sent");
    free(client->response);
    client->response = NULL;
    enter(client, OPEN);
}

static void end_connection(struct client *client)
{
    if (client->stage != CLOSING)
        die("a connection ended in the middle of the measurement");
    stream_end(&client->stream);
    enter(client, CLOSED);
}

/* Returns whether anything came. */
static bool receive(struct client *client)
{
    ssize_t got = stream_receive(&client->stream, input, READ_SIZE);

    if (got < 0 && errno == EAGAIN)
        return false;
    /* A reset after both close frames have passed is the server's way to end the connection first. */
    if (got == 0 || (got < 0 && errno == ECONNRESET && client->stage == CLOSING))
        end_connection(client);
    else if (got < 0)
        die("recv: %s", strerror(errno));
    else if (client->stage == UPGRADING)
        receive_response(client, input, (size_t)got);
    else
        client_take_frames(client, input, (size_t)got);
    return true;
}

static void secure(struct client *client)
{
    if (!stream_handshake(&client->stream))
        return;
    send_request(client);
}

static void begin_stream(struct client *client)
{
    tcp_finish_connect(client->stream.fd);
    stream_begin(&client->stream, client->stream.fd);
    watch_writable(client, false);
    enter(client, SECURING);
    secure(client);
}

void client_event(struct client *client, uint32_t events)
{
    if (client->stage == CONNECTING) {
        begin_stream(client);
        return;
    }
    if (client->stage == SECURING) {
        secure(client);
        return;
    }
    if (events & EPOLLOUT)
        flush(client);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        while (receive(client) && client->stage != CLOSED && stream_has_more(&client->stream))
            ;
    }
}

struct client *client_new(struct load *load)
{
    struct client *client = allocate(sizeof *client);

    client->load = load;
    client->sent_at = allocate(load->in_flight * sizeof *client->sent_at);
    client->unpacker = load->compressed ? unpack_new() : NULL;
    client->stage = CLOSED;
    load->in_stage[CLOSED]++;
    client_connect(client);
    return client;
}

void client_connect(struct client *client)
{
    struct load *load = client->load;
    uint64_t *sent_at = client->sent_at;
    void *unpacker = client->unpacker;

    load->in_stage[CLOSED]--;
    load->in_stage[CONNECTING]++;
    *client = (struct client){
        .load = load, .sent_at = sent_at, .unpacker = unpacker, .stage = CONNECTING, .begun = now_ns()};
    client->stream.fd = tcp_connect(load->port);
    client->wants_write = true;
    poll_add(load->epoll, client->stream.fd, EPOLLOUT, client);
}
