/* One connection of the load generator: opening handshake, masked messages kept in flight, echoes checked, close. */
#ifndef CLIENT_H
#define CLIENT_H

#include "histogram.h"
#include "ws.h"

/* What every connection sends. A message is an eight-digit number, then letters; all of it is ASCII, fit for text. */
struct load {
    int epoll;
    uint16_t port;
    int opcode;
    size_t size;          /* payload bytes of a message */
    unsigned in_flight;   /* messages on the way for each connection */
    char last;            /* the last payload byte that every echo must have */
    bool sending;         /* an echo is answered with the next message */
    uint64_t trips;       /* echoes received */
    bool timing;          /* latencies go into the histogram */
    struct histogram latencies;
    uint8_t *frame;       /* a whole masked frame, for all messages but for their number */
    size_t frame_size, head_size;
    uint8_t mask[4];
};

enum stage { CONNECTING, UPGRADING, OPEN, CLOSING, CLOSED };

struct client {
    struct load *load;
    int fd;
    enum stage stage;
    uint64_t begun;
    char key[WS_KEY_CHARS + 1];
    char *response;       /* until it is complete */
    size_t response_size;
    struct ws_head head;  /* of the frame that is being received */
    uint64_t left, position;
    char number[8], last;
    uint32_t sent, echoed, queued; /* messages: number of the next to send, of the next echo, how many to send */
    size_t offset;        /* bytes of the next message that the socket has taken */
    uint64_t *sent_at;    /* times of the messages on the way, a ring */
    bool wants_write, close_queued;
};

void load_prepare(struct load *load);
struct client *client_new(struct load *load);
/* Starts a connection anew, also with a client that is CLOSED. */
void client_connect(struct client *client);
void client_event(struct client *client, uint32_t events);
/* Queues this many messages and sends what the socket takes. */
void client_send(struct client *client, unsigned messages);
/* Starts the closing handshake, behind the messages that are queued. */
void client_close(struct client *client);

#endif
