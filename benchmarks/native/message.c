#include "message.h"

#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { STORED_BLOCK = 5, MAX_FILE = 64 * 1024 * 1024 };

void message_random(void *out, size_t size)
{
    if (getrandom(out, size, 0) != (ssize_t)size)
        die("getrandom: %s", strerror(errno));
}

/* The payload is masked where it stands. */
static void make_frame(struct message *message, int first, const uint8_t *payload, size_t size)
{
    free(message->frame);
    message->frame = allocate(WS_MAX_HEAD + size);
    message_random(message->mask, sizeof message->mask);
    message->head_size = ws_head_write(message->frame, first, size, message->mask);
    message->frame_size = message->head_size + size;
    ws_mask(message->frame + message->head_size, payload, size, message->mask, 0);
}

void message_of_size(struct message *message, int opcode, size_t size)
{
    uint8_t *payload = allocate(size);

    for (size_t i = 0; i < size; i++)
        payload[i] = (uint8_t)('a' + i % 26);
    make_frame(message, WS_FIN | opcode, payload, size);
    free(payload);
}

void message_of_file(struct message *message, int opcode, const char *path)
{
    static const uint8_t stored[STORED_BLOCK] = {0, NUMBER, 0, 0xff ^ NUMBER, 0xff};
    uint8_t *payload = allocate(MAX_FILE);
    FILE *file = fopen(path, "rb");

    if (!file)
        die("%s: %s", path, strerror(errno));
    size_t size = fread(payload, 1, MAX_FILE, file);
    fclose(file);
    if (size <= STORED_BLOCK + NUMBER || memcmp(payload, stored, STORED_BLOCK) != 0)
        die("%s does not begin with a stored block of %d bytes", path, NUMBER);
    message->number_at = STORED_BLOCK;
    make_frame(message, WS_FIN | WS_RSV1 | opcode, payload, size);
    free(payload);
}

void message_number(char out[NUMBER], uint32_t number)
{
    for (int i = NUMBER - 1; i >= 0; i--, number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
}

/* The header and the payload up to and with the number: the only bytes in which messages differ. */
static size_t write_start(const struct message *message, uint8_t out[START_SIZE], uint32_t number)
{
    size_t before = message->head_size + message->number_at;
    char digits[NUMBER];

    message_number(digits, number);
    memcpy(out, message->frame, before);
    for (size_t i = 0; i < NUMBER; i++)
        out[before + i] = (uint8_t)digits[i] ^ message->mask[(message->number_at + i) & 3];
    return before + NUMBER;
}

void message_pieces(const struct message *message, uint8_t start[START_SIZE], uint32_t number, size_t skip,
                    struct iovec pieces[2])
{
    size_t size = write_start(message, start, number);
    size_t start_skip = skip < size ? skip : size, rest_skip = skip - start_skip;

    pieces[0] = (struct iovec){start + start_skip, size - start_skip};
    pieces[1] = (struct iovec){message->frame + size + rest_skip, message->frame_size - size - rest_skip};
}

size_t message_copy(const struct message *message, uint8_t *out, size_t room, uint32_t first, uint32_t count,
                    size_t skip)
{
    size_t size = 0;

    for (uint32_t i = 0; i < count && size < room; i++, skip = 0) {
        uint8_t start[START_SIZE];
        struct iovec pieces[2];
        message_pieces(message, start, first + i, skip, pieces);
        for (int piece = 0; piece < 2; piece++) {
            size_t part = pieces[piece].iov_len < room - size ? pieces[piece].iov_len : room - size;
            memcpy(out + size, pieces[piece].iov_base, part);
            size += part;
        }
    }
    return size;
}
