/* Weights of a checkpoint into the layouts that the kernels read.
 *
 * Quantised weights are symmetric, in groups of 32 inputs with one scale each, as in llama.cpp's
 * q8_0 and q4_0; the scale is rounded to bfloat16 before the weights are divided by it, which costs
 * at most 1/256 of the step.
 */
#include "linear.h"

#include <math.h>
#include <string.h>

#include "pool.h"
#ifdef __linux__
#include <sys/mman.h>
#endif

typedef struct {
    const void *weight; /* [outputs, inputs], float32 or bfloat16 */
    int source, inputs, outputs, kind;
    void *packed;
} Job;

static inline float widen(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
static inline uint16_t narrow(float x) { /* round to nearest even; NaN stays NaN */
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

/* Weight of output n and input k; outputs and inputs beyond the last are zero. */
static inline float get(const Job *job, int64_t n, int64_t k) {
    if (n >= job->outputs || k >= job->inputs) return 0.0f;
    const int64_t at = n * job->inputs + k;
    return job->source == BFLOAT16 ? widen(((const uint16_t *)job->weight)[at])
                                   : ((const float *)job->weight)[at];
}

/* Where output j of a panel lies in its bfloat16 form; see linear.c. */
static inline int pair_place(int j, int half) { return j < half ? 2 * j : 2 * (j - half) + 1; }

static void pack_float(const Job *job, int64_t panel) {
    for (int j = 0; j < PANEL; j++) {
        const int64_t n = panel * PANEL + j, base = panel * job->inputs * PANEL;
        uint16_t *to16 = (uint16_t *)job->packed + base + pair_place(j, LANES);
        float *to32 = (float *)job->packed + base + j;
        if (job->kind == BFLOAT16)
            for (int64_t k = 0; k < job->inputs; k++) to16[k * PANEL] = narrow(get(job, n, k));
        else
            for (int64_t k = 0; k < job->inputs; k++) to32[k * PANEL] = get(job, n, k);
    }
}

/* One output's group of weights as integers; returns their scale, a bfloat16 number. */
static uint16_t quantize_group(const Job *job, int64_t n, int64_t k, int8_t *q) {
    float x[GROUP], most = 0.0f;
    for (int i = 0; i < GROUP; i++) {
        x[i] = get(job, n, k + i);
        if (!(fabsf(x[i]) <= fabsf(most))) most = x[i];
    }
    const uint16_t bits = narrow(job->kind == INT8 ? fabsf(most) / 127.0f : most / -8.0f);
    const float scale = widen(bits), low = job->kind == INT8 ? -127.0f : -8.0f;
    const float high = job->kind == INT8 ? 127.0f : 7.0f;
    for (int i = 0; i < GROUP; i++) {
        float value = scale != 0.0f ? rintf(x[i] / scale) : 0.0f;
        value = value < low ? low : value > high ? high : value;
        q[i] = value == value ? (int8_t)value : 0;
    }
    return bits;
}

static void pack_quantized(const Job *job, int64_t panel) {
    const int64_t groups = ceil_div(job->inputs, GROUP);
    uint8_t *block = (uint8_t *)job->packed + panel * groups * BLOCK_BYTES(job->kind);
    for (int64_t g = 0; g < groups; g++, block += BLOCK_BYTES(job->kind)) {
        uint16_t *scales = (uint16_t *)(block + BLOCK_BYTES(job->kind) - SCALE_BYTES);
        for (int j = 0; j < QPANEL; j++) {
            int8_t q[GROUP];
            scales[pair_place(j, QPANEL / 2)] =
                quantize_group(job, panel * QPANEL + j, g * GROUP, q);
            for (int i = 0; i < GROUP; i += 4)
                for (int b = 0; b < 4; b++) {
                    if (job->kind == INT8) {
                        block[(i / 4 * QPANEL + j) * 4 + b] = (uint8_t)q[i + b];
                        continue;
                    }
                    uint8_t *at = block + (i / 8 * QPANEL + j) * 4 + b;
                    const uint8_t nibble = (uint8_t)(q[i + b] + 8);
                    *at = i % 8 ? (uint8_t)(*at | nibble << 4) : nibble;
                }
        }
    }
}

static int64_t panels(const Job *job) {
    return ceil_div(job->outputs, job->kind <= BFLOAT16 ? PANEL : QPANEL);
}

static void pack_part(void *arg, int part, int parts) {
    const Job *job = arg;
    const int64_t count = panels(job), end = count * (part + 1) / parts;
    for (int64_t panel = count * part / parts; panel < end; panel++) {
        if (job->kind <= BFLOAT16) pack_float(job, panel);
        else pack_quantized(job, panel);
    }
}

/* Bytes of a packed weight. */
int64_t sglc_packed_size(int kind, int inputs, int outputs) {
    const Job job = {0, 0, inputs, outputs, kind, 0};
    if (kind <= BFLOAT16) return panels(&job) * PANEL * inputs * (kind == BFLOAT16 ? 2 : 4);
    return panels(&job) * ceil_div(inputs, GROUP) * BLOCK_BYTES(kind);
}

/* Pack weight [outputs, inputs], float32 or bfloat16 by `source`, as `kind`. */
void sglc_pack(const void *weight, int source, int inputs, int outputs, int kind, void *packed) {
    Job job = {weight, source, inputs, outputs, kind, packed};
    sglc_parallel(pack_part, &job, sglc_parts(panels(&job), (int64_t)inputs * QPANEL));
}

/* Whether all `count` numbers are bfloat16 numbers. */
int sglc_is_bf16(const float *x, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        if (bits & 0xffffu) return 0;
    }
    return 1;
}

/* Rows `ids` [count] of a packed float32 or bfloat16 weight as float32 [count, inputs]: the
 * embedding where it is tied to the head. Returns 2 for an id out of range. */
int sglc_embed(const Linear *l, const int64_t *ids, int count, float *out) {
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= l->outputs) return 2;
    for (int i = 0; i < count; i++, out += l->inputs) {
        const int64_t base = ids[i] / PANEL * l->inputs * PANEL;
        const int j = (int)(ids[i] % PANEL);
        const uint16_t *from16 = (const uint16_t *)l->weight + base + pair_place(j, LANES);
        const float *from32 = (const float *)l->weight + base + j;
        if (l->kind == BFLOAT16)
            for (int64_t k = 0; k < l->inputs; k++) out[k] = widen(from16[k * PANEL]);
        else
            for (int64_t k = 0; k < l->inputs; k++) out[k] = from32[k * PANEL];
    }
    return 0;
}

/* Ask for large pages, before memory is first written: fewer misses when weights are streamed. */
void sglc_large_pages(void *memory, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t page = 1 << 21, start = ((uintptr_t)memory + page - 1) & ~(page - 1);
    const uintptr_t end = ((uintptr_t)memory + bytes) & ~(page - 1);
    if (end > start) madvise((void *)start, end - start, MADV_HUGEPAGE);
#endif
}
