/* The load generator, single-threaded. One connection plan on one port of 127.0.0.1, one line of JSON on stdout:
 *
 *   load trips --port P --size S --connections N --in-flight W --seconds T [--warm-up T | --begin-at NS] [--least TRIPS]
 *       keeps W messages in flight on each of N connections and measures after the warm-up, or from that time of the
 *       monotonic clock on, so that several generators measure together
 *   load setup --port P --connections N --count K
 *       opens, uses for one echo and closes K connections, N at a time, after a tenth as many to warm up
 *   load idle --port P --connections N --baseline B
 *       opens B, then N connections, each used for one echo; says "open" and waits for a line after both
 *   load fan-out --port P --size S --connections N --seconds T [--warm-up T] [--least MESSAGES]
 *       one connection sends a binary message, which has to come back on all N, then the next; counts what came back,
 *       and its latencies are the times until the last connection has the message. Before that each connection has
 *       been used for the echo of a text message, so that the way to the upstream is there
 *
 * --text sends text messages, --last C is the payload byte with which every echo must end, --tls FILE speaks TLS and
 * trusts that certificate, --deflated FILE sends the compressed payload in it, whose inflated size --size tells.
 * --cpu-of PID (up to 32) adds the CPU seconds of that process over exactly the measured time. Any surprise ends the
 * program with exit code 1.
 */
#include "client.h"
#include "net.h"
#include "unpack.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 256, PROCESSES = 32, SILENCE_MS = 20000, OPENING_AT_ONCE = 64, SETUP_SIZE = 64, LATE_NS = 100000000 };

static struct {
    unsigned connections, baseline, count;
    uint64_t duration_ns, warm_up_ns, begin_at, least;
    const char *trusted, *deflated;
    pid_t processes[PROCESSES];
    unsigned process_count;
} plan = {.connections = 1, .baseline = 1, .count = 100, .duration_ns = 1000000000};

static struct load load = {.opcode = WS_BINARY, .size = SETUP_SIZE, .in_flight = 1, .fan = 1};
static struct client **clients;

static struct {
    uint64_t at, own_cpu, cpu[PROCESSES], trips;
} begun;

static void begin_measurement(void)
{
    load.timing = true;
    begun.trips = load.trips;
    for (unsigned i = 0; i < plan.process_count; i++)
        begun.cpu[i] = cpu_ns(plan.processes[i]);
    begun.own_cpu = cpu_ns(getpid());
    begun.at = now_ns();
}

static void end_measurement(uint64_t units)
{
    double seconds = (double)(now_ns() - begun.at) / 1e9;
    double own = (double)(cpu_ns(getpid()) - begun.own_cpu) / 1e9;

    load.timing = false;
    printf("{\"count\": %" PRIu64 ", \"seconds\": %.9f, ", units, seconds);
    printf("\"own_cpu_seconds\": %.9f, \"cpu_seconds\": [", own);
    for (unsigned i = 0; i < plan.process_count; i++)
        printf("%s%.9f", i ? ", " : "", (double)(cpu_ns(plan.processes[i]) - begun.cpu[i]) / 1e9);
    printf("], \"p50_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f}\n",
           (double)histogram_at(&load.latencies, 0.5) / 1e3, (double)histogram_at(&load.latencies, 0.99) / 1e3,
           (double)histogram_at(&load.latencies, 0.999) / 1e3);
}

/* Waits for something to happen and lets the connections take it. */
static void turn(void)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(load.epoll, events, EVENTS, SILENCE_MS);

    if (count < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    if (count == 0)
        die("nothing came for %d s, after %" PRIu64 " round trips", SILENCE_MS / 1000, load.trips);
    for (int i = 0; i < count; i++)
        client_event(events[i].data.ptr, events[i].events);
}

static void open_connections(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        clients[i] = client_new(&load);
        while (i + 1 - load.in_stage[OPEN] >= OPENING_AT_ONCE)
            turn();
    }
    while (load.in_stage[OPEN] < to)
        turn();
}

static void finish_echoes(void)
{
    load.sending = false;
    while (load.pending > 0)
        turn();
}

static void close_connections(void)
{
    finish_echoes();
    for (unsigned i = 0; i < plan.connections; i++)
        client_close(clients[i]);
    while (load.in_stage[CLOSED] < plan.connections)
        turn();
}

static void run_until(uint64_t deadline, uint64_t trips)
{
    while (now_ns() < deadline || load.trips < trips)
        turn();
}

static void measure_trips(void)
{
    open_connections(0, plan.connections);
    load.sending = true;
    for (unsigned i = 0; i < plan.connections; i++)
        client_send(clients[i], load.in_flight);
    run_until(plan.begin_at ? plan.begin_at : now_ns() + plan.warm_up_ns, (uint64_t)plan.connections * load.in_flight);
    if (plan.begin_at && now_ns() > plan.begin_at + LATE_NS)
        die("the connections were ready too late for --begin-at");
    begin_measurement();
    run_until(begun.at + plan.duration_ns, begun.trips + plan.least);
    end_measurement(load.trips - begun.trips);
    close_connections();
}

static void send_to_all_until(uint64_t deadline, uint64_t messages)
{
    for (uint64_t i = 0; i < messages || now_ns() < deadline; i++) {
        uint64_t asked_at = now_ns();
        client_send(clients[0], 1);
        while (load.pending > 0)
            turn();
        if (load.timing)
            histogram_add(&load.latencies, now_ns() - asked_at);
    }
}

