import cython


cdef class Durations:
    cdef tuple bounds
    cdef readonly list counts
    cdef readonly double total

    @cython.locals(index=Py_ssize_t, count=Py_ssize_t)
    cpdef add(self, double seconds)


cdef class Flight:
    cdef readonly str typ
    cdef readonly bytes payload
    cdef readonly object code
    cdef object received
    cdef object shown
    cdef readonly object outcome

    cpdef begin(self, str typ, bytes payload, object code)
    cdef object show(self)
    cdef object verdict(self)


cdef class FrameFace:
    cdef readonly str side
    cdef readonly str phase
    cdef readonly object exchange
    cdef Flight flight

    @cython.locals(flight=Flight)
    cpdef object get_frame(self)
    cdef Flight _in_flight(self, str function)
    cdef object _check_length(self, str typ, bytes payload, Py_ssize_t most)
    cdef object _breach(self, str function, str rule)
    cdef object _misplaced(self, str function)


cdef class Step:
    cdef readonly str plugin
    cdef object call
    cdef object fresh
    cdef bint reuse
    cdef object kong
    cdef readonly FrameFace face
    cdef Durations durations


cdef class Chain:
    cdef readonly str phase
    cdef readonly list steps
    cdef readonly object watch
    cdef double limit
    cdef object finish
    cdef readonly Flight flight
    cdef int stride
    cdef int until_timed
    cdef bint timing
    cdef double begun

    cpdef object on_frame(self, str origin, str typ, bytes payload, bint last, object code)
    @cython.locals(flight=Flight, count=Py_ssize_t, step=Step, face=FrameFace, before=cython.double, now=cython.double, taken=cython.double, watched=bint)
    cpdef object run(self, Py_ssize_t index)
    cpdef bint awaited(self, FrameFace face) except -1
    cpdef object time_awaited(self, Step step)
    cpdef object verdict(self)
