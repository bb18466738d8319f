/* A WebSocket upstream that sends each binary message of one client to all of them, the asker included, and each text
 * message back to its sender. A message is one frame of at most 64 KiB; a close frame is answered and ends the
 * connection, a ping is answered. */
#include "net.h"
#include "upstream.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_MESSAGE = 64 * 1024 };

static uint8_t frame[WS_MAX_HEAD + MAX_MESSAGE];

static size_t frame_of_message(const struct peer *peer, int opcode)
{
    size_t head = ws_head_write(frame, WS_FIN | opcode, peer->message_size, NULL);

    memcpy(frame + head, peer->message, peer->message_size);
    return head + peer->message_size;
}

/* Whoever cannot be written to is found by its own next readiness. */
static bool send_to_all(const struct peer *asker)
{
    size_t size = frame_of_message(asker, WS_BINARY);

    for (struct peer *peer = peers; peer; peer = peer->after)
        if (peer->upgraded && !peer->closing)
            upstream_send(peer, frame, size);
    return true;
}

static bool answer(struct peer *peer, int opcode)
{
    peer->closing = opcode == WS_CLOSE;
    return upstream_send(peer, frame, frame_of_message(peer, opcode));
}

static void begin_frame(struct peer *peer)
{
    upstream_begin_frame(peer);
    if (peer->left > MAX_MESSAGE)
        die("a message of more than %d bytes", MAX_MESSAGE);
    free(peer->message);
    peer->message = allocate((size_t)peer->left + 1);
    peer->message_size = 0;
}

static bool end_frame(struct peer *peer)
{
    int opcode = ws_head_opcode(&peer->head);

    ws_head_reset(&peer->head);
    switch (opcode) {
    case WS_BINARY: return send_to_all(peer);
    case WS_PING: return answer(peer, WS_PONG);
    case WS_TEXT:
    case WS_CLOSE: return answer(peer, opcode);
    case WS_PONG: return true;
    default: die("a frame of opcode %d came", opcode);
    }
}

static bool take(struct peer *peer, const uint8_t *data, size_t size)
{
    while (size > 0 && !peer->closing) {
        if (!peer->head.complete) {
            size_t taken = ws_head_feed(&peer->head, data, size);
            data += taken, size -= taken;
            if (!peer->head.complete)
                break;
            begin_frame(peer);
        }
        size_t part = peer->left < size ? (size_t)peer->left : size;
        ws_mask(peer->message + peer->message_size, data, part, ws_head_mask(&peer->head), peer->phase);
        peer->phase = (peer->phase + (unsigned)(part & 3)) & 3;
        peer->message_size += part;
        data += part, size -= part, peer->left -= part;
        if (peer->left == 0 && !end_frame(peer))
            return false;
    }
    return true;
}

int main(void)
{
    upstream_serve("fan-out", false, take);
}
