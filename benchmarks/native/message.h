/* The messages that are sent: one masked frame, the same for all but for the eight digits of its number. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "ws.h"

#include <stddef.h>
#include <sys/uio.h>

enum { NUMBER = 8, START_SIZE = WS_MAX_HEAD + 32 };

struct message {
    uint8_t *frame;
    size_t frame_size, head_size;
    size_t number_at; /* bytes of the payload before the number */
    uint8_t mask[4];
};

void message_random(void *out, size_t size);
/* A payload of so many bytes: its number, then letters. All of it is ASCII, fit for text. */
void message_of_size(struct message *message, int opcode, size_t size);
/* A payload compressed beforehand, with RSV1. It begins with a stored block that holds the number alone, so that numbers
 * can be written into it (RFC 1951, section 3.2.4). */
void message_of_file(struct message *message, int opcode, const char *path);

void message_number(char out[NUMBER], uint32_t number);
/* Copies what lies behind `skip` bytes of these consecutive messages, as far as there is room; returns how much. */
size_t message_copy(const struct message *message, uint8_t *out, size_t room, uint32_t first, uint32_t count,
                    size_t skip);
/* The start of a message, up to its number, into `start`, and the pieces that follow `skip` bytes of it. */
void message_pieces(const struct message *message, uint8_t start[START_SIZE], uint32_t number, size_t skip,
                    struct iovec pieces[2]);

#endif
