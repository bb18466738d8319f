/* What a Python object and a Python call for each frame cost, called as compiled code calls them. */
#include <Python.h>


/* One call a frame: hook(origin, typ, payload, last, code); the payload is made before and given up behind it. */
static int one_call(PyObject *hook, PyObject *origin, PyObject *typ, const char *data, Py_ssize_t size, int count)
{
    for (int i = 0; i < count; i++) {
        PyObject *payload = PyBytes_FromStringAndSize(data, size);
        PyObject *arguments[5] = {origin, typ, payload, Py_True, Py_None};
        PyObject *result = payload ? PyObject_Vectorcall(hook, arguments, 5, NULL) : NULL;
        Py_XDECREF(payload);
        if (!result)
            return -1;
        Py_DECREF(result);
    }
    return 0;
}

/* One call a read, with a list of what the calls above had. */
static int one_list(PyObject *hook, PyObject *origin, PyObject *typ, const char *data, Py_ssize_t size, int count)
{
    PyObject *frames = PyList_New(count), *result = NULL;
    for (int i = 0; frames && i < count; i++) {
        PyObject *payload = PyBytes_FromStringAndSize(data, size);
        PyObject *frame = payload ? PyTuple_Pack(4, typ, payload, Py_True, Py_None) : NULL;
        Py_XDECREF(payload);
        if (!frame)
            Py_CLEAR(frames);
        else
            PyList_SET_ITEM(frames, i, frame);
    }
    if (frames) {
        PyObject *arguments[2] = {origin, frames};
        result = PyObject_Vectorcall(hook, arguments, 2, NULL);
        Py_DECREF(frames);
    }
    if (!result)
        return -1;
    Py_DECREF(result);
    return 0;
}

/* One call a read, with a list of payloads alone. */
static int one_bare_list(PyObject *hook, PyObject *origin, const char *data, Py_ssize_t size, int count)
{
    PyObject *payloads = PyList_New(count), *result = NULL;
    for (int i = 0; payloads && i < count; i++) {
        PyObject *payload = PyBytes_FromStringAndSize(data, size);
        if (!payload)
            Py_CLEAR(payloads);
        else
            PyList_SET_ITEM(payloads, i, payload);
    }
    if (payloads) {
        PyObject *arguments[2] = {origin, payloads};
        result = PyObject_Vectorcall(hook, arguments, 2, NULL);
        Py_DECREF(payloads);
    }
    if (!result)
        return -1;
    Py_DECREF(result);
    return 0;
}

/* A payload made and given up, by the allocator or from a shelf of one that is used again while nobody holds it. */
static int payloads(const char *data, Py_ssize_t size, int count, int pooled)
{
    PyObject *shelf = NULL;
    for (int i = 0; i < count; i++) {
        PyObject *payload;
        if (pooled && shelf && Py_REFCNT(shelf) == 1 && PyBytes_GET_SIZE(shelf) == size) {
            payload = shelf;
            memcpy(PyBytes_AS_STRING(payload), data, size);
            ((PyBytesObject *)payload)->ob_shash = -1;
        } else {
            Py_XDECREF(shelf);
            shelf = payload = PyBytes_FromStringAndSize(data, size);
        }
        if (!payload)
            return -1;
        __asm__ volatile("" : : "r"(payload) : "memory");
        if (!pooled)
            Py_CLEAR(shelf);
    }
    Py_XDECREF(shelf);
    return 0;
}

int repeat(int how, PyObject *hook, PyObject *origin, PyObject *typ, const char *data, Py_ssize_t size, int count,
           int times)
{
    for (int i = 0; i < times; i++) {
        int failed = how == 0   ? one_call(hook, origin, typ, data, size, count)
                     : how == 1 ? one_list(hook, origin, typ, data, size, count)
                     : how == 2 ? one_bare_list(hook, origin, data, size, count)
                                : payloads(data, size, count, how == 4);
        if (failed)
            return -1;
    }
    return 0;
}
