/* A WebSocket echo upstream. Every frame goes back unmasked with its type, FIN and RSV1, pings as pongs, a close frame
 * ends the connection. One send for each recv, whatever they hold: it must cost less than any proxy in front of it.
 *
 *   echo [--deflate]      agrees to permessage-deflate where it is offered */
#include "upstream.h"

#include <string.h>

/* A header that began in an earlier read is written with this one's payload: hence the room for one more. */
static uint8_t output[READ_SIZE + WS_MAX_HEAD];

static size_t begin_frame(struct peer *peer, uint8_t *out)
{
    int first = peer->head.bytes[0];

    upstream_begin_frame(peer);
    if (ws_head_opcode(&peer->head) == WS_PING)
        first = WS_FIN | WS_PONG;
    return ws_head_write(out, first, peer->left, NULL);
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
    return upstream_send(peer, output, (size_t)(out - output));
}

int main(int argc, char **argv)
{
    upstream_serve("echo", argc > 1 && strcmp(argv[1], "--deflate") == 0, echo_frames);
}
