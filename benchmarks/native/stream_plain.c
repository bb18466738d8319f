#include "net.h"
#include "stream.h"

#include <sys/socket.h>
#include <unistd.h>

void stream_prepare(const char *trusted)
{
    if (trusted)
        die("--tls needs the program that is built with OpenSSL");
}

void stream_begin(struct stream *stream, int fd)
{
    stream->fd = fd;
}

bool stream_handshake(struct stream *stream)
{
    (void)stream;
    return true;
}

ssize_t stream_send(struct stream *stream, const void *data, size_t size)
{
    return send(stream->fd, data, size, MSG_NOSIGNAL);
}

ssize_t stream_receive(struct stream *stream, void *buffer, size_t size)
{
    return recv(stream->fd, buffer, size, 0);
}

bool stream_has_more(const struct stream *stream)
{
    (void)stream;
    return false;
}

void stream_end(struct stream *stream)
{
    close(stream->fd);
}
