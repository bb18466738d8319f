/* What every upstream of the benchmarks shares: listening on 127.0.0.1, the opening handshake, and sending what a slow
 * reader does not take at once. Single-threaded; one recv for each readiness. */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include "ws.h"

#include <stddef.h>

enum { READ_SIZE = 256 * 1024 };

struct peer {
    int fd;
    bool upgraded;
    char *request; /* until then */
    size_t request_size;
    struct ws_head head; /* of the frame that is being received */
    uint64_t left;
    unsigned phase;
    bool closing;
    uint8_t *unsent; /* what the socket did not take; reading waits for it */
    size_t unsent_size, unsent_offset;
    uint8_t *message; /* for upstreams that gather frames before they answer; freed with the peer */
    size_t message_size;
    struct peer *before, *after; /* in the list of all peers */
};

extern struct peer *peers;

/* Takes what an upgraded peer sent; false when the peer has to go. */
typedef bool take_frames(struct peer *peer, const uint8_t *data, size_t size);

/* Says "NAME: listening on ws://127.0.0.1:PORT" and serves for ever. With compression it agrees to permessage-deflate
 * without context takeover in either direction (RFC 7692, section 7.1.1), so that frames can go back as they came. */
_Noreturn void upstream_serve(const char *name, bool compression, take_frames *take);

/* Sends, behind what is still unsent; false when the peer has to go. */
bool upstream_send(struct peer *peer, const uint8_t *data, size_t size);

/* Sets the peer up for the payload behind its header that is now complete; an unmasked frame ends the program. */
void upstream_begin_frame(struct peer *peer);

#endif