static void measure_fan_out(void)
{
    load.opcode = WS_TEXT;
    message_of_size(&load.message, WS_TEXT, load.size);
    open_connections(0, plan.connections);
    for (unsigned i = 0; i < plan.connections; i++)
        client_send(clients[i], 1);
    finish_echoes();
    load.opcode = WS_BINARY;
    message_of_size(&load.message, WS_BINARY, load.size);
    load.fan = plan.connections;
    send_to_all_until(now_ns() + plan.warm_up_ns, 1);
    begin_measurement();
    send_to_all_until(begun.at + plan.duration_ns, plan.least);
    end_measurement(load.trips - begun.trips);
    close_connections();
}

/* Takes the connections on from stage to stage; returns how many have ended and were begun anew. */
static unsigned renew(bool again)
{
    unsigned ended = 0;

    for (unsigned i = 0; i < plan.connections; i++) {
        struct client *client = clients[i];
        if (client->stage == OPEN && client->sent + client->queued == 0)
            client_send(client, 1);
        else if (client->stage == OPEN && client->echoed == 1 && !client->close_queued)
            client_close(client);
        else if (client->stage == CLOSED && again) {
            ended++;
            if (load.timing)
                histogram_add(&load.latencies, now_ns() - client->begun);
            client_connect(client);
        }
    }
    return ended;
}

static void renew_until(unsigned count)
{
    for (unsigned ended = 0; ended < count; ended += renew(true))
        turn();
}

static void measure_setup(void)
{
    for (unsigned i = 0; i < plan.connections; i++)
        clients[i] = client_new(&load);
    renew_until(plan.count / 10 + 1);
    begin_measurement();
    renew_until(plan.count);
    end_measurement(plan.count);
    while (load.in_stage[CLOSED] < plan.connections) {
        turn();
        renew(false);
    }
}

static void say_open_and_wait(unsigned count)
{
    char line[16];

    printf("open %u\n", count);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        die("nobody waits for the connections");
}

static void use_once(unsigned from, unsigned to)
{
    open_connections(from, to);
    for (unsigned i = from; i < to; i++)
        client_send(clients[i], 1);
    finish_echoes();
    say_open_and_wait(to);
}

static void hold_idle(void)
{
    use_once(0, plan.baseline);
    use_once(plan.baseline, plan.connections);
    close_connections();
}

static uint64_t number(const char *text, double scale)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || value < 0)
        die("'%s' is not a number", text);
    return (uint64_t)(value * scale);
}

static void take_option(int option, const char *value)
{
    switch (option) {
    case 'p': load.port = (uint16_t)number(value, 1); break;
    case 's': load.size = number(value, 1); break;
    case 'n': plan.connections = (unsigned)number(value, 1); break;
    case 'w': load.in_flight = (unsigned)number(value, 1); break;
    case 't': plan.duration_ns = number(value, 1e9); break;
    case 'u': plan.warm_up_ns = number(value, 1e9); break;
    case 'g': plan.begin_at = number(value, 1); break;
    case 'l': plan.least = number(value, 1); break;
    case 'k': plan.count = (unsigned)number(value, 1); break;
    case 'b': plan.baseline = (unsigned)number(value, 1); break;
    case 'x': load.opcode = WS_TEXT; break;
    case 'e': load.last = value[0]; break;
    case 'y': plan.trusted = value; break;
    case 'z': plan.deflated = value; break;
    case 'c':
        if (plan.process_count == PROCESSES)
            die("--cpu-of more than %d times", PROCESSES);
        plan.processes[plan.process_count++] = (pid_t)number(value, 1);
        break;
    default: exit(2);
    }
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},        {"size", required_argument, NULL, 's'},
        {"connections", required_argument, NULL, 'n'}, {"in-flight", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 't'},     {"warm-up", required_argument, NULL, 'u'},
        {"least", required_argument, NULL, 'l'},       {"count", required_argument, NULL, 'k'},
        {"baseline", required_argument, NULL, 'b'},    {"text", no_argument, NULL, 'x'},
        {"last", required_argument, NULL, 'e'},        {"cpu-of", required_argument, NULL, 'c'},
        {"begin-at", required_argument, NULL, 'g'},    {"tls", required_argument, NULL, 'y'},
        {"deflated", required_argument, NULL, 'z'},
        {NULL, 0, NULL, 0},
    };

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        take_option(option, optarg);
    if (load.port == 0 || load.size < 16 || load.in_flight == 0 || plan.connections == 0)
        die("needs --port, a --size of at least 16, at least one connection and one message in flight");
    if (plan.deflated && !unpack_is_there())
        die("--deflated needs the program that is built with zlib");
    if (plan.baseline > plan.connections)
        die("--baseline is more than --connections");
}

static void prepare(void)
{
    load.compressed = plan.deflated != NULL;
    load.secured = plan.trusted != NULL;
    if (load.compressed)
        message_of_file(&load.message, load.opcode, plan.deflated);
    else
        message_of_size(&load.message, load.opcode, load.size);
    if (!load.last)
        load.last = (char)('a' + (load.size - 1) % 26);
    stream_prepare(plan.trusted);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    read_options(argc, argv);
    prepare();
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    clients = allocate(plan.connections * sizeof *clients);
    if (strcmp(mode, "trips") == 0)
        measure_trips();
    else if (strcmp(mode, "setup") == 0)
        measure_setup();
    else if (strcmp(mode, "idle") == 0)
        hold_idle();
    else if (strcmp(mode, "fan-out") == 0)
        measure_fan_out();
    else
        die("the first argument is 'trips', 'setup', 'idle' or 'fan-out'");
    return 0;
}
