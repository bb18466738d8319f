#include "client.h"

#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024, PACK_SIZE = 64 * 1024, MAX_RESPONSE = 16 * 1024, PIECES = 16, NUMBER = 8 };

static uint8_t input[READ_SIZE];
static uint8_t packed[PACK_SIZE];

static void random_bytes(void *out, size_t size)
{
    if (getrandom(out, size, 0) != (ssize_t)size)
        die("getrandom: %s", strerror(errno));
}

void load_prepare(struct load *load)
{
    load->frame = allocate(WS_MAX_HEAD + load->size);
    random_bytes(load->mask, sizeof load->mask);
    load->head_size = ws_head_write(load->frame, true, load->opcode, load->size, load->mask);
    load->frame_size = load->head_size + load->size;
    for (size_t i = 0; i < load->size; i++)
        load->frame[load->head_size + i] = (uint8_t)('a' + i % 26) ^ load->mask[i & 3];
    if (!load->last)
        load->last = (char)('a' + (load->size - 1) % 26);
}

static void write_number(char out[NUMBER], uint32_t number)
{
    for (int i = NUMBER - 1; i >= 0; i--, number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
}

/* The header and the masked number: the only bytes in which one message differs from another. */
static size_t write_start(const struct load *load, uint8_t *out, uint32_t number)
{
    char digits[NUMBER];

    write_number(digits, number);
    memcpy(out, load->frame, load->head_size);
    for (size_t i = 0; i < NUMBER; i++)
        out[load->head_size + i] = (uint8_t)digits[i] ^ load->mask[i & 3];
    return load->head_size + NUMBER;
}

static ssize_t send_packed(struct client *client)
{
    const struct load *load = client->load;
    size_t size = 0;

    for (uint32_t i = 0; i < client->queued && size + load->frame_size <= PACK_SIZE; i++) {
        size_t start = write_start(load, packed + size, client->sent + i);
        memcpy(packed + size + start, load->frame + start, load->frame_size - start);
        size += load->frame_size;
    }
    return send(client->fd, packed + client->offset, size - client->offset, MSG_NOSIGNAL);
}

/* Large messages are not copied: their letters are sent from the one frame that all share. */
static ssize_t send_pieces(struct client *client)
{
    const struct load *load = client->load;
    uint8_t starts[PIECES / 2][WS_MAX_HEAD + NUMBER];
    struct iovec pieces[PIECES];
    struct msghdr message = {.msg_iov = pieces};
    size_t skip = client->offset;

    for (uint32_t i = 0; i < client->queued && message.msg_iovlen + 2 <= PIECES; i++) {
        size_t start = write_start(load, starts[i], client->sent + i);
        size_t start_skip = skip < start ? skip : start, rest_skip = skip - start_skip;
        pieces[message.msg_iovlen++] = (struct iovec){starts[i] + start_skip, start - start_skip};
        pieces[message.msg_iovlen++] =
            (struct iovec){load->frame + start + rest_skip, load->frame_size - start - rest_skip};
        skip = 0;
    }
    return sendmsg(client->fd, &message, MSG_NOSIGNAL);
}

static void send_close(struct client *client)
{
    uint8_t frame[WS_MAX_HEAD + 2];
    size_t size = ws_head_write(frame, true, WS_CLOSE, 2, client->load->mask);

    frame[size++] = (1000 >> 8) ^ client->load->mask[0];
    frame[size++] = (1000 & 0xff) ^ client->load->mask[1];
    if (send(client->fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("a close frame could not be sent: %s", strerror(errno));
    client->close_queued = false;
    client->stage = CLOSING;
}

static void watch_writable(struct client *client, bool wanted)
{
    if (client->wants_write == wanted)
        return;
    client->wants_write = wanted;
    poll_change(client->load->epoll, client->fd, EPOLLIN | (wanted ? EPOLLOUT : 0u), client);
}

static void flush(struct client *client)
{
    const struct load *load = client->load;
    bool full = false;

    while (client->queued && !full) {
        ssize_t sent = load->frame_size <= PACK_SIZE / 4 ? send_packed(client) : send_pieces(client);
        if (sent < 0 && errno != EAGAIN)
            die("send: %s", strerror(errno));
        full = sent <= 0;
        if (full)
            break;
        size_t taken = client->offset + (size_t)sent;
        client->sent += (uint32_t)(taken / load->frame_size);
        client->queued -= (uint32_t)(taken / load->frame_size);
        client->offset = taken % load->frame_size;
        full = client->offset != 0;
    }
    watch_writable(client, full);
    if (client->close_queued && !client->queued)
        send_close(client);
}

void client_send(struct client *client, unsigned messages)
{
    uint64_t now = now_ns();

    for (unsigned i = 0; i < messages; i++)
        client->sent_at[(client->sent + client->queued++) % client->load->in_flight] = now;
    flush(client);
}

void client_close(struct client *client)
{
    client->close_queued = true;
    flush(client);
}

static void check_echo(struct client *client)
{
    const struct load *load = client->load;
    char number[NUMBER];

    write_number(number, client->echoed);
    if (client->position != load->size)
        die("an echo has %llu bytes instead of %zu", (unsigned long long)client->position, load->size);
    if (memcmp(client->number, number, NUMBER) != 0)
        die("an echo begins with '%.8s' instead of '%.8s'", client->number, number);
    if (client->last != load->last)
        die("an echo ends with '%c' instead of '%c'", client->last, load->last);
}

/* Returns whether the next message is due. */
static bool end_message(struct client *client, uint64_t now)
{
    struct load *load = client->load;

    check_echo(client);
    if (load->timing)
        histogram_add(&load->latencies, now - client->sent_at[client->echoed % load->in_flight]);
    client->echoed++;
    client->position = 0;
    load->trips++;
    return load->sending;
}

static void begin_frame(struct client *client)
{
    int opcode = ws_head_opcode(&client->head);
    int expected = client->position ? WS_CONTINUATION : client->load->opcode;

    if (ws_head_masked(&client->head))
        die("a masked frame came from the server (RFC 6455, section 5.1)");
    if (opcode == WS_CLOSE && client->stage != CLOSING)
        die("a close frame came in the middle of the measurement");
    if (opcode < WS_CLOSE && opcode != expected)
        die("an echo has opcode %d instead of %d", opcode, expected);
    client->left = ws_head_length(&client->head);
}

static void note_payload(struct client *client, const uint8_t *data, size_t size)
{
    if (size == 0 || ws_head_opcode(&client->head) >= WS_CLOSE)
        return;
    for (size_t i = 0; i < size && client->position + i < NUMBER; i++)
        client->number[client->position + i] = (char)data[i];
    client->last = (char)data[size - 1];
    client->position += size;
}

static void receive_frames(struct client *client, const uint8_t *data, size_t size)
{
    uint64_t now = now_ns();
    unsigned due = 0;

    while (size > 0) {
        if (!client->head.complete) {
            size_t taken = ws_head_feed(&client->head, data, size);
            data += taken, size -= taken;
            if (!client->head.complete)
                break;
            begin_frame(client);
        }
        size_t part = client->left < size ? (size_t)client->left : size;
        note_payload(client, data, part);
        data += part, size -= part, client->left -= part;
        if (client->left > 0)
            break;
        if (ws_head_opcode(&client->head) < WS_CLOSE && ws_head_fin(&client->head))
            due += end_message(client, now);
        ws_head_reset(&client->head);
    }
    if (due)
        client_send(client, due);
}

static void send_request(struct client *client)
{
    uint8_t random[16];
    char request[256];

    random_bytes(random, sizeof random);
    ws_key(client->key, random);
    int size = snprintf(request, sizeof request,
                        "GET /benchmark HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
                        client->load->port, client->key);
    if (send(client->fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        die("a request could not be sent: %s", strerror(errno));
    client->stage = UPGRADING;
    watch_writable(client, false);
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
    client->stage = OPEN;
}

static void end_connection(struct client *client)
{
    if (client->stage != CLOSING)
        die("a connection ended in the middle of the measurement");
    close(client->fd);
    client->stage = CLOSED;
}

static void receive(struct client *client)
{
    ssize_t got = recv(client->fd, input, READ_SIZE, 0);

    if (got < 0 && errno == EAGAIN)
        return;
    /* A reset after both close frames have passed is the server's way to end the connection first. */
    if (got == 0 || (got < 0 && errno == ECONNRESET && client->stage == CLOSING))
        end_connection(client);
    else if (got < 0)
        die("recv: %s", strerror(errno));
    else if (client->stage == UPGRADING)
        receive_response(client, input, (size_t)got);
    else
        receive_frames(client, input, (size_t)got);
}

void client_event(struct client *client, uint32_t events)
{
    if (client->stage == CONNECTING) {
        tcp_finish_connect(client->fd);
        send_request(client);
        return;
    }
    if (events & EPOLLOUT)
        flush(client);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(client);
}

struct client *client_new(struct load *load)
{
    struct client *client = allocate(sizeof *client);

    client->load = load;
    client->sent_at = allocate(load->in_flight * sizeof *client->sent_at);
    client_connect(client);
    return client;
}

void client_connect(struct client *client)
{
    struct load *load = client->load;
    uint64_t *sent_at = client->sent_at;

    *client = (struct client){.load = load, .sent_at = sent_at, .stage = CONNECTING, .begun = now_ns()};
    client->fd = tcp_connect(load->port);
    client->wants_write = true;
    poll_add(load->epoll, client->fd, EPOLLOUT, client);
}
