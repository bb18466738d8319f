import cython
from libc.stdint cimport uint32_t

# Where there is no epoll this compiles all the same, for Watcher's sake; nobody makes a Poller there.
cdef extern from *:
    """
    #ifdef __linux__
    #include <sys/epoll.h>
    #else
    #include <stdint.h>
    enum { EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16 };
    typedef union { int fd; } epoll_data_t;
    struct epoll_event { uint32_t events; epoll_data_t data; };
    static int epoll_wait(int set, struct epoll_event *events, int size, int timeout) { return -1; }
    #endif
    """

cdef extern from * nogil:
    ctypedef union epoll_data_t:
        int fd
    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_wait(int epfd, epoll_event* events, int maxevents, int timeout)
    cdef enum:
        EPOLLIN
        EPOLLOUT
        EPOLLERR
        EPOLLHUP


cdef inline int readiness(uint32_t events) noexcept:
    if events & (EPOLLERR | EPOLLHUP):
        return 3
    return (1 if events & EPOLLIN else 0) | (2 if events & EPOLLOUT else 0)


cdef int READ
cdef int WRITE


cdef class Watcher:
    cpdef ready(self, int events)


cdef class Poller:
    cdef object loop
    cdef readonly bytearray buffer
    cdef object epoll
    cdef int fd
    cdef list watchers
    cdef readonly int count

    cpdef change(self, int fd, Watcher watcher, int before, int after)
    cpdef drain(self)
    @cython.locals(watcher=Watcher)
    cdef _tell(self, int fd, int events)
    cdef _loop(self)


cdef inline tell_ready(Poller poller):
    # An error of epoll_wait is EINTR: there is nothing to tell, and the loop calls again.
    cdef epoll_event ready[128]
    cdef int i
    for i in range(epoll_wait(poller.fd, ready, 128, 0)):
        poller._tell(ready[i].data.fd, readiness(ready[i].events))
