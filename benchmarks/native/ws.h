/* RFC 6455 on bytes: the accept value of the opening handshake, and frame headers. Knows no sockets. */
#ifndef WS_H
#define WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_FIN = 0x80, WS_RSV1 = 0x40 };
enum { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_MAX_HEAD = 14, WS_KEY_CHARS = 24, WS_ACCEPT_CHARS = 28 };

/* A frame header that may arrive in pieces. All zero is the state before its first byte. */
struct ws_head {
    uint8_t bytes[WS_MAX_HEAD];
    uint8_t have;
    bool complete;
};

/* Takes header bytes from data and returns how many; the header is there once head->complete is set. */
size_t ws_head_feed(struct ws_head *head, const uint8_t *data, size_t size);
void ws_head_reset(struct ws_head *head);
bool ws_head_fin(const struct ws_head *head);
/* Of a message compressed with permessage-deflate (RFC 7692, section 6). */
bool ws_head_rsv1(const struct ws_head *head);
int ws_head_opcode(const struct ws_head *head);
bool ws_head_masked(const struct ws_head *head);
uint64_t ws_head_length(const struct ws_head *head);
const uint8_t *ws_head_mask(const struct ws_head *head);

/* Writes a header in the minimal form (section 5.2): its first byte as given, a mask unless NULL. Returns its size. */
size_t ws_head_write(uint8_t *out, int first, uint64_t length, const uint8_t *mask);

/* out[i] = in[i] ^ mask[(phase + i) % 4]; the buffers must not overlap. */
void ws_mask(uint8_t *restrict out, const uint8_t *restrict in, size_t size, const uint8_t *mask, unsigned phase);

/* Sec-WebSocket-Accept of a Sec-WebSocket-Key (section 4.2.2), NUL-terminated. */
void ws_accept(char out[WS_ACCEPT_CHARS + 1], const char key[WS_KEY_CHARS]);

/* Base64 of 16 random bytes (section 4.1), NUL-terminated. */
void ws_key(char out[WS_KEY_CHARS + 1], const uint8_t random[16]);

/* The value of an HTTP field within a NUL-terminated head, without blanks around it; NULL if absent. */
const char *ws_field(const char *head, const char *name, size_t *length);

#endif
