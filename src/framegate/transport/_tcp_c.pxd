import cython
from cpython.bytearray cimport PyByteArray_AS_STRING as bytearray_data
from cpython.bytearray cimport PyByteArray_GET_SIZE as bytearray_size
from framegate.transport._poller_c cimport Watcher

cdef extern from "<sys/types.h>" nogil:
    pass

cdef extern from "<sys/uio.h>" nogil:
    cdef struct iovec:
        void* iov_base
        size_t iov_len
    ssize_t writev(int fd, const iovec* parts, int count)

cdef extern from "<sys/socket.h>" nogil:
    cdef struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    ssize_t recv(int fd, void* data, size_t size, int flags)
    ssize_t sendmsg(int fd, const msghdr* message, int flags)

cdef extern from *:
    """
    #ifndef MSG_MORE
    #define MSG_MORE 0
    #endif
    """
    int MSG_MORE

cdef extern from "<string.h>" nogil:
    void* memset(void* place, int value, size_t size)

cdef extern from "<unistd.h>" nogil:
    ssize_t c_write "write"(int fd, const void* data, size_t size)


cdef inline ssize_t send_both(
    int fd, bytearray first, bytearray second, Py_ssize_t start, Py_ssize_t stop, bint more
) noexcept:
    # Python ignores SIGPIPE, so a plain write() tells EPIPE.
    cdef iovec parts[2]
    cdef msghdr message
    if more and first is not None and second is None:
        # Last words: they may wait for the end of the stream.
        memset(&message, 0, sizeof(message))
        parts[0].iov_base = bytearray_data(first)
        parts[0].iov_len = bytearray_size(first)
        message.msg_iov = parts
        message.msg_iovlen = 1
        return sendmsg(fd, &message, MSG_MORE)
    if first is None:
        if second is None:
            return 0
        return c_write(fd, bytearray_data(second) + start, stop - start)
    if second is None:
        return c_write(fd, bytearray_data(first), bytearray_size(first))
    parts[0].iov_base = bytearray_data(first)
    parts[0].iov_len = bytearray_size(first)
    parts[1].iov_base = bytearray_data(second) + start
    parts[1].iov_len = stop - start
    return writev(fd, parts, 2)


cdef inline object os_error(int number):
    import os
    return OSError(number, os.strerror(number))


cdef class Receiver:
    cpdef received(self, bytearray data, Py_ssize_t start, Py_ssize_t end)
    cpdef ended(self, object error)
    cpdef drained(self)


cdef class TcpTransport(Watcher):
    cdef object poller
    cdef object sock
    cdef int fd
    cdef bytearray buffer
    cdef int watched
    cdef Py_ssize_t high_water
    cdef Receiver receiver
    cdef readonly bint reading
    cdef readonly bint at_end
    cdef bytearray queue
    cdef readonly Py_ssize_t queued
    cdef bint drain_owed
    cdef bint shutting
    cdef bint closing
    cdef bint deaf
    cdef bint corked

    cpdef resume_reading(self)
    cpdef pause_reading(self)
    @cython.locals(sent=Py_ssize_t, size=Py_ssize_t)
    cpdef write(self, bytearray first, bytearray second, Py_ssize_t start, Py_ssize_t stop)
    cpdef cork(self)
    cpdef shutdown(self)
    cpdef close(self)
    cpdef abort(self)
    cpdef leave(self)

    cpdef ready(self, int events)
    @cython.locals(before=cython.int)
    cdef _watch(self, int wanted)
    @cython.locals(size=Py_ssize_t)
    cdef _readable(self)
    @cython.locals(size=Py_ssize_t)
    cdef Py_ssize_t _recv(self) except -2
    cdef _end(self, object error)
    @cython.locals(sent=Py_ssize_t)
    cdef Py_ssize_t _send(self, bytearray first, bytearray second, Py_ssize_t start, Py_ssize_t stop) except -2
    cdef _enqueue(self, bytearray first, bytearray second, Py_ssize_t start, Py_ssize_t stop)
    cdef _enqueue_rest(self, bytearray data, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(sent=Py_ssize_t, queue=bytearray)
    cdef _writable(self)
    cdef _drop_queue(self)
    cdef _shut(self)
