/* One connection of the load generator: opening handshake, masked messages kept in flight, echoes checked, close. */
#ifndef CLIENT_H
#define CLIENT_H

#include "histogram.h"
#include "message.h"
#include "stream.h"

enum stage { CONNECTING, SECURING, UPGRADING, OPEN, CLOSING, CLOSED, STAGES };

/* What all connections share. */
struct load {
    int epoll;
    uint16_t port;
    int opcode;
    size_t size;          /* payload bytes of a message, before compression */
    bool compressed;      /* messages are, and the proxy has to agree to it */
    bool secured;         /* by TLS */
    unsigned in_flight;   /* messages on the way for each connection */
    char last;            /* the last payload byte that every echo must have */
    bool sending;         /* an echo is answered with the next message */
    unsigned fan;         /* echoes of each message: 1, or as many as there are connections */
    uint64_t trips;       /* echoes received */
    uint64_t pending;     /* echoes that are still to come */
    bool timing;          /* latencies go into the histogram */
    struct histogram latencies;
    struct message message;
    unsigned in_stage[STAGES];
};

struct client {
    struct load *load;
    struct stream stream;
    enum stage stage;
    uint64_t begun;
    char key[WS_KEY_CHARS + 1];
    char *response;       /* until it is complete */
    size_t response_size;
    struct ws_head head;  /* of the frame that is being received */
    uint64_t left, position;
    bool unpacking;       /* the message that is being received is compressed */
    bool in_message;      /* its first frame has come and its last has not */
    void *unpacker;
    char number[NUMBER], last;
    uint32_t sent, echoed, queued; /* messages: number of the next to send, of the next echo, how many to send */
    size_t offset;        /* bytes of the next message that the socket has taken */
    uint64_t *sent_at;    /* times of the messages on the way, a ring */
    uint8_t ping[125];    /* payload of the ping that is being received, or is to be answered */
    size_t ping_size;
    bool wants_write, close_queued, pong_queued;
};

struct client *client_new(struct load *load);
/* Starts a connection anew, also with a client that is CLOSED. */
void client_connect(struct client *client);
void client_event(struct client *client, uint32_t events);
/* Queues this many messages and sends what the socket takes. */
void client_send(struct client *client, unsigned messages);
/* Starts the closing handshake, behind the messages that are queued. */
void client_close(struct client *client);
/* Answers the ping that was received (RFC 6455, section 5.5.2), behind the messages that are queued. */
void client_pong(struct client *client);

/* In echoes.c: checks frames of the upstream, byte for byte as they come, and sends the messages that are then due. */
void client_take_frames(struct client *client, const uint8_t *data, size_t size);

#endif
