import cython
from framegate.codec.constants cimport MASKED
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef inline uint64_t doubled_key(uint32_t key, Py_ssize_t phase) noexcept nogil:
    # The key as eight bytes in memory order, beginning at byte `phase & 3`.
    cdef uint8_t octets[8]
    cdef uint64_t word
    cdef int i
    for i in range(8):
        octets[i] = <uint8_t>(key >> (8 * ((i + phase) & 3)))
    memcpy(&word, octets, 8)
    return word


cdef inline void xor_copy(uint8_t* target, const uint8_t* source, Py_ssize_t size, uint32_t key) noexcept nogil:
    cdef uint64_t pattern = doubled_key(key, 0)
    cdef uint64_t word
    cdef Py_ssize_t words = size >> 3
    cdef Py_ssize_t i
    for i in range(words):
        memcpy(&word, source + 8 * i, 8)
        word ^= pattern
        memcpy(target + 8 * i, &word, 8)
    for i in range(words << 3, size):
        target[i] = source[i] ^ <uint8_t>(key >> (8 * (i & 3)))


cdef inline bytes copy_unmasked(bytearray data, Py_ssize_t start, Py_ssize_t end, uint32_t key):
    cdef const char* source = PyByteArray_AS_STRING(data) + start
    if key == 0:
        return PyBytes_FromStringAndSize(source, end - start)
    cdef bytes copy = PyBytes_FromStringAndSize(NULL, end - start)
    # An empty or one-byte result may be a shared object: those are never written to.
    if end - start < 2:
        if end == start:
            return copy
        return (<uint8_t>source[0] ^ <uint8_t>key).to_bytes(1, "little")
    xor_copy(<uint8_t*>PyBytes_AS_STRING(copy), <const uint8_t*>source, end - start, key)
    return copy


cdef inline int append_raw(bytearray out, const char* source, Py_ssize_t size) except -1:
    cdef Py_ssize_t before = PyByteArray_GET_SIZE(out)
    PyByteArray_Resize(out, before + size)
    memcpy(PyByteArray_AS_STRING(out) + before, source, size)
    return 0


cdef inline int append_range(bytearray out, bytearray data, Py_ssize_t start, Py_ssize_t end) except -1:
    return append_raw(out, PyByteArray_AS_STRING(data) + start, end - start)


cdef inline int append_masked(bytearray out, bytes payload, uint32_t key) except -1:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
    cdef Py_ssize_t before = PyByteArray_GET_SIZE(out)
    if key == 0:
        return append_raw(out, PyBytes_AS_STRING(payload), size)
    PyByteArray_Resize(out, before + size)
    xor_copy(
        <uint8_t*>PyByteArray_AS_STRING(out) + before, <const uint8_t*>PyBytes_AS_STRING(payload), size, key
    )
    return 0


cdef inline int utf8_lead(uint8_t octet) noexcept nogil:
    if octet < 0x80:
        return 0
    if 0xC2 <= octet <= 0xDF:
        return 0x180BF
    if 0xE0 <= octet <= 0xEF:
        return 0x20000 | (0xA000 if octet == 0xE0 else 0x8000) | (0x9F if octet == 0xED else 0xBF)
    if 0xF0 <= octet <= 0xF4:
        return 0x30000 | (0x9000 if octet == 0xF0 else 0x8000) | (0x8F if octet == 0xF4 else 0xBF)
    return -1


cdef inline int utf8_scan(
    const uint8_t* source, Py_ssize_t size, uint32_t key, Py_ssize_t phase, int state
) noexcept nogil:
    cdef uint64_t pattern = doubled_key(key, phase)
    cdef uint64_t word
    cdef Py_ssize_t i = 0
    cdef uint8_t octet
    if state < 0:
        return state
    while i < size:
        if state == 0:
            # Eight ASCII bytes at a time; the pattern stays in step as long as i is a multiple of four.
            while i + 8 <= size and (i & 3) == 0:
                memcpy(&word, source + i, 8)
                if (word ^ pattern) & 0x8080808080808080ULL:
                    break
                i += 8
            if i >= size:
                break
        octet = source[i] ^ <uint8_t>(key >> (8 * ((i + phase) & 3)))
        i += 1
        if state == 0:
            state = utf8_lead(octet)
        elif (state >> 8 & 0xFF) <= octet <= (state & 0xFF):
            state = 0 if (state >> 16) == 1 else ((state >> 16) - 1) << 16 | 0x80BF
        else:
            state = -1
        if state < 0:
            return state
    return state


cdef inline int scan_utf8(
    bytearray data, Py_ssize_t start, Py_ssize_t end, uint32_t key, Py_ssize_t phase, int state
) noexcept:
    return utf8_scan(<const uint8_t*>PyByteArray_AS_STRING(data) + start, end - start, key, phase, state)


cdef inline int scan_utf8_bytes(bytes payload, int state) noexcept:
    return utf8_scan(<const uint8_t*>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), 0, 0, state)


cdef class KeySource:
    cdef bytes pool
    cdef Py_ssize_t at
    @cython.locals(at=Py_ssize_t, pool=bytes, key=uint32_t)
    cpdef uint32_t next_key(self)


cdef KeySource KEYS

@cython.locals(size=Py_ssize_t, mask_bit=cython.int, key=uint32_t)
cpdef append_frame(bytearray out, int first, bytes payload, bint masked)
cpdef append_payload(bytearray out, bytes payload, uint32_t key)
