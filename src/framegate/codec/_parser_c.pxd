import cython
from framegate.codec.constants cimport *
from libc.stdint cimport uint32_t

cdef bytearray NOTHING


cdef class Parser:
    cdef readonly bint masked
    cdef public bint stream
    cdef public bint validate
    cdef public bint joined
    cdef public bint deflate
    cdef public object inflater
    cdef public long long max_plain
    cdef readonly bint compressed
    cdef bytes plain
    cdef public long long max_size
    cdef public long long max_fragments
    cdef bytearray window
    cdef Py_ssize_t position
    cdef Py_ssize_t end
    cdef bint owned
    cdef bytearray held
    cdef Py_ssize_t held_header
    cdef long long checked
    cdef int phase
    cdef readonly long long remaining
    cdef int message
    cdef readonly int kind
    cdef long long fragments
    cdef long long message_size
    cdef int utf8_state
    cdef readonly int opcode
    cdef readonly bint fin
    cdef readonly long long length
    cdef readonly uint32_t key
    cdef readonly bytearray data
    cdef readonly Py_ssize_t start
    cdef readonly Py_ssize_t payload_start
    cdef readonly Py_ssize_t stop
    cdef readonly bint first
    cdef readonly bint last
    cdef readonly int close_code
    cdef readonly int error_code
    cdef readonly str error

    cpdef feed(self, bytearray window, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(available=Py_ssize_t, header=Py_ssize_t)
    cpdef int next(self) except -2
    @cython.locals(data=bytearray, key=uint32_t, start=Py_ssize_t, phase=cython.int)
    cpdef bytes payload(self)
    @cython.locals(held=bytearray, size=Py_ssize_t)
    cpdef Py_ssize_t buffered(self)
    @cython.locals(begin=Py_ssize_t, copy=bytearray)
    cpdef bint is_busy(self) except -1
    cpdef own_window(self)
    cpdef extend(self, bytearray more, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(held=bytearray)
    cpdef skim(self)
    cpdef discard(self)

    @cython.locals(
        first=cython.int, second=cython.int, opcode=cython.int, fin=cython.bint, length=cython.longlong,
        header=Py_ssize_t, key=uint32_t, i=Py_ssize_t
    )
    cdef Py_ssize_t _header(self, bytearray data, Py_ssize_t at, Py_ssize_t available) except -2
    @cython.locals(allowed=cython.longlong)
    cdef bint _over_limit(self, int opcode, long long length, bint begins_compressed) except -2
    cdef void _next_fragment(self, int opcode, bint fin, long long length) noexcept
    @cython.locals(held=bytearray)
    cdef int _hold(self, Py_ssize_t header) except -2
    @cython.locals(held=bytearray, header=Py_ssize_t, missing=cython.longlong, available=Py_ssize_t)
    cdef int _resume_held(self) except -2
    @cython.locals(begin=Py_ssize_t, end=Py_ssize_t)
    cdef bint _check_held(self) except -2
    cdef int _first_chunk(self, bytearray data, Py_ssize_t start, Py_ssize_t header, Py_ssize_t available) except -2
    @cython.locals(available=cython.longlong)
    cdef int _more_of_frame(self) except -2
    cdef int _complete(self, Py_ssize_t unchecked) except -2
    @cython.locals(packed=bytes, plain=bytes, most=cython.longlong)
    cdef bint _inflate(self) except -2
    cdef bint _check_text(self, bytearray data, Py_ssize_t begin, Py_ssize_t end) except -2
    cdef bint _text_may_end(self) except -2
    @cython.locals(at=Py_ssize_t, key=uint32_t, code=cython.int)
    cdef bint _check_close(self) except -2
    cdef Py_ssize_t _fail(self, int code, str error) except -2
