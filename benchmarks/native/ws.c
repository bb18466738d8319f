#include "ws.h"

#include <string.h>
#include <strings.h>

static size_t head_size(const uint8_t *bytes)
{
    static const uint8_t extended[2] = {2, 8};
    size_t size = 2;
    unsigned length = bytes[1] & 0x7f;

    if (length >= 126)
        size += extended[length - 126];
    return bytes[1] & 0x80 ? size + 4 : size;
}

size_t ws_head_feed(struct ws_head *head, const uint8_t *data, size_t size)
{
    size_t taken = 0;

    while (taken < size && !head->complete) {
        head->bytes[head->have++] = data[taken++];
        head->complete = head->have >= 2 && head->have == head_size(head->bytes);
    }
    return taken;
}

void ws_head_reset(struct ws_head *head)
{
    head->have = 0;
    head->complete = false;
}

bool ws_head_fin(const struct ws_head *head)
{
    return head->bytes[0] & WS_FIN;
}

bool ws_head_rsv1(const struct ws_head *head)
{
    return head->bytes[0] & WS_RSV1;
}

int ws_head_opcode(const struct ws_head *head)
{
    return head->bytes[0] & 0x0f;
}

bool ws_head_masked(const struct ws_head *head)
{
    return head->bytes[1] & 0x80;
}

uint64_t ws_head_length(const struct ws_head *head)
{
    unsigned first = head->bytes[1] & 0x7f;
    unsigned more = first == 126 ? 2 : first == 127 ? 8 : 0;
    uint64_t length = 0;

    if (more == 0)
        return first;
    for (unsigned i = 0; i < more; i++)
        length = length << 8 | head->bytes[2 + i];
    return length;
}

const uint8_t *ws_head_mask(const struct ws_head *head)
{
    return head->bytes + head->have - 4;
}

size_t ws_head_write(uint8_t *out, int first, uint64_t length, const uint8_t *mask)
{
    unsigned more = length < 126 ? 0 : length < 65536 ? 2 : 8;
    size_t size = 2;

    out[0] = (uint8_t)first;
    out[1] = (uint8_t)((mask ? 0x80 : 0) | (more == 0 ? length : more == 2 ? 126 : 127));
    for (unsigned i = 0; i < more; i++)
        out[size++] = (uint8_t)(length >> (8 * (more - 1 - i)));
    if (mask) {
        memcpy(out + size, mask, 4);
        size += 4;
    }
    return size;
}

void ws_mask(uint8_t *restrict out, const uint8_t *restrict in, size_t size, const uint8_t *mask, unsigned phase)
{
    uint8_t key[8];
    uint64_t word, keys;
    size_t i = 0;

    for (unsigned k = 0; k < 8; k++)
        key[k] = mask[(phase + k) & 3];
    memcpy(&keys, key, 8);
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, in + i, 8);
        word ^= keys;
        memcpy(out + i, &word, 8);
    }
    for (; i < size; i++)
        out[i] = in[i] ^ key[i & 7];
}

static uint32_t rotated(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64])
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        int phase = i / 20;
        uint32_t f = phase == 0 ? (b & c) | (~b & d) : phase == 2 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        uint32_t next = rotated(a, 5) + f + e + constants[phase] + w[i];
        e = d, d = c, c = rotated(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* SHA-1 (FIPS 180-4) of a text of 60 bytes: always two blocks, the second with nothing but the length. */
static void sha1_of_60(uint8_t digest[20], const uint8_t text[60])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[128] = {0};

    memcpy(blocks, text, 60);
    blocks[60] = 0x80;
    blocks[126] = 480 >> 8;
    blocks[127] = 480 & 0xff;
    sha1_block(state, blocks);
    sha1_block(state, blocks + 64);
    for (int i = 0; i < 20; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(char *out, const uint8_t *data, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)data[i] << 16;
        if (i + 1 < size)
            group |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < size)
            group |= data[i + 2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = i + 1 < size ? alphabet[group >> 6 & 63] : '=';
        *out++ = i + 2 < size ? alphabet[group & 63] : '=';
    }
    *out = '\0';
}

void ws_accept(char out[WS_ACCEPT_CHARS + 1], const char key[WS_KEY_CHARS])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[60], digest[20];

    memcpy(text, key, WS_KEY_CHARS);
    memcpy(text + WS_KEY_CHARS, guid, 36);
    sha1_of_60(digest, text);
    base64(out, digest, sizeof digest);
}

void ws_key(char out[WS_KEY_CHARS + 1], const uint8_t random[16])
{
    base64(out, random, 16);
}

const char *ws_field(const char *head, const char *name, size_t *length)
{
    size_t name_length = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_length) != 0 || line[name_length] != ':')
            continue;
        const char *value = line + name_length + 1;
        value += strspn(value, " \t");
        *length = strcspn(value, "\r\n \t");
        return value;
    }
    return NULL;
}
