import cython
from framegate.session._lane_c cimport Lane
from framegate.transport._tcp_c cimport Receiver, TcpTransport


cdef class Conduit(Receiver):
    cdef readonly object driver
    cdef readonly Lane lane
    cdef readonly object target
    cdef TcpTransport tcp
    cdef Py_ssize_t high_water
    cdef object clock
    cdef public bint timed
    cdef public bint watched
    cdef readonly bint feeding
    cdef public bint dirty

    @cython.locals(lane=Lane, frames=cython.longlong, signal=cython.int)
    cpdef received(self, bytearray data, Py_ssize_t start, Py_ssize_t end)
    cpdef int resumed(self, object error, object result) except -1
    @cython.locals(lane=Lane, tcp=TcpTransport, queued=Py_ssize_t)
    cpdef flush(self)
    cpdef let_go(self)
    cpdef ended(self, object error)
    cpdef drained(self)
