/* Reads a buffer as fast as the machine lets it: four independent sums, so that loads overlap. */

#include <stddef.h>
#include <stdint.h>

uint64_t read_memory(const uint64_t *words, size_t count) {
    uint64_t sums[32] = {0};
    size_t at = 0;
    for (; at + 32 <= count; at += 32)
        for (size_t lane = 0; lane < 32; lane++)
            sums[lane] += words[at + lane];
    uint64_t total = 0;
    for (size_t lane = 0; lane < 32; lane++)
        total += sums[lane];
    return total;
}
