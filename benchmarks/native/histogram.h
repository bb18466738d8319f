/* A histogram of nanoseconds with 64 buckets for each power of two: a percentile is at most 1.6 % too high. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = 59 * HISTOGRAM_STEPS };

struct histogram {
    uint64_t total;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* The upper edge of the bucket that holds this share (0 to 1) of the values; 0 if there are none. */
uint64_t histogram_at(const struct histogram *histogram, double share);

#endif
