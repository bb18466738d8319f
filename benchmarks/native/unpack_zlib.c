#include "net.h"
#include "unpack.h"

#include <zlib.h>

enum { PIECE = 64 * 1024 };

static uint8_t piece[PIECE];

bool unpack_is_there(void)
{
    return true;
}

void *unpack_new(void)
{
    z_stream *stream = allocate(sizeof *stream);

    if (inflateInit2(stream, -MAX_WBITS) != Z_OK)
        die("zlib: inflateInit2 failed");
    return stream;
}

void unpack_feed(void *unpacker, const uint8_t *data, size_t size, take_plain *take, void *owner)
{
    z_stream *stream = unpacker;

    stream->next_in = (Bytef *)data;
    stream->avail_in = (uInt)size;
    do {
        stream->next_out = piece;
        stream->avail_out = PIECE;
        int result = inflate(stream, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR)
            die("an echo does not inflate: %s", stream->msg ? stream->msg : "it ends its deflate stream");
        if (stream->avail_out < PIECE)
            take(owner, piece, PIECE - stream->avail_out);
    } while (stream->avail_in > 0 || stream->avail_out == 0);
}

void unpack_end(void *unpacker, take_plain *take, void *owner)
{
    static const uint8_t tail[4] = {0, 0, 0xff, 0xff};

    unpack_feed(unpacker, tail, sizeof tail, take, owner);
    inflateReset(unpacker);
}
