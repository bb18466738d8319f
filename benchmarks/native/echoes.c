/* What comes back: frames, messages, and whether each is the echo that is due. */
#include "client.h"

#include "net.h"
#include "unpack.h"

#include <string.h>

static void check_echo(const struct client *client)
{
    const struct load *load = client->load;
    char number[NUMBER];

    message_number(number, client->echoed);
    if (client->position != load->size)
        die("an echo has %llu bytes instead of %zu", (unsigned long long)client->position, load->size);
    if (memcmp(client->number, number, NUMBER) != 0)
        die("an echo begins with '%.8s' instead of '%.8s'", client->number, number);
    if (client->last != load->last)
        die("an echo ends with '%c' instead of '%c'", client->last, load->last);
}

static void note_plain(void *owner, const uint8_t *data, size_t size)
{
    struct client *client = owner;

    for (size_t i = 0; i < size && client->position + i < NUMBER; i++)
        client->number[client->position + i] = (char)data[i];
    client->last = (char)data[size - 1];
    client->position += size;
}

static void note_control(struct client *client, const uint8_t *data, size_t size)
{
    if (ws_head_opcode(&client->head) != WS_PING)
        return;
    memcpy(client->ping + client->ping_size, data, size);
    client->ping_size += size;
}

static void note_payload(struct client *client, const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    if (ws_head_opcode(&client->head) >= WS_CLOSE) {
        note_control(client, data, size);
        return;
    }
    if (client->unpacking)
        unpack_feed(client->unpacker, data, size, note_plain, client);
    else
        note_plain(client, data, size);
}

/* Returns whether the next message is due. */
static bool end_message(struct client *client, uint64_t now)
{
    struct load *load = client->load;

    if (client->unpacking)
        unpack_end(client->unpacker, note_plain, client);
    check_echo(client);
    if (load->pending == 0)
        die("an echo came of a message that was not sent");
    if (load->timing && load->fan == 1)
        histogram_add(&load->latencies, now - client->sent_at[client->echoed % load->in_flight]);
    client->echoed++;
    client->position = 0;
    client->in_message = false;
    load->trips++;
    load->pending--;
    return load->sending;
}

static void begin_data_frame(struct client *client, int opcode)
{
    int expected = client->in_message ? WS_CONTINUATION : client->load->opcode;

    if (opcode != expected)
        die("an echo has opcode %d instead of %d", opcode, expected);
    if (!client->in_message)
        client->unpacking = ws_head_rsv1(&client->head);
    client->in_message = true;
    if (client->unpacking && !client->load->compressed)
        die("a compressed message came, which was not agreed to");
}

static void begin_frame(struct client *client)
{
    int opcode = ws_head_opcode(&client->head);

    if (ws_head_masked(&client->head))
        die("a masked frame came from the server (RFC 6455, section 5.1)");
    if (opcode == WS_CLOSE && client->stage != CLOSING)
        die("a close frame came in the middle of the measurement");
    if (opcode < WS_CLOSE)
        begin_data_frame(client, opcode);
    client->left = ws_head_length(&client->head);
    if (opcode >= WS_CLOSE && client->left > sizeof client->ping)
        die("a control frame has more than 125 bytes (RFC 6455, section 5.5)");
    if (opcode == WS_PING)
        client->ping_size = 0;
}

void client_take_frames(struct client *client, const uint8_t *data, size_t size)
{
    uint64_t now = now_ns();
    unsigned due = 0;

    while (size > 0) {
        if (!client->head.complete) {
            size_t taken = ws_head_feed(&client->head, data, size);
            data += taken, size -= taken;
            if (!client->head.complete)
                break;
            begin_frame(client);
        }
        size_t part = client->left < size ? (size_t)client->left : size;
        note_payload(client, data, part);
        data += part, size -= part, client->left -= part;
        if (client->left > 0)
            break;
        if (ws_head_opcode(&client->head) < WS_CLOSE && ws_head_fin(&client->head))
            due += end_message(client, now);
        else if (ws_head_opcode(&client->head) == WS_PING)
            client_pong(client);
        ws_head_reset(&client->head);
    }
    if (due)
        client_send(client, due);
}
