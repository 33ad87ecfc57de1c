/* Linear layers over packed weights; see linear.c, quantized.c and pack.c. */
#ifndef SGLC_LINEAR_H
#define SGLC_LINEAR_H

#include <stdint.h>

#ifndef LANES
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#endif

#define PANEL (2 * LANES) /* outputs side by side in float32 and bfloat16 weights */

enum { FLOAT32, BFLOAT16, INT8, INT4 };

/* Quantised weights: blocks of QPANEL outputs by GROUP inputs, each followed by its scales. */
#define QPANEL 16
#define GROUP 32
#define SCALE_BYTES (2 * QPANEL)
#define BLOCK_BYTES(kind) ((kind) == INT8 ? QPANEL * GROUP + SCALE_BYTES \
                                          : QPANEL * GROUP / 2 + SCALE_BYTES)

typedef struct {
    const void *weight; /* packed by sglc_pack, or the checkpoint's own for an embedding */
    const float *bias;  /* [outputs] or NULL */
    int32_t inputs, outputs, kind;
} Linear;

/* Bytes of scratch memory that a layer of so many inputs needs for so many rows. */
int64_t sglc_linear_scratch(int kind, int inputs, int64_t rows);

/* out[rows, outputs] = x[rows, inputs] @ weight.T + bias (+ residual, which may be out). A row's
 * result is bitwise the same for any number of rows and of threads. */
void sglc_run_linear(const Linear *l, const float *x, int64_t rows, float *out,
                     const float *residual, void *scratch);

/* The two families of kernels behind it. */
void sglc_float_linear(const Linear *l, const float *x, int64_t rows, float *out,
                       const float *residual);
void sglc_quantized_linear(const Linear *l, const float *x, int64_t rows, float *out,
                           const float *residual, void *scratch);

static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Parts for sglc_parallel: several for each thread, so that a thread that others keep from running
 * holds up little, but none smaller than what waking a thread costs. */
int sglc_parts(int64_t units, int64_t work_per_unit);

#endif
