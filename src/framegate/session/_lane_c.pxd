import cython
from framegate.codec.constants cimport *
from framegate.session.signals cimport *
from framegate.codec._parser_c cimport Parser


cdef class Lane:
    cdef readonly str origin
    cdef readonly Parser parser
    cdef public object hook
    cdef readonly bint aggregate
    cdef readonly bint masked_out
    cdef readonly bint check_text
    cdef public bint recoding
    cdef public object deflater
    cdef bint packing
    cdef public int mode
    cdef public object trace
    cdef public object warn
    cdef public bytearray out
    cdef readonly bytearray run_data
    cdef readonly Py_ssize_t run_start
    cdef readonly Py_ssize_t run_stop
    cdef readonly bint mid_frame
    cdef readonly bint mid_message
    cdef int out_utf8
    cdef readonly list queue
    cdef readonly object heir
    cdef public list own_pings
    cdef bytearray joined
    cdef int opcode
    cdef int kind
    cdef bint fin
    cdef int code
    cdef bint raw
    cdef bytes payload
    cdef public object pending
    cdef readonly int close_code
    cdef readonly bytes close_reason
    cdef readonly int seen_code
    cdef readonly bytes seen_reason
    cdef public object failure
    cdef readonly long long frames
    cdef readonly long long messages
    cdef readonly long long payload_bytes
    cdef readonly long long texts
    cdef readonly long long text_bytes
    cdef readonly long long pings
    cdef readonly long long pongs
    cdef readonly long long own_pongs
    cdef readonly long long dropped
    cdef readonly long long changed
    cdef public double last_frame

    cpdef int feed(self, bytearray window, Py_ssize_t start, Py_ssize_t end) except -1
    cpdef int resume(self, object result) except -1
    cpdef int fail(self, object error) except -1
    cpdef int go_on(self) except -1
    cpdef written(self)
    @cython.locals(size=Py_ssize_t)
    cpdef Py_ssize_t buffered(self) except -1
    cpdef bint send(self, int opcode, bytes payload) except -1
    cpdef rebind(self, object policy)
    cpdef bint halt(self) except -1
    cpdef finish(self)

    @cython.locals(parser=Parser, event=cython.int, signal=cython.int)
    cdef int _pump(self) except -1
    @cython.locals(parser=Parser)
    cdef int _relay(self) except -1
    @cython.locals(parser=Parser)
    cdef _relay_chunk(self)
    @cython.locals(parser=Parser)
    cdef int _consult(self) except -1
    @cython.locals(parser=Parser)
    cdef int _join(self) except -1
    cdef int _ask(self, bytes payload) except -1
    cdef int _decide(self, object result, bint may_wait) except -1
    @cython.locals(code=object)
    cdef int _decide_pair(self, object result) except -1
    cdef int _changed(self, bytes payload) except -1
    @cython.locals(opcode=cython.int)
    cdef int _forward(self, bytes payload, bint changed) except -1
    @cython.locals(state=cython.int)
    cdef bint _text_holds(self, bytes payload, int opcode) except -1
    cdef int _drop(self) except -1
    cdef int _wait(self, object awaitable) except -1
    cdef int _closed(self, int code, bytes reason) except -1
    cdef int _see_close(self) except -1
    @cython.locals(opcode=cython.int)
    cdef bint _counts_as_own(self) except -1
    @cython.locals(parser=Parser)
    cdef _extend_run(self)
    @cython.locals(run=bytearray)
    cdef _settle_run(self)
    @cython.locals(first=cython.int)
    cdef _encode(self, int opcode, bint fin, bytes payload)
    cdef object _packed(self, int opcode, bint fin, bytes payload)
    @cython.locals(parser=Parser)
    cdef bint _recodes(self) except -1
    cdef _release_queue(self)
    @cython.locals(parser=Parser)
    cdef bint _inherit(self) except -1
