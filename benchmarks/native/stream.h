/* The bytes of one connection of the load generator: as they are (stream_plain.c), or through TLS (stream_tls.c). */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream {
    int fd;
    void *tls;
};

/* Once, before the first stream: the file whose certificate the proxy must show, or NULL for none. */
void stream_prepare(const char *trusted);
/* For a socket that is connected. */
void stream_begin(struct stream *stream, int fd);
/* Whether the TLS handshake is complete; false waits for the next readiness. */
bool stream_handshake(struct stream *stream);
/* As send and recv of a non-blocking socket; EAGAIN waits. stream_receive fills the buffer as far as it can. */
ssize_t stream_send(struct stream *stream, const void *data, size_t size);
ssize_t stream_receive(struct stream *stream, void *buffer, size_t size);
/* Whether bytes wait here that no readiness of the socket will tell of. */
bool stream_has_more(const struct stream *stream);
void stream_end(struct stream *stream);

#endif
