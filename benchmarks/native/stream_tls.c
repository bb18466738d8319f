#include "net.h"
#include "stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

enum { READ_AHEAD = 256 * 1024 };

static SSL_CTX *context;

static _Noreturn void fail(const char *what)
{
    unsigned long error = ERR_get_error();

    die("%s: %s", what, error ? ERR_reason_error_string(error) : "OpenSSL gives no reason");
}

/* One protocol and one cipher, so that every proxy does the same work; no resumption, so that every handshake is whole. */
void stream_prepare(const char *trusted)
{
    if (!trusted)
        return;
    context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") ||
        !SSL_CTX_load_verify_locations(context, trusted, NULL))
        fail(trusted);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
}

void stream_begin(struct stream *stream, int fd)
{
    SSL *tls = context ? SSL_new(context) : NULL;

    stream->fd = fd;
    stream->tls = tls;
    if (!context)
        die("the program that is built with OpenSSL needs --tls");
    if (!tls || !SSL_set_fd(tls, fd) || !X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), "127.0.0.1"))
        fail("a TLS connection cannot be begun");
    SSL_set_connect_state(tls);
}

/* What a call that brought no byte means, in the manner of send and recv. */
static ssize_t outcome(struct stream *stream, int result)
{
    int saved = errno;

    switch (SSL_get_error(stream->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: errno = saved ? saved : ECONNRESET; return -1;
    default: fail("TLS");
    }
}

bool stream_handshake(struct stream *stream)
{
    ERR_clear_error();
    int result = SSL_do_handshake(stream->tls);

    if (result == 1)
        return true;
    if (outcome(stream, result) != -1 || errno != EAGAIN)
        die("the connection ended in the TLS handshake");
    return false;
}

ssize_t stream_send(struct stream *stream, const void *data, size_t size)
{
    size_t sent = 0;

    /* One call takes one record of at most 16 KiB. */
    while (sent < size) {
        size_t part;
        ERR_clear_error();
        int result = SSL_write_ex(stream->tls, (const char *)data + sent, size - sent, &part);
        if (result != 1)
            return sent ? (ssize_t)sent : outcome(stream, result);
        sent += part;
    }
    return (ssize_t)sent;
}

ssize_t stream_receive(struct stream *stream, void *buffer, size_t size)
{
    size_t got = 0;

    while (got < size) {
        size_t part;
        ERR_clear_error();
        int result = SSL_read_ex(stream->tls, (char *)buffer + got, size - got, &part);
        if (result != 1)
            return got ? (ssize_t)got : outcome(stream, result);
        got += part;
    }
    return (ssize_t)got;
}

bool stream_has_more(const struct stream *stream)
{
    return SSL_has_pending(stream->tls) || (SSL_get_shutdown(stream->tls) & SSL_RECEIVED_SHUTDOWN);
}

void stream_end(struct stream *stream)
{
    ERR_clear_error();
    SSL_shutdown(stream->tls);
    SSL_free(stream->tls);
    stream->tls = NULL;
    close(stream->fd);
}
