/* The payload of compressed messages, one stream of bytes for each connection: unpack_zlib.c, or none of it. */
#ifndef UNPACK_H
#define UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void take_plain(void *owner, const uint8_t *data, size_t size);

/* Whether the program is built with zlib. */
bool unpack_is_there(void);
void *unpack_new(void);
/* Inflates a piece of a message and hands over what comes out. */
void unpack_feed(void *unpacker, const uint8_t *data, size_t size, take_plain *take, void *owner);
/* Ends the message (RFC 7692, section 7.2.2); the next one begins with an empty window. */
void unpack_end(void *unpacker, take_plain *take, void *owner);

#endif
