/* Attention over the KV pool, for attention.c, its callers in C and c_attention.py, which mirrors
 * the structs. */
#ifndef SGLC_ATTENTION_H
#define SGLC_ATTENTION_H

#include <stdint.h>

/* Rows [row_start, row_end) attend `length` neighbouring slots from slot_start on, which hold the
 * positions from `position` on. */
typedef struct {
    int32_t row_start, row_end, slot_start, length, position;
} AttentionRun;

/* One pass over packed rows. Runs of one row cover its positions from 0 up, in order. */
typedef struct {
    const int64_t *positions; /* [rows] */
    const int64_t *out_slots; /* [rows] */
    const AttentionRun *runs; /* [run_count] */
    int32_t rows, run_count, heads, kv_heads, dim;
    int32_t bf16;  /* the pool is bfloat16, else float32 */
    int64_t slots; /* in the pool */
} AttentionPass;

/* One layer of a pass. Strides count elements: of a row, and of a head within it. */
typedef struct {
    const void *q, *k, *v; /* [rows, heads or kv_heads, dim] */
    void *out;             /* [rows, heads, dim], contiguous */
    void *keys, *values;   /* [kv_heads, slots, dim] of this layer */
    const float *sinks;    /* [heads] or NULL */
    int64_t q_stride, k_stride, v_stride, q_head, k_head, v_head;
    float scale, softcap; /* softcap 0: none */
    int32_t window;       /* 0: none */
    int32_t bf16;         /* q, k, v and out are bfloat16, else float32 */
} AttentionLayer;

/* What the layers of a pass have in common: which rows read which blocks. Can be used again. */
typedef struct AttentionPlan AttentionPlan;

AttentionPlan *sglc_attention_plan_new(void); /* NULL: out of memory */
void sglc_attention_plan_free(AttentionPlan *plan);

/* Check a pass and plan it; its arrays must stay until the last layer. 0: done; 1: runs of a row
 * have a gap or end before its position; 2: out of memory; 3: rows or slots lie outside the pass
 * or the pool. */
int sglc_attention_plan(AttentionPlan *plan, const AttentionPass *pass);

/* Store k and v in the pool and attend, on the threads of pool.h. 0: done; 2: out of memory. */
int sglc_attend(AttentionPlan *plan, const AttentionLayer *layer);

#endif
