/* Sockets on 127.0.0.1, epoll and clocks for both programs. Knows no WebSocket. */
#ifndef NET_H
#define NET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Prints "PROGRAM: message" to stderr and exits with 1: a measurement never goes on after a surprise. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *allocate(size_t size);

uint64_t now_ns(void);
/* CPU time that a process has used so far, all threads, in nanoseconds. */
uint64_t cpu_ns(pid_t pid);

int tcp_listen(uint16_t *port);
/* The next waiting connection, non-blocking and with TCP_NODELAY; -1 when none waits. */
int tcp_accept(int listener);
/* Starts to connect; a writable socket is then connected, or has an error for tcp_finish_connect. */
int tcp_connect(uint16_t port);
void tcp_finish_connect(int fd);

void poll_add(int epoll, int fd, uint32_t events, void *data);
void poll_change(int epoll, int fd, uint32_t events, void *data);

#endif
